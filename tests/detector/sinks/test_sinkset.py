"""All sinks together, one after the other, or each by itself."""

import io
import os
import time
from pathlib import Path

from detector.sinks import JsonLinesSink, LogSink, SinkSet, StreamSink
from detector.sinks.spool import Spool
from tests.detector.sinks.samples import (
    ALERT,
    DefectiveSink,
    NamedStream,
    RecordingHandler,
    broken_pipe,
    logger,
    numbered,
    numbers,
    wait_until,
)


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


def test_a_full_disk_is_counted(log: RecordingHandler) -> None:
    sinks = SinkSet([JsonLinesSink(Path("/dev/full"))], logger())
    sinks.emit([ALERT])
    sinks.close()
    assert sinks.errors == {"file": 1}
    assert "No space left on device" in log.lines[0]


def test_a_sink_that_blocks_holds_up_neither_the_path_nor_the_others(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    path = tmp_path / "alerts.jsonl"
    with os.fdopen(writer, "wb", buffering=0) as stream, os.fdopen(reader, "rb", buffering=0) as held:
        sinks = SinkSet([StreamSink(stream), JsonLinesSink(path)], logger(), queued=20_000)
        sinks.emit(numbered(10_000))  # more than the 64 kB that the pipe takes
        blocked, file = sinks.outlets
        wait_until(lambda: file.waiting == 0)
        assert numbers(path.read_bytes()) == list(range(10_000))
        assert blocked.waiting > 0
        came = b""
        while len(came) < path.stat().st_size:
            came += held.read(1 << 16)
        assert came == path.read_bytes()
        sinks.close()
    assert sinks.errors == {"stdout": 0, "file": 0}


def test_all_sinks_share_the_time_that_a_stop_may_take() -> None:
    pipes = [os.pipe() for _ in range(3)]
    streams = [os.fdopen(writer, "wb", buffering=0) for _, writer in pipes]
    sinks = SinkSet([StreamSink(stream) for stream in streams], logger(), queued=20_000)
    sinks.emit(numbered(10_000))
    started = time.monotonic()
    sinks.close()
    assert time.monotonic() - started < 3
    assert all(outlet.dropped["stopped"] > 0 for outlet in sinks.outlets)
    for reader, _ in pipes:
        os.close(reader)  # which ends the threads
    for outlet, stream in zip(sinks.outlets, streams, strict=True):
        assert isinstance(outlet, Spool)
        outlet._thread.join()
        stream.close()
