import numpy as np
import pytest

pytest.importorskip("tensorflow")

from train.paper.models import build
from train.paper.settings import NETWORKS

pytestmark = pytest.mark.tensorflow


def test_the_cnn_is_as_published() -> None:
    model = build("cnn", 45, 4, seed=1)
    assert [layer.name.rstrip("_0123456789") for layer in model.layers] == [
        *("conv1d", "max_pooling1d", "conv1d", "max_pooling1d", "flatten", "dense", "dense")
    ]
    # Two convolutions, 9 steps of 64 filters into 128, 128 into 4.
    assert model.count_params() == (3 + 1) * 32 + (3 * 32 + 1) * 64 + (9 * 64 + 1) * 128 + (128 + 1) * 4


def test_the_cnn_lstm_is_as_published() -> None:
    model = build("cnn-lstm", 45, 4, seed=1)
    names = [layer.name.rstrip("_0123456789") for layer in model.layers]
    assert names[4:] == ["lstm", "dropout", "dense", "dense"]
    lstm = 4 * (64 + 64 + 1) * 64
    assert model.count_params() == (3 + 1) * 32 + (3 * 32 + 1) * 64 + lstm + (64 + 1) * 128 + (128 + 1) * 4
    assert model.get_layer("dropout").rate == 0.5


def test_writing_the_lstm_out_changes_no_number() -> None:
    rows = np.random.default_rng(1).normal(size=(8, 45, 1)).astype(np.float32)
    written, looped = (build("cnn-lstm", 45, 4, seed=1, unroll=unroll) for unroll in (True, False))
    assert np.allclose(written(rows), looped(rows), atol=1e-6)


@pytest.mark.parametrize("network", NETWORKS)
def test_any_number_of_columns_and_classes(network: str) -> None:
    told = np.asarray(build(network, 42, 19, seed=1)(np.zeros((2, 42, 1), np.float32)))
    assert told.shape == (2, 19)
    assert np.allclose(told.sum(axis=1), 1)
