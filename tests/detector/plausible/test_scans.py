"""Scans ask many ends, each once, and listen: what is one for that, and what is none."""

from socket import IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP
from typing import Any

import pytest

from detector.records import Category, Role, address_words
from tests.detector.test_policy import BENIGN, DDOS, DOS, RECON, judge


@pytest.mark.parametrize(
    ("role", "ports", "peers", "category"),
    [
        (Role.SOURCE, 5, 1, RECON),
        (Role.SOURCE, 1, 5, RECON),
        (Role.SOURCE, 4, 4, BENIGN),
        (Role.TARGET, 5, 1, RECON),
        (Role.TARGET, 4, 9, BENIGN),  # many clients of a few services
    ],
)
def test_a_scan_asks_many_ends(role: Role, ports: int, peers: int, category: Category) -> None:
    (verdict,) = judge([[0.1, 0.0, 0.0, 0.9]], role=role, ports=ports, peers=peers)
    assert (verdict.category, verdict.uncertain) == (category, False)
    assert verdict.probabilities == pytest.approx((0.1, 0.0, 0.0, 0.9))


FETCHED = {"flows": 10, "packets": 50, "unanswered": 1, "bytes": 80_000, "protocol": IPPROTO_TCP}


@pytest.mark.parametrize(
    ("other", "category"),
    [
        ({}, BENIGN),
        ({"bytes": 79_999}, RECON),
        ({"packets": 49}, RECON),
        ({"unanswered": 2}, RECON),
        ({"protocol": IPPROTO_UDP}, RECON),
    ],
)
@pytest.mark.parametrize("role", Role)
def test_who_fetches_much_from_many_ports_does_not_scan(
    other: dict[str, int], category: Category, role: Role
) -> None:
    (verdict,) = judge([[0.1, 0.0, 0.0, 0.9]], role=role, seen=FETCHED | other)
    assert verdict.category == category


@pytest.mark.parametrize("kind", ["replies", "grouped"])
@pytest.mark.parametrize(("flows", "category"), [(16, BENIGN), (15, RECON)])
@pytest.mark.parametrize("role", Role)
def test_who_answers_or_tells_everybody_does_not_scan(
    role: Role, flows: int, category: Category, kind: str
) -> None:
    """As servers do that were asked in another's name, and controllers that look for each other."""
    seen = {"flows": 32, kind: flows}
    (verdict,) = judge([[0.1, 0.0, 0.0, 0.9]], role=role, ports=32, seen=seen)
    assert verdict.category == category


POLLED = {"flows": 30, "unanswered": 3, "icmp": 15}


@pytest.mark.parametrize(
    ("other", "peers", "category"),
    [
        ({}, 15, BENIGN),
        ({}, 16, RECON),  # some of them once
        ({"unanswered": 4}, 15, RECON),
        ({"icmp": 14}, 15, RECON),  # any service of them
        ({"interval_flows": 31, "interval_peers": 16}, 15, RECON),
    ],
)
def test_who_pings_the_same_again_and_again_and_is_answered_polls(
    other: dict[str, int], peers: int, category: Category
) -> None:
    (verdict,) = judge([[0.1, 0.0, 0.0, 0.9]], ports=1, peers=peers, seen=POLLED | other)
    assert verdict.category == category


LOST = {
    "flows": 30,
    "unanswered": 14,
    "refused": 10,
    "ports_total": 16,
    "peers_total": 47,
    "services": 25,
    "recent_flows": 89,
    "protocol": IPPROTO_TCP,
    "top_peer": address_words("192.0.2.7"),
}
"""Who asks 25 of the services of twenty hosts, five of them twice, 15 new ones a second."""


