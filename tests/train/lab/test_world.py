"""Worlds come from their seed alone, are bounded, and say truly who is in them."""

from collections import Counter
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.records import Category
from train.lab.draft import Draft
from train.lab.plan import Event, World
from train.lab.registry import PROGRAMS
from train.lab.scenes import connections, requests, services, volume
from train.lab.scenes.onslaught import (
    ALONE_PER_SECOND,
    ASKED_PER_SECOND,
    BUSY_PER_SECOND,
    CYCLES_PER_SECOND,
    DATA_BYTES,
    MISSED_PER_SECOND,
    OVERRUN_PER_SECOND,
    STREAM_PER_SECOND,
    floor_of,
)
from train.lab.truth import ANY
from train.lab.world import KINDS, QUIET, draw, kind_of

MOST_PACKETS = 22_000
MOST_PER_SECOND = 20_000
seeds = st.integers(0, 1_000_000)
kinds = st.sampled_from(KINDS)


@given(seeds, kinds)
def test_the_same_seed_gives_the_same_world(seed: int, kind: str) -> None:
    assert draw(seed, kind) == draw(seed, kind)


@given(seeds, kinds)
def test_another_seed_gives_another_world(seed: int, kind: str) -> None:
    assert draw(seed, kind).to_json() | {"seed": 0} != draw(seed + 1, kind).to_json() | {"seed": 0}


@given(seeds, kinds)
def test_every_job_is_a_program_that_ends(seed: int, kind: str) -> None:
    world = draw(seed, kind)
    for job in (job for host in world.everyone for job in host.jobs):
        assert job.program in PROGRAMS
        assert 0 <= job.start < world.seconds
        assert 0 < job.seconds <= world.seconds + 1


@given(seeds, kinds)
def test_floods_are_bounded_in_count_and_rate(seed: int, kind: str) -> None:
    for host in draw(seed, kind).everyone:
        for job in host.jobs:
            if job.event is not None and "count" in job.params:
                assert job.params["count"] <= MOST_PACKETS
                assert job.params.get("rate", 1) <= MOST_PER_SECOND


@given(seeds, st.sampled_from(("recon", "dos", "ddos", "overrun")))
def test_a_world_of_a_kind_has_one_attack_of_its_class(seed: int, kind: str) -> None:
    category = "dos" if kind == "overrun" else kind
    categories = [event.category for event in draw(seed, kind).events]
    assert [str(found).lower() for found in categories if found not in {Category.BENIGN, None}] == [category]


@given(seeds, st.sampled_from(sorted(QUIET)))
def test_a_quiet_world_has_no_attack(seed: int, kind: str) -> None:
    assert {event.category for event in draw(seed, kind).events} <= {Category.BENIGN, None}


@given(seeds)
def test_a_world_of_a_pair_has_clients_of_one_server_at_a_time(seed: int) -> None:
    world = draw(seed, "pair")
    assert 1 <= len({(event.tool, *event.victims) for event in world.events}) <= 2
    assert all(len(event.victims) == 1 for event in world.events)
    assert sum(event.tool != "beat" for event in world.events) <= 2  # to a beat go several machines


@given(seeds)
def test_a_world_of_a_crowd_asks_less_than_a_flood(seed: int) -> None:
    world = draw(seed, "crowd")
    assert 1 <= len({event.tool for event in world.events}) <= 2
    for event in world.events:
        if event.tool == "cut-off":  # each device by itself
            continue
        assert len(event.attackers) >= 2
        if event.tool == "unheard":
            assert event.params["rate"] <= MISSED_PER_SECOND
            continue
        rate = event.params["clients"] / event.params["beat"]
        stays = event.params["exchanges"] > 1
        most = {"missed": MISSED_PER_SECOND}.get(event.tool, ASKED_PER_SECOND if stays else BUSY_PER_SECOND)
        assert rate <= most * 1.001


def messages_a_second(event: Event) -> float:
    """Asked by an event, as drawn; without end where nobody waits."""
    if "rate" in event.params:
        return float(event.params["rate"])
    think = event.params["think"]
    return float(event.params["clients"] / think) if think else inf


