"""What holds for any packets whatever."""

import os
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from detector.records import Expiry
from tests.detector.meter.samples import feed, metered, table, traffic
from tests.traffic import SYN, Frame, segment

B, FORTH = "10.0.0.2", (40_000, 80)
SET_BACK = [segment(at_ms, "10.0.0.1", B, FORTH, SYN) for at_ms in (100_000, 0, 1)]


@settings(max_examples=80, deadline=None)
@given(frames=traffic(), size=st.sampled_from([1, 2, 5, 60_000]))
def test_every_packet_ends_in_one_flow_or_is_counted(frames: list[Frame], size: int) -> None:
    into = table()
    into._max_flows = size  # less than a configuration may say, so that few flows fill it
    flows = metered(frames, into)

    assert flows["bidirectional_packets"].sum() + into.late == into.packets == len(frames)
    assert into.expired.total() == len(flows)
    ended = flows["expiration_id"].tolist()
    assert into.expired == {reason: ended.count(reason) for reason in set(ended)}
    assert len(into) == 0


@settings(max_examples=80, deadline=None)
@given(frames=traffic())
def test_flows_leave_in_order_and_in_time(frames: list[Frame]) -> None:
    flows = metered(frames, table())
    assert all(first <= second for first, second in pairwise(flows["export_ms"].tolist()))
    late = flows["export_ms"] - flows["bidirectional_last_seen_ms"]
    assert (late <= 1000).all()
    assert (late[flows["expiration_id"] == Expiry.IDLE] == 1000).all()
    assert (flows["bidirectional_duration_ms"] < 1000).all()


@settings(max_examples=80, deadline=None)
@given(
    frames=traffic(steps_ms=(0, 1, 400, 1000, 90_000, -90_000, -500)),
    rooms=st.lists(st.integers(1, 5), min_size=1, max_size=4),
)
@example(frames=SET_BACK, rooms=[1])
def test_flows_are_the_same_however_packets_are_read(frames: list[Frame], rooms: list[int]) -> None:
    frames = [Frame(at_ms + 10_000_000, data) for at_ms, data, _ in frames]
    whole, pieces = table(), table()
    assert (metered(frames, whole) == metered(frames, pieces, rooms=rooms)).all()
    assert (whole.expired, whole.clock.restamped, whole.clock.restarts) == (
        pieces.expired,
        pieces.clock.restamped,
        pieces.clock.restarts,
    )


def _resident_kib() -> int:
    with open("/proc/self/statm") as file:  # noqa: PTH123 - a special file
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


@pytest.mark.slow
def test_memory_does_not_grow_with_the_flows_seen() -> None:
    into = table(max_flows=1000)

    def flood(start: int) -> None:
        for first in range(start, start + 100_000, 10_000):
            numbers = range(first, first + 10_000)
            feed(
                [segment(n / 100, f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}", B, FORTH) for n in numbers], into
            )

    flood(0)
    before = _resident_kib()
    flood(100_000)
    assert into.packets == 200_000
    assert _resident_kib() - before < 8 * 1024
