"""IPv4 and IPv6 packets of our own making, sent through a raw socket of the host.

The kernel routes them and finds the next hop; addresses, ports, flags and sizes are ours. The one's
complement sum of RFC 1071 is the packet's value modulo 65535, which Python computes at C speed.
"""

import ipaddress
import socket
import struct

TCP, UDP, ICMP, ICMP6, GRE = 6, 17, 1, 58, 47
_V6_HEADER_INCLUDED = 36
FLAGS = {"fin": 1, "syn": 2, "rst": 4, "psh": 8, "ack": 16, "urg": 32}

_SYN_OPTIONS = (
    b"",
    b"\x02\x04\x05\xb4",
    b"\x02\x04\x05\xb4\x04\x02\x08\x0a\0\0\x12\x34\0\0\0\0\x01\x03\x03\x07",
    b"\x02\x04\x05\xb4\x01\x03\x03\x08\x01\x01\x04\x02",
)
"""As bare scanners, hping3, Linux and Windows send them."""


def checksum(data: bytes) -> int:
    """Return the internet checksum of `data`, padded to even length (RFC 1071): all ones of nothing alone."""
    total = int.from_bytes(data if len(data) % 2 == 0 else data + b"\0", "big")
    return -total % 0xFFFF if total else 0xFFFF


def _pseudo(source: bytes, destination: bytes, protocol: int, length: int) -> bytes:
    if len(source) == 4:  # noqa: PLR2004 - bytes of an IPv4 address
        return source + destination + struct.pack("!BBH", 0, protocol, length)
    return source + destination + struct.pack("!IHBB", length, 0, 0, protocol)


def tcp(
    source: bytes,
    destination: bytes,
    ports: tuple[int, int],
    flags: int,
    seq: int,
    *,
    options: int = 0,
    data: bytes = b"",
) -> bytes:
    """Return a TCP segment; `options` is an index into the stacks that we imitate."""
    extra = _SYN_OPTIONS[options]
    offset = (20 + len(extra)) << 2
    ack = seq ^ 0x5A5A5A5A if flags & FLAGS["ack"] else 0
    head = struct.pack("!HHIIBBHHH", *ports, seq, ack, offset, flags, 64_240 if options else 1024, 0, 0)
    segment = head + extra + data
    total = checksum(_pseudo(source, destination, TCP, len(segment)) + segment)
    return segment[:16] + total.to_bytes(2, "big") + segment[18:]


def udp(source: bytes, destination: bytes, ports: tuple[int, int], data: bytes) -> bytes:
    """Return a UDP datagram."""
    head = struct.pack("!HHHH", *ports, 8 + len(data), 0)
    total = checksum(_pseudo(source, destination, UDP, len(head) + len(data)) + head + data) or 0xFFFF
    return head[:6] + total.to_bytes(2, "big") + data


def echo(source: bytes, destination: bytes, identifier: int, number: int, data: bytes) -> bytes:
    """Return an ICMP (or ICMPv6) echo request."""
    six = len(source) != 4  # noqa: PLR2004
    head = struct.pack("!BBHHH", 128 if six else 8, 0, 0, identifier, number)
    body = head + data
    total = checksum(_pseudo(source, destination, ICMP6, len(body)) + body if six else body)
    return body[:2] + total.to_bytes(2, "big") + body[4:]


def packet(
    source: bytes,
    destination: bytes,
    protocol: int,
    payload: bytes,
    *,
    ttl: int = 64,
    identifier: int = 0,
    fragment: int = 0,
) -> bytes:
    """Put an IP header before `payload`. `fragment` is IPv4's flags-and-offset field."""
    if len(source) != 4:  # noqa: PLR2004
        return struct.pack("!IHBB", 0x60000000, len(payload), protocol, ttl) + source + destination + payload
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), identifier, fragment, ttl, protocol, 0)
    return head + source + destination + payload


def fragments(
    source: bytes, destination: bytes, protocol: int, payload: bytes, *, identifier: int, mtu: int = 1500
) -> list[bytes]:
    """Cut an IPv4 payload as a router with this MTU does."""
    size = (mtu - 20) & ~7
    pieces = [payload[at : at + size] for at in range(0, len(payload), size)]
    return [
        packet(
            source,
            destination,
            protocol,
            piece,
            identifier=identifier,
            fragment=(0x2000 if index < len(pieces) - 1 else 0) | (index * size) >> 3,
        )
        for index, piece in enumerate(pieces)
    ]


class RawSender:
    """A raw socket to one family of addresses. Sending never waits; a full queue loses the packet."""

    def __init__(self, destination: str) -> None:
        if ":" in destination:
            self._socket = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
            self._socket.setsockopt(socket.IPPROTO_IPV6, _V6_HEADER_INCLUDED, 1)
        else:
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        self._socket.setblocking(False)

    def send(self, data: bytes, destination: str) -> None:
        try:
            self._socket.sendto(data, (destination, 0))
        except OSError:
            return

    def close(self) -> None:
        self._socket.close()


def packed(address: str) -> bytes:
    return ipaddress.ip_address(address).packed
