"""The windows of one role: a ring of rows for each host."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.bundle import WindowSettings
from detector.config import WindowConfig
from detector.features import CONTEXT, FLOW_FEATURES, UNANSWERED, flow_features
from detector.records import Features, FlowBatch, Role
from detector.windows.distinct import DistinctCounts
from detector.windows.facts import ROW_DTYPE, host_hash, pairs, rows, stable_hash
from detector.windows.hosts import Hosts

Slots = NDArray[np.int64]
_ENDS = {Role.SOURCE: ("src_ip", "dst_ip"), Role.TARGET: ("dst_ip", "src_ip")}
_COUNTS = [name.removeprefix("recent_") for name in CONTEXT]
SILENCE_MS = 60_000
"""A host silent for this long starts its count of ports and peers anew."""

_SUMS = np.dtype([*((name, "<f8") for name in _COUNTS), ("first_ms", "<u8"), ("last_ms", "<u8")])


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Flows on their way into the windows of one role, with what is computed for many at once."""

    hosts: NDArray[np.uint64]
    """Shape (n, 2), the addresses whose windows the flows enter."""
    hashes: NDArray[np.uint64]
    """Shape (n,), the same hosts as single numbers."""
    source: NDArray[np.uint16]
    numbers: Features
    """Shape (n, len(FLOW_FEATURES))."""
    rows: NDArray[np.void]
    """Shape (n,) of `ROW_DTYPE`."""

    @classmethod
    def of(cls, flows: FlowBatch, numbers: Features, role: Role) -> "Arrivals":
        """Prepare flows for the windows of a role."""
        own, other = _ENDS[role]
        return cls(
            flows[own], host_hash(flows[own], flows["source"]), flows["source"], numbers, rows(flows, other)
        )

    def part(self, start: int, stop: int) -> "Arrivals":
        """Return the arrivals from `start` to before `stop`."""
        at = slice(start, stop)
        return Arrivals(self.hosts[at], self.hashes[at], self.source[at], self.numbers[at], self.rows[at])


def arrivals(flows: FlowBatch) -> dict[Role, Arrivals]:
    """Prepare flows for the windows of both roles."""
    numbers = flow_features(flows)
    return {role: Arrivals.of(flows, numbers, role) for role in Role}


