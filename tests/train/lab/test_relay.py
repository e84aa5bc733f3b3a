"""A bad cable delays and loses, and keeps the order."""

import socket
import time
from collections.abc import Iterator

import pytest

from train.lab.plan import Link
from train.lab.relay import Relay

Wire = tuple[Relay, socket.socket, socket.socket]


def wire(link: Link, seed: int = 1) -> Wire:
    """A relay between two pairs of sockets; returns it and the two outer ends."""
    relay = Relay(seed)
    (left, inner_left), (right, inner_right) = (
        socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in "lr"
    )
    for sock in (left, inner_left, right, inner_right):
        sock.setblocking(False)
    relay.join(inner_left, inner_right, link)
    return relay, left, right


@pytest.fixture
def open_wires() -> Iterator[list[Wire]]:
    wires: list[Wire] = []
    yield wires
    for relay, left, right in wires:
        for sock in (left, right, *(port for port, _, _ in relay._far_end.values())):
            sock.close()


def arrivals(made: Wire, seconds: float) -> list[tuple[float, bytes]]:
    """Run the relay for so long; return what comes out on the right, with the time it took."""
    relay, _, right = made
    began, found = time.monotonic(), []
    while (passed := time.monotonic() - began) < seconds:
        relay.turn(5)
        try:
            found.append((passed, right.recv(100)))
        except BlockingIOError:
            continue
    return found


def test_frames_come_late_and_in_order(open_wires: list[Wire]) -> None:
    made = wire(Link(delay_ms=40, jitter_ms=15))
    open_wires.append(made)
    for number in range(20):
        made[1].send(bytes([number]))
    found = arrivals(made, 0.4)
    assert [frame[0] for _, frame in found] == list(range(20))
    assert found[0][0] > 0.005
    assert found[-1][0] > 0.03


def test_both_directions_are_relayed(open_wires: list[Wire]) -> None:
    relay, left, right = made = wire(Link(delay_ms=1))
    open_wires.append(made)
    right.send(b"back")
    relay.turn(100)
    time.sleep(0.01)
    relay.turn(100)
    assert left.recv(10) == b"back"


def test_a_share_of_the_frames_is_lost_and_always_the_same_ones(open_wires: list[Wire]) -> None:
    outcomes = []
    for _ in range(2):
        made = wire(Link(loss=0.5), seed=9)
        open_wires.append(made)
        for number in range(60):
            made[1].send(bytes([number]))
            made[0].turn(0)
        outcomes.append([frame for _, frame in arrivals(made, 0.2)])
    assert outcomes[0] == outcomes[1]
    assert 15 <= len(outcomes[0]) <= 45


def test_a_cable_that_loses_everything_is_silent(open_wires: list[Wire]) -> None:
    made = wire(Link(loss=1.0))
    open_wires.append(made)
    made[1].send(b"lost")
    assert arrivals(made, 0.1) == []
