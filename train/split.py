"""Which captures a model learns from, and which judge it.

A split by flow or window puts the same attack run on both sides, which is how this field reports
99 %. The unit here is the origin: all captures of one network or author are on one side, and so are
the origins of which one capture was mixed.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import get_args

from detector.bundle import Side
from detector.errors import UsageError
from train.datasets import Entry, Index

SIDES: tuple[Side, ...] = get_args(Side)


@dataclass(frozen=True, slots=True)
class Split:
    """Which origins stand on which side; no origin on two."""

    train: frozenset[str]
    validate: frozenset[str]
    test: frozenset[str]
    aside: frozenset[str] = frozenset()
    """Origins by which thresholds alone are chosen: nothing learns from them, and they judge nothing."""

    def __post_init__(self) -> None:
        named = Counter(name for side in SIDES for name in getattr(self, side))
        if shared := {name for name, sides in named.items() if sides > 1}:
            raise UsageError(
                f"origins {sorted(shared)} stand on two sides of the split; name each origin once, "
                "or the figures would tell how well the model remembers"
            )


def origin_folds(entries: Iterable[Entry], folds: int) -> tuple[frozenset[str], ...]:
    """Deal origins into folds of like content, each class as evenly as whole origins allow.

    Origins that show none of the four classes are left out. Those of rare classes are dealt first,
    the larger before the smaller, to the fold that has least of their class; those that one capture was
    mixed of, together. Depends on nothing but the entries.
    """
    entries = list(entries)
    shown = [entry for entry in entries if entry.windows and entry.category != "other"]
    bound = joined({entry.origin, *entry.parents} for entry in entries)
    captures: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    spread: dict[str, set[str]] = defaultdict(set)
    for entry in shown:
        captures[bound[entry.origin]][entry.category] += 1
        spread[entry.category].add(bound[entry.origin])
    rarest = {
        origin: min(found, key=lambda each: (len(spread[each]), each)) for origin, found in captures.items()
    }
    order = sorted(
        captures, key=lambda origin: (len(spread[rarest[origin]]), -captures[origin][rarest[origin]], origin)
    )
    dealt: list[set[str]] = [set() for _ in range(folds)]
    for origin in order:
        category = rarest[origin]
        least = min(dealt, key=lambda fold: (sum(category in captures[each] for each in fold), len(fold)))
        least.add(origin)
    return tuple(frozenset(origin for origin in bound if bound[origin] in fold) for fold in dealt)


def joined(families: Iterable[Collection[str]]) -> dict[str, str]:
    """Join families that share a member; returns what stands for the family, its least member, by member."""
    least: dict[str, str] = {}
    together: dict[str, set[str]] = {}
    for family in families:
        whole = set(family).union(*(together[least[name]] for name in family if name in least))
        first = min(whole)
        together[first] = whole
        least |= dict.fromkeys(whole, first)
    return least


def split_by_fold(
    index: Index,
    *,
    folds: int,
    fold: int,
    always_train: Collection[str] = (),
    aside: Collection[str] = (),
    validates: bool = True,
) -> Split:
    """Test on one fold, validate on the next, or learn from it if nothing `validates`, train on the rest.

    Origins under a NonCommercial licence are never trained on: they validate unless they test.
    Traffic of one's own may stand in `always_train` or `aside`: it is dealt into no fold, and judges nothing.

    Raises:
        UsageError: an origin is not in the index, or is to be learnt from and set aside.
    """
    if both := sorted({*always_train} & {*aside}):
        raise UsageError(f"{', '.join(both)}: named with --always-train and with --aside; name it with one")
    own = {*always_train, *aside}
    _require(index, own)
    dealt = origin_folds([entry for entry in index.entries if entry.origin not in own], folds)
    test, validate = dealt[fold % folds], dealt[(fold + 1) % folds] if validates else frozenset()
    held = _barred(index) - test
    train = frozenset(index.origins) - test - validate - held - {*aside}
    return proven(Split(train, validate | held, test, frozenset(aside)), index)


def split_by_name(
    index: Index, *, validate: Collection[str], test: Collection[str], aside: Collection[str] = ()
) -> Split:
    """Validate and test on the named origins, train on the rest but what its licence bars.

    Raises:
        UsageError: an origin is named twice, or is not in the index.
    """
    _require(index, [*validate, *test, *aside])
    rest = frozenset(index.origins) - {*validate, *test, *aside} - _barred(index)
    return proven(Split(rest, frozenset(validate), frozenset(test), frozenset(aside)), index)


def proven(split: Split, index: Index) -> Split:
    """Return the split if what the captures hold stands on one side each, by origin and by content.

    Raises:
        UsageError: one capture is there under origins of two sides, or was mixed of such.
    """
    side_of = {origin: name for name in SIDES for origin in getattr(split, name)}
    seen: dict[str, Entry] = {}
    for entry in index.entries:
        sides = {side_of[origin] for origin in (entry.origin, *entry.parents) if origin in side_of}
        if len(sides) > 1:
            names = ", ".join(sorted({entry.origin, *entry.parents}))
            raise UsageError(
                f"{entry.capture} was mixed of {names}, which stand on two sides of the split; "
                "put them on one"
            )
        if entry.content is None or entry.origin not in side_of or not entry.windows:
            continue
        twin = seen.setdefault(entry.content, entry)
        if side_of[twin.origin] != side_of[entry.origin]:
            raise UsageError(
                f"{twin.capture} ({twin.origin}) and {entry.capture} ({entry.origin}) are the same capture, "
                "on two sides of the split; remove one, or put their origins on one side"
            )
    return split


def _require(index: Index, origins: Iterable[str]) -> None:
    unknown = sorted(set(origins) - set(index.origins))
    if unknown:
        raise UsageError(f"no origin {', '.join(unknown)} in the data; there are {', '.join(index.origins)}")


def _barred(index: Index) -> frozenset[str]:
    """Return the origins under a NonCommercial licence: the shipped model must not learn from them.

    What was mixed with such an origin is bound to it.
    """
    bound = joined({entry.origin, *entry.parents} for entry in index.entries)
    families = {bound[entry.origin] for entry in index.entries if "NC" in entry.licence}
    return frozenset(origin for origin in index.origins if bound[origin] in families)
