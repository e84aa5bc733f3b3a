"""Threads that hang and clocks that jump, turn by turn: seen, counted, said once, survived. Needs root."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from numpy.typing import NDArray

from detector.logs import LOGGER
from detector.metrics import families
from detector.records import Features, State
from detector.scorer import Scorer
from tests.detector.test_daemon import FRAME, Watch
from tests.listener import Listener, listening
from tests.network import cable, plug
from tests.traffic import SYN, segment

pytestmark = pytest.mark.live
Send = Callable[[bytes], int]


@pytest.fixture
def send(namespace: None) -> Iterator[Send]:  # noqa: ARG001 - the cable lies inside it
    cable("in0", "out0")
    with plug("out0") as wire:
        yield wire


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Listener]:
    with listening(tmp_path) as listener:
        monkeypatch.setenv("NOTIFY_SOCKET", listener.address)
        monkeypatch.setenv("WATCHDOG_USEC", "6000000")
        yield listener


@pytest.fixture
def said(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], list[str]]]:
    monkeypatch.setattr(LOGGER, "propagate", False)
    LOGGER.addHandler(caplog.handler)
    yield lambda: caplog.messages
    LOGGER.removeHandler(caplog.handler)


class Hanging:
    """A scorer that gives no answer while it is told to hang."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer
        self.hangs, self.release = False, Event()

    def score(self, sequences: Features) -> NDArray[np.float32]:
        if self.hangs:
            self.hangs = False
            self.release.wait()
        return self._scorer.score(sequences)


def scan(send: Send, first: int, last: int) -> None:
    for port in range(first, last):
        send(segment(0, "10.0.0.66", "10.0.0.5", (40_000, port), SYN).data)
        if port % 50 == 0:
            time.sleep(0.02)


def test_a_scorer_that_hangs_is_replaced_and_the_attack_still_found(
    send: Send, rule_bundle: Path, manager: Listener, said: Callable[[], list[str]]
) -> None:
    watch = Watch(rule_bundle, "in0", notified=True)
    hanging = Hanging(watch._scorer)
    watch._scorer = hanging
    watch.turn_until(lambda: manager.count("WATCHDOG=1") > 0, 3)
    hanging.hangs = True
    scan(send, 1, 600)
    values = watch.metrics.values
    took = watch.turn_until(lambda: values()[families.RESTARTS]["scorer",] == 1, 6)
    assert took < 5
    before = manager.count("WATCHDOG=1")
    watch.turn_until(lambda: manager.count("WATCHDOG=1") > before, 3)
    scan(send, 600, 1200)
    watch.turn_until(lambda: bool(watch.alerts), 5)
    assert watch.alerts[0].category == "Recon"
    assert sum("Scoring hangs" in message for message in said()) == 1
    hanging.release.set()
    watch.finish()
    assert watch.alerts[-1].state is State.CLOSE
    assert values()[families.WINDOWS_SHED]["hung",] > 0


def test_a_scorer_that_hangs_is_found_without_any_traffic(
    send: Send, rule_bundle: Path, manager: Listener
) -> None:
    del send
    watch = Watch(rule_bundle, "in0", notified=True)
    watch._scorer = hanging = Hanging(watch._scorer)
    watch.turn_until(lambda: manager.count("WATCHDOG=1") > 0, 3)
    hanging.hangs = True
    assert watch.turn_until(lambda: watch.scoring.restarts == 1, 6) < 5
    before = manager.count("WATCHDOG=1")
    watch.turn_until(lambda: manager.count("WATCHDOG=1") > before, 3)
    hanging.release.set()
    watch.finish()


def test_a_worker_that_hangs_is_seen_and_the_watchdog_is_fed_no_more(
    send: Send,
    rule_bundle: Path,
    manager: Listener,
    said: Callable[[], list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cable("in1", "out1")
    watch = Watch(rule_bundle, "in0", "in1", notified=True)
    watch.turn_until(lambda: manager.count("WATCHDOG=1") > 0, 3)
    release, worker = Event(), watch.daemon.workers[0]
    own_turn = worker.turn

    def hang(wait_secs: float) -> None:
        release.wait()
        own_turn(wait_secs)

    monkeypatch.setattr(worker, "turn", hang)
    up = watch.metrics.values
    took = watch.turn_until(lambda: up()[families.CAPTURE_UP] == {("in0",): 0, ("in1",): 1}, 6)
    assert took < 5
    watch.turn_until(lambda: "in0 hanging, in1 up" in manager.listen()[-1], 3)
    before = manager.count("WATCHDOG=1")
    started = time.monotonic()
    while time.monotonic() - started < 2:
        watch.daemon.turn(0.05)
    assert manager.count("WATCHDOG=1") == before
    assert sum("in0 is hanging" in message for message in said()) == 1
    release.set()
    watch.turn_until(lambda: up()[families.CAPTURE_UP] == {("in0",): 1, ("in1",): 1}, 6)
    send(FRAME)
    watch.turn_until(lambda: watch.packets() == 1, 3)
    assert manager.count("WATCHDOG=1") > before
    watch.finish()


@pytest.mark.parametrize("step_secs", [-3600.0, 3600.0])
def test_a_clock_that_is_set_is_counted_once_and_said_once(
    step_secs: float, send: Send, rule_bundle: Path, said: Callable[[], list[str]]
) -> None:
    offset = 0.0
    watch = Watch(rule_bundle, "in0", clock=lambda: time.time() + offset)
    send(FRAME)
    watch.turn_until(lambda: watch.packets() == 1, 2)
    offset = step_secs
    values = watch.metrics.values
    assert watch.turn_until(lambda: values()[families.RESTARTS]["clock",] == 1, 5) < 5
    for _ in range(30):
        watch.daemon.turn(0.05)
    assert values()[families.RESTARTS]["clock",] == 1
    assert sum("The clock was set" in message for message in said()) == 1
    watch.finish()
