import numpy as np
import pytest

pytest.importorskip("tensorflow")

from tests.train import samples
from train.compare import compare, lines, shuffled
from train.settings import FitSettings, NetworkSettings

pytestmark = pytest.mark.tensorflow


def test_shuffling_moves_flows_and_leaves_the_padding_on_the_left() -> None:
    dataset = samples.dataset(origins=1, each=10)
    found = shuffled(dataset, mask=samples.MASK, seed=1)
    assert np.array_equal(found.sequences[:, :, samples.MASK], dataset.sequences[:, :, samples.MASK])
    assert not np.array_equal(found.sequences, dataset.sequences)
    for before, after in zip(dataset.sequences, found.sequences, strict=True):
        assert sorted(map(bytes, before)) == sorted(map(bytes, after))
    assert np.array_equal(found.labels, dataset.labels)


def test_all_contestants_are_judged_on_the_same_windows() -> None:
    sides = (
        samples.dataset(origins=3, each=30),
        samples.dataset(origins=1, each=20, seed=100),
        samples.dataset(origins=1, each=20, seed=200),
    )
    size = NetworkSettings(filters=8, feature_dropout=0.0, noise=0.0)
    settings = FitSettings(size=size, epochs=6, batch=16, learning_rate=1e-2, benign_weight=1.0)
    said: list[str] = []
    found = compare(sides, settings, ["cnn"], mask=samples.MASK, say=said.append, doubted=["cnn"])
    networks = ["cnn", "cnn, shuffled", "cnn, last-flow"]
    assert list(found) == [*networks, "random forest", "LightGBM", "rate rule"]
    assert sum(line.startswith("Training ") for line in said) == len(found)
    scores = {name: measured["macro_f1"] for name, measured in found.items() if name != "rate rule"}
    assert min(scores.values()) > 0.4, scores  # of one class for all it would be 0.1
    assert found["rate rule"]["macro_f1"] < 0.5  # the signal is none of its rates
    table = lines(found)
    assert len(table) == 1 + len(found)
    assert "false_alarm_rate" in table[0]
