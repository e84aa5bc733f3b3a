"""The flow table in C: `loop/loop.c`, made at installation where a compiler is at hand.

This module only carries: the engine's functions and the layout of its structures go down, counts and
finished flows come up. A call into the loop gives the interpreter's lock away. Finished flows are written
into NumPy rows by the loop itself, which saves copying each of them twice.

A flood of one-packet flows takes 1.8 us a flow, 0.35 us a packet is what long flows take; in Python, 6.0 us
and 2.0 us, all of them under the lock. Of the 1.8 us the engine spends a third on writing MAC addresses as
text (a profile has `printf` on top), which nobody here reads.
"""

import ctypes
import os
from ctypes import c_int, c_int64, c_uint16, c_uint64, c_void_p
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from detector.bundle import MeterSettings
from detector.config import MeterConfig
from detector.meter import engine
from detector.meter.capture import Capture, PacketBlock
from detector.meter.engine import PACKET, PACKET_DTYPE, ffi, lib
from detector.meter.table import EXPORT_FLOWS, LATE_PACKETS, REMEMBERED_CONVERSATIONS, FlowTable
from detector.records import FLOW_DTYPE, Expiry

LIBRARY = Path(__file__).parent / "loop" / "libiotids_loop.so"

_FULL, _DOUBT = 2, 3
_FEW_FLOWS = EXPORT_FLOWS // 8
"""So few finished flows are copied out; more are handed over with the memory they are in."""


class _Span(ctypes.Structure):
    _fields_ = (("start", c_uint16), ("to", c_uint16), ("bytes", c_uint16))


class _Deviation(ctypes.Structure):
    _fields_ = (("at", c_uint16), ("packets_at", c_uint16), ("lost", c_uint16))


class _Settings(ctypes.Structure):
    """`struct settings` of loop.h."""

    _fields_ = (
        *((name, c_void_p) for name in ("capture_next", "initialize_flow", "update_flow", "free_flow")),
        ("spans", ctypes.POINTER(_Span) * 2),
        ("span_counts", c_uint64 * 2),
        ("deviations", ctypes.POINTER(_Deviation)),
        ("deviation_count", c_uint64),
        *((name, c_uint64) for name in ("last_seen_at", "src_fins_at", "dst_fins_at", "answers_at")),
        *((f"{name}_at", c_uint64) for name in ("src_ip", "dst_ip", "version", "reason", "export", "source")),
        ("row_bytes", c_uint64),
        *((name, c_uint64) for name in ("idle_ms", "active_ms", "max_flows", "max_senders", "key_mask")),
        *((name, c_uint64) for name in ("seed", "source")),
        ("max_step_ms", c_int64),
        ("closes", c_uint64),
        ("keeps_direction", c_uint64),
        ("late_packets", c_uint64),
    )


class _State(ctypes.Structure):
    """`struct state` of loop.h."""

    _fields_ = (
        ("now_ms", c_int64),
        *((name, c_uint64) for name in ("open", "metered", "late", "refused", "shed")),
        ("expired", c_uint64 * len(Expiry)),
        *((name, c_uint64) for name in ("next_idle_ms", "remembered")),
        ("rows", c_void_p),
        *((name, c_uint64) for name in ("row_count", "row_limit", "thinned", "count", "settled", "at")),
        *((name, c_uint64) for name in ("read", "ignored")),
        ("found", c_int64),
    )


@cache
def library() -> Any:
    """Return the compiled loop, None where there is none or its structures are not those of this version."""
    offsets = [_offset(PACKET_DTYPE, name) for name in PACKET_DTYPE.names or ()]
    known = [*offsets, PACKET_DTYPE.itemsize, ctypes.sizeof(_State), ctypes.sizeof(_Settings)]
    try:
        loop = ctypes.CDLL(str(LIBRARY))
        found = (c_uint64 * len(known)).in_dll(loop, "loop_layout")
    except (OSError, ValueError):  # no library, or that of another version
        return None
    if list(found) != known:
        return None
    loop.loop_open.restype, loop.loop_open.argtypes = c_void_p, [ctypes.POINTER(_Settings)]
    loop.loop_close.restype, loop.loop_close.argtypes = None, [c_void_p]
    for name in ("loop_expire", "loop_flush"):
        getattr(loop, name).argtypes = [c_void_p, c_uint64]
    loop.loop_meter.argtypes = [c_void_p, c_void_p]
    loop.loop_pump.argtypes = [c_void_p, c_void_p, c_int, c_int, c_void_p, c_uint64, c_uint64]
    return loop


