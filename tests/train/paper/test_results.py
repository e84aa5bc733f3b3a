from pathlib import Path

import pytest

pytest.importorskip("tensorflow")

from tests.train.paper import samples
from train.paper.results import Kept
from train.paper.settings import Pace, Settings
from train.paper.variants import PUBLISHED, Task, Variant

pytestmark = pytest.mark.tensorflow


def task(variant: Variant = PUBLISHED) -> Task:
    job = samples.job()
    return Task(variant, job.train, job.validate, samples.rows(100, seed=2), job.scaler, samples.CLASSES)


def kept(tmp_path: Path, said: list[str], digest: str = "a", *, seed: int = 42) -> Kept:
    return Kept(tmp_path, digest, Settings(seed=seed, forest_rows=200), said.append)


def test_a_network_is_trained_once(tmp_path: Path) -> None:
    said: list[str] = []
    pace = Pace(epochs=1, batch=32)
    model, first = kept(tmp_path, said).network("cnn", task(), pace)
    assert (first.model, first.variant, first.train_rows, first.test_rows) == (
        "cnn",
        "as published",
        600,
        100,
    )
    assert first.parameters == model.count_params()
    assert first.epochs is not None
    assert first.seconds == sum(first.epochs.seconds) > 0
    assert sum(map(sum, first.scores.confusion)) == 100
    said.clear()
    again, second = kept(tmp_path, said).network("cnn", task(), pace)
    assert second == first
    assert all((a == b).all() for a, b in zip(model.get_weights(), again.get_weights(), strict=True))
    assert not any("epoch" in line for line in said)


def test_a_forest_has_a_bound_and_is_kept(tmp_path: Path) -> None:
    said: list[str] = []
    result = kept(tmp_path, said).tree("random forest", task())
    assert (result.train_rows, result.epochs, result.pace) == (200, None, None)
    assert kept(tmp_path, said).tree("random forest", task()) == result
    assert said == ["random forest, as published"]


def test_other_data_settings_or_variants_are_other_results(tmp_path: Path) -> None:
    said: list[str] = []
    for digest, seed, variant in (
        ("a", 1, PUBLISHED),
        ("b", 1, PUBLISHED),
        ("b", 2, PUBLISHED),
        ("b", 2, Variant("again", once=True)),
    ):
        kept(tmp_path, said, digest, seed=seed).tree("random forest", task(variant))
    assert said == ["random forest, as published"] * 3 + ["random forest, again"]


def test_a_damaged_result_is_made_again(tmp_path: Path) -> None:
    said: list[str] = []
    result = kept(tmp_path, said).tree("random forest", task())
    next(tmp_path.glob("*.json")).write_text("{}")
    assert kept(tmp_path, said).tree("random forest", task()).scores == result.scores
    assert len(said) == 2
