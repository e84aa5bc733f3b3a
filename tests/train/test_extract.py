"""Training sees what the detector sees: the same capture gives the same windows, bit for bit."""

from dataclasses import replace
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from detector.bundle import MeterSettings, WindowSettings
from detector.config import CaptureConfig, Config, WindowConfig
from detector.errors import CaptureError
from detector.logs import LOGGER
from detector.meter import Capture, PacketBlock, flow_table
from detector.pipeline import Pipeline
from detector.records import CATEGORIES, Category, Features, Role, WindowBatch
from detector.replay import Replay
from detector.sinks import SinkSet
from detector.steps import finish, meter, take
from detector.windows import Windows
from tests import traffic
from tests.detector.bundle import samples as bundles
from tests.detector.windows.samples import assert_same, join
from tests.traffic import SYN, segment
from train.extract import Extract, extract_capture
from train.truth import BENIGN, LEFT_OUT, Event, read_events

PCAPS = Path(__file__).parents[1] / "pcaps"
SHIPPED = sorted(PCAPS.glob("*.pcap"))
DOS, RECON = (CATEGORIES.index(name) for name in (Category.DOS, Category.RECON))
CONFIG = Config()


class Recorder:
    """A scorer that keeps what it is shown and finds it benign."""

    def __init__(self) -> None:
        self.shown: list[Features] = []

    def score(self, sequences: Features) -> NDArray[np.float32]:
        self.shown.append(sequences)
        return np.tile(np.array([1, 0, 0, 0], np.float32), (len(sequences), 1))


def replayed(path: Path, folder: Path, speed: float | None) -> Features:
    """Return what the scorer is shown of a capture by the detector itself."""
    bundles.write(folder / "bundle")
    bundle = bundles.load(folder / "bundle")
    bundle = replace(bundle, manifest=bundle.manifest.model_copy(update={"window": WindowSettings()}))
    recorder = Recorder()
    config = Config(window=WindowConfig(calm_flows=1))
    replay = Replay(Pipeline(config, bundle, recorder, SinkSet([], LOGGER)), speed=speed)
    assert list(replay.run([str(path)])) == []
    return np.concatenate(recorder.shown)


def in_pieces(path: Path, rooms: list[int]) -> WindowBatch:
    """Return the windows of a capture read `rooms` packets at a time, looked for after each."""
    capture = Capture.open_file(str(path), CaptureConfig(), decode_tunnels=CONFIG.meter.decode_tunnels)
    table = flow_table(MeterSettings(), CONFIG.meter, max_step_ms=CONFIG.capture.max_clock_step_ms)
    windows, block, found = Windows(WindowSettings(), CONFIG.window), PacketBlock(), []
    for room in cycle(rooms):
        capture.read(block, room)
        found += [step.windows for step in meter(block, table, windows, final=capture.ended)]
        found += [step.windows for step in take(table, windows)]
        if capture.ended:
            break
    capture.close()
    return join([*found, *(step.windows for step in finish(table, windows))], WindowSettings())


def batch_of(found: Extract) -> WindowBatch:
    return WindowBatch(found.sequences, found.facts)


class TestSkew:
    @pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
    def test_a_replay_shows_the_model_what_training_shows_it(self, path: Path, tmp_path: Path) -> None:
        found = extract_capture(path, BENIGN)
        assert len(found.sequences) > 3
        assert replayed(path, tmp_path, speed=None).tobytes() == found.sequences.tobytes()

    @pytest.mark.parametrize("name", ["ipv6-vlan-mixed", "scan-among-devices"])
    def test_a_paced_replay_does_too(self, name: str, tmp_path: Path) -> None:
        path = PCAPS / f"{name}.pcap"
        shown = replayed(path, tmp_path, speed=10_000.0)
        assert shown.tobytes() == extract_capture(path, BENIGN).sequences.tobytes()

    @pytest.mark.parametrize("rooms", [[1], [7, 1, 512], [100]])
    def test_windows_do_not_depend_on_how_packets_are_read(self, rooms: list[int]) -> None:
        path = PCAPS / "udp-flood-one-source.pcap"
        assert_same(in_pieces(path, rooms), batch_of(extract_capture(path, BENIGN)))

    @settings(max_examples=12, deadline=None)
    @given(seed=st.integers(0, 1000), rooms=st.lists(st.integers(1, 60), min_size=1, max_size=4))
    def test_whatever_the_packets(
        self, seed: int, rooms: list[int], tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        path = traffic.write(tmp_path_factory.mktemp("any") / "x.pcap", traffic.mixed(seed, 300))
        assert_same(in_pieces(path, rooms), batch_of(extract_capture(path, BENIGN)))


class TestLabels:
    def test_one_class_for_the_whole_capture(self) -> None:
        found = extract_capture(PCAPS / "quiet-home.pcap", BENIGN)
        assert set(found.labels.tolist()) == {BENIGN}
        assert len(found.labels) == len(found.facts) == len(found.sequences)
        assert found.problem is None

    @pytest.mark.parametrize(
        ("name", "label"), [("scan-among-devices", RECON), ("udp-flood-one-source", DOS)]
    )
    def test_events_label_the_windows_of_both_ends(self, name: str, label: int) -> None:
        events = read_events(PCAPS / f"{name}.json")
        found = extract_capture(PCAPS / f"{name}.pcap", events)
        attacked = found.facts[found.labels == label]

        assert {Role.SOURCE, Role.TARGET} == set(attacked["role"].tolist())
        assert (attacked["time_ms"] > events[0].start_ms).all()
        assert (attacked["first_ms"] <= events[0].end_ms).all()
        assert (found.labels == BENIGN).sum() > 50

    @pytest.mark.parametrize("start", [0, 90_000])
    def test_a_clock_set_back_keeps_what_was_before_apart(self, start: int, tmp_path: Path) -> None:
        late = [segment(100_000 + n, "10.0.0.1", "10.0.0.2", (1000, n), SYN) for n in range(20)]
        early = [frame._replace(at_ms=n * 50.0) for n, frame in enumerate(late[:8])]
        path = traffic.write(tmp_path / "x.pcap", [*late, *early])
        start_ms = traffic.EPOCH_MS + start
        found = extract_capture(path, [Event(RECON, ("*",), ("*",), start_ms, start_ms + 60_000)])

        during = np.abs(found.facts["time_ms"].astype(np.int64) - start_ms) < 60_000
        assert set(found.labels[during].tolist()) == {RECON}
        assert set(found.labels[~during].tolist()) == {BENIGN}


class TestBroken:
    def test_a_truncated_capture_gives_what_came_before(self) -> None:
        found = extract_capture(PCAPS / "truncated.pcap", LEFT_OUT)
        assert "broken after packet" in str(found.problem)
        assert found.packets > 50
        assert set(found.labels.tolist()) == {LEFT_OUT}

    def test_a_capture_that_cannot_be_opened_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(CaptureError, match="no such file"):
            extract_capture(tmp_path / "none.pcap", BENIGN)

    def test_a_capture_without_packets_gives_no_windows(self, tmp_path: Path) -> None:
        found = extract_capture(traffic.write(tmp_path / "x.pcap", []), RECON)
        assert (found.sequences.shape[0], found.flows, found.packets) == (0, 0, 0)
        assert len(found.labels) == 0
