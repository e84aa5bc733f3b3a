from pathlib import Path

import pytest

pytest.importorskip("tensorflow")

from tests.train import samples
from train.datasets import Entry
from train.search import Limits
from train.settings import FitSettings
from train.split import Split
from train.studies import search_settings

pytestmark = pytest.mark.tensorflow


def test_a_search_reads_no_test_origin(tmp_path: Path) -> None:
    index = samples.write_data(tmp_path / "data", origins=3, each=8)
    split = Split(frozenset({"origin-0"}), frozenset({"origin-1"}), frozenset({"origin-2"}))
    tested: list[Entry] = [entry for entry in index.entries if entry.origin == "origin-2"]
    for entry in tested:
        (tmp_path / "data" / entry.file).unlink()
    choice = search_settings(
        tmp_path / "data",
        split,
        FitSettings(network="cnn", epochs=1),
        tmp_path / "search.log",
        Limits(seconds=600.0, trials=1),
        cap_windows=8,
        say=lambda _: None,
    )
    assert len(tested) == 4
    assert choice.chosen_on == ("origin-1",)
