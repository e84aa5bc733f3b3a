"""The engine is the one that was proven, and its structures are read as they are."""

import math
import statistics
from importlib.metadata import version

import numpy as np
import pytest

from detector.errors import CaptureError
from detector.meter import ENGINE_VERSION, PacketBlock, engine
from detector.records import address
from tests.detector.meter.samples import capture_of, metered, table
from tests.traffic import ACK, FIN, RST, SYN, Frame, datagram, ethernet, icmp, ip, segment

A, B = "10.0.0.1", "10.0.0.2"


def test_the_installed_engine_is_the_proven_one() -> None:
    assert version("nfstream") == ENGINE_VERSION
    engine._check()


def test_another_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "ENGINE_VERSION", "7.0.0")
    with pytest.raises(CaptureError, match=r"^NFStream 6\.6\.0 is installed.*needs nfstream==7\.0\.0$"):
        engine._check()


def test_a_structure_without_a_field_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "COPIED", ["src_ip", "colour", "taste"])
    with pytest.raises(CaptureError, match=r"lacks colour, taste; reinstall nfstream==6\.6\.0"):
        engine._check()


@pytest.mark.parametrize(
    ("flags", "bit"),
    [(FIN, engine.FIN_BIT), (SYN, engine.SYN_BIT), (RST, engine.RST_BIT), (ACK, engine.ACK_BIT)],
)
def test_flag_bits_are_where_the_compiler_put_them(flags: int, bit: int) -> None:
    block = PacketBlock()
    with capture_of([segment(0, A, B, (1, 2), flags)]) as capture:
        capture.read(block)
    assert block.columns["fin"][0] & 0xFF == bit


def test_deviations_are_those_of_a_sample() -> None:
    payloads, times = (10, 200, 50, 50, 900), (0, 3, 10, 12, 40)
    frames = [datagram(at, A, B, (5, 6), bytes(size)) for at, size in zip(times, payloads, strict=True)]
    (flow,) = metered(frames, table())

    sizes = [len(frame.data) for frame in frames]
    assert flow["bidirectional_mean_ps"] == pytest.approx(statistics.mean(sizes))
    assert flow["bidirectional_stddev_ps"] == pytest.approx(statistics.stdev(sizes))
    gaps = np.diff(times)
    assert flow["src2dst_mean_piat_ms"] == pytest.approx(gaps.mean())
    assert flow["src2dst_stddev_piat_ms"] == pytest.approx(statistics.stdev(gaps.tolist()))


def test_deviations_of_too_few_packets_are_zero() -> None:
    flows = metered(
        [datagram(0, A, B, (5, 6)), datagram(0, A, B, (5, 7)), datagram(9, A, B, (5, 7))], table()
    )
    names = [name for name in flows.dtype.names or () if "stddev" in name]
    assert len(names) == 6
    assert all(math.isfinite(value) and value == 0 for name in names for value in flows[name])


def test_addresses_come_in_one_form() -> None:
    flows = metered(
        [
            datagram(0, "2001:db8::7", "ff02::fb", (5353, 5353)),
            datagram(1, "192.0.2.9", "255.255.255.255", (68, 67)),
        ],
        table(),
    )
    ends = [(str(address(flow["src_ip"])), str(address(flow["dst_ip"]))) for flow in flows]
    assert ends == [("2001:db8::7", "ff02::fb"), ("192.0.2.9", "255.255.255.255")]


def test_a_slot_that_held_ipv6_gives_ipv4_clean() -> None:
    # The engine writes one word of an IPv4 address; slots of a block are used again and again.
    six, four = datagram(0, "2001:db8::7", "2001:db8::8", (1, 2)), datagram(1, A, B, (1, 2))
    reply = Frame(2, ethernet(ip(B, A, 1, icmp(0))))
    flows = metered([six, four, datagram(2, B, A, (2, 1)), reply], table(), rooms=[1])
    assert flows["bidirectional_packets"].tolist() == [1, 2, 1]
