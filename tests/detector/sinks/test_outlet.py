"""A sink's errors are counted and logged, and go no further."""

from collections.abc import Sequence

from detector.records import Alert
from detector.sinks import Outlet, RefusedError, SinkSet, StreamSink
from tests.detector.sinks.samples import ALERT, DefectiveSink, RecordingHandler, broken_pipe, logger


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


def test_what_fails_is_lost_and_counted_by_reason() -> None:
    class Picky(DefectiveSink):
        def emit(self, alerts: Sequence[Alert]) -> None:
            raise RefusedError(f"not these {len(alerts)}")

    for sink, reason in ((DefectiveSink(), "failed"), (Picky(), "refused")):
        outlet = Outlet(sink, logger())
        outlet.emit([ALERT, ALERT])
        assert +outlet.dropped == {reason: 2}
        assert outlet.errors == 1
        assert not outlet.up
