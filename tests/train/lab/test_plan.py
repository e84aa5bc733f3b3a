"""Worlds survive being written down."""

import json

from hypothesis import given
from hypothesis import strategies as st

from train.lab.plan import Host, Link, World
from train.lab.world import draw


@given(st.integers(0, 100_000))
def test_a_world_is_the_same_after_json(seed: int) -> None:
    world = draw(seed)
    assert World.from_json(json.loads(json.dumps(world.to_json()))) == world


def test_a_link_is_impaired_by_any_of_its_faults() -> None:
    assert not Link().impaired
    assert Link(delay_ms=1).impaired
    assert Link(jitter_ms=1).impaired
    assert Link(loss=0.01).impaired


def test_a_hosts_addresses_are_told_apart_by_family() -> None:
    host = Host(name="cam", kind="camera", mac="", addresses=["10.0.0.2/24", "fd00::2/64"])
    assert (host.address, host.address6) == ("10.0.0.2", "fd00::2")


def test_a_host_without_ipv6_has_no_such_address() -> None:
    assert Host(name="cam", kind="camera", mac="", addresses=["10.0.0.2/24"]).address6 is None
