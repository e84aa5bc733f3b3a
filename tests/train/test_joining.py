import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from detector.bundle import load_bundle
from detector.errors import UsageError
from detector.features import SCHEMA
from detector.meter import ENGINE_VERSION
from detector.scorer import KerasScorer, OnnxScorer
from tests.train import samples
from train.joining import join_runs
from train.record import MODEL, RUN, Run, read_run
from train.runs import export_run, fit_run
from train.settings import FitSettings, NetworkSettings, changed
from train.split import split_by_fold

pytestmark = pytest.mark.tensorflow

SETTINGS = FitSettings(
    network="cnn", size=NetworkSettings(filters=8), epochs=2, batch=64, learning_rate=1e-2, seed=5
)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("joining")
    index = samples.write_data(made / "data", each=10)
    for name, fold, settings in (
        ("seed-5", 0, SETTINGS),
        ("seed-6", 0, changed(SETTINGS, seed=6)),
        ("longer", 0, changed(SETTINGS, seed=7, epochs=3)),
        ("elsewhere", 1, changed(SETTINGS, seed=8)),
    ):
        split = split_by_fold(index, folds=3, fold=fold)
        command = f"iotids-train fit --seed {settings.seed}"
        fit_run(made / "data", made / name, split, settings, cap_windows=50, command=command, say=print)
    return made


def joined(directory: Path, *members: str) -> Run:
    return join_runs(
        directory / "data",
        directory / "joined",
        [directory / member for member in members],
        cap_windows=50,
        say=print,
    )


@pytest.fixture(scope="module")
def run(directory: Path) -> Run:
    return joined(directory, "seed-5", "seed-6")


def test_it_gives_what_its_members_give_between_them(directory: Path, run: Run) -> None:
    assert read_run(directory / "joined") == run
    windows = samples.windows([0, 1, 2, 3] * 5).sequences
    members = ("seed-5", "seed-6")
    told = [np.log(KerasScorer.load(directory / name / MODEL).score(windows)) for name in members]
    mean = sum(
        read_run(directory / name).temperature * each for name, each in zip(members, told, strict=True)
    )
    expected = np.exp(mean / 2 / run.temperature)
    expected /= expected.sum(axis=1, keepdims=True)
    assert np.allclose(KerasScorer.load(directory / "joined" / MODEL).score(windows), expected, atol=1e-4)


def test_it_says_how_it_came_about(directory: Path, run: Run) -> None:
    first = read_run(directory / "seed-5")
    assert run.training.seeds == (5, 6)
    assert run.training.command == (
        "iotids-train fit --seed 5; the same with --seed 6; iotids-train join seed-5 seed-6 --cap-windows 50"
    )
    for side in ("train", "validate", "test"):
        assert run.side(side) == first.side(side)
    assert (run.record, run.learnt, run.settings) == (first.record, first.learnt, first.settings)
    assert "member_1_loss" in run.history


@pytest.mark.usefixtures("run")
def test_its_bundle_opens_and_gives_what_keras_gives(directory: Path, tmp_path: Path) -> None:
    export_run(directory / "joined", tmp_path / "bundle", name="mean")
    bundle = load_bundle(tmp_path / "bundle", schema_digest=SCHEMA.digest, nfstream_version=ENGINE_VERSION)
    windows = samples.windows([0, 1, 2, 3] * 5).sequences
    expected = KerasScorer.load(directory / "joined" / MODEL).score(windows)
    assert np.allclose(OnnxScorer(bundle).score(windows), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("members", "complaint"),
    [
        (["seed-5"], r"seeds \[5\]; name two or more"),
        (["seed-5", "seed-5"], r"seeds \[5, 5\]; name two or more of different seeds"),
        (["seed-5", "longer"], "longer: has other settings or sides than .*seed-5"),
        (["seed-5", "elsewhere"], "elsewhere: has other settings or sides"),
        (["seed-5", "nowhere"], "nowhere.*run"),
    ],
)
def test_what_does_not_belong_together_is_refused(
    directory: Path, members: list[str], complaint: str
) -> None:
    with pytest.raises(UsageError, match=complaint):
        joined(directory, *members)


def test_members_that_learnt_from_other_windows_are_refused(directory: Path, tmp_path: Path) -> None:
    samples.write_data(tmp_path / "other", each=11)
    with pytest.raises(UsageError, match="learnt from other windows"):
        join_runs(
            tmp_path / "other",
            tmp_path / "joined",
            [directory / "seed-5", directory / "seed-6"],
            cap_windows=50,
            say=print,
        )
    assert not (tmp_path / "joined").exists()


def test_a_member_without_origins_to_calibrate_by_is_refused(directory: Path, tmp_path: Path) -> None:
    members = []
    for name in ("seed-5", "seed-6"):
        told = json.loads((directory / name / RUN).read_text())
        for origin in told["training"]["origins"]:
            origin["side"] = "train"
        members.append(tmp_path / name)
        members[-1].mkdir()
        (members[-1] / RUN).write_text(json.dumps(told))
    with pytest.raises(UsageError, match="no origins to calibrate by"):
        join_runs(directory / "data", tmp_path / "joined", members, cap_windows=50, say=print)
