"""Alerts into an open stream and into the log."""

import io
from dataclasses import replace
from pathlib import Path

from detector.records import State
from detector.sinks import LogSink, StreamSink
from tests.detector.sinks.samples import ALERT, LINE, SENTENCE, RecordingHandler, logger


def test_a_line_is_the_event_as_json() -> None:
    stream = io.BytesIO()
    StreamSink(stream).emit([ALERT])
    assert stream.getvalue() == LINE


def test_a_buffered_stream_is_flushed_and_left_open(tmp_path: Path) -> None:
    path = tmp_path / "stdout"
    with path.open("wb") as stream:
        sink = StreamSink(stream)
        sink.emit([ALERT])
        assert path.read_bytes() == LINE
        sink.close()
        assert not stream.closed


class Sip(io.RawIOBase):
    """A stream that takes a few bytes at a time, as a pipe may."""

    def __init__(self) -> None:
        self.taken = b""

    def writable(self) -> bool:
        return True

    def write(self, content: object) -> int:
        sip = bytes(memoryview(content)[:7])  # type: ignore[arg-type]
        self.taken += sip
        return len(sip)


def test_a_stream_that_takes_a_part_gets_the_rest() -> None:
    stream = Sip()
    StreamSink(stream).emit([ALERT])
    assert stream.taken == LINE


def test_openings_are_warnings_and_what_follows_is_information(log: RecordingHandler) -> None:
    LogSink(logger()).emit([replace(ALERT, state=state) for state in State])
    assert [record.levelname for record in log.records] == ["WARNING", "INFO", "INFO"]
    assert log.lines[0] == SENTENCE
