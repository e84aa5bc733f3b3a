import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.errors import UsageError
from detector.records import CATEGORIES
from tests.train import samples
from train.datasets import Entry
from train.split import Split, joined, origin_folds, split_by_fold, split_by_name

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


@given(entries=ENTRIES, folds=st.integers(3, 5), fold=st.integers(0, 9))
def test_where_nothing_validates_all_but_the_test_side_is_learnt_from(
    entries: list[Entry], folds: int, fold: int
) -> None:
    index = samples.index(*entries)
    split = split_by_fold(index, folds=folds, fold=fold)
    whole = split_by_fold(index, folds=folds, fold=fold, validates=False)
    barred = {entry.origin for entry in entries if "NC" in entry.licence}
    assert whole.test == split.test
    assert whole.train == split.train | (split.validate - barred)
    assert whole.validate == split.validate & barred


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


@pytest.mark.parametrize("fold", range(3))
def test_what_is_set_aside_teaches_and_judges_nothing(fold: int) -> None:
    index = samples.index(*(samples.entry(name, "Benign") for name in ("lab", "a", "b", "c")))
    split = split_by_fold(index, folds=3, fold=fold, aside=["lab"])
    assert split.aside == {"lab"}
    assert split.train | split.validate | split.test == set("abc")
    assert split_by_name(index, validate=["a"], test=["b"], aside=["lab"]).train == {"c"}


def test_what_is_to_be_learnt_from_cannot_be_set_aside_too() -> None:
    index = samples.index(*(samples.entry(name, "Benign") for name in ("lab", "a", "b", "c")))
    with pytest.raises(UsageError, match=r"^lab: named with --always-train and with --aside"):
        split_by_fold(index, folds=3, fold=0, always_train=["lab"], aside=["lab"])


def mixed(capture: str, origin: str, *parents: str, content: str | None = None) -> Entry:
    made = samples.entry(origin, "DoS", capture=capture)
    return made.model_copy(update={"parents": parents, "content": content})


@given(families=st.lists(st.sets(st.sampled_from("abcdefgh"), min_size=1, max_size=3), max_size=8))
def test_families_that_share_a_member_are_one(families: list[set[str]]) -> None:
    least = joined(families)
    assert set(least) == set().union(*families)
    assert all(len({least[name] for name in family}) == 1 for family in families)
    for first in set(least.values()):
        whole, grown = {name for name in least if least[name] == first}, {first}
        for _ in families:
            grown |= {name for family in families if family & grown for name in family}
        assert whole == grown
        assert first == min(whole)


@given(entries=ENTRIES, pairs=st.lists(st.tuples(*[st.sampled_from("abcdefgh")] * 2), max_size=4))
def test_what_was_mixed_is_dealt_together(entries: list[Entry], pairs: list[tuple[str, str]]) -> None:
    known = {entry.origin for entry in entries}
    mixes = [mixed(f"{a}+{b}", a, b) for a, b in pairs if {a, b} <= known]
    for fold in range(3):
        split = split_by_fold(samples.index(*entries, *mixes), folds=3, fold=fold)
        for mix in mixes:
            sides = [{mix.origin, *mix.parents} <= side for side in (split.train, split.validate, split.test)]
            left_out = {mix.origin, *mix.parents} - (split.train | split.validate | split.test)
            assert sides.count(True) == 1 or left_out


def test_a_mix_across_the_split_is_refused() -> None:
    entries = [samples.entry(name, "Benign") for name in "abcd"]
    index = samples.index(*entries, mixed("m", "a", "b"))
    with pytest.raises(UsageError, match="m was mixed of a, b, which stand on two sides"):
        split_by_name(index, validate=["a"], test=["c"])
    assert "b" in split_by_name(index, validate=["a", "b"], test=["c"]).validate


def test_one_capture_under_two_origins_is_refused() -> None:
    same = f"sha256:{'1' * 64}"
    entries = [mixed("x", "a", content=same), mixed("y", "b", content=same), mixed("z", "c")]
    with pytest.raises(UsageError, match=r"x \(a\) and y \(b\) are the same capture"):
        split_by_name(samples.index(*entries), validate=["a"], test=["c"])
    assert split_by_name(samples.index(*entries), validate=["c"], test=[]).train == frozenset("ab")


def test_what_was_mixed_with_barred_traffic_is_barred() -> None:
    barred = samples.entry("nc", "DoS", licence="CC BY-NC-SA 4.0")
    entries = [barred, *(samples.entry(name, "Benign") for name in "abc"), mixed("m", "a", "nc")]
    split = split_by_name(samples.index(*entries), validate=["b"], test=[])
    assert split.train == frozenset("c")
