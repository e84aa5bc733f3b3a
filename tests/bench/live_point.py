"""One point of a curve: a fresh daemon, one scene at one rate for some seconds, and what became of it.

Packets are counted three times, by who sent them, by the interfaces and by the daemon. `unaccounted` is
what was sent and neither captured nor counted as dropped by kernel or interface, and must be 0; the meter
drops packets that were captured, so those are in both of the daemon's numbers.
"""

import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.bench.live_daemon import LOOK_SECS, Metrics, Scraper, Setting, Subject, daemon
from tests.bench.live_frames import VICTIM
from tests.bench.live_programs import Counts, WaitedTooLongError, counts, until
from tests.bench.live_sender import Sent
from tests.bench.live_sending import Sender, sending

WATCHED, PLUG = "watched", "plug"
"""The two ends of the cable."""

SETTLE_SECS = 30.0
"""The longest wait for an empty flow table after the last packet."""

_REPORT_SECS = 1.5
"""After this the daemon's metrics tell all that has happened: it updates them once a second."""


@dataclass(slots=True, kw_only=True)
class Point:
    """What was measured."""

    scene: str
    rate: float
    """Packets/s asked for; 0 is as fast as the sender can."""
    setting: Setting
    sent: int
    sent_per_sec: float
    refused: int
    """Calls of the sender that the kernel refused."""
    tx: int
    rx: int
    """What the two ends of the cable counted."""
    cable_dropped: int
    captured: int
    dropped: dict[str, int]
    """By stage: kernel, interface, meter."""
    unaccounted: int
    loss_percent: float
    """Of what was sent: kernel and interface drops, meter drops, and what is unaccounted for."""
    flows: dict[str, int]
    """Flows the meter let go, by reason."""
    flows_dropped: int
    windows_scored: int
    windows_shed: int
    cores: float
    """Processor time of the daemon in a second of the sending."""
    waiting: float
    """Time that its threads were ready to run and had no processor, in a second of the sending: where
    this is high, what is measured is how busy the machine is."""
    micros_per_packet: float
    """Processor time of the daemon, from the first packet until its table was empty, by packet captured."""
    peak_mib: float
    open_wall_secs: float | None
    """From the first packet until the flood's `open` stood in the alerts file; None where there is none."""
    open_packet_secs: float | None
    """From the first packet to the packet time of that alert."""
    opened: list[str]
    """Everything that was opened, the flood too."""
    empty_secs: float | None
    """From the last packet until the metrics told of no active flow; None: not within `SETTLE_SECS`."""
    slowest_scrape_secs: float
    failed_scrapes: int

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"setting": self.setting._asdict()}


@dataclass(slots=True)
class Run:
    """What is noted while a point is measured."""

    subject: Subject
    before: tuple[Counts, Counts] = field(default_factory=lambda: (counts(PLUG), counts(WATCHED)))
    began: float = 0.0
    """The daemon's processor seconds at the first packet."""
    cores: float = 0.0
    waiting: float = 0.0
    empty_secs: float | None = None

    def follow(self, sender: Sender) -> None:
        """Look for alerts until the sender ends."""
        subject, at = self.subject, time.monotonic()
        self.began, waited = subject.processor_secs(), subject.waiting_secs()
        while sender.busy():
            subject.watch(LOOK_SECS)
        passed = time.monotonic() - at
        self.cores = (subject.processor_secs() - self.began) / passed
        self.waiting = (subject.waiting_secs() - waited) / passed

    def settle(self) -> Metrics:
        """Wait until the daemon's table is empty and its metrics are up to date; return them."""
        with suppress(WaitedTooLongError):
            self.empty_secs = until(self.subject.empty, SETTLE_SECS, "an empty flow table")
        self.subject.watch(_REPORT_SECS)
        return self.subject.metrics()


def measure(scene: str, rate: float, secs: float, setting: Setting, bundle: Path) -> Point:
    """Measure one point, on the cable of the present namespace.

    Raises:
        MeasureError: the daemon did not start, or died, or the sender did.
    """
    with tempfile.TemporaryDirectory() as folder, daemon([WATCHED], setting, bundle, Path(folder)) as subject:
        scraper, run = Scraper(), Run(subject)
        with scraper.working():
            with sending(PLUG, scene, rate=rate, secs=secs) as sender:
                run.follow(sender)
                sent = sender.sent()
            metrics = run.settle()
        point = Point(
            scene=scene,
            rate=rate,
            setting=setting,
            cores=run.cores,
            waiting=run.waiting,
            peak_mib=subject.peak_mib(),
            empty_secs=run.empty_secs,
            slowest_scrape_secs=scraper.slowest_secs,
            failed_scrapes=scraper.failed,
            **_packets(sent, run, metrics),
            **_flows(metrics),
            **_alerts(sender, subject.alerts.opened()),
        )
        subject.stop()
        return point


def _packets(sent: Sent, run: Run, metrics: Metrics) -> dict[str, Any]:
    plug, watched = (
        counts(name).since(before) for name, before in zip((PLUG, WATCHED), run.before, strict=True)
    )
    captured = metrics.total("iotids_packets_total")
    dropped = metrics.by("iotids_packets_dropped_total", "stage")
    unaccounted = sent.packets - captured - dropped.get("kernel", 0) - dropped.get("interface", 0)
    spent = run.subject.processor_secs() - run.began
    return {
        "sent": sent.packets,
        "sent_per_sec": sent.packets / sent.secs,
        "refused": sent.refused,
        "tx": plug.tx,
        "rx": watched.rx,
        "cable_dropped": plug.tx_dropped + watched.rx_dropped,
        "captured": captured,
        "dropped": dropped,
        "unaccounted": unaccounted,
        "loss_percent": 100 * (sum(dropped.values()) + abs(unaccounted)) / max(sent.packets, 1),
        "micros_per_packet": 1e6 * spent / max(captured, 1),
    }


def _flows(metrics: Metrics) -> dict[str, Any]:
    return {
        "flows": metrics.by("iotids_flows_total", "reason"),
        "flows_dropped": metrics.total("iotids_flows_dropped_total"),
        "windows_scored": metrics.total("iotids_windows_scored_total"),
        "windows_shed": metrics.total("iotids_windows_shed_total"),
    }


def _alerts(sender: Sender, opened: list[tuple[float, dict[str, Any]]]) -> dict[str, Any]:
    found = [(seen, event) for seen, event in opened if event["dest_ip"] == VICTIM]
    wall = packet = None
    if found:
        seen, event = found[0]
        wall = seen - sender.began
        packet = datetime.fromisoformat(event["timestamp"]).timestamp() - sender.began_epoch
    return {
        "open_wall_secs": wall,
        "open_packet_secs": packet,
        "opened": [told(event) for _, event in opened],
    }


def told(event: dict[str, Any]) -> str:
    """Return an alert in a few words."""
    return f"{event['iotids']['category']} {event['src_ip']} > {event['dest_ip']}"
