from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("tensorflow")

import keras
import onnx

from detector.bundle import MeterSettings, ModelBundle, Thresholds, Training, WindowSettings, load_bundle
from detector.errors import BundleError
from detector.features import SCHEMA
from detector.scorer import KerasScorer, OnnxScorer
from tests.train import samples
from train import export
from train.export import export_bundle, export_onnx
from train.networks import NETWORKS, NetworkSettings, calibrated, statistics
from train.record import Run

pytestmark = pytest.mark.tensorflow

DATA = samples.windows([0, 1, 2, 3] * 50)


@pytest.fixture(scope="module", params=sorted(NETWORKS))
def model(request: pytest.FixtureRequest) -> Any:
    known = statistics(DATA.sequences, samples.MASK)
    return calibrated(NETWORKS[request.param](samples.LENGTH, known, NetworkSettings()), 1.7)


def run() -> Run:
    return Run(
        network="cnn-lstm",
        training=Training(command="iotids-train fit", seeds=(0,), versions={}, origins=()),
        features=samples.schema(),
        meter=MeterSettings(),
        window=WindowSettings(),
        temperature=1.7,
        thresholds=Thresholds(benign=0.5, recon=0.5, dos=0.5, ddos=0.5),
        history={},
    )


@pytest.fixture(scope="module")
def bundle(model: Any, tmp_path_factory: pytest.TempPathFactory) -> ModelBundle:
    return exported(tmp_path_factory.mktemp("export") / "bundle", model)


def exported(path: Path, model: Any) -> ModelBundle:
    digest = export_bundle(path, run(), model, name="test", nfstream="6.6.0", figures={})
    bundle = load_bundle(path, schema_digest=SCHEMA.digest, nfstream_version="6.6.0")
    assert bundle.digest == digest
    return bundle


def test_onnx_runtime_and_keras_agree_in_any_number_of_windows(bundle: ModelBundle, model: Any) -> None:
    scorer, reference = OnnxScorer(bundle), KerasScorer(model)
    for count in (0, 1, 7, 200):
        part = DATA.sequences[:count]
        assert np.abs(scorer.score(part) - reference.score(part)).max(initial=0.0) <= 1e-5


def test_they_agree_far_from_the_training_set(bundle: ModelBundle, model: Any) -> None:
    values = np.array([-1.0, 0.0, 1e-6, 1e9, 3e38], np.float32)
    far = np.tile(values[:, None, None], (1, samples.LENGTH, len(SCHEMA)))
    far[:, :, samples.MASK] = np.arange(samples.LENGTH) >= 5
    assert np.abs(OnnxScorer(bundle).score(far) - KerasScorer(model).score(far)).max() <= 1e-5


def test_the_same_weights_give_the_same_bundle(tmp_path: Path, bundle: ModelBundle, model: Any) -> None:
    assert exported(tmp_path / "again", model).digest == bundle.digest


def test_the_graph_is_small_and_of_standard_operators(bundle: ModelBundle) -> None:
    graph = onnx.load_from_string(bundle.onnx)
    assert len(bundle.onnx) < 1_000_000
    assert {node.domain for node in graph.graph.node} == {""}
    assert [end.name for end in graph.graph.input] == ["sequences"]


def test_a_saved_model_scores_as_it_did(tmp_path: Path, model: Any) -> None:
    model.save(tmp_path / "model.keras")
    loaded = KerasScorer.load(tmp_path / "model.keras")
    assert np.array_equal(loaded.score(DATA.sequences), KerasScorer(model).score(DATA.sequences))


def test_the_check_covers_empty_and_full_windows(bundle: ModelBundle) -> None:
    sequences = bundle.check.sequences
    filled = sequences[:, :, samples.MASK].sum(axis=1)
    assert (filled[0], filled[-1]) == (0, samples.LENGTH)
    assert (sequences >= 0.0).all()


@pytest.mark.parametrize("model", ["cnn"], indirect=True)
def test_a_graph_that_differs_from_keras_is_not_written(
    tmp_path: Path, model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = export_onnx(keras.Model(model.input, keras.layers.Softmax()(model.output)))
    monkeypatch.setattr(export, "export_onnx", lambda _: content)
    with pytest.raises(BundleError, match="on its test vector"):
        export_bundle(tmp_path / "bundle", run(), model, name="test", nfstream="6.6.0", figures={})
    assert not (tmp_path / "bundle").exists()
