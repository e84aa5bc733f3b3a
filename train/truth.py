"""Who attacked whom, and when: the truth behind a capture, laid over its flows and windows.

Three kinds of truth are read: the JSON that the lab writes beside a capture, `<name>.labels.json`
of mixed captures, and a bare class for a whole capture. Of the last, attackers and victims are
inferred from the flows themselves, and what does not belong to them is left out of training.

DDoS or DoS is what a window can see. The window of one of many sources shows neither, and a
victim's window in which one source stands alone cannot tell the two apart: both are left out.
"""

import json
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.errors import UsageError
from detector.records import CATEGORIES, Category, FlowBatch, Role, address

BENIGN, LEFT_OUT = CATEGORIES.index(Category.BENIGN), -1
_DDOS, _DOS, _RECON = (CATEGORIES.index(name) for name in (Category.DDOS, Category.DOS, Category.RECON))

ATTACK_SHARE = 0.25
"""A window with at least this share of attack flows shows the attack; with fewer it is left out."""

ANSWERS_MS = 30_000
"""For so long after an attack its victims may still answer: TCP retransmits for about as long."""

_MAIN_SHARE = 0.2
"""An inferred attacker sends at least this share of what its class is recognised by."""

Labels = NDArray[np.int8]
"""Indices into `CATEGORIES`, or `LEFT_OUT`."""


@dataclass(frozen=True, slots=True)
class Event:
    """One attack, or a stretch of traffic to leave out."""

    label: int
    attackers: tuple[str, ...]
    victims: tuple[str, ...]
    """Addresses or networks; an asterisk is everybody but the bystanders."""
    start_ms: int
    end_ms: int
    bystanders: tuple[str, ...] = ()


_UNTOLD = Event(LEFT_OUT, ("*",), ("*",), 0, 2**63 - 1)


