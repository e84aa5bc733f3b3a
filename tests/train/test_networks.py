from typing import Any

import numpy as np
import pytest

pytest.importorskip("tensorflow")

import keras

from detector.features import SCHEMA
from tests.train import samples
from train.calibrate import softmax
from train.networks import NETWORKS, NetworkSettings, Statistics, calibrated, statistics

pytestmark = pytest.mark.tensorflow

DATA = samples.windows([0, 1, 2, 3] * 5)
KNOWN = statistics(DATA.sequences, samples.MASK)


@pytest.fixture(scope="module", params=sorted(NETWORKS))
def model(request: pytest.FixtureRequest) -> Any:
    return NETWORKS[request.param](samples.LENGTH, KNOWN, NetworkSettings())


def test_statistics_leave_out_the_padding() -> None:
    rows = np.log1p(DATA.sequences[DATA.sequences[:, :, samples.MASK] > 0].astype(np.float64))
    assert np.allclose(KNOWN.mean, rows.mean(axis=0), rtol=1e-4)
    varied = rows.std(axis=0) > 0.1
    assert np.allclose(KNOWN.deviation[varied], rows.std(axis=0)[varied], rtol=1e-3)


def test_a_feature_that_never_varied_has_a_deviation_all_the_same() -> None:
    assert KNOWN.deviation[samples.MASK] == pytest.approx(0.01)


def test_a_network_gives_a_logit_a_class(model: Any) -> None:
    assert model.predict(DATA.sequences, verbose=0).shape == (20, 4)


def test_padding_changes_nothing_whatever_is_in_it(model: Any) -> None:
    padded = DATA.sequences.copy()
    padded[padded[:, :, samples.MASK] == 0] = 1e6
    padded[:, :, samples.MASK] = DATA.sequences[:, :, samples.MASK]
    expected = model.predict(DATA.sequences, verbose=0)
    assert np.allclose(model.predict(padded, verbose=0), expected, atol=1e-5)


def test_rows_are_standardised_inside_the_graph(model: Any) -> None:
    rows = keras.Model(model.input, model.get_layer("rows").output).predict(DATA.sequences, verbose=0)
    real = DATA.sequences[:, :, samples.MASK] > 0
    assert np.allclose(rows[real].mean(axis=0), 0.0, atol=1e-3)
    assert (rows[~real] == 0.0).all()


@pytest.mark.parametrize("value", [-1e9, 0.0, 3e38])
def test_no_finite_input_breaks_it(model: Any, value: float) -> None:
    sequences = np.full((1, samples.LENGTH, len(SCHEMA)), value, np.float32)
    sequences[:, :, samples.MASK] = 1.0
    assert np.isfinite(model.predict(sequences, verbose=0)).all()


def test_a_calibrated_model_gives_cooled_probabilities(model: Any) -> None:
    logits = model.predict(DATA.sequences, verbose=0)
    cooled = calibrated(model, 2.5).predict(DATA.sequences, verbose=0)
    assert np.allclose(cooled, softmax(logits, 2.5), atol=1e-6)


def test_statistics_of_many_windows_are_those_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("train.networks._CHUNK", 3)
    pieces: Statistics = statistics(DATA.sequences, samples.MASK)
    assert np.allclose(pieces.mean, KNOWN.mean, rtol=1e-6)
    assert np.allclose(pieces.deviation, KNOWN.deviation, rtol=1e-5)
