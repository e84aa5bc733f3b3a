"""Flows in, due windows out: the same ones however they come, and nobody's but their host's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from detector.features import RELATIONS, SCHEMA
from detector.records import FACTS_DTYPE, FlowBatch, Role, WindowBatch, address, address_words
from tests.detector.windows.samples import (
    ENDS,
    HOSTS,
    SETTINGS,
    assert_same,
    expected,
    join,
    run,
    traffic,
    windows,
)
from tests.traffic import EPOCH_MS, batch, flow

MASK = SCHEMA.index("mask")
INTERVAL_MS = SETTINGS.interval_ms


def column(sequences: NDArray[np.float32], name: str) -> list[list[float]]:
    return [list(map(float, row)) for row in sequences[:, :, SCHEMA.index(name)]]


@settings(max_examples=35, deadline=None)
@given(flows=traffic())
def test_windows_are_what_the_long_way_gives(flows: FlowBatch) -> None:
    found = run(flows)
    due = list(expected(flows))

    assert len(found) == len(due)
    for facts, sequence, wanted in zip(found.facts, found.sequences, due, strict=True):
        assert {name: facts[name].tolist() for name in wanted.facts} == wanted.facts
        untold = {"ports_total", "peers_total", "recent_flows", "recent_packets"}
        assert set(FACTS_DTYPE.names or ()) - wanted.facts.keys() == untold
        for name in ("recent_flows", "recent_packets"):
            assert facts[name] == sequence[-1, SCHEMA.index(name)]
        np.testing.assert_allclose(sequence, wanted.sequence, rtol=1e-6)


@settings(max_examples=35, deadline=None)
@given(flows=traffic(), data=st.data())
def test_windows_are_the_same_however_flows_come(flows: FlowBatch, data: st.DataObject) -> None:
    made, start = windows(), 0
    batches: list[WindowBatch] = []
    while start < len(flows):
        stop = data.draw(st.integers(start + 1, len(flows)))
        made.push(flows[start:stop])
        last = int(flows["export_ms"][stop - 1])
        following = int(flows["export_ms"][stop]) if stop < len(flows) else last + 10_000
        watermarks = data.draw(st.lists(st.integers(last - 500, following), max_size=2))
        for watermark in watermarks:
            batches += made.advance(watermark)
        start = stop
    assert_same(join([*batches, *made.flush()]), run(flows))


@settings(max_examples=35, deadline=None)
@given(flows=traffic(), order=st.permutations(range(len(HOSTS))), shift=st.integers(0, 10**7))
def test_neither_names_nor_the_hour_matter(flows: FlowBatch, order: list[int], shift: int) -> None:
    renamed = flows.copy()
    for number, host in enumerate(HOSTS):
        for end in ("src_ip", "dst_ip"):
            renamed[end][(flows[end] == address_words(host)).all(axis=1)] = address_words(
                HOSTS[order[number]]
            )
    for port in ("src_port", "dst_port"):
        renamed[port] = flows[port] * 40_503  # odd: no two ports become one
    for stamp in ("export_ms", "bidirectional_first_seen_ms", "bidirectional_last_seen_ms"):
        renamed[stamp] += np.uint64(shift * INTERVAL_MS)

    assert run(flows).sequences.tobytes() == run(renamed).sequences.tobytes()


@settings(max_examples=35, deadline=None)
@given(flows=traffic())
def test_a_window_holds_the_flows_of_one_host_and_end(flows: FlowBatch) -> None:
    found = run(flows)
    for facts in found.facts:
        own = ENDS[Role(facts["role"])][0]
        mine = (flows[own] == facts["host"]).all(axis=1) & (flows["source"] == facts["source"])
        before = flows[mine & (flows["export_ms"] < facts["time_ms"])]
        assert facts["flows"] == min(len(before), SETTINGS.length_flows)
        assert facts["bytes"] == before["bidirectional_bytes"][-SETTINGS.length_flows :].sum()
        assert (facts[own] == facts["host"]).all()


class TestShape:
    def test_short_windows_are_padded_on_the_left(self) -> None:
        found = run(batch([flow(0), flow(1), flow(2)]))
        assert column(found.sequences, "mask") == [[0, 0, 1, 1, 1]] * 2
        assert not found.sequences[:, :2].any()
        assert column(found.sequences, "position") == [[0, 0, 1, 2, 3]] * 2
        assert column(found.sequences, "as_target") == [[0, 0, 1, 1, 1], [0] * 5]

    def test_padding_stays_clean_in_a_slot_that_was_used_before(self) -> None:
        made = windows(max_hosts=16)
        for number in range(20):
            made.push(batch([flow(number * 300, f"10.1.0.{number}", src_port=port) for port in range(5)]))
        list(made.advance(EPOCH_MS + 20 * 300))
        made.push(batch([flow(20 * 300 + at, "10.2.0.1", HOSTS[3]) for at in range(2)]))
        found = join(made.flush())
        assert len(found) == 2
        assert not found.sequences[:, :3].any()

    def test_nothing_is_due_without_flows(self) -> None:
        made = windows()
        made.push(batch([]))
        assert [*made.advance(-1), *made.advance(EPOCH_MS), *made.flush()] == []
        assert made.nothing.sequences.shape == (0, 5, len(SCHEMA))
        assert made.nothing.facts.dtype == FACTS_DTYPE

    def test_a_window_is_due_once_its_interval_is_over(self) -> None:
        made = windows()
        made.push(batch([flow(10), flow(20)]))
        assert list(made.advance(EPOCH_MS + INTERVAL_MS - 1)) == []
        (found,) = made.advance(EPOCH_MS + INTERVAL_MS)
        assert found.facts["time_ms"].tolist() == [EPOCH_MS + INTERVAL_MS] * 2
        assert list(made.advance(EPOCH_MS + 10 * INTERVAL_MS)) == []

    def test_few_flows_are_due_when_they_carry_much(self) -> None:
        assert len(run(flow(0))) == 0
        assert len(run(flow(0, src2dst_packets=64))) == 2


class TestSources:
    def test_captures_are_put_in_order(self) -> None:
        one, other = batch([flow(0), flow(400)]), batch([flow(100, source=1), flow(200, source=1)])
        made = windows()
        made.push(one)
        made.push(other)
        times = join(made.flush()).facts[["source", "time_ms"]].tolist()
        assert times == [(1, EPOCH_MS + 250)] * 2 + [(0, EPOCH_MS + 500)] * 2

    def test_one_address_on_two_interfaces_is_two_hosts(self) -> None:
        assert len(run(batch([flow(0), flow(1, source=1)]))) == 0


class TestForgetting:
    def test_flush_forgets_every_host(self) -> None:
        made = windows()
        made.push(batch([flow(0), flow(1)]))
        assert [len(found) for found in made.flush()] == [2]
        assert len(made) == 0
        made.push(flow(2))
        assert sum(map(len, made.flush())) == 0

    def test_time_may_start_anew_after_flush(self) -> None:
        made = windows()
        made.push(batch([flow(90_000), flow(90_001)]))
        late = join(made.flush())
        made.push(batch([flow(0), flow(1)]))
        early = join(made.flush())
        assert late.sequences.tobytes() == early.sequences.tobytes()

    def test_counts_outlive_flush(self) -> None:
        made = windows(max_hosts=16, max_windows_per_interval=1)
        made.push(batch([flow(0, f"10.1.0.{n}", f"10.2.0.{n}", src2dst_packets=99) for n in range(12)]))
        list(made.flush())
        assert (made.evicted, made.shed["budget"]) == (2 * 4, 2 * 7)
        made.push(batch([flow(0, f"10.1.0.{n}", f"10.2.0.{n}", src2dst_packets=99) for n in range(12)]))
        list(made.flush())
        assert (made.evicted, made.shed["budget"]) == (4 * 4, 4 * 7)


class TestFlood:
    FLOOD = tuple(
        flow(300 + n * 2, f"10.{1 + n // 250}.{n % 250}.9", HOSTS[1], src_port=1024 + n) for n in range(3000)
    )

    def test_a_host_that_was_seen_often_outlives_strangers(self) -> None:
        made = windows(max_hosts=64)
        scan = [flow(n, HOSTS[0], HOSTS[2], dst_port=n) for n in range(5)]
        made.push(batch([*scan, *self.FLOOD, flow(7000, HOSTS[0], HOSTS[2], dst_port=99)]))
        last = join(made.flush()).facts[-2:]

        assert [str(address(facts["host"])) for facts in last] == [HOSTS[2], HOSTS[0]]
        assert last["ports"].tolist() == [5, 5]
        assert len(made) == 0
        assert made.evicted == len(self.FLOOD) - 32

    @pytest.mark.parametrize("pieces", [1, 7])
    def test_hosts_are_bounded(self, pieces: int) -> None:
        made = windows(max_hosts=64)
        for part in np.array_split(batch(self.FLOOD), pieces):
            made.push(part)
            list(made.advance(int(part["export_ms"][-1])))
            assert len(made) <= 2 * 64

    def test_the_budget_bounds_an_interval(self) -> None:
        flows = batch([flow(n // 10, f"10.3.{n % 40}.1", HOSTS[1]) for n in range(400)])
        made = windows(max_windows_per_interval=10)
        made.push(flows)
        found = join(made.flush())
        assert np.bincount(found.facts["role"]).tolist() == [10, 1]
        assert made.shed == {"budget": 30, "pressure": 0}

    @pytest.mark.parametrize(("pressure", "scored"), [(0.0, 16), (0.25, 16), (0.625, 8), (1.0, 1)])
    def test_under_pressure_less_is_scored(self, pressure: float, scored: int) -> None:
        made = windows(max_windows_per_interval=16)
        made.pressure = pressure
        made.push(batch([flow(n // 10, f"10.3.{n % 40}.1", HOSTS[1]) for n in range(400)]))
        found = join(made.flush())
        assert np.bincount(found.facts["role"]).tolist() == [scored, 1]
        assert made.shed == {"budget": 24, "pressure": 16 - scored}


def test_relations_stand_in_their_columns() -> None:
    flows = batch([flow(0, dst_port=1), flow(1, dst_port=2), flow(2, HOSTS[0], HOSTS[2], dst_port=2)])
    (*_, source) = run(flows).sequences
    found = dict(zip(RELATIONS, source[-1, -len(RELATIONS) :].tolist(), strict=True))
    assert found == pytest.approx(
        {
            "since_previous_ms": 1,
            "before_newest_ms": 0,
            "new_peer": 1,
            "new_port": 0,
            "new_source_port": 0,
            "same_peer": 0,
            "same_size": 1,
            "peers_so_far": 2,
            "ports_so_far": 2,
            "source_ports_so_far": 1,
            "peer_share": 0,
            "port_share": 0.5,
            "unanswered_share": 1,
            "position": 3,
            "as_target": 0,
            "mask": 1,
        }
    )
