"""What passes between a worker and the path: in order, bounded, and what is lost counted."""

import threading

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from detector.handover import Handover
from tests.traffic import batch, flow


def numbered(first: int, count: int) -> np.ndarray:
    return batch([flow(number) for number in range(first, first + count)])


def test_flows_come_out_in_the_order_they_went_in() -> None:
    between = Handover(100)
    between.put(numbered(0, 3), 10)
    between.put(numbered(3, 2), 20)
    (delivery,) = between.take()
    assert batch(delivery.flows).tobytes() == numbered(0, 5).tobytes()
    assert (delivery.now_ms, delivery.starts_anew) == (20, False)


def test_time_passes_without_flows_and_is_not_forgotten() -> None:
    between = Handover(100)
    assert between.take()[0].now_ms == -1
    between.put(numbered(0, 0), 30)
    assert [between.take()[0].now_ms, between.take()[0].now_ms] == [30, 30]


def test_what_was_before_the_clock_was_set_back_stays_apart() -> None:
    between = Handover(100)
    between.put(numbered(0, 2), 10, starts_anew=True)
    between.put(numbered(0, 1), 5)
    before, after = between.take()
    assert (len(batch(before.flows)), before.now_ms, before.starts_anew) == (2, 10, True)
    assert (len(batch(after.flows)), after.now_ms, after.starts_anew) == (1, 5, False)


@given(puts=st.lists(st.tuples(st.integers(0, 40), st.booleans()), max_size=20), room=st.integers(1, 60))
def test_no_more_waits_than_there_is_room_for(puts: list[tuple[int, bool]], room: int) -> None:
    between, sent = Handover(room), 0
    for count, anew in puts:
        between.put(numbered(sent, count), sent, starts_anew=anew)
        sent += count
        assert between.queued <= room
        assert between.fill == between.queued / room
    taken = sum(len(batch(delivery.flows)) for delivery in between.take())
    assert taken + between.dropped == sent
    assert between.queued == 0


def test_what_waits_further_on_takes_room_too() -> None:
    between = Handover(10)
    between.ahead = 7
    assert between.fill == 0.7
    between.put(numbered(0, 5), 0)
    assert (between.queued, between.dropped, between.fill) == (3, 2, 1.0)


def test_two_threads_lose_nothing() -> None:
    between, flows = Handover(1_000_000), numbered(0, 7)

    def put() -> None:
        for number in range(3000):
            between.put(flows, number)

    thread, taken = threading.Thread(target=put), 0
    thread.start()
    while thread.is_alive():
        taken += sum(len(batch(delivery.flows)) for delivery in between.take())
    taken += sum(len(batch(delivery.flows)) for delivery in between.take())
    assert (taken, between.dropped) == (21_000, 0)
