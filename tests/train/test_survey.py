from pathlib import Path

import pytest

from detector.errors import CaptureError, UsageError
from detector.records import CATEGORIES, Category
from tests.traffic import ACK, EPOCH_MS, SYN, Frame, datagram, segment, write
from train.sources import CaptureSource
from train.survey import read_survey, survey, survey_all, write_survey

VICTIM, GROUP = "192.168.1.5", "239.255.255.250"


def source(path: Path, category: str, truth: int | Path | None = None) -> CaptureSource:
    label = CATEGORIES.index(Category(category)) if truth is None else truth
    return CaptureSource(path, path.stem, "lab", category, "MIT", label)


def flood(path: Path, count: int = 100, step_ms: float = 20.0) -> Path:
    """SYNs to one victim from as many sources, and one host that greets a group meanwhile."""
    syns = [segment(n * step_ms, f"10.1.0.{n}", VICTIM, (1024 + n, 80), SYN) for n in range(1, count + 1)]
    greetings = [datagram(n * 10.0, "192.168.1.9", GROUP, (5000, 1900), b"x") for n in range(1, 200)]
    return write(path, sorted([*syns, *greetings], key=lambda frame: frame.at_ms))


def test_the_busiest_second_and_five_are_the_victims(tmp_path: Path) -> None:
    found = survey(source(flood(tmp_path / "flood.pcap"), "DDoS"))
    target = found.as_target
    assert (target["packets_1s"], target["packets_5s"]) == (50, 100)
    assert (target["new_flows_1s"], target["peers_5s"], target["unanswered_5s"]) == (50, 100, 100)
    assert (target["pair_packets_5s"], target["ports_5s"], target["open_connections"]) == (1, 1, 0)
    assert found.attack_began_ms == EPOCH_MS + 20


def test_a_capture_is_measured_whole(tmp_path: Path) -> None:
    found = survey(source(flood(tmp_path / "flood.pcap"), "DDoS"))
    assert (found.flows, found.packets, found.hosts) == (101, 299, 101)
    assert found.seconds == pytest.approx(1.99)
    assert found.device_days == pytest.approx(1.99 * 101 / 86_400)


def test_a_silence_of_more_than_an_hour_was_not_watched(tmp_path: Path) -> None:
    frames = [
        segment(at, "192.168.1.7", VICTIM, (4000, 80)) for at in (0, 500, 1_800_500, 90_000_000, 90_001_000)
    ]
    found = survey(source(write(tmp_path / "parts.pcap", frames), "Benign"))
    assert found.seconds == pytest.approx(1800.5 + 1.0)


def test_groups_are_nobodys_victim(tmp_path: Path) -> None:
    greetings = [datagram(n * 10.0, "192.168.1.9", GROUP, (5000, 1900), b"x") for n in range(100)]
    found = survey(source(write(tmp_path / "quiet.pcap", greetings), "Benign"))
    assert found.as_target == {}
    assert found.as_source["packets_1s"] == 100
    assert found.attack_began_ms is None


def test_a_scan_asks_ends_and_a_slice_is_no_new_flow(tmp_path: Path) -> None:
    scan = [segment(n * 100.0, "192.168.1.66", VICTIM, (4000, 20 + n), SYN) for n in range(30)]
    long = [segment(n * 100.0, "192.168.1.66", VICTIM, (4001, 22), ACK) for n in range(60)]
    frames = sorted([*scan, *long], key=lambda frame: frame.at_ms)
    found = survey(source(write(tmp_path / "scan.pcap", frames), "Recon")).as_source
    assert (found["ends_5s"], found["ports_5s"], found["ports_1s"], found["peers_5s"]) == (30, 30, 11, 1)
    assert found["new_flows_5s"] == 31


def connection(port: int, opened_ms: float, closed_ms: float) -> list[Frame]:
    here, there = "192.168.1.7", VICTIM
    return [
        segment(opened_ms, here, there, (port, 80), SYN),
        segment(opened_ms + 1, there, here, (80, port), SYN | ACK),
        segment(closed_ms, here, there, (port, 80), ACK, payload=b"x"),
    ]


def test_connections_are_open_from_their_first_packet_to_their_last(tmp_path: Path) -> None:
    talks = [*connection(4000, 0, 9000), *connection(4001, 3000, 8000), *connection(4002, 8500, 9500)]
    capture = write(tmp_path / "slow.pcap", sorted(talks, key=lambda frame: frame.at_ms))
    assert survey(source(capture, "DoS")).as_target["open_connections"] == 2


def test_a_capture_without_ip_is_measured_too(tmp_path: Path) -> None:
    found = survey(source(write(tmp_path / "none.pcap", []), "Recon"))
    assert (found.flows, found.seconds, found.hosts, found.as_source) == (0, 0.0, 1, {})


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "bad.pcap").write_bytes(b"no capture")
    good = flood(tmp_path / "good.pcap", 3)
    told: list[str] = []
    with pytest.raises(CaptureError):
        survey(source(tmp_path / "bad.pcap", "DoS"))
    sources = [source(tmp_path / "bad.pcap", "DoS"), source(good, "DDoS")]
    assert [one.capture for one in survey_all(sources, told.append)] == ["good"]
    assert len(told) == 1
    assert "bad.pcap" in told[0]


def test_a_survey_is_kept_on_disk(tmp_path: Path) -> None:
    found = survey(source(flood(tmp_path / "flood.pcap", 5), "DDoS"))
    write_survey(tmp_path / "survey.json", [found])
    assert read_survey(tmp_path / "survey.json") == {"flood": found}


@pytest.mark.parametrize("content", [None, b"", b'[{"capture": "x"}]', b"{}"])
def test_a_damaged_survey_is_refused(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "survey.json").write_bytes(content)
    with pytest.raises(UsageError, match=r"survey\.json: no readable survey .*; run iotids-train survey"):
        read_survey(tmp_path / "survey.json")
