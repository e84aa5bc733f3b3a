"""Flows on their way into the windows: what is computed of many at once, and what hosts they touch."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from detector.features import CONTEXT, UNANSWERED, flow_features
from detector.records import Features, FlowBatch, Role
from detector.windows.facts import ENDS, joined, rows
from detector.windows.groups import Indices, distinct, group

COUNTS = [name.removeprefix("recent_") for name in CONTEXT]
SUMS = np.dtype([*((name, "<f8") for name in COUNTS), ("first_ms", "<u8"), ("last_ms", "<u8")])
"""What the flows of a host add up to; `first_ms` and `last_ms` are the earliest and the latest of theirs."""
_WEIGHTS = ("packets", "bytes", "unanswered")

_TOGETHER = 16_384
"""Flows of several intervals that are looked at together, at most: with more of them the tables of their
hosts leave the processor's cache."""

_ODD = 0x9E3779B97F4A7C15
"""Sets the hashes of one interval apart from those of the next."""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Flows with what windows take of them: 0.3 kB each, where the flow itself is 0.7."""

    export_ms: NDArray[np.uint64]
    source: NDArray[np.uint16]
    numbers: Features
    """Shape (n, len(FLOW_FEATURES))."""
    rows: NDArray[np.void]
    """Shape (n,) of `ROW_DTYPE`."""
    weights: NDArray[np.float64]
    """Shape (3, n), packets, bytes and whether unanswered."""

    @classmethod
    def of(cls, flows: FlowBatch) -> "Arrivals":
        """Prepare flows."""
        numbers = flow_features(flows)
        remembered = rows(flows, numbers)
        weights = np.stack([remembered["packets"], remembered["bytes"], numbers[:, UNANSWERED]]).astype(float)
        return cls(flows["export_ms"].copy(), flows["source"].copy(), numbers, remembered, weights)

    def __len__(self) -> int:
        return len(self.export_ms)

    def part(self, at: slice | Indices) -> "Arrivals":
        """Return some of the arrivals."""
        return Arrivals(
            self.export_ms[at], self.source[at], self.numbers[at], self.rows[at], self.weights[:, at]
        )


def in_order(parts: list[Arrivals]) -> Arrivals:
    """Join arrivals in the order in which the flows left: several captures, each in order, or one."""
    whole = parts[0]
    if len(parts) > 1:
        names = ("export_ms", "source", "numbers", "rows")
        columns = {name: joined([getattr(part, name) for part in parts]) for name in names}
        whole = Arrivals(weights=np.concatenate([part.weights for part in parts], axis=1), **columns)
    left = whole.export_ms
    if (left[1:] < left[:-1]).any():
        return whole.part(np.argsort(left, kind="stable"))
    return whole


@dataclass(frozen=True, slots=True)
class Touched:
    """The hosts of one role that the flows of an interval belong to, in the order of their first flow."""

    hosts: NDArray[np.uint64]
    """Shape (k,), the hash of each host."""
    first: Indices
    """Shape (k,), the first flow of each."""
    number: Indices
    """Shape (n,), the host of each flow, from 0."""
    order: Indices
    """Shape (n,), the flows one host after the other."""
    starts: Indices
    """Shape (k,), where in `order` a host begins."""
    sums: NDArray[np.void]
    """Shape (k,) of `SUMS`: what its flows add up to."""

    def part(self, flows: slice, hosts: slice) -> "Touched":
        """Return an interval of several, by where its flows and its hosts stand."""
        return Touched(
            self.hosts[hosts],
            self.first[hosts] - flows.start,
            self.number[flows] - hosts.start,
            self.order[flows] - flows.start,
            self.starts[hosts] - flows.start,
            self.sums[hosts],
        )


def touched(
    came: Arrivals, interval: NDArray[np.uint64]
) -> Iterator[tuple[int, Arrivals, dict[Role, Touched]]]:
    """Tell, one interval after the other, which hosts its flows belong to, and what they add up to.

    Several are looked at together, as if a host were another one in each: most intervals are short, and what
    it takes to ask does not grow with the answer.

    Args:
        came: n flows in the order in which they left.
        interval: (n,) the number of the interval in which each left.
    """
    starts = [0, *(np.flatnonzero(interval[1:] != interval[:-1]) + 1).tolist(), len(came)]
    at = 0
    while at < len(starts) - 1:
        following = max(at + 1, bisect_right(starts, starts[at] + _TOGETHER) - 1)
        together = slice(starts[at], starts[following])
        numbers = interval[together]
        flows = came.part(together)
        found = _touched(flows, numbers)
        edges = [start - starts[at] for start in starts[at : following + 1]]
        hosts = {role: np.searchsorted(by.first, edges).tolist() for role, by in found.items()}
        for n, (start, stop) in enumerate(pairwise(edges)):
            mine = slice(start, stop)
            by = {role: found[role].part(mine, slice(*hosts[role][n : n + 2])) for role in Role}
            yield int(numbers[start]), flows.part(mine), by
        at = following


def _touched(came: Arrivals, interval: NDArray[np.uint64]) -> dict[Role, Touched]:
    apart = interval * np.uint64(_ODD)
    hashes = {role: np.ascontiguousarray(came.rows[f"{end}_hash"]) for role, end in ENDS.items()}
    groups = {role: group(hashes[role] + apart) for role in Role}
    numbers = [groups[role][1] for role in Role]
    # Flows between the same two hosts; each of the two has the other as its peer once.
    pairs = distinct((numbers[0] << 32 | numbers[1]).astype(np.uint64))
    found = {}
    for role, (first, number) in groups.items():
        flows = np.bincount(number, minlength=len(first))
        order = _in_order(number, len(first))
        starts = np.cumsum(flows) - flows
        sums = np.empty(len(first), SUMS)
        sums["flows"] = flows
        for name, weights in zip(_WEIGHTS, came.weights, strict=True):
            sums[name] = np.bincount(number, weights, len(first))
        sums["first_ms"] = np.minimum.reduceat(came.rows["first_ms"][order], starts)
        sums["last_ms"] = np.maximum.reduceat(came.rows["last_ms"][order], starts)
        sums["peers"] = np.bincount(number[pairs], minlength=len(first))
        for name, column in (("ports", "service"), ("source_ports", "src_port")):
            different = distinct((number << 16 | came.rows[column]).astype(np.uint64))
            sums[name] = np.bincount(number[different], minlength=len(first))
        found[role] = Touched(hashes[role][first], first, number, order, starts, sums)
    return found


def _in_order(number: Indices, hosts: int) -> Indices:
    """Sort flows by host, stably; NumPy sorts 16 bits in linear time."""
    small = number.astype(np.uint16) if hosts <= np.iinfo(np.uint16).max else number
    return np.argsort(small, kind="stable")
