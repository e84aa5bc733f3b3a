"""Small data for the tests: rows whose classes one column tells, and a folder read once."""

from pathlib import Path

import numpy as np

from train.paper.rows import Rows, Scaler, fit_scaler
from train.paper.settings import Pace
from train.paper.training import Job

CLASSES = ("Benign", "DDoS", "DoS", "Recon")


def rows(count: int, *, seed: int = 0, told_by: int = 5, noisy: int = 45) -> Rows:
    """Return rows of four classes; the column `told_by` holds the class and some noise, others noise or 0."""
    draw = np.random.default_rng(seed)
    classes = draw.integers(0, 4, count).astype(np.int8)
    values = draw.normal(size=(count, 45)).astype(np.float32)
    values[:, noisy:] = 0.0
    values[:, told_by] += 10 * classes
    return Rows(values, np.arange(count), tuple(range(45)), classes)


def job(network: str = "cnn", *, epochs: int = 2, count: int = 600) -> Job:
    train = rows(count, noisy=8)
    return Job(
        network,
        train,
        rows(100, seed=1, noisy=8),
        fit_scaler(train),
        4,
        Pace(epochs=epochs, batch=32),
        seed=3,
    )


def no_scaler() -> Scaler:
    return Scaler(np.zeros(45), np.ones(45))


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}
