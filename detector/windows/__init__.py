"""Windows: the last flows of each host, one window a role, ready to be scored.

A host is seen from two ends: as the source of flows (scans, floods it sends) and as their target
(floods it receives). Time is cut into intervals of packet time. The flows that left in an interval
enter the windows when it is over, and each window they changed is due once. So the cost of
scoring is bounded per second whatever the traffic does, and the same flows give the same windows
however they were cut into batches.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.bundle import WindowSettings
from detector.config import WindowConfig
from detector.features import FLOW_FEATURES, SCHEMA, UNANSWERED, relations
from detector.records import FACTS_DTYPE, FLOW_DTYPE, FlowBatch, Role, WindowBatch
from detector.windows.facts import facts
from detector.windows.role import RoleWindows, arrivals

__all__ = ["Windows"]

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
            self._pending.append(flows)

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
        came = arrivals(flows)
        numbers, starts = np.unique(flows["export_ms"] // self._settings.interval_ms, return_index=True)
        stops = [*starts[1:].tolist(), len(flows)]
        due: list[dict[str, Any]] = []
        for number, start, stop in zip(numbers.tolist(), starts.tolist(), stops, strict=True):
            end_ms = (number + 1) * self._settings.interval_ms
            for role, windows in self._roles.items():
                raw = windows.enter(came[role].part(start, stop), end_ms)
                if raw:
                    due.append(raw)
        return _assemble(due, self._settings.length_flows)

    def _ready(self, before_ms: int | None) -> FlowBatch:
        """Take the pending flows that left before a time, in the order in which they left."""
        if not self._pending:
            return np.zeros(0, FLOW_DTYPE)
        flows = np.concatenate(self._pending) if len(self._pending) > 1 else self._pending[0]
        left = flows["export_ms"]
        if (left[1:] < left[:-1]).any():  # several captures, each in order
            flows = flows[np.argsort(left, kind="stable")]
            left = flows["export_ms"]
        ready = len(flows) if before_ms is None else int(np.searchsorted(left, before_ms))
        self._pending = [flows[ready:]] if ready < len(flows) else []
        return flows[:ready]


def _assemble(due: list[dict[str, Any]], length: int) -> WindowBatch:
    """Join the raw windows and add the relations between their flows."""
    if not due:
        return WindowBatch(np.zeros((0, length, len(SCHEMA)), np.float32), np.zeros(0, FACTS_DTYPE))
    raw: dict[str, NDArray[Any]] = {name: np.concatenate([part[name] for part in due]) for name in due[0]}
    found, mask, numbers = raw["rows"], raw["mask"], raw["numbers"]
    related = relations(
        times=found["first_ms"].astype(np.int64),
        peers=found["peer_hash"],
        ports=np.stack([found["dst_port"], found["src_port"]], axis=2),
        sizes=numbers[..., _SIZES],
        unanswered=numbers[..., UNANSWERED],
        mask=mask,
        as_target=raw["role"] == Role.TARGET,
    )
    numbers = np.where(mask[..., None], numbers, np.float32(0.0))
    return WindowBatch(np.concatenate([numbers, related], axis=2), facts(raw))
