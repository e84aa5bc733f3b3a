"""Alerts wait for a sink, in order, and the path never does."""

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from detector.records import Alert, State
from detector.sinks import RefusedError
from detector.sinks import spool as spool_module
from detector.sinks.spool import Spool
from tests.detector.sinks.samples import RecordingHandler, logger, numbered, wait_until


class Gate:
    """A sink that hangs, fails or takes alerts, as it is told."""

    name = "gate"

    def __init__(self) -> None:
        self.taken: list[int] = []
        self.tries = 0
        self.error: Exception | None = None
        self.opened = threading.Event()
        self.opened.set()
        self.closed = 0

    def emit(self, alerts: Sequence[Alert]) -> None:
        if alerts:
            self.tries += 1
            self.opened.wait(30)
        for alert in alerts:
            if self.error:
                raise self.error
            self.taken.append(alert.event["n"])

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.opened.set()  # or its thread would wait on


def end(spool: Spool, secs: float = 2.0) -> float:
    """Stop and close; return how long that took."""
    started = time.monotonic()
    spool.stop(started + secs)
    spool.close()
    return time.monotonic() - started


def test_alerts_arrive_in_order_and_the_sink_is_closed_once(gate: Gate) -> None:
    spool = Spool(gate, logger(), capacity=100)
    for alert in numbered(50):
        spool.emit([alert])
    end(spool)
    end(spool)
    assert gate.taken == list(range(50))
    assert (gate.closed, spool.errors, spool.waiting, +spool.dropped) == (1, 0, 0, {})


def test_a_sink_that_hangs_is_noticed_once_and_gets_all_alerts_when_it_is_back(
    gate: Gate, log: RecordingHandler
) -> None:
    now = [100.0]
    spool = Spool(gate, logger(), lambda: now[0], capacity=100)
    gate.opened.clear()
    spool.emit(numbered(3))
    wait_until(lambda: gate.tries == 1)
    spool.look()
    assert (spool.up, spool.errors, spool.waiting) == (True, 0, 3)
    now[0] += 3.0
    for _ in range(3):
        spool.look()
    assert (spool.up, spool.errors, spool.waiting) == (False, 1, 3)
    assert log.lines == [
        "Alerts could not be sent to the sink gate: it has not answered for 3 s (1 failures so far)."
    ]
    gate.opened.set()
    wait_until(lambda: gate.taken == [0, 1, 2] and spool.up)
    wait_until(lambda: len(log.lines) == 2)
    assert log.lines[1] == "The sink gate takes alerts again."
    spool.look()
    assert spool.errors == 1
    end(spool)


def test_a_sink_that_fails_is_tried_ever_more_slowly_until_it_is_back(gate: Gate) -> None:
    gate.error = OSError(28, "No space left on device")
    spool = Spool(gate, logger(), capacity=100)
    spool.emit(numbered(3))
    wait_until(lambda: gate.tries >= 3)
    assert gate.tries < 20
    assert (spool.up, spool.waiting, gate.taken) == (False, 3, [])
    gate.error = None
    wait_until(lambda: spool.waiting == 0)
    assert gate.taken == [0, 1, 2]
    assert (spool.up, +spool.dropped) == (True, {})
    end(spool)


def test_a_full_queue_drops_the_oldest_alerts_and_tells_the_sink(log: RecordingHandler) -> None:
    forgotten: list[int] = []

    class Stateful(Gate):
        def forget(self, alert: Alert) -> None:
            forgotten.append(alert.event["n"])

    sink = Stateful()
    sink.opened.clear()
    spool = Spool(sink, logger(), capacity=16)
    spool.emit(numbered(1))
    wait_until(lambda: sink.tries == 1)  # alert 0 is on its way
    spool.emit([replace(alert, event={"n": n}) for n, alert in enumerate(numbered(20), 1)])
    assert spool.waiting == 16
    assert +spool.dropped == {"queue_full": 5}
    assert forgotten == [1, 2, 3, 4, 5]
    assert log.lines == ["The queue of the sink gate is full: its oldest alerts are dropped (5 so far)."]
    sink.opened.set()
    wait_until(lambda: spool.waiting == 0)
    assert sink.taken == [0, *range(6, 21)]
    end(spool)


@pytest.mark.parametrize("error", [RefusedError("too large"), KeyError("a defect")])
def test_what_no_further_try_would_mend_is_dropped(gate: Gate, error: Exception) -> None:
    gate.error = error
    spool = Spool(gate, logger(), capacity=100)
    spool.emit(numbered(2))
    wait_until(lambda: spool.waiting == 0)
    assert (gate.tries, spool.errors, +spool.dropped) == (2, 2, {"refused": 2})
    gate.error = None
    spool.emit(numbered(1))
    end(spool)
    assert gate.taken == [0]


def test_a_connection_is_looked_at_while_nothing_is_sent(
    log: RecordingHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_module, "CHECK_SECS", 0.02)

    class Connected(Gate):
        def check(self) -> None:
            if self.error:
                raise self.error

    sink = Connected()
    spool = Spool(sink, logger(), capacity=100)
    spool.emit(numbered(1))
    wait_until(lambda: sink.taken == [0])
    sink.error = ConnectionError("gone")
    wait_until(lambda: not spool.up)
    assert spool.errors >= 1
    sink.error = None
    wait_until(lambda: spool.up and len(log.lines) == 2)
    assert "ConnectionError: gone (1 failures so far)" in log.lines[0]
    assert log.lines[1] == "The sink gate takes alerts again."
    assert end(spool) < 1
    assert (sink.taken, sink.closed, +spool.dropped) == ([0], 1, {})


def test_a_stop_sends_what_waits(gate: Gate) -> None:
    gate.error = OSError("away")
    spool = Spool(gate, logger(), capacity=100)
    spool.emit(numbered(30))
    wait_until(lambda: gate.tries >= 4)  # by now it pauses for most of a second
    threading.Timer(0.5, lambda: setattr(gate, "error", None)).start()
    assert end(spool) < 1.5
    assert gate.taken == list(range(30))
    assert +spool.dropped == {}


def test_a_stop_counts_what_it_cannot_send(gate: Gate, log: RecordingHandler) -> None:
    gate.error = OSError("away")
    spool = Spool(gate, logger(), capacity=100)
    spool.emit(numbered(30))
    assert end(spool, 0.5) < 1.0
    assert (gate.taken, spool.waiting, +spool.dropped) == ([], 0, {"stopped": 30})
    assert log.lines[-1] == "The sink gate is left with 30 alerts not sent."
    assert gate.closed == 1


def test_a_stop_does_not_wait_for_a_sink_that_hangs(gate: Gate) -> None:
    gate.opened.clear()
    spool = Spool(gate, logger(), capacity=100)
    spool.emit(numbered(5))
    assert end(spool, 0.3) < 1.0
    assert +spool.dropped == {"stopped": 5}
    gate.opened.set()
    wait_until(lambda: not spool._thread.is_alive())
    assert +spool.dropped == {"stopped": 5}


def test_every_alert_is_sent_or_counted_however_often_the_sink_fails(gate: Gate) -> None:
    alerts = [replace(alert, state=State.UPDATE) for alert in numbered(2_000)]
    spool = Spool(gate, logger(), capacity=64)
    for number, alert in enumerate(alerts):
        gate.error = OSError("away") if number % 100 < 10 else None
        spool.emit([alert])
        if number % 50 == 0:
            time.sleep(0.01)
    gate.error = None
    end(spool)
    assert gate.taken == sorted(gate.taken)
    assert len(gate.taken) == len(set(gate.taken)) == 2_000 - sum(spool.dropped.values())
