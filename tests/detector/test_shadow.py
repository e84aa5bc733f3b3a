"""A second bundle: what it says is counted beside what counts, and changes nothing."""

from collections.abc import Callable
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from numpy.typing import NDArray

from detector.bundle import MeterSettings, Thresholds
from detector.config import Config, ShadowConfig, ThresholdConfig
from detector.logs import LOGGER
from detector.metrics import families
from detector.pipeline import Pipeline
from detector.records import Alert, Features
from detector.replay import Replay
from detector.run import open_bundle
from detector.scorer import OnnxScorer, Scorer
from detector.shadow import Shadow
from detector.sinks import SinkSet
from tests import rules
from tests.command import SCAN, Done
from tests.network import until

Detect = Callable[..., Done]


class Waiting:
    """A scorer that waits for permission."""

    def __init__(self, inner: Scorer) -> None:
        self._inner, self.may = inner, Event()

    def score(self, sequences: Features) -> NDArray[np.float32]:
        self.may.wait()
        return self._inner.score(sequences)


def replayed(bundle: Path, shadow: Shadow | None) -> tuple[Pipeline, list[Alert]]:
    config = Config(bundle=str(bundle))
    loaded = open_bundle(config)
    pipeline = Pipeline(config, loaded, OnnxScorer(loaded), SinkSet([], LOGGER))
    pipeline.shadow = shadow
    return pipeline, list(Replay(pipeline).run([str(SCAN)]))


def shadow_of(bundle: Path, scorer: Callable[[Scorer], Scorer] = lambda scorer: scorer) -> Shadow:
    loaded = open_bundle(Config(bundle=str(bundle)))
    return Shadow(loaded, scorer(OnnxScorer(loaded)), ThresholdConfig())


def counted(pipeline: Pipeline) -> tuple[int, int]:
    """Return windows judged twice, and those of which the two said something different."""
    said = pipeline.metrics.values()[families.SHADOW_VERDICTS]
    return int(sum(said.values())), int(sum(n for (ours, other), n in said.items() if ours != other))


def test_the_same_bundle_says_the_same_and_no_alert_changes(rule_bundle: Path) -> None:
    alone, before = replayed(rule_bundle, None)
    pipeline, alerts = replayed(rule_bundle, shadow_of(rule_bundle))
    assert [alert.event for alert in alerts] == [alert.event for alert in before]
    skipped = pipeline.metrics.values()[families.SHADOW_SKIPPED][()]
    scored = pipeline.metrics.values()[families.WINDOWS_SCORED][()]
    until(lambda: counted(pipeline) == (scored - skipped, 0), 5)
    assert counted(alone) == (0, 0)


def test_another_opinion_is_counted_and_does_not_alert(rule_bundle: Path, tmp_path: Path) -> None:
    timid = Thresholds(benign=0.0, recon=1.0, dos=1.0, ddos=1.0)
    other = rules.write(tmp_path / "timid", name="timid", thresholds=timid)
    pipeline, alerts = replayed(rule_bundle, shadow_of(other))
    assert {alert.category for alert in alerts} == {"Recon"}
    until(lambda: counted(pipeline)[1] > 0, 5)
    assert pipeline.metrics.values()[families.SHADOW_VERDICTS]["Recon", "Benign"] > 0


def test_nobody_waits_for_it_and_what_it_missed_is_counted(rule_bundle: Path) -> None:
    waiting: list[Waiting] = []

    def slow(scorer: Scorer) -> Scorer:
        waiting.append(Waiting(scorer))
        return waiting[0]

    pipeline, alerts = replayed(rule_bundle, shadow_of(rule_bundle, slow))
    assert alerts
    assert pipeline.metrics.values()[families.SHADOW_SKIPPED][()] > 0
    assert counted(pipeline) == (0, 0)
    waiting[0].may.set()
    until(lambda: counted(pipeline)[0] > 0, 5)


@pytest.mark.parametrize("fault", ["missing", "slow"])
def test_one_that_cannot_be_shown_the_same_windows_is_refused(
    fault: str, detect: Detect, tmp_path: Path
) -> None:
    if fault == "slow":
        rules.write(tmp_path / "slow", name="slow", meter=MeterSettings(idle_timeout_ms=5000))
    config = tmp_path / "iotids.toml"
    config.write_text(f'[shadow]\nbundle = "{fault}"\n')
    done = detect("--check", "--config", config)
    assert done.code == 4
    assert done.err.count(b"\n") == 1
    assert ShadowConfig().bundle is None
