"""The path: what goes from stage to stage, and what is counted on the way."""

import contextlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from detector.bundle import MeterSettings, WindowSettings
from detector.config import CaptureConfig, Config, MeterConfig, WindowConfig
from detector.errors import CaptureError
from detector.logs import LOGGER
from detector.meter import Capture, FlowTable, flow_table
from detector.metrics import families
from detector.pipeline import Pipeline
from detector.records import CATEGORIES, Alert, Category, Features, State
from detector.run import open_bundle
from detector.scorer import OnnxScorer
from detector.sinks import SinkSet
from detector.steps import Step, finish, steps
from detector.windows import Windows
from tests import traffic
from tests.command import ATTACKS, PCAPS, SCAN
from tests.traffic import Frame, datagram
from train.extract import extract_capture

PING = ("10.0.0.1", "10.0.0.2", (40_000, 53))


class RecordingScorer:
    """Keeps what it was asked to score."""

    def __init__(self, inner: OnnxScorer) -> None:
        self.inner = inner
        self.asked: list[Features] = []

    def score(self, sequences: Features) -> NDArray[np.float32]:
        self.asked.append(sequences)
        return self.inner.score(sequences)


class ListSink:
    name = "list"

    def __init__(self) -> None:
        self.alerts: list[Alert] = []

    def emit(self, alerts: Sequence[Alert]) -> None:
        self.alerts += alerts

    def close(self) -> None:
        """Nothing is open."""


class FailingSink(ListSink):
    name = "failing"

    def emit(self, alerts: Sequence[Alert]) -> None:
        raise OSError(28, f"No space left for {len(alerts)} alerts")


@pytest.fixture
def scorer(rule_bundle: Path) -> RecordingScorer:
    return RecordingScorer(OnnxScorer(open_bundle(Config(bundle=str(rule_bundle)))))


@pytest.fixture
def path(rule_bundle: Path, scorer: RecordingScorer) -> Pipeline:
    config = Config(bundle=str(rule_bundle))
    return Pipeline(config, open_bundle(config), scorer, SinkSet([FailingSink(), ListSink()], LOGGER))


def read(file: Path) -> tuple[Capture, FlowTable, Windows]:
    capture = Capture.open_file(str(file), CaptureConfig(), decode_tunnels=True)
    table = flow_table(MeterSettings(), MeterConfig(), max_step_ms=60_000)
    return capture, table, Windows(WindowSettings(), WindowConfig())


def run(path: Pipeline, *files: Path) -> list[Alert]:
    table = path.add_source("first", live=False)
    alerts: list[Alert] = []
    for file in files:
        capture = path.open_capture(0, str(file))
        for step in steps(capture, table, path.windows):
            alerts += path.take(step)
        path.close_capture(0, capture)
    for step in finish(table, path.windows):
        alerts += path.take(step)
    path.report()
    return alerts


def made(tmp_path: Path, times: Sequence[float]) -> list[Step]:
    frames: list[Frame] = [datagram(at, *PING) for at in times]
    capture, table, windows = read(traffic.write(tmp_path / "made.pcap", frames))
    found = [*steps(capture, table, windows), *finish(table, windows)]
    capture.close()
    return found


@pytest.mark.parametrize("name", [*ATTACKS, "ipv6-vlan-mixed.pcap", "quiet-home.pcap"])
def test_training_and_detection_see_the_same_arrays(
    name: str, path: Pipeline, scorer: RecordingScorer
) -> None:
    path.windows = Windows(path.windows._settings, WindowConfig(calm_flows=1))
    run(path, PCAPS / name)
    trained = extract_capture(PCAPS / name, CATEGORIES.index(Category.BENIGN))
    scored = np.concatenate(scorer.asked)
    assert len(scored) > 0
    assert scored.tobytes() == trained.sequences.tobytes()


def test_of_calm_hosts_detection_sees_less(path: Pipeline, scorer: RecordingScorer) -> None:
    run(path, PCAPS / "quiet-home.pcap")
    trained = extract_capture(PCAPS / "quiet-home.pcap", CATEGORIES.index(Category.BENIGN))
    scored = [sequence.tobytes() for sequence in np.concatenate(scorer.asked)]
    all_of_them = [sequence.tobytes() for sequence in trained.sequences]
    assert set(scored) <= set(all_of_them)
    assert len(scored) < 0.8 * len(all_of_them)


