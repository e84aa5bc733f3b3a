from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from scapy.layers.l2 import Dot1Q, Ether

from tests.command import PCAPS
from tests.train import augmented
from tests.train.augmented import ANY_PACKETS
from train.augment import Options, augment
from train.packets import Packet, PacketFile, ends
from train.padding import MTU_BYTES, Padding
from train.sources import CaptureSource

EVERYBODY = {"events": [augmented.event("DoS", ["*"], ["*"]) | {"start": 0.0, "end": 4e9}]}
ATTACK = {"events": [augmented.event("DoS", ["10.0.0.66", "2001:db8::66"], ["*"]) | {"start": 0, "end": 4e9}]}
HERE: dict[str, Any] = {"src": "10.0.0.66", "dst": "10.0.0.7"}
BACK: dict[str, Any] = {"src": "10.0.0.7", "dst": "10.0.0.66"}


def padded(*frames: Any, most: int = 100, truth: dict[str, Any] = ATTACK) -> list[Packet]:
    packets = [Packet(1_000_000 + n, bytes(frame), len(bytes(frame))) for n, frame in enumerate(frames)]
    return list(Padding(truth, most, "x").packets(packets, 1))


def checked(packet: Packet) -> Any:
    """Dissect a packet whose lengths and checksums scapy would write no other."""
    found = Ether(packet.data)
    again = found.copy()
    for layer in (IP, UDP, TCP, ICMP, IPv6, ICMPv6EchoRequest):
        if layer in again:
            for field in ("len", "plen", "chksum", "cksum"):
                if field in again[layer].fields:
                    delattr(again[layer], field)
    assert bytes(again) == packet.data
    return found


@pytest.mark.parametrize(
    "frame",
    [
        Ether() / IP(**HERE) / UDP(sport=7, dport=9) / b"x",
        Ether() / IP(**HERE) / TCP(sport=7, dport=9, flags="S", options=[("MSS", 1400)]),
        Ether() / IP(**HERE, options=[b"\x94\x04\0\0"]) / UDP(sport=7, dport=9),
        Ether() / Dot1Q(vlan=5) / IP(**HERE) / TCP(sport=7, dport=9, flags="PA") / b"GET /",
        Ether() / IP(**HERE) / ICMP(type=8, id=7, seq=1) / b"ping",
        Ether() / IPv6(src="2001:db8::66", dst="2001:db8::7") / UDP(sport=7, dport=9) / b"x",
        Ether() / IPv6(src="2001:db8::66", dst="2001:db8::7") / ICMPv6EchoRequest(id=7),
    ],
)
def test_lengths_and_checksums_are_right(frame: Any) -> None:
    """Also behind an Ethernet frame's own padding, which goes."""
    before = bytes(frame)
    for given_bytes in (before, before.ljust(60, b"\0")):
        (made,) = padded(Ether(given_bytes), most=800)
        assert len(made.data) == made.length
        checked(made)
        assert len(given_bytes) < made.length <= len(before) + 800


def test_packets_grow_by_no_more_than_asked_and_seldom_by_the_same() -> None:
    frame = Ether() / IP(**HERE) / UDP(sport=7, dport=9) / bytes(100)
    grown = [made.length - len(frame) for made in padded(*[frame] * 200, most=50)]
    assert set(grown) <= set(range(1, 51))
    assert len(set(grown)) > 30
    assert len({made.data[-1:] for made in padded(*[frame] * 200, most=50)}) > 50


def test_the_mtu_is_kept() -> None:
    frames = [Ether() / IP(**HERE) / UDP(sport=7, dport=9) / bytes(size) for size in (1000, 1471, 1472, 3000)]
    made = padded(*frames, most=1400)
    assert [each.length - 14 for each in made[1:]] == [1500, 1500, 3028]
    assert made[0].length - 14 <= MTU_BYTES
    assert [each.data for each in made[2:]] == [bytes(frame) for frame in map(Ether, map(bytes, frames[2:]))]


