"""Crowds, cameras, and devices that miss a server are no floods."""

from socket import IPPROTO_TCP, IPPROTO_UDP
from typing import Any

import numpy as np
import pytest

from detector.bundle import WindowSettings
from detector.config import ThresholdConfig
from detector.policy import Policy
from detector.records import FACTS_DTYPE, Category, Role, WindowBatch, address_words
from tests.detector.test_policy import BENIGN, DDOS, DOS, THRESHOLDS, judge

CROWD = {"flows": 32, "packets": 160, "unanswered": 4, "recent_flows": 499, "recent_packets": 9999}
FULL = {"protocol": IPPROTO_TCP, "bytes": 700 * CROWD["packets"]}
PINGS = {"icmp": 16, "recent_packets": 1800, "peers": 30, "peers_total": 30}
ONE_PING = PINGS | {
    "packets": 64,
    "recent_packets": 300,
    "peers_total": 128,
    "top_peer": address_words("10.0.0.7"),
}
"""Each once a second, so that none is a flow that lasts."""


@pytest.mark.parametrize(
    ("other", "role", "category"),
    [
        ({}, Role.TARGET, BENIGN),
        ({}, Role.SOURCE, DDOS),
        ({"packets": 159}, Role.TARGET, DDOS),  # hardly conversations
        ({"unanswered": 5}, Role.TARGET, DDOS),
        ({"recent_flows": 500}, Role.TARGET, DDOS),
        ({"recent_packets": 10_000}, Role.TARGET, DDOS),
        ({"recent_packets": 40_000} | FULL, Role.TARGET, BENIGN),  # they fetch firmware
        ({"recent_packets": 40_000} | FULL | {"bytes": FULL["bytes"] - 1}, Role.TARGET, DDOS),
        ({"recent_packets": 40_000} | FULL | {"protocol": IPPROTO_UDP}, Role.TARGET, DDOS),
        ({"recent_flows": 500} | FULL, Role.TARGET, DDOS),
        ({"interval_flows": 160}, Role.TARGET, BENIGN),  # they come in bursts
        (PINGS | {"recent_packets": 1799}, Role.TARGET, BENIGN),
        (ONE_PING, Role.TARGET, BENIGN),
        (ONE_PING | {"top_peer": address_words("192.0.2.7")}, Role.TARGET, DDOS),
        (ONE_PING | {"peers_total": 129}, Role.TARGET, DDOS),
        (ONE_PING | {"icmp": 15}, Role.TARGET, DDOS),
        (PINGS, Role.TARGET, DDOS),
        (PINGS | {"icmp": 15}, Role.TARGET, BENIGN),  # players who ping their server first
    ],
)
def test_clients_that_are_answered_are_a_crowd(other: dict[str, int], role: Role, category: Category) -> None:
    (verdict,) = judge([[0.1, 0.8, 0.1, 0.0]], role=role, seen=CROWD | other)
    assert (verdict.category, verdict.uncertain) == (category, False)
    (alone,) = judge([[0.1, 0.1, 0.8, 0.0]], role=role, seen=CROWD | other)
    assert alone.category == DOS  # of one source the model alone decides


def test_a_longer_memory_holds_more_of_a_crowd() -> None:
    facts = np.zeros(1, FACTS_DTYPE)
    facts["role"], facts["ports"], facts["peers"] = Role.TARGET, 1, 9
    for name, value in {**CROWD, "recent_flows": 900, "recent_packets": 19_000}.items():
        facts[name] = value
    windows = WindowBatch(np.zeros((1, 1, 1), np.float32), facts)
    for horizon_ms, category in ((5000, DDOS), (10_000, BENIGN)):
        (verdict,) = Policy(THRESHOLDS, ThresholdConfig(), WindowSettings(horizon_ms=horizon_ms)).judge(
            windows, np.array([[0.1, 0.8, 0.1, 0.0]], np.float32)
        )
        assert verdict.category == category


MISSED = {"flows": 32, "packets": 64, "unanswered": 32, "recent_flows": 74, "recent_packets": 299}


@pytest.mark.parametrize(
    ("other", "role", "category"),
    [
        ({}, Role.TARGET, BENIGN),
        ({"interval_flows": 32}, Role.TARGET, BENIGN),
        ({}, Role.SOURCE, DDOS),
        ({"recent_flows": 75}, Role.TARGET, DDOS),
        ({"recent_packets": 300}, Role.TARGET, DDOS),
    ],
)
def test_devices_that_miss_a_server_are_no_flood(
    other: dict[str, int], role: Role, category: Category
) -> None:
    (verdict,) = judge([[0.1, 0.8, 0.1, 0.0]], role=role, seen=MISSED | other)
    assert verdict.category == category


ERRORS = {"flows": 32, "packets": 32, "unanswered": 32, "recent_flows": 499, "protocol": 1}


@pytest.mark.parametrize(
    ("other", "role", "category"),
    [
        ({}, Role.TARGET, BENIGN),
        ({"protocol": 58}, Role.TARGET, BENIGN),
        ({}, Role.SOURCE, DDOS),
        ({"protocol": 17}, Role.TARGET, DDOS),
        ({"packets": 33}, Role.TARGET, DDOS),  # pings one after the other
        ({"recent_flows": 500}, Role.TARGET, DDOS),
    ],
)
def test_what_comes_back_from_a_sweep_is_no_flood(
    other: dict[str, int], role: Role, category: Category
) -> None:
    (verdict,) = judge([[0.2, 0.8, 0.0, 0.0]], role=role, seen=ERRORS | other)
    assert verdict.category == category


