import json
from pathlib import Path

import pytest

pytest.importorskip("tensorflow")

from detector.cli import run_app
from tests.train import samples
from train.cli import app
from train.record import read_run
from train.settings import Choice, FitSettings
from train.survey import Surveyed, write_survey

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]


def run(*arguments: str) -> int:
    return run_app(lambda given: app(given, standalone_mode=False), list(arguments))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    directory = tmp_path_factory.mktemp("data")
    samples.write_data(directory, origins=4, each=10)
    return str(directory)


SIDES = ["--validate", "origin-0", "--test", "origin-1", "--network", "cnn", "--epochs", "1"]


def test_several_seeds_give_a_run_each_that_one_seed_gives_again(data: str, tmp_path: Path) -> None:
    both, alone = str(tmp_path / "both"), str(tmp_path / "alone")
    assert run("fit", "--data", data, "--run", both, *SIDES, "--seeds", "1,2", "--balance", "smote") == 0
    assert run("fit", "--data", data, "--run", alone, *SIDES, "--seed", "2", "--balance", "smote") == 0
    first, second = (read_run(Path(both) / f"seed-{seed}") for seed in (1, 2))
    assert read_run(Path(alone)) == second
    assert (first.training.seeds, second.training.seeds) == ((1,), (2,))
    assert first.history != second.history
    assert second.settings == FitSettings(network="cnn", epochs=1, balance="smote", seed=2)
    assert second.learnt == {"Benign": 20, "DDoS": 20, "DoS": 20, "Recon": 20}


def test_runs_teach_another_by_one_command(data: str, tmp_path: Path) -> None:
    made, pupil = tmp_path / "made", tmp_path / "pupil"
    assert run("fit", "--data", data, "--run", str(made), *SIDES) == 0
    sides = ["--test", "origin-1", "--network", "cnn", "--epochs", "1", "--teacher", str(made)]
    assert run("fit", "--data", data, "--run", str(pupil), *sides) == 0
    found = read_run(pupil)
    assert found.training.teachers == (read_run(made).training.command,)
    assert "--test origin-1 --teacher RUN_0" in found.training.command
    assert found.side("train") == {"origin-0", "origin-2", "origin-3"}


def test_a_survey_leaves_out_what_its_packets_do_not_support(data: str, tmp_path: Path) -> None:
    reached = {"packets_1s": 5.0}
    told = [("origin-2/DoS", "DoS"), *((f"quiet-{n}", "Benign") for n in range(20))]
    write_survey(
        tmp_path / "survey.json",
        [Surveyed(name, "origin-2", kind, 9, 90, 9.0, 1, None, reached, reached) for name, kind in told],
    )
    made = str(tmp_path / "made")
    assert run("fit", "--data", data, "--run", made, *SIDES, "--survey", str(tmp_path / "survey.json")) == 0
    found = read_run(Path(made)).training
    assert found.left_out == ("origin-2/DoS",)
    assert "--survey survey.json" in found.command


def test_what_is_set_aside_is_told_and_its_thresholds_hold(data: str, tmp_path: Path) -> None:
    made = tmp_path / "made"
    sides = ["--folds", "3", "--aside", "origin-3", "--network", "cnn", "--epochs", "1"]
    assert run("fit", "--data", data, "--run", str(made), *sides) == 0
    found = read_run(made)
    assert found.side("aside") == {"origin-3"}
    assert found.side("train") | found.side("validate") | found.side("test") == {
        f"origin-{n}" for n in range(3)
    }
    assert "--aside origin-3" in found.training.command


def test_the_worth_of_features_chooses_some_and_the_run_says_who_chose(data: str, tmp_path: Path) -> None:
    made, chosen = tmp_path / "made", tmp_path / "chosen"
    assert run("fit", "--data", data, "--run", str(made), *SIDES) == 0
    assert run("worth", "--data", data, "--run", str(made)) == 0
    ranked = ["--features", "best:5", "--worth", str(made / "worth.json")]
    assert run("fit", "--data", data, "--run", str(chosen), *SIDES, *ranked) == 0
    found = read_run(chosen)
    assert found.settings is not None
    assert len(found.settings.features or ()) == 5
    assert found.chosen_on == ("origin-0",)
    assert f"--features {','.join(found.settings.features or ())}" in found.training.command
    assert run("export", "--run", str(chosen), "--out", str(tmp_path / "bundle")) == 0


def test_a_search_writes_settings_that_fit_takes(
    data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, journal = tmp_path / "settings.json", tmp_path / "search.log"
    searching = ["search", "--data", data, "--journal", str(journal), "--out", str(out), "--trials", "2"]
    assert run(*searching, *SIDES) == 0
    choice = Choice.model_validate_json(out.read_bytes())
    assert choice.chosen_on == ("origin-0",)
    flipped = ["--validate", "origin-1", "--test", "origin-0"]
    made = tmp_path / "run"
    assert run("fit", "--data", data, "--run", str(made), "--settings", str(out), *flipped) == 0
    assert "chosen on origin-0: figures on these origins will flatter" in capsys.readouterr().err
    assert read_run(made).settings == choice.settings
    assert str(tmp_path) not in read_run(made).training.command


def test_networks_and_trees_are_compared_by_one_command(
    data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "figures.json"
    contest = ["--network", "cnn", "--folds", "3", "--epochs", "1", "--out", str(out)]
    assert run("compare", "--data", data, *contest) == 0
    assert list(json.loads(out.read_text())) == ["cnn", "random forest", "LightGBM", "rate rule"]
    assert len(capsys.readouterr().out.splitlines()) == 5


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["fit", "--balance", "luck"], "balance: "),
        (["fit", "--preset", "mine"], "--preset mine: expected one of iotids, paper"),
        (["fit", "--seeds", "one"], "--seeds 'one': expected up to 100"),
        (["fit", "--settings", "none.json"], "none.json: no settings"),
        (["fit", "--features", "best:3"], "needs --worth FILE"),
        (["fit", "--survey", "none.json"], "none.json: no readable survey"),
        (["join", "none"], "none/run.json: no readable run"),
        (["worth", "--side", "train"], "--side train: expected one of validate, test"),
        (["compare", "--network", "rnn"], "--network rnn: expected one of"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_exit_2(
    arguments: list[str], complaint: str, data: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*arguments, "--data", data) == 2
    said = capsys.readouterr().err
    assert complaint in said
    assert said.count("\n") == 1
