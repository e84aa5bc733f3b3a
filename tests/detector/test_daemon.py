"""The daemon on real interfaces, turn by turn, in namespaces of the test's own. Needs root."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from detector.bundle import WindowSettings
from detector.config import CaptureConfig, Config, WindowConfig
from detector.daemon import Daemon
from detector.errors import CaptureError
from detector.logs import LOGGER
from detector.metrics import families
from detector.notify import Notifier
from detector.pipeline import Pipeline
from detector.records import Alert, Expiry, FlowBatch, State, Verdict
from detector.run import open_bundle
from detector.scorer import OnnxScorer
from detector.sinks import SinkSet
from detector.steps import Step
from detector.windows import Windows
from tests.network import cable, ip, plug
from tests.traffic import SYN, datagram, segment

pytestmark = pytest.mark.live
Send = Callable[[bytes], int]
FRAME = datagram(0, "10.0.0.1", "10.0.0.2", (40_000, 53), b"x" * 20).data
IDLE_SECS = 1.0
"""As the rule bundle says."""


class Recording(Windows):
    """Windows that keep what is pushed into them."""

    def __init__(self, settings: WindowSettings, config: WindowConfig, flows: list[FlowBatch]) -> None:
        super().__init__(settings, config)
        self.flows = flows

    def push(self, flows: FlowBatch) -> None:
        self.flows.append(flows)
        super().push(flows)


class Watch(Pipeline):
    """A pipeline and its daemon, with all that went through them."""

    def __init__(
        self,
        bundle: Path,
        *interfaces: str,
        clock: Callable[[], float] = time.time,
        workers: int = 1,
        notified: bool = False,
    ) -> None:
        config = Config(bundle=str(bundle), capture=CaptureConfig(interfaces=interfaces, workers=workers))
        loaded = open_bundle(config)
        super().__init__(config, loaded, OnnxScorer(loaded), SinkSet([], LOGGER))
        self.flows: list[FlowBatch] = []
        self.windows = Recording(loaded.window, config.window, self.flows)
        self.alerts: list[Alert] = []
        self.stopping = False
        self.notifier = Notifier() if notified else Notifier({})
        self.daemon = Daemon(self, config, stopped=lambda: self.stopping, notifier=self.notifier, clock=clock)

    def _follow(self, step: Step, verdicts: list[Verdict], now_ms: int) -> list[Alert]:
        alerts = super()._follow(step, verdicts, now_ms)
        self.alerts += alerts
        return alerts

    def turn_until(self, condition: Callable[[], bool], secs: float) -> float:
        """Take turns until something is true; return how long that took."""
        started = time.monotonic()
        while not condition():
            assert time.monotonic() - started < secs, f"not within {secs} s"
            self.daemon.turn(0.05)
        return time.monotonic() - started

    def finish(self) -> None:
        self.stopping = True
        self.daemon.run()
        self.notifier.close()

    @property
    def metered(self) -> FlowBatch:
        return np.concatenate(self.flows)

    def packets(self) -> int:
        return sum(table.packets for table in self.tables)


@pytest.fixture
def send(namespace: None) -> Iterator[Send]:  # noqa: ARG001 - the cable lies inside it
    """A cable; frames sent go into `in0`."""
    cable("in0", "out0")
    with plug("out0") as wire:
        yield wire


def test_a_flow_leaves_a_quiet_link(send: Send, rule_bundle: Path) -> None:
    watch = Watch(rule_bundle, "in0")
    send(FRAME)
    assert watch.turn_until(lambda: watch.packets() == 1, 1) < 1
    took = watch.turn_until(lambda: watch.tables[0].expired[Expiry.IDLE] == 1, 5)
    assert took < IDLE_SECS + 1
    assert watch.metered["bidirectional_packets"].tolist() == [1]
    watch.finish()


def test_two_interfaces_are_told_apart(send: Send, rule_bundle: Path) -> None:
    cable("in1", "out1")
    watch = Watch(rule_bundle, "in0", "in1")
    with plug("out1") as other:
        for _ in range(3):
            send(FRAME)
        other(FRAME)
        watch.turn_until(lambda: watch.packets() == 4, 2)
    watch.finish()
    packets = watch.metrics.values()[families.PACKETS]
    assert packets == {("in0",): 3, ("in1",): 1}
    flows = watch.metered[["source", "bidirectional_packets"]]
    assert sorted(flows.tolist()) == [(0, 3), (1, 1)]


def test_a_stop_closes_what_is_open(send: Send, rule_bundle: Path) -> None:
    watch = Watch(rule_bundle, "in0")
    for port in range(1, 1500):
        send(segment(0, "10.0.0.66", "10.0.0.5", (40_000, port), SYN).data)
        if port % 100 == 0:
            time.sleep(0.02)
    watch.turn_until(lambda: bool(watch.alerts), 5)
    send(FRAME)
    started = time.monotonic()
    watch.finish()
    assert time.monotonic() - started < 3
    assert [alert.state for alert in watch.alerts] == [State.OPEN, State.CLOSE]
    assert watch.alerts[0].event["in_iface"] == "in0"
    assert int(watch.metered["bidirectional_packets"].sum()) == 1500
    assert watch.metrics.values()[families.CAPTURE_UP] == {("in0",): 0}


def test_an_interface_may_go_and_come_back(send: Send, rule_bundle: Path) -> None:
    watch = Watch(rule_bundle, "in0")
    up = watch.metrics.values
    send(FRAME)
    watch.turn_until(lambda: watch.packets() == 1, 2)
    ip("link del in0")
    watch.turn_until(lambda: up()[families.CAPTURE_UP] == {("in0",): 0}, 2)
    watch.turn_until(lambda: watch.tables[0].expired[Expiry.IDLE] == 1, 3)
    cable("in0", "out0")
    watch.turn_until(lambda: up()[families.CAPTURE_UP] == {("in0",): 1}, 3)
    with plug("out0") as again:
        again(FRAME)
        watch.turn_until(lambda: watch.packets() == 2, 2)
    watch.finish()
    assert up()[families.PACKETS] == {("in0",): 2}


def test_an_interface_may_be_down_for_a_while(send: Send, rule_bundle: Path) -> None:
    watch = Watch(rule_bundle, "in0")
    ip("link set in0 down")
    for _ in range(10):
        watch.daemon.turn(0.05)
    ip("link set in0 up")
    # The cable itself loses a frame now and then, until the kernel has seen its carrier.
    watch.turn_until(lambda: send(FRAME) > 0 and watch.packets() > 0, 5)
    watch.finish()


def test_without_any_interface_it_waits(send: Send, rule_bundle: Path) -> None:  # noqa: ARG001 - the cable
    watch = Watch(rule_bundle, "in0")
    ip("link del in0")
    watch.turn_until(lambda: watch.metrics.values()[families.CAPTURE_UP] == {("in0",): 0}, 2)
    cpu, started = time.process_time(), time.monotonic()
    while time.monotonic() - started < 1:
        watch.daemon.turn(0.05)
    assert time.process_time() - cpu < 0.5
    watch.finish()


def test_an_interface_that_is_not_there_at_the_start_is_an_error(namespace: None, rule_bundle: Path) -> None:  # noqa: ARG001
    with pytest.raises(CaptureError, match="in9: no such interface"):
        Watch(rule_bundle, "in9")


def test_a_clock_set_back_ends_what_is_open(send: Send, rule_bundle: Path) -> None:
    """And flows still leave when they are idle, by the new time."""
    offset = 0.0
    watch = Watch(rule_bundle, "in0", clock=lambda: time.time() + offset)
    send(FRAME)
    watch.turn_until(lambda: watch.packets() == 1, 2)
    offset = -3600.0
    watch.turn_until(lambda: watch.tables[0].expired == {Expiry.FLUSHED: 1}, 2)
    assert watch.tables[0].clock.now_ms < (time.time() - 3500) * 1000
    watch.finish()


def test_metrics_follow_within_a_second_or_so(send: Send, rule_bundle: Path) -> None:
    watch = Watch(rule_bundle, "in0")
    send(FRAME)
    values = watch.metrics.values
    watch.turn_until(lambda: values()[families.PACKETS] == {("in0",): 1}, 2.5)
    assert abs(values()[families.LAST_PACKET]["in0",] - time.time()) < 5
    watch.turn_until(lambda: values()[families.FLOWS]["idle",] == 1, 3.5)
    assert values()[families.ACTIVE_FLOWS] == {(): 0}
    watch.finish()


def test_the_paths_time_goes_on_where_no_packet_comes(send: Send, rule_bundle: Path) -> None:  # noqa: ARG001
    watch = Watch(rule_bundle, "in0")
    values, started = watch.metrics.values, time.time()
    watch.turn_until(lambda: values()[families.PATH_TIME][()] > started + 1, 5)
    watch.finish()


@pytest.mark.parametrize("workers", [2, 3])
def test_workers_share_an_interface_and_windows_stay_whole(
    workers: int, send: Send, rule_bundle: Path
) -> None:
    """A scan whose flows are spread over workers is one scan, of one host, with all its ports."""
    watch = Watch(rule_bundle, "in0", workers=workers)
    time.sleep(0.01)
    for port in range(1, 601):
        send(segment(0, "10.0.0.66", "10.0.0.5", (40_000, port), SYN).data)
        if port % 50 == 0:
            time.sleep(0.02)
    watch.turn_until(lambda: watch.packets() == 600, 3)
    rooms = [worker.handover.max_flows for worker in watch.daemon.workers]
    assert sum(rooms) <= 65_536
    watch.finish()
    assert all(table.packets > 100 for table in watch.tables)
    (opened,) = [alert for alert in watch.alerts if alert.state is State.OPEN]
    closed = watch.alerts[-1].event["iotids"]
    assert (opened.category, closed["subject_ip"], closed["ports"], closed["flows"]) == (
        "Recon",
        "10.0.0.66",
        600,
        600,
    )
    assert watch.metrics.values()[families.PACKETS] == {("in0",): 600}
    assert watch.metrics.values()[families.CAPTURE_UP] == {("in0",): 0}


def test_an_interface_is_up_when_all_its_workers_capture(send: Send, rule_bundle: Path) -> None:
    watch = Watch(rule_bundle, "in0", workers=2)
    send(FRAME)
    up = watch.metrics.values
    assert up()[families.CAPTURE_UP] == {("in0",): 1}
    ip("link del in0")
    watch.turn_until(lambda: up()[families.CAPTURE_UP] == {("in0",): 0}, 3)
    cable("in0", "out0")
    watch.turn_until(lambda: up()[families.CAPTURE_UP] == {("in0",): 1}, 4)
    watch.finish()


def test_flows_that_wait_make_scoring_give_way(send: Send, rule_bundle: Path) -> None:
    watch = Watch(rule_bundle, "in0")
    handover = watch.daemon.workers[0].handover
    send(FRAME)
    watch.turn_until(lambda: watch.packets() == 1, 2)
    handover.max_flows = 2
    handover.queued = 1
    watch.daemon.turn(0)
    assert watch.windows.pressure == 0.5
    watch.finish()


def test_a_workers_defect_is_not_swallowed(send: Send, rule_bundle: Path) -> None:
    watch = Watch(rule_bundle, "in0")
    send(FRAME)
    watch.daemon.workers[0].failure = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        watch.daemon.turn(0.01)
    with pytest.raises(ZeroDivisionError):
        watch.finish()
    assert watch.metrics.values()[families.CAPTURE_UP] == {("in0",): 0}