@given(seeds)
def test_harmless_flows_that_last_carry_fewer_small_messages_than_a_flood(seed: int) -> None:
    (*_, event) = draw(seed, "cycle").events
    if event.tool == "walk":
        return
    params = event.params
    sizes = (*params["bytes"], params["reply"]) if "bytes" in params else (params["ask"], params["reply"])
    if max(sizes) < DATA_BYTES:
        most = STREAM_PER_SECOND if params.get("kind") == "raw" else CYCLES_PER_SECOND
        assert messages_a_second(event) <= most * 1.001


@given(seeds, st.sampled_from((services.busy_datagram_server, services.collector, volume.stream)))
def test_one_harmless_sender_of_small_datagrams_is_no_faster_than_no_flood_is(
    seed: int, scene: Callable[[Draft], None]
) -> None:
    draft = Draft(seed, "benign", (8, 8))
    scene(draft)
    for event in (event for event in draft.world().events if len(event.attackers) == 1):
        assert max(event.params["bytes"]) >= DATA_BYTES or event.params["rate"] <= STREAM_PER_SECOND


@given(seeds)
def test_harmless_transfers_carry_data(seed: int) -> None:
    draft = Draft(seed, "benign", (8, 8))
    volume.transfer(draft)
    (event,) = draft.world().events
    assert max(event.params["ask"], event.params["reply"]) >= DATA_BYTES


@given(seeds)
def test_one_source_that_overruns_another_does_so_over_few_flows_and_fast(seed: int) -> None:
    (event,) = (event for event in draw(seed, "overrun").events if event.category is Category.DOS)
    params = event.params
    assert len(event.attackers) == len(event.victims) == 1
    assert {params.get(key, 1) for key in ("flows", "clients", "parallel")} <= {1, 2, 4, 6}
    assert messages_a_second(event) >= OVERRUN_PER_SECOND * 0.999
    assert event.least == OVERRUN_PER_SECOND


@given(seeds)
def test_a_flood_from_one_source_is_faster_than_a_busy_client(seed: int) -> None:
    world = draw(seed, "dos")
    for event in (event for event in world.events if event.category is Category.DOS):
        if event.tool.endswith("-one-flow"):
            assert event.params["rate"] >= floor_of(event.params["kind"], one_flow=True)
        elif event.tool == "udp-sockets":
            assert event.params["rate"] >= STREAM_PER_SECOND
        elif event.tool == "question-flood":
            assert event.params["rate"] > ASKED_PER_SECOND


@given(seeds)
def test_a_flood_of_sessions_is_faster_than_a_busy_client_or_of_no_class(seed: int) -> None:
    draft = Draft(seed, "dos", (8, 8))
    connections.conversation_flood(draft)
    (event,) = draft.world().events
    params = event.params
    assert params["clients"] / params["pause"] >= ALONE_PER_SECOND * 0.999
    assert event.least >= ALONE_PER_SECOND * (9 + 3) / 2


def carried(scene: Callable[[Draft], None], seed: int) -> tuple[int, int]:
    """Return the bytes that each conversation of a flood sends, and those that it is answered with."""
    draft = Draft(seed, "dos", (8, 8))
    scene(draft)
    (event,) = draft.world().events
    params = event.params
    if "messages" in params:
        return params["messages"] * params["bytes"], 0
    if "ask" in params:
        return params["ask"], params["reply"]
    _, _, page = params["path"].partition("/b/")
    return params.get("body", 0), int(page or 0)


@pytest.mark.parametrize(
    ("scene", "sends", "gets"),
    [
        (requests.http_flood, 2000, 40_000),
        (requests.apache_bench, 0, 40_000),
        (connections.connection_flood, 10_000, 0),
        (connections.conversation_flood, 40_000, 40_000),
    ],
)
def test_conversations_of_floods_carry_anything_from_nothing_to_whole_pages(
    scene: Callable[[Draft], None], sends: int, gets: int
) -> None:
    drawn = [carried(scene, seed) for seed in range(300)]
    assert min(there for there, _ in drawn) <= 8
    assert min(back for _, back in drawn) == 0
    assert max(there for there, _ in drawn) >= sends
    assert max(back for _, back in drawn) >= gets


