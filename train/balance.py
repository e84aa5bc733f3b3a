"""Classes that count the same: by weights, or by windows drawn again, left out or made up.

Only the training side passes through here, after the split: a made-up window between two of which one
is judged would tell the network the answer. Validation is always weighed, never drawn.

- `weights`: every window once, weighed so that classes and origins count the same (`sample_weights`).
- `oversample`: windows of the smaller classes are drawn again until all have as many as the largest.
- `undersample`: of every class as many as of the smallest.
- `smote`: like `oversample`, but the new windows lie between a window and one of its five nearest of the
  class, wherever those come from.
- `none`: every window once, all the same.

SMOTE takes a window as one long vector of log(1 + x), or bytes would decide alone who is near. Half a flag
means nothing, half a flow least of all: flags, the mask among them, are those of the nearer parent. A flow
lies between two where both parents have one, is the nearer parent's where only that one has, and else is
padding. Counts come out as fractions: what is made is no traffic that anybody saw.
Source: Chawla et al., SMOTE: Synthetic Minority Over-sampling Technique, JAIR 16, 2002; imbalanced-learn.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.errors import UsageError
from detector.features import SCHEMA
from detector.records import CATEGORIES, Category
from train.datasets import Dataset, sample_weights
from train.settings import FitSettings

MOST_OF_A_CLASS = 15_000
"""More windows of a class are drawn down to as many before others are brought up to it, which bounds memory:
four classes of 8 kB windows are half a gigabyte, and SMOTE holds them several times."""

_NEIGHBOURS = 5
_HALFWAY = 0.5
"""Between two windows, where the nearer parent changes."""

_BENIGN = CATEGORIES.index(Category.BENIGN)


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """What a network learns from."""

    sequences: NDArray[np.float32]
    """Shape (m, T, F)."""
    labels: NDArray[np.int8]
    """Shape (m,)."""
    weights: NDArray[np.float32]
    """Shape (m,), mean 1."""

    def __len__(self) -> int:
        return len(self.labels)


def balanced(training: Dataset, settings: FitSettings) -> Lesson:
    """Return the training side, its classes balanced as the settings say.

    Raises:
        UsageError: SMOTE has a class with a single window.
    """
    sequences, labels = training.sequences, training.labels
    if settings.balance == "weights":
        return Lesson(sequences, labels, weights_of(training, settings))
    if settings.balance == "undersample":
        rows = _draw(labels, _smallest(labels), settings.seed)
        sequences, labels = sequences[rows], labels[rows]
    elif settings.balance in {"oversample", "smote"}:
        rows = _draw(labels, dict.fromkeys(_smallest(labels), MOST_OF_A_CLASS), settings.seed)
        grow = _drawn_again if settings.balance == "oversample" else _made_up
        sequences, labels = grow(sequences[rows], labels[rows], settings.seed)
    return Lesson(sequences, labels, _scaled(np.ones(len(labels)), labels, settings))


def weights_of(dataset: Dataset, settings: FitSettings) -> NDArray[np.float32]:
    """Return weights, mean 1: classes and origins count the same, benign windows as the settings say."""
    return _scaled(sample_weights(dataset), dataset.labels, settings)


def _scaled(
    weights: NDArray[np.floating], labels: NDArray[np.int8], settings: FitSettings
) -> NDArray[np.float32]:
    weights = weights * np.where(labels == _BENIGN, settings.benign_weight, 1.0)
    return np.asarray(weights / weights.mean(), np.float32)


def _smallest(labels: NDArray[np.int8]) -> dict[int, int]:
    present, counts = np.unique(labels, return_counts=True)
    return {int(label): int(counts.min()) for label in present}


def _draw(labels: NDArray[np.int8], most: dict[int, int], seed: int) -> NDArray[np.intp]:
    """Return rows, in order, with at most so many of each class."""
    from imblearn.under_sampling import RandomUnderSampler  # noqa: PLC0415 - a second, for this alone

    sizes = {label: min(count, int((labels == label).sum())) for label, count in most.items()}
    sampler = RandomUnderSampler(sampling_strategy=sizes, random_state=seed)
    sampler.fit_resample(np.arange(len(labels))[:, None], labels)
    return np.sort(np.asarray(sampler.sample_indices_, np.intp))


def _drawn_again(
    sequences: NDArray[np.float32], labels: NDArray[np.int8], seed: int
) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
    from imblearn.over_sampling import RandomOverSampler  # noqa: PLC0415 - see `_draw`

    sampler = RandomOverSampler(random_state=seed)
    sampler.fit_resample(np.arange(len(labels))[:, None], labels)
    rows = np.asarray(sampler.sample_indices_, np.intp)
    return sequences[rows], labels[rows]


def _made_up(
    sequences: NDArray[np.float32], labels: NDArray[np.int8], seed: int
) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
    from imblearn.over_sampling import SMOTE  # noqa: PLC0415 - see `_draw`

    fewest = min(_smallest(labels).values())
    if fewest == 1:
        names = [str(CATEGORIES[label]) for label in np.unique(labels) if (labels == label).sum() == 1]
        raise UsageError(
            f"{', '.join(names)}: one window to learn from, SMOTE needs two of a class; "
            "use --balance oversample or more captures"
        )
    flat = np.log1p(np.maximum(sequences, 0.0)).reshape(len(sequences), -1)
    sampler = SMOTE(k_neighbors=min(_NEIGHBOURS, fewest - 1), random_state=seed)
    grown, classes = sampler.fit_resample(flat, labels)
    # imbalanced-learn gives what it was given first, then what it made.
    made = _as_flows(grown[len(flat) :].reshape(-1, *sequences.shape[1:]))
    return np.concatenate([sequences, made]), np.asarray(classes, np.int8)


def _as_flows(made: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return flows of the logarithms, (m, T, F), that lie between two windows."""
    # How near the parents are that have a flow here: 1 where both have, 0 where neither.
    near = made[:, :, SCHEMA.index("mask"), None] / np.log(2.0)
    there = near > _HALFWAY
    # One parent's flow alone was mixed with padding, which is zero; undone, the flow is as it was.
    flows = np.expm1(made / np.where(there, near, 1.0)) * there
    flags = [column for column, unit in enumerate(SCHEMA.units) if unit == "flag"]
    flows[:, :, flags] = np.log1p(flows[:, :, flags]) > np.log(2.0) * _HALFWAY
    return np.asarray(flows, np.float32)
