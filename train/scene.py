"""A capture with its truth, as augmenting needs them: attacks told one by one, whatever told them first."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

from detector.errors import UsageError
from detector.records import CATEGORIES, Category, address
from train.cache import capture_digest
from train.extract import label_flows_of
from train.packets import Ends, Packet
from train.sources import CaptureSource
from train.truth import LEFT_OUT, Event, read_events

FLOODS = (str(Category.DOS), str(Category.DDOS))
_ATTACKS = {category.lower() for category in CATEGORIES} - {Category.BENIGN.lower()}
_CLASSES = {str(name).lower(): str(name) for name in (*CATEGORIES, "ignore", "other")}
_MS_US, _SECOND_MS = 1000, 1000
_CACHED = 1 << 16

Told = dict[str, Any]
"""A truth as JSON has it; see `train.truth`."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A capture and its truth."""

    source: CaptureSource
    told: Told

    @property
    def attacks(self) -> list[Told]:
        """The events that are attacks; the truth's own, not copies."""
        return attacks_of(self.told)

    @property
    def benign(self) -> bool:
        """Whether the capture is benign from its first packet to its last."""
        return self.source.category == Category.BENIGN and not self.attacks


def scene(source: CaptureSource) -> Scene:
    """Read a capture's truth. Attacks of a capture labelled as a whole are found among its flows.

    Raises:
        UsageError: the truth cannot be read.
        CaptureError: the capture cannot, where the truth has to be found in it.
    """
    known: Told = {"events": [], "default_class": str(Category.BENIGN)}
    if isinstance(source.truth, Path):
        read_events(source.truth)  # refuses what is no truth
        known |= json.loads(source.truth.read_bytes())
    elif isinstance(source.truth, tuple):
        known["events"] = list(map(_row, source.truth))
    elif source.truth == LEFT_OUT:
        known["default_class"] = "ignore"
    elif source.truth:
        known |= {"events": _found(source.path, source.truth), "default_class": "ignore"}
    known |= {"origin": source.origin, "licence": source.licence, "layout": source.layout}
    known |= {"category": source.category, "made": [*known.get("made", [])]}
    known["events"] = [event | {"class": _CLASSES[str(event["class"]).lower()]} for event in known["events"]]
    parent = {"capture": source.name, "origin": source.origin, "content": capture_digest(source.path)}
    return Scene(source, known | {"parents": _unique([*known.get("parents", []), parent])})


def attacks_of(told: Told) -> list[Told]:
    """Return the events of a truth that are attacks."""
    return [event for event in told["events"] if is_attack(event)]


def is_attack(event: Told) -> bool:
    """Tell attacks from benign events and such as are to be left out."""
    return str(event["class"]).lower() in _ATTACKS


def _unique(rows: list[Told]) -> list[Told]:
    return list({json.dumps(row, sort_keys=True): row for row in rows}.values())


def _row(event: Event) -> Told:
    return {
        "class": "ignore" if event.label == LEFT_OUT else str(CATEGORIES[event.label]),
        "attackers": list(event.attackers),
        "victims": list(event.victims),
        "start": event.start_ms / _SECOND_MS,
        "end": (event.end_ms - 1) / _SECOND_MS,
    }


def _found(path: Path, label: int) -> list[Told]:
    """Tell the attack of a capture of one class by the hosts that play its roles."""
    flows, labels = label_flows_of(path, label)
    chosen = flows[labels != LEFT_OUT]
    if not len(chosen):
        return []
    known = int(labels.max())
    category = CATEGORIES[known]
    ends = {end: sorted({str(address(words)) for words in chosen[end]}) for end in ("src_ip", "dst_ip")}
    event = Event(
        label=known,
        attackers=("*",) if category is Category.DDOS else tuple(ends["src_ip"]),
        victims=("*",) if category is Category.RECON else tuple(ends["dst_ip"]),
        start_ms=int(chosen["bidirectional_first_seen_ms"].min()),
        end_ms=int(chosen["bidirectional_last_seen_ms"].max()) + 1,
    )
    return [_row(event)]


class Hosts:
    """Addresses as a truth names them: single ones, networks, or an asterisk for all but bystanders."""

    def __init__(self, named: Iterable[str], bystanders: Iterable[str] = ()) -> None:
        named = tuple(named)
        self.all = "*" in named
        listed = tuple(bystanders) if self.all else named
        networks = [ip_network(each, strict=False) for each in listed]
        self._singles = {each.network_address.packed for each in networks if each.num_addresses == 1}
        self._wide = [each for each in networks if each.num_addresses > 1]
        self._within = lru_cache(_CACHED)(self._is_within)

    def __contains__(self, host: bytes) -> bool:
        listed = host in self._singles or (bool(self._wide) and self._within(host))
        return not listed if self.all else listed

    @property
    def singles(self) -> list[bytes] | None:
        """The addresses in order, or None if there may be more than are named."""
        return None if self.all or self._wide else sorted(self._singles)

    def _is_within(self, host: bytes) -> bool:
        known = ip_address(host)
        return any(known.version == each.version and known in each for each in self._wide)


class Attacks:
    """Tells which of a truth's attacks a packet belongs to, either way."""

    def __init__(self, told: Told) -> None:
        bystanders = told.get("bystanders", [])
        self.events = attacks_of(told)
        self.attackers = [Hosts(event["attackers"], bystanders) for event in self.events]
        self._victims = [Hosts(event["victims"], bystanders) for event in self.events]
        self._times = [
            (float(event["start"]) * 1e6 - _MS_US, float(event["end"]) * 1e6 + _MS_US)
            for event in self.events
        ]

    def of(self, packet: Packet, known: Ends) -> tuple[int, bool] | None:
        """Return the last event that the packet belongs to, and whether its sender is the attacker."""
        for number in range(len(self.events) - 1, -1, -1):
            start, end = self._times[number]
            if start <= packet.at_us <= end:
                attackers, victims = self.attackers[number], self._victims[number]
                if known.src in attackers and known.dst in victims:
                    return number, True
                if known.dst in attackers and known.src in victims:
                    return number, False
        return None


def save_truth(path: Path, told: Told) -> None:
    """Write a truth beside its capture, whole or not at all."""
    scratch = path.with_name(f".{path.name}.part")
    try:
        scratch.write_text(json.dumps(told, indent=1) + "\n")
        scratch.replace(path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror})") from error
