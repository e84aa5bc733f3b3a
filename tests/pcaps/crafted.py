"""The shipped captures that scapy makes: byte for byte the same on every run.

python tests/pcaps/crafted.py [FOLDER]
"""

import random
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scapy.contrib.gtp import GTP_U_Header
from scapy.layers.dns import DNS, DNSQR, DNSRR
from scapy.layers.inet import ICMP, IP, TCP, UDP, fragment
from scapy.layers.inet6 import (
    ICMPv6EchoReply,
    ICMPv6EchoRequest,
    ICMPv6ND_NA,
    ICMPv6ND_NS,
    IPv6,
    IPv6ExtHdrFragment,
    fragment6,
)
from scapy.layers.l2 import ARP, Dot1AD, Dot1Q, Ether
from scapy.packet import Raw

EPOCH = 1_760_000_000
"""First moment of the crafted captures, seconds."""

_cut4: Any = fragment
_cut6: Any = fragment6

Timed = tuple[float, Any]
"""Seconds after `EPOCH`, and a scapy packet."""

_DEVICE, _PEER = "02:00:00:00:00:10", "02:00:00:00:00:01"


def pcap(packets: list[Timed]) -> bytes:
    """Return a little-endian microsecond pcap of Ethernet frames, in time order."""
    blocks = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1)]
    for at, packet in sorted(packets, key=lambda timed: timed[0]):
        frame = bytes(packet)
        micros = round(at * 1_000_000)
        stamp = (EPOCH + micros // 1_000_000, micros % 1_000_000)
        blocks.append(struct.pack("<IIII", *stamp, len(frame), len(frame)) + frame)
    return b"".join(blocks)


def conversation(
    forth: Any, back: Any, ports: tuple[int, int], start: float, sizes: list[int]
) -> Iterator[Timed]:
    """Yield a whole TCP connection: handshake, a request and an answer for each size, FINs.

    `forth` and `back` are everything below TCP, from the client's side and from the server's.
    """
    client, server = ports
    ours, theirs, at = 1000, 5000, start
    yield at, forth / TCP(sport=client, dport=server, flags="S", seq=ours, options=[("MSS", 1460)])
    yield (
        at + 0.001,
        back / TCP(sport=server, dport=client, flags="SA", seq=theirs, ack=ours + 1, options=[("MSS", 1460)]),
    )
    ours, theirs = ours + 1, theirs + 1
    yield at + 0.002, forth / TCP(sport=client, dport=server, flags="A", seq=ours, ack=theirs)
    for size in sizes:
        at += 0.05
        yield at, forth / TCP(sport=client, dport=server, flags="PA", seq=ours, ack=theirs) / Raw(b"q" * 40)
        ours += 40
        yield (
            at + 0.004,
            back / TCP(sport=server, dport=client, flags="PA", seq=theirs, ack=ours) / Raw(b"a" * size),
        )
        theirs += size
    at += 0.05
    yield at, forth / TCP(sport=client, dport=server, flags="FA", seq=ours, ack=theirs)
    yield at + 0.001, back / TCP(sport=server, dport=client, flags="FA", seq=theirs, ack=ours + 1)
    yield at + 0.002, forth / TCP(sport=client, dport=server, flags="A", seq=ours + 1, ack=theirs + 1)


def syn_flood_spoofed() -> list[Timed]:
    """SYNs from invented sources to one camera for five seconds, between its ordinary polls."""
    rng = random.Random(4)
    camera, hub = "192.168.7.20", "192.168.7.2"
    forth = Ether(src=_PEER, dst=_DEVICE) / IP(src=hub, dst=camera, id=7)
    back = Ether(src=_DEVICE, dst=_PEER) / IP(src=camera, dst=hub, id=8)
    packets: list[Timed] = []
    for turn in range(16):
        packets += conversation(forth, back, (40_000 + turn, 80), turn * 0.9, [200, 350])
    at = 5.0
    while at < 10.0:
        at += rng.expovariate(420)
        source = f"{rng.choice((23, 45, 77, 91, 185))}.{rng.randint(0, 255)}"
        source += f".{rng.randint(0, 255)}.{rng.randint(1, 254)}"
        port, seq = rng.randint(1024, 65_535), rng.getrandbits(32)
        ip = IP(src=source, dst=camera, ttl=rng.randint(40, 120), id=rng.getrandbits(16))
        packets.append(
            (at, Ether(src=_PEER, dst=_DEVICE) / ip / TCP(sport=port, dport=80, flags="S", seq=seq))
        )
        if rng.random() < 0.2:  # its backlog is soon full
            reply = TCP(sport=80, dport=port, flags="SA", seq=rng.getrandbits(32), ack=(seq + 1) % 2**32)
            packets.append(
                (at + 0.0004, Ether(src=_DEVICE, dst=_PEER) / IP(src=camera, dst=source, id=9) / reply)
            )
    return packets


def ipv6_vlan_mixed() -> list[Timed]:
    """Everything but plain IPv4: IPv6, one and two VLAN tags, fragments, ICMP, a GTP tunnel, no IP at all."""
    packets: list[Timed] = []
    out, back = Ether(src=_DEVICE, dst=_PEER), Ether(src=_PEER, dst=_DEVICE)
    six, six_back = IPv6(src="2001:db8::10", dst="2001:db8::1"), IPv6(src="2001:db8::1", dst="2001:db8::10")
    four, four_back = IP(src="10.1.0.10", dst="10.1.0.1", id=1), IP(src="10.1.0.1", dst="10.1.0.10", id=2)
    packets += conversation(out / six, back / six_back, (50_001, 443), 0.2, [900, 1200])
    packets += conversation(
        out / Dot1Q(vlan=100) / four, back / Dot1Q(vlan=100) / four_back, (50_002, 1883), 0.3, [4, 4, 4]
    )
    # A mirror port that tags one direction only.
    packets += conversation(out / Dot1Q(vlan=200) / four, back / four_back, (50_003, 80), 0.5, [500])
    packets += conversation(
        out / Dot1AD(vlan=30) / Dot1Q(vlan=31) / four,
        back / Dot1AD(vlan=30) / Dot1Q(vlan=31) / four_back,
        (50_004, 80),
        0.7,
        [700],
    )
    packets += _neighbours(out, back, six, six_back)
    packets += _pings(out / four, back / four_back)
    packets += _names_and_pings(out / six, back / six_back)
    packets += _fragments(out, six, four)
    packets += _tunnel(out, back)
    packets += [
        (3.0, out / ARP(hwsrc=_DEVICE, psrc="10.1.0.10", pdst="10.1.0.1")),
        (3.1, Ether(src=_DEVICE, dst="01:80:c2:00:00:0e", type=0x88CC) / Raw(b"lldp")),
    ]
    return packets


def _neighbours(out: Any, back: Any, six: Any, six_back: Any) -> Iterator[Timed]:
    yield 0.1, out / six / ICMPv6ND_NS(tgt="2001:db8::1")
    yield 0.101, back / six_back / ICMPv6ND_NA(tgt="2001:db8::1", S=1)


def _pings(out: Any, back: Any) -> Iterator[Timed]:
    for turn in range(4):
        at = 1.01 + turn * 0.25
        yield at, out / ICMP(type=8, id=9, seq=turn) / Raw(b"y" * 56)
        yield at + 0.002, back / ICMP(type=0, id=9, seq=turn) / Raw(b"y" * 56)


def _names_and_pings(out: Any, back: Any) -> Iterator[Timed]:
    for turn in range(4):
        at = 1.0 + turn * 0.25
        yield at, out / ICMPv6EchoRequest(id=7, seq=turn, data=b"x" * 32)
        yield at + 0.002, back / ICMPv6EchoReply(id=7, seq=turn, data=b"x" * 32)
        question = DNSQR(qname=f"t{turn}.example", qtype="AAAA")
        yield at + 0.02, out / UDP(sport=40_100 + turn, dport=53) / DNS(id=turn, rd=1, qd=question)
        answer = DNS(
            id=turn, qr=1, qd=question, an=DNSRR(rrname=question.qname, type="AAAA", rdata="2001:db8::99")
        )
        yield at + 0.025, back / UDP(sport=53, dport=40_100 + turn) / answer


def _fragments(out: Any, six: Any, four: Any) -> Iterator[Timed]:
    datagram = four.copy() / UDP(sport=40_200, dport=5000) / Raw(b"z" * 3000)
    for index, piece in enumerate(_cut4(datagram, fragsize=1400)):
        yield 2.0 + index * 0.001, out / piece
    long = (
        IPv6(src=six.src, dst=six.dst)
        / IPv6ExtHdrFragment(id=77)
        / UDP(sport=40_201, dport=5000)
        / Raw(b"z" * 3000)
    )
    for index, piece in enumerate(_cut6(long, 1400)):
        yield 2.1 + index * 0.001, out / piece


def _tunnel(out: Any, back: Any) -> Iterator[Timed]:
    """A phone's connection and pings inside GTP-U, as a mobile operator's mirror port shows them."""
    up = (
        out
        / IP(src="172.31.0.2", dst="172.31.0.3", id=3)
        / UDP(sport=2152, dport=2152)
        / GTP_U_Header(teid=0x11)
    )
    down = (
        back
        / IP(src="172.31.0.3", dst="172.31.0.2", id=4)
        / UDP(sport=2152, dport=2152)
        / GTP_U_Header(teid=0x22)
    )
    phone, web = (
        IP(src="10.45.0.2", dst="93.184.216.34", id=5),
        IP(src="93.184.216.34", dst="10.45.0.2", id=6),
    )
    yield from conversation(up / phone, down / web, (50_005, 80), 2.4, [1000])
    for turn in range(3):
        yield 2.7 + turn * 0.1, up / phone / ICMP(type=8, id=3, seq=turn) / Raw(b"t" * 56)
        yield 2.72 + turn * 0.1, down / web / ICMP(type=0, id=3, seq=turn) / Raw(b"t" * 56)


def truncated() -> bytes:
    """Return `ipv6_vlan_mixed`, cut in the middle of a packet: a capture whose writer was killed."""
    whole = pcap(ipv6_vlan_mixed())
    return whole[: len(whole) * 2 // 3 - 11]


def files() -> dict[str, bytes]:
    """Return every crafted capture: file name to content."""
    return {
        "syn-flood-spoofed.pcap": pcap(syn_flood_spoofed()),
        "ipv6-vlan-mixed.pcap": pcap(ipv6_vlan_mixed()),
        "truncated.pcap": truncated(),
    }


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    for file_name, content in files().items():
        (folder / file_name).write_bytes(content)
