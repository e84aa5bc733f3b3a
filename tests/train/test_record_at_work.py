"""From captures through training's export to a detector that tells a strange network from a known one."""

from itertools import chain
from pathlib import Path

import pytest

pytest.importorskip("tensorflow")

import keras

from detector.bundle import MeterSettings, Thresholds, Training, WindowSettings
from detector.config import Config
from detector.features import SCHEMA
from detector.logs import LOGGER
from detector.meter import ENGINE_VERSION
from detector.metrics import families
from detector.pipeline import Pipeline
from detector.records import CATEGORIES, Category
from detector.replay import Replay
from detector.run import open_bundle
from detector.scorer import OnnxScorer
from detector.sinks import SinkSet
from tests import traffic
from tests.traffic import household
from tests.train import samples
from train.datasets import CaptureWindows, join
from train.export import export_bundle
from train.extract import extract_capture
from train.networks import NETWORKS, NetworkSettings, calibrated, statistics
from train.record import Run
from train.reference import record_of

pytestmark = pytest.mark.tensorflow


def network(path: Path, seed: int, *, size: int = 300, answers: int = 1) -> Path:
    """Write two minutes of a household, an hour apart."""
    hours = (0, 3_600_000)
    frames = [household(seed + hour, starts_ms=hour, size=size, answers=answers) for hour in hours]
    return traffic.write(path, chain(*frames))


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> pytest.LogCaptureFixture:
    """The log, though an earlier test may have set it up."""
    monkeypatch.setattr(LOGGER, "propagate", True)
    caplog.set_level("WARNING", logger=LOGGER.name)
    return caplog


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained model with the record of three networks; it is sure of nothing, so that all counts.

    Its weights are always the same: hosts that it happens to call Benign are calm, and scored less often.
    """
    keras.utils.set_random_seed(0)
    folder = tmp_path_factory.mktemp("bundle")
    parts = []
    for seed in range(3):
        found = extract_capture(network(folder / f"{seed}.pcap", seed), CATEGORIES.index(Category.BENIGN))
        parts.append(CaptureWindows(found.sequences, found.facts, found.labels))
    training = join(parts, [samples.entry(f"origin-{seed}", "Benign") for seed in range(3)])
    known = statistics(training.sequences, samples.MASK)
    model = calibrated(NETWORKS["cnn"](samples.LENGTH, known, NetworkSettings()), 1.0)
    run = Run(
        network="cnn",
        training=Training(command="none", seeds=(0,), versions={}, origins=()),
        features=samples.schema(),
        meter=MeterSettings(),
        window=WindowSettings(),
        temperature=1.0,
        thresholds=Thresholds(benign=0.0, recon=1.0, dos=1.0, ddos=1.0),
        record=record_of(training),
        history={},
    )
    export_bundle(folder / "bundle", run, model, name="known", nfstream=ENGINE_VERSION, figures={})
    return folder / "bundle"


def watched(bundle: Path, capture: Path) -> Pipeline:
    config = Config(bundle=str(bundle))
    loaded = open_bundle(config)
    path = Pipeline(config, loaded, OnnxScorer(loaded), SinkSet([], LOGGER))
    assert list(Replay(path).run([str(capture)])) == []
    return path


def test_one_more_network_of_the_kind_is_known(
    bundle: Path, tmp_path: Path, told: pytest.LogCaptureFixture
) -> None:
    values = watched(bundle, network(tmp_path / "more.pcap", 77)).metrics.values()
    assert {name for (name,) in values[families.FEATURE_DRIFT]} == set(SCHEMA.names)
    assert max(values[families.FEATURE_DRIFT].values()) < 0.25
    assert values[families.DRIFTING_FEATURES] == {(): 0}
    assert told.messages == []


def test_another_kind_of_network_is_told_once(
    bundle: Path, tmp_path: Path, told: pytest.LogCaptureFixture
) -> None:
    path = watched(bundle, network(tmp_path / "other.pcap", 77, size=1100, answers=8))
    path.report()
    values = path.metrics.values()
    assert values[families.FEATURE_DRIFT]["dst2src_bytes",] > 1.0
    assert values[families.FEATURE_DRIFT]["tcp",] == 0.0
    number = values[families.DRIFTING_FEATURES][()]
    assert number > len(SCHEMA) / 6
    (line,) = told.messages
    assert f"not like what the model knows: {number} of {len(SCHEMA)} features" in line
    assert "dst2src" in line
