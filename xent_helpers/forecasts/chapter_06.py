"""What chapter 6 asks its readers to forecast."""

from xent_helpers.forecasts.question import Question

QUESTIONS = (
    Question(
        "6.1",
        answer="about 0.9",
        beliefs={
            "about 0.1": (
                "there are ten digits, so a guess is right one time in ten; but the question here has two answers"
            ),
            "about 0.5": "without inputs a model can only toss a coin; but it can learn how rare an 8 is",
            "about 0.9": "always saying no is right for all digits but the eights, a tenth of them",
        },
    ),
    Question(
        "6.2",
        answer="the right loop and the one without a reset",
        beliefs={
            "only the right loop": (
                "a mistake in the loop must show; but on one batch the sum of the first gradients still leads downhill"
            ),
            "the right loop and the one without a reset": (
                "the sum of the first gradients still leads downhill, while the second softmax "
                "puts a floor under the loss"
            ),
            "all three": (
                "sixteen pictures are easy; but no weights give a loss below log(1 + 9/e) behind a second softmax"
            ),
        },
    ),
    Question(
        "6.3",
        answer="three or fewer",
        beliefs={
            "ten or more": "the loop is the usual one and raises no error; but the units make its logits huge",
            "four to nine": ("it depends on the random start; but those with a gradient lose nearly all of it"),
            "three or fewer": ("logits in the hundreds leave the wrong tumours without a gradient, sooner or later"),
        },
    ),
    Question(
        "6.4",
        answer="four or five",
        beliefs={
            "none or one": (
                "the linear model led on every split, and it cannot overfit as "
                "badly; but it led at a rate that is far too low for both"
            ),
            "two or three": (
                "with few pictures a larger model is a matter of luck; but here it gains on at least four of the five"
            ),
            "four or five": ("at rate 0.01 the network had merely not got far; at its own rate its hidden layer pays"),
        },
    ),
    Question(
        "6.5",
        answer="more than 50%",
        beliefs={
            "5% to 20%": "the loss is spread over all pictures; but half of them cost next to nothing",
            "20% to 50%": ("mistakes cost more than right answers; but the confident ones cost several nats each"),
            "more than 50%": "a trained model is sure and right of most pictures, so few of them make the mean",
        },
    ),
)
