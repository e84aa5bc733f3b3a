from typing import Any

import numpy as np
import pytest

pytest.importorskip("tensorflow")

import keras

from detector.features import SCHEMA
from tests.train import samples
from train.calibrate import softmax
from train.networks import NETWORKS, PIECES, NetworkSettings, Statistics, calibrated, statistics

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


@pytest.mark.parametrize("network", ["cnn-lstm", "cnn"])
def test_rows_are_standardised_inside_the_graph(network: str) -> None:
    model = NETWORKS[network](samples.LENGTH, KNOWN, NetworkSettings())
    rows = keras.Model(model.input, model.get_layer("rows").output).predict(DATA.sequences, verbose=0)
    real = DATA.sequences[:, :, samples.MASK] > 0
    logarithms = np.log1p(np.maximum(DATA.sequences[real], 0.0))
    expected = np.clip((logarithms - KNOWN.mean) / KNOWN.deviation, -3.0, 3.0)
    assert np.allclose(rows[real], expected, atol=1e-3)
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


def test_the_summary_is_cut_into_pieces_between_quantiles() -> None:
    model = NETWORKS["summary"](samples.LENGTH, KNOWN, NetworkSettings())
    pieces = keras.Model(model.input, model.get_layer("by_number").output).predict(DATA.sequences, verbose=0)
    assert pieces.shape == (20, PIECES, 5 * len(SCHEMA))
    assert (pieces >= 0.0).all()
    assert (pieces <= 1.0).all()
    logarithms = np.log1p(np.maximum(DATA.sequences, 0.0).astype(np.float64))
    standard = (logarithms - KNOWN.mean) / KNOWN.deviation
    real = DATA.sequences[:, :, samples.MASK, None] > 0
    count = real.sum(axis=1)
    mean = (standard * real).sum(axis=1) / count
    numbers = np.hstack(
        [
            standard[:, -1],
            mean,
            np.sqrt((np.square(standard - mean[:, None]) * real).sum(axis=1) / count),
            np.where(real, standard, -1e9).max(axis=1),
            np.where(real, standard, 1e9).min(axis=1),
        ]
    )
    lower, upper = KNOWN.edges[:-1], KNOWN.edges[1:]
    wide = upper - lower > 0.01
    expected = np.clip((numbers[:, None] - lower) / np.where(wide, upper - lower, 1.0), 0.0, 1.0)
    assert np.allclose(pieces[:, wide], expected[:, wide], atol=2e-2)


def test_the_order_of_the_flows_is_nothing_to_the_summary_and_something_to_the_sequence() -> None:
    full = DATA.sequences[DATA.sequences[:, 0, samples.MASK] > 0]
    turned = np.concatenate([full[:, -2::-1], full[:, -1:]], axis=1)
    for network, same in (("summary", True), ("sequence", False)):
        model = NETWORKS[network](samples.LENGTH, KNOWN, NetworkSettings())
        found = np.allclose(model.predict(turned, verbose=0), model.predict(full, verbose=0), atol=1e-4)
        assert found is same
