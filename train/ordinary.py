"""Windows that show nothing of the attack they are labelled by, though their capture does.

The truth of many captures is one class: all that the attacker ever sends its victim counts. But a flood ends
before its capture does, a scan begins with a name that is asked for, and of a sweep each host sees one probe.
As with whole captures (`doubts`), no model is asked: a window is quiet if, in nothing that its class is
recognised by, it exceeds what one in twenty benign windows reaches. Figures are given with and without them.
The lab's are none of them: their truth is known flow by flow, and what is slow among them was meant to be.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from detector.features import SCHEMA
from detector.records import CATEGORIES, FACTS_DTYPE, Category, Role
from train.datasets import CaptureWindows, Dataset, Index, load
from train.doubts import ORDINARY_SHARE
from train.survey import Surveyed

_BENIGN, _RECON = CATEGORIES.index(Category.BENIGN), CATEGORIES.index(Category.RECON)

_FLOOD = ("recent_flows", "recent_packets", "recent_unanswered", "recent_peers")
_PROBED = ("ports", "unanswered", "recent_ports", "recent_unanswered")
_SHOWS = {
    (Role.SOURCE, False): _FLOOD,
    (Role.TARGET, False): _FLOOD,
    (Role.SOURCE, True): (*_PROBED, "peers", "recent_peers"),
    (Role.TARGET, True): _PROBED,
}
"""By what the windows of a role show an attack, and whether it is a scan: features of the newest flow, or
facts of the whole window."""

_QUANTITIES = tuple(dict.fromkeys(name for names in _SHOWS.values() for name in names))


@dataclass(frozen=True, slots=True)
class Ordinary:
    """What one in twenty benign windows reaches."""

    limits: dict[str, tuple[float, float]]
    """By quantity, of sources and of targets."""

    @classmethod
    def of(cls, benign: Dataset) -> Self:
        """Measure benign windows; each capture weighs the same."""
        rows = benign.labels == _BENIGN
        sizes = np.bincount(benign.captures[rows], minlength=len(benign.entries))
        weights = 1.0 / sizes[benign.captures[rows]]
        windows = benign.windows[rows]
        source, target = (windows.facts["role"] == role for role in (Role.SOURCE, Role.TARGET))
        limits = {}
        for name in _QUANTITIES:
            values = _values(windows, name)
            limits[name] = (_limit(values[source], weights[source]), _limit(values[target], weights[target]))
        return cls(limits)

    def quiet(self, windows: CaptureWindows) -> NDArray[np.bool_]:
        """Tell which windows, (m,), are labelled by an attack that they show nothing of."""
        found = np.zeros(len(windows), bool)
        for (role, scan), names in _SHOWS.items():
            attack = (windows.labels > _BENIGN) & ((windows.labels == _RECON) == scan)
            rows = np.flatnonzero(attack & (windows.facts["role"] == role))
            below = [_values(windows[rows], name) <= self.limits[name][role] for name in names]
            found[rows] = np.all(below, axis=0)
        return found

    def quiet_of(self, dataset: Dataset) -> NDArray[np.bool_]:
        """Tell the same of a dataset's windows, where they are not the lab's."""
        by_lab = np.array([entry.layout == "lab" for entry in dataset.entries], bool)
        return np.asarray(self.quiet(dataset.windows) & ~by_lab[dataset.captures])


def ordinary_of(
    data: Path, index: Index, survey: Mapping[str, Surveyed], *, cap_windows: int
) -> Ordinary | None:
    """Measure the captures that a survey holds for benign; None where it knows none of them."""
    known = {name for name, one in survey.items() if one.category == Category.BENIGN}
    benign = [each for each in index.entries if each.capture in known and each.windows]
    return Ordinary.of(load(data, benign, cap_windows=cap_windows)) if benign else None


def _values(windows: CaptureWindows, name: str) -> NDArray[np.float64]:
    if name in (FACTS_DTYPE.names or ()):
        return windows.facts[name].astype(np.float64)
    return windows.sequences[:, -1, SCHEMA.index(name)].astype(np.float64)


def _limit(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """Return the value that a share of `ORDINARY_SHARE` exceeds; 0 of none."""
    if not len(values):
        return 0.0
    order = np.argsort(values)
    reached = np.cumsum(weights[order])
    at = np.searchsorted(reached, (1.0 - ORDINARY_SHARE) * reached[-1])
    return float(values[order][min(at, len(values) - 1)])
