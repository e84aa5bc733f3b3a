"""One client that takes its time, or keeps, moves, sends or tries something, is no flood."""

from socket import IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP

import pytest

from detector.records import Category, Role
from tests.detector.test_policy import BENIGN, DOS, judge

CLIENT = {
    "flows": 23,
    "packets": 115,
    "unanswered": 2,
    "protocol": IPPROTO_TCP,
    "last_ms": 2000,
    "recent_flows": 60,
}


@pytest.mark.parametrize(
    ("other", "category"),
    [
        ({}, BENIGN),
        ({"flows": 2, "unanswered": 0, "packets": 999}, BENIGN),
        ({"packets": 1000}, DOS),  # requests inside connections that last
        ({"packets": 9000, "bytes": 700 * 9000}, BENIGN),  # a transfer
        ({"flows": 24, "packets": 120}, DOS),
        ({"flows": 24, "packets": 120, "recent_flows": 59}, BENIGN),  # that comes again and again
        ({"packets": 114}, DOS),  # connections alone
        ({"unanswered": 3}, DOS),
        ({"last_ms": 1499, "flows": 17}, DOS),  # too short to tell
        ({"protocol": IPPROTO_UDP}, DOS),
    ],
)
def test_a_client_that_takes_its_time_is_no_flood(other: dict[str, int], category: Category) -> None:
    for role in Role:
        (verdict,) = judge([[0.1, 0.0, 0.9, 0.0]], role=role, seen=CLIENT | other)
        assert verdict.category == category


KEEPS = {
    "flows": 32,
    "packets": 256,
    "pieces": 16,
    "served": 16,
    "unanswered": 4,
    "connections": 17,
    "protocol": IPPROTO_TCP,
    "recent_flows": 40,
}
"""Of connections that last, the pieces of a second each."""


@pytest.mark.parametrize(
    ("other", "category"),
    [
        ({}, BENIGN),
        ({"served": 15}, DOS),  # unfinished requests, to which a server has nothing to say
        ({"served": 0, "connections": 16}, BENIGN),
        ({"served": 0, "connections": 16, "pieces": 15}, DOS),
        ({"packets": 257}, DOS),
        ({"unanswered": 5}, DOS),
        ({"protocol": IPPROTO_UDP}, DOS),
    ],
)
@pytest.mark.parametrize("role", Role)
def test_a_client_that_keeps_connections_open_and_says_little_is_no_flood(
    role: Role, other: dict[str, int], category: Category
) -> None:
    (verdict,) = judge([[0.1, 0.0, 0.9, 0.0]], role=role, seen=KEEPS | other)
    assert verdict.category == category


BURST = {
    "flows": 32,
    "packets": 224,
    "unanswered": 4,
    "connections": 32,
    "recent_flows": 39,
    "protocol": IPPROTO_TCP,
}


@pytest.mark.parametrize(
    ("other", "category"),
    [
        ({}, BENIGN),
        ({"recent_flows": 40}, DOS),
        ({"recent_packets": 2499}, BENIGN),
        ({"recent_packets": 2500}, DOS),
        ({"recent_packets": 2500, "bytes": 700 * 224}, BENIGN),
        ({"packets": 223}, DOS),
        ({"packets": 64, "ended": 16}, BENIGN),
        ({"packets": 64, "ended": 15}, DOS),
        ({"packets": 64, "ended": 16, "unanswered": 5}, DOS),
        ({"unanswered": 5}, DOS),
        ({"protocol": IPPROTO_UDP}, DOS),
    ],
)
@pytest.mark.parametrize("role", Role)
def test_a_client_that_wants_some_things_at_once_is_no_flood(
    role: Role, other: dict[str, int], category: Category
) -> None:
    (verdict,) = judge([[0.1, 0.0, 0.9, 0.0]], role=role, seen=BURST | other)
    assert verdict.category == category


LOADS = {"flows": 32, "bulk": 16, "packets": 6400, "recent_flows": 319, "protocol": IPPROTO_TCP}


@pytest.mark.parametrize(
    ("other", "category"),
    [
        ({}, BENIGN),
        ({"bulk": 15}, DOS),
        ({"recent_flows": 320}, DOS),
        ({"protocol": IPPROTO_UDP}, DOS),
    ],
)
@pytest.mark.parametrize("role", Role)
def test_a_client_that_moves_data_is_no_flood(role: Role, other: dict[str, int], category: Category) -> None:
    (verdict,) = judge([[0.1, 0.0, 0.9, 0.0]], role=role, seen=LOADS | other)
    assert verdict.category == category


CALLS = {
    "src_port": 5004,
    "flows": 32,
    "lasting": 16,
    "packets": 3199,
    "bytes": 200 * 3199,
    "unanswered": 32,
    "connections": 16,
    "recent_flows": 80,
    "protocol": IPPROTO_UDP,
}
"""The flows of up to sixteen telephones behind one address, cut once a second."""


@pytest.mark.parametrize(
    ("other", "category"),
    [
        ({}, BENIGN),
        ({"packets": 3200}, DOS),
        ({"packets": 31_999, "bytes": 300 * 31_999}, BENIGN),  # cameras
        ({"packets": 32_000, "bytes": 300 * 32_000}, DOS),
        ({"packets": 3200, "bytes": 300 * 3200, "uniform": 16}, DOS),
        ({"connections": 17}, DOS),
        ({"lasting": 15}, DOS),
        ({"src_port": 53}, DOS),
        ({"protocol": IPPROTO_TCP}, DOS),
    ],
)
@pytest.mark.parametrize("role", Role)
def test_a_few_calls_are_no_flood(role: Role, other: dict[str, int], category: Category) -> None:
    (verdict,) = judge([[0.1, 0.0, 0.9, 0.0]], role=role, seen=CALLS | other)
    assert verdict.category == category


TRIES = {
    "flows": 15,
    "packets": 74,
    "refused": 8,
    "unanswered": 6,
    "protocol": IPPROTO_TCP,
    "last_ms": 2000,
    "recent_flows": 39,
}


@pytest.mark.parametrize(
    ("other", "category"),
    [
        ({}, BENIGN),
        ({"recent_flows": 40}, DOS),
        ({"last_ms": 1875}, DOS),  # eight a second in the window, which was calm before
        ({"last_ms": 1499, "flows": 10}, DOS),  # too short to tell
        ({"refused": 7}, DOS),
        ({"packets": 75}, DOS),
        ({"protocol": IPPROTO_UDP}, BENIGN),
        ({"protocol": IPPROTO_ICMP}, DOS),
    ],
)
@pytest.mark.parametrize("role", Role)
def test_a_client_that_tries_in_vain_now_and_then_is_no_flood(
    role: Role, other: dict[str, int], category: Category
) -> None:
    (verdict,) = judge([[0.1, 0.0, 0.9, 0.0]], role=role, seen=TRIES | other)
    assert verdict.category == category