class CompiledTable(FlowTable):
    """Meters one capture in C."""

    def __init__(
        self, settings: MeterSettings, config: MeterConfig, *, source: int = 0, max_step_ms: int | None = None
    ) -> None:
        super().__init__(settings, config, source=source, max_step_ms=max_step_ms)
        self._loop = library()
        self._layout = _layout()  # the loop keeps pointers into it
        given = _settings(self._layout)
        given.idle_ms, given.active_ms = settings.idle_timeout_ms, settings.active_timeout_ms
        given.max_flows, given.max_senders = self._max_flows, REMEMBERED_CONVERSATIONS
        given.key_mask, given.source = int(self._key_mask), source
        given.seed = int.from_bytes(os.urandom(8), "little")
        given.max_step_ms = -1 if max_step_ms is None else max_step_ms
        given.closes, given.keeps_direction = settings.expire_closed, settings.keep_direction
        given.late_packets = LATE_PACKETS
        self._meter_at: int | None = self._loop.loop_open(ctypes.byref(given))
        if not self._meter_at:
            raise MemoryError(f"no memory for {self._max_flows} flows; lower [meter] max_active_flows")
        self._state = _State.from_address(self._meter_at)
        self._new_rows()

    def __del__(self) -> None:
        """Free what is open; a table that is dropped has been flushed, or nobody wants its flows."""
        if getattr(self, "_meter_at", None):
            self._loop.loop_close(self._meter_at)
            self._meter_at = None

    def __len__(self) -> int:
        return int(self._state.open)

    @property
    def remembered(self) -> int:
        return int(self._state.remembered)

    def pump(self, capture: Capture, block: PacketBlock, enough: int) -> None:
        if block.count:  # a packet waits there for its successor: the clock's slow way
            capture.read(block)
            return
        state = self._begin()
        state.read = state.ignored = state.count = state.settled = state.at = 0
        state.found = PACKET
        source = (*capture.passed_on, block.address, len(block))
        while (stopped := self._loop.loop_pump(self._meter_at, *source, enough)) == _FULL:
            self._gather()
        block.count = state.count if stopped == _DOUBT else 0
        self.clock.now_ms = state.now_ms
        if state.metered > self.packets:
            self.last_packet_ms = state.now_ms
        self._end()
        capture.account(state.read, state.ignored, state.found)

    def _meter(self, block: PacketBlock, count: int) -> None:
        if not count:
            return
        state = self._begin()
        state.count = state.settled = count
        state.at = 0
        while not self._loop.loop_meter(self._meter_at, block.address):
            self._gather()
        self.last_packet_ms = int(block.columns["time"][count - 1])
        self._end()

    def advance(self, now_ms: int) -> None:
        self.clock.advance(now_ms)
        if self.clock.now_ms >= self._state.next_idle_ms:
            while not self._loop.loop_expire(self._meter_at, self.clock.now_ms):
                self._gather()
            self._end()

    def flush(self) -> None:
        while not self._loop.loop_flush(self._meter_at, max(self.clock.now_ms, 0)):
            self._gather()
        self._end()

    def _begin(self) -> _State:
        state = self._state
        state.now_ms, state.thinned = self.clock.now_ms, self.thinned
        return state

    def _end(self) -> None:
        """Take over the loop's counts."""
        state = self._state
        self.packets, self.late = state.metered, state.late
        self.refused, self.shed = state.refused, state.shed
        for reason, count in zip(Expiry, state.expired, strict=True):
            if count:
                self.expired[reason] = count

    def _gather(self) -> None:
        count = self._state.row_count
        if not count:
            return
        if count <= _FEW_FLOWS:
            self._ready.append(self._rows[:count].copy())
            self._state.row_count = 0
        else:
            self._ready.append(self._rows[:count])
            self._new_rows()

    def _new_rows(self) -> None:
        self._rows = np.empty(EXPORT_FLOWS, FLOW_DTYPE)  # the loop writes every byte of a row
        self._state.rows, self._state.row_count = self._rows.ctypes.data, 0
        self._state.row_limit = EXPORT_FLOWS


_Layout = tuple[list[ctypes.Array[_Span]], ctypes.Array[_Deviation]]


@cache
def _layout() -> _Layout:
    """Return how a flow of the engine becomes a row: what goes where, for both directions."""
    swapped = dict(engine.SWAPPED) | {other: one for one, other in engine.SWAPPED}
    plans = [_spans({}), _spans(swapped)]
    deviations = [(_row(name), _row(packets), lost) for name, packets, lost in engine.DEVIATIONS]
    return plans, (_Deviation * len(deviations))(*(_Deviation(*one) for one in deviations))


def _spans(renamed: dict[str, str]) -> "ctypes.Array[_Span]":
    """Return the spans to copy, neighbours joined; `renamed` says which field a row's field is taken from."""
    spans: list[list[int]] = []
    for name in engine.COPIED:
        start, to = engine.flow_offset(renamed.get(name, name)), _row(name)
        size = FLOW_DTYPE[name].itemsize
        last = spans[-1] if spans else None
        if last and last[0] + last[2] == start and last[1] + last[2] == to:
            last[2] += size
        else:
            spans.append([start, to, size])
    return (_Span * len(spans))(*(_Span(*span) for span in spans))


def _row(name: str) -> int:
    """Return where a field stands in an exported row."""
    return _offset(FLOW_DTYPE, name)


def _offset(structure: np.dtype[np.void], name: str) -> int:
    fields = structure.fields
    assert fields is not None  # noqa: S101 - both are structures
    return int(fields[name][1])


def _settings(layout: _Layout) -> _Settings:
    plans, deviations = layout
    given = _Settings()
    for field, function in (
        ("capture_next", "capture_next"),
        ("initialize_flow", "meter_initialize_flow"),
        ("update_flow", "meter_update_flow"),
        ("free_flow", "meter_free_flow"),
    ):
        setattr(given, field, int(ffi.cast("uintptr_t", ffi.addressof(lib, function))))
    for side, plan in enumerate(plans):
        given.spans[side] = ctypes.cast(plan, ctypes.POINTER(_Span))
        given.span_counts[side] = len(plan)
    given.deviations, given.deviation_count = (
        ctypes.cast(deviations, ctypes.POINTER(_Deviation)),
        len(deviations),
    )
    given.last_seen_at = engine.flow_offset("bidirectional_last_seen_ms")
    given.src_fins_at = engine.flow_offset("src2dst_fin_packets")
    given.dst_fins_at = engine.flow_offset("dst2src_fin_packets")
    given.answers_at = engine.flow_offset("dst2src_packets")
    given.src_ip_at, given.dst_ip_at, given.version_at = _row("src_ip"), _row("dst_ip"), _row("ip_version")
    given.reason_at, given.export_at, given.source_at = (
        _row("expiration_id"),
        _row("export_ms"),
        _row("source"),
    )
    given.row_bytes = FLOW_DTYPE.itemsize
    return given
