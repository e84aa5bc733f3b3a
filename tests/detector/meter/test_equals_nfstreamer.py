"""Every field of every flow equals what `NFStreamer` gives for the same capture."""

import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.errors import CaptureError
from detector.records import Expiry, FlowBatch
from tests import traffic
from tests.detector.meter import reference, samples
from tests.traffic import Frame

SHIPPED = sorted((Path(__file__).parents[2] / "pcaps").glob("*.pcap"))
FOLDER = os.environ.get("IOTIDS_CAPTURES")
THIRD_PARTY = sorted(Path(FOLDER).rglob("*.pcap*")) if FOLDER else []


def assert_equal(path: Path) -> FlowBatch:
    flows = reference.meter(path)
    assert reference.ours(flows) == reference.theirs(path)
    return flows


@pytest.mark.parametrize("seed", range(6))
def test_mixed_traffic(seed: int, tmp_path: Path) -> None:
    flows = assert_equal(traffic.write(tmp_path / "mixed.pcap", traffic.mixed(seed, 3000)))

    assert {traffic.TCP, traffic.UDP, traffic.ICMPV6} < set(flows["protocol"].tolist())
    assert {4, 6} == set(flows["ip_version"].tolist())
    assert {0, 1} == set(flows["tunnel_id"].tolist())
    assert len(set(flows["vlan_id"].tolist()) & {7, 8, 9}) > 1
    assert {Expiry.IDLE, Expiry.ACTIVE} <= set(flows["expiration_id"].tolist())


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_captures(path: Path) -> None:
    assert len(assert_equal(path))


@settings(max_examples=25, deadline=None)
@given(stretches=st.lists(samples.traffic(max_size=20), min_size=1, max_size=8))
def test_any_traffic(stretches: list[list[Frame]], tmp_path_factory: pytest.TempPathFactory) -> None:
    # One run of NFStreamer costs more than all the packets: many stretches share a capture.
    frames = [
        Frame(at_ms + number * 100_000, data)
        for number, stretch in enumerate(stretches)
        for at_ms, data, _ in stretch
    ]
    assert_equal(traffic.write(tmp_path_factory.mktemp("any") / "any.pcap", frames))


def test_a_flood_of_random_sources(tmp_path: Path) -> None:
    ends = (f"10.{n % 251}.{n % 241}.{n % 239}" for n in range(6000))
    frames = [
        traffic.segment(n * 0.7, src, "192.0.2.1", (1024 + n, 80), traffic.SYN) for n, src in enumerate(ends)
    ]
    flows = assert_equal(traffic.write(tmp_path / "flood.pcap", frames))
    assert Counter(flows["src2dst_syn_packets"].tolist()) == {1: 6000}


@pytest.mark.captures
@pytest.mark.parametrize("path", THIRD_PARTY, ids=lambda path: path.name)
def test_third_party_captures(path: Path) -> None:
    try:
        assert_equal(path)
    except CaptureError:
        # What we refuse to open gives NFStreamer no flow either.
        assert reference.theirs(path) == []
