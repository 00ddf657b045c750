"""Exercise 5.1: choose a loss."""

from functools import partial

from torch import nn
from torch.nn import functional

from xent_helpers.exercises.draft import Draft

choose = Draft(
    "5.1",
    "Return the name of the loss for each of the five situations.",
    hints=(
        "Ask first: one class of many, or one or more separate yes-or-no questions?",
        "Then ask what the model ends in: logits, log-probabilities or probabilities. Section 5.2 has a table.",
    ),
    afterwards="Look next at chapter 8, where the label itself is a distribution.",
)


@choose.reference
def choose_loss(situation):
    """The loss that takes what the model gives and what the label is."""
    return {
        "one of ten digits, ten logits": "CrossEntropyLoss",
        "spam or not, one logit": "BCEWithLogitsLoss",
        "any of five diseases at once, five logits": "BCEWithLogitsLoss",
        "one of ten digits, ten log-probabilities": "NLLLoss",
        "spam or not, a probability from a program that you cannot change": "BCELoss",
    }[situation]


DIGIT_LOGITS = "one of ten digits, ten logits"
SPAM_LOGIT = "spam or not, one logit"
DISEASES = "any of five diseases at once, five logits"
DIGIT_LOGS = "one of ten digits, ten log-probabilities"
SPAM_PROBABILITY = "spam or not, a probability from a program that you cannot change"
SITUATIONS = (DIGIT_LOGITS, SPAM_LOGIT, DISEASES, DIGIT_LOGS, SPAM_PROBABILITY)


@choose.inputs
def choose_inputs(rng):
    return [(SITUATIONS[i],) for i in rng.permutation(len(SITUATIONS))]


def chosen(situation, instead):
    """The right choice but for the situations in ``instead``."""
    return instead.get(situation) or choose_loss(situation)


