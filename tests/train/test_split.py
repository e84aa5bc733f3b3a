import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.errors import UsageError
from detector.records import CATEGORIES
from tests.train import samples
from train.datasets import Entry
from train.split import Split, origin_folds, split_by_fold, split_by_name

ENTRIES = st.lists(
    st.builds(
        samples.entry,
        origin=st.sampled_from("abcdefgh"),
        category=st.sampled_from([*map(str, CATEGORIES), "mixed", "other"]),
        capture=st.uuids().map(str),
        licence=st.sampled_from(["MIT", "CC BY-NC-SA 4.0"]),
    ),
    min_size=1,
    max_size=30,
)


@given(entries=ENTRIES, folds=st.integers(3, 6))
def test_every_origin_is_dealt_once(entries: list[Entry], folds: int) -> None:
    dealt = origin_folds(entries, folds)
    assert len(dealt) == folds
    shown = sorted({entry.origin for entry in entries if entry.category != "other"})
    assert sorted(origin for fold in dealt for origin in fold) == shown


@given(entries=ENTRIES)
def test_the_order_of_the_entries_does_not_matter(entries: list[Entry]) -> None:
    assert origin_folds(entries, 4) == origin_folds(reversed(entries), 4)


@given(entries=ENTRIES, folds=st.integers(3, 5), fold=st.integers(0, 9))
def test_sides_are_disjoint_and_licences_are_kept(entries: list[Entry], folds: int, fold: int) -> None:
    split = split_by_fold(samples.index(*entries), folds=folds, fold=fold)
    assert not split.train & split.validate
    assert not split.train & split.test
    assert not split.validate & split.test
    barred = {entry.origin for entry in entries if "NC" in entry.licence}
    assert not split.train & barred


def test_a_class_of_as_many_origins_as_folds_is_in_every_fold() -> None:
    rare = [samples.entry(f"rare-{n}", "DDoS") for n in range(4)]
    common = [samples.entry(f"common-{n}", "Benign") for n in range(17)]
    folds = origin_folds([*common, *rare], 4)
    assert all(sum(origin.startswith("rare") for origin in fold) == 1 for fold in folds)
    assert all(4 <= sum(origin.startswith("common") for origin in fold) <= 5 for fold in folds)


def test_an_origin_on_two_sides_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match=r"\['lab'\] stand on two sides"):
        Split(frozenset({"lab", "a"}), frozenset({"b"}), frozenset({"lab"}))


def test_named_origins_leave_the_rest_to_training() -> None:
    entries = [samples.entry(name, "Benign") for name in "abcd"]
    barred = samples.entry("mqttset", "DoS", licence="CC BY-NC-SA 4.0")
    split = split_by_name(samples.index(*entries, barred), validate=["a"], test=["b"])
    assert split == Split(frozenset("cd"), frozenset("a"), frozenset("b"))


def test_a_name_that_is_not_in_the_data_is_refused() -> None:
    index = samples.index(samples.entry("a", "Benign"), samples.entry("b", "Benign"))
    with pytest.raises(UsageError, match="no origin typo in the data; there are a, b"):
        split_by_name(index, validate=["a"], test=["typo"])


@pytest.mark.parametrize("fold", range(3))
def test_own_traffic_can_be_kept_from_judging(fold: int) -> None:
    entries = [samples.entry(name, "Benign") for name in ("lab", "a", "b", "c")]
    split = split_by_fold(samples.index(*entries), folds=3, fold=fold, always_train=["lab"])
    assert "lab" in split.train
    assert len(split.train) == 2