@pytest.mark.parametrize(
    ("other", "ports", "peers", "category"),
    [
        ({}, 3, 20, BENIGN),
        ({"protocol": IPPROTO_UDP}, 3, 20, BENIGN),
        ({"protocol": IPPROTO_ICMP}, 3, 20, RECON),
        ({}, 2, 20, RECON),  # for a service, as bots do
        ({}, 3, 19, RECON),  # several services of a host
        ({"ports_total": 17}, 3, 20, RECON),
        ({"peers_total": 48}, 3, 20, RECON),
        ({"flows": 34, "unanswered": 18, "peers_total": 127}, 3, 20, BENIGN),  # again and again
        ({"flows": 34, "unanswered": 18, "peers_total": 128}, 3, 20, RECON),
        ({"flows": 33, "unanswered": 17, "peers_total": 48}, 3, 20, RECON),
        ({"recent_flows": 90}, 3, 20, RECON),
        ({"unanswered": 13}, 3, 20, RECON),
        ({"top_peer": address_words("192.168.1.7")}, 3, 20, RECON),
    ],
)
def test_who_tries_servers_far_away_each_for_its_service_has_lost_them(
    other: dict[str, Any], ports: int, peers: int, category: Category
) -> None:
    (verdict,) = judge([[0.1, 0.0, 0.0, 0.9]], ports=ports, peers=peers, seen=LOST | other)
    assert verdict.category == category


def test_who_is_asked_has_lost_nothing() -> None:
    (verdict,) = judge([[0.1, 0.0, 0.0, 0.9]], role=Role.TARGET, peers=20, seen=LOST)
    assert verdict.category is RECON


DECOYED = {"flows": 32, "packets": 64, "ports_total": 1000, "recent_flows": 5000, "protocol": IPPROTO_TCP}
"""Eleven hosts ask three ports; of those that more do in the last interval, all count."""


@pytest.mark.parametrize(
    ("other", "category"),
    [
        ({}, RECON),
        ({"interval_flows": 11_000, "interval_peers": 11, "interval_ports": 1000}, RECON),
        ({"interval_flows": 11_000, "interval_peers": 11, "interval_ports": 500}, RECON),  # but for the ends
        ({"interval_flows": 11_000, "interval_peers": 11, "interval_ports": 499}, DDOS),  # some ports twice
        ({"interval_flows": 11_000, "interval_peers": 9000, "interval_ports": 1000}, DDOS),  # forged
        ({"interval_flows": 11_000, "interval_peers": 11, "interval_ports": 1}, DDOS),
        ({"ports_total": 4}, DDOS),  # few services, by each
        ({"interval_flows": 40, "interval_peers": 30, "interval_ports": 2}, RECON),
        ({"interval_flows": 39, "interval_peers": 30, "interval_ports": 2}, DDOS),  # most ask for one
        ({"packets": 129}, DDOS),
        ({"replies": 16}, DDOS),
        ({"strays": 16}, DDOS),
        ({"protocol": IPPROTO_UDP, "unanswered": 32}, RECON),
    ],
)
def test_who_ask_the_same_ports_are_a_scan_and_its_decoys(other: dict[str, int], category: Category) -> None:
    (verdict,) = judge([[0.0, 0.9, 0.0, 0.1]], role=Role.TARGET, ports=3, peers=11, seen=DECOYED | other)
    assert verdict.category == category


@pytest.mark.parametrize(("flows", "category"), [(274, RECON), (275, DDOS)])
def test_no_decoy_sends_more_datagrams_than_a_scan_could_learn_from(flows: int, category: Category) -> None:
    fast = {"interval_flows": flows, "interval_peers": 11, "interval_ports": 25}
    seen = DECOYED | fast | {"protocol": IPPROTO_UDP, "unanswered": 26}
    (verdict,) = judge([[0.0, 0.9, 0.0, 0.1]], role=Role.TARGET, ports=3, peers=11, seen=seen)
    assert verdict.category == category


INQUIRY = {"flows": 32, "packets": 128, "unanswered": 4, "top_peer_flows": 26, "protocol": 6}
BURST = {"unanswered": 32, "interval_flows": 1000, "interval_packets": 2000, "interval_ports": 900}
"""Those that nobody answered leave last, and so the window is of them."""


@pytest.mark.parametrize(
    ("other", "ports", "category"),
    [
        ({}, 26, RECON),
        ({}, 25, DOS),
        ({"protocol": 17}, 26, DOS),
        ({"packets": 129}, 26, DOS),  # conversations
        ({"unanswered": 5}, 26, DOS),  # nothing to be learnt
        ({"top_peer_flows": 25}, 26, DOS),
        ({"strays": 15}, 26, RECON),
        ({"strays": 16}, 26, DOS),  # data for connections that there are not
        (BURST | {"interval_unanswered": 125}, 32, RECON),
        (BURST | {"interval_unanswered": 126}, 32, DOS),
    ],
)
@pytest.mark.parametrize("role", Role)
def test_who_asks_port_after_port_and_is_answered_scans(
    role: Role, other: dict[str, int], ports: int, category: Category
) -> None:
    (verdict,) = judge([[0.1, 0.0, 0.5, 0.4]], role=role, ports=ports, seen=INQUIRY | other, dos=0.5)
    assert verdict.category == category
    assert verdict.confidence == pytest.approx(0.9 if category == RECON else 0.5)


