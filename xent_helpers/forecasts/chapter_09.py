"""What chapter 9 asks its readers to forecast."""

from xent_helpers.forecasts.question import Question

QUESTIONS = (
    Question(
        "9.1",
        answer="at it, to six digits",
        beliefs={
            "clearly below it": "training is cleverer than counting; but the counts' shares are each row's optimum",
            "at it, to six digits": "the same sum is minimised, and the counts' shares are its minimum in each row",
            "clearly above it": "an optimiser only approximates; but this loss is convex, and 300 steps come close",
        },
    ),
    Question(
        "9.2",
        answer="perplexity: bytes, bits: pairs",
        beliefs={
            "single bytes in both": "fewer classes are easier to guess; but then twice as many guesses are needed",
            "pairs in both": "a better model is better in every unit; but perplexity counts tokens, not text",
            "perplexity: bytes, bits: pairs": "two bytes at once are a harder guess than one, an easier one than two",
        },
    ),
    Question(
        "9.3",
        answer="no shift",
        beliefs={
            "one shift": "the right labels must win; but a wrong task may be easier than the right one",
            "no shift": "the label is then the input itself, and copying it costs nothing",
            "two shifts": "more distance makes a smoother task; but what is further away is harder to guess",
        },
    ),
    Question(
        "9.4",
        answer="falls if cut anywhere, levels off at line ends",
        beliefs={
            "falls towards 0 in both": "more data averages everything out; but not a weight that goes with the content",
            "levels off in both": "the weights are wrong however many there are; but wrong at random is only noise",
            "falls if cut anywhere, levels off at line ends": "the labels of short lines, above all of empty "
            "ones, are unlike the rest and count for too much in every step; lengths at random favour nothing",
        },
    ),
    Question(
        "9.5",
        answer="a little over 1",
        beliefs={
            "about 0.05": "one piece is there at a time; but autograd keeps the log-softmax of each for backward",
            "a little over 1": "the log-softmaxes of all pieces wait for the backward pass: together, all rows",
            "3, as before": "pieces change nothing; but the backward pass frees each piece before it goes to the next",
        },
    ),
)
