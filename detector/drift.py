"""Whether the network that is watched is like those that the model learned from.

Each feature of the newest flow of scored windows is counted into the bins of the bundle's record, and
compared with the shares of benign training windows by the population stability index,

    PSI = sum over bins of (share - recorded share) * ln(share / recorded share).

Credit scoring, where it comes from, calls a population stable below 0.1, shifted from 0.25 on (E. M. Lewis,
An Introduction to Credit Scoring, 1994). That compares one population with itself, later. One network
against many is another matter: of 22 networks, each left out of the record, 21 differ from the others by
0.25 or more in a third of all features. So the bundle also says how much is usual, and a feature *drifts*
that is beyond both: 20 to 37 of 61 features do in 4 of the 22 networks, at most 8 in each of the others.

Windows in which an attack was raised do not count: the record is of benign traffic, and a flood would be
all there is. That calm hosts are scored less often than training saw them matters little: it shifts a
feature by 0.02 on average and by 0.13 at most, on five known networks. What is counted decays with packet
time, by half in a day, and nothing is said in the first hour, so that a few devices that happen to talk are
not taken for another network.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detector.bundle import Distribution
from detector.records import Category, Features, Verdict, WindowBatch

SHIFTED = 0.25
"""PSI from which on a feature may be called shifted; see above."""

DRIFTING_SHARE = 1 / 6
"""Share of features that drift from which on a network is called unlike those the model knows. See above."""

MIN_WINDOWS = 1000
"""Fewer tell too little: by chance alone ten bins of so many windows have a PSI of 0.01."""

_FLOOR = 1e-3
"""What an empty bin counts as: one window of the least number. The logarithm of nothing is infinite."""

_HALF_LIFE_MS = 86_400_000
_DECAY_STEP_MS = 3_600_000
_WARN_MS = 86_400_000
_SETTLING_MS = 3_600_000
_NAMED = 5
"""Features that the warning names."""


def histogram(rows: Features, edges: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return how many rows fall into each bin of each feature, (F, B).

    Takes rows, (m, F), and edges, (F, B - 1): rising, infinite where a feature has fewer. A value equal to
    an edge belongs below it.
    """
    columns = np.ascontiguousarray(rows.T)
    beyond = np.count_nonzero(columns[:, None, :] > edges[:, :, None], axis=2)
    return np.asarray(-np.diff(beyond, axis=1, prepend=len(rows), append=0), np.int64)


def stability_index(shares: NDArray[np.float64], recorded: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the PSI over the last axis, whose entries sum to 1."""
    shares, recorded = np.maximum(shares, _FLOOR), np.maximum(recorded, _FLOOR)
    return np.asarray(((shares - recorded) * np.log(shares / recorded)).sum(axis=-1))


def padded_edges(edges: Sequence[Sequence[float]]) -> NDArray[np.float32]:
    """Return the edges of all features as one array, (F, B - 1)."""
    padded = np.full((len(edges), max(map(len, edges), default=0)), np.inf, np.float32)
    for row, own in zip(padded, edges, strict=True):
        row[: len(own)] = own
    return padded


class Drift:
    """Counts what is scored, and compares it with a bundle's record. Without a record it does nothing."""

    def __init__(self, names: Sequence[str], record: Sequence[Distribution]) -> None:
        """Take the features' names and, of each, how it was distributed; `record` may be empty."""
        self._names = tuple(names) if record else ()
        self._edges = padded_edges([each.edges for each in record])
        self._recorded = np.zeros((len(record), self._edges.shape[1] + 1))
        for row, each in zip(self._recorded, record, strict=True):
            row[: len(each.shares)] = each.shares
        self._bounds = np.array([max(SHIFTED, each.usual) for each in record])
        self._counts = np.zeros_like(self._recorded)
        self._windows = 0.0
        self._began_ms: int | None = None
        self._now_ms = self._decayed_ms = 0
        self._warned_ms: int | None = None

    def count(self, windows: WindowBatch, verdicts: Sequence[Verdict]) -> None:
        """Count the windows of a batch in which no attack was raised."""
        if not self._names or not len(windows):
            return
        self._decay(int(windows.facts["time_ms"].max()))
        calm = [verdict.category is Category.BENIGN or verdict.uncertain for verdict in verdicts]
        newest = windows.sequences[calm, -1, :]
        self._counts += histogram(newest, self._edges)
        self._windows += len(newest)

    def _decay(self, now_ms: int) -> None:
        """Let time pass; where it was set back, it passes from there."""
        self._now_ms = now_ms
        self._began_ms = now_ms if self._began_ms is None else min(self._began_ms, now_ms)
        passed_ms = now_ms - self._decayed_ms
        if not 0 <= passed_ms < _DECAY_STEP_MS:
            self._decayed_ms = now_ms
            kept = 0.5 ** (max(passed_ms, 0) / _HALF_LIFE_MS)
            self._counts *= kept
            self._windows *= kept

    def indices(self) -> dict[str, float]:
        """Return the PSI of each feature; nothing before `MIN_WINDOWS` were counted."""
        if self._windows < MIN_WINDOWS:
            return {}
        found = stability_index(self._counts / self._windows, self._recorded)
        return dict(zip(self._names, found.tolist(), strict=True))

    def drifting(self) -> list[str]:
        """Return the features beyond what is usual, the one most beyond it first."""
        beyond = {
            name: index / bound
            for (name, index), bound in zip(self.indices().items(), self._bounds, strict=False)
            if index > bound
        }
        return sorted(beyond, key=lambda name: (-beyond[name], name))

    def warning(self) -> str | None:
        """Return what to tell where so many features drift, at most once a day of packet time."""
        drifting = self.drifting()
        early = self._began_ms is None or self._now_ms - self._began_ms < _SETTLING_MS
        told = self._warned_ms is not None and 0 <= self._now_ms - self._warned_ms < _WARN_MS
        if early or told or len(drifting) < max(DRIFTING_SHARE * len(self._names), 1):
            return None
        self._warned_ms = self._now_ms
        named = ", ".join(drifting[:_NAMED])
        return (
            f"This network is not like what the model knows: {len(drifting)} of {len(self._names)} features "
            f"are distributed as in hardly any network that it learned from, above all {named}. Verdicts may "
            "be worth less here; a model that learned from captures of this network would know it."
        )
