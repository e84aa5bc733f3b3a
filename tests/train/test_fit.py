from typing import Any

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from detector.errors import UsageError
from detector.features import SCHEMA
from tests.train import samples
from train import fit as module
from train.calibrate import loss, softmax
from train.datasets import Dataset
from train.fit import Fitted, fit, predict_logits
from train.settings import PAPER, FitSettings, NetworkSettings

pytestmark = pytest.mark.tensorflow

SMALL = NetworkSettings(filters=8, units=8, summary_units=8, feature_dropout=0.1)
TRAINING, VALIDATION = samples.dataset(origins=3, each=60), samples.dataset(origins=1, seed=100)


def fitted(network: str = "cnn", validation: Dataset | None = VALIDATION, **settings: Any) -> Fitted:
    chosen = FitSettings(network=network, size=SMALL, batch=64, learning_rate=1e-2, **settings)
    return fit(TRAINING, validation, chosen, mask=samples.MASK)


def same(left: Fitted, right: Fitted) -> bool:
    return all(map(np.array_equal, left.model.get_weights(), right.model.get_weights()))


@pytest.fixture(scope="module")
def third() -> Fitted:
    return fitted(epochs=2, seed=3)


@pytest.fixture(scope="module")
def lstm() -> Fitted:
    return fitted("cnn-lstm", epochs=24)


def test_what_can_be_told_apart_is_learnt(lstm: Fitted) -> None:
    unseen = samples.dataset(origins=1, seed=200)
    chosen = predict_logits(lstm.model, unseen.sequences).argmax(axis=1)
    assert (chosen == unseen.labels).mean() > 0.9


def test_validation_sets_the_temperature(lstm: Fitted) -> None:
    assert 0.1 < lstm.temperature < 20.0
    assert lstm.temperature != 1.0


def test_what_it_learnt_from_is_counted(lstm: Fitted) -> None:
    assert lstm.learnt == {"Benign": 180, "DDoS": 180, "DoS": 180, "Recon": 180}


def test_without_validation_there_is_nothing_to_calibrate_by(third: Fitted) -> None:
    found = fitted(validation=None, epochs=2, seed=3)
    assert found.temperature == 1.0
    assert "calibrated_loss" not in found.history
    assert same(found, third)


def test_the_same_seed_gives_the_same_weights_and_another_gives_others(third: Fitted) -> None:
    again = fitted(epochs=2, seed=3)
    assert same(again, third)
    assert (again.temperature, again.history) == (third.temperature, third.history)
    assert not same(fitted(epochs=2, seed=4), third)


def test_patience_ends_the_training_and_the_epoch_that_validation_liked_best_is_kept() -> None:
    wrong = samples.dataset(origins=1, seed=100)
    wrong.labels[:] = (wrong.labels + 1) % 4
    found = fitted(validation=wrong, epochs=30, falling=False, patience=2, benign_weight=1.0, keep_best=True)
    losses = found.history["calibrated_loss"]
    assert len(losses) < 30
    assert losses.index(min(losses)) == len(losses) - 3
    logits = predict_logits(found.model, wrong.sequences)
    kept = loss(logits, wrong.labels, np.ones(160, np.float32), found.temperature)
    assert kept == pytest.approx(min(losses), rel=1e-4)
    assert kept < losses[-1]
    assert found.temperature > 1.0


def test_benign_windows_weigh_more_and_are_mistaken_less() -> None:
    def false_alarms(benign_weight: float) -> float:
        noisy = samples.dataset(origins=3, each=60)
        noisy.labels[::4] = 3 - noisy.labels[::4]  # a quarter of the labels says something else
        settings = FitSettings(network="summary", size=SMALL, epochs=6, benign_weight=benign_weight)
        found = fit(noisy, VALIDATION, settings, mask=samples.MASK)
        chosen = predict_logits(found.model, VALIDATION.sequences)
        return float((chosen[:, 1:].max(axis=1) - chosen[:, 0])[VALIDATION.labels == 0].mean())

    assert false_alarms(20.0) < false_alarms(1.0)


def test_every_epoch_is_told_and_who_judges_its_loss_can_end_the_training() -> None:
    told: list[str] = []
    judged: list[tuple[int, float]] = []

    def judge(epoch: int, loss: float) -> None:
        judged.append((epoch, loss))
        if epoch == 1:
            raise TimeoutError

    settings = FitSettings(network="cnn", size=SMALL, epochs=5)
    with pytest.raises(TimeoutError):
        fit(TRAINING, VALIDATION, settings, mask=samples.MASK, progress=told.append, judge=judge)
    assert [line.split(":")[0] for line in told] == ["epoch 1 of 5", "epoch 2 of 5"]
    assert all(f"calibrated_loss {loss:.4f}" in line for line, (_, loss) in zip(told, judged, strict=True))
    assert [epoch for epoch, _ in judged] == [0, 1]


def test_features_left_out_change_nothing_whatever_is_in_them() -> None:
    seen = {"bytes_per_second", "tcp", "mask"}
    found = fitted("cnn-lstm", epochs=1, features=("bytes_per_second", "tcp"))
    others = VALIDATION.sequences.copy()
    others[:, :, [column for column, name in enumerate(SCHEMA.names) if name not in seen]] = 1e6
    expected = predict_logits(found.model, VALIDATION.sequences)
    assert np.allclose(predict_logits(found.model, others), expected, atol=1e-5)
    others[:, :, samples.SIGNAL] = 0.0
    assert not np.allclose(predict_logits(found.model, others), expected, atol=1e-3)


def test_what_a_teacher_says_stands_in_place_of_labels() -> None:
    said = np.array([0.1, 0.2, 0.6, 0.1], np.float32)
    settings = FitSettings(network="cnn", size=SMALL, batch=64, learning_rate=1e-2, epochs=6)
    found = fit(
        TRAINING, None, settings, mask=samples.MASK, teach=lambda given: np.tile(said, (len(given), 1))
    )
    told = softmax(predict_logits(found.model, VALIDATION.sequences), 1.0)
    assert told.mean(axis=0) == pytest.approx(said, abs=0.05)
    assert found.learnt == {"Benign": 180, "DDoS": 180, "DoS": 180, "Recon": 180}


def test_an_unknown_feature_is_named() -> None:
    with pytest.raises(UsageError, match="--features colour: expected one of"):
        fitted(epochs=1, features=("colour",))


def test_the_paper_s_preset_learns_with_adam_at_one_pace() -> None:
    optimizer = module._optimizer(PAPER, steps=10)
    assert float(optimizer.learning_rate) == pytest.approx(1e-3)
    assert (optimizer.weight_decay, optimizer.clipnorm) == (0.0, None)
