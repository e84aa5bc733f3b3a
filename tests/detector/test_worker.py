"""A worker on a cable, turn by turn, in a namespace of the test's own. Needs root."""

import time
from collections.abc import Callable, Iterator

import pytest

from detector import worker as module
from detector.bundle import MeterSettings
from detector.config import CaptureConfig, MeterConfig
from detector.handover import Handover
from detector.meter import Capture, flow_table
from detector.records import Expiry, FlowBatch
from detector.worker import Worker
from tests.network import cable, ip, plug, until
from tests.traffic import SYN, batch, datagram, segment

pytestmark = pytest.mark.live
Send = Callable[[bytes], int]
FRAME = datagram(0, "10.0.0.1", "10.0.0.2", (40_000, 53), b"x" * 20).data


@pytest.fixture
def send(namespace: None) -> Iterator[Send]:  # noqa: ARG001 - the cable lies inside it
    cable("in0", "out0")
    with plug("out0") as wire:
        yield wire


def made(clock: Callable[[], float] = time.time, max_flows: int = 10_000) -> Worker:
    return Worker(
        "in0",
        flow_table(MeterSettings(), MeterConfig(), max_step_ms=60_000),
        Handover(max_flows),
        open_capture=lambda: Capture.open_interface("in0", CaptureConfig(), decode_tunnels=True),
        close_capture=Capture.close,
        max_step_ms=60_000,
        clock=clock,
    )


def flows(worker: Worker) -> FlowBatch:
    return batch([flows for delivery in worker.handover.take() for flows in delivery.flows])


def turns(worker: Worker, condition: Callable[[], bool], secs: float) -> None:
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < secs, f"not within {secs} s"
        worker.turn(0.02)


def test_packets_that_wait_keep_their_time(send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the kernel holds more, the wall clock must not end flows that still go on in what it holds."""
    monkeypatch.setattr(module, "ENOUGH_PACKETS", 1)
    worker = made()
    for _ in range(2000):
        send(FRAME)
    time.sleep(1.6)
    turns(worker, lambda: worker.table.packets == 2000, 5)
    worker.stop()
    worker._finish()
    assert flows(worker)["bidirectional_packets"].tolist() == [2000]


def test_new_flows_are_thinned_out_while_it_is_behind(send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ENOUGH_PACKETS", 1)
    worker = made()
    sent = 0
    for _ in range(20):
        for _ in range(512):
            send(segment(0, "10.0.0.66", "10.0.0.5", (1024 + sent, 80), SYN).data)
            sent += 1
    time.sleep(0.8)  # longer than a packet may wait
    thinned = []
    while worker.table.packets < sent:
        worker.turn(0.02)
        thinned.append(worker.table.thinned)
    worker.turn(0.2)
    assert max(thinned) >= 4
    assert worker.table.thinned == 0  # as soon as nothing waits
    assert worker.table.shed > sent / 4
    worker.stop()
    worker._finish()
    assert int(flows(worker)["bidirectional_packets"].sum()) + worker.table.shed == sent


def test_a_thread_hands_over_all_when_it_stops(send: Send) -> None:
    worker = made()
    worker.start()
    for number in range(300):
        send(segment(0, "10.0.0.66", "10.0.0.5", (1024 + number, 80), SYN).data)
    worker.stop()
    until(lambda: not worker.running, 2)
    assert worker.failure is None
    found = flows(worker)
    assert (len(found), worker.handover.dropped) == (300, 0)
    assert set(found["expiration_id"].tolist()) == {Expiry.FLUSHED}


def test_a_defect_ends_the_thread_and_is_kept(send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = made()

    def defective(_: float) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(worker, "turn", defective)
    worker.start()
    until(lambda: not worker.running, 2)
    assert isinstance(worker.failure, ZeroDivisionError)
    send(FRAME)


def test_a_full_hand_over_drops_and_counts(send: Send) -> None:
    worker = made(max_flows=10)
    for number in range(50):
        send(segment(0, "10.0.0.66", "10.0.0.5", (1024 + number, 80), SYN).data)
    turns(worker, lambda: worker.table.packets == 50, 2)
    turns(worker, lambda: len(worker.table) == 0, 3)
    assert worker.handover.dropped == 40
    assert len(flows(worker)) == 10


def test_the_kernels_drops_are_counted_while_it_runs(send: Send) -> None:
    worker = made()
    capture = worker._capture
    assert capture is not None
    send(FRAME)
    turns(worker, lambda: worker.table.packets == 1, 2)
    assert capture.drops() == (0, 0)
    ip("link del in0")
    turns(worker, lambda: worker._capture is None, 2)
    cable("in0", "out0")
    turns(worker, lambda: worker._capture is not None, 3)
