from collections import Counter
from ipaddress import ip_address, ip_network
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.traffic import EPOCH_MS, Frame, datagram
from tests.train import augmented
from tests.train.augmented import ANY_PACKETS, START
from train.packets import Packet, ends
from train.variants import (
    POOL,
    Attackers,
    Cut,
    Nat,
    OneWay,
    Stretch,
    Thin,
    Variant,
    attackers,
    clients,
    made_up,
)

EVENT = augmented.event("DoS", ["10.0.0.66"])


def packets_of(frames: list[Frame]) -> list[Packet]:
    return [
        Packet(EPOCH_MS * 1000 + round(frame.at_ms * 1000), frame.data, len(frame.data)) for frame in frames
    ]


def seen(variant: Variant, packets: list[Packet]) -> list[Packet]:
    return list(variant.packets(packets, 1))


def senders(packets: list[Packet]) -> Counter[str]:
    found = (ends(packet.data, 1) for packet in packets)
    return Counter(str(ip_address(known.src)) for known in found if known)


@given(packets=ANY_PACKETS, factor=st.floats(0.01, 100))
def test_stretching_keeps_packets_and_their_order(packets: list[Packet], factor: float) -> None:
    variant = Stretch(factor)
    made = seen(variant, packets)
    assert [packet.data for packet in made] == [packet.data for packet in packets]
    gaps = [(b.at_us - a.at_us) * factor for a, b in pairwise(packets)]
    assert [b.at_us - a.at_us for a, b in pairwise(made)] == pytest.approx(gaps, abs=2)
    began = packets[0].at_us / 1e6
    (event,) = variant.events([EVENT | {"start": began, "end": began + 5}])
    assert (event["start"], event["end"]) == pytest.approx((began, began + 5 * factor))


@given(packets=ANY_PACKETS, loss=st.floats(0.01, 0.99), seed=st.text(max_size=3))
def test_loss_takes_packets_and_changes_none(packets: list[Packet], loss: float, seed: str) -> None:
    made = seen(Thin(loss, seed), packets)
    assert made == seen(Thin(loss, seed), packets)
    rest = iter(packets)
    assert all(packet in rest for packet in made)  # a subsequence


def test_loss_takes_its_share() -> None:
    packets = packets_of(augmented.flood(["10.0.0.66"], 2000))
    assert len(seen(Thin(0.3, "x"), packets)) == pytest.approx(2800, abs=150)


@given(packets=ANY_PACKETS, seconds=st.floats(0.1, 20))
def test_cutting_keeps_the_first_seconds(packets: list[Packet], seconds: float) -> None:
    made = seen(Cut(seconds), packets)
    until = packets[0].at_us + seconds * 1e6
    assert made == [packet for packet in packets if packet.at_us < until]


def test_cutting_cuts_the_truth() -> None:
    variant = Cut(1.5)
    seen(variant, packets_of(augmented.life(1)))
    late = EVENT | {"start": START + 1.6}
    assert variant.events([EVENT, late]) == [EVENT | {"end": START + 1.5}]


@given(packets=ANY_PACKETS)
def test_one_way_shows_each_pair_in_one_direction(packets: list[Packet]) -> None:
    made = seen(OneWay(), packets)
    pairs = {(known.src, known.dst) for packet in made if (known := ends(packet.data, 1))}
    assert not any(pair[::-1] in pairs for pair in pairs if pair[0] != pair[1])
    all_pairs = {frozenset((k.src, k.dst)) for packet in packets if (k := ends(packet.data, 1))}
    assert {frozenset(pair) for pair in pairs} == all_pairs
    assert [p for p in made if ends(p.data, 1) is None] == [p for p in packets if ends(p.data, 1) is None]


@given(packets=ANY_PACKETS, seed=st.text(max_size=3))
def test_behind_a_nat_nobody_inside_is_seen(packets: list[Packet], seed: str) -> None:
    inside = [ip_address(host).packed for host in ("10.0.0.1", "10.0.0.2", "2001:db8::1")]
    made = seen(Nat(inside, seed), packets)
    known = [ends(packet.data, 1) for packet in packets]
    within = [each is not None and each.src in inside and each.dst in inside for each in known]
    assert len(made) == len(packets) - sum(within)
    ports: dict[tuple[bytes, int, int], set[int]] = {}
    for before, after in zip(
        [packet for packet, hidden in zip(packets, within, strict=True) if not hidden], made, strict=True
    ):
        old, new = ends(before.data, 1), ends(after.data, 1)
        assert (after.at_us, len(after.data)) == (before.at_us, len(before.data))
        if old is None or new is None:
            assert before == after
            continue
        assert new.src not in inside
        assert new.dst not in inside
        for host, end in ((old.src, 0), (old.dst, 1)):
            if host in inside and old.ports and new.ports:
                ports.setdefault((host, old.protocol, old.ports[end]), set()).add(new.ports[end])
    assert all(len(given) == 1 for given in ports.values())
    assert len(set().union(*ports.values())) == len(ports)