def test_sequence_numbers_follow() -> None:
    ports: dict[str, Any] = {"sport": 7, "dport": 80}
    back: dict[str, Any] = {"sport": 80, "dport": 7}
    frames = [
        Ether() / IP(**HERE) / TCP(**ports, flags="S", seq=100),
        Ether() / IP(**BACK) / TCP(**back, flags="SA", seq=500, ack=101),
        Ether() / IP(**HERE) / TCP(**ports, flags="PA", seq=101, ack=501) / b"GET /",
        Ether() / IP(**BACK) / TCP(**back, flags="A", seq=501, ack=106),
        Ether() / IP(**HERE) / TCP(**ports, flags="FA", seq=106, ack=501),
        Ether() / IP(**BACK) / TCP(**back, flags="R", seq=501),
    ]
    syn, syn_ack, get, ack, fin, rst = (checked(made) for made in padded(*frames))
    assert (syn[TCP].seq, len(syn[TCP].payload) > 0) == (100, True)
    assert (syn_ack[TCP].ack, get[TCP].seq) == (101, 101)
    assert fin[TCP].seq == ack[TCP].ack == 101 + len(get[TCP].payload)
    assert get[TCP].payload.load.startswith(b"GET /")
    assert [bytes(each[TCP].payload) for each in (syn_ack, ack, rst)] == [b""] * 3
    assert (rst[TCP].ack, ack[TCP].seq) == (0, 501)


def test_an_echo_brings_back_what_it_brought() -> None:
    frames = [
        Ether() / IP(**ends_) / ICMP(type=kind, id=7, seq=seq) / b"ping"
        for seq in range(20)
        for ends_, kind in ((HERE, 8), (BACK, 0))
    ]
    made = [checked(each)[ICMP].payload.load for each in padded(*frames)]
    assert made[::2] == made[1::2]
    assert len(set(map(len, made))) > 10
    error = Ether() / IP(**BACK) / ICMP(type=3) / bytes(28)
    assert [each.data for each in padded(error)] == [bytes(error)]


def test_what_the_capture_cut_short_grows_on_the_wire() -> None:
    frame = bytes(Ether() / IP(**HERE) / UDP(sport=7, dport=9) / bytes(500))
    (made,) = Padding(ATTACK, 100, "x").packets([Packet(1, frame[:60], len(frame))], 1)
    assert len(made.data) == 60
    grown = made.length - len(frame)
    assert 1 <= grown <= 100
    found = Ether(made.data)
    assert (found[IP].len, found[UDP].len) == (528 + grown, 508 + grown)


@pytest.mark.parametrize(
    "frame",
    [
        Ether() / IP(**HERE, flags="MF") / UDP(sport=7, dport=9) / bytes(8),
        Ether() / IP(**HERE, frag=2, proto=17) / bytes(8),
        Ether() / IP(**HERE, proto=2) / bytes(8),
        Ether() / IP(**HERE, len=0) / TCP(sport=7, dport=9) / bytes(80),
        Ether() / IP(src="10.0.0.9", dst="10.0.0.7") / UDP(sport=7, dport=9) / bytes(8),
        Ether() / IP(**HERE, len=4000) / UDP(sport=7, dport=9, len=3980) / bytes(8),
        Ether(type=0x0806) / bytes(28),
    ],
)
def test_what_cannot_grow_and_what_is_nobodys_attack_stays(frame: Any) -> None:
    assert [made.data for made in padded(frame)] == [bytes(frame)]


@given(packets=ANY_PACKETS, most=st.integers(1, 1400))
def test_whatever_the_bytes_ends_times_and_number_stay(packets: list[Packet], most: int) -> None:
    made = list(Padding(EVERYBODY, most, "x").packets(packets, 1))
    assert [packet.at_us for packet in made] == [packet.at_us for packet in packets]
    assert [ends(packet.data, 1) for packet in made] == [ends(packet.data, 1) for packet in packets]
    # What stands behind the IP packet, a trailer, goes where the packet grows.
    assert all(b.length <= max(a.length, 60) + most for a, b in zip(packets, made, strict=True))


def lengths(packets: Sequence[Packet]) -> list[int]:
    return [packet.length for packet in packets]


def test_a_real_flood_grows(tmp_path: Path) -> None:
    name = "syn-flood-spoofed"
    source = CaptureSource(PCAPS / f"{name}.pcap", f"own/{name}", "own", "DDoS", "MIT", 1)
    augment([source], tmp_path, Options(padding=[400]))
    before, after = list(PacketFile(source.path)), list(PacketFile(tmp_path / f"own_{name}-pad400.pcap"))
    grown = [b - a for a, b in zip(lengths(before), lengths(after), strict=True)]
    assert sum(each > 0 for each in grown) > 1500
    assert max(grown) <= 400
    assert all(a.at_us <= b.at_us for a, b in pairwise(after))
