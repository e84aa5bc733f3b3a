"""What is a flood though a model may take it for something else."""

from socket import IPPROTO_ICMP

import pytest

from detector.records import Category, Role
from tests.detector.test_policy import BENIGN, DDOS, DOS, RECON, judge

BARRAGE = {"flows": 32, "unanswered": 26, "interval_flows": 25, "top_peer_flows": 26, "protocol": 17}


@pytest.mark.parametrize(
    ("other", "category"),
    [
        ({}, DOS),
        ({"protocol": 6}, RECON),  # a fast scan of TCP ports learns all the same
        ({"unanswered": 25}, RECON),
        ({"interval_flows": 24}, RECON),
        ({"top_peer_flows": 25}, RECON),  # a sweep over hosts
    ],
)
@pytest.mark.parametrize("role", Role)
def test_datagrams_faster_than_a_scan_could_learn_from_are_a_flood(
    other: dict[str, int], category: Category, role: Role
) -> None:
    (verdict,) = judge([[0.1, 0.0, 0.3, 0.6]], role=role, ports=32, seen=BARRAGE | other, recon=0.6)
    assert verdict.category == category
    assert verdict.confidence == pytest.approx(0.9 if category == DOS else 0.6)


def test_a_fast_scan_of_datagrams_that_the_model_is_sure_of_is_one() -> None:
    for sure, category in ((0.94, DOS), (0.96, RECON)):
        (verdict,) = judge([[1 - sure, 0.0, 0.0, sure]], ports=32, seen=BARRAGE)
        assert verdict.category == category


@pytest.mark.parametrize(
    ("strays", "between_two", "new", "category"),
    [(26, 26, 25, DOS), (25, 26, 25, RECON), (26, 25, 25, RECON), (26, 26, 24, RECON)],
)
@pytest.mark.parametrize("role", Role)
def test_data_for_connections_that_there_are_not_is_a_flood_and_no_scan(
    strays: int, between_two: int, new: int, category: Category, role: Role
) -> None:
    """As bots send it to any port: whoever is asked so refuses, and a scan need not say anything."""
    seen = {"flows": 32, "strays": strays, "top_peer_flows": between_two, "protocol": 6}
    seen["interval_flows"] = new
    (verdict,) = judge([[0.05, 0.0, 0.35, 0.6]], role=role, ports=32, seen=seen, recon=0.6)
    assert verdict.category == category


@pytest.mark.parametrize(("peers", "category"), [(2, DDOS), (1, DOS)])
def test_a_distributed_flood_has_several_sources(peers: int, category: Category) -> None:
    seen = {"recent_flows": 500}
    (verdict,) = judge([[0.1, 0.8, 0.1, 0.0]], role=Role.TARGET, peers=peers, seen=seen)
    assert verdict.category is category
    assert verdict.confidence == pytest.approx(0.8 if category is DDOS else 0.9)


DELUGE = {"flows": 10, "unanswered": 9, "top_peer_flows": 9, "protocol": 17, "interval_packets": 10_000}


@pytest.mark.parametrize(
    ("other", "role", "category"),
    [
        ({}, Role.TARGET, DOS),
        ({}, Role.SOURCE, BENIGN),
        ({"protocol": 6}, Role.TARGET, BENIGN),  # a transfer of which one direction is seen
        ({"interval_packets": 9999}, Role.TARGET, BENIGN),
        ({"interval_last_ms": 6001}, Role.TARGET, BENIGN),
        ({"unanswered": 7}, Role.TARGET, BENIGN),
        ({"top_peer_flows": 7}, Role.TARGET, BENIGN),
    ],
)
def test_more_datagrams_than_a_stream_has_are_a_flood(
    other: dict[str, int], role: Role, category: Category
) -> None:
    seen = {**DELUGE, "interval_first_ms": 5000, "interval_last_ms": 6000} | other
    (verdict,) = judge([[0.7, 0.0, 0.3, 0.0]], role=role, seen=seen)
    assert (verdict.category, verdict.uncertain) == (category, False)


PAUSED = {"flows": 1, "top_peer_flows": 1, "packets": 9000, "bytes": 9000, "last_ms": 7001}
OVERRUN = {"flows": 10, "packets": 4000, "bytes": 1_200_000, "top_peer_flows": 5, "protocol": 6}


@pytest.mark.parametrize(
    ("row", "other", "role", "category"),
    [
        ([0.40, 0.0, 0.6, 0.0], {}, Role.TARGET, DOS),
        ([0.40, 0.0, 0.6, 0.0], {}, Role.SOURCE, BENIGN),
        ([0.55, 0.0, 0.45, 0.0], {}, Role.TARGET, BENIGN),  # the model finds Benign likelier
        ([0.40, 0.0, 0.6, 0.0], {"packets": 3999, "bytes": 1_199_700}, Role.TARGET, BENIGN),
        ([0.40, 0.0, 0.6, 0.0], {"bytes": 1_200_001}, Role.TARGET, BENIGN),  # it carries data
        ([0.40, 0.0, 0.6, 0.0], {"last_ms": 6999, "packets": 4000}, Role.TARGET, BENIGN),  # soon over
        ([0.40, 0.0, 0.6, 0.0], {"last_ms": 7001}, Role.TARGET, BENIGN),
        ([0.40, 0.0, 0.6, 0.0], {"flows": 1, "top_peer_flows": 1}, Role.TARGET, DOS),
        ([0.40, 0.0, 0.6, 0.0], {**PAUSED, "last_ms": 7000}, Role.TARGET, DOS),
        ([0.40, 0.0, 0.6, 0.0], PAUSED, Role.TARGET, BENIGN),  # with pauses
        ([0.40, 0.0, 0.6, 0.0], {"flows": 63, "top_peer_flows": 63}, Role.TARGET, BENIGN),  # flows that end
        ([0.40, 0.0, 0.6, 0.0], {"top_peer_flows": 4}, Role.TARGET, BENIGN),  # of several clients
    ],
)
def test_more_small_packets_inside_flows_that_last_need_only_be_likelier_a_flood(
    row: list[float], other: dict[str, int], role: Role, category: Category
) -> None:
    seen = {**OVERRUN, "first_ms": 5000, "last_ms": 7000} | other
    (verdict,) = judge([row], dos=0.93, benign=0.3, role=role, seen=seen)
    assert (verdict.category, verdict.uncertain) == (category, False)


