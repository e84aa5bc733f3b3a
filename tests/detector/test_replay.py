"""One capture, one set of alerts: however it is cut, chunked or paced."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from detector import steps as path_module
from detector.config import Config
from detector.errors import CaptureError
from detector.logs import LOGGER
from detector.meter.capture import BLOCK_PACKETS
from detector.pipeline import Pipeline
from detector.records import FlowBatch
from detector.replay import Pace, Progress, Replay, capture_files
from detector.run import open_bundle
from detector.scorer import OnnxScorer
from detector.sinks import SinkSet
from tests import traffic
from tests.traffic import ACK, RST, SYN, Frame, datagram, segment

SCANNER, HUB, LAMP, CLOUD = "10.0.0.66", "10.0.0.2", "10.0.0.3", "192.0.2.9"


def day() -> list[Frame]:
    """A lamp that reports, a scan of the hub, a flood on the lamp, and long silences in between."""
    frames = [datagram(at, LAMP, CLOUD, (5000 + at % 7, 53), b"x" * 40) for at in range(0, 90_000, 900)]
    for port in range(1, 300):
        at = 5_000 + port * 10
        frames.append(segment(at, SCANNER, HUB, (40_000, port), SYN))
        frames.append(segment(at + 1, HUB, SCANNER, (port, 40_000), RST | ACK))
    frames += [datagram(12_000 + n, SCANNER, LAMP, (1024 + n, n + 1), b"f") for n in range(2000)]
    return sorted(frames, key=lambda frame: frame.at_ms)


DAY = day()


class Run:
    """A replay, with everything it said."""

    def __init__(self, bundle: Path, speed: float | None = None) -> None:
        self.config = Config(bundle=str(bundle))
        loaded = open_bundle(self.config)
        self.pipeline = Pipeline(self.config, loaded, OnnxScorer(loaded), SinkSet([], LOGGER))
        self.flows: list[FlowBatch] = []
        self.reached: list[tuple[int, int, int]] = []
        self.replay = Replay(self.pipeline, speed=speed, on_flows=self.flows.append, on_progress=self._note)

    def _note(self, progress: Progress) -> None:
        self.reached.append((progress.files, progress.packets, progress.bytes_read))

    def alerts(self, *paths: Path) -> list[bytes]:
        """Replay and return the events, without the name of the file."""
        events = [alert.event for alert in self.replay.run([str(path) for path in paths])]
        return [orjson.dumps(event | {"pcap_filename": ""}) for event in events]

    @property
    def metered(self) -> bytes:
        return np.concatenate(self.flows).tobytes()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return traffic.write(tmp_path_factory.mktemp("day") / "day.pcap", DAY)


@pytest.fixture(scope="module")
def expected(whole: Path, rule_bundle: Path) -> tuple[list[bytes], bytes]:
    run = Run(rule_bundle)
    alerts = run.alerts(whole)
    named = [orjson.loads(alert)["iotids"] for alert in alerts]
    assert [(each["category"], each["state"]) for each in named] == [
        ("Recon", "open"),
        ("DoS", "open"),
        ("Recon", "close"),
        ("DoS", "close"),
    ]
    return alerts, run.metered


@pytest.mark.parametrize("blocks", [1, 3, 1000])
def test_how_often_it_looks_at_the_windows_changes_nothing(
    blocks: int,
    whole: Path,
    expected: tuple[list[bytes], bytes],
    rule_bundle: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(path_module, "STEP_PACKETS", blocks * BLOCK_PACKETS)
    run = Run(rule_bundle)
    assert (run.alerts(whole), run.metered) == expected


@pytest.mark.parametrize("speed", [1e6, 500, 100])
def test_no_pace_changes_anything(
    speed: float, whole: Path, expected: tuple[list[bytes], bytes], rule_bundle: Path
) -> None:
    run = Run(rule_bundle, speed=speed)
    assert (run.alerts(whole), run.metered) == expected


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(cuts=[0], speed=1e6)  # an empty file first: it must not begin the clock
@given(cuts=st.lists(st.integers(0, len(DAY)), max_size=5), speed=st.sampled_from([None, 1e6]))
def test_several_files_are_one_stretch(
    cuts: list[int],
    speed: float | None,
    expected: tuple[list[bytes], bytes],
    rule_bundle: Path,
    tmp_path: Path,
) -> None:
    ends = [0, *sorted(cuts), len(DAY)]
    parts = [
        traffic.write(tmp_path / f"{number}.pcap", DAY[start:stop])
        for number, (start, stop) in enumerate(pairwise(ends))
    ]
    run = Run(rule_bundle, speed)
    assert (run.alerts(*parts), run.metered) == expected


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10_000), blocks=st.sampled_from([1, 2, 32]))
def test_strange_packets_are_as_steady(seed: int, blocks: int, rule_bundle: Path, tmp_path: Path) -> None:
    path = traffic.write(tmp_path / "mixed.pcap", traffic.mixed(seed, 700))
    plain, paced = Run(rule_bundle), Run(rule_bundle, speed=1e6)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(path_module, "STEP_PACKETS", blocks * BLOCK_PACKETS)
        alerts = plain.alerts(path)
    assert paced.alerts(path) == alerts
    assert paced.metered == plain.metered


@pytest.mark.parametrize("speed", [None, 1e9])
def test_a_last_stamp_from_the_future_loses_no_packet(
    speed: float | None, rule_bundle: Path, tmp_path: Path
) -> None:
    frames = [datagram(at, LAMP, CLOUD, (5000, 53)) for at in (0, 10, 5_000_000)]
    run = Run(rule_bundle, speed)
    run.alerts(traffic.write(tmp_path / "future.pcap", frames))
    assert np.concatenate(run.flows)["bidirectional_packets"].tolist() == [2, 1]


def test_an_earlier_file_starts_time_anew(
    whole: Path, expected: tuple[list[bytes], bytes], rule_bundle: Path
) -> None:
    """Each incident closes at the end of its own capture, and opens again in the next."""
    run = Run(rule_bundle)
    alerts = run.alerts(whole, whole)
    assert alerts == expected[0] * 2
    assert run.pipeline.tables[0].clock.restarts == 1


def test_progress_grows_to_the_whole(whole: Path, rule_bundle: Path, tmp_path: Path) -> None:
    run = Run(rule_bundle)
    run.alerts(whole, tmp_path / "none.pcap", whole)
    assert run.reached == sorted(run.reached)
    assert run.reached[-1] == (3, 2 * len(DAY), 2 * whole.stat().st_size)
    assert [str(problem) for problem in run.replay.problems] == [
        f"{tmp_path}/none.pcap: no such file or directory; name a pcap or pcapng file that can be read"
    ]


def test_it_stops_where_it_is_asked_to(whole: Path, rule_bundle: Path) -> None:
    run = Run(rule_bundle)
    run.replay._stopped = lambda: bool(run.reached) and run.reached[-1][1] >= 1024
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(path_module, "STEP_PACKETS", BLOCK_PACKETS)
        alerts = run.alerts(whole, whole)
    assert run.reached[-1][:2] == (1, 2 * BLOCK_PACKETS)
    assert orjson.loads(alerts[-1])["iotids"]["state"] == "close"
    assert len(run.pipeline.tables[0]) == 0


class Clock:
    """Time that passes in sleep only."""

    def __init__(self) -> None:
        self.now = 100.0
        self.naps: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, secs: float) -> None:
        self.now += secs
        self.naps.append(secs)


def waits(pace: Pace, clock: Clock, stamps: list[int]) -> Iterator[float]:
    for stamp in stamps:
        while not pace.nap(stamp):
            pass
        yield round(clock.now - 100.0, 6)


def test_packets_come_at_their_time() -> None:
    clock = Clock()
    pace = Pace(2.0, clock, clock.sleep)
    assert list(waits(pace, clock, [5000, 5500, 7000, 6900])) == [0.0, 0.25, 1.0, 1.0]
    assert max(clock.naps) <= 0.1


def test_a_clock_set_back_is_no_reason_to_wait() -> None:
    clock = Clock()
    pace = Pace(1.0, clock, clock.sleep)
    assert list(waits(pace, clock, [5000, 1000, 1500])) == [0.0, 0.0, 0.5]


def test_time_passes_where_no_packet_comes(rule_bundle: Path, tmp_path: Path) -> None:
    """A flow leaves when its idle timeout is over, not with the next packet."""
    frames = [datagram(0, LAMP, CLOUD, (5000, 53)), datagram(60_000, LAMP, CLOUD, (5000, 53))]
    run = Run(rule_bundle)
    clock, left = Clock(), []
    run.replay._pace = Pace(1.0, clock, clock.sleep)
    run.replay._on_flows = lambda flows: left.append((clock.now - 100.0, len(flows)))
    run.alerts(traffic.write(tmp_path / "slow.pcap", frames))
    assert [count for _, count in left] == [1, 1]
    assert 0.999 <= left[0][0] < 1.2


def test_directories_are_listed_in_name_order(tmp_path: Path) -> None:
    for name in ("b.pcap", "a.pcapng", "c.cap", "d.txt", "e.dmp"):
        (tmp_path / name).touch()
    (tmp_path / "f.pcap").mkdir()
    inside = [str(tmp_path / name) for name in ("a.pcapng", "b.pcap", "c.cap", "e.dmp")]
    assert capture_files(["-", "x.pcap", str(tmp_path)]) == ["-", "x.pcap", *inside]
    with pytest.raises(CaptureError, match=r"f\.pcap: holds no capture; expected files ending in \.pcap"):
        capture_files([str(tmp_path / "f.pcap")])
