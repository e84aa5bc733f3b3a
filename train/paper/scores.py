"""Figures of a classifier on rows it did not train on."""

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from sklearn.metrics import confusion_matrix

from detector.bundle import Part


class Class(Part):
    """One line of the per-class report."""

    name: str
    precision: float
    recall: float
    f1: float
    rows: int


class Scores(Part):
    """All that is told of one model, from its confusion matrix."""

    classes: tuple[str, ...]
    confusion: list[list[Annotated[int, Field(ge=0)]]]
    """Rows of each class (outer) that were told to be of each class (inner)."""

    @property
    def accuracy(self) -> float:
        """Return the share of rows told right."""
        return float(np.trace(self._counts) / self._counts.sum())

    @property
    def by_class(self) -> list[Class]:
        """Return the per-class report. A class that is never told has precision 0."""
        return _by_class(self.classes, self._counts.astype(float))

    @property
    def weighted(self) -> dict[str, float]:
        """Return the paper's four figures: means over the classes, weighted by their rows."""
        return _weighted(self._counts.astype(float))

    @property
    def balanced(self) -> dict[str, float]:
        """Return the same four as if every class that occurs had as many rows as the others."""
        counts = self._counts[self._counts.sum(axis=1) > 0].astype(float)
        whole = np.zeros(self._counts.shape)
        whole[self._counts.sum(axis=1) > 0] = counts / counts.sum(axis=1, keepdims=True)
        return _weighted(whole)

    @property
    def _counts(self) -> NDArray[np.int64]:
        return np.array(self.confusion, np.int64)


FIGURES = ("accuracy", "precision", "recall", "f1")


def score(classes: tuple[str, ...], truth: NDArray[np.int8], told: NDArray[np.int8]) -> Scores:
    """Compare what was told with the truth."""
    counted = confusion_matrix(truth, told, labels=np.arange(len(classes)))
    return Scores(classes=classes, confusion=counted.tolist())


def _by_class(classes: tuple[str, ...], counts: NDArray[np.float64]) -> list[Class]:
    right, told, rows = np.diag(counts), counts.sum(axis=0), counts.sum(axis=1)
    precision, recall = _share(right, told), _share(right, rows)
    f1 = _share(2 * right, told + rows)
    return [
        Class(name=name, precision=figures[0], recall=figures[1], f1=figures[2], rows=int(figures[3]))
        for name, *figures in zip(
            classes, *(column.tolist() for column in (precision, recall, f1, rows)), strict=True
        )
    ]


def _weighted(counts: NDArray[np.float64]) -> dict[str, float]:
    shares = counts.sum(axis=1) / counts.sum()
    classes = _by_class(("",) * len(counts), counts)
    means = {
        name: float(np.dot(shares, [getattr(one, name) for one in classes]))
        for name in ("precision", "recall", "f1")
    }
    return {"accuracy": float(np.trace(counts) / counts.sum()), **means}


def _share(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.divide(part, whole, out=np.zeros_like(part), where=whole > 0))
