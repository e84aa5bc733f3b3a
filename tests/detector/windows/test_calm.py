"""Hosts that may wait, and that nothing else decides on it than packet time."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from detector.config import WindowConfig
from detector.records import FlowBatch, Role, WindowBatch
from detector.windows import Windows
from detector.windows.calm import Calm
from tests.detector.windows.samples import HOSTS, SETTINGS, assert_same, join, traffic
from tests.traffic import EPOCH_MS, batch, flow

INTERVAL_MS = SETTINGS.interval_ms
AT_FIRST = list(range(INTERVAL_MS, 2001, INTERVAL_MS))
"""When a host is scored that is never calm; nobody is in the first two seconds."""
Judge = Callable[[WindowBatch], NDArray[np.bool_]]


def nobody(found: WindowBatch) -> NDArray[np.bool_]:
    return np.zeros(len(found), bool)


def everybody(found: WindowBatch) -> NDArray[np.bool_]:
    return np.ones(len(found), bool)


def by_bytes(found: WindowBatch) -> NDArray[np.bool_]:
    """Calm some windows: a rule that hosts meet or not as their windows change."""
    return np.asarray(found.facts["bytes"] // 20 % 3 > 0)


def settled(made: Windows, found: Iterator[WindowBatch], judge: Judge) -> Iterator[WindowBatch]:
    for due in found:
        made.settle(due, judge(due))
        yield due


def known(made: Windows, found: Iterator[WindowBatch]) -> Iterator[WindowBatch]:
    """Say of every window that its attack is known."""
    for due in found:
        made.settle(due, nobody(due), known=everybody(due))
        yield due


def windows(**config: int) -> Windows:
    return Windows(SETTINGS, WindowConfig(**config))


def times(flows: list[FlowBatch], judge: Judge, **config: int) -> list[int]:
    """Return when the window of the first host as a source was scored, ms after `EPOCH_MS`."""
    made = windows(**config)
    made.push(batch(flows))
    found = join(settled(made, made.flush(), judge)).facts
    mine = found[(found["role"] == Role.SOURCE) & (found["src_ip"] == flows[0]["src_ip"][0]).all(axis=1)]
    return [int(at) - EPOCH_MS for at in mine["time_ms"]]


def steady(intervals: int, each: int = 1, **fields: int) -> list[FlowBatch]:
    """Two flows at first, so that there is a window, and then some in every interval."""
    later = [flow(INTERVAL_MS * n, **fields) for n in range(intervals) for _ in range(each)]
    return [flow(0), *later]


class TestWaiting:
    def test_who_is_not_calm_is_scored_in_each_interval(self) -> None:
        assert times(steady(12), nobody) == [INTERVAL_MS * n for n in range(1, 13)]

    def test_one_flow_calls_off_waiting(self) -> None:
        assert times(steady(12), everybody, calm_flows=1) == times(steady(12), nobody)

    def test_verdicts_count_from_the_second_after_the_next_on(self) -> None:
        assert times(steady(17), everybody, calm_ms=60_000) == [*AT_FIRST, 4000, 4250]

    def test_what_waits_at_the_end_is_due_then(self) -> None:
        assert times(steady(10), everybody, calm_ms=60_000) == [*AT_FIRST, 2500]

    def test_a_calm_host_is_scored_again_when_enough_is_new(self) -> None:
        found = times(steady(14, each=2), everybody, calm_flows=6, calm_ms=60_000)
        assert found == [*AT_FIRST, 2750, 3500]

    def test_or_after_a_while(self) -> None:
        assert times(steady(12), everybody, calm_flows=99, calm_ms=500) == [*AT_FIRST, 2500, 3000]

    def test_even_if_nothing_more_comes_from_it(self) -> None:
        other = flow(3000, HOSTS[2], HOSTS[1])
        found = times([*steady(9), other], everybody, calm_flows=99, calm_ms=500)
        assert found == [*AT_FIRST, 3250]

    def test_or_when_much_comes_at_once(self) -> None:
        flows = [*steady(10), flow(2500, src2dst_packets=64), flow(2750)]
        assert times(flows, everybody, calm_ms=60_000) == [*AT_FIRST, 2750, 3000]

    def test_a_host_is_calm_no_longer_once_a_window_says_so(self) -> None:
        def until(found: WindowBatch) -> NDArray[np.bool_]:
            return np.asarray(found.facts["time_ms"] < EPOCH_MS + 3000)

        found = times(steady(24), until)
        assert found == [*AT_FIRST, 4000, *range(5250, 6001, 250)]

    def test_what_waited_is_summed_up_of_a_known_attack(self) -> None:
        made = windows(calm_flows=6, calm_ms=60_000)
        made.push(batch(steady(14, each=2, dst2src_packets=1)))
        found = join(known(made, made.flush())).facts
        mine = found[found["role"] == Role.SOURCE]
        assert mine["interval_flows"].tolist() == [3, *([2] * 7), 6, 6]
        assert mine["interval_packets"].tolist() == (mine["interval_flows"] * 2 - [1, *([0] * 9)]).tolist()
        assert (mine["interval_first_ms"][-2:] - EPOCH_MS).tolist() == [2000 - 20, 2750 - 20]
        assert (mine["interval_last_ms"][-2:] - EPOCH_MS).tolist() == [2500 - 10, 3250 - 10]


class TestTenancy:
    def test_a_host_that_was_given_up_and_returns_is_not_calm(self) -> None:
        others = [flow(2000 + n, f"10.9.0.{n}", HOSTS[2]) for n in range(40) for _ in range(2)]
        again = [flow(2500 + at) for at in (0, 0, 250, 500, 750)]
        flows = [*steady(4), *others, *again]
        found = times(flows, everybody, max_hosts=16, calm_ms=60_000)
        assert found[4:] == [2750, 3000, 3250, 3500]

    def test_an_old_verdict_does_not_fall_on_a_slots_next_host(self) -> None:
        calm = Calm(WindowConfig(max_hosts=16, calm_flows=8))
        slots = np.array([3, 4])
        calm.begin(slots)
        old = calm.score(slots, EPOCH_MS)
        calm.begin(slots[:1])
        calm.settle(old, np.array([True, True]), np.array([False, False]))
        calm.score(slots, EPOCH_MS)
        assert calm.waits(slots, EPOCH_MS + 250).tolist() == [False, True]

    def test_nor_on_who_comes_after_all_were_forgotten(self) -> None:
        made = windows(calm_ms=60_000)
        made.push(batch(steady(1)))
        (old,) = made.flush()
        made.settle(old, everybody(old))
        made.push(batch(steady(12)))
        found = join(made.flush()).facts
        assert (found["role"] == Role.SOURCE).sum() == 12

    def test_the_last_verdict_of_a_host_counts(self) -> None:
        calm = Calm(WindowConfig(max_hosts=16))
        calm.begin(np.array([3]))
        places = calm.score(np.array([3]), EPOCH_MS)
        calm.settle(np.concatenate([places, places]), np.array([True, False]), np.zeros(2, bool))
        assert calm.waits(np.array([3]), EPOCH_MS + 250).tolist() == [False]


class TestDeterminism:
    @settings(max_examples=60, deadline=None)
    @given(flows=traffic(max_size=80), data=st.data())
    def test_windows_are_the_same_however_flows_come(self, flows: FlowBatch, data: st.DataObject) -> None:
        whole, pieces, start = windows(calm_flows=3), windows(calm_flows=3), 0
        found: list[WindowBatch] = []
        while start < len(flows):
            stop = data.draw(st.integers(start + 1, len(flows)))
            pieces.push(flows[start:stop])
            last = int(flows["export_ms"][stop - 1])
            following = int(flows["export_ms"][stop]) if stop < len(flows) else last + 10_000
            for watermark in data.draw(st.lists(st.integers(last - 500, following), max_size=3)):
                found += settled(pieces, pieces.advance(watermark), by_bytes)
            start = stop
        found += settled(pieces, pieces.flush(), by_bytes)
        whole.push(flows)
        assert_same(join(found), join(settled(whole, whole.flush(), by_bytes)))

    def test_a_batch_holds_one_second(self) -> None:
        made = windows()
        made.push(batch(steady(30)))
        seconds = [set((found.facts["time_ms"].astype(int) - INTERVAL_MS) // 1000) for found in made.flush()]
        assert [len(second) for second in seconds] == [1] * 8
        assert len(set.union(*seconds)) == 8

    def test_nothing_is_lost_when_a_caller_stops_asking(self) -> None:
        made = windows()
        made.push(batch(steady(12)))
        first = next(iter(made.advance(EPOCH_MS + 3000)))
        rest = list(made.advance(EPOCH_MS + 3000))
        whole = windows()
        whole.push(batch(steady(12)))
        assert_same(join([first, *rest]), join(whole.flush()))


@pytest.mark.parametrize("interval_ms", [400, 1000, 2500])
def test_an_interval_belongs_to_the_second_it_began_in(interval_ms: int) -> None:
    made = Windows(SETTINGS.model_copy(update={"interval_ms": interval_ms}), WindowConfig())
    made.push(batch([flow(at) for at in range(0, 10_000, 100)]))
    begun = [(found.facts["time_ms"].astype(int) - interval_ms) // 1000 for found in made.flush()]
    assert all((second == second[0]).all() for second in begun)
    assert sorted({int(second[0]) for second in begun}) == [int(second[0]) for second in begun]
