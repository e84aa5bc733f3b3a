"""The windows of one role: what an interval adds, what is due, and who waits."""

import numpy as np
import pytest

from detector.bundle import WindowSettings
from detector.config import WindowConfig
from detector.features import CONTEXT, FLOW_FEATURES
from detector.records import FlowBatch, Role
from detector.windows.arrivals import Arrivals, touched
from detector.windows.facts import Due
from detector.windows.role import RoleWindows
from tests.traffic import EPOCH_MS, batch, flow

SETTINGS = WindowSettings(length_flows=4, min_flows=1, horizon_ms=1000)


def windows(budget: int = 256, hosts: int = 64) -> RoleWindows:
    return RoleWindows(Role.SOURCE, SETTINGS, WindowConfig(max_hosts=hosts, max_windows_per_interval=budget))


def enter(into: RoleWindows, flows: FlowBatch, end_ms: int = 250) -> Due:
    """Let an interval in and return what is due."""
    ((_, came, by),) = touched(Arrivals.of(flows), np.zeros(len(flows), np.uint64))
    found = into.enter(came, by[Role.SOURCE], EPOCH_MS + end_ms)
    assert found is not None
    return found


def host(number: int, flows: int = 1) -> FlowBatch:
    return batch([flow(number, f"10.0.1.{number}") for _ in range(flows)])


def test_a_ring_holds_the_last_flows_oldest_first() -> None:
    into = windows()
    for start, stop in ((0, 3), (3, 5), (5, 14)):
        found = enter(into, batch([flow(0, dst_port=port) for port in range(start, stop)]))
        kept = list(range(max(stop - 4, 0), stop))
        assert found.rows["dst_port"][found.mask].tolist() == kept
        assert found.mask[0].tolist() == [False] * (4 - len(kept)) + [True] * len(kept)


def test_an_interval_is_summed_up_whole() -> None:
    flows = [flow(at, dst_port=at % 3, src_port=at % 5, src2dst_packets=2) for at in range(20)]
    (interval,) = enter(windows(), batch(flows)).interval
    wanted = {"flows": 20, "packets": 40, "unanswered": 20, "peers": 1, "ports": 3, "source_ports": 5}
    assert {name: interval[name] for name in wanted} == wanted
    assert (interval["first_ms"], interval["last_ms"]) == (EPOCH_MS - 20, EPOCH_MS + 19 - 10)


def test_context_fades_with_time() -> None:
    into = windows()
    enter(into, batch([flow(0, dst_port=port) for port in range(8)]), 250)
    found = enter(into, batch([flow(0)]), 1250)
    context = dict(zip(CONTEXT, found.numbers[0, -1, len(FLOW_FEATURES) :].tolist(), strict=True))
    assert context["recent_flows"] == pytest.approx(8 / np.e + 1)
    assert context["recent_ports"] == pytest.approx(8 / np.e + 1)
    assert context["recent_peers"] == pytest.approx(1 / np.e + 1)


def test_a_host_that_was_given_up_starts_afresh() -> None:
    into = windows(hosts=16)
    enter(into, host(0, flows=4))
    for number in range(1, 40):
        enter(into, host(number))
    found = enter(into, host(0))
    assert found.mask.sum() == 1
    assert found.numbers[0, -1, len(FLOW_FEATURES)] == 1


class TestBudget:
    def test_the_busiest_hosts_are_seen_first(self) -> None:
        into = windows(budget=4)
        found = enter(into, batch([host(number, flows=1 + number) for number in range(10)]))
        assert {9, 8} <= set((found.rows["first_ms"][:, -1] - EPOCH_MS + 20).tolist())
        assert into.shed == {"budget": 6, "pressure": 0}

    def test_everybody_has_a_turn(self) -> None:
        into, seen = windows(budget=4), set()
        for turn in range(1, 12):
            flows = batch([host(number, flows=9 if number < 3 else 1) for number in range(12)])
            found = enter(into, flows, 250 * turn)
            assert len(found.mask) == 4
            seen |= {words.tobytes() for words in found.host}
        assert len(seen) == 12
        assert into.shed["budget"] == 11 * 8

    def test_a_budget_of_one_works(self) -> None:
        into, seen = windows(budget=1), set()
        for turn in range(1, 6):
            found = enter(into, batch([host(number) for number in range(5)]), 250 * turn)
            seen.add(found.host.tobytes())
        assert len(seen) == 5

    def test_what_is_shed_still_enters_its_window(self) -> None:
        into = windows(budget=1)
        for turn in (1, 2, 3):
            found = enter(into, batch([host(number) for number in range(3)]), 250 * turn)
        assert found.mask.sum() == 3