CHOICES = (
    (
        {DISEASES: "CrossEntropyLoss"},
        "CrossEntropyLoss lets the five diseases compete: their probabilities add up to 1. Can a patient have two?",
    ),
    (
        {DISEASES: "CrossEntropyLoss", SPAM_LOGIT: "CrossEntropyLoss"},
        "You give all logits to CrossEntropyLoss. Its softmax makes the probabilities of one sample add up to 1: what "
        "is the softmax of a single logit, and can a patient have two of five diseases?",
    ),
    (
        {DISEASES: "MultiLabelSoftMarginLoss"},
        "That loss gives the same mean as one of section 5.2's, under another name, and takes no pos_weight. Which of "
        "the five treats each of K logits as a yes-or-no question?",
    ),
    (
        {SPAM_LOGIT: "CrossEntropyLoss"},
        "CrossEntropyLoss of a single logit with label 0 is 0, whatever the logit. What is the softmax of one number?",
    ),
    (
        {SPAM_LOGIT: "NLLLoss"},
        "NLLLoss picks the entry of the true class, and a single logit is a single entry. What would it pick for "
        "label 1, and does it normalise anything?",
    ),
    (
        {SPAM_LOGIT: "BCELoss"},
        "A logit of 3 is no probability: BCELoss refuses it. Which loss takes the sigmoid itself, and why is that the "
        "safer order?",
    ),
    (
        {DISEASES: "BCELoss"},
        "These are five yes-or-no questions, but you have logits, and BCELoss refuses a 3. Which loss takes the "
        "sigmoid itself?",
    ),
    (
        {SPAM_LOGIT: "BCELoss", DISEASES: "BCELoss"},
        "BCELoss wants probabilities, and a logit of 3 is none. Which loss takes the sigmoid itself, and why is "
        "that the safer order?",
    ),
    (
        {SPAM_LOGIT: "BCELoss", DISEASES: "BCELoss", SPAM_PROBABILITY: "BCEWithLogitsLoss"},
        "You have the two binary losses the wrong way round. What does WithLogits say about the input: that it is one, "
        "or that you want one?",
    ),
    (
        {SPAM_PROBABILITY: "BCEWithLogitsLoss"},
        "BCEWithLogitsLoss would squash the probability once more, and never come below 0.3133. What does the "
        "program give: a logit or a probability?",
    ),
    (
        {SPAM_PROBABILITY: "CrossEntropyLoss"},
        "CrossEntropyLoss takes logits, one for each class, and its loss of a single number is 0 or an error. What "
        "does the program give?",
    ),
    (
        {SPAM_PROBABILITY: "NLLLoss"},
        "NLLLoss picks an entry and turns its sign: it would return −p, and has no entry for the other label. Which "
        "loss takes the logarithms of p and 1 − p itself?",
    ),
    (
        {SPAM_PROBABILITY: "MSELoss"},
        "MSELoss takes a probability, but squares the error. Which loss is −log p of the label?",
    ),
    (
        {DIGIT_LOGS: "CrossEntropyLoss"},
        "CrossEntropyLoss would take the log-softmax once more: harmless, but which loss does only the rest?",
    ),
    (
        {DIGIT_LOGS: "KLDivLoss"},
        "KLDivLoss takes log-probabilities too, but its target is a row of probabilities. Which loss takes the number "
        "of the class?",
    ),
    (
        {DIGIT_LOGS: "BCELoss"},
        "BCELoss takes probabilities, from 0 to 1, and a log-probability is at most 0. Which loss only picks the true "
        "class's entry?",
    ),
    (
        {DIGIT_LOGITS: "NLLLoss"},
        "NLLLoss normalises nothing: given logits it returns minus the true logit. Which loss takes the log-softmax "
        "first?",
    ),
    (
        {DIGIT_LOGITS: "NLLLoss", DIGIT_LOGS: "CrossEntropyLoss"},
        "You have the two losses for one class of ten the wrong way round. One takes the log-softmax, the other has "
        "nothing left to do but pick: which of the two belongs to logits?",
    ),
    (
        {DIGIT_LOGITS: "BCEWithLogitsLoss"},
        "BCEWithLogitsLoss asks ten separate questions, so that all ten may be answered yes. A picture shows one "
        "digit: what should its ten probabilities add up to?",
    ),
    (
        dict.fromkeys(SITUATIONS, "CrossEntropyLoss"),
        "Cross-entropy is the idea behind all of them; but CrossEntropyLoss takes one thing only. What does each model "
        "end in, and is one class true or may several be?",
    ),
)


def places(instead):
    """A name for a wrong choice: what was chosen where."""
    return ", ".join(f"{name} for {situation.split(',')[0]}" for situation, name in instead.items())


for instead, message in CHOICES:
    choose.add(partial(chosen, instead=instead), message, places(instead))


def spelt(situation, spell):
    return spell(choose_loss(situation))


FUNCTIONS = {
    "CrossEntropyLoss": "cross_entropy",
    "BCEWithLogitsLoss": "binary_cross_entropy_with_logits",
    "NLLLoss": "nll_loss",
    "BCELoss": "binary_cross_entropy",
}
SPELLINGS = {
    "nn. before the name": lambda name: f"nn.{name}",
    "torch.nn. before the name": lambda name: f"torch.nn.{name}",
    "brackets after the name": lambda name: f"{name}()",
    "the class": lambda name: getattr(nn, name),
    "an object of the class": lambda name: getattr(nn, name)(),
    "the function": lambda name: getattr(functional, FUNCTIONS[name]),
    "the function's name": FUNCTIONS.__getitem__,
    "F. and the function's name": lambda name: f"F.{FUNCTIONS[name]}",
    "small letters": str.lower,
    "capital letters": str.upper,
}


for name, spell in SPELLINGS.items():
    choose.add(
        partial(spelt, spell=spell),
        'You chose rightly each time. But a name is asked for, as text, such as "NLLLoss": what is each of your losses '
        "called in the table of section 5.2?",
        name,
    )
