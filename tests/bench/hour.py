"""Whether memory stays flat in an hour of flood: 20,000 SYNs a second of packet time, no source twice.

A process makes the capture as it is read, into a pipe; `iotids-detect` reads it as fast as it can, so that
an hour takes minutes. VmRSS is looked at each second of wall time. At the end every packet must be in a flow
that was counted, by reason; a packet is a flow here.
"""

import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import orjson

from tests import command
from tests.bench.options import Options
from tests.bench.packets import HEADER, RECORD_BYTES, SHORTEST_FRAME
from tests.bench.processes import ended, resident_mb, written_bytes
from tests.bench.report import slope, table

_LOOK_SECS = 1.0
_LEAST_PACKETS_PER_SEC = 5_000
"""Slower than this is given up."""

Sample = tuple[float, float]
"""Share of the flood written, and resident megabytes."""


def measure(name: str, options: Options) -> dict[str, Any]:  # noqa: ARG001 - as all parts
    """Return memory over the run, and what became of the packets."""
    secs, rate = options.hour_secs, options.hour_rate
    alerts, metrics = options.folder / "hour.json", options.folder / "hour.prom"
    words: list[str | Path] = [
        "--pcap",
        "-",
        "--alerts",
        alerts,
        "--metrics-textfile",
        metrics,
        *options.bundle_words,
    ]
    begun = time.monotonic()
    with (
        ended(_endless(secs, rate)) as flood,
        ended(
            command.start(*words, stdin=flood.stdout, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        ) as reader,
    ):
        if flood.stdout:
            flood.stdout.close()  # the reader's now: the flood ends when the reader does
        samples, peak_mb = _watch(reader, flood.pid, secs * rate)
        if reader.returncode:
            raise SystemExit(f"iotids-detect failed: {reader.communicate()[1].decode()}")
    took = time.monotonic() - begun
    found = _memory(samples) | {"peak_mb": peak_mb, "samples": samples}
    found |= {"packet_time_secs": secs, "wall_secs": took, "packets_per_sec": secs * rate / took}
    return found | account(secs * rate, metrics.read_text()) | {"events": _events(alerts)}


def _endless(secs: int, rate: int) -> subprocess.Popen[bytes]:
    command_line = [sys.executable, "-m", "tests.bench.endless", str(secs), str(rate)]
    return subprocess.Popen(command_line, stdout=subprocess.PIPE)


def _watch(reader: subprocess.Popen[bytes], flood: int, packets: int) -> tuple[list[Sample], float]:
    """Look at the reader's memory until it ends; return what was seen, and its own peak."""
    total = len(HEADER) + packets * (RECORD_BYTES + SHORTEST_FRAME)
    deadline = time.monotonic() + 30 + packets / _LEAST_PACKETS_PER_SEC
    samples: list[Sample] = []
    peak = 0.0
    while reader.poll() is None:
        if time.monotonic() > deadline:
            raise SystemExit(f"iotids-detect takes fewer than {_LEAST_PACKETS_PER_SEC:,} packets a second")
        share, memory = written_bytes(flood) / total, resident_mb(reader.pid)
        peak = max(peak, resident_mb(reader.pid, "VmHWM"))
        if share and memory:
            samples.append((min(share, 1.0), memory))
        time.sleep(_LOOK_SECS)
    return samples, peak


def _memory(samples: list[Sample]) -> dict[str, float]:
    """Return memory on the way, and its slope over the second half, per share of the run."""
    if not samples:
        raise SystemExit("the flood was too short to see the memory; make it longer")
    later = [sample for sample in samples if sample[0] >= 0.5]
    found = {f"rss_mb_at_{percent}": near(samples, percent / 100) for percent in (5, 50, 100)}
    return found | {"slope_mb_per_run": slope([one[0] for one in later], [one[1] for one in later])}


def near(samples: list[Sample], share: float) -> float:
    """Return the memory at the moment nearest to a share of the run."""
    return min(samples, key=lambda sample: abs(sample[0] - share))[1]


def account(sent: int, metrics: str) -> dict[str, Any]:
    """Hold what the metrics tell against the packets sent: read, and in flows by reason."""
    flows = {
        reason: int(float(value))
        for reason, value in re.findall(r'^iotids_flows_total{reason="(\w+)"} (\S+)$', metrics, re.MULTILINE)
    }
    read = sum(float(each) for each in re.findall(r"^iotids_packets_total{.*} (\S+)$", metrics, re.MULTILINE))
    lost = {"unread": sent - int(read), "unaccounted": sent - sum(flows.values())}
    return {"sent": sent, "flows": flows, **lost}


def _events(alerts: Path) -> dict[str, int]:
    """Count the alerts by category and state."""
    found: dict[str, int] = {}
    for line in alerts.read_bytes().splitlines() if alerts.exists() else ():
        ours = orjson.loads(line)["iotids"]
        name = f"{ours['category']} {ours['state']}"
        found[name] = found.get(name, 0) + 1
    return found


def show(name: str, found: dict[str, Any]) -> str:
    """Return memory and accounts as text."""
    memory = [found[f"rss_mb_at_{percent}"] for percent in (5, 50, 100)]
    title = f"{name} ({found['packet_time_secs']:,} s in {found['wall_secs']:,.0f} s)"
    head = ["MB at 5 %", "50 %", "100 %", "peak", "MB/run, 2nd half", "packets/s"]
    row = ["iotids-detect", *memory, found["peak_mb"], found["slope_mb_per_run"], found["packets_per_sec"]]
    flows = ", ".join(f"{reason} {count:,}" for reason, count in found["flows"].items())
    return "\n".join(
        [
            table(title, head, [row]),
            f"{found['sent']:,} sent, {found['unread']:,} not read, {found['unaccounted']:,} unaccounted",
            f"flows: {flows}",
            "alerts: " + (", ".join(f"{what} {count}" for what, count in found["events"].items()) or "none"),
        ]
    )
