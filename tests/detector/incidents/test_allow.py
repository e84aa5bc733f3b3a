import pytest

from detector.incidents.allow import AllowList
from detector.records import Category, Role
from tests.detector.incidents.samples import A, V, evidence

SCAN = evidence(Category.RECON)
SCAN_SEEN_BY_THE_TARGET = evidence(Category.RECON, V, Role.TARGET, peer=A)
SCAN_OVER_IPV6 = evidence(Category.RECON, "2001:db8::66", peer="2001:db8::5")


@pytest.mark.parametrize(
    "entry", ["10.0.0.66", "10.0.0.64/30", "0.0.0.0/0", "10.0.0.66 Recon", "10.0.0.0/8 Recon"]
)
def test_an_entry_covers_the_attacker_from_either_end(entry: str) -> None:
    assert AllowList([entry]).allows(SCAN)
    assert AllowList([entry]).allows(SCAN_SEEN_BY_THE_TARGET)


@pytest.mark.parametrize("entry", ["10.0.0.5", "10.0.0.67", "::/0", "10.0.0.66 DoS"])
def test_an_entry_covers_no_victim_no_neighbour_and_no_other_category(entry: str) -> None:
    assert not AllowList([entry]).allows(SCAN)
    assert not AllowList([entry]).allows(SCAN_SEEN_BY_THE_TARGET)


def test_ipv6_networks_are_known() -> None:
    assert AllowList(["2001:db8::/32"]).allows(SCAN_OVER_IPV6)
    assert not AllowList(["2001:db9::/32", "0.0.0.0/0"]).allows(SCAN_OVER_IPV6)


def test_one_matching_entry_is_enough() -> None:
    assert AllowList(["192.0.2.1", A]).allows(SCAN)
    assert not AllowList([]).allows(SCAN)


def test_an_allowed_client_amid_a_flood_does_not_hide_it() -> None:
    flood = evidence(Category.DDOS, V, Role.TARGET, peer=A, peers=16, top_peer_flows=15)
    assert not AllowList([A]).allows(flood)
    assert AllowList([f"{A} DDoS"]).allows(flood)


def test_what_a_source_shows_as_ddos_is_covered_under_both_names() -> None:
    lone = evidence(Category.DDOS)
    assert AllowList([f"{A} DDoS"]).allows(lone)
    assert AllowList([f"{A} DoS"]).allows(lone)
    assert not AllowList([f"{A} Recon"]).allows(lone)
