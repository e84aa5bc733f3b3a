"""Made traffic: frames, captures and flows, byte for byte the same for the same seed."""

import random
import struct
from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

import numpy as np

from detector.records import FLOW_DTYPE, FlowBatch, address_words

EPOCH_MS = 1_760_000_000_000
"""First moment of made traffic; divisible by every interval that tests use."""

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58

_MACS = bytes.fromhex("020000000002") + bytes.fromhex("020000000001")


class Frame(NamedTuple):
    """A frame on the wire, and what a capture kept of it."""

    at_ms: float
    """After `EPOCH_MS`."""
    data: bytes
    kept: int | None = None
    """Bytes that the capture kept; None for all."""


def pcap(frames: Iterable[Frame], link: int = 1) -> bytes:
    """Return a little-endian microsecond pcap of the frames, in the order given."""
    blocks = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, link)]
    for at_ms, data, kept in frames:
        micros = EPOCH_MS * 1000 + round(at_ms * 1000)
        sizes = len(data[:kept]), len(data)
        blocks.append(struct.pack("<IIII", micros // 1_000_000, micros % 1_000_000, *sizes) + data[:kept])
    return b"".join(blocks)


def pcapng(frames: Iterable[Frame]) -> bytes:
    """Return the same as a pcapng file with one section and one interface."""
    blocks = [
        struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28),
        struct.pack("<IIHHII", 1, 20, 1, 0, 262_144, 20),
    ]
    for at_ms, data, kept in frames:
        micros, piece = EPOCH_MS * 1000 + round(at_ms * 1000), data[:kept]
        padded = piece.ljust(-(-len(piece) // 4) * 4, b"\0")
        size = 32 + len(padded)
        stamp = micros >> 32, micros & 0xFFFF_FFFF
        head = struct.pack("<IIIIIII", 6, size, 0, *stamp, len(piece), len(data))
        blocks.append(head + padded + struct.pack("<I", size))
    return b"".join(blocks)


def write(path: Path, frames: Iterable[Frame]) -> Path:
    path.write_bytes(pcap(frames))
    return path


def ethernet(packet: bytes, vlans: Sequence[int] = (), ethertype: int | None = None) -> bytes:
    """Return a frame around a packet; its type is read from the packet unless it is given."""
    if ethertype is None:
        ethertype = 0x86DD if packet[:1] and packet[0] >> 4 == 6 else 0x0800
    tags = b"".join(struct.pack(">HH", 0x8100, vlan) for vlan in vlans)
    return _MACS + tags + struct.pack(">H", ethertype) + packet


def ip(src: str, dst: str, protocol: int, payload: bytes, *, fragment: int = 0) -> bytes:
    """Return an IPv4 or IPv6 packet, as the addresses say; `fragment` is IPv4's flags and offset."""
    ends = ip_address(src).packed + ip_address(dst).packed
    if len(ends) == 8:
        size = 20 + len(payload)
        return struct.pack(">BBHHHBBH", 0x45, 0, size, 7, fragment, 64, protocol, 0) + ends + payload
    return struct.pack(">IHBB", 0x6000_0000, len(payload), protocol, 64) + ends + payload


def tcp(src_port: int, dst_port: int, flags: int = SYN, payload: bytes = b"") -> bytes:
    return struct.pack(">HHIIBBHHH", src_port, dst_port, 1, 1, 0x50, flags, 512, 0, 0) + payload


def udp(src_port: int, dst_port: int, payload: bytes = b"") -> bytes:
    return struct.pack(">HHHH", src_port, dst_port, 8 + len(payload), 0) + payload


def icmp(kind: int, payload: bytes = b"") -> bytes:
    return struct.pack(">BBHI", kind, 0, 0, 1) + payload


def gtp(inner: bytes) -> bytes:
    """Return a GTP-U datagram around a packet."""
    return udp(2152, 2152, struct.pack(">BBHI", 0x30, 0xFF, len(inner), 17) + inner)


def segment(
    at_ms: float, src: str, dst: str, ports: tuple[int, int], flags: int = ACK, *, payload: bytes = b""
) -> Frame:
    """Return a TCP segment in Ethernet."""
    return Frame(at_ms, ethernet(ip(src, dst, TCP, tcp(*ports, flags, payload))))


def datagram(at_ms: float, src: str, dst: str, ports: tuple[int, int], payload: bytes = b"") -> Frame:
    """Return a UDP datagram in Ethernet."""
    return Frame(at_ms, ethernet(ip(src, dst, UDP, udp(*ports, payload))))


def household(
    seed: int, *, secs: float = 60, devices: int = 40, starts_ms: float = 0, size: int = 300, answers: int = 1
) -> list[Frame]:
    """Return devices that ask a server for something, now and then, and get so many answers of a size."""
    rng, frames = random.Random(seed), list[Frame]()
    for device in range(devices):
        at = starts_ms + rng.uniform(0, 1000)
        while at < starts_ms + 1000 * secs:
            ends, ports = (f"10.0.0.{10 + device}", "10.0.0.1"), (rng.randrange(20_000, 60_000), 53)
            frames.append(datagram(at, *ends, ports, bytes(40 + rng.randrange(20))))
            for number in range(answers):
                answer = bytes(size + rng.randrange(100))
                frames.append(datagram(at + (number + rng.random()) * 30, *ends[::-1], ports[::-1], answer))
            at += rng.expovariate(1 / 700)
    return sorted(frames, key=lambda frame: frame.at_ms)


_FOUR = tuple(f"10.0.0.{n}" for n in range(1, 5))
_SIX = tuple(f"2001:db8::{n}" for n in range(1, 4))
_OUTER = (("172.16.0.1", "172.16.0.2"), ("2001:db8:1::1", "2001:db8:1::2"))
_PORTS = (53, 80, 443, 5683, 50_000, 50_001)
_STEPS_MS = (0, 0, 0.2, 1, 7, 40, 300, -3, -250)
_GAPS_MS = (999, 1000, 2000, 2001, 5000, 7500)


class _Conversation(NamedTuple):
    ends: tuple[str, str]
    ports: tuple[int, int]
    protocol: int
    vlans: tuple[int, ...]
    tunnel: str


def mixed(seed: int, count: int) -> list[Frame]:
    """Return frames of every kind the engine knows, between few hosts, with stamps out of order.

    IPv4 and IPv6; TCP with any flags, UDP, ICMP, other protocols; fragments; VLAN tags; tunnels;
    frames cut short or damaged. Gaps cross timeouts of one, two and five seconds.
    """
    rng = random.Random(seed)
    talks = [_conversation(rng) for _ in range(30)]
    frames, at = [], 1000.0
    for _ in range(count):
        at = max(at + rng.choice(_GAPS_MS if rng.random() < 0.003 else _STEPS_MS), 0.0)
        data = _encapsulated(rng, talks[int(30 * rng.random() ** 2)])
        kept = rng.randrange(len(data)) if rng.random() < 0.04 else None
        frames.append(Frame(at, _damaged(rng, data) if rng.random() < 0.04 else data, kept))
    return frames


def _conversation(rng: random.Random) -> _Conversation:
    four = rng.random() < 0.6
    first, second = rng.sample(_FOUR if four else _SIX, 2)
    echo = ICMP if four else ICMPV6
    return _Conversation(
        (first, second),
        (rng.choice(_PORTS), rng.choice(_PORTS)),
        rng.choice((TCP, TCP, TCP, TCP, UDP, UDP, UDP, echo, echo, rng.choice((2, 47, 50, 89, 132, 255)))),
        rng.choice(((), (), (), (7,), (7, 8), (9,))),
        rng.choice(("", "", "", "", "gtp", "ip")),
    )


def _packet(rng: random.Random, talk: _Conversation) -> bytes:
    (src, dst), ports, protocol = talk.ends, talk.ports, talk.protocol
    if rng.random() < 0.4:
        src, dst, ports = dst, src, (ports[1], ports[0])
    payload = bytes(rng.choice((0, 0, 1, 40, 1200)))
    if protocol == TCP:
        flags = (SYN, SYN | ACK, ACK, ACK, ACK, PSH | ACK, PSH | ACK, FIN | ACK, RST, 0xFF, 0)
        payload = tcp(*ports, rng.choice(flags), payload)
    elif protocol == UDP:
        payload = udp(*ports, payload)
    elif protocol in (ICMP, ICMPV6):
        payload = icmp(rng.choice((0, 8, 128, 129, 135)), payload)
    fragment = rng.choice((0x2000, 0x2064, 0x0064, 0x4000)) if "." in src and rng.random() < 0.1 else 0
    return ip(src, dst, protocol, payload, fragment=fragment)


def _encapsulated(rng: random.Random, talk: _Conversation) -> bytes:
    packet = _packet(rng, talk)
    if talk.tunnel == "gtp":
        packet = ip(*_OUTER[0], UDP, gtp(packet))
    elif talk.tunnel == "ip":
        packet = ip(*rng.choice(_OUTER), 41 if packet[0] >> 4 == 6 else 4, packet)
    return ethernet(packet, talk.vlans, rng.choice((0x0806, 0x88CC)) if rng.random() < 0.02 else None)


def _damaged(rng: random.Random, data: bytes) -> bytes:
    at = rng.randrange(12, min(len(data), 60))
    return data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :]


def flow(export_ms: int, src: str = "10.0.0.1", dst: str = "10.0.0.2", /, **fields: float) -> FlowBatch:
    """Return a batch of one flow that left `export_ms` after `EPOCH_MS`, by default one unanswered SYN."""
    made = np.zeros(1, FLOW_DTYPE)
    at_ms = EPOCH_MS + export_ms
    values: dict[str, float] = {
        "src_port": 40_000,
        "dst_port": 80,
        "protocol": TCP,
        "ip_version": 4,
        "bidirectional_first_seen_ms": at_ms - 20,
        "bidirectional_last_seen_ms": at_ms - 10,
        "src2dst_packets": 1,
        "src2dst_bytes": 60,
        "export_ms": at_ms,
    } | fields
    for unit in ("packets", "bytes"):
        both = values.get(f"src2dst_{unit}", 0) + values.get(f"dst2src_{unit}", 0)
        values.setdefault(f"bidirectional_{unit}", both)
    for name, value in values.items():
        made[name] = value
    made["src_ip"], made["dst_ip"] = address_words(src), address_words(dst)
    return made


def batch(flows: Sequence[FlowBatch]) -> FlowBatch:
    """Join batches; none give an empty one."""
    return np.concatenate([np.zeros(0, FLOW_DTYPE), *flows])
