"""What a feature is worth to a trained model: how much worse it gets when the feature tells nothing.

A feature's numbers are swapped among windows with as many flows, whole windows at a time, so that each
still looks like traffic. What the loss rises by is the feature's worth (Breiman, Random Forests, 2001).
Of features that say the same, each alone looks worthless because the others stand in for it, so features
that go together are swapped together first, and alone after. What the number of flows settles, as
`position`, cannot be measured so: it stays as it was.

On origins that the model never saw: what helps on the training networks alone is worth nothing.
Features are chosen by validation origins; judged by test origins too, they would flatter the figures.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter
from sklearn.metrics import f1_score

from detector.bundle import Part
from detector.features import SCHEMA
from detector.scorer import Scorer
from train.datasets import Dataset, sample_weights
from train.files import read
from train.table import aligned

WORTH = "worth.json"
MOST_WINDOWS = 4000
"""Windows that the worth is measured on, drawn; they bound the time."""

_TOGETHER = 0.7
"""Features whose ranks correlate at least so much, on average, go together."""

_MOST_ROWS = 20_000
_FLOOR = 1e-7
_REPEATS = 3


class Measured(Part):
    """What swapping some features cost one model."""

    loss: float
    """By how much the mean negative log-likelihood rose, classes and origins counting the same."""
    spread: float
    """Standard deviation of `loss` over the repeats."""
    macro_f1: float
    """By how much macro-F1 fell."""


class Group(Part):
    """Features that go together, and what they are worth by model."""

    features: tuple[str, ...]
    worth: dict[str, Measured]
    """Swapped together."""
    alone: dict[str, dict[str, Measured]]
    """By feature: swapped alone."""


class Worth(Part):
    """`worth.json`: the groups, most worth to the first model first."""

    format: Literal[1] = 1
    judged_on: tuple[str, ...]
    """Origins."""
    windows: int
    losses: dict[str, float]
    """By model, with nothing swapped."""
    groups: tuple[Group, ...]


def measure(dataset: Dataset, models: Mapping[str, Scorer], *, mask: int, seed: int = 0) -> Worth:
    """Measure what every feature but the mask is worth to each model.

    Args:
        dataset: windows of origins that no model saw.
        models: the first one's worth orders the groups.
        mask: the column of the feature `mask`.
        seed: of the draw and the swaps.
    """
    random = np.random.default_rng(seed)
    rows = np.sort(random.permutation(len(dataset))[:MOST_WINDOWS])
    swaps = _Swaps(dataset, rows, models, mask, random)
    found = [
        Group(
            features=tuple(SCHEMA.names[column] for column in columns),
            worth=together,
            alone={SCHEMA.names[column]: swaps.cost([column]) for column in columns}
            if len(columns) > 1
            else {SCHEMA.names[columns[0]]: together},
        )
        for columns in groups(dataset.sequences[rows], mask)
        for together in [swaps.cost(columns)]
    ]
    first = next(iter(models))
    return Worth(
        judged_on=tuple(sorted({str(origin) for origin in dataset.origins[rows]})),
        windows=len(rows),
        losses={name: loss for name, (loss, _) in swaps.before.items()},
        groups=tuple(sorted(found, key=lambda group: -group.worth[first].loss)),
    )


def groups(sequences: NDArray[np.float32], mask: int) -> list[list[int]]:
    """Return the columns but the mask, those together whose ranks go together; each in the schema's order."""
    from scipy.cluster.hierarchy import fcluster, linkage  # noqa: PLC0415 - `--help` need not load it
    from scipy.spatial.distance import squareform  # noqa: PLC0415 - as above
    from scipy.stats import rankdata  # noqa: PLC0415 - as above

    rows = sequences[sequences[:, :, mask] > 0]
    rows = rows[:: max(len(rows) // _MOST_ROWS, 1)]
    varying = [column for column in range(rows.shape[1]) if column != mask and np.ptp(rows[:, column]) > 0]
    constant = [[column] for column in range(rows.shape[1]) if column != mask and column not in varying]
    if len(varying) <= 1:
        return [[column] for column in varying] + constant
    apart = 1.0 - np.abs(np.corrcoef(rankdata(rows[:, varying], axis=0), rowvar=False))
    tree = linkage(squareform(apart, checks=False), "average")
    names = fcluster(tree, 1.0 - _TOGETHER, "distance")
    found = [[varying[at] for at in np.flatnonzero(names == name)] for name in np.unique(names)]
    return sorted(found + constant)


def best(worth: Worth, count: int) -> tuple[str, ...]:
    """Return the features worth most to the first model: group by group, within one each by itself."""
    first = next(iter(worth.losses))
    ordered = [
        name
        for group in worth.groups
        for name in sorted(group.alone, key=lambda name: -group.alone[name][first].loss)
    ]
    return tuple(ordered[:count])


def read_worth(path: Path) -> Worth:
    """Read `worth.json`.

    Raises:
        UsageError: there is none, or it is damaged.
    """
    return read(path, TypeAdapter(Worth), what="worth of features", command="worth")


def lines(worth: Worth) -> list[str]:
    """Lay the groups out as a table: what the loss of each model rises by, and its macro-F1 changes by."""
    judged = ", ".join(worth.judged_on)
    losses = ", ".join(f"{name} {loss:.4f}" for name, loss in worth.losses.items())
    rows = [[*(cell for name in worth.losses for cell in (name, "sd", "macro-F1")), "without"]]
    for group in worth.groups:
        costs = [group.worth[name] for name in worth.losses]
        cells = ((f"{one.loss:+z.4f}", f"{one.spread:.4f}", f"{-one.macro_f1:+z.4f}") for one in costs)
        rows.append([*(cell for each in cells for cell in each), ", ".join(group.features)])
    return [f"{worth.windows} windows of {judged}; loss {losses}", *aligned(rows)]


class _Swaps:
    """Windows whose features are swapped, and the models that judge them."""

    def __init__(
        self,
        dataset: Dataset,
        rows: NDArray[np.intp],
        models: Mapping[str, Scorer],
        mask: int,
        random: np.random.Generator,
    ) -> None:
        self._sequences, self._labels = dataset.sequences[rows], dataset.labels[rows]
        self._weights = sample_weights(dataset)[rows]
        self._filled = (self._sequences[:, :, mask] > 0).sum(axis=1)
        self._models, self._random = models, random
        self.before = {name: self._judged(model, self._sequences) for name, model in models.items()}

    def cost(self, columns: Sequence[int]) -> dict[str, Measured]:
        """Return what swapping these columns costs each model; all see the same swaps."""
        costs: dict[str, list[tuple[float, float]]] = {name: [] for name in self._models}
        for _ in range(_REPEATS):
            swapped = self._sequences.copy()
            swapped[:, :, list(columns)] = self._sequences[self._partners()][:, :, list(columns)]
            for name, model in self._models.items():
                loss, macro_f1 = self._judged(model, swapped)
                costs[name].append((loss - self.before[name][0], self.before[name][1] - macro_f1))
        return {
            name: Measured(
                loss=float(np.mean(found, axis=0)[0]),
                spread=float(np.std(found, axis=0)[0]),
                macro_f1=float(np.mean(found, axis=0)[1]),
            )
            for name, found in costs.items()
        }

    def _partners(self) -> NDArray[np.intp]:
        """Return for each window another, or itself, that has as many flows."""
        partners = np.arange(len(self._filled))
        for filled in np.unique(self._filled):
            rows = np.flatnonzero(self._filled == filled)
            partners[rows] = self._random.permutation(rows)
        return partners

    def _judged(self, model: Scorer, sequences: NDArray[np.float32]) -> tuple[float, float]:
        """Return loss and macro-F1."""
        probabilities = model.score(sequences)
        told = np.maximum(probabilities[np.arange(len(self._labels)), self._labels], _FLOOR)
        loss = float(np.average(-np.log(told.astype(np.float64)), weights=self._weights))
        chosen, present = probabilities.argmax(axis=1), np.unique(self._labels)
        return loss, float(f1_score(self._labels, chosen, labels=present, average="macro", zero_division=0.0))
