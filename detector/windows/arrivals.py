"""Flows on their way into the windows: what is computed of many at once, and what hosts they touch."""

from collections.abc import Iterator
from dataclasses import dataclass

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
        numbers, remembered = flow_features(flows), rows(flows)
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


def touched(came: Arrivals) -> Iterator[tuple[Role, Touched]]:
    """Tell which hosts the flows of an interval belong to, and what they add up to."""
    hashes = {role: np.ascontiguousarray(came.rows[f"{end}_hash"]) for role, end in ENDS.items()}
    groups = {role: group(hashes[role]) for role in Role}
    numbers = [groups[role][1] for role in Role]
    # Flows between the same two hosts; each of the two has the other as its peer once.
    pairs = distinct((numbers[0] << 32 | numbers[1]).astype(np.uint64))
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
        for name, column in (("ports", "dst_port"), ("source_ports", "src_port")):
            different = distinct((number << 16 | came.rows[column]).astype(np.uint64))
            sums[name] = np.bincount(number[different], minlength=len(first))
        yield role, Touched(hashes[role][first], first, number, order, starts, sums)


def _in_order(number: Indices, hosts: int) -> Indices:
    """Sort flows by host, stably; NumPy sorts 16 bits in linear time."""
    small = number.astype(np.uint16) if hosts <= np.iinfo(np.uint16).max else number
    return np.argsort(small, kind="stable")
