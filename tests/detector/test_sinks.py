"""The sinks, and the contract that every one of them keeps."""

import io
import logging
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, NamedTuple

import orjson
import pytest

from detector.errors import ConfigError
from detector.records import Alert, Category, State
from detector.sinks import AlertSink, JsonLinesSink, LogSink, SinkSet, StreamSink, sentence

ALERT = Alert(
    state=State.OPEN,
    category=Category.RECON,
    severity=2,
    confidence=0.97,
    time_ms=1000,
    first_ms=500,
    attacker="10.0.0.66",
    victim="10.0.0.5",
    reason="411 ports of 1 host in 3.1 s, 98 % unanswered",
    event={"alert": {"severity": 2}, "pcap_filename": "ä\n.pcap"},
)
LINE = '{"alert":{"severity":2},"pcap_filename":"ä\\n.pcap"}\n'.encode()
SENTENCE = "Recon open: 10.0.0.66 scanned 10.0.0.5: 411 ports of 1 host in 3.1 s, 98 % unanswered (97 %)"


def numbered(count: int) -> list[Alert]:
    return [replace(ALERT, event={"n": n}, victim=f"victim {n}") for n in range(count)]


def numbers(text: bytes) -> list[int]:
    return [orjson.loads(line)["n"] for line in text.splitlines()]


