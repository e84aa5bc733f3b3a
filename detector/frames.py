"""Made traffic for the self-test: Ethernet frames of plain IPv4, and the capture file that holds them.

Byte for byte the same each time. Checksums are left at zero: the meter, like any that stands on a gateway,
does not look at them.
"""

import struct
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address
from pathlib import Path
from typing import NamedTuple

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
_TCP, _UDP = 6, 17
_ETHERNET = bytes.fromhex("020000000002 020000000001 0800")
_HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1)
"""Of a pcap file: little-endian, microseconds, Ethernet."""
_EPOCH_SECS = 1_760_000_000
"""When made traffic begins; any time will do."""


class Timed(NamedTuple):
    """A frame and when it passes, in seconds after the beginning."""

    at: float
    frame: bytes


class Ends(NamedTuple):
    """Who sends to whom, as addresses and ports."""

    src: str
    src_port: int
    dst: str
    dst_port: int

    @property
    def back(self) -> "Ends":
        """The way of an answer."""
        return Ends(self.dst, self.dst_port, self.src, self.src_port)


def segment(ends: Ends, flags: int, payload: int = 0) -> bytes:
    """Return a TCP segment with so many bytes of payload."""
    tcp = struct.pack(">HHIIBBHHH", ends.src_port, ends.dst_port, 1, 1, 0x50, flags, 64_240, 0, 0)
    return _ip(ends, _TCP, tcp + bytes(payload))


def datagram(ends: Ends, payload: int) -> bytes:
    """Return a UDP datagram with so many bytes of payload."""
    return _ip(
        ends, _UDP, struct.pack(">HHHH", ends.src_port, ends.dst_port, 8 + payload, 0) + bytes(payload)
    )


def _ip(ends: Ends, protocol: int, payload: bytes) -> bytes:
    addresses = IPv4Address(ends.src).packed + IPv4Address(ends.dst).packed
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 7, 0x4000, 64, protocol, 0)
    return _ETHERNET + head + addresses + payload


def conversation(at: float, ends: Ends, *sizes: tuple[int, int]) -> Iterator[Timed]:
    """Give a whole TCP connection: each of `sizes` is what is asked, and what is answered, in bytes."""
    yield Timed(at, segment(ends, SYN))
    yield Timed(at + 0.002, segment(ends.back, SYN | ACK))
    yield Timed(at + 0.003, segment(ends, ACK))
    for asked, answered in sizes:
        at += 0.02
        yield Timed(at, segment(ends, PSH | ACK, asked))
        yield Timed(at + 0.004, segment(ends.back, ACK))
        for start in range(0, answered, 1460):
            yield Timed(at + 0.008 + start * 1e-6, segment(ends.back, PSH | ACK, min(answered - start, 1460)))
        yield Timed(at + 0.012, segment(ends, ACK))
    yield Timed(at + 0.03, segment(ends, FIN | ACK))
    yield Timed(at + 0.032, segment(ends.back, FIN | ACK))
    yield Timed(at + 0.033, segment(ends, ACK))


def exchange(at: float, ends: Ends, asked: int, answered: int) -> Iterator[Timed]:
    """Give a datagram and the one that answers it."""
    yield Timed(at, datagram(ends, asked))
    yield Timed(at + 0.01, datagram(ends.back, answered))


def write(path: Path, traffic: Iterable[Timed]) -> None:
    """Write frames to a pcap file, in the order of their times."""
    with path.open("wb") as file:
        file.write(_HEADER)
        for at, frame in sorted(traffic):
            secs, micros = divmod(round(at * 1e6), 1_000_000)
            file.write(struct.pack("<IIII", _EPOCH_SECS + secs, micros, len(frame), len(frame)) + frame)
