"""The contract that every sink keeps."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from detector.sinks import AlertSink, JsonLinesSink, LogSink, SinkSet, StreamSink
from tests.detector.sinks.conftest import log
from tests.detector.sinks.samples import RecordingHandler, logger, numbered, numbers

__all__ = ["log"]


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
