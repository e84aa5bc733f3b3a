"""What rules ask of a window, and of the interval that made it due."""

import numpy as np
import pytest

from detector.plausible.counts import mostly, near, secs, sources, widest
from detector.records import FACTS_DTYPE, address_words


def test_of_a_burst_all_of_its_interval_counts() -> None:
    facts = np.zeros(2, FACTS_DTYPE)
    facts["flows"], facts["ports"] = 32, 4
    facts["interval_flows"], facts["interval_ports"] = [32, 33], 9
    assert [counts.tolist() for counts in widest(facts, "flows", "ports")] == [[32, 33], [4, 9]]


@pytest.mark.parametrize(
    ("flows", "first", "second", "found"), [(5, 3, 0, True), (5, 1, 2, True), (5, 1, 1, False)]
)
def test_half_of_the_flows_are_most(flows: int, first: int, second: int, *, found: bool) -> None:
    facts = np.zeros(1, FACTS_DTYPE)
    facts["flows"], facts["pieces"], facts["lasting"] = flows, first, second
    assert mostly(facts, "pieces", "lasting").tolist() == [found]


def test_a_window_without_flows_has_none_of_a_kind() -> None:
    assert mostly(np.zeros(1, FACTS_DTYPE), "pieces").tolist() == [False]


def test_a_window_lasts_from_its_first_packet_to_its_last() -> None:
    facts = np.zeros(1, FACTS_DTYPE)
    facts["first_ms"], facts["last_ms"], facts["interval_last_ms"] = 1000, 2500, 250
    assert (secs(facts).tolist(), secs(facts, "interval_").tolist()) == ([1.5], [0.25])


@pytest.mark.parametrize(
    ("close", "far"),
    [
        ("10.255.0.1", "11.0.0.1"),
        ("172.16.0.1", "172.15.255.255"),
        ("172.31.255.255", "172.32.0.0"),
        ("192.168.1.1", "192.169.0.1"),
        ("169.254.3.3", "169.253.3.3"),
        ("fdff::1", "fb00::1"),
        ("febf::1", "fec0::1"),
        ("fc00::1", "2001:db8::1"),
    ],
)
def test_private_addresses_are_near(close: str, far: str) -> None:
    facts = np.zeros(2, FACTS_DTYPE)
    facts["top_peer"], facts["host"] = [address_words(close), address_words(far)], address_words("192.0.2.1")
    assert near(facts).tolist() == [True, False]


def test_addresses_of_one_ipv6_network_are_near() -> None:
    facts = np.zeros(2, FACTS_DTYPE)
    facts["host"] = address_words("2001:db8::1")
    facts["top_peer"] = [address_words("2001:db8::ffff:2"), address_words("2001:db8:0:1::2")]
    assert near(facts).tolist() == [True, False]


@pytest.mark.parametrize(("flows", "peers", "found"), [(32, 16, 100), (32, 15, 15), (3, 3, 100)])
def test_a_window_of_many_stands_for_all_that_are_known(flows: int, peers: int, found: int) -> None:
    facts = np.zeros(1, FACTS_DTYPE)
    facts["flows"], facts["peers"], facts["peers_total"] = flows, peers, 100
    assert sources(facts).tolist() == [found]
