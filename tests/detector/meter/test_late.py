"""What comes after the end of a connection, and the end of a capture."""

import pytest

from detector.meter import FlowTable
from detector.meter.table import LATE_PACKETS
from detector.records import Expiry, FlowBatch, address
from tests.detector.meter.samples import feed, metered, table
from tests.traffic import ACK, EPOCH_MS, FIN, PSH, RST, SYN, Frame, batch, datagram, segment

A, B = "10.0.0.1", "10.0.0.2"


def forth(at_ms: float, flags: int, payload: bytes = b"") -> Frame:
    return segment(at_ms, A, B, (40_000, 80), flags, payload=payload)


def back(at_ms: float, flags: int) -> Frame:
    return segment(at_ms, B, A, (80, 40_000), flags)


def over(at_ms: float = 0) -> list[Frame]:
    """A connection that both sides end."""
    begun = [forth(at_ms, SYN), back(at_ms, SYN | ACK), forth(at_ms, ACK)]
    return [*begun, forth(at_ms + 5, FIN | ACK), back(at_ms + 6, FIN | ACK), forth(at_ms + 7, ACK)]


def sizes(flows: FlowBatch) -> list[int]:
    return [int(packets) for packets in flows["bidirectional_packets"]]


def test_the_last_packets_of_a_connection_begin_no_flow() -> None:
    """Both sides hang up at once, and a mirror port shows each last ACK twice."""
    into = table()
    flows = metered([*over(), forth(7, ACK), back(8, ACK), back(8, ACK)], into)
    assert sizes(flows) == [6]
    assert (into.late, into.packets) == (LATE_PACKETS, 9)


@pytest.mark.parametrize("flags", [ACK, FIN | ACK])
def test_more_of_them_are_a_flow_of_the_side_that_began(flags: int) -> None:
    into = table()
    flows = metered([*over(), *(back(at, flags) for at in range(9, 14))], into)
    assert (into.late, sizes(flows)) == (LATE_PACKETS, [6, 2])
    assert [str(address(words)) for words in flows["src_ip"]] == [A, A]


def test_a_reset_is_one_of_them_or_the_last() -> None:
    into = table()
    flows = metered([*over(), *(back(at, RST) for at in range(9, 15))], into)
    assert (into.late, sizes(flows)) == (LATE_PACKETS + 1, [6, 2])


@pytest.mark.parametrize("last", [forth(9, PSH | ACK, b"more"), forth(9, SYN), back(9, SYN | ACK)])
def test_what_says_more_begins_a_flow(last: Frame) -> None:
    into = table()
    assert sizes(metered([*over(), last], into)) == [6, 1]
    assert into.late == 0


def test_a_new_connection_between_the_same_ends_may_end_as_well() -> None:
    into = table()
    flows = metered([*over(), forth(8, ACK), *over(50), forth(60, ACK)], into)
    assert (into.late, sizes(flows)) == (2, [6, 6])


def test_a_connection_that_a_reset_ended_keeps_none() -> None:
    into = table()
    assert sizes(metered([forth(0, SYN), back(1, RST | ACK), forth(2, ACK)], into)) == [2, 1]
    assert into.late == 0


def test_without_memory_each_begins_a_flow() -> None:
    into = table(keep_direction=False)
    assert sizes(metered([*over(), back(8, ACK)], into)) == [6, 1]
    assert into.late == 0


def ended(frames: list[Frame], into: FlowTable) -> FlowBatch:
    flows = feed(frames, into)
    into.end()
    return batch([flows, into.take()])


def test_what_a_capture_leaves_open_leaves_when_it_would_have_idled() -> None:
    flows = ended([datagram(at, A, B, (at + 1, 53)) for at in range(0, 900, 300)], into := table())
    assert [int(at) - EPOCH_MS for at in flows["export_ms"]] == [1000, 1300, 1600]
    assert (set(flows["expiration_id"].tolist()), len(into)) == ({Expiry.IDLE}, 0)


def test_an_empty_capture_ends_with_nothing() -> None:
    assert len(ended([], table())) == 0
