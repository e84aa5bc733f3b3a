"""The parsers that are ours, each fed with hostile inputs: it takes them or refuses them in one line."""

import io
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from detector.bundle import store
from detector.config import load
from detector.errors import BundleError, ConfigError, IotidsError, UsageError
from detector.logs import one_line
from tests.detector.bundle import samples
from tests.fuzz.inputs import changed, edited, frames_of, small_captures, variant, with_hostile_packets
from tests.fuzz.metering import Metering
from tests.traffic import Frame, mixed
from tests.traffic import pcap as pcap_of
from train.sources import from_manifest
from train.truth import read_events

ROOT = Path(__file__).parents[2]
_LONGEST_LINE = 20_000
_PACKETS, _PACKET_MS = 1_000, 7
"""In one capture, and the time between two: flows end amid it."""

_CONFIG_WORDS = [
    b"[output]",
    b"[x]",
    b"url = ",
    b"\x00",
    b"'''",
    b'"""',
    b"nan",
    b"1e999",
    b"[[",
    b"= {",
    b"\n",
]
_TRUTH = b"""{"bystanders": ["10.0.0.9"], "events": [
{"class": "Recon", "attackers": ["10.0.0.66", "10.1.0.0/24"], "victims": ["*"], "start": 1.5, "end": 3},
{"class": "other", "attackers": [], "victims": [], "start": 0, "end": 0}]}"""
_MANIFEST = b"""[{"file": "a.pcap", "class": "Recon", "origin": "o", "licence": "MIT"},
{"file": "b.pcap", "class": "mixed", "origin": "o", "licence": "MIT", "labels": "b.labels.json"}]"""


_PACKET_WORDS = [b"\x08\x00\x45", b"\x86\xdd\x60", b"\x81\x00", b"\x45\x00", b"\x4f\x00", b"\x00\x01\x00\x00"]


class Target(NamedTuple):
    """A parser and what to feed it."""

    inputs: st.SearchStrategy[bytes]
    run: Callable[[bytes], int]
    """Tells how many inputs were refused since the last call; raises where the parser is not fit for one."""
    close: Callable[[], object] = lambda: None
    variant: Callable[[bytes, Random], bytes] = variant
    """Gives one more input, made of one of `inputs` and much faster."""


def refused(error: type[IotidsError], parse: Callable[[], object]) -> bool:
    """Tell whether a parser refuses, with an error of its own that is one line."""
    try:
        parse()
    except error as refusal:
        text = str(refusal)
        assert one_line(text) == text, text
        assert len(text) < _LONGEST_LINE, text
        return True
    return False


def config(folder: Path) -> Target:
    """`iotids.toml`."""
    path = folder / "iotids.toml"
    shipped = (ROOT / "configs" / "iotids.toml").read_bytes()
    plain = b"\n".join(line for line in shipped.splitlines() if line[:2] not in {b"# ", b"#", b""})
    uncommented = plain + b"\nurl = 'mqtt://h'\n[thresholds]\nrecon = 0.5\n[syslog]\nurl = 'udp://h:1'\n"

    def run(content: bytes) -> bool:
        path.write_bytes(content)
        return refused(ConfigError, lambda: load(path))

    return Target(changed([plain, uncommented, b"[output]\nalerts = 'x'\n"], _CONFIG_WORDS), run)


def manifest(folder: Path) -> Target:
    """`bundle.json`, under a seal that fits it."""
    bundle = folder / "bundle"
    samples.write(bundle)
    good = (bundle / store.MANIFEST).read_bytes()
    trees = edited(json.loads(good)).map(lambda tree: json.dumps(tree).encode())

    def run(content: bytes) -> bool:
        (bundle / store.MANIFEST).write_bytes(content)
        (bundle / store.SEAL).write_bytes(store._seal(content))
        return refused(
            BundleError,
            lambda: store.load_bundle(
                bundle, schema_digest=samples.SCHEMA_DIGEST, nfstream_version=samples.NFSTREAM
            ),
        )

    return Target(trees | changed([good]), run)


def check(_: Path) -> Target:
    """`check.npz`."""
    good = samples.check()
    packed, squeezed = io.BytesIO(), io.BytesIO()
    np.savez(packed, sequences=good.sequences, probabilities=good.probabilities)
    np.savez_compressed(squeezed, sequences=good.sequences, probabilities=good.probabilities)
    words = [
        b"PK\x03\x04",
        b"PK\x01\x02",
        b"\x93NUMPY\x01\x00",
        b"'descr': '|O'",
        b"(1073741824,",
        b"<f4",
        b">f8",
    ]
    shape = (samples.LENGTH, samples.FEATURES)

    def run(content: bytes) -> bool:
        return refused(BundleError, lambda: store._parse_check(Path("b"), content, shape))

    return Target(changed([packed.getvalue(), squeezed.getvalue()], words), run)


def _json(folder: Path, good: bytes, parse: Callable[[Path], Any]) -> Target:
    path = folder / "input.json"
    trees = edited(json.loads(good)).map(lambda tree: json.dumps(tree).encode())

    def run(content: bytes) -> bool:
        path.write_bytes(content)
        return refused(UsageError, lambda: parse(path))

    return Target(trees | changed([good], [b"[" * 2000, b"1e999", b"9" * 5000, b"NaN", b"\xff\xfe"]), run)


def truth(folder: Path) -> Target:
    """The truth that the lab writes beside a capture."""
    return _json(folder, _TRUTH, read_events)


def captures(folder: Path) -> Target:
    """The list of captures that training reads."""
    return _json(folder, _MANIFEST, lambda path: from_manifest(path, path.parent))


def pcap(folder: Path) -> Target:
    """Captures, through the meter, features and windows, in a child."""
    metering, good = Metering(folder), small_captures()

    def close() -> None:
        with suppress(OSError):
            metering.close()

    def run(content: bytes) -> bool:
        return metering.feed(content) == "r"

    def another(content: bytes, random: Random) -> bytes:
        return variant(content, random) if random.random() < 0.25 else with_hostile_packets(good, random)

    return Target(changed(good, _PACKET_WORDS), run, close, another)


def packet(folder: Path) -> Target:
    """Packets, a thousand a capture, so that each is parsed amid flows that others began."""
    metering, waiting = Metering(folder), list[Frame]()
    good = [frame.data for frame in mixed(1, 600)] + [
        frame for each in small_captures() for frame in frames_of(each)
    ]

    def run(content: bytes) -> int:
        waiting.append(Frame(len(waiting) * _PACKET_MS, content))
        if len(waiting) < _PACKETS:
            return 0
        return send()

    def send() -> int:
        capture = pcap_of(waiting)
        waiting.clear()
        assert metering.feed(capture) == "."
        return metering.ignored

    def another(content: bytes, random: Random) -> bytes:
        return variant(content if random.random() < 0.25 else random.choice(good), random)

    def close() -> None:
        if waiting:
            send()
        with suppress(OSError):
            metering.close()

    return Target(changed(good, _PACKET_WORDS), run, close, another)


TARGETS: dict[str, Callable[[Path], Target]] = {
    "config": config,
    "bundle": manifest,
    "check": check,
    "truth": truth,
    "captures": captures,
    "pcap": pcap,
    "packet": packet,
}
