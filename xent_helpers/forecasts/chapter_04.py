"""What chapter 4 asks its readers to forecast."""

from xent_helpers.forecasts.question import Question

QUESTIONS: tuple[Question, ...] = (
    Question(
        "4.1",
        answer="(nan, nan)",
        beliefs={
            "(−1, 1), up to rounding": "On paper the two links cancel, and an equation holds for numbers too. But the "
            "first link is rounded before the second is multiplied by it.",
            "(0, 0)": "A saturated softmax has a Jacobian of zeros. But zero times the infinite −y/p is not zero.",
            "(nan, nan)": "p₀ underflows to 0, so −y/p is −∞, and the zeros of the Jacobian times −∞ are NaN.",
        },
    ),
    Question(
        "4.2",
        answer="about 0.62, the share of benign tumours",
        beliefs={
            "about 0.93, as from the ordinary start": "Both losses predict about equally well at their minima, "
            "and the best rate will find them. But no rate of the grid makes up for a slope of the order of 1e-9.",
            "about 0.8, on its way": "Small slopes make training slow. But this slow means not one changed prediction.",
            "about 0.62, the share of benign tumours": "The factor p (1 − p) is about e⁻²⁰, so the weights stay where "
            "they are, and the model still calls every tumour benign.",
        },
    ),
    Question(
        "4.3",
        answer="9",
        beliefs={
            "3": "Newton's method is exact for a parabola. But the loss is close to one only near its bottom.",
            "9": "About six steps that divide the norm by 3, then three or so that double the number of right digits.",
            "30": "A better method than descent, with progress at a steady pace. But it is quadratic at the end.",
            "more than 100": "1,000 steps of descent were not enough. But with curvature a narrow valley does no harm.",
        },
    ),
    Question(
        "4.4",
        answer="0.6274, to four digits",
        beliefs={
            "between 0.5 and 0.62": "An unsure model shrinks its probabilities toward ½. But the bias moves until "
            "the mean is right.",
            "0.6274, to four digits": "The gradient for the bias is the mean of p − y, and at the minimum it is 0.",
            "above 0.63": "Most tumours are benign, so the model leans to that side. But then its bias would have a "
            "slope to follow.",
            "0.5": "The sigmoid is centred at ½, and the features at 0. But the bias is free.",
        },
    ),
)