def read_events(path: Path) -> list[Event]:
    """Read the truth written beside a capture; what no event tells is benign, or as `default_class` says.

    Raises:
        UsageError: the file is no such JSON.
    """
    try:
        told = json.loads(path.read_text())
        rows = told["events"]
        bystanders = _ends(told.get("bystanders", []))
        untold = [_UNTOLD] if _label(told.get("default_class", Category.BENIGN)) == LEFT_OUT else []
        return [*untold, *(event_of(row, bystanders) for row in rows)]
    except (OSError, OverflowError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise UsageError(
            f"{path}: no readable truth ({error!r}); expected a JSON object with `events`"
        ) from error


def event_of(row: dict[str, Any], bystanders: tuple[str, ...] = ()) -> Event:
    """Read one event: class, attackers, victims, start and end in seconds since the epoch.

    Raises:
        ValueError, KeyError, TypeError, OverflowError: it is no event.
    """
    return Event(
        label=_label(row["class"]),
        attackers=_ends(row["attackers"]),
        victims=_ends(row["victims"]),
        start_ms=int(float(row["start"]) * 1000),
        end_ms=int(float(row["end"]) * 1000) + 1,
        bystanders=bystanders,
    )


def _label(given: Any) -> int:
    labels = {category.lower(): index for index, category in enumerate(CATEGORIES)}
    named = str(given).lower()
    return LEFT_OUT if named in ("ignore", "other") else labels[named]


def _ends(given: Any) -> tuple[str, ...]:
    if not isinstance(given, list):  # a text would fall apart into letters
        raise TypeError(f"got {given!r} for a list of addresses")
    ends = tuple(map(str, given))
    for end in ends:
        if end != "*":
            ip_network(end, strict=False)
    return ends


def label_flows(flows: FlowBatch, events: list[Event]) -> Labels:
    """Label each flow by the event it belongs to; Benign where there is none.

    What victims send back to attackers in flows of their own is left out: a late answer to a probe is
    nobody's ordinary life, but nobody's attack either.
    """
    labels = np.full(len(flows), BENIGN, np.int8)
    named, answers = np.zeros((2, len(flows)), bool)
    first, last = flows["bidirectional_first_seen_ms"], flows["bidirectional_last_seen_ms"]
    for event in events:
        belongs = _between(flows["src_ip"], flows["dst_ip"], event)
        belongs &= (last >= event.start_ms) & (first <= event.end_ms)
        labels[belongs] = event.label
        named |= belongs
        if event.label != BENIGN:
            late = (last >= event.start_ms) & (first <= event.end_ms + ANSWERS_MS)
            answers |= late & _between(flows["dst_ip"], flows["src_ip"], event)
    labels[answers & ~named] = LEFT_OUT
    return labels


def _between(senders: NDArray[np.uint64], receivers: NDArray[np.uint64], event: Event) -> NDArray[np.bool_]:
    by = _within(senders, event.attackers, event.bystanders)
    return by & _within(receivers, event.victims, event.bystanders)


def _within(
    words: NDArray[np.uint64], networks: tuple[str, ...], bystanders: tuple[str, ...]
) -> NDArray[np.bool_]:
    if "*" in networks:
        return ~_within(words, bystanders, ()) if bystanders else np.ones(len(words), bool)
    unique, inverse = np.unique(words, axis=0, return_inverse=True)
    known = [ip_network(network, strict=False) for network in networks]
    singles = {network.network_address for network in known if network.num_addresses == 1}
    wide = [network for network in known if network.num_addresses > 1]
    found = [_one_within(host, singles, wide) for host in map(address, unique)]
    return np.array(found, bool)[inverse]


def _one_within(host: Any, singles: set[Any], wide: list[Any]) -> bool:
    return host in singles or any(host in network for network in wide if network.version == host.version)


def infer_labels(flows: FlowBatch, label: int) -> Labels:
    """Label the flows of a capture of one class by the roles its hosts play.

    A scan's source is who asks for most distinct ends; a flood's victim is who is sent most. Their
    flows get the class. Everything else is left out: replies, background, and what nobody knows.
    """
    if label in (BENIGN, LEFT_OUT) or not len(flows):
        return np.full(len(flows), label, np.int8)
    _, source = np.unique(flows["src_ip"], axis=0, return_inverse=True)
    _, target = np.unique(flows["dst_ip"], axis=0, return_inverse=True)
    if label == _RECON:
        asked = np.unique(np.stack([source, target, flows["dst_port"]], axis=1), axis=0)[:, 0]
        weight = np.bincount(asked).astype(float)
        main = np.flatnonzero(weight >= _MAIN_SHARE * weight.sum())
        belongs = np.isin(source, main)
    else:
        count = np.bincount(target).astype(float)
        packets = np.bincount(target, flows["bidirectional_packets"].astype(float))
        victim = int(np.argmax(count * packets))
        belongs = target == victim
        if label == _DDOS and len(np.unique(source[belongs])) == 1:
            label = _DOS  # whatever the capture's name says: its victim sees one source
        if label == _DOS:
            sent = np.bincount(source[belongs])
            belongs &= np.isin(source, np.flatnonzero(sent >= _MAIN_SHARE * belongs.sum()))
    return np.where(belongs, label, LEFT_OUT).astype(np.int8)


def label_windows(facts: NDArray[np.void], flows: FlowBatch, labels: Labels) -> Labels:
    """Label each window by the flows it holds.

    Args:
        facts: (m,) the facts of the windows, all from one capture whose clock was never set back.
        flows: (n,) every flow of the capture, as exported.
        labels: (n,) their labels.
    """
    given = np.full(len(facts), LEFT_OUT, np.int8)
    for role, end, other in ((Role.SOURCE, "src_ip", "dst_ip"), (Role.TARGET, "dst_ip", "src_ip")):
        chosen = np.flatnonzero(facts["role"] == role)
        hosts, group = np.unique(flows[end], axis=0, return_inverse=True)
        order = np.lexsort((np.arange(len(flows)), group))
        bounds = np.searchsorted(group[order], np.arange(len(hosts) + 1))
        index = {host.tobytes(): number for number, host in enumerate(hosts)}
        for at in chosen:
            number = index[np.ascontiguousarray(facts[at]["host"]).tobytes()]
            own = order[bounds[number] : bounds[number + 1]]
            stop = int(np.searchsorted(flows["export_ms"][own], facts[at]["time_ms"]))
            held = own[max(stop - int(facts[at]["flows"]), 0) : stop]
            given[at] = _window_label(labels[held], flows[other][held], role)
    return given


def _window_label(labels: Labels, peers: NDArray[np.uint64], role: Role) -> int:
    attack = labels > BENIGN
    if not attack.any():
        return LEFT_OUT if (labels == LEFT_OUT).any() else BENIGN
    if attack.mean() < ATTACK_SHARE:
        return LEFT_OUT
    label = int(np.bincount(labels[attack]).argmax())
    if label == _DDOS and (role is Role.SOURCE or len(np.unique(peers[attack], axis=0)) == 1):
        return LEFT_OUT
    return label
