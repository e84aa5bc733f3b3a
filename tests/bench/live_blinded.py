"""Whether a flood hides a scan: a spoofed SYN flood at full speed, a scan and ordinary traffic beside it.

Hosts are namespaces on a bridge, and the daemon watches the bridge. The flood is not there at all (`no
flood`, to compare with), comes in on the bridge (`one interface`), or on a cable of its own that the daemon
watches too (`two interfaces`). Times are wall clock, until the alert stands in the file.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, nullcontext, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from tests import network
from tests.bench.live_daemon import Scraper, Setting, Subject, daemon
from tests.bench.live_frames import VICTIM
from tests.bench.live_lan import BRIDGE, lan, ordinary_traffic, scan
from tests.bench.live_point import told
from tests.bench.live_programs import Host, WaitedTooLongError, counts, until
from tests.bench.live_sender import NOBODY_MAC
from tests.bench.live_sending import sending

NO_FLOOD, ONE, TWO = VARIANTS = ("no flood", "one interface", "two interfaces")
FLOOD_SECS, SCAN_AFTER_SECS = 10.0, 2.0
OPEN_WITHIN_SECS, EMPTY_WITHIN_SECS = 2.0, 2.0
"""What is asked of the daemon; the second after the last packet and the bundle's idle timeout."""

_PLUG, _OWN_CABLE = "flood", "flooded"
_BEFORE_SECS, _REPORT_SECS, _SETTLE_SECS = 3.0, 1.5, 30.0


@dataclass(slots=True, kw_only=True)
class Result:
    """What became of one variant."""

    variant: str
    sent_per_sec: float
    seen: int
    """Packets that the watched interfaces received, between the first of the flood and the end."""
    captured: int
    dropped: dict[str, int]
    flood_open_secs: float | None
    """From the flood's first packet to an incident about its victim; None where none opened."""
    scan_open_secs: float | None
    """From the start of the scan to a Recon incident about the scanner."""
    others: list[str]
    """Opened about hosts that did nothing."""
    opened: list[str]
    """Everything that was opened, in order."""
    empty_secs: float | None
    """From the last packet of all until the metrics told of no active flow."""
    slowest_scrape_secs: float
    peak_mib: float

    def verdicts(self, idle_secs: float) -> dict[str, bool]:
        """Return what was asked, and whether it was so."""
        flood, empty = self.flood_open_secs, self.empty_secs
        return {
            "flood open": self.variant == NO_FLOOD or (flood is not None and flood <= OPEN_WITHIN_SECS),
            "scan open": self.scan_open_secs is not None,
            "others silent": not self.others,
            "empty": empty is not None and empty <= idle_secs + EMPTY_WITHIN_SECS,
        }


@dataclass(slots=True)
class _Times:
    """When things began, by `time.monotonic()`."""

    flood: float = 0.0
    scan: float = 0.0
    sent_per_sec: float = 0.0
    empty_secs: float | None = None


def _play(variant: str, hosts: dict[str, Host], subject: Subject) -> _Times:
    """Run flood and scan among ordinary traffic, to the end of all of it."""
    times = _Times()
    with ExitStack() as stack:
        stack.enter_context(ordinary_traffic(hosts))
        subject.watch(_BEFORE_SECS)
        to = hosts["victim"].mac if variant == ONE else NOBODY_MAC
        flood = None if variant == NO_FLOOD else sending(_PLUG, "flood", rate=0, secs=FLOOD_SECS, to=to)
        sender = stack.enter_context(flood or nullcontext())
        times.flood = sender.began if sender else time.monotonic()
        subject.watch(SCAN_AFTER_SECS)
        times.scan = time.monotonic()
        stack.enter_context(scan(hosts))
        subject.watch(times.flood + FLOOD_SECS - time.monotonic())
        if sender:
            sent = sender.sent()
            times.sent_per_sec = sent.packets / sent.secs
    with suppress(WaitedTooLongError):
        times.empty_secs = until(subject.empty, _SETTLE_SECS, "an empty flow table")
    subject.watch(_REPORT_SECS)
    return times


def measure(variant: str, bundle: Path, setting: Setting) -> Result:
    """Run one variant in a namespace of its own."""
    with ExitStack() as stack:
        stack.enter_context(network.own_namespace())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        hosts = stack.enter_context(lan(folder))
        watched = [BRIDGE] if variant != TWO else [BRIDGE, _OWN_CABLE]
        network.cable(_OWN_CABLE, _PLUG)
        if variant == ONE:
            network.ip(f"link set {_OWN_CABLE} master {BRIDGE}")
        subject = stack.enter_context(daemon(watched, setting, bundle, folder))
        before = {name: counts(name) for name in watched}
        with Scraper().working() as scraper:
            times = _play(variant, hosts, subject)
        metrics = subject.metrics()
        result = Result(
            variant=variant,
            sent_per_sec=times.sent_per_sec,
            seen=sum(counts(name).since(before[name]).rx for name in watched),
            captured=metrics.total("iotids_packets_total"),
            dropped=metrics.by("iotids_packets_dropped_total", "stage"),
            empty_secs=times.empty_secs,
            slowest_scrape_secs=scraper.slowest_secs,
            peak_mib=subject.peak_mib(),
            **_incidents(hosts, times, subject.alerts.opened()),
        )
        subject.stop()
        return result


def _incidents(
    hosts: dict[str, Host], times: _Times, opened: list[tuple[float, dict[str, Any]]]
) -> dict[str, Any]:
    scanner = hosts["scanner"].address

    def first(since: float, condition: Callable[[dict[str, Any]], bool]) -> float | None:
        return next((seen - since for seen, event in opened if condition(event)), None)

    def scanning(event: dict[str, Any]) -> bool:
        return bool(event["src_ip"] == scanner and event["iotids"]["category"] == "Recon")

    rest = [event for _, event in opened if event["dest_ip"] != VICTIM and event["src_ip"] != scanner]
    return {
        "flood_open_secs": first(times.flood, lambda event: event["dest_ip"] == VICTIM),
        "scan_open_secs": first(times.scan, scanning),
        "others": [told(event) for event in rest],
        "opened": [told(event) for _, event in opened],
    }


def _secs(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f}"


def run(chosen: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Measure every variant and print what was asked, and whether it was so."""
    idle_secs = orjson.loads((chosen.bundle / "bundle.json").read_bytes())["meter"]["idle_timeout_ms"] / 1000
    head = (
        "",
        "flood/s",
        "seen",
        "captured",
        "dropped",
        "flood open, s",
        "scan open, s",
        "others",
        "empty, s",
    )
    table = Table(*head, "slowest scrape, s", "MiB", "not as asked", box=None)
    results = []
    for variant in VARIANTS:
        found = measure(variant, chosen.bundle, Setting(chosen.buffers[0], chosen.workers[0]))
        failed = ", ".join(name for name, good in found.verdicts(idle_secs).items() if not good)
        table.add_row(
            variant,
            *(f"{number:,.0f}" for number in (found.sent_per_sec, found.seen, found.captured)),
            f"{sum(found.dropped.values()):,}",
            *(_secs(found.flood_open_secs), _secs(found.scan_open_secs), str(len(found.others))),
            *(
                _secs(found.empty_secs),
                f"{found.slowest_scrape_secs:.2f}",
                f"{found.peak_mib:.0f}",
                failed or "-",
            ),
        )
        results.append(asdict(found) | {"as_asked": found.verdicts(idle_secs)})
    console.print(table)
    for result in results:
        console.print(f"{result['variant']}: {'; '.join(result['opened']) or 'nothing opened'}", markup=False)
    return {"blinded": results}
