"""A draft's helpers keep their promises."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from train.lab.draft import Draft
from train.lab.scenes import ATTACKS, BUSTLE, OTHERS, PAIRS, Scene
from train.lab.scenes.life import furnish
from train.lab.scenes.parties import Sources, neighbourhood, seen_as

seeds = st.integers(0, 100_000)
ALL_SCENES = list(
    dict.fromkeys([*BUSTLE, *PAIRS, *OTHERS, *(one for each in ATTACKS.values() for one in each)])
)


def draft(seed: int = 1, seconds: float = 10, devices: int = 4) -> Draft:
    return Draft(seed, "benign", (seconds, seconds), devices=(devices, devices))


@given(seeds, st.floats(1, 30), st.floats(0, 30))
def test_a_span_lies_inside_the_world(seed: int, shortest: float, more: float) -> None:
    start, seconds = draft(seed).span(shortest, shortest + more)
    assert start >= 0
    assert start + seconds <= 10


@given(seeds)
def test_addresses_are_never_given_twice(seed: int) -> None:
    made = draft(seed)
    given_out = [made.lan_address() for _ in range(20)] + [made.public_address() for _ in range(20)]
    assert len(set(given_out)) == 40


@given(seeds)
def test_public_addresses_are_public(seed: int) -> None:
    assert ip_address(draft(seed).public_address()).is_global


@given(seeds, st.floats(0.1, 10), st.floats(11, 1000))
def test_rates_stay_in_their_bounds(seed: int, low: float, high: float) -> None:
    assert low - 0.001 <= draft(seed).between(low, high) <= high + 0.001


def test_a_port_is_served_once() -> None:
    made = draft()
    camera = made.devices[0]
    made.serve(camera, "serve-http", 80)
    made.serve(camera, "serve-banner", 80)
    assert [job.program for job in camera.jobs] == ["serve-http"]


def test_a_kind_that_is_not_there_is_added() -> None:
    made = draft(devices=0)
    assert made.pick("plc").kind == "plc"
    assert len(made.devices) == 1


def test_a_device_is_picked_that_is_not_excluded() -> None:
    made = draft(devices=2)
    assert made.pick(but=[made.devices[0]]) is made.devices[1]


@given(seeds)
def test_a_neighbourhood_leaves_out_the_scanner_itself(seed: int) -> None:
    made = draft(seed)
    assert made.devices[0].address not in neighbourhood(made, made.devices[0])


@given(seeds)
def test_many_sources_are_many_and_one_is_one(seed: int) -> None:
    assert len(Sources(draft(seed), many=False).addresses) == 1
    assert len(set(Sources(draft(seed), many=True).addresses)) >= 2


def test_a_scanner_is_seen_by_the_targets_family() -> None:
    made = draft()
    host = made.devices[0]
    host.addresses = ["10.0.0.9/24", "fd00::9/64"]
    assert seen_as(host, ["10.0.0.1"]) == "10.0.0.9"
    assert seen_as(host, ["fd00::1"]) == "fd00::9"


@pytest.mark.parametrize("scene", ALL_SCENES, ids=[scene.__name__ for scene in ALL_SCENES])
@given(seed=seeds)
def test_every_scene_can_be_added_to_any_network(scene: Scene, seed: int) -> None:
    made = draft(seed, devices=2)
    furnish(made)
    before = sum(len(host.jobs) for host in made.hosts)
    scene(made)
    assert sum(len(host.jobs) for host in made.hosts) > before
    assert len({host.name for host in made.hosts}) == len(made.hosts)
