"""What chapter 1 asks its readers to forecast."""

from xent_helpers.forecasts.question import Question

QUESTIONS: tuple[Question, ...] = (
    Question(
        "1.1",
        answer="about 2.3",
        beliefs={
            "about 1.4": "0.7 is 1.4 times 0.5; but that is the factor of one head, and ten flips are multiplied",
            "about 2.3": "seven factors of 1.4 and three of 0.6 make 2.28",
            "about 10": "ten flips seem strong evidence; the three tails take back most of what the heads give",
        },
    ),
    Question(
        "1.2",
        answer="0.0",
        beliefs={
            "0.0": "float64 has no positive number below 5e-324, so the product underflows",
            "about 1e-399": "this is the true value, and Python's integers have any size; its floats do not",
            "an error": "2.0**2000 raises an OverflowError; a result too small is rounded to 0 without a word",
        },
    ),
    Question(
        "1.3",
        answer="only the likelihood",
        beliefs={
            "only the likelihood": "each flip multiplies it by a factor, so it narrows; the mean depends on k/N alone",
            "only the mean NLL": "a mean over more samples seems to change; it settles, as k/N does",
            "both": "one is the logarithm of the other; but the division by N takes the growth away again",
        },
    ),
    Question(
        "1.4",
        answer="2.3026",
        beliefs={
            "an error": "the label is wrong, so it should be refused; but index 2 exists, and is the third class",
            "0.3567": "the function might count from 1 as the text does; NumPy and PyTorch count from 0",
            "1.6094": "that is index 0, one too low; the index passed is one too high",
            "2.3026": "index 2 is the third class, whose probability is 0.1, and −log 0.1 = 2.3026",
        },
    ),
    Question(
        "1.5",
        answer="the memoriser on training labels, the oracle on fresh ones",
        beliefs={
            "the oracle on both": "nothing should beat the true probabilities; true on fresh labels, in expectation",
            "the memoriser on both": "it looks nearly perfect, but 6 in 10 fresh labels are not those it stored",
            "the memoriser on training labels, the oracle on fresh ones": "it pays −log 0.99 for labels that it has "
            "seen, and −log 0.0011 for each fresh label that differs",
            "the oracle on training labels, the memoriser on fresh ones": "more knowledge should help in training; but "
            "there the memoriser knows the labels themselves",
        },
    ),
)