class RoleWindows:
    """All windows of one role, each in a slot of its own."""

    def __init__(self, role: Role, settings: WindowSettings, config: WindowConfig) -> None:
        self._role, self._settings = role, settings
        self._budget = config.max_windows_per_interval
        self.hosts = Hosts(config.max_hosts)
        self.shed = 0
        """Windows that were due beyond the interval's budget."""
        slots, length = config.max_hosts, settings.length_flows
        # Untouched memory costs nothing: the system hands out pages as hosts appear.
        self._numbers = np.zeros((slots, length, len(FLOW_FEATURES) + len(CONTEXT)), np.float32)
        self._rows = np.zeros((slots, length), ROW_DTYPE)
        self._seen = np.zeros(slots, np.int64)
        self._context = np.zeros((slots, len(CONTEXT)))
        self._context_ms = np.zeros(slots, np.int64)
        self._scored_ms = np.zeros(slots, np.int64)
        self._ports, self._peers = DistinctCounts(slots), DistinctCounts(slots)

    def enter(self, came: Arrivals, end_ms: int) -> dict[str, Any] | None:
        """Let the flows of an interval in and return the raw windows that are due, if any."""
        first, groups = _by_appearance(came.hashes)
        names = came.hashes[first].tolist()
        placed, fresh = self.hosts.place(names)
        for state in (self._seen, self._context, self._context_ms, self._scored_ms):
            state[fresh] = 0
        slots = np.array(placed, np.int64)
        sums = _sum_up(came, groups, len(slots))
        known = slots >= 0
        self._age(slots[known], sums[known], end_ms)
        self._write(came, groups, slots)
        self._seen[slots[known]] += sums["flows"][known].astype(np.int64)
        enough = known & (self._seen[slots] >= self._settings.min_flows)
        self.hosts.prove([names[at] for at in np.flatnonzero(enough).tolist()])
        self._count_ends(came, slots[groups], counted=enough[groups])
        due = np.flatnonzero(enough | (known & (sums["packets"] >= self._settings.min_packets)))
        due = self._select(due, slots, sums["flows"])
        if not len(due):
            return None
        self._scored_ms[slots[due]] = end_ms
        raw = self._gather(slots[due])
        raw |= {"hosts": came.hosts[first[due]], "source": came.source[first[due]], "interval": sums[due]}
        raw["time_ms"] = np.full(len(due), end_ms, np.int64)
        raw["ports_total"] = self._ports.occupied(slots[due])
        raw["peers_total"] = self._peers.estimated(slots[due])
        return raw

    def _age(self, slots: Slots, sums: NDArray[np.void], end_ms: int) -> None:
        """Age the context of the hosts seen, and add what the interval brought."""
        silent = slots[end_ms - self._context_ms[slots] >= SILENCE_MS]
        self._ports.clear(silent)
        self._peers.clear(silent)
        age = (end_ms - self._context_ms[slots]) / self._settings.horizon_ms
        added = np.stack([sums[name] for name in _COUNTS], axis=1)
        self._context[slots] = self._context[slots] * np.exp(-age)[:, None] + added
        self._context_ms[slots] = end_ms

    def _count_ends(self, came: Arrivals, slots: Slots, *, counted: NDArray[np.bool_]) -> None:
        """Remember ports and peers, but not of hosts on probation: spoofed ones would fill the memory."""
        self._ports.add(slots[counted], came.rows["dst_port"][counted].astype(np.uint64))
        self._peers.add(slots[counted], stable_hash(came.rows["peer"][counted]))

    def _write(self, came: Arrivals, groups: Slots, slots: Slots) -> None:
        """Append the flows to their rings; of more than a ring holds, the last."""
        length = self._settings.length_flows
        order = np.argsort(groups, kind="stable")
        counts = np.bincount(groups, minlength=len(slots))
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
        slot = slots[groups]
        kept = np.flatnonzero((slot >= 0) & (rank >= counts[groups] - length))
        slot = slot[kept]
        position = (self._seen[slot] + rank[kept]) % length
        self._numbers[slot, position, : len(FLOW_FEATURES)] = came.numbers[kept]
        self._numbers[slot, position, len(FLOW_FEATURES) :] = self._context[slot]
        self._rows[slot, position] = came.rows[kept]

    def _select(self, due: Slots, slots: Slots, flows: NDArray[np.float64]) -> Slots:
        """Keep within the budget: half for the busiest hosts, half for those longest unscored."""
        excess = len(due) - self._budget
        if excess <= 0:
            return due
        self.shed += excess
        half = self._budget // 2
        busiest = due[np.argsort(-flows[due], kind="stable")]
        rest = busiest[half:]
        waiting = rest[np.argsort(self._scored_ms[slots[rest]], kind="stable")]
        return np.sort(np.concatenate([busiest[:half], waiting[: self._budget - half]]))

    def _gather(self, slots: Slots) -> dict[str, Any]:
        """Copy windows out of their rings, oldest flow first."""
        length = self._settings.length_flows
        seen = self._seen[slots][:, None]
        steps = np.arange(length)[None]
        position = (seen + steps) % length
        return {
            "numbers": self._numbers[slots[:, None], position],
            "rows": self._rows[slots[:, None], position],
            "mask": steps >= length - np.minimum(seen, length),
            "role": np.full(len(slots), self._role, np.uint8),
        }


def _by_appearance(hashes: NDArray[np.uint64]) -> tuple[Slots, Slots]:
    """Number distinct hosts in the order of their first flow; return these flows and all numbers."""
    _, first, inverse = np.unique(hashes, return_index=True, return_inverse=True)
    order = np.argsort(first)
    number = np.empty_like(order)
    number[order] = np.arange(len(order))
    return first[order], number[inverse]


def _sum_up(came: Arrivals, groups: Slots, hosts: int) -> NDArray[np.void]:
    """Sum up an interval for each of its hosts, (hosts,) of `_SUMS`."""
    sums = np.zeros(hosts, _SUMS)
    sums["flows"] = np.bincount(groups, None, hosts)
    sums["packets"] = np.bincount(groups, came.rows["packets"].astype(np.float64), hosts)
    sums["bytes"] = np.bincount(groups, came.rows["bytes"].astype(np.float64), hosts)
    sums["unanswered"] = np.bincount(groups, came.numbers[:, UNANSWERED].astype(np.float64), hosts)
    sums["first_ms"] = np.iinfo(np.uint64).max
    np.minimum.at(sums["first_ms"], groups, came.rows["first_ms"])
    np.maximum.at(sums["last_ms"], groups, came.rows["last_ms"])
    for name, column in (("peers", "peer_hash"), ("ports", "dst_port"), ("source_ports", "src_port")):
        sums[name] = np.bincount(pairs(groups, came.rows[column]), None, hosts)
    return sums
