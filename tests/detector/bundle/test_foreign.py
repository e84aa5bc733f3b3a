from collections.abc import Callable
from pathlib import Path

import pytest

from detector.bundle import PAPER
from detector.bundle.foreign import refuse_foreign
from detector.errors import BundleError
from tests.command import SCAN, Done


def model(tmp_path: Path) -> Path:
    directory = tmp_path / "out" / "models" / "cnn"
    directory.mkdir(parents=True)
    (directory / PAPER).write_text("{}")
    (directory / "model.keras").write_bytes(b"PK")
    return directory


@pytest.mark.parametrize("within", [".", "model.keras", "../.."])
def test_a_model_of_the_papers_is_refused_by_what_it_is(tmp_path: Path, within: str) -> None:
    with pytest.raises(BundleError, match="its features are packet-window statistics, not flows"):
        refuse_foreign((model(tmp_path) / within).resolve())


def test_all_else_passes(tmp_path: Path, rule_bundle: Path) -> None:
    for path in (rule_bundle, tmp_path, tmp_path / "missing"):
        refuse_foreign(path)
    inside = model(tmp_path) / "bundle"
    inside.mkdir()
    refuse_foreign(inside)


def test_the_detector_ends_with_one_line_and_exit_4(tmp_path: Path, detect: Callable[..., Done]) -> None:
    done = detect("--pcap", SCAN, bundle=model(tmp_path))
    assert done.code == 4
    assert done.err.count(b"\n") == 1
    assert b"packet-window statistics, not flows; name a bundle made by iotids-train export" in done.err
