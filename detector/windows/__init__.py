"""Windows: the last flows of each host, one window a role, ready to be scored.

A host is seen from two ends: as the source of flows (scans, floods it sends) and as their target
(floods it receives). Time is cut into intervals of packet time. The flows that left in an interval
enter the windows when it is over, and each window they changed is due once. So the cost of
scoring is bounded per second whatever the traffic does, and the same flows give the same windows
however they were cut into batches.

Everything is columns, and wide ones: a flow is 700 bytes, a window 8 kB. What made it three times as
fast in a flood of random sources (3.1 to 1.1 us a flow) and twice otherwise (41 to 19 us a window):
no flow is copied before its interval is over, no host has a Python object (`hosts`), equals are found
without sorting (`groups`), rings of both roles remember one form of row, windows are put together in
place, and what model and facts both want to know of equal peers and ports is counted once.
"""

from bisect import bisect_left

import numpy as np

from detector.bundle import WindowSettings
from detector.config import WindowConfig
from detector.features import CONTEXT, FLOW_FEATURES, SCHEMA, UNANSWERED, relations, repeats
from detector.records import FACTS_DTYPE, FLOW_DTYPE, FlowBatch, Role, WindowBatch
from detector.windows.arrivals import Arrivals, touched
from detector.windows.facts import Due, facts, joined
from detector.windows.role import RoleWindows

__all__ = ["Windows"]

_KNOWN = len(FLOW_FEATURES) + len(CONTEXT)
"""Features that are known before a window is put together."""
_SIZES = [FLOW_FEATURES.index("src2dst_packets"), FLOW_FEATURES.index("src2dst_bytes")]


class Windows:
    """Flows in, due windows out, each role by itself."""

    def __init__(self, settings: WindowSettings, config: WindowConfig) -> None:
        self._settings, self._config = settings, config
        self._pending: list[FlowBatch] = []
        self._forgotten = np.zeros(2, np.int64)
        self._roles = self._empty()

    def _empty(self) -> dict[Role, RoleWindows]:
        return {role: RoleWindows(role, self._settings, self._config) for role in Role}

    def __len__(self) -> int:
        return sum(len(windows.hosts) for windows in self._roles.values())

    @property
    def evicted(self) -> int:
        """Hosts whose window was given up for another's, or that found no room."""
        return int(self._forgotten[0]) + sum(windows.hosts.evicted for windows in self._roles.values())

    @property
    def shed(self) -> int:
        """Due windows that were not scored because the interval's budget was spent."""
        return int(self._forgotten[1]) + sum(windows.shed for windows in self._roles.values())

    def push(self, flows: FlowBatch) -> None:
        """Hand over flows, in the order of their `export_ms` for each capture."""
        if len(flows):
            self._pending.append(_in_order([flows]))

    def advance(self, watermark_ms: int) -> WindowBatch:
        """Return the windows that became due before `watermark_ms`.

        No flow that leaves before the watermark may be pushed after this call.
        """
        interval = self._settings.interval_ms
        return self._run(watermark_ms // interval * interval)

    def flush(self) -> WindowBatch:
        """Return every window that is due and forget all hosts: time ends, or starts anew."""
        batch = self._run(None)
        self._forgotten[:] = self.evicted, self.shed
        self._roles = self._empty()
        return batch

    def _run(self, before_ms: int | None) -> WindowBatch:
        flows = self._ready(before_ms)
        if not len(flows):
            return _assemble([], self._settings.length_flows)
        came = Arrivals.of(flows)
        numbers = flows["export_ms"] // self._settings.interval_ms
        starts = [0, *(np.flatnonzero(numbers[1:] != numbers[:-1]) + 1).tolist()]
        due: list[Due] = []
        for start, stop in zip(starts, [*starts[1:], len(flows)], strict=True):
            end_ms = (int(numbers[start]) + 1) * self._settings.interval_ms
            part = came.part(start, stop)
            for role, by in touched(part):
                found = self._roles[role].enter(part, by, end_ms)
                if found is not None:
                    due.append(found)
        return _assemble(due, self._settings.length_flows)

    def _ready(self, before_ms: int | None) -> FlowBatch:
        """Take the pending flows that left before a time, in the order in which they left."""
        taken: list[FlowBatch] = []
        kept: list[FlowBatch] = []
        for flows in self._pending:
            ready = len(flows) if before_ms is None else bisect_left(flows["export_ms"], before_ms)
            if ready:
                taken.append(flows[:ready])
            if ready < len(flows):
                kept.append(flows[ready:])
        self._pending = kept
        return _in_order(taken) if taken else np.zeros(0, FLOW_DTYPE)


def _in_order(batches: list[FlowBatch]) -> FlowBatch:
    """Join flows in the order in which they left: several captures, each in order, or one."""
    flows = joined(batches)
    left = flows["export_ms"]
    if (left[1:] < left[:-1]).any():
        return flows[np.argsort(left, kind="stable")]
    return flows


def _assemble(parts: list[Due], length: int) -> WindowBatch:
    """Join windows and add the relations between their flows."""
    if not parts:
        return WindowBatch(np.zeros((0, length, len(SCHEMA)), np.float32), np.zeros(0, FACTS_DTYPE))
    rows, mask, role = (joined([getattr(part, name) for part in parts]) for name in ("rows", "mask", "role"))
    sequences = np.empty((*mask.shape, len(SCHEMA)), np.float32)
    np.concatenate([part.numbers for part in parts], out=sequences[..., :_KNOWN])
    as_target = role == Role.TARGET
    peers = np.where(as_target[:, None], rows["src_hash"], rows["dst_hash"])
    earlier, alike = repeats(np.stack([peers, rows["dst_port"], rows["src_port"]]), mask)
    relations(
        times=rows["first_ms"].astype(np.int64),
        peers=peers,
        earlier=earlier,
        sizes=sequences[..., _SIZES],
        unanswered=sequences[..., UNANSWERED],
        mask=mask,
        as_target=as_target,
        out=sequences[..., _KNOWN:],
    )
    sequences[~mask] = 0.0
    return WindowBatch(sequences, facts(parts, rows, mask, earlier, alike))