def test_a_flood_that_the_model_is_sure_of_is_one_though_it_is_answered() -> None:
    for sure, category in ((0.94, RECON), (0.96, DOS)):
        (verdict,) = judge([[1 - sure, 0.0, sure, 0.0]], ports=32, seen=INQUIRY)
        assert verdict.category == category


SWEEP = {
    "flows": 32,
    "packets": 64,
    "unanswered": 10,
    "refused": 6,
    "peers_total": 48,
    "protocol": IPPROTO_TCP,
}
"""Half of the hosts asked do not answer or refuse."""


@pytest.mark.parametrize(
    ("other", "ports", "peers", "category"),
    [
        ({}, 2, 16, RECON),
        ({"protocol": IPPROTO_UDP}, 1, 32, RECON),
        ({"protocol": IPPROTO_ICMP}, 1, 32, BENIGN),  # errors that come back from many
        ({}, 3, 32, BENIGN),
        ({}, 1, 15, BENIGN),  # the same again and again
        ({"peers_total": 47}, 1, 32, BENIGN),
        ({"refused": 5}, 1, 32, BENIGN),
        ({"packets": 129}, 1, 32, BENIGN),
        ({"lasting": 16}, 1, 32, BENIGN),
        ({"replies": 15}, 1, 32, RECON),
        ({"replies": 16}, 1, 32, BENIGN),  # who answers many
        ({"recent_flows": 150}, 1, 32, RECON),
        ({"recent_flows": 149, "protocol": IPPROTO_UDP}, 1, 32, RECON),
        ({"recent_flows": 150, "protocol": IPPROTO_UDP}, 1, 32, BENIGN),  # who looks for a way to his peers
    ],
)
def test_who_asks_many_hosts_for_a_service_in_vain_scans(
    other: dict[str, int], ports: int, peers: int, category: Category
) -> None:
    (verdict,) = judge([[0.4, 0.0, 0.0, 0.6]], ports=ports, peers=peers, seen=SWEEP | other, benign=0.4)
    assert (verdict.category, verdict.uncertain) == (category, False)


@pytest.mark.parametrize("role", Role)
def test_a_sweep_that_the_model_does_not_find_likelier_is_none(role: Role) -> None:
    as_likely = 0.5 if role is Role.SOURCE else 0.6
    row = [1 - as_likely, 0.0, 0.0, as_likely]
    (verdict,) = judge([row], role=role, ports=9, peers=32, seen=SWEEP | {"ports": 2}, benign=0.4)
    assert verdict.category is BENIGN


PROBE = {
    "flows": 30,
    "packets": 40,
    "bytes": 2560,
    "unanswered": 15,
    "services": 24,
    "ports_total": 100,
    "top_peer_flows": 24,
    "protocol": IPPROTO_UDP,
}


@pytest.mark.parametrize(
    ("other", "category"),
    [
        ({}, RECON),
        ({"protocol": IPPROTO_TCP}, BENIGN),
        ({"bytes": 2561}, BENIGN),  # Linux's traceroute says more
        ({"unanswered": 14}, BENIGN),
        ({"services": 23}, BENIGN),
        ({"ports_total": 99}, BENIGN),
        ({"top_peer_flows": 23}, BENIGN),
    ],
)
@pytest.mark.parametrize("role", Role)
def test_empty_datagrams_to_port_after_port_are_a_scan(
    role: Role, other: dict[str, int], category: Category
) -> None:
    (verdict,) = judge([[0.4, 0.0, 0.0, 0.6]], role=role, ports=24, peers=1, seen=PROBE | other, benign=0.4)
    assert verdict.category == category
    (verdict,) = judge([[0.5, 0.0, 0.0, 0.5]], role=role, ports=24, peers=1, seen=PROBE | other, benign=0.4)
    assert verdict.category is BENIGN
