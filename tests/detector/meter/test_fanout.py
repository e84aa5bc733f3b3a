"""Several captures of one interface share its packets, each flow with one of them. Needs root."""

import select
import socket
import time
from collections import Counter

import pytest

from detector.config import CaptureConfig
from detector.errors import CaptureError
from detector.meter import Capture, Fanout, PacketBlock
from tests.network import cable, plug
from tests.traffic import ACK, SYN, segment

pytestmark = pytest.mark.live
FLOWS = 200


@pytest.fixture(autouse=True)
def loop() -> None:
    """No flow is metered here."""


def shares(*captures: Capture) -> list[Counter[int]]:
    """Return the ports of the device's side of all packets that each capture gets within half a second."""
    found: list[Counter[int]] = [Counter() for _ in captures]
    deadline = time.monotonic() + 0.5
    while time.monotonic() < deadline:
        for capture, ports in zip(captures, found, strict=True):
            block = PacketBlock()
            if select.select([capture], [], [], 0.05)[0]:
                if capture.sharing:
                    capture.read_share(block)
                else:
                    capture.read(block)
                columns = block.columns[: block.count]
                ports.update((columns["src_port"].astype(int) + columns["dst_port"] - 80).tolist())
    return found


def opened(fanout: Fanout) -> Capture:
    return Capture.open_interface("in0", CaptureConfig(), decode_tunnels=True, fanout=fanout)


def talk() -> None:
    with plug("out0") as send:
        for number in range(FLOWS):
            ports = (20_000 + number, 80)
            send(segment(0, "10.0.0.1", "10.0.0.2", ports, SYN).data)
            send(segment(0, "10.0.0.2", "10.0.0.1", ports[::-1], SYN | ACK).data)


@pytest.mark.usefixtures("namespace")
def test_each_flow_goes_to_one_whole() -> None:
    cable("in0", "out0")
    fanout = Fanout("in0")
    captures = [opened(fanout), opened(fanout)]
    time.sleep(0.01)
    talk()
    one, other = shares(*captures)
    assert len(one) > FLOWS / 4
    assert len(other) > FLOWS / 4
    assert set(one.values()) | set(other.values()) == {2}
    assert not set(one) & set(other)
    assert len(one) + len(other) == FLOWS
    assert [capture.packets for capture in captures] == [2 * len(one), 2 * len(other)]
    for capture in captures:
        capture.close()


@pytest.mark.usefixtures("namespace")
def test_what_came_before_the_sharing_is_nobodys_twice() -> None:
    cable("in0", "out0")
    fanout = Fanout("in0")
    first = opened(fanout)
    first._share_from_ms += 100
    talk()
    (early,) = shares(first)
    assert (early.total(), first.packets) == (0, 0)
    talk()
    (late,) = shares(first)
    assert (late.total(), first.packets, first.sharing) == (2 * FLOWS, 2 * FLOWS, False)
    first.close()


@pytest.mark.usefixtures("namespace")
def test_two_groups_of_one_interface_both_see_everything() -> None:
    cable("in0", "out0")
    captures = [opened(Fanout("in0")), opened(Fanout("in0"))]
    time.sleep(0.01)
    talk()
    assert [ports.total() for ports in shares(*captures)] == [2 * FLOWS, 2 * FLOWS]
    for capture in captures:
        capture.close()


@pytest.mark.usefixtures("namespace")
def test_a_group_may_end_and_begin_again() -> None:
    cable("in0", "out0")
    fanout = Fanout("in0")
    for _ in range(2):
        captures = [opened(fanout), opened(fanout)]
        time.sleep(0.01)
        talk()
        assert sum(ports.total() for ports in shares(*captures)) == 2 * FLOWS
        for capture in captures:
            capture.close()


def test_what_is_no_packet_socket_is_refused() -> None:
    with (
        socket.socket() as plain,
        pytest.raises(CaptureError, match=r"^in0: cannot be shared by several workers"),
    ):
        Fanout("in0").join(plain.fileno())
