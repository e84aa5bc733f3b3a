import numpy as np
import pytest

pytest.importorskip("tensorflow")

import keras

from detector.features import SCHEMA
from tests.train import samples
from train.networks import NETWORKS, NetworkSettings, statistics
from train.networks.summary import PIECES

pytestmark = pytest.mark.tensorflow

DATA = samples.windows([0, 1, 2, 3] * 5)
KNOWN = statistics(DATA.sequences, samples.MASK)


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
