"""Packets of a capture file, one at a time: read, find who sends to whom, rewrite that, write again.

Only the outer IP header counts, as at the meter. Checksums are left as they are: no meter looks at them,
and captures of a sender's own interface seldom hold valid ones.
"""

import contextlib
import logging
import struct
from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from scapy.error import Scapy_Exception
from scapy.utils import RawPcapReader

from detector.errors import UsageError

ETHERNET = 1
_SECOND_US = 1_000_000
_FILE, _RECORD = struct.Struct("<IHHiIII"), struct.Struct("<IIII")
_MAGIC, _SNAPLEN = 0xA1B2C3D4, 262_144

_HEADER_BYTES = {0: 4, 9: 4, 12: 0, 101: 0, 104: 4, 113: 16, 228: 0, 229: 0}
"""Bytes before the IP header by link type: NULL, PPP, RAW, RAW, C_HDLC, LINUX_SLL, IPV4, IPV6."""

_VLANS, _IP = {0x8100, 0x88A8, 0x9100}, {0x0800, 0x86DD}
_EXTENSIONS, _FRAGMENT = {0, 43, 44, 60}, 44
ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58

logging.getLogger("scapy").setLevel(logging.ERROR)


class Packet(NamedTuple):
    """A packet as a capture holds it."""

    at_us: int
    """Since the epoch."""
    data: bytes
    length: int
    """Bytes on the wire; `data` may be cut short."""


class Ends(NamedTuple):
    """Who sends to whom, and where in the packet it is written."""

    src: bytes
    dst: bytes
    """Four or sixteen bytes."""
    protocol: int
    ports: tuple[int, int] | None
    """None where there are none: other protocols, later fragments, packets cut short."""
    header: int
    """Where the IP header begins."""
    payload: int
    """Where the ports stand."""


class PacketFile:
    """The packets of a pcap or pcapng file; what is cut short at its end is left out."""

    def __init__(self, path: Path) -> None:
        """Open the file.

        Raises:
            UsageError: it is no capture, or of a link type that holds no plain IP.
        """
        self.path = path
        with contextlib.ExitStack() as opened:
            try:
                file: Any = opened.enter_context(path.open("rb"))
                self._reader: Any = RawPcapReader(file)
                self._first = next(iter(self._reader), None)
            except (OSError, Scapy_Exception, EOFError, struct.error) as error:
                raise UsageError(f"{path}: no readable pcap or pcapng capture ({error})") from error
            self._opened = opened.pop_all()
        described = self._first[1] if self._first and hasattr(self._first[1], "linktype") else self._reader
        self.link = int(getattr(described, "linktype", ETHERNET))
        if self.link not in {ETHERNET, *_HEADER_BYTES}:
            self._opened.close()
            raise UsageError(
                f"{path}: link type {self.link} cannot be rewritten; expected Ethernet, Linux SLL or raw IP"
            )

    def __iter__(self) -> Iterator[Packet]:
        """Read the packets, once."""
        with self._opened:
            nano = bool(getattr(self._reader, "nano", False))
            for data, known in chain([self._first] if self._first else [], self._reader):
                if getattr(known, "linktype", self.link) == self.link and len(data) >= _kept(known):
                    yield Packet(_stamp(known, nano=nano), data, known.wirelen)


def _kept(known: Any) -> int:
    return min(int(getattr(known, "caplen", 0)), 0xFFFF)


def _stamp(known: Any, *, nano: bool) -> int:
    if hasattr(known, "tshigh"):
        return int(((known.tshigh << 32) + known.tslow) * _SECOND_US // known.tsresol)
    return int(known.sec) * _SECOND_US + int(known.usec) // (1000 if nano else 1)


def write(path: Path, link: int, packets: Iterable[Packet]) -> int:
    """Write a pcap, whole or not at all, and return how many packets it has; without any there is no file."""
    scratch, count = path.with_name(f".{path.name}.part"), 0
    try:
        with scratch.open("wb") as file:
            file.write(_FILE.pack(_MAGIC, 2, 4, 0, 0, _SNAPLEN, link))
            for at_us, data, length in packets:
                file.write(_RECORD.pack(*divmod(at_us, _SECOND_US), len(data), length) + data)
                count += 1
        if count:
            scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)
    return count