def test_a_nat_is_the_attacker_that_its_victim_sees() -> None:
    hosts = ["10.0.0.66", "10.0.0.67", "10.0.0.68"]
    variant = Nat(attackers({"events": [augmented.event("DDoS", hosts)]}) or [], "x")
    made = seen(variant, packets_of(augmented.flood(hosts)))
    (event,) = variant.events([augmented.event("DDoS", hosts)])
    assert set(senders(made)) == {augmented.VICTIM, *event["attackers"]}
    assert len(event["attackers"]) == 1
    assert event["victims"] == [augmented.VICTIM]


@pytest.mark.parametrize(("hosts", "count"), [(1, 7), (3, 7), (7, 7), (9, 4), (9, 1)])
def test_an_attack_comes_from_as_many_as_asked(hosts: int, count: int) -> None:
    before = [f"10.0.0.{60 + number}" for number in range(hosts)]
    truth = {"events": [EVENT | {"class": "ignore"}, augmented.event("DoS", before)]}
    packets = packets_of([*augmented.flood(before, 200), *augmented.life()])
    variant = Attackers(truth, count, "x")
    made = seen(variant, packets)
    ignored, event = variant.events(truth["events"])
    assert ignored == truth["events"][0]
    assert len(event["attackers"]) == count
    found = senders(made)
    assert {host: found[host] for host in senders(packets) if host not in before} == {
        host: packets_sent for host, packets_sent in senders(packets).items() if host not in before
    }
    assert set(found) - set(senders(packets)) == set(event["attackers"])
    flows = Counter()  # type: ignore[var-annotated] # pairs of ends
    for packet in made:
        known = ends(packet.data, 1)
        assert known is not None
        flows[
            frozenset([(known.src, (known.ports or (0, 0))[0]), (known.dst, (known.ports or (0, 0))[1])])
        ] += 1
    assert set(flows.values()) == {2}  # each request keeps its reply


def test_a_flood_in_one_flow_is_spread_packet_by_packet() -> None:
    frames = [datagram(1000 + n, "10.0.0.66", augmented.VICTIM, (5000, 53), b"x") for n in range(100)]
    variant = Attackers({"events": [EVENT]}, 10, "x")
    assert sorted(senders(seen(variant, packets_of(frames))).values()) == [10] * 10


def test_spoofed_sources_become_few() -> None:
    hosts = [f"10.9.{number // 250}.{1 + number % 250}" for number in range(600)]
    variant = Attackers({"events": [augmented.event("DDoS", ["*"])]}, 5, "x")
    made = seen(variant, packets_of(augmented.flood(hosts, 90)))
    assert len(set(senders(made))) == 6


def test_clients_begin_and_are_asked_for_nothing() -> None:
    found = clients(packets_of(augmented.life()), 1)
    assert [str(ip_address(host)) for host in found] == ["192.168.1.10", "192.168.1.11", "192.168.1.12"]


def test_attackers_are_known_where_all_are_named() -> None:
    assert attackers({"events": [EVENT]}) == [ip_address("10.0.0.66").packed]
    assert attackers({"events": [EVENT, augmented.event("DDoS", ["*"])]}) is None
    assert attackers({"events": [augmented.event("DDoS", ["10.0.0.0/8"])]}) is None
    assert attackers({"events": []}) is None


@given(numbers=st.sets(st.integers(0, POOL - 1), max_size=20), size=st.sampled_from([4, 16]))
def test_made_up_addresses_differ_and_are_nobodys(numbers: set[int], size: int) -> None:
    made = [ip_address(made_up(number, size)) for number in numbers]
    assert len(set(made)) == len(numbers)
    network = ip_network("198.18.0.0/15" if size == 4 else "2001:db8::/32")
    assert all(address in network for address in made)
