"""What the detector makes of a capture, and whether it is right."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from detector.config import Config
from detector.logs import LOGGER
from detector.pipeline import Pipeline
from detector.records import Category
from detector.replay import Replay
from detector.run import open_bundle
from detector.scorer import OnnxScorer
from detector.sinks import SinkSet
from tests.exam.scene import Scene
from train.tune import announced


@dataclass(frozen=True, slots=True)
class Opened:
    category: str
    certain: bool
    subject: str
    secs: float
    """From the first packet in evidence to the alert."""


@dataclass(frozen=True, slots=True)
class Marked:
    """One scene and what opened."""

    name: str
    category: str
    opened: tuple[Opened, ...]
    right: bool
    """Whether its class opened and was certain; of a benign one, whether nothing certain did."""
    secs: float | None
    """To the first right opening."""


def mark(played: Sequence[tuple[Scene, Path]], bundle: str = "") -> list[Marked]:
    """Send captures down the detector's path with one bundle, the shipped one unless another is named."""
    config = Config(bundle=bundle) if bundle else Config()
    known = open_bundle(config)
    scorer = OnnxScorer(known)
    marked = []
    for scene, capture in played:
        path = Pipeline(config, known, scorer, SinkSet([], LOGGER))
        alerts = announced(Replay(path).run([str(capture)]))
        opened = tuple(
            Opened(
                str(alert.category),
                not alert.uncertain,
                str(alert.event["iotids"]["subject_ip"]),
                (alert.time_ms - alert.first_ms) / 1000,
            )
            for alert in alerts
        )
        marked.append(judged(scene, opened))
    return marked


def judged(scene: Scene, opened: tuple[Opened, ...]) -> Marked:
    """Say whether what opened is right."""
    certain = [each for each in opened if each.certain]
    own = [each for each in certain if each.category == scene.category]
    right = not certain if scene.category == Category.BENIGN else bool(own)
    return Marked(scene.name, str(scene.category), opened, right, own[0].secs if own else None)
