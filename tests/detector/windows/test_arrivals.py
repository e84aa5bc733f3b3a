"""What flows bring to the hosts they belong to."""

import numpy as np
import pytest

from detector.records import Role, address
from detector.windows.arrivals import Arrivals, touched
from tests.detector.windows.samples import HOSTS
from tests.traffic import batch, flow

ENDS = [(0, 1), (2, 1), (0, 1), (0, 3)]
FLOWS = batch(
    [
        flow(at, HOSTS[src], HOSTS[dst], dst_port=80 + at % 2, src_port=9, src2dst_packets=1 + at)
        for at, (src, dst) in enumerate(ENDS)
    ]
)


def test_hosts_are_numbered_by_their_first_flow() -> None:
    found = dict(touched(Arrivals.of(FLOWS)))
    assert found[Role.SOURCE].number.tolist() == [0, 1, 0, 0]
    assert found[Role.TARGET].number.tolist() == [0, 0, 0, 1]
    assert found[Role.SOURCE].first.tolist() == [0, 1]
    assert [str(address(words)) for words in FLOWS["dst_ip"][found[Role.TARGET].first]] == [
        HOSTS[1],
        HOSTS[3],
    ]


@pytest.mark.parametrize("role", Role)
def test_flows_are_in_order_within_their_host(role: Role) -> None:
    by = dict(touched(Arrivals.of(FLOWS)))[role]
    assert np.array_equal(by.order, np.argsort(by.number, kind="stable"))
    assert by.starts.tolist() == [0, 3]


def test_each_host_gets_its_sums() -> None:
    found = dict(touched(Arrivals.of(FLOWS)))
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
    by = dict(touched(Arrivals.of(flows)))[Role.SOURCE]
    assert np.array_equal(by.order, np.arange(70_000))
