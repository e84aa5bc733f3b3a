"""The units as systemd's own tools judge them, without running them; `tests/live/test_units.py` runs them."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "systemd"
UNITS = [FOLDER / "iotids-detect.service", FOLDER / "iotids-detect@.service"]
OWN = ("Description=", "Environment=IOTIDS_CONFIG=", "ExecStartPre=", "ExecStart=")
"""Lines in which the two may differ."""
MAX_EXPOSURE = 2.0
PROGRAM = "/opt/iotids/bin/iotids-detect"


@pytest.fixture(autouse=True)
def _tools() -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("needs the program systemd-analyze")


def settings(unit: Path) -> list[str]:
    return [line for line in unit.read_text().splitlines() if line and not line.startswith(("#", "["))]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: str(unit.name))
def test_verify_finds_nothing(unit: Path, tmp_path: Path) -> None:
    """With a program that is there in place of ours, which is installed nowhere."""
    copy = tmp_path / unit.name.replace("@", "@in0")
    copy.write_text(unit.read_text().replace(PROGRAM, sys.executable))
    done = subprocess.run(["systemd-analyze", "verify", copy], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: str(unit.name))
def test_little_is_exposed(unit: Path) -> None:
    words = ["systemd-analyze", "security", "--offline=yes", "--no-pager", str(unit)]
    told = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    overall = re.search(r"Overall exposure level for \S+: ([\d.]+)", told)
    assert overall is not None
    assert float(overall[1]) <= MAX_EXPOSURE


def test_both_units_are_shut_alike() -> None:
    several, one = ([line for line in settings(unit) if not line.startswith(OWN)] for unit in UNITS)
    assert several == one


def test_one_right_and_no_other() -> None:
    for unit in UNITS:
        assert {"AmbientCapabilities=CAP_NET_RAW", "CapabilityBoundingSet=CAP_NET_RAW"} < set(settings(unit))
        assert [line for line in settings(unit) if "CAP_" in line and "NET_RAW" not in line] == []


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: str(unit.name))
def test_every_restriction_has_its_reason(unit: Path) -> None:
    """Above it, or above the few lines that say the same of something else."""
    section = unit.read_text().partition("# Who it is")[2].partition("\n[Install]")[0]
    runs = re.split(r"(?:^#.*\n)+", section, flags=re.MULTILINE)[1:]
    assert len(runs) > 20
    for run in runs:
        assert "\n\n" not in run.strip()
        assert len(run.strip().splitlines()) <= 4
