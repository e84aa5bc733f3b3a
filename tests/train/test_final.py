import math
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

pytest.importorskip("tensorflow")


from detector.bundle import Thresholds
from detector.errors import UsageError
from detector.features import SCHEMA
from detector.scorer import KerasScorer
from tests.train import samples
from train.contest import Bench, Contender
from train.crossfit import strictest, temperature_of
from train.datasets import read_index
from train.final import fit_final
from train.record import MODEL, RUN, Run, read_run
from train.runs import fit_run
from train.settings import FitSettings, NetworkSettings
from train.split import split_by_fold
from train.survey import Surveyed

pytestmark = pytest.mark.tensorflow

SETTINGS = FitSettings(
    network="cnn", size=NetworkSettings(filters=8), epochs=2, batch=64, learning_rate=1e-2, seed=5
)
FOLDS = 3


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("final")
    index = samples.write_data(made / "data", each=10)
    for fold in range(FOLDS):
        split = split_by_fold(index, folds=FOLDS, fold=fold)
        fit_run(made / "data", made / f"fold-{fold}", split, SETTINGS, cap_windows=50, command="", say=print)
    return made


def fitted(
    directory: Path,
    folds: list[int],
    settings: FitSettings = SETTINGS,
    aside: Sequence[str] = (),
    survey: Mapping[str, Surveyed] | None = None,
    *,
    teachers: Sequence[Path] = (),
    of: str = "fold",
) -> Run:
    return fit_final(
        directory / "data",
        directory / "final",
        [directory / f"{of}-{fold}" for fold in folds],
        settings,
        aside=aside,
        cap_windows=50,
        command="iotids-train fit",
        say=print,
        survey=survey,
        teachers=teachers,
    )


def test_it_learns_from_every_origin_and_is_calibrated_by_the_folds(directory: Path) -> None:
    found = fitted(directory, [0, 1, 2], SETTINGS.model_copy(update={"seed": 6}))
    runs = [read_run(directory / f"fold-{fold}") for fold in range(FOLDS)]
    assert found.side("train") == frozenset().union(*(run.side("test") for run in runs))
    assert found.side("validate") == found.side("test") == frozenset()
    index = read_index(directory / "data", schema_digest=SCHEMA.digest)
    told = []
    for fold, run in enumerate(runs):
        scorer = KerasScorer.load(directory / f"fold-{fold}" / MODEL)
        bench = Bench(directory / "data", index, run, 50)
        told.append(bench.tell(Contender("cnn", scorer, run.thresholds)))
    folds = math.prod(run.temperature for run in runs) ** (1 / FOLDS)
    assert found.temperature == pytest.approx(folds * temperature_of(told))
    assert found.training.seeds == (6,)
    assert read_run(directory / "final") == found
    assert (directory / "final" / MODEL).is_file()


def test_attacks_in_name_alone_teach_nothing_and_are_judged_all_the_same(directory: Path) -> None:
    weak, origin = f"{next(iter(_tested(directory)))}/DoS", next(iter(_tested(directory)))
    reached = {"packets_1s": 5.0}
    told = [("DoS", weak), *(("Benign", f"{origin}/Benign-{n}") for n in range(20))]
    survey = {
        name: Surveyed(name, origin, category, 9, 90, 9.0, 1, None, reached, reached)
        for category, name in told
    }
    whole, found = fitted(directory, [0, 1, 2]), fitted(directory, [0, 1, 2], survey=survey)
    assert (whole.training.left_out, found.training.left_out) == ((), (weak,))
    assert found.learnt == whole.learnt | {"DoS": whole.learnt["DoS"] - 10}
    index = read_index(directory / "data", schema_digest=SCHEMA.digest)
    rivals = Bench(directory / "data", index, found, 50)
    assert len(rivals.lesson()) == sum(found.learnt.values())
    own = next(
        run for fold in range(FOLDS) if origin in (run := read_run(directory / f"fold-{fold}")).side("test")
    )
    scorer = KerasScorer.load(directory / "fold-0" / MODEL)
    judged = Bench(directory / "data", index, own, 50).tell(Contender("cnn", scorer, own.thresholds))
    assert weak in {entry.capture for entry, _ in judged.captures}


def test_taught_and_untaught_runs_do_not_mix(directory: Path) -> None:
    teachers = [directory / "fold-0"]
    with pytest.raises(UsageError, match="fold-0: was not taught by other runs; give fit the same options"):
        fitted(directory, [0, 1, 2], teachers=teachers)


def test_it_learns_from_all_who_taught_the_folds(directory: Path) -> None:
    teachers = [directory / f"fold-{fold}" for fold in range(FOLDS)]
    for fold, teacher in enumerate(teachers):
        run, pupil = read_run(teacher), directory / f"pupil-{fold}"
        shutil.copytree(teacher, pupil)
        taught = run.training.model_copy(update={"teachers": ("iotids-train fit",)})
        (pupil / RUN).write_text(run.model_copy(update={"training": taught}).model_dump_json())
    found = fitted(directory, [0, 1, 2], teachers=teachers, of="pupil")
    assert len(found.training.teachers) == FOLDS
    with pytest.raises(UsageError, match="pupil-0: was taught by other runs; give fit the same options"):
        fitted(directory, [0, 1, 2], of="pupil")


def _tested(directory: Path) -> list[str]:
    return sorted(read_run(directory / "fold-0").side("test"))


def test_origins_set_aside_choose_thresholds_and_teach_nothing(directory: Path) -> None:
    aside = min(read_run(directory / "fold-0").side("test"))
    found = fitted(directory, [0, 1, 2], aside=[aside])
    assert found.side("aside") == {aside}
    assert found.side("validate") == frozenset()
    assert aside not in found.side("train")


def test_the_strictest_of_several_thresholds_hold() -> None:
    one = Thresholds(benign=0.3, recon=0.5, dos=0.9, ddos=0.6)
    other = Thresholds(benign=0.2, recon=0.6, dos=0.7, ddos=0.6)
    assert strictest(one, other) == Thresholds(benign=0.2, recon=0.6, dos=0.9, ddos=0.6)


def test_each_origin_is_judged_once(directory: Path) -> None:
    with pytest.raises(UsageError, match="origins of their own"):
        fitted(directory, [0, 1, 1])


def test_the_folds_are_of_the_same_network(directory: Path) -> None:
    with pytest.raises(UsageError, match="holds a cnn, expected a cnn-lstm"):
        fitted(directory, [0, 1, 2], SETTINGS.model_copy(update={"network": "cnn-lstm"}))


def test_the_folds_learnt_as_it_does_but_for_the_seed(directory: Path) -> None:
    with pytest.raises(UsageError, match="fold-0: has other settings"):
        fitted(directory, [0, 1, 2], SETTINGS.model_copy(update={"epochs": 7}))
