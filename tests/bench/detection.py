"""How soon a flood opens its incident, in packet time, and whether a flood hides what is beside it.

60 floods (SYN, UDP, ICMP; spoofed or of one source; 500 to 50,000 packets/s), each for 4 s amid the ordinary
traffic of ten hosts. `right` is an incident on the attacked host, of the right class and sure of it (DDoS
where spoofed, DoS of one source); `noticed` is any on that host. Latency runs from the attack's first
packet to the first right `open`. Made floods are even and clean; how good the model is on real ones is for
the evaluation on captures to say.

Not blinded: a spoofed flood of 50,000 SYNs/s for 10 s, a scan of 300 ports beside it, 20 hosts that do
nothing wrong, and the same 20 alone, to tell what the flood changed.
"""

from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

import numpy as np

from detector.records import Alert, FlowBatch, State, address_words
from detector.replay import Replay
from tests.bench import attacks, path
from tests.bench.attacks import Flood
from tests.bench.captures import DEVICES
from tests.bench.options import Options
from tests.bench.packets import Packets, in_order, write
from tests.bench.report import quantiles, table
from tests.traffic import EPOCH_MS

FLOODS = 60
GRACE_MS = 2_000
"""Beyond the idle timeout, until when a flood's last flow must have left."""


def measure(name: str, options: Options) -> dict[str, Any]:  # noqa: ARG001 - as all parts
    """Return the latency of each flood, and what was seen beside one."""
    floods = [_one(flood, options) for flood in attacks.floods(FLOODS)]
    return {"floods": floods, "not_blinded": _beside_flood(options), "benign_alone": _alone(options)}


def _opened(
    packets: Packets, options: Options, on_flows: Callable[[FlowBatch], None] | None = None
) -> list[Alert]:
    """Return the alerts that open incidents in a capture of these packets."""
    scene = write(options.folder / "detection.pcap", packets)
    replay = Replay(path.pipeline(options.bundle), on_flows=on_flows)
    return [alert for alert in replay.run([str(scene.path)]) if alert.state is State.OPEN]


def _text(address: int) -> str:
    return str(ip_address(address))


def _one(flood: Flood, options: Options) -> dict[str, Any]:
    alerts = [
        alert
        for alert in _opened(attacks.amid(flood), options)
        if alert.event["dest_ip"] == _text(attacks.ATTACKED)
    ]
    right = [alert for alert in alerts if alert.category == flood.category and not alert.uncertain]
    return {
        **flood._asdict(),
        "latency_ms": _since(right, flood.begins_ms),
        "noticed_ms": _since(alerts, flood.begins_ms),
        "opened": [f"{alert.category}{'?' if alert.uncertain else ''}" for alert in alerts],
    }


def _since(alerts: list[Alert], begins_ms: int) -> int | None:
    return min((alert.time_ms - begins_ms for alert in alerts), default=None)


class _Watch:
    """Notes when the flows to one host leave, and how many packets are in them."""

    def __init__(self, host: str) -> None:
        self._host = address_words(host)
        self.last_ms = self.packets = 0

    def __call__(self, flows: FlowBatch) -> None:
        ours = flows[(flows["dst_ip"] == self._host).all(axis=1)]
        if len(ours):
            self.last_ms = max(self.last_ms, int(ours["export_ms"].max()))
            self.packets += int(ours["src2dst_packets"].sum())


def _beside_flood(options: Options) -> dict[str, Any]:
    """Return what opened beside a flood, and how long after it the table still held its flows."""
    flood = attacks.packets_of(attacks.BLINDING, secs=attacks.BLINDING_SECS)
    watch = _Watch(_text(attacks.ATTACKED))
    alerts = _opened(in_order(flood, attacks.port_scan(), attacks.benign()), options, watch)
    ended_ms = EPOCH_MS + int(flood["micros"][-1]) // 1000
    flooded = _of(alerts, "DDoS", "dest_ip", attacks.ATTACKED)
    scanned = _of(alerts, "Recon", "src_ip", attacks.SCANNING)
    return {
        "flood_latency_ms": _since(flooded, attacks.BLINDING.begins_ms),
        "scan_latency_ms": _since(scanned, attacks.SCAN_BEGINS_MS),
        "incidents": [_brief(alert) for alert in alerts],
        "on_benign": len([alert for alert in alerts if _is_benign(alert)]),
        "last_flow_after_ms": watch.last_ms - ended_ms,
        "allowed_ms": path.idle_timeout_ms(options.bundle) + GRACE_MS,
        "flood_packets_unaccounted": len(flood) - watch.packets,
    }


def _alone(options: Options) -> list[dict[str, Any]]:
    return [_brief(alert) for alert in _opened(attacks.benign(), options)]


def _of(alerts: list[Alert], category: str, end: str, address: int) -> list[Alert]:
    return [alert for alert in alerts if alert.category == category and alert.event[end] == _text(address)]


def _is_benign(alert: Alert) -> bool:
    """Tell whether one of the hosts that do nothing wrong is at either end."""
    hosts = {_text(DEVICES + number) for number in range(attacks.BENIGN_HOSTS)}
    return bool(hosts & {alert.event["src_ip"], alert.event["dest_ip"]})


def _brief(alert: Alert) -> dict[str, Any]:
    after_secs = (alert.time_ms - EPOCH_MS) / 1000
    words = {"category": alert.category, "attacker": alert.attacker, "victim": alert.victim}
    return {**words, "uncertain": alert.uncertain, "after_secs": after_secs, "reason": alert.reason}


def summary(floods: list[dict[str, Any]]) -> list[list[str | float | None]]:
    """Return a row for each sort of flood, and one for all."""
    sorts = sorted({(one["kind"], one["spoofed"]) for one in floods}, reverse=True)
    rows = [
        _row(
            f"{kind}, {'spoofed' if spoofed else 'one source'}",
            [one for one in floods if (one["kind"], one["spoofed"]) == (kind, spoofed)],
        )
        for kind, spoofed in sorts
    ]
    return [*rows, _row("all", floods)]


def _row(title: str, floods: list[dict[str, Any]]) -> list[str | float | None]:
    latencies = [one["latency_ms"] for one in floods if one["latency_ms"] is not None]
    noticed = np.mean([one["noticed_ms"] is not None for one in floods])
    shares = [f"{len(latencies) / len(floods):.0%}", f"{noticed:.0%}"]
    return [title, len(floods), *shares, *quantiles(latencies, 50, 95).values()]


def show(name: str, found: dict[str, Any]) -> str:
    """Return latencies, and what was seen beside the flood."""
    beside = found["not_blinded"]
    columns = ["floods", "right", "noticed", "p50 ms", "p95 ms"]
    incidents = [
        f"  {one['after_secs']:6.2f} s  {one['category']}{' (uncertain)' if one['uncertain'] else ''}: "
        f"{one['attacker']} to {one['victim']}"
        for one in beside["incidents"]
    ]
    began, allowed = attacks.BLINDING.begins_ms - EPOCH_MS, beside["allowed_ms"]
    flood, scan = beside["flood_latency_ms"], beside["scan_latency_ms"]
    return "\n".join(
        [
            table(name, columns, summary(found["floods"])),
            "",
            f"beside a flood from {began} ms on: it opened after {flood} ms, the scan after {scan} ms",
            *incidents,
            f"last flow of the flood left {beside['last_flow_after_ms']} ms after it (allowed: {allowed})",
            f"packets of the flood unaccounted: {beside['flood_packets_unaccounted']}",
            f"incidents on benign hosts: {beside['on_benign']}; without attack: {len(found['benign_alone'])}",
        ]
    )
