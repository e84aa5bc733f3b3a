"""Packets of our own making are what scapy makes of the same facts."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from scapy.packet import Raw

from train.lab import rawip

ONE, TWO = rawip.packed("10.1.2.3"), rawip.packed("192.0.2.9")
SIX, SEVEN = rawip.packed("2001:db8::6"), rawip.packed("2001:db8::7")
payloads = st.binary(max_size=60)
ports = st.tuples(st.integers(1, 65_535), st.integers(1, 65_535))


def test_the_checksum_of_rfc_1071s_example() -> None:
    assert rawip.checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0xFFFF - 0xDDF2


@given(ports, st.integers(0, 63), payloads)
def test_tcp_sums_are_right(pair: tuple[int, int], flags: int, data: bytes) -> None:
    made = rawip.tcp(ONE, TWO, pair, flags, 7, data=data)
    assert _summed(IP(src="10.1.2.3", dst="192.0.2.9", proto=6) / TCP(made)) == made


@given(ports, payloads)
def test_udp_sums_are_right(pair: tuple[int, int], data: bytes) -> None:
    made = rawip.udp(ONE, TWO, pair, data)
    scapys = IP(src="10.1.2.3", dst="192.0.2.9") / UDP(sport=pair[0], dport=pair[1]) / Raw(data)
    assert bytes(scapys)[20:] == made


def test_a_sum_of_all_ones_is_none_and_one_of_nothing_is_all_ones() -> None:
    assert [rawip.checksum(data) for data in (b"\xff\xff", b"\x12\x34\xed\xcb")] == [0, 0]
    assert [rawip.checksum(data) for data in (b"\0\0", b"")] == [0xFFFF, 0xFFFF]


@given(st.integers(0, 65_535), payloads)
@example(number=12_092, data=b"\xc8\xbe")
def test_pings_sums_are_right(number: int, data: bytes) -> None:
    assert rawip.echo(ONE, TWO, 5, number, data) == bytes(ICMP(type=8, id=5, seq=number) / Raw(data))


@given(st.integers(0, 65_535), payloads)
def test_pings_sums_are_right_over_ipv6(number: int, data: bytes) -> None:
    scapys = IPv6(src="2001:db8::6", dst="2001:db8::7") / ICMPv6EchoRequest(id=5, seq=number, data=data)
    assert rawip.packet(SIX, SEVEN, rawip.ICMP6, rawip.echo(SIX, SEVEN, 5, number, data)) == bytes(scapys)


@pytest.mark.parametrize("options", range(4))
def test_the_options_of_each_imitated_stack_parse(options: int) -> None:
    made = TCP(rawip.tcp(ONE, TWO, (1, 2), rawip.FLAGS["syn"], 7, options=options))
    assert made.flags == "S"
    assert made.payload.original == b"" if made.payload else True
    assert (dict(made.options).get("MSS") == 1460) == bool(options)


@given(st.integers(0, 6000))
def test_fragments_put_together_are_the_datagram(size: int) -> None:
    datagram = rawip.udp(ONE, TWO, (53, 4000), bytes(size))
    pieces = [IP(piece) for piece in rawip.fragments(ONE, TWO, rawip.UDP, datagram, identifier=9)]
    assert b"".join(bytes(piece.payload) for piece in pieces) == datagram
    assert all(len(piece) <= 1500 for piece in pieces)
    assert [bool(int(piece.flags) & 1) for piece in pieces] == [True] * (len(pieces) - 1) + [False]


def _summed(packet: Any) -> bytes:
    """The packet's TCP part with the sum that scapy computes."""
    del packet[TCP].chksum
    return bytes(packet)[20:]
