"""The flow table in Python: what runs where no compiler was at hand, and what the compiled one is held to.

The one place in the detector where Python touches packets and flows one by one. Three things keep the
loop short: keys are computed for a whole block with NumPy, the idle scan is skipped until the oldest
flow can be idle, and a finished flow is one `memmove`.
"""

from collections import OrderedDict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.bundle import MeterSettings
from detector.config import MeterConfig
from detector.meter.capture import Capture, PacketBlock
from detector.meter.engine import ACK_BIT, FIN_BIT, FLOW_BYTES, RST_BIT, SYN_BIT, TCP, ffi, lib, to_flows
from detector.meter.table import EXPORT_FLOWS, LATE_PACKETS, REMEMBERED_CONVERSATIONS, FlowTable
from detector.records import Expiry

_NEVER = 1 << 63
_STATISTICS = 1

Entry = tuple[Any, bool, bool]
"""A flow's C structure, whether its source is the greater end of the key, whether it is flipped."""


class PureTable(FlowTable):
    """Meters one capture, packet by packet."""

    def __init__(
        self, settings: MeterSettings, config: MeterConfig, *, source: int = 0, max_step_ms: int | None = None
    ) -> None:
        super().__init__(settings, config, source=source, max_step_ms=max_step_ms)
        self._flows: OrderedDict[bytes, Entry] = OrderedDict()
        self._closing: set[bytes] = set()
        self._resets: set[bytes] = set()
        """The flows of which every packet is a reset."""
        self._first_senders: OrderedDict[bytes, int] = OrderedDict()
        """Which end began each conversation, and, from the second bit on, the late packets it may have."""
        self._next_idle_ms = _NEVER
        self._raw = ffi.new("char[]", EXPORT_FLOWS * FLOW_BYTES)
        self._rooms = [self._raw + index * FLOW_BYTES for index in range(EXPORT_FLOWS)]
        self._reasons: list[int] = []
        self._exports: list[int] = []
        self._flipped: list[int] = []

    def __len__(self) -> int:
        return len(self._flows)

    @property
    def remembered(self) -> int:
        return len(self._first_senders)

    def pump(self, capture: Capture, block: PacketBlock, enough: int) -> None:
        capture.read(block, enough)

    def _meter(self, block: PacketBlock, count: int) -> None:
        columns, pointers = block.columns[:count], block.pointers[:count]
        times = columns["time"].tolist()
        keys, greater = _keys(columns, self._key_mask)
        flags = np.where(columns["protocol"] == TCP, columns["fin"], 0).tolist()
        flows, update, touch = self._flows, lib.meter_update_flow, self._flows.move_to_end
        idle, active = self._settings.idle_timeout_ms, self._settings.active_timeout_ms
        closes, resets, null = self._settings.expire_closed, self._resets, ffi.NULL
        for key, pointer, time, swapped, flag in zip(keys, pointers, times, greater, flags, strict=True):
            if time >= self._next_idle_ms:
                self._expire_idle(time)
            entry = flows.get(key)
            if resets and not flag & RST_BIT and key in resets:
                self._end(key, Expiry.CLOSED, time)
                entry = None
            if entry is None:
                self._begin(key, pointer, time, swapped=swapped, flag=flag)
            else:
                over = update(entry[0], pointer, idle, active, 0, _STATISTICS, 0, 0, null, 0)
                if over:
                    self._end(key, Expiry(over - 1), time)
                    self._begin(key, pointer, time, swapped=swapped, flag=flag)
                else:
                    touch(key)
            if closes and (flag & (FIN_BIT | RST_BIT) or (self._closing and key in self._closing)):
                self._close_tcp(key, time, flag)
        self.packets += count
        self.last_packet_ms = times[-1] if times else self.last_packet_ms

    def _begin(self, key: bytes, pointer: Any, time: int, *, swapped: bool, flag: int) -> None:
        """Open a flow with its first packet, making room for it where there is none.

        What ends a conversation whose last flow has left begins nothing.
        """
        if self._first_senders and self._is_late(key, flag, bare=pointer.payload_size == 0):
            self.late += 1
            return
        if self.thinned and hash(key) & ((1 << self.thinned) - 1):  # seeded: no sender can choose
            self.shed += 1
            return
        if len(self._flows) >= self._max_flows:
            self._end(next(iter(self._flows)), Expiry.EVICTED, time)
        flow = lib.meter_initialize_flow(pointer, 0, _STATISTICS, 0, 0, ffi.NULL, 0)
        if flow == ffi.NULL:
            self.refused += 1
            return
        flipped = False
        if self._settings.keep_direction and self._first_senders:
            if flag & (SYN_BIT | ACK_BIT) == SYN_BIT:
                self._first_senders.pop(key, None)
            else:
                flipped = self._first_senders.get(key, swapped) & 1 != swapped
        self._flows[key] = (flow, swapped, flipped)
        if self._settings.expire_closed and flag & RST_BIT:
            self._resets.add(key)
        if self._next_idle_ms == _NEVER:
            self._next_idle_ms = time + self._settings.idle_timeout_ms

    def _is_late(self, key: bytes, flag: int, *, bare: bool) -> bool:
        """Tell whether a packet only ends a conversation; a reset does it once, others after both FINs."""
        known = self._first_senders.get(key, 0)
        if known > 1 and bare and not flag & SYN_BIT:
            self._first_senders[key] = known - 2
            return True
        return bool(flag & RST_BIT) and self._first_senders.pop(key, None) is not None

    def _close_tcp(self, key: bytes, time: int, flag: int) -> None:
        """End a flow on RST, or on the packet that follows the FINs of both sides.

        A flow of resets alone goes on with the next: a dead end answers each segment under way with one.
        """
        entry = self._flows.get(key)
        if entry is None or key in self._resets:
            return
        if flag & RST_BIT or (key in self._closing and not flag & FIN_BIT):
            self._end(key, Expiry.CLOSED, time)
        elif entry[0].src2dst_fin_packets and entry[0].dst2src_fin_packets:
            self._closing.add(key)

    def _end(self, key: bytes, reason: Expiry, time: int) -> None:
        """Copy a finished flow out and free it."""
        flow, swapped, flipped = self._flows.pop(key)
        self._closing.discard(key)
        if key in self._resets:
            self._resets.remove(key)
        elif self._settings.keep_direction:
            self._remember(key, reason, flow, first_sender=swapped != flipped)
        count = len(self._reasons)
        ffi.memmove(self._rooms[count], flow, FLOW_BYTES)
        lib.meter_free_flow(flow, 0, 0, 1)
        if flipped:
            self._flipped.append(count)
        self._reasons.append(reason)
        self._exports.append(time)
        self.expired[reason] += 1
        if count + 1 == EXPORT_FLOWS:
            self._gather()

    def _remember(self, key: bytes, reason: Expiry, flow: Any, *, first_sender: bool) -> None:
        """Keep the direction of a conversation that may go on; one without an answer is none."""
        over = reason is Expiry.CLOSED
        if over and not (flow.src2dst_fin_packets and flow.dst2src_fin_packets):
            self._first_senders.pop(key, None)
        elif reason is Expiry.ACTIVE or flow.dst2src_packets:
            self._first_senders[key] = first_sender | over * 2 * LATE_PACKETS
            self._first_senders.move_to_end(key)
            if len(self._first_senders) > REMEMBERED_CONVERSATIONS:
                self._first_senders.popitem(last=False)

    def _expire_idle(self, now: int) -> None:
        """Let go of every flow whose last packet is an idle timeout old."""
        idle = self._settings.idle_timeout_ms
        while self._flows:
            key = next(iter(self._flows))
            due = self._flows[key][0].bidirectional_last_seen_ms + idle
            if due > now:
                self._next_idle_ms = due
                return
            self._end(key, Expiry.IDLE, due)
        self._next_idle_ms = _NEVER

    def advance(self, now_ms: int) -> None:
        self.clock.advance(now_ms)
        if self.clock.now_ms >= self._next_idle_ms:
            self._expire_idle(self.clock.now_ms)

    def flush(self) -> None:
        while self._flows:
            self._end(next(iter(self._flows)), Expiry.FLUSHED, self.clock.now_ms)
        self._next_idle_ms = _NEVER

    def _gather(self) -> None:
        count = len(self._reasons)
        if not count:
            return
        flows = to_flows(ffi.buffer(self._raw), count, self._flipped)
        flows["expiration_id"] = self._reasons
        flows["export_ms"] = self._exports
        flows["source"] = self._source
        self._ready.append(flows)
        self._reasons, self._exports, self._flipped = [], [], []


