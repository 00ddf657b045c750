"""What chapter 8 asks its readers to forecast."""

from xent_helpers.forecasts.question import Question

QUESTIONS = (
    Question(
        "8.1",
        answer="0.75 to 0.88",
        beliefs={
            "0.97": "The expected gradient is the same, but the labels are drawn "
            "once and seen again in each epoch; the network memorises them.",
            "0.93": "A little worse than exact rows. Stopping early comes near that; 300 steps do not.",
            "0.75 to 0.88": "The network learns the digits first and then memorises wrong labels.",
            "0.60": "No model is better than its labels. Some are: errors that no picture explains average out.",
        },
    ),
    Question(
        "8.2",
        answer="4.5",
        beliefs={
            "0.9": "The true class keeps 0.9. That is a difference of probabilities, not of logits.",
            "2.2": "log 9, the log-odds of 0.9. The gap is to one other class, which has 0.01 only.",
            "4.5": "log(0.91 / 0.01) = log 91.",
            "no limit": "As with hard labels. The smoothed target is finite, and beyond it the loss rises.",
        },
    ),
    Question(
        "8.3",
        answer="above 0.1",
        beliefs={
            "about 0.01": "Smoothing is said to calibrate. It lowers claims, and these were about right.",
            "about 0.02": "The accuracy stays, so the calibration does. It does not: the claims fall to about 0.84.",
            "above 0.1": "The networks are right on 98% and are told to claim at most 0.91.",
        },
    ),
    Question(
        "8.4",
        answer="8",
        beliefs={
            "1": "The name suggests a mean over everything in the batch. It divides by the first axis only.",
            "8": "The sum over 32 tokens is divided by 4 texts, so the number of tokens in a text remains as a factor.",
            "32": "As if nothing was divided; it divides by 4.",
            "1/50": 'That is `reduction="mean"`, which divides by the vocabulary too.',
        },
    ),
    Question(
        "8.5",
        answer="forward correction",
        beliefs={
            "GCE": "It won under uniform noise. A consistent error is believable, so the GCE learns it.",
            "forward correction": "It alone knows that a recorded 4 may be a 3.",
            "cross-entropy": "It was only a little behind under uniform noise. It learns the records as they are.",
        },
    ),
)
