"""How good a model is by window: the field's measures, over windows of origins it never saw."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import (
    average_precision_score,
    confusion_matrix,
    matthews_corrcoef,
    precision_recall_fscore_support,
)

from detector.bundle import Thresholds
from detector.records import CATEGORIES, Category

_BENIGN = CATEGORIES.index(Category.BENIGN)

BINS = 15
"""Of equal width, for the calibration error. Source: Guo et al., On Calibration of Modern Neural
Networks, ICML 2017, section 3 and its experiments."""

Figures = dict[str, float]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Bin:
    """The windows of which a model was about equally sure."""

    windows: int
    confidence: float
    """Mean probability of the likeliest class."""
    right: float
    """How often that class was the true one."""


def window_figures(probabilities: NDArray[np.float32], labels: NDArray[np.int8]) -> Figures:
    """Return measures of the likeliest class by class and over those that occur, and how sure is how right.

    `pr_auc` is the average precision of a class against all others; `mcc` is Matthews' correlation over
    all classes; `ece` is the calibration error of the likeliest class (`reliability`).
    """
    present = np.unique(labels)
    chosen = probabilities.argmax(axis=1)
    single = precision_recall_fscore_support(labels, chosen, labels=present, zero_division=0.0)
    figures = {
        "macro_f1": float(np.mean(single[2])),
        "mcc": float(matthews_corrcoef(labels, chosen)),
        "ece": calibration_error(reliability(probabilities, labels)),
    }
    for measure, values in zip(("f1", "precision", "recall"), (single[2], *single[:2]), strict=True):
        figures |= _by_class(measure, present, values)
    for label in present:
        area = average_precision_score(labels == label, probabilities[:, label])
        figures[f"pr_auc_{CATEGORIES[label]}"] = float(area)
    return figures


def weighed_figures(weighed: NDArray[np.float32], labels: NDArray[np.int8]) -> Figures:
    """Return F1 and recall of the class that is likeliest once the policy has weighed what a model tells."""
    present = np.unique(labels)
    single = precision_recall_fscore_support(
        labels, weighed.argmax(axis=1), labels=present, zero_division=0.0
    )
    figures = {"macro_f1_weighed": float(np.mean(single[2]))}
    for measure, values in (("f1", single[2]), ("recall", single[1])):
        figures |= _by_class(measure, present, values, "_weighed")
    return figures


def _by_class(
    measure: str, present: NDArray[np.int8], values: NDArray[np.float64], suffix: str = ""
) -> Figures:
    return {
        f"{measure}_{CATEGORIES[at]}{suffix}": float(one) for at, one in zip(present, values, strict=True)
    }


def confusion(probabilities: NDArray[np.float32], labels: NDArray[np.int8]) -> list[list[int]]:
    """Return windows by true class (rows) and likeliest class (columns), in the order of `CATEGORIES`."""
    counts = confusion_matrix(labels, probabilities.argmax(axis=1), labels=np.arange(len(CATEGORIES)))
    return [[int(count) for count in row] for row in counts]


def reliability(probabilities: NDArray[np.float32], labels: NDArray[np.int8]) -> list[Bin]:
    """Return how often the likeliest class was right, by how probable it was; empty bins are left out."""
    sure = probabilities.max(axis=1).astype(np.float64)
    right = np.equal(probabilities.argmax(axis=1), labels)
    number = np.clip(np.ceil(sure * BINS).astype(int) - 1, 0, BINS - 1)
    return [
        Bin(int(chosen.sum()), float(sure[chosen].mean()), float(right[chosen].mean()))
        for chosen in (number == each for each in range(BINS))
        if chosen.any()
    ]


def calibration_error(bins: list[Bin]) -> float:
    """Return the expected calibration error: how far confidence is from the truth, over all windows."""
    windows = sum(each.windows for each in bins)
    return sum(each.windows * abs(each.confidence - each.right) for each in bins) / max(windows, 1)


def reached(probabilities: NDArray[np.float32], thresholds: Thresholds) -> Flags:
    """Tell which classes of which windows, (m, C), reach their threshold."""
    needed = np.array([getattr(thresholds, category.lower()) for category in CATEGORIES], np.float32)
    return np.asarray(probabilities >= needed)


def threshold_figures(reached: Flags, labels: NDArray[np.int8]) -> Figures:
    """Return how often benign windows raise an attack class or are uncertain, and how often attacks do."""
    raised: Flags = np.asarray(np.delete(reached, _BENIGN, axis=1).any(axis=1))
    benign: Flags = np.equal(labels, _BENIGN)
    figures = {
        "false_alarm_rate": share(raised[benign]),
        "uncertain_rate": share((~raised & ~reached[:, _BENIGN])[benign]),
    }
    for label in np.unique(labels[~benign]):
        figures[f"raised_{CATEGORIES[label]}"] = share(reached[labels == label, label])
    return figures


def by_origin(
    probabilities: NDArray[np.float32], labels: NDArray[np.int8], origins: NDArray[np.str_]
) -> dict[str, Figures]:
    """Return each origin's share of windows told right, by class, and its number of windows."""
    right: Flags = np.equal(probabilities.argmax(axis=1), labels)
    return {
        str(origin): {
            "windows": float((origins == origin).sum()),
            **{
                f"recall_{CATEGORIES[label]}": share(right[(origins == origin) & (labels == label)])
                for label in np.unique(labels[origins == origin])
            },
        }
        for origin in np.unique(origins)
    }


def share(flags: Flags) -> float:
    """Return how many of the flags are set, 0 of none."""
    return float(flags.mean()) if len(flags) else 0.0
