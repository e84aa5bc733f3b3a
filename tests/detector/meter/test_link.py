"""What the kernel says of an interface. Needs root."""

import pytest

from detector.meter.link import Link, look
from tests.network import cable, ip, until

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("namespace")]


def test_up_down_carrier_and_gone() -> None:
    cable("in0", "out0")
    number = look("in0").number
    assert number > 0
    until(lambda: look("in0").problem is None, 2)  # the kernel takes a moment to see the carrier
    ip("link set out0 down")
    until(lambda: look("in0") == Link(number, "without carrier"), 2)
    ip("link set in0 down")
    assert look("in0") == Link(number, "down")
    ip("link set in0 up")
    ip("link set out0 up")
    until(lambda: look("in0") == Link(number, None), 2)
    ip("link del in0")
    assert look("in0") == Link(0, "gone")


def test_a_name_goes_to_another_interface() -> None:
    cable("in0", "out0")
    before = look("in0")
    ip("link set in0 down")
    ip("link set in0 name in9")
    assert look("in0") == Link(0, "gone")
    assert look("in9").number == before.number
    cable("in0", "out1")
    assert look("in0").number not in {0, before.number}


@pytest.mark.parametrize(("name", "link"), [("any", Link(0, None)), ("a" * 16, Link(0, "gone"))])
def test_names_that_no_interface_has(name: str, link: Link) -> None:
    assert look(name) == link


def test_the_loopback_is_always_there() -> None:
    assert look("lo").problem is None
