import json
import shutil
from pathlib import Path

import pytest

pytest.importorskip("tensorflow")

from detector.bundle import load_bundle
from detector.errors import UsageError
from detector.features import SCHEMA
from detector.meter import ENGINE_VERSION
from detector.scorer import OnnxScorer
from tests.train import samples
from train.evaluate import Evaluation, evaluate_runs
from train.record import FIGURES, RUN, read_run
from train.runs import export_run, fit_run
from train.settings import FitSettings, NetworkSettings
from train.split import split_by_fold

pytestmark = pytest.mark.tensorflow

SETTINGS = FitSettings(
    size=NetworkSettings(filters=8, units=8, summary_units=8, feature_dropout=0.1),
    epochs=40,
    batch=32,
    learning_rate=1e-2,
    seed=5,
)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("run")


@pytest.fixture(scope="module")
def evaluation(directory: Path) -> Evaluation:
    index = samples.write_data(directory / "data", each=40)
    split = split_by_fold(index, folds=3, fold=0)
    fit_run(
        directory / "data",
        directory / "run",
        split,
        SETTINGS,
        cap_windows=30,
        command="iotids-train fit --seed 5",
        say=lambda _: None,
    )
    return evaluate_runs(
        directory / "data", [directory / "run"], cap_windows=30, with_baselines=True, say=lambda _: None
    )


def test_the_network_the_trees_and_the_papers_networks_are_judged_on_the_same_windows(
    evaluation: Evaluation,
) -> None:
    assert list(evaluation.figures) == [
        "cnn-lstm",
        "random forest",
        "LightGBM",
        "paper-cnn",
        "paper-cnn-lstm",
        "rate rule",
    ]
    scores = {name: measured["macro_f1"] for name, measured in evaluation.figures.items()}
    assert min(scores["cnn-lstm"], scores["random forest"], scores["LightGBM"]) > 0.8, scores
    assert min(scores["paper-cnn"], scores["paper-cnn-lstm"]) > 0.5, scores


def test_only_origins_of_the_test_side_are_judged(directory: Path, evaluation: Evaluation) -> None:
    run = read_run(directory / "run")
    assert evaluation.origins.keys() == run.side("test")
    assert {outcome.origin for outcome in evaluation.captures} == run.side("test")
    assert len(evaluation.captures) == 8


def test_a_run_says_what_it_did(directory: Path, evaluation: Evaluation) -> None:
    run = read_run(directory / "run")
    assert (run.training.command, run.training.seeds) == ("iotids-train fit --seed 5", (5,))
    assert len(run.training.origins) == 6
    assert json.loads((directory / "run" / FIGURES).read_text()) == evaluation.figures


def test_a_run_becomes_a_bundle_that_the_detector_opens(directory: Path, evaluation: Evaluation) -> None:
    digest = export_run(directory / "run", directory / "bundle", name="tiny")
    bundle = load_bundle(directory / "bundle", schema_digest=SCHEMA.digest, nfstream_version=ENGINE_VERSION)
    assert (bundle.digest, bundle.name) == (digest, "tiny")
    assert bundle.manifest.figures == evaluation.figures
    assert bundle.manifest.record == read_run(directory / "run").record
    unseen = samples.dataset(origins=1, each=30, seed=300)
    right = OnnxScorer(bundle).score(unseen.sequences).argmax(axis=1) == unseen.labels
    assert right.mean() > 0.8


def test_no_path_of_this_machine_is_in_the_bundle(directory: Path, evaluation: Evaluation) -> None:
    assert evaluation.figures
    export_run(directory / "run", directory / "bundle", name="tiny")
    for file in (directory / "bundle").iterdir():
        assert str(directory).encode() not in file.read_bytes()


def test_a_run_without_its_model_is_refused(directory: Path, evaluation: Evaluation, tmp_path: Path) -> None:
    assert evaluation.figures
    shutil.copy(directory / "run" / RUN, tmp_path)
    with pytest.raises(UsageError, match=r"model\.keras: is missing; run iotids-train fit"):
        export_run(tmp_path, tmp_path / "bundle", name="tiny")
