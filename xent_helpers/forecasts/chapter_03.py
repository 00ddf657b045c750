"""What chapter 3 asks its readers to forecast."""

from xent_helpers.forecasts.question import Question

QUESTIONS = (
    Question(
        "3.1",
        answer="none changes",
        beliefs={
            "all grow": "Larger scores look like larger probabilities; but the probabilities have to add up to 1.",
            "the largest grows": "The exponential favours large scores; but only differences of scores count.",
            "none changes": "The factor exp(5) cancels between numerator and denominator.",
        },
    ),
    Question(
        "3.2",
        answer="it rises",
        beliefs={
            "it stays": "The loss is −log p of the true class and mentions no other; but p depends on every score.",
            "it rises": "The log-sum-exp grows with every score, here by p = 0.242 for each unit.",
            "it falls": "A larger sum looks like more evidence; but it stands in the denominator.",
        },
    ),
    Question(
        "3.3",
        answer="inf",
        beliefs={
            "log 1000 = 6.91": "Every exponential is finite; but their sum, exp(91.9), is not.",
            "inf": "The sum overflows, so p is exp(85) / ∞ = 0 and the loss −log 0.",
            "nan": "Overflow ends in nan where numerator and denominator both overflow; here only the sum does.",
        },
    ),
    Question(
        "3.4",
        answer="about 16",
        beliefs={
            "80": "Nothing overflows after the shift; but 1e-7 is far more than p = exp(−80).",
            "about 16": "−log(p + 1e-7) can never exceed −log 1e-7 = 16.12.",
            "inf": "p underflows only from a lag of 104 on, and the small number hides even that.",
        },
    ),
    Question(
        "3.5",
        answer="0",
        beliefs={
            "2.8194e-09": "float32 can hold this number; but it has to pass through a sum near 1.",
            "about 3e-09": "Digits are lost one by one; but at a lead of 20 the last one is gone.",
            "0": "1 + exp(−20) + exp(−21) rounds to 1, and log 1 is 0.",
        },
    ),
)
