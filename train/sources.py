"""Which captures there are to read, and the truth of each: the lab's, a manifest's, or any folder's.

Four layouts are known. The lab's folders hold `<name>.pcap` with the truth beside it as `.json`. A
manifest is a JSON list. CICIoMT2024 and its like carry the label in the file name. Any other folder
gets a `labels.csv`; its columns stand at `from_table`.
"""

import csv
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detector.errors import UsageError
from detector.records import CATEGORIES
from train.truth import LEFT_OUT, Event, event_of

TABLE = "labels.csv"
NOT_STATED = "not stated"
_OWN_LICENCE = "MIT (own traffic)"
_SUFFIXES = {".pcap", ".pcapng", ".cap"}
_LABELS = {category.lower(): index for index, category in enumerate(CATEGORIES)} | {"other": LEFT_OUT}
_OTHER_NAMES = ("malformed", "spoofing")
"""Attacks of CICIoMT2024 that are none of the classes."""

_WHOLE, _TOLD = {"file", "label", "origin"}, {"file", "label", "attackers", "victims", "start", "end"}
_NAME = re.compile(r"[^A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class CaptureSource:
    """One capture to read."""

    path: Path
    name: str
    """No other capture of the data directory has it."""
    origin: str
    """Network or author; all captures of one stand on one side of a split."""
    category: str
    """A class of `CATEGORIES`, `mixed` or `other`."""
    licence: str
    truth: int | Path | tuple[Event, ...]
    """A label for the whole capture, its events, or the file that tells them."""
    layout: str = "manifest"
    """`lab`, `manifest`, `names` or `table`."""
    tools: tuple[str, ...] = ()
    """What made its attacks, where that is known."""
    parents: tuple[str, ...] = ()
    """Origins besides its own that it was mixed from: they stand on its side of a split."""
    made_from: tuple[str, ...] = ()
    """Digests of the captures that it was made from."""


def from_manifest(manifest: Path, root: Path) -> list[CaptureSource]:
    """Read a manifest: a JSON list of rows with file, class, origin, licence and maybe labels.

    Raises:
        UsageError: it is no such list, or a mixed capture has no labels.
    """
    try:
        return [_from_row(row, root) for row in json.loads(manifest.read_bytes())]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise UsageError(f"{manifest}: no readable list of captures ({error!r})") from error


def _from_row(row: dict[str, Any], root: Path) -> CaptureSource:
    category, labels = str(row["class"]), row.get("labels")
    if labels is None and category.lower() not in _LABELS:
        raise ValueError(f"{row['file']}: class {category!r} needs a file of labels")
    return CaptureSource(
        path=root / row["file"],
        name=str(row["file"]),
        origin=str(row["origin"]),
        category=_category(category),
        licence=str(row["licence"]),
        truth=_LABELS[category.lower()] if labels is None else root / labels,
    )


def from_lab(directory: Path, origin: str | None = None) -> list[CaptureSource]:
    """Find captures of the lab, or made from others by `augment`, by the truth beside each.

    Where a truth names its origin, that holds, not the folder's name: a capture made from another
    stays with its parent on every split.
    """
    origin = origin or directory.name
    pairs = [(path, path.with_suffix(".json")) for path in sorted(directory.glob("*.pcap"))]
    return [_from_truth(path, truth, origin) for path, truth in pairs if truth.exists()]


def _from_truth(path: Path, truth: Path, origin: str) -> CaptureSource:
    try:
        told = json.loads(truth.read_bytes())
        tools = {str(event["tool"]) for event in told.get("events", []) if "tool" in event}
        parents = {str(parent["origin"]) for parent in told.get("parents", [])}
        made_from = {str(parent["content"]) for parent in told.get("parents", [])}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        told, tools, parents, made_from = {}, set(), set(), set()  # extraction will say what is wrong with it
    own = str(told.get("origin", origin))
    return CaptureSource(
        path=path,
        name=f"{own}/{path.stem}",
        origin=own,
        category=_category(str(told.get("category", path.stem.split("-")[0]))),
        licence=str(told.get("licence", _OWN_LICENCE)),
        truth=truth,
        layout=str(told.get("layout", "lab")),
        tools=tuple(sorted(tools)),
        parents=tuple(sorted(parents - {own})),
        made_from=tuple(sorted(made_from)),
    )


def from_names(
    directory: Path, *, origin: str | None = None, licence: str = NOT_STATED
) -> tuple[list[CaptureSource], list[str]]:
    """Find captures whose names tell their label, as `TCP_IP-DDoS-SYN1_train.pcap` of CICIoMT2024 does.

    Returns:
        The captures, and the names in which no label was found.
    """
    found, unknown = [], []
    for path in sorted(each for each in directory.rglob("*") if each.suffix in _SUFFIXES):
        words = [word.lower() for word in _NAME.split(path.stem)]
        labels = {_LABELS[word] for word in words if word in _LABELS}
        if not labels and any(word in _OTHER_NAMES for word in words):
            labels = {LEFT_OUT}
        if len(labels) != 1:
            unknown.append(path.name)
            continue
        label = labels.pop()
        own = origin or directory.resolve().name
        found.append(
            CaptureSource(
                path=path,
                name=f"{own}/{path.relative_to(directory).as_posix()}",
                origin=own,
                category="other" if label == LEFT_OUT else str(CATEGORIES[label]),
                licence=licence,
                truth=label,
                layout="names",
                tools=(re.sub(r"\d*_(train|test)$", "", path.stem),) if label > 0 else (),
            )
        )
    return found, unknown


def from_table(directory: Path) -> list[CaptureSource]:
    """Read a folder with a `labels.csv` of captures beside or below it.

    Columns `file,label,origin` and maybe `licence` label whole captures. With `attackers,victims,start,end`
    a row tells one attack: addresses or networks parted by spaces (an asterisk is everybody), times in
    seconds since the epoch; what no row tells is benign, and a capture may have any number of rows. Labels
    are `Benign`, `DDoS`, `DoS`, `Recon`, and `other` for what is to be left out. Both kinds may be mixed.

    Raises:
        UsageError: it cannot be read, with the line; or a file has a whole label and another row.
    """
    table = directory / TABLE
    rows: dict[str, list[dict[str, str]]] = defaultdict(list)
    at = 1
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            for row in (reader := csv.DictReader(file, strict=True)):
                at = reader.line_num
                rows[row["file"]].append(_checked(row))
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise UsageError(
            f"{table}, line {at}: {error}; expected columns file,label,origin[,licence] or "
            "file,label,attackers,victims,start,end[,origin,licence]"
        ) from error
    return [_from_rows(table, name, told) for name, told in rows.items()]


def _checked(row: dict[str, str]) -> dict[str, str]:
    """Return a row's values, and refuse what no capture can be labelled by."""
    given = {name: (value or "").strip() for name, value in row.items() if name}
    if given["label"].lower() not in _LABELS:
        raise ValueError(f"label {given['label']!r} is none of {', '.join(_LABELS)}")
    needed = _TOLD if given.get("attackers") or given.get("victims") else _WHOLE
    missing = sorted(name for name in needed if not given.get(name))
    if missing:
        raise ValueError(f"no value for {', '.join(missing)}")
    if needed == _TOLD:
        _event(given)
    return given


def _event(row: dict[str, str]) -> Event:
    ends = {end: row[end].split() for end in ("attackers", "victims")}
    return event_of({"class": row["label"], **ends, "start": row["start"], "end": row["end"]})


def _from_rows(table: Path, name: str, rows: list[dict[str, str]]) -> CaptureSource:
    whole = [row for row in rows if not row.get("attackers")]
    if whole and len(rows) > 1:
        raise UsageError(f"{table}: {name} has a label for the whole capture and {len(rows) - 1} more rows")
    labels = {_category(row["label"]) for row in rows}
    origins = {row["origin"] for row in rows if row.get("origin")} or {table.parent.resolve().name}
    licences = {row["licence"] for row in rows if row.get("licence")} or {NOT_STATED}
    if len(origins) > 1:
        raise UsageError(f"{table}: {name} is of several origins, {', '.join(sorted(origins))}")
    (origin,) = origins
    return CaptureSource(
        path=table.parent / name,
        name=f"{origin}/{name}",
        origin=origin,
        category=labels.pop() if whole else "mixed",
        licence=", ".join(sorted(licences)),
        truth=_LABELS[rows[0]["label"].lower()] if whole else tuple(map(_event, rows)),
        layout="table",
    )


def gather(
    *,
    manifests: Iterable[Path] | None = None,
    captures: Path | None = None,
    labs: Iterable[Path] | None = None,
    named: Iterable[Path] | None = None,
    tables: Iterable[Path] | None = None,
    licence: str = NOT_STATED,
    say: Callable[[str], None] = lambda _: None,
) -> list[CaptureSource]:
    """Join what several places hold; `captures` is where the manifests' files are, if not beside them.

    Raises:
        UsageError: a place cannot be read, two captures have one name, or there is none at all.
    """
    found: list[CaptureSource] = []
    for manifest in manifests or ():
        found += from_manifest(manifest, captures or manifest.parent)
    for directory in labs or ():
        found += from_lab(directory)
    for directory in named or ():
        labelled, unknown = from_names(directory, licence=licence)
        found += labelled
        if unknown:
            say(f"{directory}: no label in the names of {len(unknown)} captures: {', '.join(unknown)}")
    for directory in tables or ():
        found += from_table(directory)
    if not found:
        raise UsageError("no capture to read; give --manifest FILE, --lab, --named or --table DIR")
    return merged(found)


def merged(sources: Iterable[CaptureSource]) -> list[CaptureSource]:
    """Join captures of several places.

    Raises:
        UsageError: two have one name: one would replace the other.
    """
    found: dict[str, CaptureSource] = {}
    for source in sources:
        if source.name in found:
            raise UsageError(
                f"{source.path} and {found[source.name].path} would both be {source.name!r}; "
                "rename one, or give its folder another name"
            )
        found[source.name] = source
    return list(found.values())


def _category(named: str) -> str:
    label = _LABELS.get(named.lower())
    if label is None:
        return "mixed"
    return "other" if label == LEFT_OUT else str(CATEGORIES[label])
