"""Cables and addresses, as commands."""

import pytest

from train.lab import network
from train.lab.plan import Host, Link, World
from train.lab.world import draw


def host(kind: str = "camera", **settings: object) -> Host:
    facts = {"name": "x", "kind": kind, "mac": "02:00:00:00:00:01", "addresses": ["10.0.0.2/24"], **settings}
    return Host(**facts)  # type: ignore[arg-type]


@pytest.fixture
def world() -> World:
    return draw(3, "benign")


def test_a_good_cable_ends_at_the_captured_switch() -> None:
    assert network.cable_commands(host(), 4, 99) == [
        "link add p4 type veth peer name eth0 netns 99",
        "link set p4 master br0 up",
    ]


def test_a_bad_cable_ends_at_the_relay() -> None:
    lines = network.cable_commands(host(link=Link(loss=0.1)), 4, 99)
    assert "link set p4 master br0 up" not in lines
    assert "link set r4 master br0 up" in lines


def test_what_is_behind_the_gateway_is_not_on_the_captured_switch() -> None:
    assert "link set p4 master wan0 up" in network.cable_commands(host(segment="wan"), 4, 99)


def test_the_gateway_has_a_foot_on_both_switches() -> None:
    lines = network.cable_commands(host("gateway"), 0, 99)
    assert {"link set p0 master br0 up", "link set g0 master wan0 up"} <= set(lines)


def test_a_mute_host_throws_away_whatever_it_would_answer(world: World) -> None:
    lines = network.host_commands(world, host(mute=True))
    assert sum("blackhole" in line for line in lines) == 2
    assert not any("default" in line for line in lines)


def test_a_device_leaves_through_the_gateway(world: World) -> None:
    assert f"route add default via {world.gateway.address}" in network.host_commands(world, host())


def test_the_internet_answers_for_its_pools_but_where_it_is_silent(world: World) -> None:
    lines = network.host_commands(
        world, host("internet", segment="wan", pools=["0.0.0.0/0"], silent=["64.0.0.0/2"])
    )
    assert "route add local 0.0.0.0/0 dev lo" in lines
    assert "route add blackhole 64.0.0.0/2 table local" in lines
    assert not any("default" in line for line in lines)


def test_a_command_that_fails_says_which_and_why() -> None:
    with pytest.raises(OSError, match=r"ip -batch -: .*nonsense"):
        network.ip_batch(["nonsense"])


def test_a_setting_that_this_kernel_lacks_is_passed_over() -> None:
    network.write_sysctl("net.ipv4.no_such_setting", "1")
