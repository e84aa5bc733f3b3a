"""What flows bring to the hosts they belong to."""

import numpy as np
import pytest

from detector.records import FlowBatch, Role, address
from detector.windows import arrivals
from detector.windows.arrivals import Arrivals, Touched, touched
from tests.detector.windows.samples import HOSTS
from tests.traffic import batch, flow

ENDS = [(0, 1), (2, 1), (0, 1), (0, 3)]
FLOWS = batch(
    [
        flow(at, HOSTS[src], HOSTS[dst], dst_port=80 + at % 2, src_port=9, src2dst_packets=1 + at)
        for at, (src, dst) in enumerate(ENDS)
    ]
)


def in_one(flows: FlowBatch) -> dict[Role, Touched]:
    """Return what the flows of a single interval touch."""
    ((_, _, found),) = touched(Arrivals.of(flows), np.zeros(len(flows), np.uint64))
    return found


def test_hosts_are_numbered_by_their_first_flow() -> None:
    found = in_one(FLOWS)
    assert found[Role.SOURCE].number.tolist() == [0, 1, 0, 0]
    assert found[Role.TARGET].number.tolist() == [0, 0, 0, 1]
    assert found[Role.SOURCE].first.tolist() == [0, 1]
    assert [str(address(words)) for words in FLOWS["dst_ip"][found[Role.TARGET].first]] == [
        HOSTS[1],
        HOSTS[3],
    ]


@pytest.mark.parametrize("role", Role)
def test_flows_are_in_order_within_their_host(role: Role) -> None:
    by = in_one(FLOWS)[role]
    assert np.array_equal(by.order, np.argsort(by.number, kind="stable"))
    assert by.starts.tolist() == [0, 3]


def test_each_host_gets_its_sums() -> None:
    found = in_one(FLOWS)
    names = ["flows", "packets", "unanswered", "peers", "ports", "source_ports"]
    assert found[Role.SOURCE].sums[names].tolist() == [(3, 8, 3, 2, 2, 1), (1, 2, 1, 1, 1, 1)]
    assert found[Role.TARGET].sums[names].tolist() == [(3, 6, 3, 2, 2, 1), (1, 4, 1, 1, 1, 1)]


def test_a_part_is_what_its_flows_alone_would_be() -> None:
    part, alone = Arrivals.of(FLOWS).part(slice(1, 3)), Arrivals.of(FLOWS[1:3])
    for name in Arrivals.__slots__:
        assert getattr(part, name).tobytes() == getattr(alone, name).tobytes()


def test_more_hosts_than_sixteen_bits_count() -> None:
    flows = np.repeat(flow(0), 70_000)
    flows["src_ip"][:, 1] = np.arange(70_000)
    by = in_one(flows)[Role.SOURCE]
    assert np.array_equal(by.order, np.arange(70_000))


@pytest.mark.parametrize("together", [1, 50, 10_000])
def test_intervals_looked_at_together_are_what_each_is_alone(
    together: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "_TOGETHER", together)
    rng = np.random.default_rng(5)
    ends = rng.integers(4, size=(300, 2)).tolist()
    flows = batch([flow(0, HOSTS[src], HOSTS[dst], dst_port=n % 7) for n, (src, dst) in enumerate(ends)])
    interval = np.sort(rng.integers(0, 40, len(flows))).astype(np.uint64)
    found = list(touched(Arrivals.of(flows), interval))
    assert [number for number, _, _ in found] == np.unique(interval).tolist()
    for number, part, by in found:
        mine = flows[interval == number]
        assert part.rows.tobytes() == Arrivals.of(mine).rows.tobytes()
        for role, alone in in_one(mine).items():
            for name in Touched.__slots__:
                assert np.array_equal(getattr(by[role], name), getattr(alone, name)), name
