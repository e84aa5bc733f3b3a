from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("tensorflow")

import keras

from tests.train import samples
from train.networks import NETWORKS, NetworkSettings, calibrated, statistics
from train.networks.mean import histories, layer_of, logits_of, mean_of

pytestmark = pytest.mark.tensorflow

DATA = samples.windows([0, 1, 2, 3] * 5)
KNOWN = statistics(DATA.sequences, samples.MASK)


def network(seed: int) -> Any:
    keras.utils.set_random_seed(seed)
    return NETWORKS["cnn-lstm"](samples.LENGTH, KNOWN, NetworkSettings())


def logits(model: Any) -> Any:
    return model.predict(DATA.sequences, verbose=0)


def test_its_logits_are_the_mean_of_the_members(tmp_path: Path) -> None:
    members = [network(seed) for seed in range(3)]
    said = [logits(member) for member in members]
    assert np.abs(said[0] - said[1]).max() > 0.01
    joined = mean_of(members)
    assert np.allclose(logits(joined), np.mean(said, axis=0), atol=1e-5)
    joined.save(tmp_path / "mean.keras")
    again = keras.models.load_model(tmp_path / "mean.keras", compile=False, safe_mode=True)
    assert np.array_equal(logits(again), logits(joined))


def test_one_alone_is_itself() -> None:
    alone = network(1)
    assert mean_of([alone]) is alone


def test_a_network_comes_out_of_its_calibration_as_it_went_in() -> None:
    alone = network(2)
    assert np.array_equal(logits(logits_of(calibrated(alone, 1.7))), logits(alone))


def test_a_layer_of_a_mean_is_the_first_members() -> None:
    one, two = network(1), network(2)
    mean = layer_of(calibrated(mean_of([one, two]), 1.7), "standardise")
    alone = layer_of(calibrated(one, 1.7), "standardise")
    assert all(map(np.array_equal, mean.get_weights(), alone.get_weights()))
    with pytest.raises(ValueError, match="No such layer"):
        layer_of(one, "none")


def test_the_epochs_of_each_member_are_told() -> None:
    assert histories([{"loss": [0.5]}]) == {"loss": [0.5]}
    told = histories([{"loss": [0.5]}, {"loss": [0.4]}])
    assert told == {"member_0_loss": [0.5], "member_1_loss": [0.4]}