class RecordingHandler(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    @property
    def lines(self) -> list[str]:
        return [record.getMessage() for record in self.records]


@pytest.fixture
def log() -> Iterator[RecordingHandler]:
    handler = RecordingHandler()
    logger().addHandler(handler)
    logger().setLevel(logging.DEBUG)
    yield handler
    logger().removeHandler(handler)


def logger() -> logging.Logger:
    return logging.getLogger("tests.sinks")


class Case(NamedTuple):
    """A sink, and the numbers of the alerts that came out of it."""

    sink: AlertSink
    received: Callable[[], list[int]]


@pytest.fixture(params=["file", "stream", "log", "set"])
def case(request: pytest.FixtureRequest, tmp_path: Path, log: RecordingHandler) -> Case:
    path, stream = tmp_path / "alerts.jsonl", io.BytesIO()
    if request.param == "log":
        return Case(LogSink(logger()), lambda: [int(line.split(":")[1].split()[-1]) for line in log.lines])
    if request.param == "stream":
        return Case(StreamSink(stream), lambda: numbers(stream.getvalue()))
    file = JsonLinesSink(path)
    sink = SinkSet([file, StreamSink(stream)], logger()) if request.param == "set" else file
    return Case(sink, lambda: numbers(path.read_bytes()))


def test_contract_alerts_come_out_in_order_before_emit_returns(case: Case) -> None:
    case.sink.emit(numbered(3))
    assert case.received() == [0, 1, 2]
    case.sink.close()


def test_contract_grouping_makes_no_difference(case: Case) -> None:
    for alert in numbered(3):
        case.sink.emit([alert])
        case.sink.emit([])
    assert case.received() == [0, 1, 2]
    case.sink.close()


def test_contract_a_sink_closes_twice_and_loses_nothing(case: Case) -> None:
    case.sink.emit(numbered(2))
    case.sink.close()
    case.sink.close()
    assert case.received() == [0, 1]


def test_contract_a_sink_has_a_name_fit_for_a_metric(case: Case) -> None:
    assert case.sink.name.isidentifier()


def test_a_line_is_the_event_as_json(tmp_path: Path) -> None:
    path, stream = tmp_path / "alerts.jsonl", io.BytesIO()
    for sink in (JsonLinesSink(path), StreamSink(stream)):
        sink.emit([ALERT])
        sink.close()
    assert path.read_bytes() == stream.getvalue() == LINE


def test_a_buffered_stream_is_flushed_and_left_open(tmp_path: Path) -> None:
    path = tmp_path / "stdout"
    with path.open("wb") as stream:
        sink = StreamSink(stream)
        sink.emit([ALERT])
        assert path.read_bytes() == LINE
        sink.close()
        assert not stream.closed


def test_a_file_is_appended_to_and_private_to_owner_and_group(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    before = os.umask(0)
    for _ in range(2):
        sink = JsonLinesSink(path)
        sink.emit([ALERT])
        sink.close()
    os.umask(before)
    assert path.read_bytes() == LINE * 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_rotated_file_is_opened_anew(tmp_path: Path) -> None:
    path, rotated = tmp_path / "alerts.jsonl", tmp_path / "alerts.jsonl.1"
    sink = JsonLinesSink(path)
    sink.emit(numbered(1))
    path.rename(rotated)
    sink.emit(numbered(2))
    path.unlink()
    path.touch()
    sink.emit(numbered(3))
    sink.close()
    assert numbers(rotated.read_bytes()) == [0]
    assert numbers(path.read_bytes()) == [0, 1, 2]


def test_a_file_cut_short_in_place_is_written_from_its_new_end(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    sink = JsonLinesSink(path)
    sink.emit(numbered(3))
    os.truncate(path, 0)
    sink.emit(numbered(1))
    sink.close()
    assert numbers(path.read_bytes()) == [0]


def test_a_folder_that_went_away_is_an_error_until_it_is_back(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "alerts.jsonl"
    path.parent.mkdir()
    sink = JsonLinesSink(path)
    path.unlink()
    path.parent.rmdir()
    with pytest.raises(FileNotFoundError):
        sink.emit(numbered(1))
    path.parent.mkdir()
    sink.emit(numbered(2))
    sink.close()
    assert numbers(path.read_bytes()) == [0, 1]


def test_a_file_that_cannot_be_opened_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"alerts file .*: Is a directory; expected a file .* or - for"):
        JsonLinesSink(tmp_path)


def test_a_pipe_that_nobody_empties_stops_nothing_and_tears_one_line(tmp_path: Path) -> None:
    path = tmp_path / "alerts.pipe"
    os.mkfifo(path)
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb", buffering=0) as reader:
        sink = JsonLinesSink(path)
        with pytest.raises(BlockingIOError):
            sink.emit(numbered(20_000))
        drained = b"".join(iter(lambda: reader.read(1 << 20), None))
        sink.emit(numbered(2))
        sink.close()
        assert numbers(drained[: drained.rindex(b"\n")])[:3] == [0, 1, 2]
        assert reader.read() == b'\n{"n":0}\n{"n":1}\n'


def test_openings_are_warnings_and_what_follows_is_information(log: RecordingHandler) -> None:
    LogSink(logger()).emit([replace(ALERT, state=state) for state in State])
    assert [record.levelname for record in log.records] == ["WARNING", "INFO", "INFO"]
    assert log.lines[0] == SENTENCE


def test_a_flood_is_no_scan() -> None:
    flood = replace(ALERT, category=Category.DDOS, attacker="31 sources", state=State.CLOSE)
    assert sentence(flood).startswith("DDoS close: 31 sources flooded 10.0.0.5: ")


def test_a_sentence_is_one_line_without_control_characters() -> None:
    assert (
        sentence(replace(ALERT, victim="a\n\x1b[31mb\u2028c")).split(": ")[1]
        == "10.0.0.66 scanned a??[31mb?c"
    )


def broken_pipe() -> BinaryIO:
    reader, writer = os.pipe()
    os.close(reader)
    return os.fdopen(writer, "wb", buffering=0)


class DefectiveSink:
    """A sink with a defect of its own."""

    name = "defective"

    def emit(self, alerts: Sequence[Alert]) -> None:
        raise KeyError(len(alerts))

    def close(self) -> None:
        raise OSError("not\nclosed")


def test_broken_sinks_are_counted_and_the_others_go_on(log: RecordingHandler) -> None:
    stream = io.BytesIO()
    with broken_pipe() as pipe:
        sinks = SinkSet([StreamSink(pipe), DefectiveSink(), LogSink(logger()), NamedStream(stream)], logger())
        for alert in numbered(2):
            sinks.emit([alert])
        sinks.close()
    assert sinks.errors == {"stdout": 2, "defective": 3, "log": 0, "other": 0}
    assert numbers(stream.getvalue()) == [0, 1]
    assert sum(line.startswith("Recon open") for line in log.lines) == 2


class NamedStream(StreamSink):
    """A second stream."""

    name = "other"


def test_a_full_disk_is_counted(log: RecordingHandler) -> None:
    sinks = SinkSet([JsonLinesSink(Path("/dev/full"))], logger())
    sinks.emit([ALERT])
    sinks.close()
    assert sinks.errors == {"file": 1}
    assert "No space left on device" in log.lines[0]


def test_errors_are_logged_once_in_ten_seconds_for_each_sink(log: RecordingHandler) -> None:
    times = iter([100.0, 100.0, 109.9, 109.9, 110.0, 110.0])
    with broken_pipe() as pipe:
        sinks = SinkSet([DefectiveSink(), StreamSink(pipe)], logger(), clock=lambda: next(times))
        for _ in range(3):
            sinks.emit([ALERT])
    named = [line.split("sink ")[1].split(":")[0] for line in log.lines]
    assert named == ["defective", "stdout", "defective", "stdout"]
    assert log.lines[2].endswith("KeyError: 1 (3 failures so far).")


def test_an_error_is_logged_as_one_line(log: RecordingHandler) -> None:
    SinkSet([DefectiveSink()], logger()).close()
    assert log.lines == [
        "Alerts could not be sent to the sink defective: OSError: not?closed (1 failures so far)."
    ]
