"""Contenders over the same captures, in turns, so that a busy machine meets all; the best round counts."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.bench.packets import Scene

TIMEOUT_SECS = 300

Found = dict[str, float]


def measure(name: str, bundle: Path | None, scenes: Sequence[Scene]) -> Found:
    """Run one contender once, and hold it to having seen every packet."""
    words = [name, str(bundle or ""), *(str(scene.path) for scene in scenes)]
    command = [sys.executable, "-m", "tests.bench.contender", *words]
    done = subprocess.run(command, capture_output=True, check=False, timeout=TIMEOUT_SECS)
    if done.returncode:
        raise SystemExit(f"{name}: {done.stderr.decode()}")
    found: Found = json.loads(done.stdout.splitlines()[-1])
    packets = sum(scene.packets for scene in scenes)
    if name != "libpcap" and found["packets"] != packets:
        raise SystemExit(f"{name}: gave flows of {found['packets']:,} packets, the capture has {packets:,}")
    return found | rates(found, packets)


def rates(found: Found, packets: int) -> Found:
    """Return what a run did per second, and what a packet and a flow cost in processor time."""
    secs, cpu_micros = found["secs"], found["cpu_secs"] * 1e6
    return {
        "packets": packets,
        "packets_per_sec": packets / secs,
        "flows_per_sec": found["flows"] / secs,
        "cpu_micros_per_packet": cpu_micros / packets,
        "cpu_micros_per_flow": cpu_micros / found["flows"] if found["flows"] else 0.0,
    }


def compare(
    names: Sequence[str], bundle: Path | None, scenes: Sequence[Scene], rounds: int
) -> dict[str, Found]:
    """Return each contender's best round."""
    found: dict[str, list[Found]] = {name: [] for name in names}
    for _ in range(rounds):
        for name, measured in found.items():
            measured.append(measure(name, bundle, scenes))
    return {name: best(measured) for name, measured in found.items()}


def best(measured: Sequence[Found]) -> Found:
    """Return the fastest of several runs of one contender."""
    return min(measured, key=lambda one: one["secs"])


def ratios(results: dict[str, Found], against: str) -> Found:
    """Return how many times as many packets a second each contender takes as one of them."""
    base = results[against]["packets_per_sec"]
    return {name: found["packets_per_sec"] / base for name, found in results.items() if name != against}
