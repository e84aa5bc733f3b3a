"""Captures: interfaces and files, read packet by packet into blocks.

A capture never blocks: an interface is opened non-blocking and offers a descriptor to wait on.
A read that fails is told apart from one that found nothing by libpcap's own error text.

Threats: every byte of a packet, and of a capture file, is an attacker's. They are parsed by NFStream's C
engine, which no test of ours makes safe: so the process should hold no right but CAP_NET_RAW. What the
engine says is taken as numbers of bounded size; flow tables, blocks and queues are bounded; a time stamp
that jumps is not believed; and alerts are with the kernel, or in the sinks' queues, before the packets that
follow are read.
"""

import ctypes
import os
import time
from collections import Counter
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from detector.config import CaptureConfig
from detector.errors import CaptureError
from detector.meter.engine import (
    END,
    IGNORED,
    INTERFACE,
    PACKET,
    PACKET_DTYPE,
    SINGLE_FILE,
    ffi,
    lib,
    pcap,
    stats,
)
from detector.meter.fanout import Fanout
from detector.meter.problems import activation_problem, file_problem, text

BLOCK_PACKETS = 512
"""Packets parsed before the flow table sees them: enough to spread the cost of NumPy calls."""

READ_TIMEOUT_MS = 100
"""How long the kernel may keep a half-filled block of packets to itself on a slow link."""

IGNORED_REASONS = ("not_ip",)
"""Why no flow could take a packet. The engine does not say more: `not_ip` is any protocol but IP, a
fragment that is not the first, and headers that are cut short or make no sense."""

_ERROR_BYTES = 256
_ftell = ctypes.CDLL(None).ftell
_ftell.restype, _ftell.argtypes = ctypes.c_long, [ctypes.c_void_p]
_LAST_STAMP = np.iinfo(np.int64).max
_READABLE_LINKS = {0, 1, 9, 12, 50, 104, 113, 127, 228, 229}
"""Link types that the engine parses: NULL, EN10MB, PPP, RAW, PPP_SERIAL, C_HDLC, LINUX_SLL,
IEEE802_11_RADIO, IPV4, IPV6 (`packet_datalink_checker` in NFStream's lib_engine.c)."""


class PacketBlock:
    """Room for parsed packets, seen from C as pointers and from NumPy as columns."""

    def __init__(self) -> None:
        self._packets = ffi.new("struct nf_packet[]", BLOCK_PACKETS)
        self.pointers = [self._packets + index for index in range(BLOCK_PACKETS)]
        self.columns: NDArray[np.void] = np.frombuffer(ffi.buffer(self._packets), PACKET_DTYPE)
        self.address = int(ffi.cast("uintptr_t", self._packets))
        """Where the first packet lies, for the compiled loop."""
        self.count = 0
        """Packets in the block."""

    def __len__(self) -> int:
        return BLOCK_PACKETS

    def drop(self, count: int) -> None:
        """Forget the first `count` packets; the others move up."""
        self.count -= count
        if self.count and count:
            size = self.count * ffi.sizeof("struct nf_packet")
            ffi.memmove(self.pointers[0], self.pointers[count], size)


