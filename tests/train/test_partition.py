from dataclasses import replace
from pathlib import Path

import pytest

from detector.errors import UsageError
from detector.records import CATEGORIES
from tests.train import samples
from train.datasets import Entry, Index, save_capture, write_index
from train.partition import Partition, Piece, by_capture, by_origin, by_time, load_side, prove
from train.split import Split


def content(number: int) -> str:
    return f"sha256:{number:064x}"


def entry(number: int, origin: str = "x", made_from: tuple[str, ...] = ()) -> Entry:
    made = samples.entry(origin, CATEGORIES[number % 4], capture=f"{origin}/{number}")
    return made.model_copy(update={"content": content(number), "made_from": made_from})


@pytest.fixture
def data(tmp_path: Path) -> tuple[Path, Index]:
    return tmp_path, samples.write_data(tmp_path, origins=3, each=40)


def test_what_was_made_of_one_capture_stays_together() -> None:
    plain = [entry(number) for number in range(40)]
    made = [entry(100 + number, made_from=(content(number),)) for number in range(40)]
    mixed = [entry(200, made_from=(content(1), content(2)))]
    for seed in range(5):
        partition = by_capture(samples.index(*plain, *made, *mixed), seed=seed)
        sides = [{each.entry.capture for each in side} for side in (partition.train, partition.test)]
        assert not sides[0] & sides[1]
        assert len(sides[0] | sides[1]) == 81
        assert all(
            {f"x/{n}", f"x/{n + 100}"} <= side or f"x/{n}" not in side for side in sides for n in range(40)
        )
        assert any({"x/1", "x/2", "x/200"} <= side for side in sides)
        assert {each.entry.category for each in partition.test} == set(CATEGORIES)


def test_time_is_cut_inside_each_capture(data: tuple[Path, Index]) -> None:
    directory, index = data
    partition = by_time(directory, index, share=0.5)
    train, test = (load_side(directory, side, cap_windows=None) for side in (partition.train, partition.test))
    proof = prove(partition, train, test)
    assert (proof.by, proof.shared) == ("time", 0)
    assert proof.train_windows == proof.test_windows + 12 * 5  # five seconds of each of the captures
    for number in range(len(index.entries)):
        last = train.windows.facts["time_ms"][train.captures == number].max()
        first = test.windows.facts["first_ms"][test.captures == number].min()
        assert first - last >= index.window.horizon_ms


def test_a_capture_made_of_others_has_no_time_of_its_own(data: tuple[Path, Index]) -> None:
    directory, index = data
    made = index.entries[0].model_copy(update={"made_from": (content(1),)})
    partition = by_time(directory, index.model_copy(update={"entries": (made, *index.entries[1:])}))
    assert len(partition.train) == len(index.entries) - 1


def test_origins_are_disjoint_and_equal_windows_are_counted(tmp_path: Path) -> None:
    windows = samples.windows([0, 1, 2, 3])
    entries = [
        save_capture(tmp_path, windows, capture=f"{origin}/1", origin=origin, category="mixed", licence="MIT")
        for origin in "ab"
    ]
    index = write_index(tmp_path, samples.index(*entries))
    partition = by_origin(index, Split(frozenset("a"), frozenset(), frozenset("b")))
    train, test = (load_side(tmp_path, side) for side in (partition.train, partition.test))
    assert prove(partition, train, test).shared == 4


@pytest.mark.parametrize("by", ["origin", "capture", "time"])
def test_what_stands_on_both_sides_is_named(data: tuple[Path, Index], by: str) -> None:
    directory, index = data
    pieces = tuple(map(Piece, index.entries[:2]))
    loaded = load_side(directory, pieces)
    with pytest.raises(UsageError, match=f"origin-0/Benign stands on both sides of the split by {by}"):
        prove(Partition(by, pieces, pieces[:1]), loaded, loaded)


def test_content_and_parents_count_too(data: tuple[Path, Index]) -> None:
    directory, index = data
    loaded = load_side(directory, map(Piece, index.entries))
    one, two = entry(1, "a"), entry(2, "b", made_from=(content(1),))
    with pytest.raises(UsageError, match="b/2 stands on both sides of the split by capture"):
        prove(Partition("capture", (Piece(one),), (Piece(two),)), loaded, loaded)
    mixed = two.model_copy(update={"made_from": (), "parents": ("a",)})
    with pytest.raises(UsageError, match="b/2 stands on both sides of the split by origin"):
        prove(Partition("origin", (Piece(one),), (Piece(mixed),)), loaded, loaded)
    apart = replace(Piece(mixed), entry=mixed.model_copy(update={"parents": ()}))
    assert prove(Partition("origin", (Piece(one),), (apart,)), loaded, loaded).shared == len(loaded)
