"""Exercises of chapter 2: entropy, divergence, effective classes, proper scores and the floor of the loss."""

import numpy as np

from xent_helpers.exercises.draft import Variant


def careful(a, b):
    with np.errstate(divide="ignore"):
        return a * np.log(np.where((a == 0) & (b == 0), 1.0, b))


def careless(a, b):
    with np.errstate(divide="ignore", invalid="ignore"):
        return a * np.log(b)


# `term(a, b)` computes a · log b. Most people do not think of zeros there, some do; each formula is in both forms.
ZEROS = (
    Variant("careful", careful),
    Variant(
        "careless",
        careless,
        "0 · log 0 must be 0, and NumPy makes it nan. How do you keep the zeros out of the logarithm?",
    ),
)