STREAMS = {
    "src_port": 5004,
    "flows": 32,
    "lasting": 16,
    "packets": 100,
    "bytes": 30_000,
    "protocol": IPPROTO_UDP,
}
FLOWS = {"unanswered": 32, "recent_flows": 500}


@pytest.mark.parametrize(
    ("other", "category"),
    [
        ({"recent_packets": 39_999}, BENIGN),  # eight cameras, 1,000 a second each over five seconds
        ({"recent_packets": 40_000}, DDOS),
        ({"recent_packets": 3999, "bytes": 29_999}, BENIGN),  # telephones
        ({"recent_packets": 4000, "bytes": 29_999}, DDOS),
        ({"recent_packets": 3999, "lasting": 15}, DDOS),
        ({"recent_packets": 39_999, "uniform": 15}, BENIGN),
        ({"recent_packets": 39_999, "uniform": 16}, DDOS),  # as alike as a script's
        ({"recent_packets": 3999, "uniform": 16}, BENIGN),
        ({"recent_packets": 3999, "protocol": IPPROTO_TCP}, DDOS),
        ({"recent_packets": 3999, "src_port": 123}, DDOS),  # what time servers answer
        ({"recent_packets": 3999, "src_port": 1900}, DDOS),
        ({"recent_packets": 3999, "src_port": 1023, "dst_port": 1023}, BENIGN),
        ({"recent_packets": 3999, "src_port": 1024}, BENIGN),
    ],
)
def test_datagrams_that_go_on_are_streams(other: dict[str, int], category: Category) -> None:
    seen = STREAMS | FLOWS | other
    (verdict,) = judge([[0.1, 0.8, 0.1, 0.0]], role=Role.TARGET, peers=8, seen=seen)
    assert verdict.category == category


QUESTIONS = {"flows": 32, "unanswered": 4, "packets": 64, "protocol": IPPROTO_UDP, "recent_flows": 499}


@pytest.mark.parametrize(
    ("other", "role", "category"),
    [
        ({}, Role.TARGET, BENIGN),
        ({}, Role.SOURCE, DDOS),
        ({"unanswered": 5}, Role.TARGET, DDOS),
        ({"recent_flows": 500}, Role.TARGET, DDOS),
        ({"recent_packets": 10_000}, Role.TARGET, DDOS),
        ({"protocol": 1}, Role.TARGET, DDOS),  # pings
    ],
)
def test_hosts_that_ask_a_server_and_are_answered_are_a_crowd(
    other: dict[str, int], role: Role, category: Category
) -> None:
    seen = QUESTIONS | {"recent_packets": 9999} | other
    (verdict,) = judge([[0.1, 0.9, 0.0, 0.0]], role=role, peers=8, seen=seen)
    assert verdict.category == category


RETRIES = {"flows": 32, "unanswered": 20, "refused": 9, "packets": 159, "protocol": IPPROTO_TCP}


@pytest.mark.parametrize(
    ("other", "category"),
    [
        ({"recent_flows": 399}, BENIGN),  # forty that each try twice a second, over five seconds
        ({"recent_flows": 400}, DDOS),
        ({"packets": 160}, DDOS),
        ({"refused": 8}, DDOS),
        ({"protocol": IPPROTO_UDP}, BENIGN),
        ({"protocol": 1}, DDOS),
        ({"src_port": 80, "dst_port": 5000}, DDOS),
        ({"peers_total": 128, "recent_flows": 499}, BENIGN),
        ({"peers_total": 128, "recent_flows": 500}, DDOS),
        ({"peers_total": 129}, DDOS),
        ({"top_peer": address_words("203.0.113.9")}, DDOS),
    ],
)
def test_clients_near_by_that_try_in_vain_are_no_flood(other: dict[str, Any], category: Category) -> None:
    seen = {"top_peer": address_words("192.168.7.9"), "recent_flows": 399, "recent_packets": 400}
    seen |= {"src_port": 5000, "dst_port": 80}
    (verdict,) = judge([[0.1, 0.9, 0.0, 0.0]], role=Role.TARGET, peers=40, seen=RETRIES | seen | other)
    assert verdict.category == category


@pytest.mark.parametrize(
    ("grouped", "flows", "category"), [(16, 499, BENIGN), (16, 500, DDOS), (15, 499, DDOS)]
)
def test_what_is_told_to_a_group_overwhelms_nobody(grouped: int, flows: int, category: Category) -> None:
    seen = {"flows": 32, "unanswered": 32, "protocol": IPPROTO_UDP, "grouped": grouped}
    seen |= {"recent_flows": flows, "recent_packets": flows}
    (verdict,) = judge([[0.1, 0.9, 0.0, 0.0]], role=Role.TARGET, peers=13, seen=seen)
    assert verdict.category == category


KEPT = {"flows": 32, "packets": 64, "pieces": 16, "unanswered": 4, "recent_flows": 499}


@pytest.mark.parametrize(
    ("other", "category"),
    [
        ({"recent_packets": 1499}, BENIGN),  # sixty clients that hang up, 5 packets a second each
        ({"recent_packets": 1500}, DDOS),
        ({"recent_packets": 1499, "pieces": 15}, DDOS),
        ({"recent_packets": 1499, "unanswered": 5}, DDOS),
        ({"recent_packets": 1499, "recent_flows": 500}, DDOS),
    ],
)
def test_clients_that_keep_connections_open_are_a_crowd(other: dict[str, int], category: Category) -> None:
    (verdict,) = judge([[0.1, 0.8, 0.1, 0.0]], role=Role.TARGET, peers=60, seen=KEPT | other)
    assert verdict.category == category
