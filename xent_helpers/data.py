"""The course's small real data sets. They come with scikit-learn or lie beside this file: nothing is downloaded."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from sklearn import datasets
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

_TEXT = Path(__file__).parent / "texts" / "descriptions.rst"


@dataclass(frozen=True)
class Split:
    """A training and a test part, features standardised with the training part's mean and spread.

    Shapes: x (N, D) float64, y (N,) int64; ``train_index`` and ``test_index`` find the rows in the data set.
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    train_index: np.ndarray
    test_index: np.ndarray

    def tensors(
        self,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float64,
        column: bool = False,
    ) -> tuple[tuple[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]:
        """Return the training and the test part, each as a pair (x, y) of tensors on ``device``.

        Args:
            device: where to put them.
            dtype: the type of x.
            column: False gives integer labels (N,), for a model with one output a class; True gives labels
                (N, 1) of x's type, for a model with a single output.

        Example:
            >>> (x, y), (x_test, y_test) = breast_cancer().split().tensors(column=True)
            >>> x.shape, y.shape
            (torch.Size([426, 30]), torch.Size([426, 1]))
        """
        train = _tensors(self.x_train, self.y_train, device, dtype, column)
        return train, _tensors(self.x_test, self.y_test, device, dtype, column)


class Part(NamedTuple):
    """Some rows of a data set: ``x`` (n, D) float64, standardised; ``y`` (n,) int64; ``index`` finds the rows."""

    x: np.ndarray
    y: np.ndarray
    index: np.ndarray

    def tensors(
        self,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float64,
        column: bool = False,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return (x, y) as tensors; ``column`` gives labels (n, 1) of x's type, for a model with a single output.

        Example:
            >>> x, y = breast_cancer().three_parts().validation.tensors(column=True)
            >>> x.shape, y.shape
            (torch.Size([114, 30]), torch.Size([114, 1]))
        """
        return _tensors(self.x, self.y, device, dtype, column)


class ThreeParts(NamedTuple):
    """A training part that weights are fitted to, a validation part for every choice, a test part opened once."""

    train: Part
    validation: Part
    test: Part


@dataclass(frozen=True)
class DataSet:
    """Features ``x`` (N, D) float64 in their own units, labels ``y`` (N,) int64, and their names."""

    x: np.ndarray
    y: np.ndarray
    classes: tuple[str, ...]
    features: tuple[str, ...]

    def split(self, test_fraction: float = 0.25, seed: int = 0) -> Split:
        """Split at random, each class in proportion; the test part plays no role in the standardising.

        Example:
            >>> iris().split().x_test.shape
            (38, 4)
        """
        train, test = train_test_split(
            np.arange(len(self.y)), test_size=test_fraction, random_state=seed, stratify=self.y
        )
        scaler = StandardScaler().fit(self.x[train])
        x_train, x_test = scaler.transform(self.x[train]), scaler.transform(self.x[test])
        return Split(x_train, self.y[train], x_test, self.y[test], train, test)

    def three_parts(self, seed: int = 0) -> ThreeParts:
        """Split at random: 60 % to train, 20 % to validate, 20 % to test, standardised by the training part alone.

        Example:
            >>> [len(part.y) for part in digits().three_parts()]
            [1078, 360, 359]
        """
        count = len(self.y)
        rows = np.random.default_rng(seed).permutation(count)
        train, validation, test = np.split(rows, [round(0.6 * count), round(0.8 * count)])
        scaler = StandardScaler().fit(self.x[train])
        return ThreeParts(
            *(Part(scaler.transform(self.x[part]), self.y[part], part) for part in (train, validation, test))
        )


def iris() -> DataSet:
    """150 flowers, 4 lengths in cm, 3 species (Fisher, 1936)."""
    return _loaded(datasets.load_iris())


def breast_cancer() -> DataSet:
    """569 tumours, 30 measurements, 2 classes: 0 malignant, 1 benign (Wolberg, Street and Mangasarian, 1995)."""
    return _loaded(datasets.load_breast_cancer())


def digits() -> DataSet:
    """1,797 handwritten digits as 8 × 8 pictures, grey levels 0 to 16, 10 classes (Alpaydin and Kaynak, 1998)."""
    return _loaded(datasets.load_digits())


def diagnoses() -> tuple[np.ndarray, tuple[str, ...]]:
    """30 psychiatric patients, six diagnoses each: how many of six psychiatrists chose each of five classes.

    The six were drawn from a larger group for each patient, so a column of answers belongs to no single person.

    Returns:
        Counts (30, 5) int64, each row with sum 6, and the names of the classes.

    Example:
        >>> counts, names = diagnoses()
        >>> counts.shape, counts[1]
        ((30, 5), array([0, 3, 0, 0, 3]))

    Source: Fleiss, J. L. (1971). Measuring nominal scale agreement among many raters. Psychological Bulletin, 76,
    378-382, table 1.
    """
    rows = """00060 03003 01401 00006 03030 20400 00402 20310 20040 00006 10050 11040 03300 10050 02031
              00501 30012 51000 02040 10203 00006 01050 02013 20040 10041 05010 40002 02040 10500 00006"""
    counts = np.array([[int(digit) for digit in row] for row in rows.split()])
    return counts, ("depression", "personality disorder", "schizophrenia", "neurosis", "other")


def text() -> bytes:
    """14,279 bytes of English: scikit-learn's descriptions of five of its data sets, one after the other.

    Every number that chapter 9 prints depends on each byte, and scikit-learn's versions differ in some; so the text
    comes with the course.

    Example:
        >>> len(text()), text()[:18]
        (14279, b'.. _breast_cancer_')

    Source: the files ``sklearn/datasets/descr/*.rst`` of breast_cancer, diabetes, digits, iris and wine_data in
    scikit-learn 1.9 (BSD-3-Clause).
    """
    return _TEXT.read_bytes()


def _tensors(
    x: np.ndarray, y: np.ndarray, device: torch.device | str, dtype: torch.dtype, column: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    labels = torch.from_numpy(y[:, None] if column else y)
    return torch.from_numpy(x).to(device, dtype), labels.to(device, dtype if column else torch.int64)


def _loaded(bunch) -> DataSet:
    names = tuple(str(name) for name in bunch.target_names)
    return DataSet(bunch.data.astype(float), bunch.target.astype(np.int64), names, tuple(map(str, bunch.feature_names)))
