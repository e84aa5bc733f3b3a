from pathlib import Path

import pytest

from detector.errors import UsageError
from tests.train import describable, samples
from train.describe import describe


def test_all_is_counted_by_class_origin_and_tool(tmp_path: Path) -> None:
    index = describable.write(tmp_path, factor=50)
    described, _ = describe(tmp_path, index, splits=False)
    assert sorted(described.by_class) == ["Benign", "DDoS", "DoS", "Recon"]
    benign = described.by_class["Benign"]
    assert (benign.captures, benign.windows, benign.flows, benign.packets) == (12, 144, 1440, 4320)
    assert benign.by_class == {"Benign": 144}
    assert (benign.seconds, benign.packets_per_second) == ((12.0,) * 3, (30.0,) * 3)
    assert benign.flows_per_second == (10.0,) * 3
    assert described.by_origin["lab"].captures == 24
    assert {name: row.captures for name, row in described.by_tool.items()} == {"nmap": 6}
    assert described.digest == index.digest
    assert described.realism is not None
    assert described.splits == []


def test_the_splits_are_proven_and_judged(tmp_path: Path) -> None:
    index = describable.write(tmp_path, factor=1, origins=5, each=40)
    described, _ = describe(tmp_path, index)
    assert [each["by"] for each in described.splits] == ["origin", "capture", "time"]
    assert all(each["macro_f1"] > 0.8 for each in described.splits)
    assert all(each["classes"] == ["Benign", "DDoS", "DoS", "Recon"] for each in described.splits)
    assert all(each["shared"] == 0 for each in described.splits)


def test_refused_values_are_summed(tmp_path: Path) -> None:
    index = describable.write(tmp_path, factor=1)
    entries = [entry.model_copy(update={"refused": {"tcp missing": 2}}) for entry in index.entries[:3]]
    described, _ = describe(tmp_path, samples.index(*entries, *index.entries[3:]), splits=False)
    assert described.refused == {"tcp missing": 6}


def test_a_damaged_directory_is_one_line(tmp_path: Path) -> None:
    index = describable.write(tmp_path, factor=1)
    (tmp_path / index.entries[0].file).unlink()
    with pytest.raises(UsageError, match="run iotids-train extract again"):
        describe(tmp_path, index)