def _keys(packets: NDArray[np.void], mask: np.uint64) -> tuple[list[bytes], list[bool]]:
    """Return NFStream's direction-agnostic flow keys, and which packets come from the greater end.

    The ends are compared as `nfstream.meter.get_flow_key` does: by address, then by port.
    """
    source, target = packets["src_ip"], packets["dst_ip"]
    ports = packets["src_port"].astype(np.uint64), packets["dst_port"].astype(np.uint64)
    high_equal = source[:, 1] == target[:, 1]
    low_equal = source[:, 0] == target[:, 0]
    greater = np.where(
        high_equal,
        np.where(low_equal, ports[0] > ports[1], source[:, 0] > target[:, 0]),
        source[:, 1] > target[:, 1],
    )
    words = np.empty((len(packets), 5), np.uint64)
    swap = greater[:, None]
    words[:, 0:2] = np.where(swap, target, source)
    words[:, 2:4] = np.where(swap, source, target)
    small, large = np.where(greater, ports[1], ports[0]), np.where(greater, ports[0], ports[1])
    rest = packets["protocol"].astype(np.uint64) << np.uint64(8) | packets["tunnel_id"].astype(np.uint64)
    vlan = packets["vlan_id"].astype(np.uint64) << np.uint64(16)
    words[:, 4] = (small << np.uint64(48) | large << np.uint64(32) | vlan | rest) & mask
    return words.view("V40").ravel().tolist(), greater.tolist()
