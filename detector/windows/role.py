"""The windows of one role: a ring of rows for each host."""

import numpy as np
from numpy.typing import NDArray

from detector.bundle import WindowSettings
from detector.config import WindowConfig
from detector.features import CONTEXT, FLOW_FEATURES
from detector.records import Role
from detector.windows.arrivals import COUNTS, Arrivals, Touched
from detector.windows.calm import Calm
from detector.windows.distinct import DistinctCounts
from detector.windows.facts import ENDS, OTHER_ENDS, ROW_DTYPE, Due, stable_hash
from detector.windows.hosts import Hosts, Slots

SILENCE_MS = 60_000
"""A host silent for this long starts its count of ports and peers anew."""


SHED_REASONS = ("budget", "pressure")
"""Why a due window is left out: the interval's budget is spent, or flows wait and less of it may be spent."""


class RoleWindows:
    """All windows of one role, each in a slot of its own."""

    def __init__(self, role: Role, settings: WindowSettings, config: WindowConfig) -> None:
        self._role, self._settings = role, settings
        self._budget = config.max_windows_per_interval
        self.hosts = Hosts(config.max_hosts)
        self.calm = Calm(config)
        self.shed = dict.fromkeys(SHED_REASONS, 0)
        """Windows that were due and left out, by `SHED_REASONS`."""
        self._end_ms = 0
        slots, length = config.max_hosts, settings.length_flows
        # Untouched memory costs nothing: the system hands out pages as hosts appear.
        self._numbers = np.zeros((slots * length, len(FLOW_FEATURES) + len(CONTEXT)), np.float32)
        self._rows = np.zeros(slots * length, ROW_DTYPE)
        self._seen = np.zeros(slots, np.int64)
        self._context = np.zeros((slots, len(CONTEXT)))
        self._context_ms = np.zeros(slots, np.int64)
        self._source = np.zeros(slots, np.uint16)
        self._ports, self._peers = DistinctCounts(slots), DistinctCounts(slots)

    def enter(self, came: Arrivals, by: Touched, end_ms: int, *, share: float = 1.0) -> Due | None:
        """Let the flows of an interval in and return the windows that are due, if any.

        `share`: how much of the interval's budget may be spent, 0 to 1.
        """
        self._end_ms = end_ms
        slots, fresh = self.hosts.place(by.hosts)
        if len(fresh):
            self.calm.begin(fresh)
            for state in (self._seen, self._context, self._context_ms):
                state[fresh] = 0
        placed = np.flatnonzero(slots >= 0)
        known, sums = slots[placed], by.sums[placed]
        self._source[known] = came.source[by.first[placed]]
        self._age(known, sums, end_ms)
        self._write(came, by, placed, known)
        self._seen[known] += sums["flows"].astype(np.int64)
        enough = self._seen[known] >= self._settings.min_flows
        self.hosts.prove(known[enough])
        self._count_ends(came, by, slots, placed[enough])
        overdue = self.calm.overdue(end_ms)
        self.calm.add(known, sums)
        waits = self.calm.waits(known, end_ms)
        due = known[(enough & ~waits) | (sums["packets"] >= self._settings.min_packets)]
        if len(overdue):
            due = np.concatenate([due, overdue[~np.isin(overdue, known)]])
        due = self._select(due, share)
        return self._gather(due) if len(due) else None

    def rest(self) -> Due | None:
        """Return the windows that still wait: nothing more comes."""
        due = self.calm.overdue(None)
        return self._gather(due) if len(due) else None

    def forget(self) -> None:
        """Forget all hosts, not what was counted; slots are cleared when hosts get them."""
        evicted = self.hosts.evicted
        self.hosts = Hosts(len(self._seen))
        self.hosts.evicted = evicted
        self.calm.forget()

    def _age(self, slots: Slots, sums: NDArray[np.void], end_ms: int) -> None:
        """Age the context of the hosts seen, and add what the interval brought."""
        silent = slots[end_ms - self._context_ms[slots] >= SILENCE_MS]
        self._ports.clear(silent)
        self._peers.clear(silent)
        age = (end_ms - self._context_ms[slots]) / self._settings.horizon_ms
        added = np.stack([sums[name] for name in COUNTS], axis=1)
        self._context[slots] = self._context[slots] * np.exp(-age)[:, None] + added
        self._context_ms[slots] = end_ms

    def _count_ends(self, came: Arrivals, by: Touched, slots: Slots, hosts: Slots) -> None:
        """Remember ports and peers, but not of hosts on probation: spoofed ones would fill the memory."""
        counted = np.zeros(len(slots), bool)
        counted[hosts] = True
        flows = np.flatnonzero(counted[by.number])
        slot = slots[by.number[flows]]
        self._ports.add(slot, came.rows["service"][flows].astype(np.uint64))
        self._peers.add(slot, stable_hash(came.rows[f"{OTHER_ENDS[self._role]}_ip"][flows]))

    def _write(self, came: Arrivals, by: Touched, hosts: Slots, slots: Slots) -> None:
        """Append the flows of some hosts to their rings; of more than a ring holds, the last."""
        length = self._settings.length_flows
        flows = by.sums["flows"][hosts].astype(np.int64)
        kept = np.minimum(flows, length)
        skipped = flows - kept
        step = np.arange(kept.sum()) - np.repeat(np.cumsum(kept) - kept, kept)
        flow = by.order[np.repeat(by.starts[hosts] + skipped, kept) + step]
        slot = np.repeat(slots, kept)
        at = slot * length + (np.repeat(self._seen[slots] + skipped, kept) + step) % length
        self._numbers[at] = np.concatenate(
            [came.numbers[flow], self._context[slot].astype(np.float32)], axis=1
        )
        self._rows[at] = came.rows[flow]

    def _select(self, due: Slots, share: float) -> Slots:
        """Keep within the budget: half for the busiest hosts, half for those longest unscored."""
        budget = max(int(self._budget * share), 1)
        excess = len(due) - budget
        if excess <= 0:
            return due
        self.shed["budget"] += max(len(due) - self._budget, 0)
        self.shed["pressure"] += min(excess, self._budget - budget)
        half = budget // 2
        busiest = np.argsort(-self.calm.unscored(due)["flows"], kind="stable")
        rest = busiest[half:]
        waiting = rest[np.argsort(self.calm.scored_ms[due[rest]], kind="stable")]
        kept = np.sort(np.concatenate([busiest[:half], waiting[: budget - half]]))
        return np.asarray(due[kept])

    def _gather(self, slots: Slots) -> Due:
        """Copy windows out of their rings, oldest flow first."""
        length, end_ms = self._settings.length_flows, self._end_ms
        seen = self._seen[slots][:, None]
        steps = np.arange(length)[None]
        position = slots[:, None] * length + (seen + steps) % length
        rows = np.take(self._rows, position)
        return Due(
            numbers=np.take(self._numbers, position, axis=0),
            rows=rows,
            mask=steps >= length - np.minimum(seen, length),
            interval=self.calm.unscored(slots),
            places=self.calm.score(slots, end_ms),
            role=np.full(len(slots), self._role, np.uint8),
            host=rows[f"{ENDS[self._role]}_ip"][:, -1],
            source=self._source[slots],
            time_ms=np.full(len(slots), end_ms, np.uint64),
            ports_total=self._ports.occupied(slots),
            peers_total=self._peers.estimated(slots),
        )
