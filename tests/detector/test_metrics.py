"""Metrics as the rest of the program uses them."""

import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from detector.config import MetricsConfig
from detector.errors import UsageError
from detector.metrics import Metrics, check_textfile


def test_recording_does_not_load_the_library_that_shows_them() -> None:
    program = (
        "import sys; from detector.metrics import Metrics; Metrics().observe_scoring(1, 0.1);"
        "sys.exit('prometheus_client' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_text_file_is_written(tmp_path: Path) -> None:
    metrics = Metrics()
    metrics.observe_scoring(3, 0.1)
    metrics.write_textfile(tmp_path / "iotids.prom")
    assert "iotids_windows_scored_total 3.0\n" in (tmp_path / "iotids.prom").read_text()


@pytest.mark.parametrize(
    "name", ["metrics.txt", "metrics", ".prom", "absent/metrics.prom", "metrics.prom.gz"]
)
def test_a_file_that_node_exporter_would_overlook_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"expected is a name that ends in \.prom in a folder that exists"):
        check_textfile(tmp_path / name)
    with pytest.raises(UsageError):
        Metrics().write_textfile(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_metrics_are_served_until_closed() -> None:
    server = Metrics().serve(MetricsConfig(port=0))
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=5) as answer:
        assert b"iotids_build_info" in answer.read()
    server.close()
