"""What the network must beat: tree ensembles on the same windows.

Trees take no sequences, so a window is summed up: its newest flow, and mean, deviation and largest
value of each feature over its flows. They train in seconds and are hard to beat.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.records import CATEGORIES
from train.datasets import Dataset, sample_weights

_CHUNK = 2048


class Baseline:
    """A fitted tree ensemble; scores windows as the detector's `Scorer`s do."""

    def __init__(self, model: Any, mask: int) -> None:
        self._model = model
        self._mask = mask

    def score(self, sequences: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return class probabilities, (m, C); zero for a class that training did not show."""
        scored = np.zeros((len(sequences), len(CATEGORIES)), np.float32)
        if len(sequences):
            scored[:, self._model.classes_] = self._model.predict_proba(summarise(sequences, self._mask))
        return scored


def random_forest(training: Dataset, *, mask: int, seed: int, trees: int = 200) -> Baseline:
    """Fit a random forest, weighted as the network is."""
    from sklearn.ensemble import RandomForestClassifier  # noqa: PLC0415 - a second, for this command alone

    model = RandomForestClassifier(trees, min_samples_leaf=2, n_jobs=-1, random_state=seed)
    return _fitted(model, training, mask)


def lightgbm(training: Dataset, *, mask: int, seed: int, trees: int = 300) -> Baseline:
    """Fit gradient-boosted trees, weighted as the network is."""
    from lightgbm import LGBMClassifier  # noqa: PLC0415 - see `random_forest`

    model = LGBMClassifier(
        n_estimators=trees,
        learning_rate=0.05,
        num_leaves=31,
        min_child_samples=40,
        colsample_bytree=0.5,
        deterministic=True,
        force_row_wise=True,
        random_state=seed,
        verbosity=-1,
    )
    return _fitted(model, training, mask)


def summarise(sequences: NDArray[np.float32], mask: int) -> NDArray[np.float32]:
    """Return (m, 4 F): newest row, mean, deviation and maximum over a window's real rows."""
    length, features = sequences.shape[1:]
    summary = np.empty((len(sequences), 4 * features), np.float32)
    for start in range(0, len(sequences), _CHUNK):
        piece = sequences[start : start + _CHUNK].astype(np.float64)
        present = piece[:, :, mask, None] > 0
        counts = np.maximum(present.sum(axis=1), 1)
        mean = (piece * present).sum(axis=1) / counts
        variance = (np.square(piece - mean[:, None]) * present).sum(axis=1) / counts
        largest = np.where(present, piece, 0.0).max(axis=1)
        summary[start : start + _CHUNK] = np.hstack([piece[:, length - 1], mean, np.sqrt(variance), largest])
    return summary


def _fitted(model: Any, training: Dataset, mask: int) -> Baseline:
    weights = sample_weights(training)
    model.fit(summarise(training.sequences, mask), training.labels, sample_weight=weights)
    return Baseline(model, mask)
