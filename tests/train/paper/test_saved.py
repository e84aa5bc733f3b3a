import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from detector.bundle import PAPER
from detector.errors import UsageError
from tests.train.paper import samples
from train.paper.models import build
from train.paper.rows import Rows
from train.paper.saved import MODEL, Saved, load, save, simulate
from train.paper.scores import score
from train.paper.settings import FAST, Settings
from train.paper.training import compile_model
from train.paper.variants import PUBLISHED, Task

pytestmark = pytest.mark.tensorflow

EVERY = samples.rows(100)
SOME = Rows(EVERY.store, EVERY.indices, tuple(range(3, 45)), EVERY.classes)


@pytest.fixture
def saved(tmp_path: Path) -> Saved:
    job = samples.job()
    scaler = type(job.scaler)(job.scaler.mean[3:], job.scaler.deviation[3:])
    task = Task(PUBLISHED, SOME, SOME, SOME, scaler, samples.CLASSES)
    model = build("cnn", 42, 4, seed=1)
    compile_model(model)
    scores = score(samples.CLASSES, SOME.classes, SOME.classes)
    for _ in range(2):  # the second replaces the first
        save(tmp_path / "cnn", model, task, settings=Settings(), pace=FAST, scores=scores)
    assert samples.names(tmp_path) == {"cnn"}
    expected = np.asarray(model(scaler(SOME.whole())[:, :, None]))
    found = load(tmp_path / "cnn")
    assert np.allclose(found.probabilities(EVERY.store), expected, atol=1e-6)
    return found


def test_all_that_the_numbers_need_is_saved(saved: Saved, tmp_path: Path) -> None:
    assert samples.names(tmp_path / "cnn") == {MODEL, PAPER}
    about = json.loads((tmp_path / "cnn" / PAPER).read_text())
    assert about["classes"] == list(samples.CLASSES)
    assert about["columns"][0] == "Rate"
    assert len(about["mean"]) == len(about["deviation"]) == len(about["columns"]) == 42
    assert about["settings"]["seed"] == 42
    assert about["pace"] == {"epochs": 3, "batch": 1024}
    assert saved.about.scores.accuracy == 1


def test_a_single_row_is_told_and_timed(saved: Saved) -> None:
    told = simulate(saved, EVERY.store[0], "DoS")
    probabilities = saved.probabilities(EVERY.store[:1])[0]
    assert told.truth == "DoS"
    assert told.told == samples.CLASSES[probabilities.argmax()]
    assert told.probability == pytest.approx(float(probabilities.max()), abs=1e-6)
    assert 0 < told.median_ms <= told.slow_ms


@pytest.mark.parametrize("name", [PAPER, MODEL])
def test_a_damaged_model_is_refused_in_one_line(saved: Saved, tmp_path: Path, name: str) -> None:
    assert saved.about.network == "cnn"
    (tmp_path / "cnn" / name).write_bytes(b"damaged")
    with pytest.raises(UsageError, match="no model of iotids-train paper") as told:
        load(tmp_path / "cnn")
    assert "\n" not in str(told.value)
