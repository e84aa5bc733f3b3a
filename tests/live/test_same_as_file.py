"""A capture played onto a cable and the same capture read as a file: one and the same to the detector."""

import struct
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detector.config import Config
from detector.logs import LOGGER
from detector.pipeline import Pipeline
from detector.records import FlowBatch, address
from detector.replay import Replay
from detector.run import open_bundle
from detector.scorer import OnnxScorer
from detector.sinks import SinkSet
from tests.command import PCAPS
from tests.detector.test_daemon import Watch
from tests.network import cable, skip_without_rights

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("namespace")]
PARTS = {
    "scan-among-devices.pcap": (13.0, 21.0),
    "udp-flood-one-source.pcap": (6.5, 14.5),
    "syn-flood-spoofed.pcap": (4.0, 11.0),
}
"""The seconds of each capture in which something happens: it is played at its own pace."""


def part(source: Path, target: Path, first: float, last: float) -> Path:
    """Copy the packets between two times, in seconds after the first packet."""
    content, at = source.read_bytes(), 24
    kept, start = [content[:24]], None
    while at < len(content):
        seconds, micros, size, _ = struct.unpack_from("<IIII", content, at)
        time_secs = seconds + micros / 1e6
        start = time_secs if start is None else start
        if first <= time_secs - start < last:
            kept.append(content[at : at + 16 + size])
        at += 16 + size
    target.write_bytes(b"".join(kept))
    return target


def incidents(events: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Return who did what to whom, and how that ended; without times and counts.

    Nor updates: where an interval ends, in a flood's first half second, tells how sure its first windows are.
    """
    told = []
    for event in events:
        own = event["iotids"]
        if own["state"] == "update":
            continue
        ends = event["dest_ip"] if own["category"] == "DDoS" else (event["src_ip"], event["dest_ip"])
        told.append((own["state"], own["category"], own["subject_ip"], own["role"], event["proto"], ends))
    return sorted(told, key=str)


def traits(flows: FlowBatch) -> Counter[tuple[Any, ...]]:
    plain = flows[
        ["src_port", "dst_port", "protocol", "src2dst_packets", "dst2src_packets", "bidirectional_bytes"]
    ]
    ends = [(address(flow["src_ip"]), address(flow["dst_ip"])) for flow in flows]
    return Counter((*end, *numbers) for end, numbers in zip(ends, plain.tolist(), strict=True))


def from_files(bundle: Path, files: list[Path]) -> tuple[list[dict[str, Any]], FlowBatch]:
    events: list[dict[str, Any]] = []
    flows: list[FlowBatch] = []
    for file in files:
        config = Config(bundle=str(bundle))
        loaded = open_bundle(config)
        path = Pipeline(config, loaded, OnnxScorer(loaded), SinkSet([], LOGGER))
        events += [alert.event for alert in Replay(path, on_flows=flows.append).run([str(file)])]
    return events, np.concatenate(flows)


def test_played_and_read_are_the_same(rule_bundle: Path, tmp_path: Path) -> None:
    skip_without_rights("tcpreplay")
    files = [part(PCAPS / name, tmp_path / name, *times) for name, times in PARTS.items()]
    for number in range(len(files)):
        cable(f"in{number}", f"out{number}")
    watch = Watch(rule_bundle, *(f"in{number}" for number in range(len(files))))
    players = [
        subprocess.Popen(
            ["tcpreplay", "-q", "-i", f"out{number}", str(file)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for number, file in enumerate(files)
    ]
    watch.turn_until(lambda: all(player.poll() is not None for player in players), 30)
    assert [player.returncode for player in players] == [0] * len(files)
    ended = time.monotonic()
    watch.turn_until(lambda: time.monotonic() - ended > 0.5, 2)
    watch.finish()
    events, flows = from_files(rule_bundle, files)
    assert incidents([alert.event for alert in watch.alerts]) == incidents(events)
    assert len(events) == 2 * len(files)
    assert int(watch.metered["bidirectional_packets"].sum()) == int(flows["bidirectional_packets"].sum())
    # A pause that is a timeout long ends a flow here and not there, by a millisecond of the player's.
    same = traits(watch.metered) & traits(flows)
    assert same.total() > 0.97 * len(flows)