def test_ordinary_datagrams_may_be_more_than_odd_packets_before_they_are_a_flood() -> None:
    assert floor_of("syn") < floor_of("icmp") < floor_of("udp") < floor_of("udp", one_flow=True)


@given(seeds, kinds)
def test_no_two_hosts_share_an_address_or_a_name(seed: int, kind: str) -> None:
    everyone = draw(seed, kind).everyone
    for shared in (
        [address for host in everyone for address in host.addresses],
        [host.name for host in everyone],
        [host.mac for host in everyone],
    ):
        assert [thing for thing, times in Counter(shared).items() if times > 1] == []


@given(seeds, kinds)
def test_hosts_of_the_switch_live_in_its_networks(seed: int, kind: str) -> None:
    world = draw(seed, kind)
    networks = [ip_network(net) for net in (world.lan4, world.lan6) if net]
    for host in (host for host in world.everyone if host.segment == "lan"):
        for address in host.addresses:
            assert any(ip_address(address.split("/")[0]) in network for network in networks)


@given(seeds, kinds)
def test_every_event_has_jobs_attackers_and_victims(seed: int, kind: str) -> None:
    world = draw(seed, kind)
    with_jobs = {job.event for host in world.everyone for job in host.jobs} - {None}
    assert with_jobs == set(range(len(world.events)))
    for event in world.events:
        assert event.attackers
        assert event.victims
        assert ANY not in event.victims


@given(seeds, kinds)
def test_addresses_of_events_are_written_as_in_packets(seed: int, kind: str) -> None:
    for event in draw(seed, kind).events:
        for address in (*event.attackers, *event.victims):
            assert address == ANY or str(ip_address(address)) == address


def _outside_pairs(world: World) -> list[tuple[str, list[str]]]:
    outside = {host.address for host in world.hosts if host.segment == "wan"}
    return [(a, event.victims) for event in world.events for a in event.attackers if a in outside]


@given(seeds, kinds)
def test_outsiders_never_aim_at_the_gateway_whose_answers_the_switch_would_not_see(
    seed: int, kind: str
) -> None:
    world = draw(seed, kind)
    for _, victims in _outside_pairs(world):
        assert victims != [world.gateway.address]


@given(seeds, st.floats(3, 20), st.floats(0, 40))
def test_a_world_lives_as_long_as_asked(seed: int, shortest: float, more: float) -> None:
    assert (
        shortest - 0.01 <= draw(seed, seconds=(shortest, shortest + more)).seconds <= shortest + more + 0.01
    )


def test_a_set_holds_all_kinds_and_more_than_forty_tools() -> None:
    worlds = [draw(seed) for seed in range(400)]
    tools = {(event.category, event.tool) for world in worlds for event in world.events}
    assert {world.kind for world in worlds} == set(KINDS) - {"pair", "crowd", "cycle", "overrun"}
    assert len(tools) >= 60
    assert sum(category is Category.BENIGN for category, _ in tools) >= 20


def test_the_kind_follows_the_seed() -> None:
    assert draw(5).kind == kind_of(5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_named_kind_wins_over_the_drawn_one(kind: str) -> None:
    assert draw(5, kind).kind == kind


@given(seeds, kinds)
def test_a_one_way_capture_misses_one_host_and_no_attacker(seed: int, kind: str) -> None:
    world = draw(seed, kind)
    hidden = [host for host in world.everyone if host.mac in world.unseen]
    assert len(hidden) <= 1
    for job in (job for host in hidden for job in host.jobs if job.event is not None):
        assert world.events[job.event or 0].category is Category.BENIGN


def test_some_captures_are_one_way_and_most_are_not() -> None:
    hidden = sum(bool(draw(seed).unseen) for seed in range(200))
    assert 3 <= hidden <= 40
