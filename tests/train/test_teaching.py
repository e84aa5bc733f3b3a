import math
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from detector.bundle import Thresholds
from detector.errors import UsageError
from detector.features import SCHEMA
from detector.scorer import KerasScorer
from tests.train import samples
from train.calibrate import softmax
from train.crossfit import strictest
from train.datasets import Index, read_index
from train.record import MODEL, RUN, Run, read_run
from train.runs import fit_run
from train.settings import FitSettings, NetworkSettings, changed
from train.split import split_by_fold
from train.teaching import Teachers, teachers_of

pytestmark = pytest.mark.tensorflow

FOLDS = 3
SETTINGS = FitSettings(
    network="cnn", size=NetworkSettings(filters=8), epochs=2, batch=64, learning_rate=1e-2, seed=5
)
WINDOWS = samples.windows([0, 1, 2, 3] * 5).sequences


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("teaching")
    samples.write_data(made / "data", each=10)
    for fold in range(FOLDS):
        fitted(made, f"fold-{fold}", fold)
    return made


def fitted(directory: Path, name: str, fold: int, teachers: tuple[str, ...] = ()) -> Run:
    return fit_run(
        directory / "data",
        directory / name,
        split_by_fold(index_of(directory), folds=FOLDS, fold=fold, validates=not teachers),
        changed(SETTINGS, epochs=12 if teachers else None),
        cap_windows=50,
        command=f"iotids-train fit --fold {fold}",
        say=print,
        teachers=[directory / teacher for teacher in teachers],
    )


def index_of(directory: Path) -> Index:
    return read_index(directory / "data", schema_digest=SCHEMA.digest)


def opened(directory: Path, *names: str, unseen: frozenset[str] = frozenset()) -> Teachers:
    found = teachers_of([directory / name for name in names], index_of(directory), unseen)
    assert found
    return found


def test_they_tell_the_mean_of_their_logits(directory: Path) -> None:
    found = opened(directory, "fold-0", "fold-1")
    mean = np.zeros((len(WINDOWS), 4))
    for name, run in zip(("fold-0", "fold-1"), found.runs, strict=True):
        told = KerasScorer.load(directory / name / MODEL).score(WINDOWS)
        mean += run.temperature * np.log(told) / 2
    assert np.allclose(found.teach(WINDOWS), softmax(mean.astype(np.float32), 1.0), atol=1e-4)
    assert found.temperature == pytest.approx(math.sqrt(math.prod(run.temperature for run in found.runs)))
    assert found.thresholds == strictest(*(run.thresholds for run in found.runs))


def test_who_learnt_from_what_the_pupil_is_judged_on_does_not_teach(directory: Path) -> None:
    unseen = read_run(directory / "fold-0").side("test")
    found = opened(directory, "fold-0", "fold-1", "fold-2", unseen=unseen)
    # Fold 2 validates by what fold 0 tests on; fold 1 learnt from it.
    assert found.commands == ("iotids-train fit --fold 0", "iotids-train fit --fold 2")
    with pytest.raises(UsageError, match=r"each of the 1 runs learnt from .*; name runs of all folds"):
        teachers_of([directory / "fold-1"], index_of(directory), unseen)
    assert teachers_of([], index_of(directory), unseen) is None


def test_a_pupil_learns_from_all_but_what_it_is_judged_on(directory: Path) -> None:
    pupil = fitted(directory, "pupil-0", 0, ("fold-0", "fold-1", "fold-2"))
    teachers = opened(directory, "fold-0", "fold-2")
    assert read_run(directory / "pupil-0") == pupil
    assert pupil.side("validate") == frozenset()
    assert pupil.side("test") == read_run(directory / "fold-0").side("test")
    assert pupil.side("train") == frozenset(index_of(directory).origins) - pupil.side("test")
    assert (pupil.temperature, pupil.thresholds) == (teachers.temperature, teachers.thresholds)
    assert pupil.training.teachers == teachers.commands


def test_a_pupil_learns_what_they_say_and_no_label(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = np.array([0.0, 0.1, 0.9, 0.0], np.float32)
    monkeypatch.setattr(Teachers, "teach", lambda _self, sequences: np.tile(said, (len(sequences), 1)))
    fitted(directory, "believer", 0, ("fold-0",))
    told = KerasScorer.load(directory / "believer" / MODEL).score(WINDOWS)
    assert set(told.argmax(axis=1)) == {2}


def test_teachers_know_the_same_windows(directory: Path) -> None:
    run = read_run(directory / "fold-0")
    strange = run.model_copy(update={"window": run.window.model_copy(update={"length_flows": 16})})
    (directory / "strange").mkdir()
    (directory / "strange" / RUN).write_text(strange.model_dump_json())
    with pytest.raises(UsageError, match="strange: learnt from windows of another kind"):
        teachers_of([directory / "strange"], index_of(directory), ())


def test_a_run_without_a_model_cannot_teach(directory: Path) -> None:
    (directory / "bare").mkdir()
    (directory / "bare" / RUN).write_text((directory / "fold-0" / RUN).read_text())
    with pytest.raises(UsageError, match=f"{MODEL}: is missing"):
        teachers_of([directory / "bare"], index_of(directory), ())


def test_thresholds_are_no_laxer_than_any_teacher_s(directory: Path) -> None:
    found = opened(directory, "fold-0", "fold-1")
    lax = Thresholds(benign=0.9, recon=0.1, dos=0.1, ddos=0.1)
    first, second = found.runs
    mixed = Teachers((first.model_copy(update={"thresholds": lax}), second), found.models)
    assert mixed.thresholds == strictest(lax, second.thresholds)
