from pathlib import Path

import pytest

pytest.importorskip("tensorflow")

from detector.cli import run_app
from tests.train import samples
from train.cli import app
from train.record import read_run
from train.settings import FitSettings

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


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["fit", "--balance", "luck"], "balance: "),
        (["fit", "--preset", "mine"], "--preset mine: expected one of iotids, paper"),
        (["fit", "--seeds", "one"], "--seeds 'one': expected up to 100"),
        (["fit", "--settings", "none.json"], "none.json: no settings"),
        (["fit", "--features", "best:3"], "needs --worth FILE"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_exit_2(
    arguments: list[str], complaint: str, data: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*arguments, "--data", data) == 2
    said = capsys.readouterr().err
    assert complaint in said
    assert said.count("\n") == 1
