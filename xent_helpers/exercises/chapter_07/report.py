"""Exercise 7.4: an honest report."""

from dataclasses import replace

import numpy as np

from xent_helpers import calibration, losses
from xent_helpers.exercises.chapter_07 import has_best_temperature, part
from xent_helpers.exercises.constants import NEVER_NEGATIVE
from xent_helpers.exercises.draft import Draft
from xent_helpers.exercises.slips import BASES, DOUBLED, HALVED, NEGATIVE, ONE_FEWER


def one_fewer_test_sample(output, arguments):
    n = len(arguments[5])
    return output * n / (n - 1)


report = Draft(
    "7.4",
    "Repair the report: return the loss on all of the test part that says how the calibrated model does on pictures "
    "to come.",
    must=(NEVER_NEGATIVE,),
    slips=(NEGATIVE, *BASES, replace(ONE_FEWER, after=one_fewer_test_sample), HALVED, DOUBLED),
    tolerance=1e-7,  # T may come from any other search for the bottom of the bowl
    rounds=2,
    hints=(
        "Which labels have a say in T? May they have one in the loss that is reported?",
        "Fit on z_valid and y_valid, divide z_test, report with y_test.",
    ),
    afterwards=(
        "Compare both reports over many splits: the flattery is small for one parameter. Then imagine choosing the "
        "best of a hundred models on the test part."
    ),
)


@report.reference
def honest_report(z_train, y_train, z_valid, y_valid, z_test, y_test):
    T = calibration.fit_temperature(z_valid, y_valid)
    return float(losses.cross_entropy(z_test / T, y_test))


def three_parts(rng, sizes, classes, scale=1.0):
    """Three parts; the logits know the training labels too well, and less of the others. T grows with ``scale``."""
    parts = [part(rng, n, classes, knows) for n, knows in zip(sizes, (3.0, 1.2, 1.0), strict=True)]
    return tuple(array for z, y in parts for array in (scale * z, y))


def same_gaps(gaps, sizes):
    """Three parts of two classes: in each the logits differ by the same gap, and the last sample is wrong."""
    parts = [(np.array([[gap, 0.0]] * n), np.array([0] * (n - 1) + [1])) for gap, n in zip(gaps, sizes, strict=True)]
    return tuple(array for pair in parts for array in pair)


@report.inputs
def report_inputs(rng):
    plain = same_gaps((4.0, 2.0, 1.0), (5, 4, 3))
    misled = same_gaps((4.0, 2.0, 1.0), (5, 4, 6))  # the honest T makes the test loss worse than T = 1 does
    sizes = [rng.permutation([int(n) for n in rng.integers((20, 40, 60), (40, 60, 90))]) for _ in range(2)]
    drawn = [three_parts(rng, some, int(rng.integers(2, 11))) for some in sizes]
    scaled = [three_parts(rng, (20, 20, 20), 3, scale) for scale in (0.2, 4.0)]  # a T below 1, and one above 3
    return [plain, misled, three_parts(rng, (8, 8, 8), 2), *drawn, *scaled]


@report.domain
def report_domain(*arrays):
    parts = list(zip(arrays[::2], arrays[1::2], strict=True))
    right = all(len(z) == len(y) > 1 and np.all((y >= 0) & (y < z.shape[1])) for z, y in parts)
    same = len({z.shape[1] for z, _ in parts}) == 1
    return right and same and all(np.all(np.abs(z) < 100) and has_best_temperature(z, y) for z, y in parts)


@report.mistake
def report_fitted_on_test(z_train, y_train, z_valid, y_valid, z_test, y_test):
    """T is still fitted on the test part. There it is the best of all T by definition, so the loss cannot come out
    higher than an honest one. Which part has neither trained the model nor is to be reported?"""
    return float(losses.cross_entropy(z_test / calibration.fit_temperature(z_test, y_test), y_test))


@report.mistake
def report_fitted_on_training(z_train, y_train, z_valid, y_valid, z_test, y_test):
    """Now T is fitted on the training part. The model has seen these labels: is it as often right elsewhere as it is
    there?"""
    return float(losses.cross_entropy(z_test / calibration.fit_temperature(z_train, y_train), y_test))


@report.mistake
def report_fitted_on_both(z_train, y_train, z_valid, y_valid, z_test, y_test):
    """Validation and test together: the test labels still have a say in T. Which labels may have one?"""
    z, y = np.concatenate([z_valid, z_test]), np.concatenate([y_valid, y_test])
    return float(losses.cross_entropy(z_test / calibration.fit_temperature(z, y), y_test))


