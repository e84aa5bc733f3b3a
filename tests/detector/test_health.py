"""What is said of the detector's own state, in the log and as one line."""

import logging
from collections.abc import Callable, Iterator

import pytest

from detector.health import Health
from detector.logs import LOGGER
from detector.metrics import Metrics
from detector.records import Category


class Seconds:
    """Metrics of two interfaces, looked at once a second."""

    def __init__(self) -> None:
        self.now = 0.0
        self.metrics = Metrics()
        self.packets = {"eth0": 0, "eth1": 0}
        self.health = Health(self.metrics, silent_after_secs=60, clock=lambda: self.now)

    def later(self, secs: float = 1.0, packets: int = 10, dropped: int = 0, **troubles: str | None) -> str:
        self.now += secs
        for name, before in self.packets.items():
            self.packets[name] = before + packets
            self.metrics.set_capture(
                name,
                packets=self.packets[name],
                last_packet_ms=1,
                dropped={"kernel": dropped, "shed": 0},
                ignored={},
            )
        return self.health.look({"eth0": troubles.get("eth0"), "eth1": None})


Said = Callable[[], list[str]]


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Iterator[Said]:
    monkeypatch.setattr(LOGGER, "propagate", False)
    LOGGER.addHandler(caplog.handler)
    caplog.set_level(logging.INFO, LOGGER.name)
    yield lambda: caplog.messages
    LOGGER.removeHandler(caplog.handler)


def test_the_line_has_live_figures() -> None:
    seconds = Seconds()
    seconds.later()
    seconds.metrics.set_flows({}, 1234, {("windows", "queue_full"): 5})
    seconds.metrics.set_incidents({Category.DOS: 2}, {})
    line = seconds.later(secs=2, packets=3000, dropped=7)
    assert line == "3,000 packets/s, 1,234 flows, 2 incidents open, 19 lost; eth0 up, eth1 up"


def test_trouble_is_told_when_it_comes_and_when_it_goes(said: Said) -> None:
    seconds = Seconds()
    seconds.later()
    for _ in range(3):
        assert seconds.later(eth0="down").endswith("; eth0 down, eth1 up")
    seconds.later()
    assert said() == ["eth0 is down: nothing can be seen on it.", "eth0 is seen again, after 3 s."]


def test_trouble_that_comes_and_goes_is_told_once_in_ten_seconds(said: Said) -> None:
    seconds = Seconds()
    for _ in range(20):
        seconds.later(eth0="without carrier")
        seconds.later()
    assert sum("without carrier" in message for message in said()) == 4
    assert sum("seen again" in message for message in said()) == 4


def test_the_loss_of_a_capture_is_told_by_its_worker_and_its_return_here(said: Said) -> None:
    seconds = Seconds()
    seconds.later(eth0="gone")
    seconds.later(eth0="not open")
    seconds.later()
    assert said() == ["eth0 is seen again, after 2 s."]


def test_an_interface_without_packets_is_silent(said: Said) -> None:
    seconds = Seconds()
    seconds.later()
    assert seconds.later(secs=59, packets=0).endswith("eth0 up, eth1 up")
    assert seconds.later(packets=0).endswith("eth0 silent for 60 s, eth1 silent for 60 s")
    assert seconds.later(secs=40, packets=0).endswith("eth0 silent for 100 s, eth1 silent for 100 s")
    assert seconds.later(packets=1).endswith("eth0 up, eth1 up")
    assert said()[0] == "eth0 has brought no packet for 60 s: see where it is plugged in."
    assert [message.split()[0] for message in said()] == ["eth0", "eth1"] * 2


def test_an_interface_that_is_down_is_not_called_silent_as_well(said: Said) -> None:
    seconds = Seconds()
    for _ in range(100):
        assert "eth0 down" in seconds.later(eth0="down")
    assert "eth0 up" in seconds.later(packets=0)
    assert [message for message in said() if "eth0 has brought" in message] == []


def test_drops_are_told_with_their_number(said: Said) -> None:
    seconds = Seconds()
    seconds.later()
    for number in range(1, 12):
        seconds.later(dropped=number * 5)
    lost = [message for message in said() if message.startswith("eth0")]
    assert lost == [
        "eth0: 5 packets were lost; see [capture] buffer_bytes and workers.",
        "eth0: 50 packets were lost; see [capture] buffer_bytes and workers.",
    ]
