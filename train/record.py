"""What a training run was: enough to make the model again, and to say in its card where it comes from."""

import math
import sys
from collections import Counter
from collections.abc import Collection, Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from pydantic import Field, TypeAdapter

from detector.bundle import (
    Distribution,
    MeterSettings,
    Origin,
    Part,
    Schema,
    Thresholds,
    Training,
    WindowSettings,
    digest_of,
)
from train.datasets import Index
from train.files import read
from train.settings import FitSettings
from train.split import SIDES, Split

RUN, MODEL, FIGURES = "run.json", "model.keras", "figures.json"
"""The files of a run's directory; `evaluate` adds the last."""

_PACKAGES = ("keras", "lightgbm", "nfstream", "numpy", "scikit-learn", "tensorflow", "tf2onnx")


class Run(Part):
    """`run.json`: what `iotids-train fit` did, without any path of the machine it ran on."""

    format: Literal[1] = 1
    network: str
    settings: FitSettings | None = None
    """Not told by runs of earlier versions."""
    chosen_on: tuple[str, ...] = ()
    """Origins that settings or features were chosen on: figures on them flatter."""
    learnt: dict[str, int] = Field(default_factory=dict)
    """Windows by class that it learnt from, after balancing."""
    training: Training
    features: Schema
    meter: MeterSettings
    window: WindowSettings
    temperature: float
    thresholds: Thresholds
    record: tuple[Distribution, ...] = ()
    """Of the benign training windows; see `reference.record_of`."""
    history: dict[str, list[float]]

    def side(self, side: str) -> frozenset[str]:
        """Return the origins on one side of the split."""
        return frozenset(origin.name for origin in self.training.origins if origin.side == side)


def doubted_by(runs: Iterable[Run]) -> frozenset[str]:
    """Return the captures that any of these runs would not learn from."""
    return frozenset(name for run in runs for name in run.training.left_out)


def mean_temperature(runs: Collection[Run]) -> float:
    """Return the geometric mean of their temperatures."""
    return math.exp(sum(math.log(run.temperature) for run in runs) / len(runs))


def origins_of(index: Index, split: Split) -> tuple[Origin, ...]:
    """Describe every origin that took part, and which data of it there was.

    Captures of class `other` have no label to learn or judge by, and those without a window gave none.
    """
    described = []
    for side in SIDES:
        for name in sorted(getattr(split, side)):
            entries = [entry for entry in index.of({name}) if entry.windows and entry.category != "other"]
            entries.sort(key=lambda entry: entry.capture)
            if not entries:
                continue
            described.append(
                Origin(
                    name=name,
                    side=side,
                    licence=", ".join(sorted({entry.licence for entry in entries})),
                    captures=dict(sorted(Counter(entry.category for entry in entries).items())),
                    windows=sum(entry.windows for entry in entries),
                    digest=digest_of("".join(entry.digest for entry in entries).encode()),
                )
            )
    return tuple(described)


def versions() -> dict[str, str]:
    """Return what a run's numbers depend on besides data and settings."""
    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def read_run(directory: Path) -> Run:
    """Read `run.json`.

    Raises:
        UsageError: there is none, or it is damaged.
    """
    return read(directory / RUN, TypeAdapter(Run), what="run", command="fit")