def test_verdicts_of_a_step_are_in_before_the_next_is_made(path: Pipeline) -> None:
    table = path.add_source("first", live=False)
    capture = path.open_capture(0, str(PCAPS / "quiet-home.pcap"))
    with contextlib.closing(capture):
        list(steps(capture, table, path.windows))
    seconds = [set((step.windows.facts["time_ms"] - 1) // 1000) for step in finish(table, path.windows)]
    assert all(len(second) == 1 for second in seconds[:-1])
    assert seconds[-1] == set()


def test_every_flow_comes_out_once(tmp_path: Path) -> None:
    found = made(tmp_path, [0, 10, 2000, 4500, 4600])
    assert sum(len(step.flows) for step in found) == 3
    assert sum(int(step.flows["bidirectional_packets"].sum()) for step in found) == 5
    assert [step.now_ms for step in found] == sorted(step.now_ms for step in found)
    assert [at for at, step in enumerate(found) if step.starts_anew] == [len(found) - 1]


def test_a_clock_set_back_ends_everything_before_it(tmp_path: Path) -> None:
    found = made(tmp_path, [200_000, 200_010, 100, 110])
    first, last = (at for at, step in enumerate(found) if step.starts_anew)
    packets = [int(step.flows["bidirectional_packets"].sum()) for step in found]
    assert (sum(packets[: first + 1]), sum(packets[first + 1 :]), last) == (2, 2, len(found) - 1)
    assert found[first].now_ms == traffic.EPOCH_MS + 200_010
    assert found[last].now_ms == traffic.EPOCH_MS + 110 + 1000  # as long as a flow stays that might go on


def test_nothing_before_the_break_is_lost() -> None:
    capture, table, windows = read(PCAPS / "truncated.pcap")
    found: list[Step] = []
    with pytest.raises(CaptureError, match="broken after packet 66"):
        found.extend(steps(capture, table, windows))
    capture.close()
    found.extend(finish(table, windows))
    assert sum(int(step.flows["bidirectional_packets"].sum()) for step in found) == 66 - 9


def test_no_packet_is_no_error(path: Pipeline, tmp_path: Path) -> None:
    assert run(path, traffic.write(tmp_path / "empty.pcap", [])) == []
    assert path.metrics.values()[families.LAST_PACKET] == {("replay",): 0.0}


def test_a_broken_sink_neither_stops_the_path_nor_the_others(path: Pipeline) -> None:
    alerts = run(path, SCAN)
    failing, kept = (outlet._sink for outlet in path.sinks.outlets)
    assert isinstance(kept, ListSink)
    assert [alert.state for alert in alerts] == [State.OPEN, State.CLOSE]
    assert kept.alerts == alerts
    values = path.metrics.values()
    assert values[families.SINK_ERRORS] == {("failing",): 2, ("list",): 0}
    assert values[families.SINK_UP] == {("failing",): 0, ("list",): 1}
    assert values[families.ALERTS_DROPPED]["failing", "failed"] == 2
    assert sum(values[families.ALERTS_DROPPED].values()) == 2
    assert failing.name == "failing"


def test_the_metrics_tell_what_the_stages_counted(path: Pipeline, scorer: RecordingScorer) -> None:
    run(path, SCAN, PCAPS / "quiet-home.pcap")
    values = path.metrics.values()
    assert values[families.PACKETS] == {("replay",): 2095 + 848}
    assert values[families.PACKETS_IGNORED] == {("replay", "not_ip"): 22 + 18, ("replay", "late"): 12}
    assert values[families.CAPTURE_UP] == {("replay",): 0}
    assert values[families.ACTIVE_FLOWS] == {(): 0}
    assert sum(values[families.FLOWS].values()) == sum(path.tables[0].expired.values()) > 600
    scored = sum(map(len, scorer.asked))
    assert values[families.WINDOWS_SCORED] == {(): scored}
    assert sum(values[families.VERDICTS].values()) == scored
    assert values[families.PATH_TIME] == {(): path.tables[0].clock.now_ms / 1000}
    assert values[families.BUNDLE_INFO] == {(path.incidents._bundle_digest, "rules"): 1.0}


def test_an_interface_is_not_up_before_it_is_open(path: Pipeline) -> None:
    path.add_source("in0", live=True)
    assert path.metrics.values()[families.CAPTURE_UP] == {("in0",): 0}


def test_a_step_is_scored_while_the_next_is_made(path: Pipeline) -> None:
    """Its alerts come with a later step, or when asked for; none is lost, and their order stays."""
    table = path.add_source("first", live=False)
    capture = path.open_capture(0, str(PCAPS / "scan-among-devices.pcap"))
    told, begun = [], 0
    with contextlib.closing(capture):
        for step in steps(capture, table, path.windows):
            told += path.take(step)
            begun += path._begun is not None
    told += path.complete()
    assert begun > 3
    assert path.complete() == []
    for step in finish(table, path.windows):
        told += path.take(step)
    assert path._begun is None
    assert [alert.time_ms for alert in told] == sorted(alert.time_ms for alert in told)
    assert told[-1].state is State.CLOSE
