"""From probabilities to verdicts: the only place with an opinion on how sure is sure enough.

1. An attack class is raised when its probability reaches its threshold. If several do, the most
   probable of them is raised, whatever their thresholds; between equals, the first in `CATEGORIES`.
2. Otherwise the window is Benign if that probability reaches its own threshold.
3. Otherwise it is uncertain, and its category is its most probable attack class.

Configured thresholds win over the bundle's, each on its own.

Before that, what a class is by definition is held against what the window saw (`plausible`).

A verdict reports the model's own probabilities all the same.
"""

import numpy as np
from numpy.typing import NDArray

from detector.bundle import Thresholds, WindowSettings
from detector.config import ThresholdConfig
from detector.plausible import plausible
from detector.records import CATEGORIES, Category, Verdict, WindowBatch

SURELY_BENIGN = 0.75
"""Confidence from which a Benign window calms its host, so that it is looked at less often. Well above what
Benign needs to be believed, because a host on the way to an attack should not be kept waiting: of 1,556
captures the same open the same with 0.9."""

_BENIGN = CATEGORIES.index(Category.BENIGN)
_ATTACKS = np.array([index for index in range(len(CATEGORIES)) if index != _BENIGN])
_SUM_TOLERANCE = 1e-3
_WINDOW = WindowSettings()


class Policy:
    """Judges scored windows by one set of thresholds."""

    def __init__(
        self,
        thresholds: Thresholds,
        config: ThresholdConfig,
        window: WindowSettings = _WINDOW,
    ) -> None:
        chosen = {**thresholds.model_dump(), **config.model_dump(exclude_none=True)}
        self._window = window
        # In the probabilities' own precision: the float32 nearest to 0.7 is below 0.7.
        self._thresholds = np.array([chosen[category.lower()] for category in CATEGORIES], np.float32)

    def judge(self, windows: WindowBatch, probabilities: NDArray[np.float32]) -> list[Verdict]:
        """Return one verdict a window, in the order of the windows, Benign ones included.

        Args:
            windows: m windows; only their facts are read.
            probabilities: (m, 4), calibrated, columns in the order of `CATEGORIES`.

        Raises:
            ValueError: wrong shape, or a row that is no probability distribution. Scorers give
                finite rows that sum to 1, so this is a defect, never a matter of traffic.
        """
        _check(len(windows), probabilities)
        weighed = plausible(probabilities, windows.facts, self._window)
        chosen, uncertain = self._choose(weighed)
        confidence = np.take_along_axis(weighed, chosen[:, np.newaxis], axis=1)[:, 0]
        columns = zip(
            chosen.tolist(), confidence.tolist(), probabilities.tolist(), uncertain.tolist(), strict=True
        )
        return [
            Verdict(CATEGORIES[category], sure, tuple(row), unsure, facts)
            for (category, sure, row, unsure), facts in zip(columns, windows.facts, strict=True)
        ]

    @staticmethod
    def calm(verdicts: list[Verdict]) -> NDArray[np.bool_]:
        """Tell which windows, (m,), were surely benign."""
        return np.array(
            [
                verdict.category is Category.BENIGN
                and not verdict.uncertain
                and verdict.confidence >= SURELY_BENIGN
                for verdict in verdicts
            ],
            bool,
        )

    def _choose(self, probabilities: NDArray[np.float32]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Return each row's category as a column index, (m,), and whether it is uncertain, (m,)."""
        attacks = probabilities[:, _ATTACKS]
        reached = attacks >= self._thresholds[_ATTACKS]
        raised = reached.any(axis=1)
        # Probabilities are not negative, so -1 never wins where any class reached its threshold.
        best_raised = _ATTACKS[np.where(reached, attacks, -1).argmax(axis=1)]
        likeliest = _ATTACKS[attacks.argmax(axis=1)]
        benign = ~raised & (probabilities[:, _BENIGN] >= self._thresholds[_BENIGN])
        chosen = np.where(raised, best_raised, np.where(benign, _BENIGN, likeliest))
        return chosen, ~raised & ~benign


def _check(windows: int, probabilities: NDArray[np.float32]) -> None:
    expected = (windows, len(CATEGORIES))
    if probabilities.shape != expected:
        raise ValueError(f"probabilities have shape {probabilities.shape}, expected {expected}")
    # Written so that NaN fails: it compares false with everything.
    with np.errstate(invalid="ignore"):
        sums_to_one = np.abs(probabilities.sum(axis=1) - 1) <= _SUM_TOLERANCE
    proper = sums_to_one & (probabilities >= 0).all(axis=1)
    if not proper.all():
        row = int(np.flatnonzero(~proper)[0])
        raise ValueError(
            f"row {row} of the probabilities is {probabilities[row].tolist()}, "
            "expected finite numbers from 0 that sum to 1"
        )
