"""From logits to probabilities that can be taken at their word, and from those to thresholds.

Both are fitted on validation origins: on the training origins every model is sure of itself.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.bundle import Thresholds
from detector.records import CATEGORIES, Category

_GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0
_SEARCH_STEPS = 60
_BENIGN = CATEGORIES.index(Category.BENIGN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How often a benign window may be judged wrongly."""

    false_alarm_rate: float = 0.002
    """Share of benign windows that reach the threshold of any attack class."""
    uncertain_rate: float = 0.01
    """Share of benign windows that fall below the threshold of Benign."""
    lowest: float = 0.5
    """No attack class is raised below this, however quiet validation was."""
    highest: float = 0.99
    """No threshold above this: a budget that needs more is missed, and the figures say by how much."""


def softmax(logits: NDArray[np.float32], temperature: float = 1.0) -> NDArray[np.float64]:
    """Return probabilities, (m, C), of logits, (m, C)."""
    scaled = logits.astype(np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def loss(
    logits: NDArray[np.float32], labels: NDArray[np.int8], weights: NDArray[np.float32], temperature: float
) -> float:
    """Return the weighted mean negative log-likelihood."""
    scaled = logits.astype(np.float64) / temperature
    top = scaled.max(axis=1)
    total = top + np.log(np.exp(scaled - top[:, None]).sum(axis=1))
    return float(np.average(total - scaled[np.arange(len(labels)), labels], weights=weights))


def fit_temperature(
    logits: NDArray[np.float32], labels: NDArray[np.int8], weights: NDArray[np.float32]
) -> float:
    """Return the temperature in [0.1, 20] that makes the labels likeliest.

    A golden-section search over its logarithm: the loss has one minimum there.
    Source: Guo et al., On Calibration of Modern Neural Networks, ICML 2017.
    """
    low, high = math.log(0.1), math.log(20.0)
    for _ in range(_SEARCH_STEPS):
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        if loss(logits, labels, weights, math.exp(left)) < loss(logits, labels, weights, math.exp(right)):
            high = right
        else:
            low = left
    return math.exp((low + high) / 2.0)


def choose_thresholds(
    probabilities: NDArray[np.float64], labels: NDArray[np.int8], budget: Budget
) -> Thresholds:
    """Return the lowest thresholds that keep a budget on the benign windows among these.

    Each attack class may spend a third of the false alarms. From 0.5 up no window reaches two
    classes, so the shares add up.
    """
    benign = probabilities[labels == _BENIGN]
    share = budget.false_alarm_rate / (len(CATEGORIES) - 1)
    chosen = {
        category: _lowest_above(benign[:, column], share, budget)
        for column, category in enumerate(CATEGORIES)
        if column != _BENIGN
    }
    accepted = np.quantile(benign[:, _BENIGN], budget.uncertain_rate) if len(benign) else 0.5
    return Thresholds(
        benign=_rounded(min(float(accepted), 0.5)),
        recon=chosen[Category.RECON],
        dos=chosen[Category.DOS],
        ddos=chosen[Category.DDOS],
    )


def _lowest_above(scores: NDArray[np.float64], share: float, budget: Budget) -> float:
    """Return a threshold that at most `share` of the scores reach, within the budget's bounds."""
    allowed = int(share * len(scores))
    needed = float(np.sort(scores)[::-1][allowed]) + 1e-4 if len(scores) else 0.0
    return _rounded(min(max(needed, budget.lowest), budget.highest))


def _rounded(threshold: float) -> float:
    """Round up, so that a rounded threshold lets no more through."""
    return min(math.ceil(threshold * 1e4) / 1e4, 1.0)
