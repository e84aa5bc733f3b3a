"""What the proving commands say and write; their usage errors are in `test_cli`."""

import shutil
from pathlib import Path

import pytest

from detector.config import load
from tests import rules
from tests.train.test_cli import run
from train.survey import read_survey

PCAPS = Path(__file__).parents[1] / "pcaps"


def test_a_capture_that_is_not_there_is_exit_3(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("tune", "--benign", "none.pcap") == 3
    said = capsys.readouterr().err
    assert "none.pcap" in said
    assert said.count("\n") == 1


def test_lines_for_the_configuration_go_to_a_new_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle, out = rules.write(tmp_path / "bundle"), tmp_path / "own.toml"
    arguments = ["--benign", str(PCAPS / "quiet-home.pcap"), "--bundle", str(bundle), "--out", str(out)]
    assert run("tune", *arguments, "--budget", "1/hour") == 0
    assert load(out).thresholds.recon == 0.6
    said = capsys.readouterr()
    assert said.out == ""
    assert "34 seconds" in said.err


def test_lines_for_the_configuration_are_all_of_standard_output(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = rules.write(tmp_path / "bundle")
    assert run("tune", "--benign", str(PCAPS / "quiet-home.pcap"), "--bundle", str(bundle)) == 0
    said = capsys.readouterr()
    (tmp_path / "own.toml").write_text(said.out)
    assert load(tmp_path / "own.toml").thresholds.recon == 0.6
    assert said.err == ""


def test_captures_are_surveyed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, kind in (("quiet-home", "benign"), ("scan-among-devices", "recon")):
        for suffix in (".pcap", ".json"):
            shutil.copy(PCAPS / f"{name}{suffix}", tmp_path / f"{kind}-1{suffix}")
    out = tmp_path / "survey.json"
    assert run("survey", "--lab", str(tmp_path), "--out", str(out)) == 0
    assert {one.category for one in read_survey(out).values()} == {"Benign", "Recon"}
    assert capsys.readouterr().out == ""  # a scan of 600 ports is none to doubt
