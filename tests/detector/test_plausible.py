from socket import IPPROTO_TCP, IPPROTO_UDP

import numpy as np
import pytest

from detector.bundle import WindowSettings
from detector.config import ThresholdConfig
from detector.policy import Policy
from detector.records import FACTS_DTYPE, Category, Role, WindowBatch
from tests.detector.test_policy import BENIGN, DDOS, DOS, RECON, THRESHOLDS, judge


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


CROWD = {"flows": 32, "packets": 160, "unanswered": 4, "recent_flows": 499, "recent_packets": 9999}
FULL = {"protocol": IPPROTO_TCP, "bytes": 700 * CROWD["packets"]}


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


CLIENT = {"flows": 23, "packets": 115, "unanswered": 2, "protocol": IPPROTO_TCP, "last_ms": 2000}


@pytest.mark.parametrize(
    ("other", "category"),
    [
        ({}, BENIGN),
        ({"flows": 2, "unanswered": 0, "packets": 999}, BENIGN),
        ({"packets": 1000}, DOS),  # requests inside connections that last
        ({"packets": 9000, "bytes": 700 * 9000}, BENIGN),  # a transfer
        ({"flows": 24, "packets": 120}, DOS),
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
        ({"packets": 129}, DDOS),
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
