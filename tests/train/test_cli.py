import subprocess
import sys
from pathlib import Path

import pytest

from detector.cli import run_app
from detector.records import CATEGORIES
from tests.train import samples
from train.cli import app
from train.lab.scenes import ATTACKS, BUSTLE, CROWDS, CYCLES, OTHERS, PAIRS


def run(*arguments: str) -> int:
    return run_app(lambda given: app(given, standalone_mode=False), list(arguments))


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["lab"], "give --out DIR"),
        (["extract"], "give --manifest FILE, --lab, --named or --table DIR"),
        (["augment", "--out", "x"], "nothing to do; give --stretch"),
        (["augment", "--out", "x", "--nat"], "give --manifest FILE, --lab"),
        (["extract", "--manifest", "none.json"], "none.json: no readable list"),
        (["fit", "--network", "transformer"], "expected one of cnn-lstm, sequence, summary, cnn"),
        (["fit", "--test", "sgr"], "--test needs --validate"),
        (["fit"], "run iotids-train extract"),
        (["export", "--out", "bundle"], "run iotids-train fit"),
        (["evaluate"], "run iotids-train extract"),
        (["evaluate", "--ablate", "time"], "--ablate time: expected one of last-flow, shuffled"),
        (["evaluate", "--survey", "none.json"], "run iotids-train survey"),
        (["evaluate", "--evasion", "none.json"], "run iotids-train evade"),
        (["evade"], "--run"),
        (["evade", "--run", "x", "--evasion", "haste"], "--evasion haste: expected one of slower, jitter"),
        (["evade", "--run", "x", "--manifest", "none.json"], "none.json: no readable list"),
        (["survey"], "give --manifest FILE, --lab, --named or --table DIR"),
        (["tune", "--benign", "home.pcap", "--budget", "few"], "--budget few: expected a number"),
        (["tune", "--benign", "home.pcap", "--out", "."], "--out .: is there already"),
        (["tune"], "--benign"),
        (["fit", "--folds", "1"], "--folds"),
        (["guess"], "guess"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_exit_2(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    complaint: str,
) -> None:
    if arguments[0] in {"fit", "export", "evaluate", "evade"}:
        pytest.importorskip("tensorflow")
    monkeypatch.chdir(tmp_path)
    assert run(*arguments) == 2
    said = capsys.readouterr().err
    assert complaint in said
    assert said.count("\n") == 1


def test_an_unknown_origin_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tensorflow")
    samples.write_data(tmp_path, origins=3, each=1)
    assert run("fit", "--data", str(tmp_path), "--validate", "origin-0", "--test", "typo") == 2
    assert "no origin typo in the data" in capsys.readouterr().err


def test_every_scene_of_the_lab_is_listed_with_its_class(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("lab", "--list") == 0
    rows = [line.split(maxsplit=3) for line in capsys.readouterr().out.splitlines()]
    assert {category for category, *_ in rows} == {*CATEGORIES, "Other", "Pair", "Crowd", "Cycle", "Overrun"}
    assert {name for _, name, *_ in rows} == {
        scene.__name__
        for scene in [
            *BUSTLE,
            *PAIRS,
            *CROWDS,
            *CYCLES,
            *OTHERS,
            *(scene for scenes in ATTACKS.values() for scene in scenes),
        ]
    }
    assert all(told.endswith(".") for *_, told in rows)


def test_help_needs_no_training_library() -> None:
    heavy = "{'tensorflow', 'keras', 'sklearn'}"
    code = f"import sys; from train.cli import app; print(sorted({heavy} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert found.stdout == "[]\n"


@pytest.mark.tensorflow
@pytest.mark.slow
def test_windows_become_a_bundle_by_commands_alone(tmp_path: Path) -> None:
    pytest.importorskip("tensorflow")
    data, made, bundle = (str(tmp_path / name) for name in ("data", "run", "bundle"))
    samples.write_data(Path(data), each=20)
    sides = ["--validate", "origin-0", "--test", "origin-1"]
    assert run("fit", "--data", data, "--run", made, "--network", "cnn", *sides, "--epochs", "2") == 0
    page = tmp_path / "out" / "report.html"
    assert run("evaluate", "--data", data, "--run", made, "--no-baselines", "--report", str(page)) == 0
    assert page.with_suffix(".json").exists()
    assert run("export", "--run", made, "--out", bundle) == 0
    card = (tmp_path / "bundle" / "card.md").read_text()
    assert "`iotids-train fit --preset iotids --network cnn --epochs 2 --balance weights " in card
    assert " --validate origin-0 --test origin-1 --seed 0 --cap-windows 200`" in card
    assert str(tmp_path) not in card