ALIKE = {"flows": 10, "uniform": 5, "packets": 1600, "bytes": 1_600_000, "top_peer_flows": 5, "protocol": 17}
RUSH = {"flows": 9, "unanswered": 5, "packets": 8000, "bytes": 9_600_000, "top_peer_flows": 5, "protocol": 17}


@pytest.mark.parametrize(
    ("benign", "seen", "category"),
    [
        (0.4, ALIKE, DOS),
        (0.6, ALIKE, BENIGN),  # the model finds Benign likelier
        (0.4, ALIKE | {"packets": 1599}, BENIGN),
        (0.4, ALIKE | {"uniform": 4}, BENIGN),
        (0.4, ALIKE | {"top_peer_flows": 4}, BENIGN),
        (0.4, RUSH, DOS),
        (0.6, RUSH, BENIGN),
        (0.4, RUSH | {"packets": 7999}, BENIGN),
        (0.4, RUSH | {"unanswered": 4}, BENIGN),
        (0.4, RUSH | {"protocol": 6}, BENIGN),  # a transfer of which one direction is seen
    ],
)
def test_datagrams_all_alike_or_faster_than_a_camera_need_only_be_likelier_a_flood(
    benign: float, seen: dict[str, int], category: Category
) -> None:
    seen = {"first_ms": 5000, "last_ms": 7000} | seen
    (verdict,) = judge([[benign, 0.0, 1 - benign, 0.0]], dos=0.93, benign=0.3, role=Role.TARGET, seen=seen)
    assert (verdict.category, verdict.uncertain) == (category, False)


@pytest.mark.parametrize(
    ("torrents", "role", "category"),
    [(2, Role.TARGET, DOS), (1, Role.TARGET, BENIGN), (2, Role.SOURCE, BENIGN)],
)
def test_torrents_are_a_flood_whatever_else_a_host_does(
    torrents: int, role: Role, category: Category
) -> None:
    seen = {"flows": 32, "torrents": torrents, "protocol": 6, "packets": 6000}
    (verdict,) = judge([[0.9, 0.0, 0.1, 0.0]], role=role, seen=seen)
    assert verdict.category == category


@pytest.mark.parametrize(("torrents", "category"), [(2, DDOS), (1, BENIGN)])
def test_a_crowd_does_not_send_torrents(torrents: int, category: Category) -> None:
    """As Mirai's bots do into connections, a hundred packets a second each."""
    seen = {"flows": 32, "packets": 2700, "torrents": torrents, "protocol": 6, "recent_packets": 5000}
    (verdict,) = judge([[0.1, 0.88, 0.02, 0.0]], role=Role.TARGET, peers=12, seen=seen)
    assert verdict.category == category


SURGE = {"flows": 4, "packets": 40_000, "bytes": 12_000_000, "top_peer_flows": 4, "protocol": 6}


@pytest.mark.parametrize(
    ("other", "role", "category"),
    [
        ({}, Role.TARGET, DOS),
        ({}, Role.SOURCE, BENIGN),
        ({"packets": 39_999, "bytes": 11_999_700}, Role.TARGET, BENIGN),
        ({"bytes": 12_000_001}, Role.TARGET, BENIGN),
        ({"last_ms": 6999}, Role.TARGET, BENIGN),
        ({"top_peer_flows": 1}, Role.TARGET, BENIGN),
    ],
)
def test_small_packets_without_end_are_a_flood_whatever_the_model_says(
    other: dict[str, int], role: Role, category: Category
) -> None:
    seen = {**SURGE, "first_ms": 5000, "last_ms": 7000} | other
    (verdict,) = judge([[0.5, 0.0, 0.34, 0.16]], dos=0.85, benign=0.3, role=role, seen=seen)
    assert (verdict.category, verdict.uncertain) == (category, False)


PINGS = {
    "flows": 2,
    "icmp": 2,
    "packets": 400,
    "bytes": 500_000,
    "top_peer_flows": 2,
    "protocol": IPPROTO_ICMP,
}


@pytest.mark.parametrize(
    ("other", "role", "category"),
    [
        ({}, Role.TARGET, DOS),
        ({}, Role.SOURCE, BENIGN),
        ({"packets": 399}, Role.TARGET, BENIGN),
        ({"icmp": 1}, Role.TARGET, BENIGN),
        ({"unanswered": 1}, Role.TARGET, BENIGN),  # errors, of a stream that nobody wants
        ({"last_ms": 6999}, Role.TARGET, BENIGN),
    ],
)
def test_pings_without_end_are_a_flood_whatever_the_model_says(
    other: dict[str, int], role: Role, category: Category
) -> None:
    seen = {**PINGS, "first_ms": 5000, "last_ms": 7000} | other
    (verdict,) = judge([[0.5, 0.0, 0.34, 0.16]], dos=0.85, benign=0.3, role=role, seen=seen)
    assert (verdict.category, verdict.uncertain) == (category, False)
