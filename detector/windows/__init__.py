"""Windows: the last flows of each host, one window a role, ready to be scored.

A host is seen from two ends: as the source of flows (scans, floods it sends) and as their target
(floods it receives). Time is cut into intervals of packet time. The flows that left in an interval
enter the windows when it is over, and each window they changed is due once, unless its host is
calm (see `calm`). So the cost of scoring is bounded per second whatever the traffic does.

The same flows give the same windows however they were cut into batches, at any speed. That is why
verdicts, which decide who is calm, count by whole seconds of packet time: all windows of a second
are made before any of its verdicts is used, and all of those are in before the next second begins.

Everything is columns, and wide ones: a flow is 700 bytes, a window 8 kB. What made it three times as
fast in a flood of random sources (3.1 to 1.1 us a flow) and twice otherwise (41 to 19 us a window):
no flow is copied before its interval is over, no host has a Python object (`hosts`), equals are found
without sorting (`groups`), rings of both roles remember one form of row, windows are put together in
place, and what model and facts both want to know of equal peers and ports is counted once.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detector.bundle import WindowSettings
from detector.config import WindowConfig
from detector.features import CONTEXT, FLOW_FEATURES, SCHEMA, UNANSWERED, relations, repeats
from detector.records import FACTS_DTYPE, FlowBatch, Role, WindowBatch
from detector.windows.arrivals import Arrivals, in_order, touched
from detector.windows.facts import Due, facts, joined
from detector.windows.role import SHED_REASONS, RoleWindows

__all__ = ["Windows"]

_KNOWN = len(FLOW_FEATURES) + len(CONTEXT)
"""Features that are known before a window is put together."""
_SIZES = [FLOW_FEATURES.index("src2dst_packets"), FLOW_FEATURES.index("src2dst_bytes")]


class _Settled(NamedTuple):
    """What was said of a batch."""

    second: int
    """Of packet time, in which all its windows became due."""
    role: NDArray[np.uint8]
    places: NDArray[np.int64]
    calm: NDArray[np.bool_]
    known: NDArray[np.bool_]


class Windows:
    """Flows in, due windows out, each role by itself."""

    def __init__(self, settings: WindowSettings, config: WindowConfig) -> None:
        self._settings = settings
        self.nothing = WindowBatch(
            np.zeros((0, settings.length_flows, len(SCHEMA)), np.float32), np.zeros(0, FACTS_DTYPE)
        )
        """A batch of no windows."""
        self.pressure = 0.0
        """How much of the room for flows is taken, 0 to 1: from a quarter on, less is scored."""
        self._pending: list[Arrivals] = []
        self._settled: list[_Settled] = []
        self._second = 0
        """Of packet time, entered last."""
        # That many flood a host is to be known before what each of them does is looked at.
        self._roles = {role: RoleWindows(role, settings, config) for role in (Role.TARGET, Role.SOURCE)}

    def __len__(self) -> int:
        return sum(len(windows.hosts) for windows in self._roles.values())

    @property
    def evicted(self) -> int:
        """Hosts whose window was given up for another's, or that found no room."""
        return sum(windows.hosts.evicted for windows in self._roles.values())

    @property
    def shed(self) -> dict[str, int]:
        """Due windows that were not scored, by `SHED_REASONS`."""
        return {
            reason: sum(windows.shed[reason] for windows in self._roles.values()) for reason in SHED_REASONS
        }

    def needs(self, batch: WindowBatch) -> bool:
        """Tell whether a batch has to be settled before the next is asked for."""
        return not self._pending or self._upcoming() > self._second_of(batch) + 1

    @property
    def waiting(self) -> int:
        """Flows that wait for the end of their interval."""
        return sum(map(len, self._pending))

    def push(self, flows: FlowBatch) -> None:
        """Hand over flows, in the order of their `export_ms` for each capture."""
        if len(flows):
            self._pending.append(in_order([Arrivals.of(flows)]))

    def advance(self, watermark_ms: int) -> Iterator[WindowBatch]:
        """Yield the windows that became due before `watermark_ms`, at most one batch a second of packet time.

        No flow that leaves before the watermark may be pushed after this call. Settle a batch before
        asking for the next; flows stay pending until theirs is asked for.
        """
        interval = self._settings.interval_ms
        return self._run(watermark_ms // interval * interval)

    def flush(self) -> Iterator[WindowBatch]:
        """Yield every window that is due and then forget all hosts: time ends, or starts anew."""
        yield from self._run(None)
        self._apply(self._second + 1)
        rest = [due for windows in self._roles.values() if (due := windows.rest()) is not None]
        if rest:
            batch = _assemble(rest)
            yield replace(batch, reached_ms=int(batch.facts["time_ms"].max()))
        for windows in self._roles.values():
            windows.forget()

    def settle(
        self, batch: WindowBatch, calm: NDArray[np.bool_], known: NDArray[np.bool_] | None = None
    ) -> None:
        """Say which windows of a batch, (m,), were surely benign, and which showed an attack that is known.

        Their hosts are due less often, from the second after the next on, so that a second may be scored
        while the next enters its windows. Whoever settles nothing gets every window.
        """
        if len(batch):
            role = batch.facts["role"].copy()
            known = np.zeros(len(batch), bool) if known is None else known
            self._settled.append(_Settled(self._second_of(batch), role, batch.places, calm, known))

    def _second_of(self, batch: WindowBatch) -> int:
        return (int(batch.facts["time_ms"][0]) - self._settings.interval_ms) // 1000

    def _upcoming(self) -> int:
        """Return the second to which the first pending flow belongs."""
        return min(map(self._start_ms, self._pending)) // 1000

    def _run(self, before_ms: int | None) -> Iterator[WindowBatch]:
        while (came := self._ready(before_ms)) is not None:
            self._second = self._start_ms(came) // 1000
            self._apply(self._second)
            due = self._enter(came)
            interval = self._settings.interval_ms
            reached_ms = (int(came.export_ms[-1]) // interval + 1) * interval
            yield replace(_assemble(due) if due else self.nothing, reached_ms=reached_ms)

    def _enter(self, came: Arrivals) -> list[Due]:
        """Let flows into their windows, one interval after the other."""
        due: list[Due] = []
        for number, part, touches in touched(came, came.export_ms // self._settings.interval_ms):
            end_ms = (number + 1) * self._settings.interval_ms
            for role, windows in self._roles.items():
                found = windows.enter(part, touches[role], end_ms, share=_share(self.pressure))
                if found is not None:
                    due.append(found)
        return due

    def _apply(self, second: int) -> None:
        """Let verdicts count in a second: those up to the one before the last, though later ones be known."""
        for settled in self._settled:
            if not _late(settled, second):
                for role, windows in self._roles.items():
                    mine = settled.role == role
                    windows.calm.settle(settled.places[mine], settled.calm[mine], settled.known[mine])
        self._settled = [settled for settled in self._settled if _late(settled, second)]

    def _start_ms(self, came: Arrivals) -> int:
        """Return when the interval of the first flow began."""
        return int(came.export_ms[0]) // self._settings.interval_ms * self._settings.interval_ms

    def _ready(self, before_ms: int | None) -> Arrivals | None:
        """Take the pending flows that left in the first second of any, and before a time, in their order.

        An interval belongs to the second in which it began.
        """
        if not self._pending:
            return None
        interval = self._settings.interval_ms
        following_ms = (self._upcoming() + 1) * 1000
        end_ms = -(-following_ms // interval) * interval
        end_ms = end_ms if before_ms is None else min(before_ms, end_ms)
        taken: list[Arrivals] = []
        kept: list[Arrivals] = []
        for came in self._pending:
            ready = bisect_left(came.export_ms, end_ms)
            if ready:
                taken.append(came.part(slice(ready)))
            if ready < len(came):
                kept.append(came.part(slice(ready, None)))
        self._pending = kept
        return in_order(taken) if taken else None


def _late(settled: _Settled, second: int) -> bool:
    """Tell whether a verdict is too young to count, or of a time that has been left behind."""
    return second - 1 <= settled.second <= second


def _share(pressure: float) -> float:
    """Return how much of the budget may be spent: all up to a quarter of the pressure, then less and less."""
    return min(1.0, max(1.0 - (pressure - 0.25) / 0.75, 1 / 16))


def _assemble(parts: list[Due]) -> WindowBatch:
    """Join windows and add the relations between their flows."""
    rows, mask, role = (joined([getattr(part, name) for part in parts]) for name in ("rows", "mask", "role"))
    sequences = np.empty((*mask.shape, len(SCHEMA)), np.float32)
    np.concatenate([part.numbers for part in parts], out=sequences[..., :_KNOWN])
    as_target = role == Role.TARGET
    peers = np.where(as_target[:, None], rows["src_hash"], rows["dst_hash"])
    earlier, alike = repeats(np.stack([peers, rows["service"], rows["src_port"]]), mask)
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
    places = joined([part.places for part in parts])
    return WindowBatch(sequences, facts(parts, rows, mask, earlier, alike), places)
