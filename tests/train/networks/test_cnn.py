import numpy as np
import pytest

pytest.importorskip("tensorflow")

import keras

from tests.train import samples
from train.networks import NETWORKS, NetworkSettings, statistics

pytestmark = pytest.mark.tensorflow

DATA = samples.windows([0, 1, 2, 3] * 5)
KNOWN = statistics(DATA.sequences, samples.MASK)


def test_it_tells_of_the_flows_their_maximum_alone() -> None:
    model = NETWORKS["cnn"](samples.LENGTH, KNOWN, NetworkSettings())
    pooled = keras.Model(model.input, model.get_layer("pooled").output)
    convolved = keras.Model(model.input, model.get_layer("convolution_2").output)
    expected = convolved.predict(DATA.sequences, verbose=0).max(axis=1)
    assert np.allclose(pooled.predict(DATA.sequences, verbose=0), expected, atol=1e-6)
