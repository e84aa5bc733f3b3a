"""Columns that tell how the data was made instead of what the traffic did."""

import numpy as np

from detector.bundle import Part
from train.paper.rows import Rows
from train.paper.scores import Scores, score
from train.paper.trees import told_by_tree

CLOCK = ("IAT",)
"""Holds the capture's wall clock, so it names the day, and with it the class."""

WINDOW = ("Number", "Weight")
"""Tell of how many packets a row was made: the dataset's makers chose that by attack."""

_TREE_ROWS = 500_000


class Range(Part):
    """What a column holds in the rows of one class."""

    column: str
    class_name: str
    lowest: float
    median: float
    highest: float
    different: int
    """Values."""


class GiveAway(Part):
    """What some columns tell on their own."""

    columns: tuple[str, ...]
    ranges: list[Range]
    """Over the test rows."""
    alone: Scores
    """A single decision tree that sees nothing else."""


def look(columns: dict[str, int], train: Rows, test: Rows, classes: tuple[str, ...], seed: int) -> GiveAway:
    """Measure some columns, by name and position: their ranges, and what a tree makes of them."""
    narrow = [Rows(side.store, side.indices, tuple(columns.values()), side.classes) for side in (train, test)]
    told = told_by_tree(*narrow, most_rows=_TREE_ROWS, seed=seed)
    values = narrow[1].whole()
    ranges = [
        _range(column, name, values[test.classes == number, position])
        for position, column in enumerate(columns)
        for number, name in enumerate(classes)
        if (test.classes == number).any()
    ]
    return GiveAway(columns=tuple(columns), ranges=ranges, alone=score(classes, test.classes, told))


def _range(column: str, name: str, values: "np.ndarray[tuple[int], np.dtype[np.float32]]") -> Range:
    return Range(
        column=column,
        class_name=name,
        lowest=float(values.min()),
        median=float(np.median(values)),
        highest=float(values.max()),
        different=len(np.unique(values)),
    )
