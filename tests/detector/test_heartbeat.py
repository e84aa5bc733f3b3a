"""Where a beat is, and where it gets stuck."""

from concurrent.futures import Future
from itertools import pairwise

import pytest

from detector.handover import Handover
from detector.heartbeat import LATE_SECS, Heartbeat, Stuck
from detector.records import NO_FLOWS


class Path:
    """Two workers, a scorer that answers when it is told to, and a clock."""

    def __init__(self) -> None:
        self.now = 0.0
        self.handovers = {"eth0": Handover(10), "eth1": Handover(10)}
        self.asked: list[Future[None]] = []
        self.heart = Heartbeat(list(self.handovers.items()), self.ask, clock=lambda: self.now)

    def ask(self) -> "Future[None]":
        self.asked.append(Future())
        return self.asked[-1]

    def pass_time(self, secs: float) -> None:
        """Take turns for so long."""
        for _ in range(round(secs / 0.25)):
            self.now += 0.25
            self.heart.turn()

    def sign(self, *names: str) -> None:
        """Let workers end a turn, and take what they hand over."""
        for name in names:
            handover = self.handovers[name]
            handover.put(NO_FLOWS, 1, sign=handover.sign_asked)
        for handover in self.handovers.values():
            handover.take()


def test_a_beat_passes_workers_then_windows_then_the_scorer() -> None:
    path = Path()
    assert not path.heart.turn()
    path.sign("eth0")
    assert not path.heart.turn()
    assert path.asked == []
    path.sign("eth1")
    assert not path.heart.turn()
    (asked,) = path.asked
    assert not path.heart.turn()
    asked.set_result(None)
    assert path.heart.turn()
    assert path.heart.beats == 1


def test_beats_follow_each_other_at_their_distance() -> None:
    path = Path()
    times = []
    for _ in range(100):
        path.sign(*path.handovers)
        if path.heart.turn():
            times.append(path.now)
        for future in path.asked:
            if not future.done():
                future.set_result(None)
        path.now = round(path.now + 0.05, 2)
    assert [round(later - earlier, 2) for earlier, later in pairwise(times)] == [1.0] * 4


def test_a_sign_of_the_beat_before_is_none() -> None:
    path = Path()
    late = path.handovers["eth0"]
    before = late.sign_asked
    path.heart.turn()
    path.sign("eth1")
    late.put(NO_FLOWS, 1, sign=before)  # its turn began before it was asked
    late.take()
    path.heart.turn()
    assert path.asked == []


def test_it_tells_where_it_got_stuck() -> None:
    path = Path()
    path.heart.turn()
    path.sign("eth0")
    path.pass_time(LATE_SECS - 0.5)
    assert path.heart.stuck() is None
    path.pass_time(0.5)
    assert path.heart.stuck() == Stuck("eth1")
    path.sign("eth1")
    path.heart.turn()
    assert path.heart.stuck() is None
    path.pass_time(LATE_SECS)
    assert path.heart.stuck() == Stuck(None)
    path.asked[-1].set_exception(TimeoutError())
    path.heart.turn()
    assert path.heart.stuck() is None
    path.heart.turn()
    path.asked[-1].set_result(None)
    assert path.heart.turn()


def test_being_held_up_ourselves_is_not_laid_to_others() -> None:
    path = Path()
    path.heart.turn()
    path.now += 10 * LATE_SECS
    path.heart.turn()
    assert path.heart.stuck() is None
    path.pass_time(LATE_SECS)
    assert path.heart.stuck() == Stuck("eth0")


def test_a_defect_of_the_scorer_is_not_swallowed() -> None:
    path = Path()
    path.heart.turn()
    path.sign(*path.handovers)
    path.heart.turn()
    path.asked[0].set_exception(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        path.heart.turn()
