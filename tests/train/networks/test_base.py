from typing import Any

import numpy as np
import pytest

pytest.importorskip("tensorflow")

import keras

from detector.features import SCHEMA
from detector.records import CATEGORIES, Category
from tests.train import samples
from train.calibrate import softmax
from train.networks import NETWORKS, PAPERS, NetworkSettings, calibrated, logits_of, statistics

pytestmark = pytest.mark.tensorflow

DATA = samples.windows([0, 1, 2, 3] * 5)
KNOWN = statistics(DATA.sequences, samples.MASK)
AS_TARGET = SCHEMA.index("as_target")


@pytest.fixture(scope="module", params=sorted(NETWORKS))
def model(request: pytest.FixtureRequest) -> Any:
    return NETWORKS[request.param](samples.LENGTH, KNOWN, NetworkSettings())


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


def test_a_network_comes_out_of_its_calibration_as_it_went_in(model: Any) -> None:
    logits = model.predict(DATA.sequences, verbose=0)
    assert np.array_equal(logits_of(calibrated(model, 1.7)).predict(DATA.sequences, verbose=0), logits)


@pytest.mark.parametrize("network", sorted(NETWORKS.keys() - PAPERS.keys()))
def test_a_source_is_never_the_victim_of_many(network: str) -> None:
    model = NETWORKS[network](samples.LENGTH, KNOWN, NetworkSettings())
    sources, targets = DATA.sequences.copy(), DATA.sequences.copy()
    sources[:, :, AS_TARGET], targets[:, :, AS_TARGET] = 0.0, DATA.sequences[:, :, samples.MASK]
    ddos = CATEGORIES.index(Category.DDOS)
    assert softmax(model.predict(sources, verbose=0))[:, ddos].max() < 1e-3
    assert softmax(model.predict(targets, verbose=0))[:, ddos].max() > 0.01


def test_each_role_is_read_off_by_weights_of_its_own() -> None:
    model = NETWORKS["summary"](samples.LENGTH, KNOWN, NetworkSettings())
    sources = DATA.sequences.copy()
    sources[:, :, AS_TARGET] = 0.0
    before = model.predict(sources, verbose=0)
    weights, bias = model.get_layer("readout").get_weights()
    width = (len(weights) - 1) // 2
    weights[:width] += 1.0  # those of a target
    model.get_layer("readout").set_weights([weights, bias])
    assert np.array_equal(model.predict(sources, verbose=0), before)
    weights[width : 2 * width] += 1.0
    model.get_layer("readout").set_weights([weights, bias])
    assert not np.allclose(model.predict(sources, verbose=0), before)
