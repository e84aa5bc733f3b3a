"""Packet time moves forward only, and one wrong stamp does not move it far."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.meter.clock import PacketClock

STEP_MS = 60_000
START = 1_760_000_000_000
HOUR = 3_600_000


def settled(clock: PacketClock, stamps: list[int], *, final: bool = True) -> tuple[list[int], int | None]:
    times, restart = clock.settle(np.array(stamps, np.uint64) + np.uint64(START), final=final)
    return [int(time) - START for time in times], restart


def test_a_late_packet_takes_the_time_before_it() -> None:
    clock = PacketClock(STEP_MS)
    assert settled(clock, [100, 90, 150, 149]) == ([100, 100, 150, 150], None)
    assert clock.restamped == 0


@pytest.mark.parametrize("following", [6, 50_000])
def test_a_lone_stamp_from_the_future_is_replaced(following: int) -> None:
    clock = PacketClock(STEP_MS)
    assert settled(clock, [0, 5, HOUR, following]) == ([0, 5, 5, following], None)
    assert (clock.restamped, clock.restarts) == (1, 0)


def test_a_lone_stamp_from_the_past_is_replaced() -> None:
    clock = PacketClock(STEP_MS)
    settled(clock, [HOUR])
    assert settled(clock, [5, HOUR + 1]) == ([HOUR, HOUR + 1], None)
    assert (clock.restamped, clock.restarts) == (1, 0)


def test_a_jump_that_lasts_is_believed() -> None:
    clock = PacketClock(STEP_MS)
    assert settled(clock, [0, HOUR, HOUR + 1]) == ([0, HOUR, HOUR + 1], None)
    assert (clock.restamped, clock.restarts) == (0, 0)


@pytest.mark.parametrize(("before", "believed"), [(STEP_MS, HOUR), (STEP_MS + 1, 0)])
def test_a_successor_confirms_a_jump_from_within_a_step(before: int, believed: int) -> None:
    times, _ = settled(PacketClock(STEP_MS), [0, HOUR, HOUR - before])
    assert times[1] == believed


def test_a_doubtful_stamp_waits_for_its_successor() -> None:
    clock = PacketClock(STEP_MS)
    assert settled(clock, [0, HOUR], final=False) == ([0], None)
    assert clock.now_ms == START
    assert settled(clock, [HOUR, HOUR + 1], final=False) == ([HOUR, HOUR + 1], None)


def test_a_clock_set_back_starts_anew() -> None:
    clock = PacketClock(STEP_MS)
    assert settled(clock, [HOUR, HOUR + 1, 7, 8]) == ([HOUR, HOUR + 1], 2)
    clock.start_anew(START + 7)
    assert settled(clock, [7, 8]) == ([7, 8], None)
    assert (clock.restamped, clock.restarts) == (0, 1)


def test_without_a_step_every_stamp_is_believed() -> None:
    clock = PacketClock(None)
    assert settled(clock, [0, HOUR, 5]) == ([0, HOUR, HOUR], None)
    assert not clock.doubts(START + 9 * HOUR)


def test_steps_up_to_the_limit_are_no_jumps() -> None:
    clock = PacketClock(STEP_MS)
    assert settled(clock, [0], final=False) == ([0], None)
    assert not clock.doubts(START + STEP_MS)
    assert clock.doubts(START + STEP_MS + 1)
    assert settled(clock, [STEP_MS, 0], final=False) == ([STEP_MS, STEP_MS], None)


def test_time_passes_without_packets_but_not_backwards() -> None:
    clock = PacketClock(STEP_MS)
    clock.advance(START + 50)
    clock.advance(START + 20)
    assert clock.now_ms == START + 50
    assert settled(clock, [10]) == ([50], None)


def test_no_stamps_settle_nothing() -> None:
    assert settled(PacketClock(STEP_MS), []) == ([], None)


stamps = st.lists(
    st.sampled_from([0, 1, 5, 1_000, STEP_MS, STEP_MS + 1, 2 * STEP_MS, HOUR, HOUR + 1, 30 * HOUR]),
    max_size=30,
)


def run(stamps: list[int], cuts: list[int]) -> tuple[list[list[int]], PacketClock]:
    """Settle stamps in pieces of the given sizes; one list of times for each start of the clock."""
    clock, rest = PacketClock(STEP_MS), list(stamps)
    runs: list[list[int]] = [[]]
    waiting: list[int] = []
    for turn in range(2 * len(stamps) + 1):
        size = cuts[turn % len(cuts)]
        waiting, rest = waiting + rest[:size], rest[size:]
        times, restart = settled(clock, waiting, final=not rest)
        runs[-1] += times
        waiting = waiting[len(times) :]
        if restart is not None:
            clock.start_anew(START + waiting[0])
            runs.append([])
    assert not waiting
    assert not rest
    return runs, clock


@given(stamps=stamps, cuts=st.lists(st.integers(1, 6), min_size=1, max_size=5))
def test_times_are_monotone_and_independent_of_how_stamps_come(stamps: list[int], cuts: list[int]) -> None:
    runs, clock = run(stamps, cuts)
    whole, reference = run(stamps, [len(stamps) + 1])

    assert runs == whole
    assert (clock.restamped, clock.restarts) == (reference.restamped, reference.restarts)
    assert sum(map(len, runs)) == len(stamps)
    assert all(first <= second for times in runs for first, second in pairwise(times))