def ends(data: bytes, link: int) -> Ends | None:
    """Find the ends of a packet; None if it is not IP or too short to tell."""
    at = _ethernet_header(data) if link == ETHERNET else _HEADER_BYTES[link]
    version = data[at] >> 4 if at < len(data) else 0
    if version == 4 and len(data) >= at + 20:  # noqa: PLR2004 - as RFC 791 has it
        later = int.from_bytes(data[at + 6 : at + 8]) & 0x1FFF
        payload = at + 4 * (data[at] & 0x0F)
        found = data[at + 12 : at + 16], data[at + 16 : at + 20], data[at + 9]
    elif version == 6 and len(data) >= at + 40:  # noqa: PLR2004 - as RFC 8200 has it
        protocol, payload, later = _skip_extensions(data, data[at + 6], at + 40)
        found = data[at + 8 : at + 24], data[at + 24 : at + 40], protocol
    else:
        return None
    whole = found[2] in (TCP, UDP) and not later and len(data) >= payload + 4
    ports = struct.unpack_from(">HH", data, payload) if whole else None
    return Ends(*found, ports, at, payload)


def _ethernet_header(data: bytes) -> int:
    at = 12
    while int.from_bytes(data[at : at + 2]) in _VLANS:
        at += 4
    return at + 2 if int.from_bytes(data[at : at + 2]) in _IP else len(data)


def _skip_extensions(data: bytes, protocol: int, at: int) -> tuple[int, int, int]:
    """Return the protocol, where its header begins, and whether this is a later fragment."""
    later = 0
    while protocol in _EXTENSIONS and at + 8 <= len(data):
        if protocol == _FRAGMENT:
            later |= int.from_bytes(data[at + 2 : at + 4]) >> 3
        size = 8 if protocol == _FRAGMENT else 8 + 8 * data[at + 1]
        protocol, at = data[at], at + size
    return protocol, at, later


def rewritten(
    packet: Packet,
    known: Ends,
    *,
    src: bytes | None = None,
    dst: bytes | None = None,
    sport: int | None = None,
    dport: int | None = None,
) -> Packet:
    """Return the packet with other ends; addresses keep their version, ports are set where there are any."""
    data = bytearray(packet.data)
    size = len(known.src)
    first = known.header + (12 if size == 4 else 8)  # noqa: PLR2004 - bytes of an IPv4 address
    for address, at in ((src, first), (dst, first + size)):
        if address is not None:
            data[at : at + size] = address
    for port, at in ((sport, known.payload), (dport, known.payload + 2)):
        if port is not None and known.ports is not None:
            data[at : at + 2] = port.to_bytes(2)
    return packet._replace(data=bytes(data))


def relinked(packet: Packet, known: Ends, link: int) -> Packet:
    """Return the packet as a capture of another link type would hold it."""
    six = len(known.src) == 16  # noqa: PLR2004 - bytes of an IPv6 address
    kind = (0x86DD if six else 0x0800).to_bytes(2)
    header = {
        0: (30 if six else 2).to_bytes(4, "little"),
        9: b"\xff\x03" + (b"\x00\x57" if six else b"\x00\x21"),
        104: b"\x0f\x00" + kind,
        113: b"\0\0\0\1\0\6" + _mac(known.src) + b"\0\0" + kind,
        ETHERNET: _mac(known.dst) + _mac(known.src) + kind,
    }.get(link, b"")
    data = header + packet.data[known.header :]
    return packet._replace(data=data, length=packet.length - known.header + len(header))


def _mac(address: bytes) -> bytes:
    """Make up a locally administered address."""
    return b"\x02\x00" + address[-4:]


def text(address: bytes) -> str:
    """Return an address as text."""
    return str(ip_address(address))
