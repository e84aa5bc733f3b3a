import os
from pathlib import Path

import numpy as np
import pytest

from detector.errors import UsageError
from tests.train.paper import generated
from train.paper.classes import LABELS
from train.paper.files import Source, find_sources
from train.paper.store import ROWS, Store, open_store


@pytest.fixture
def sources(tmp_path: Path) -> list[Source]:
    generated.write(tmp_path / "data", 2000)
    return find_sources(tmp_path / "data")


def opened(sources: list[Source], directory: Path) -> tuple[Store, list[str]]:
    said: list[str] = []
    return open_store(sources, directory, say=said.append), said


def test_rows_labels_and_sides_stand_in_the_order_of_the_files(tmp_path: Path, sources: list[Source]) -> None:
    store, said = opened(sources, tmp_path / "rows")
    assert len(said) == 72
    assert said[-1].startswith("read 72 of 72: test/TCP_IP-DoS-UDP_test.pcap.csv, ")
    lines = [len(source.path.read_text().splitlines()) - 1 for source in sources]
    assert [file.rows for file in store.files] == lines
    assert store.rows.shape == (sum(lines), 45)
    assert store.labels.tolist() == np.repeat([source.label for source in sources], lines).tolist()
    assert store.in_test.sum() == sum(lines[51:])
    assert LABELS[store.labels[0]] == "ARP_Spoofing"
    first = sources[0].path.read_text().splitlines()[1].split(",")
    assert np.isclose(store.rows[0, 0], float(first[0]))


def test_defects_are_counted_by_file_and_column(tmp_path: Path, sources: list[Source]) -> None:
    text = "".join(source.path.read_text() for source in sources)
    store, _ = opened(sources, tmp_path / "rows")
    infinite = sum(sum(file.infinite.values()) for file in store.files)
    missing = sum(sum(file.missing.values()) for file in store.files)
    assert infinite == text.count("inf") > 0
    assert missing == text.count("nan") + sum(line.split(",").count("") for line in text.splitlines()) > 0
    assert np.isfinite(store.rows).all()


def test_an_interrupted_reading_goes_on_with_the_next_file(tmp_path: Path, sources: list[Source]) -> None:
    whole, _ = opened(sources, tmp_path / "whole")

    def interrupted(line: str) -> None:
        if line.startswith("read 30 of 72"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_store(sources, tmp_path / "rows", say=interrupted)
    with (tmp_path / "rows" / ROWS).open("ab") as file:
        file.write(b"half a file")
    store, said = opened(sources, tmp_path / "rows")
    assert len(said) == 42
    assert store.digest == whole.digest
    assert np.array_equal(store.rows, whole.rows)
    assert opened(sources, tmp_path / "rows")[1] == []


@pytest.mark.parametrize("damage", ["changed file", "damaged state", "rows cut off"])
def test_what_is_no_longer_true_is_read_again(tmp_path: Path, sources: list[Source], damage: str) -> None:
    opened(sources, tmp_path / "rows")
    if damage == "changed file":
        with sources[3].path.open("a") as file:
            file.write(",".join(["1"] * 45) + "\n")
    elif damage == "damaged state":
        (tmp_path / "rows" / "rows.json").write_text("{")
    else:
        os.truncate(tmp_path / "rows" / ROWS, 1000)
    store, said = opened(sources, tmp_path / "rows")
    assert len(said) == 72
    assert store.rows.shape == (sum(file.rows for file in store.files), 45)
    assert np.isfinite(store.rows).all()


def test_a_bad_file_leaves_nothing_behind(tmp_path: Path, sources: list[Source]) -> None:
    with sources[40].path.open("a") as file:
        file.write("oops" + ",1" * 44 + "\n")
    with pytest.raises(UsageError, match=r"column Header_Length: 'oops' is no number"):
        opened(sources, tmp_path / "rows")
    assert not (tmp_path / "rows").exists()
