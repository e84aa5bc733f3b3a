"""What Prometheus is told, checked by its own tool, and the names that expressions may use."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from detector.metrics.families import FAMILIES

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "configs" / "prometheus"
RULES = sorted(PROMETHEUS.glob("iotids.*.yml"))

_RECORDED = {
    name for file in RULES for name in re.findall(r"^\s*- record: (\S+)$", file.read_text(), re.MULTILINE)
}
_EXPOSED = {family.name for family in FAMILIES if family.kind != "histogram"} | {
    f"{family.name}_{part}"
    for family in FAMILIES
    if family.kind == "histogram"
    for part in ("bucket", "sum", "count")
}


def unknown_metrics(text: str) -> set[str]:
    """Return the names that look like metrics of ours and are neither exposed nor recorded."""
    named = set(re.findall(r"\b(?:[a-z]+:)?iotids_[a-z0-9_]+(?::[a-z0-9_]+)?\b", text))
    return named - _RECORDED - _EXPOSED


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run promtool; the test is skipped without it."""
    if shutil.which("promtool") is None:
        pytest.skip("needs the program promtool (Debian's package prometheus)")
    words = ["promtool", *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
