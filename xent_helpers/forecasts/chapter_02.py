"""What chapter 2 asks its readers to forecast."""

from xent_helpers.forecasts.question import Question

QUESTIONS: tuple[Question, ...] = (
    Question(
        "2.1",
        answer="as many bits",
        beliefs={
            "more bits": "ten heads look special; but the mixed sequence is one outcome too, and exactly as rare",
            "as many bits": "each of the 1,024 sequences has the probability 1/1024, so 10 bits",
            "fewer bits": "ten heads are easier to describe; the surprise reads the probability, not the description",
        },
    ),
    Question(
        "2.2",
        answer="nan",
        beliefs={
            "0.3251": "this is the entropy; but the line computes 0 · log 0 for rain and snow on the way",
            "inf": "the logarithm of 0 is infinite; but it is multiplied by 0 before it is added",
            "nan": "NumPy's log 0 is minus infinity, 0 times infinity is not a number, and a sum keeps that",
        },
    ),
    Question(
        "2.3",
        answer="0.875",
        beliefs={
            "0": "the lengths are the same four numbers; but now the most frequent report has a long codeword",
            "0.875": "1/2 and 1/4 of the days take 3 bits, 1/8 take 2 and 1/8 take 1: 2.625 in all, not 1.75",
            "2": "sun takes 3 bits instead of 1; but only half of the days are sunny, and snow becomes cheaper",
        },
    ),
    Question(
        "2.4",
        answer="first infinite, then log 2",
        beliefs={
            "log 2 both times": "a difference between two coins should not depend on the order; a divergence does",
            "first infinite, then log 2": "heads occur half of the time and cost −log 0; the other way round every "
            "flip costs −log 0.5, and the truth has no entropy",
            "first log 2, then infinite": "this swaps the two: the truth says how often a price is paid, the belief "
            "sets it",
            "infinite both times": "one of the two distributions has a 0 in each case; where the truth has it, it "
            "costs nothing",
        },
    ),
    Question(
        "2.5",
        answer="too timid",
        beliefs={
            "ignores the sky": "its probability is right on average; but it gives up all that the sky says",
            "too sure": "0.01 is nearer to 0.1 than 0.3 is; but the logarithm measures ratios, not differences",
            "too timid": "its worst price, −log 0.3, is far below the −log 0.01 that the too sure one pays",
        },
    ),
    Question(
        "2.6",
        answer="1",
        beliefs={
            "0.5": "a report in the middle is never far off; but the expected cost falls all the way to 1",
            "0.7": "honesty ought to be best; it is under the log and the Brier score",
            "0.85": "half way to certainty would be a compromise; a straight line has its lowest point at an end",
            "1": "the expected cost is a straight line in the report, with slope 1 − 2 · 0.7",
        },
    ),
)