@report.mistake
def report_fitted_on_training_and_validation(z_train, y_train, z_valid, y_valid, z_test, y_test):
    """More data for T, but some of the pictures are those that the model was trained on, where it is too often right.
    What would T be if they were the majority?"""
    z, y = np.concatenate([z_train, z_valid]), np.concatenate([y_train, y_valid])
    return float(losses.cross_entropy(z_test / calibration.fit_temperature(z, y), y_test))


@report.mistake
def report_on_validation(z_train, y_train, z_valid, y_valid, z_test, y_test):
    """You fit and report on the validation part, so the report flatters again. What is the third part for?"""
    return float(losses.cross_entropy(z_valid / calibration.fit_temperature(z_valid, y_valid), y_valid))


@report.mistake
def report_multiplied(z_train, y_train, z_valid, y_valid, z_test, y_test):
    """The right T, but multiplied. Does a T above 1 soften your probabilities?"""
    return float(losses.cross_entropy(z_test * calibration.fit_temperature(z_valid, y_valid), y_test))


@report.mistake
def report_uncalibrated(z_train, y_train, z_valid, y_valid, z_test, y_test):
    """Honest, but this is the model without a temperature. Where should T come from?"""
    return float(losses.cross_entropy(z_test, y_test))


@report.mistake
def report_on_both(z_train, y_train, z_valid, y_valid, z_test, y_test):
    """T is fitted where it should be, but its own samples are part of the report. Which part has had no say in
    anything?"""
    T = calibration.fit_temperature(z_valid, y_valid)
    return float(losses.cross_entropy(np.concatenate([z_valid, z_test]) / T, np.concatenate([y_valid, y_test])))


@report.mistake
def report_fitted_on_all(z_train, y_train, z_valid, y_valid, z_test, y_test):
    """All data together fit T, those that the model was trained on and those that are to be reported. Which labels may
    have a say in T?"""
    z, y = np.concatenate([z_train, z_valid, z_test]), np.concatenate([y_train, y_valid, y_test])
    return float(losses.cross_entropy(z_test / calibration.fit_temperature(z, y), y_test))


@report.mistake
def report_of_mean_temperature(z_train, y_train, z_valid, y_valid, z_test, y_test):
    """The mean of two temperatures, one of them fitted on the test part: its labels still have a say. Which labels may
    have one?"""
    T = (calibration.fit_temperature(z_valid, y_valid) + calibration.fit_temperature(z_test, y_test)) / 2
    return float(losses.cross_entropy(z_test / T, y_test))


@report.mistake
def report_on_training(z_train, y_train, z_valid, y_valid, z_test, y_test):
    """You report on the training part. Are those pictures to come?"""
    return float(losses.cross_entropy(z_train / calibration.fit_temperature(z_valid, y_valid), y_train))


@report.mistake
def report_of_probabilities(z_train, y_train, z_valid, y_valid, z_test, y_test):
    """The right T; but you handed probabilities to a loss that takes logits, so the softmax is taken twice. What does
    losses.cross_entropy do with its input?"""
    T = calibration.fit_temperature(z_valid, y_valid)
    return float(losses.cross_entropy(losses.softmax(z_test / T), y_test))


@report.mistake
def report_divided(z_train, y_train, z_valid, y_valid, z_test, y_test):
    """The right T; but you divided the loss by it, in place of the logits. At which point does T act?"""
    return float(losses.cross_entropy(z_test, y_test)) / calibration.fit_temperature(z_valid, y_valid)


@report.mistake
def report_summed(z_train, y_train, z_valid, y_valid, z_test, y_test):
    """The right T, and a sum. What should the report be if every sample came twice?"""
    return honest_report(z_train, y_train, z_valid, y_valid, z_test, y_test) * len(y_test)


@report.mistake
def report_of_temperature(z_train, y_train, z_valid, y_valid, z_test, y_test):
    """That is T itself. Which loss does it lead to, and on which part?"""
    return calibration.fit_temperature(z_valid, y_valid)


@report.mistake
def report_of_errors(z_train, y_train, z_valid, y_valid, z_test, y_test):
    """You counted how often the favourite is right, or wrong. Can a temperature change that number?"""
    return float(np.mean(z_test.argmax(axis=1) != y_test))


@report.mistake(like=report_of_errors)
def report_of_accuracy(z_train, y_train, z_valid, y_valid, z_test, y_test):
    return float(np.mean(z_test.argmax(axis=1) == y_test))
