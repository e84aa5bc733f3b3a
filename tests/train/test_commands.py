import json
import re
import shutil
from pathlib import Path

import pytest

from detector.cli import run_app
from tests.command import PCAPS
from tests.train import augmented, describable
from train.cli import app


def run(*arguments: str | Path) -> int:
    return run_app(lambda given: app(given, standalone_mode=False), list(map(str, arguments)))


def test_captures_become_windows_by_one_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "home"
    folder.mkdir()
    for name, label in (("quiet-home", "Benign"), ("udp-flood-one-source", "DoS"), ("truncated", "Other")):
        shutil.copy(PCAPS / f"{name}.pcap", folder / f"{name}-{label}.pcap")
    assert run("extract", "--named", "home", "--data", "data", "--jobs", "1", "--licence", "MIT") == 0
    said = capsys.readouterr().err
    assert "truncated-Other.pcap: broken after packet" in said
    assert "windows of 3 captures, 1 origins" in said
    assert re.search(r"data: sha256:[0-9a-f]{64}\n$", said)
    shutil.copy(PCAPS / "quiet-home.pcap", folder / "unlabelled.pcap")
    assert run("extract", "--named", "home", "--data", "data", "--jobs", "1", "--licence", "MIT") == 0
    said = capsys.readouterr().err
    assert "home: no label in the names of 1 captures: unlabelled.pcap\n" in said
    assert "only the captures named now are kept" not in said
    monkeypatch.setattr("train.corpus.code_digest", lambda: f"sha256:{'0' * 64}")
    assert run("extract", "--named", "home", "--data", "data", "--jobs", "1", "--licence", "MIT") == 0
    told = "data: other code, features or settings made it; only the captures named now are kept\n"
    assert told in capsys.readouterr().err


def test_captures_become_more_and_all_of_them_windows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lab, more = tmp_path / "lab", tmp_path / "more"
    few = ["10.0.0.66"]
    augmented.write(lab, "dos-1", augmented.flood(few), augmented.event("DoS", few))
    augmented.write(lab, "benign-2", augmented.life(100))
    assert run("augment", "--lab", lab, "--out", more, "--nat", "--attackers", "4", "--mix", "1") == 0
    assert f"{more}: made 3, kept 0, left out 0" in capsys.readouterr().err
    disguises = ["--slow", "4", "--jitter", "0.5", "--padding", "300", "--decoys", "3"]
    assert run("augment", "--lab", lab, "--out", tmp_path / "hidden", *disguises) == 0
    said = capsys.readouterr().err
    assert "lab/dos-1: decoys hide scans, and it holds none: none were made" in said
    assert "hidden: made 3, kept 0, left out 1" in said
    assert run("extract", "--lab", lab, "--lab", more, "--data", tmp_path / "data", "--jobs", "1") == 0
    assert "windows of 5 captures, 1 origins" in capsys.readouterr().err


def test_windows_are_described_by_one_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    describable.write(tmp_path / "data", factor=50)
    assert run("describe", "--data", tmp_path / "data", "--out", tmp_path, "--no-splits") == 0
    said = capsys.readouterr().err
    assert re.search(r"lab against real: area under the curve (1.000|0.9\d+) .*, by src2dst_max_ps", said)
    assert json.loads((tmp_path / "datasets.json").read_text())["realism"]["auc"] > 0.9
    assert (tmp_path / "datasets.html").exists()
