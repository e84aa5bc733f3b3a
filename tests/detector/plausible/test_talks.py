"""How machines talk, by what windows count."""

from socket import IPPROTO_TCP, IPPROTO_UDP

import numpy as np
import pytest
from numpy.typing import NDArray

from detector.plausible.talks import answered, conversations, reflected, streams, transfers, vain
from detector.records import FACTS_DTYPE


def seen(**counted: int) -> NDArray[np.void]:
    facts = np.zeros(1, FACTS_DTYPE)
    for name, value in counted.items():
        facts[name] = value
    return facts


@pytest.mark.parametrize(("flows", "unanswered", "found"), [(8, 1, True), (8, 2, False), (7, 1, False)])
def test_hardly_a_flow_is_left_without_an_answer(flows: int, unanswered: int, *, found: bool) -> None:
    assert answered(seen(flows=flows, unanswered=unanswered)).tolist() == [found]


@pytest.mark.parametrize(("packets", "unanswered", "found"), [(40, 1, True), (39, 1, False), (40, 2, False)])
def test_conversations_have_five_packets_and_an_answer(packets: int, unanswered: int, *, found: bool) -> None:
    assert conversations(seen(flows=8, packets=packets, unanswered=unanswered)).tolist() == [found]


def test_a_window_without_flows_shows_no_conversation() -> None:
    assert conversations(seen()).tolist() == [False]


@pytest.mark.parametrize(
    ("other", "found"),
    [
        ({}, True),
        ({"refused": 3}, False),
        ({"packets": 50}, False),
        ({"protocol": IPPROTO_UDP}, True),
        ({"protocol": 1}, False),
    ],
)
def test_brief_questions_that_nobody_answers_are_in_vain(other: dict[str, int], *, found: bool) -> None:
    asked = {"protocol": IPPROTO_TCP, "flows": 10, "packets": 49, "unanswered": 5, "refused": 4}
    assert vain(seen(**asked | other)).tolist() == [found]


@pytest.mark.parametrize(
    ("protocol", "octets", "found"),
    [(IPPROTO_TCP, 7000, True), (IPPROTO_TCP, 6999, False), (IPPROTO_UDP, 7000, False)],
)
def test_transfers_are_tcp_with_half_of_its_packets_full(protocol: int, octets: int, *, found: bool) -> None:
    assert transfers(seen(protocol=protocol, packets=10, bytes=octets)).tolist() == [found]


@pytest.mark.parametrize(
    ("packet_bytes", "uniform", "pace", "found"),
    [
        (300, 0, 1999, True),
        (300, 0, 2000, False),
        (299, 0, 199, True),
        (299, 0, 200, False),
        (300, 4, 199, True),
        (300, 4, 200, False),  # all alike, as a script's
    ],
)
def test_two_streams_send_as_cameras_or_as_telephones(
    packet_bytes: int, uniform: int, pace: int, *, found: bool
) -> None:
    facts = seen(
        protocol=IPPROTO_UDP,
        src_port=5004,
        flows=8,
        lasting=4,
        packets=100,
        bytes=100 * packet_bytes,
        uniform=uniform,
    )
    assert streams(facts, np.array([float(pace)]), np.array([2])).tolist() == [found]


@pytest.mark.parametrize(
    ("src_port", "dst_port", "found"),
    [(53, 5000, True), (53, 53, False), (1024, 5000, False), (11211, 5000, True), (5004, 53, False)],
)
def test_services_answer_from_their_ports(src_port: int, dst_port: int, *, found: bool) -> None:
    assert reflected(seen(src_port=src_port, dst_port=dst_port)).tolist() == [found]
