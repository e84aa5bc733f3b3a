from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from tests.train.paper import samples
from train.paper import training
from train.paper.training import dataset, predict, train

pytestmark = pytest.mark.tensorflow


def quiet(_: str) -> None:
    return


def weights(model: Any) -> list[list[float]]:
    return [np.asarray(weight).ravel().tolist() for weight in model.get_weights()]


def test_every_row_is_given_once_scaled_in_the_order_asked_for() -> None:
    rows, order = samples.rows(70), np.random.default_rng(1).permutation(70)
    scaler = samples.job().scaler
    batches = list(dataset(rows, scaler, 4, 32, order).as_numpy_iterator())
    assert [values.shape for values, _ in batches] == [(32, 45, 1), (32, 45, 1), (6, 45, 1)]
    assert np.array_equal(
        np.concatenate([values for values, _ in batches])[..., 0], scaler(rows.store[order])
    )
    assert (
        np.concatenate([told for _, told in batches]).argmax(axis=1).tolist() == rows.classes[order].tolist()
    )


def test_a_network_learns_what_a_column_tells(tmp_path: Path) -> None:
    said: list[str] = []
    job = samples.job(epochs=6)
    model, epochs = train(job, tmp_path / "cnn", say=said.append)
    test = samples.rows(100, seed=2, noisy=8)
    assert (predict(model, test, job.scaler) == test.classes).mean() > 0.9
    assert len(epochs) == len(epochs.val_loss) == len(said) == 6
    assert epochs.loss[-1] < epochs.loss[0]
    assert said[-1].startswith("cnn, epoch 6 of 6: loss ")
    assert samples.names(tmp_path) == {"cnn.json", "cnn-6.keras"}


def test_an_interrupted_training_ends_with_the_same_weights(tmp_path: Path) -> None:
    """The CNN-LSTM, whose dropout has a state of its own."""
    job = samples.job("cnn-lstm", epochs=3, count=200)
    whole, _ = train(job, tmp_path / "whole", say=quiet)

    def interrupted(line: str) -> None:
        if "epoch 2" in line:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(job, tmp_path / "parts", say=interrupted)
    said: list[str] = []
    resumed, epochs = train(job, tmp_path / "parts", say=said.append)
    assert len(said) == 1
    assert len(epochs) == 3
    assert weights(resumed) == weights(whole)


def test_a_damaged_checkpoint_is_no_checkpoint(tmp_path: Path) -> None:
    job = samples.job(epochs=1, count=64)
    train(job, tmp_path / "cnn", say=quiet)
    (tmp_path / "cnn-1.keras").write_bytes(b"no model")
    said: list[str] = []
    train(job, tmp_path / "cnn", say=said.append)
    assert len(said) == 1


def test_a_long_epoch_says_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "_TELL_SECS", 0.0)
    monkeypatch.setattr(training, "STEPS_AT_ONCE", 5)
    said: list[str] = []
    train(samples.job(epochs=1, count=640), tmp_path / "cnn", say=said.append)
    assert said[0].startswith("cnn, epoch 1 of 1: 25%, accuracy 0.")
    assert said[0].endswith(" min left")
