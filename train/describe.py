"""What is in a data directory: by class, origin and tool, lab beside real, and what a split is worth."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from detector.errors import UsageError
from detector.records import CATEGORIES
from train import duplicates, partition
from train.baselines import random_forest
from train.datasets import Entry, Index, load_capture
from train.measures import window_figures
from train.realism import Benign, Realism, benign_windows, judge_realism
from train.split import split_by_fold

_QUARTILES = (25, 50, 75)


@dataclass(frozen=True, slots=True)
class Row:
    """What captures of one class, origin or tool hold together."""

    captures: int
    flows: int
    packets: int
    windows: int
    by_class: dict[str, int]
    """Windows by their label; `left out` for those without."""
    seconds: tuple[float, float, float]
    """Quartiles of the captures' durations."""
    packets_per_second: tuple[float, float, float]
    flows_per_second: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Description:
    """All that is told of a data directory."""

    digest: str | None
    by_class: dict[str, Row]
    by_origin: dict[str, Row]
    by_tool: dict[str, Row]
    refused: dict[str, int]
    duplicates: duplicates.Duplicates
    realism: Realism | None
    features: dict[str, dict[str, list[float]]]
    """Quantiles of each feature over benign windows of lab and real captures."""
    splits: list[dict[str, Any]]
    """A forest judged on each kind of split: what knowing the network flatters by."""

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


def describe(
    directory: Path, index: Index, *, splits: bool = True, seed: int = 0
) -> tuple[Description, Benign]:
    """Describe a data directory; returns the benign windows of lab and real captures too, for the plots.

    Raises:
        UsageError: it holds nothing, or a file of it is damaged.
    """
    labels = {entry.capture: _labels(directory, entry) for entry in index.entries}
    refused: Counter[str] = Counter()
    for entry in index.entries:
        refused.update(entry.refused)
    benign = benign_windows(directory, index.entries, seed=seed)
    described = Description(
        digest=index.digest,
        by_class=_rows(((entry.category, entry) for entry in index.entries), labels),
        by_origin=_rows(((entry.origin, entry) for entry in index.entries), labels),
        by_tool=_rows(((tool, entry) for entry in index.entries for tool in entry.tools), labels),
        refused=dict(sorted(refused.items())),
        duplicates=duplicates.find(directory, index.entries),
        realism=judge_realism(benign, seed=seed),
        features=benign.quantiles(),
        splits=list(_judged(directory, index, seed)) if splits else [],
    )
    return described, benign


def _labels(directory: Path, entry: Entry) -> Counter[str]:
    numbers = load_capture(directory, entry).labels
    names = (*map(str, CATEGORIES), "left out")
    return Counter({names[label]: int((numbers == label).sum()) for label in range(-1, len(CATEGORIES))})


def _rows(named: Iterable[tuple[str, Entry]], labels: dict[str, Counter[str]]) -> dict[str, Row]:
    groups: dict[str, list[Entry]] = defaultdict(list)
    for name, entry in named:
        groups[name].append(entry)
    return {name: _row(entries, labels) for name, entries in sorted(groups.items())}


def _row(entries: list[Entry], labels: dict[str, Counter[str]]) -> Row:
    seconds = np.array([entry.seconds for entry in entries])
    lasting = np.maximum(seconds, 0.001)  # the meter's resolution
    total: Counter[str] = Counter()
    for entry in entries:
        total.update(labels[entry.capture])
    return Row(
        captures=len(entries),
        flows=sum(entry.flows for entry in entries),
        packets=sum(entry.packets for entry in entries),
        windows=sum(entry.windows for entry in entries),
        by_class={name: count for name, count in total.items() if count},
        seconds=_quartiles(seconds),
        packets_per_second=_quartiles(np.array([entry.packets for entry in entries]) / lasting),
        flows_per_second=_quartiles(np.array([entry.flows for entry in entries]) / lasting),
    )


def _quartiles(values: Any) -> tuple[float, float, float]:
    low, middle, high = (round(float(value), 3) for value in np.percentile(values, _QUARTILES))
    return low, middle, high


def _judged(directory: Path, index: Index, seed: int) -> Iterable[dict[str, Any]]:
    """Judge a forest on a split by origin, by capture and by time, each proven disjoint first."""
    mask = index.features.names.index("mask")
    labs = {entry.origin for entry in index.entries if entry.layout == "lab"}
    folds = split_by_fold(index, folds=5, fold=0, always_train=labs)
    for made in (
        partition.by_origin(index, folds),
        partition.by_capture(index, seed=seed),
        partition.by_time(directory, index),
    ):
        try:
            train, test = (
                partition.load_side(directory, side, cap_windows=50, seed=seed)
                for side in (made.train, made.test)
            )
        except UsageError:
            continue  # too little data for this kind of split
        proof = partition.prove(made, train, test)
        forest = random_forest(train, mask=mask, seed=seed, trees=100)
        figures = window_figures(forest.score(test.sequences), test.labels)
        classes = [str(category) for label, category in enumerate(CATEGORIES) if (test.labels == label).any()]
        yield asdict(proof) | {"classes": classes, "macro_f1": figures["macro_f1"]}
