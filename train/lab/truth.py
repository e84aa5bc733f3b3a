"""The truth beside a capture: what was meant, made exact by what was recorded."""

import ipaddress
import struct
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from detector.records import Category
from train.lab.plan import World

LogLine = dict[str, Any]
"""One line of an actor: host, program, event, start, end, trouble."""

ANY = "*"
OTHER = "Other"
"""The class of an event without a category: left out of training."""

_LATE_SECONDS = 3.0
"""Replies and retransmissions so long after an attacker stopped still belong to the event."""
_MAGIC = {0xA1B2C3D4: 1e-6, 0xA1B23C4D: 1e-9}
_GROUPS = (
    "224.0.0.1",
    "224.0.0.2",
    "224.0.0.22",
    "224.0.0.251",
    "224.0.1.187",
    "239.255.255.250",
    "255.255.255.255",
    "ff02::1",
    "ff02::2",
    "ff02::16",
    "ff02::fb",
)
"""Multicast and broadcast addresses that the lab's hosts send to."""

_IPV4, _IPV6 = 0x0800, 0x86DD


def packets(path: Path) -> Iterator[tuple[float, str, str]]:
    """Yield (epoch seconds, source address, destination address) of the IP packets of a capture of ours.

    Reads what the lab writes, little-endian pcap with Ethernet frames, and nothing else.
    """
    data = path.read_bytes()
    scale = _MAGIC[struct.unpack_from("<I", data)[0]]
    names: dict[bytes, str] = {}
    at = 24
    while at + 16 <= len(data):
        seconds, fraction, length, _ = struct.unpack_from("<IIII", data, at)
        frame = data[at + 16 : at + 16 + length]
        at += 16 + length
        kind = int.from_bytes(frame[12:14], "big")
        if kind == _IPV4:
            ends = (frame[26:30], frame[30:34])
        elif kind == _IPV6:
            ends = (frame[22:38], frame[38:54])
        else:
            continue
        for end in ends:
            if end not in names:
                names[end] = str(ipaddress.ip_address(end))
        yield seconds + fraction * scale, names[ends[0]], names[ends[1]]


def matches(event: dict[str, Any], source: str, destination: str, bystanders: frozenset[str]) -> bool:
    """Tell whether a packet between two addresses is the event's, in either direction."""
    attackers, victims = event["attackers"], event["victims"]
    return any(
        (one in attackers or (ANY in attackers and one not in bystanders))
        and (other in victims or (ANY in victims and other not in bystanders))
        for one, other in ((source, destination), (destination, source))
    )


def report(world: World, origin: float, capture: Path, logs: list[LogLine]) -> dict[str, Any]:
    """Make the JSON document. Events that left no packet are listed apart, under `silent`.

    A world without attack says that its capture is benign, whatever its kind is called.
    """
    bystanders = _bystanders(world)
    events = [_planned(world, index, origin, logs) for index in range(len(world.events))]
    events = [
        {**e, "attackers": frozenset(e["attackers"]), "victims": frozenset(e["victims"])} for e in events
    ]
    total = _measure(events, capture, frozenset(bystanders))
    for event in events:
        if event["packets"] < event.pop("least") * (event["end"] - event["start"]):
            event["class"] = OTHER
    document = [{**e, "attackers": sorted(e["attackers"]), "victims": sorted(e["victims"])} for e in events]
    quiet = all(event.category is Category.BENIGN for event in world.events)
    return {
        "seed": world.seed,
        "kind": world.kind,
        **({"category": Category.BENIGN} if quiet else {}),
        "seconds": world.seconds,
        "packets": total,
        "default_class": "Benign",
        "events": [event for event in document if event["packets"]],
        "silent": [event for event in document if not event["packets"]],
        "bystanders": bystanders,
        "hosts": [{"name": h.name, "kind": h.kind, "addresses": h.addresses} for h in world.everyone],
        "troubles": [line for line in logs if line["trouble"]],
        "programs": sorted({job.program for host in world.everyone for job in host.jobs}),
    }


def _bystanders(world: World) -> list[str]:
    """Addresses that `*` never means: the hosts' own, all that harmless jobs talk to, and groups."""
    harmless = [
        job.params
        for host in world.everyone
        for job in host.jobs
        if job.event is None or world.events[job.event].category is Category.BENIGN
    ]
    named = {value for params in harmless for entry in params.values() for value in _strings(entry)}
    own = {address.split("/")[0] for host in world.everyone for address in host.addresses}
    groups = {*_GROUPS, str(ipaddress.ip_network(world.lan4).broadcast_address)}
    return sorted(own | groups | {value for value in named if _is_address(value)})


def _strings(entry: Any) -> list[str]:
    return [value for value in (entry if isinstance(entry, list) else [entry]) if isinstance(value, str)]


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _planned(world: World, index: int, origin: float, logs: list[LogLine]) -> dict[str, Any]:
    """Say when the event's jobs ran: by the log, or by the plan for those that the end cut short."""
    jobs = [job for host in world.everyone for job in host.jobs if job.event == index]
    ran = [line for line in logs if line["event"] == index]
    start = min([line["start"] for line in ran] + [origin + job.start for job in jobs], default=origin)
    ends = [line["end"] for line in ran]
    if len(ran) < len(jobs):
        ends += [origin + job.start + job.seconds for job in jobs]
    document = asdict(world.events[index])
    return {
        "class": document.pop("category") or OTHER,
        **document,
        "start": start,
        "end": max(ends, default=origin),
        "packets": 0,
    }


def _measure(events: list[dict[str, Any]], capture: Path, bystanders: frozenset[str]) -> int:
    """Set `packets` and narrow `start` and `end` to the packets seen. Returns the capture's IP packets."""
    spans = [(event["start"] - 0.01, event["end"] + _LATE_SECONDS) for event in events]
    total = 0
    for when, source, destination in packets(capture):
        total += 1
        for event, (begin, end) in zip(events, spans, strict=True):
            if begin <= when <= end and matches(event, source, destination, bystanders):
                event["start"] = event["start"] if event["packets"] else when
                event["end"] = when
                event["packets"] += 1
    return total
