from typing import Any

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from detector.errors import UsageError
from detector.features import SCHEMA
from tests.train import samples
from train.calibrate import loss
from train.fit import Fitted, fit, predict_logits
from train.settings import PAPER, FitSettings, NetworkSettings

pytestmark = pytest.mark.tensorflow

SMALL = NetworkSettings(filters=8, units=8, summary_units=8, feature_dropout=0.1)
TRAINING, VALIDATION = samples.dataset(origins=3, each=60), samples.dataset(origins=1, seed=100)


def fitted(network: str = "cnn", **settings: Any) -> Fitted:
    chosen = FitSettings(network=network, size=SMALL, batch=64, learning_rate=1e-2, **settings)
    return fit(TRAINING, VALIDATION, chosen, mask=samples.MASK)


def weights(found: Fitted) -> list[np.ndarray[Any, Any]]:
    return [np.asarray(weight) for weight in found.model.get_weights()]


@pytest.fixture(scope="module")
def lstm() -> Fitted:
    return fitted("cnn-lstm", epochs=25)


def test_what_can_be_told_apart_is_learnt(lstm: Fitted) -> None:
    unseen = samples.dataset(origins=1, seed=200)
    chosen = predict_logits(lstm.model, unseen.sequences).argmax(axis=1)
    assert (chosen == unseen.labels).mean() > 0.9


def test_validation_sets_the_temperature(lstm: Fitted) -> None:
    assert 0.1 < lstm.temperature < 20.0
    assert lstm.temperature != 1.0


def test_without_validation_there_is_nothing_to_calibrate_by() -> None:
    settings = FitSettings(network="cnn", size=SMALL, batch=64, epochs=2, seed=3)
    found = fit(TRAINING, None, settings, mask=samples.MASK)
    same = fit(TRAINING, VALIDATION, settings, mask=samples.MASK)
    assert found.temperature == 1.0
    assert "calibrated_loss" not in found.history
    assert all(np.array_equal(left, right) for left, right in zip(weights(found), weights(same), strict=True))


def test_the_same_seed_gives_the_same_weights_and_another_gives_others() -> None:
    first, again, other = (fitted(epochs=2, seed=seed) for seed in (3, 3, 4))
    assert all(
        np.array_equal(left, right) for left, right in zip(weights(first), weights(again), strict=True)
    )
    assert (first.temperature, first.history) == (again.temperature, again.history)
    assert not all(
        np.array_equal(left, right) for left, right in zip(weights(first), weights(other), strict=True)
    )


def test_the_epoch_that_validation_liked_best_is_kept() -> None:
    wrong = samples.dataset(origins=1, seed=100)
    wrong.labels[:] = (wrong.labels + 1) % 4
    found = fit(
        TRAINING,
        wrong,
        FitSettings(
            network="cnn",
            size=SMALL,
            batch=64,
            learning_rate=1e-2,
            epochs=8,
            benign_weight=1.0,
            keep_best=True,
        ),
        mask=samples.MASK,
    )
    logits = predict_logits(found.model, wrong.sequences)
    kept = loss(logits, wrong.labels, np.ones(160, np.float32), found.temperature)
    assert kept == pytest.approx(min(found.history["calibrated_loss"]), rel=1e-4)
    assert kept < found.history["calibrated_loss"][-1]
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


def test_every_epoch_is_told() -> None:
    told: list[str] = []
    settings = FitSettings(network="cnn", size=SMALL, epochs=2)
    fit(TRAINING, VALIDATION, settings, mask=samples.MASK, progress=told.append)
    assert [line.split(":")[0] for line in told] == ["epoch 1 of 2", "epoch 2 of 2"]
    assert "calibrated_loss" in told[0]


def test_features_left_out_change_nothing_whatever_is_in_them() -> None:
    for network in ("cnn-lstm", "attention"):
        found = fitted(network, epochs=1, features=("bytes_per_second", "tcp"))
        others = VALIDATION.sequences.copy()
        left_out = [
            column
            for column, name in enumerate(SCHEMA.names)
            if name not in {"bytes_per_second", "tcp", "mask"}
        ]
        others[:, :, left_out] = 1e6
        same = predict_logits(found.model, VALIDATION.sequences)
        assert np.allclose(predict_logits(found.model, others), same, atol=1e-5)
        others[:, :, samples.SIGNAL] = 0.0
        assert not np.allclose(predict_logits(found.model, others), same, atol=1e-3)


def test_an_unknown_feature_is_named() -> None:
    with pytest.raises(UsageError, match="--features colour: expected one of"):
        fitted(epochs=1, features=("colour",))


def test_patience_ends_a_training_that_validation_no_longer_likes() -> None:
    wrong = samples.dataset(origins=1, seed=100)
    wrong.labels[:] = (wrong.labels + 1) % 4
    settings = FitSettings(
        network="cnn", size=SMALL, batch=64, learning_rate=1e-2, epochs=30, falling=False, patience=2
    )
    losses = fit(TRAINING, wrong, settings, mask=samples.MASK).history["calibrated_loss"]
    assert len(losses) < 30
    assert losses.index(min(losses)) == len(losses) - 3


def test_the_paper_s_preset_learns_with_adam_at_one_pace() -> None:
    found = fit(TRAINING, None, PAPER.model_copy(update={"network": "cnn", "epochs": 1}), mask=samples.MASK)
    optimizer = found.model.optimizer
    assert float(optimizer.learning_rate) == pytest.approx(1e-3)
    assert (optimizer.weight_decay, optimizer.clipnorm) == (0.0, None)
    assert found.learnt == {"Benign": 180, "DDoS": 180, "DoS": 180, "Recon": 180}


def test_who_is_told_the_losses_can_end_the_training() -> None:
    told: list[tuple[int, float]] = []

    def judge(epoch: int, loss: float) -> None:
        told.append((epoch, loss))
        if epoch == 1:
            raise StopIteration

    settings = FitSettings(network="cnn", size=SMALL, epochs=5)
    with pytest.raises(StopIteration):
        fit(TRAINING, VALIDATION, settings, mask=samples.MASK, judge=judge)
    assert [epoch for epoch, _ in told] == [0, 1]
