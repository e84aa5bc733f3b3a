"""The soak in its short form: each kind of fault once, every packet and alert accounted for. Needs root."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.network import skip_without_rights
from tests.soak.__main__ import NEEDED
from tests.soak.plan import FAULTS, FEWEST_SLOTS, SHORTEST_SLOT_SECS

pytestmark = [pytest.mark.live, pytest.mark.slow]
ROOT = Path(__file__).parents[2]
MINUTES = FEWEST_SLOTS * SHORTEST_SLOT_SECS / 60


def test_a_short_soak_ends_as_it_should(tmp_path: Path) -> None:
    skip_without_rights(*NEEDED)
    told = tmp_path / "soak.json"
    words = ["--minutes", str(MINUTES), "--networks", "10", "--json", str(told)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.soak", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(told.read_text())
    assert {fault["kind"] for fault in found["faults"]} == set(FAULTS) - {"none"}
    assert all(attack["opened_after_secs"] is not None for attack in found["attacks"])
    assert found["packets"]["metered"] > 100_000
    assert "NOT SO" not in done.stdout