class Capture:
    """An open interface or capture file."""

    def __init__(self, name: str, handle: int, *, live: bool, decode_tunnels: bool) -> None:
        self.name = name
        self.live = live
        self.packets = 0
        """Packets read, ignored ones included."""
        self.ignored: Counter[str] = Counter()
        """Packets that no flow could take, by `IGNORED_REASONS`."""
        self.drained = False
        """Whether the last read took all that waited."""
        self.ended = False
        self._decode_tunnels = int(decode_tunnels)
        self._handle: int | None = handle
        self._pointer: Any = ffi.cast("pcap_t *", handle)
        self._drops = (0, 0, 0)
        self._last_offset = 0
        self._fanout: Fanout | None = None
        self._share_from_ms = 0
        link = pcap.pcap_datalink(handle)
        if link not in _READABLE_LINKS:
            self.close()
            label = (pcap.pcap_datalink_val_to_name(link) or b"unknown").decode()
            raise CaptureError(
                f"{name}: link type {link} ({label}) cannot be metered; capture on an Ethernet device"
            )

    @classmethod
    def open_file(cls, path: str, config: CaptureConfig, *, decode_tunnels: bool) -> Self:
        """Open a pcap or pcapng file; `-` is standard input.

        Raises:
            CaptureError: there is no such file, it cannot be read, or it is no capture.
        """
        problem = None if path == "-" else file_problem(path)
        if problem:
            raise CaptureError(f"{path}: {problem}")
        error = ctypes.create_string_buffer(_ERROR_BYTES)
        handle = pcap.pcap_open_offline(os.fsencode(path), error)
        if not handle:
            raise CaptureError(f"{path}: not a readable pcap or pcapng capture ({text(error.value)})")
        capture = cls(path, handle, live=False, decode_tunnels=decode_tunnels)
        capture._set_filter(config.bpf_filter)
        return capture

    @classmethod
    def open_interface(
        cls, name: str, config: CaptureConfig, *, decode_tunnels: bool, fanout: Fanout | None = None
    ) -> Self:
        """Open an interface for reading, or a share of it; needs CAP_NET_RAW and nothing else.

        Raises:
            CaptureError: no such interface, it is down, or the right is missing.
        """
        error = ctypes.create_string_buffer(_ERROR_BYTES)
        handle = pcap.pcap_create(os.fsencode(name), error)
        if not handle:
            raise CaptureError(f"{name}: {text(error.value)}")
        pcap.pcap_set_buffer_size(handle, config.buffer_bytes)
        pcap.pcap_set_snaplen(handle, config.snaplen_bytes)
        pcap.pcap_set_timeout(handle, READ_TIMEOUT_MS)
        # The pseudo-device of all interfaces has no promiscuous mode, and libpcap warns if asked.
        pcap.pcap_set_promisc(handle, int(config.promiscuous and name != "any"))
        status = pcap.pcap_activate(handle)
        if status < 0:
            problem = activation_problem(name, handle, status)
            pcap.pcap_close(handle)
            raise CaptureError(problem)
        capture = cls(name, handle, live=True, decode_tunnels=decode_tunnels)
        capture._set_filter(config.bpf_filter)
        if pcap.pcap_setnonblock(handle, 1, error) != 0:
            raise CaptureError(f"{name}: {text(error.value)}")
        if fanout is not None:
            capture._join(fanout)
        return capture

    def _join(self, fanout: Fanout) -> None:
        """Take a share of the interface from now on; what came before is everybody's."""
        try:
            fanout.join(self.fileno())
        except CaptureError:
            self.close()
            raise
        self._fanout, self._share_from_ms = fanout, int(time.time() * 1000) + 1

    def _set_filter(self, bpf_filter: str | None) -> None:
        if bpf_filter is None:
            return
        error = ffi.new("char[]", _ERROR_BYTES)
        if lib.capture_set_filter(self._pointer, bpf_filter.encode(), error) != 0:
            self._handle = None  # the engine has closed it
            raise CaptureError(f"{self.name}: BPF filter {bpf_filter!r} does not compile; see pcap-filter(7)")

    def fileno(self) -> int:
        """Return a descriptor that becomes readable when packets wait (interfaces only)."""
        return int(pcap.pcap_get_selectable_fd(self._handle))

    def read(self, block: PacketBlock, room: int | None = None) -> None:
        """Fill the block, with at most `room` packets more; at the end of a file set `ended`.

        Raises:
            CaptureError: the file is truncated or corrupt, or the interface went away. The packets
                read before are in the block.
        """
        read_next, handle, pointers = lib.capture_next, self._pointer, block.pointers
        mode = INTERFACE if self.live else SINGLE_FILE
        tunnels, at, ignored, found = self._decode_tunnels, block.count, 0, PACKET
        start, stop = at, BLOCK_PACKETS if room is None else min(at + room, BLOCK_PACKETS)
        while at < stop and ignored < BLOCK_PACKETS:  # a flood of ARP must not keep us here
            found = read_next(handle, pointers[at], tunnels, 1, 0, mode)
            if found > IGNORED:
                at += 1
            elif found == IGNORED:
                ignored += 1
            else:
                break
        self._settle(block, at)
        self.account(at - start + ignored, ignored, found)

    @property
    def sharing(self) -> bool:
        """Whether packets may wait that came before this was one of several captures of an interface."""
        return self._share_from_ms > 0

    def read_share(self, block: PacketBlock) -> None:
        """Fill the block as `read` does, without packets from before the sharing: others have them too.

        Raises:
            CaptureError: as `read`.
        """
        try:
            self.read(block)
        finally:
            own = block.columns["time"][: block.count] >= self._share_from_ms
            early = int(own.argmax()) if own.any() else block.count
            block.drop(early)
            self.packets -= early
            if block.count:
                self._share_from_ms = 0

    @property
    def passed_on(self) -> tuple[int, int, int]:
        """What the compiled loop reads from: libpcap's handle, the engine's capture mode and tunnel flag."""
        return self._handle or 0, INTERFACE if self.live else SINGLE_FILE, self._decode_tunnels

    def account(self, packets: int, ignored: int, found: int) -> None:
        """Count what was read, and draw the consequence of the read that ended it.

        Raises:
            CaptureError: as `read`.
        """
        self.packets += packets
        self.ignored[IGNORED_REASONS[0]] += ignored
        self.drained = found < IGNORED
        if found == END:
            self.ended = True
        elif found < IGNORED:
            self._raise_if_broken()

    def _settle(self, block: PacketBlock, count: int) -> None:
        """Clear what a reused IPv4 slot still holds of an earlier IPv6 packet, and stamps without sense."""
        block.count = count
        columns = block.columns[:count]
        # libpcap reads a damaged second as one before 1970, which the unsigned column shows as huge.
        columns["time"][columns["time"] > _LAST_STAMP] = 0
        short = columns["ip_version"] != 6  # noqa: PLR2004 - the IP version
        columns["src_ip"][short, 1] = 0
        columns["dst_ip"][short, 1] = 0

    def _raise_if_broken(self) -> None:
        problem = text(pcap.pcap_geterr(self._handle))
        if self.live and not problem:
            return
        self.ended = True
        if self.live:
            raise CaptureError(f"{self.name}: {problem}")
        raise CaptureError(
            f"{self.name}: broken after packet {self.packets} at byte {self.offset()}: {problem}; "
            "what was read before is kept"
        )

    def offset(self) -> int:
        """Return how many bytes of the file the reader took, 0 where that cannot be said (a pipe)."""
        if self.live or self._handle is None:
            return self._last_offset
        self._last_offset = max(int(_ftell(pcap.pcap_file(self._handle))), 0)
        return self._last_offset

    def drops(self) -> tuple[int, int]:
        """Return packets dropped by the kernel and by the interface, as `count_drops` last saw it."""
        return self._drops[1], self._drops[2]

    def count_drops(self) -> None:
        """Ask the kernel what it dropped since the capture was opened; for the thread that reads."""
        if self.live and self._handle is not None:
            self._drops = stats(self._handle)

    def close(self) -> None:
        """Close the capture; a second call does nothing."""
        if self._handle is not None:
            self.count_drops()
            self.offset()
            pcap.pcap_close(self._handle)
            self._handle = None
            if self._fanout is not None:
                self._fanout.leave()
