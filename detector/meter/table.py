"""The flow table: parsed packets in, finished flows out.

The arithmetic is the engine's; ours is when a flow ends. Flows leave in the order of their
`export_ms`, which depends on the packets alone: however a capture is cut into blocks, and live or
replayed, the flows are the same.

The packet loop exists twice, with equal results. `compiled.CompiledTable` is C and runs without the
interpreter's lock, so that other threads go on while it meters; `pure.PureTable` is Python, for where no
compiler was at hand. What the profile of the Python loop showed, for a random-source flood of 200,000
flows: 2.0 s, of which 1.7 s are this loop, 0.1 s parsing and 0.3 s the engine's own functions; the rest
is the interpreter, touching each packet and each flow about ten times.
"""

from abc import ABC, abstractmethod
from collections import Counter

import numpy as np

from detector.bundle import MeterSettings
from detector.config import MeterConfig
from detector.meter.capture import Capture, PacketBlock
from detector.meter.clock import PacketClock
from detector.records import NO_FLOWS, Expiry, FlowBatch

EXPORT_FLOWS = 2048
"""Finished flows gathered before they are passed on as one array of columns."""

REMEMBERED_CONVERSATIONS = 65_536
"""Conversations whose first sender is remembered, so that a later flow of theirs keeps its direction."""

LATE_PACKETS = 3
"""Packets without data that may follow a connection that both sides have ended, and begin no flow: where both
did at once the second of two last ACKs, and a copy of each where a mirror port shows packets twice. Before,
each was a flow, back to front, and of 1,322 harmless captures 24 had a Recon when every packet came twice."""

MAX_THINNED = 6
"""At the most one new flow in 2^6 is metered."""


class FlowTable(ABC):
    """Meters one capture: at most `max_active_flows` open flows, each loss counted."""

    def __init__(
        self, settings: MeterSettings, config: MeterConfig, *, source: int = 0, max_step_ms: int | None = None
    ) -> None:
        self.clock = PacketClock(max_step_ms)
        self.packets = 0
        """Packets offered to a flow; `late`, `refused` and `shed` are among them."""
        self.last_packet_ms = -1
        """Packet time of the last of them, -1 before the first."""
        self.expired: Counter[Expiry] = Counter()
        """Flows let go, by reason."""
        self.refused = 0
        """Packets lost because the engine had no memory for a new flow."""
        self.late = 0
        """Packets left out because they only end a conversation whose last flow has left already."""
        self.shed = 0
        """Packets left out because they would have begun a flow while these were thinned out."""
        self.thinned = 0
        """One new flow in 2^thinned is metered; its key decides, so that it is metered whole or not."""
        self._settings, self._source = settings, source
        self._max_flows = config.max_active_flows
        self._key_mask = np.uint64(0xFFFF_FFFF_FFFF_FFFF if config.vlan_in_key else 0xFFFF_FFFF_0000_FFFF)
        self._ready: list[FlowBatch] = []

    @abstractmethod
    def __len__(self) -> int:
        """Return how many flows are open."""

    @property
    @abstractmethod
    def remembered(self) -> int:
        """Conversations whose direction is remembered, at most `REMEMBERED_CONVERSATIONS`."""

    @abstractmethod
    def pump(self, capture: Capture, block: PacketBlock, enough: int) -> None:
        """Read and meter about `enough` of the packets that wait; those left in the block are to be consumed.

        Raises:
            CaptureError: as `Capture.read`.
        """

    def consume(self, block: PacketBlock, *, final: bool = False) -> bool:
        """Meter the packets of a block; the last may stay in it, to wait for its successor.

        Returns:
            False when the capture's clock was set back inside the block. Every flow before that has
            been let go and is to be taken; the packets after it are for another call.
        """
        stamps = block.columns["time"][: block.count]
        times, restart = self.clock.settle(stamps, final=final)
        stamps[: len(times)] = times
        self._meter(block, len(times))
        if restart is not None:
            self.flush()
            self.clock.start_anew(int(stamps[restart]))
        block.drop(len(times))
        return restart is None

    @abstractmethod
    def _meter(self, block: PacketBlock, count: int) -> None:
        """Meter the first `count` packets, whose times have been settled."""

    @abstractmethod
    def advance(self, now_ms: int) -> None:
        """Let time pass without a packet: flows that are idle by `now_ms` leave."""

    @abstractmethod
    def flush(self) -> None:
        """Let go of every flow."""

    def end(self) -> None:
        """Let every flow go as if nothing followed: each when it would have idled, and not all at once."""
        self.advance(max(self.clock.now_ms, 0) + self._settings.idle_timeout_ms)
        self.flush()

    def take(self) -> FlowBatch:
        """Return the flows let go since the last call, shape (n,)."""
        self._gather()
        ready, self._ready = self._ready, []
        if len(ready) == 1:
            return ready[0]
        return np.concatenate(ready) if ready else NO_FLOWS

    @abstractmethod
    def _gather(self) -> None:
        """Move what was let go to `_ready`."""
