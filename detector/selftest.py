"""`--self-test`: generated traffic through the real path, from packets to lines of JSON.

A home lives for twenty seconds, quietly or with one attack in it. Every class must fire, at the right
address, and nothing else; quiet must stay quiet.
"""

import random
import tempfile
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from detector.bundle import ModelBundle
from detector.config import CaptureConfig, Config
from detector.frames import ACK, PSH, RST, SYN, Ends, Timed, conversation, exchange, segment, write
from detector.logs import LOGGER
from detector.pipeline import Pipeline
from detector.records import Category
from detector.replay import Replay
from detector.scorer import OnnxScorer
from detector.sinks import SinkSet, StreamSink

_SECS, _ATTACK_AT, _ATTACK_SECS = 20.0, 8.0, 5.0
_HUB, _CAMERA, _PLUG, _SENSOR, _PHONE = (f"192.168.7.{number}" for number in (2, 20, 21, 22, 30))
_GATEWAY, _CLOUD, _WEB = "192.168.7.1", "203.0.113.10", "203.0.113.80"
_ATTACKER = "198.51.100.66"
_RATE = 400.0
"""Packets a second of a flood: what a device of a botnet sends on a bad line."""


class Result(NamedTuple):
    """What became of one scene."""

    category: Category
    passed: bool
    told: str
    """What was found, in words."""


def run(config: Config, bundle: ModelBundle) -> Iterator[Result]:
    """Play each scene through a path of its own, with the configuration's thresholds and limits."""
    # Made addresses and frames: what is chosen for the real network is not meant for them.
    config = config.model_copy(
        update={
            "capture": CaptureConfig(),
            "incidents": config.incidents.model_copy(update={"allow": ()}),
        }
    )
    scorer = OnnxScorer(bundle)
    for category, (attack, subject) in _SCENES.items():
        out = BytesIO()
        pipeline = Pipeline(config, bundle, scorer, SinkSet([StreamSink(out)], LOGGER))
        with tempfile.TemporaryDirectory(prefix="iotids-") as folder:
            file = Path(folder) / f"{category}.pcap"
            write(file, [*_home(), *attack()])
            for _ in Replay(pipeline).run([str(file)]):
                pass
        yield _judge(category, subject, [orjson.loads(line) for line in out.getvalue().splitlines()])


def _judge(category: Category, subject: str, events: list[dict[str, Any]]) -> Result:
    opened = [event["iotids"] for event in events if event["iotids"]["state"] == "open"]
    found = [(one["category"], one["subject_ip"]) for one in opened]
    told = (
        ", ".join(
            f"{one['category']} of {one['subject_ip']}, {100 * one['confidence']:.0f} % sure: {one['reason']}"
            for one in opened
        )
        or "no incident"
    )
    return Result(category, found == ([] if category is Category.BENIGN else [(category, subject)]), told)


def _home() -> Iterator[Timed]:
    """Give the ordinary life of a few devices, the same each time."""
    rng = random.Random(7)  # noqa: S311 - reproducible traffic, not a secret
    ports = iter(range(40_000, 50_000))

    def every(secs: float, make: Callable[[float], Iterable[Timed]]) -> Iterator[Timed]:
        at = rng.uniform(0.0, secs)
        while at < _SECS:
            yield from make(at)
            at += secs * rng.uniform(0.8, 1.2)

    def to(src: str, dst: str, port: int) -> Ends:
        return Ends(src, next(ports), dst, port)

    yield from every(4.0, lambda at: conversation(at, to(_HUB, _PLUG, 80), (120, 600)))
    yield from every(5.0, lambda at: conversation(at, to(_CAMERA, _CLOUD, 443), (517, 3100), (900, 300)))
    yield from every(6.0, lambda at: conversation(at, to(_SENSOR, _HUB, 1883), (30, 4), (60, 4)))
    yield from every(3.0, lambda at: conversation(at, to(_PHONE, _WEB, 80), (300, 2500), (300, 9000)))
    yield from every(1.5, lambda at: exchange(at, to(_PHONE, _GATEWAY, 53), 36, 120))
    yield from every(8.0, lambda at: exchange(at, to(_HUB, _CLOUD, 123), 48, 48))
    yield from every(1.3, lambda at: _telemetry(at, Ends(_PLUG, 39_000, _HUB, 1883)))


def _telemetry(at: float, ends: Ends) -> Iterator[Timed]:
    """Give one message of a connection that stays open."""
    yield Timed(at, segment(ends, PSH | ACK, 60))
    yield Timed(at + 0.004, segment(ends.back, ACK))


def _scan() -> Iterator[Timed]:
    """Give a SYN scan of 600 ports, 150 a second, all of them closed."""
    for number in range(600):
        at, ends = _ATTACK_AT + number / 150, Ends(_ATTACKER, 49_352, _CAMERA, 1 + number)
        yield Timed(at, segment(ends, SYN))
        yield Timed(at + 0.0004, segment(ends.back, RST | ACK))


def _flood(*, distributed: bool) -> Iterator[Timed]:
    """Give a SYN flood of a web server, whose backlog is soon full, from one source or from invented ones."""
    rng = random.Random(4)  # noqa: S311 - as above
    for number in range(round(_RATE * _ATTACK_SECS)):
        source = _ATTACKER
        if distributed:
            source = f"{rng.choice((23, 45, 77, 91, 185))}.{rng.randrange(256)}.{rng.randrange(256)}.7"
        at, ends = _ATTACK_AT + number / _RATE, Ends(source, rng.randrange(1024, 65_536), _CAMERA, 80)
        yield Timed(at, segment(ends, SYN))
        if rng.random() < 0.2:  # noqa: PLR2004 - what the backlog lets through
            yield Timed(at + 0.0004, segment(ends.back, SYN | ACK))


_SCENES: dict[Category, tuple[Callable[[], Iterable[Timed]], str]] = {
    Category.BENIGN: (tuple, ""),
    Category.RECON: (_scan, _ATTACKER),
    Category.DOS: (lambda: _flood(distributed=False), _CAMERA),
    Category.DDOS: (lambda: _flood(distributed=True), _CAMERA),
}
"""Of each class: the attack, and whose incident it must be."""
