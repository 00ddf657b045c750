"""What chapter 5 asks its readers to forecast."""

from xent_helpers.forecasts.question import Question

QUESTIONS = (
    Question(
        "5.1",
        answer="7/4 log 2",
        beliefs={
            "7/2 log 2": "the mean divides by the number of kept samples; but it divides by their weights",
            "7/3 log 2": "the mean divides by the batch size; but an ignored sample is in neither sum",
            "7/4 log 2": "the weighted losses sum to 7 log 2, and the weights of the kept labels to 4",
            "3/2 log 2": "weights cancel in a mean; but those of the two kept samples differ",
        },
    ),
    Question(
        "5.2",
        answer="0.50",
        beliefs={
            "0.25": "a proper loss ends at the true share; but the factor has changed which share it sees",
            "0.50": "three times a quarter weighs as much as the three quarters of negatives",
            "0.75": "the factor triples the probability; but it acts on the odds, which go from 1:3 to 1:1",
        },
    ),
    Question(
        "5.3",
        answer="only (c)",
        beliefs={
            "all three": "squashing keeps the order, so a sure answer stays sure; but squashed, it leads by at most 1",
            "only (b)": "the binary loss has no sum over classes; but it also takes the sigmoid for a small logit",
            "only (c)": "log-probabilities are logits of the same distribution: a second log-softmax changes nothing",
            "none": "anything before a loss with logits is wrong; but a log-softmax only shifts the logits",
        },
    ),
    Question(
        "5.4",
        answer="loss 100, gradient 0",
        beliefs={
            "loss 17, gradient 1": "both compute the same function; but the sigmoid has rounded to exactly 1",
            "loss 17, gradient 0": "only the gradient saturates; but the loss, too, sees nothing but p = 1",
            "loss 100, gradient 100": "a larger loss has a larger gradient; but the sigmoid's derivative is 0 at p = 1",
            "loss 100, gradient 0": "the logarithm of 0 is clamped, and the sigmoid's slope p (1 - p) is exactly 0",
        },
    ),
    Question(
        "5.5",
        answer="0, gradient 0",
        beliefs={
            "2.8e-9": "float32 can hold much smaller numbers; but 1 + 2.8e-9 is rounded before the logarithm",
            "0, gradient 0": "1 + 2.8e-9 rounds to 1, and so does p, so that p - 1 is 0",
            "0, gradient -2.8e-9": "the gradient is computed separately; but from p, which has rounded to 1",
        },
    ),
)
