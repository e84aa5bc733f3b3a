"""Whether a run went as it should: flat, every attack found, every loss accounted for.

Each check says what was held against what. Losses are allowed, unexplained ones are not: under a flood, or
while the process is stopped, the kernel may drop packets, if it is counted.
"""

import math
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from tests.soak.plan import Attack
from tests.soak.receiver import name_of
from tests.soak.run import Result
from tests.soak.samples import Course, Measure, Sample, course
from tests.soak.stage import WATCHDOG_SECS

FLAT_SHARE, FLAT_LEAST_MB = 0.03, 4.0
"""Memory is flat where the second half grows by less than this share of it, or by less than so many MB."""

FULL_AFTER_SECS = 600.0
"""Flow tables and windows take memory until a flood has filled them, and each fault holds the path up once; a
shorter run cannot tell that from a leak, or from a path that falls behind."""

FLAT_COUNT = 1.0
"""Handles and threads are flat where the last of them are no more than this above those of the middle."""

LAG_SECS, LAG_GROWTH_SECS = 2.0, 0.5
"""A flow leaves a second after its last packet and is scored in the quarter that follows; the metrics are
updated once a second. Half of all looks must see no more, and later ones no more than earlier ones."""

FOUND_WITHIN_SECS = 5.0
"""After the end of the attack, in packet time."""

OWN_FRAMES = 10
"""The kernel may send a few frames of its own whenever a link comes up."""

NOTICED_WITHIN_SECS = 5.0
_STOP_SECS = 3.0

MEASURES: dict[str, Measure] = {
    "memory, MB": lambda one: one.rss_mb,
    "handles": lambda one: one.handles,
    "threads": lambda one: one.threads,
    "lag, s": lambda one: one.lag,
}


class Check(NamedTuple):
    """One thing that was asked."""

    what: str
    good: bool
    told: str
    """The figures that it was judged by."""


def checks(result: Result) -> list[Check]:
    """Return all that is asked of a run."""
    return [
        *_flat(result.samples),
        _attacks(result),
        *_packets(result),
        *_alerts(result),
        *_faults(result),
        _reloads(result),
        *_service(result),
    ]


def _flat(samples: list[Sample]) -> Iterator[Check]:
    memory, handles, threads, lag = (course(samples, measure) for measure in MEASURES.values())
    allowed = max(FLAT_SHARE * memory.middle, FLAT_LEAST_MB)
    told = f"{memory.growth:+.1f} MB in the second half, {allowed:.1f} allowed"
    long_enough = samples[-1].at >= FULL_AFTER_SECS
    if long_enough:
        yield Check("memory is flat", memory.growth <= allowed, told)
    for name, one in (("handles", handles), ("threads", threads)):
        told = f"{one.middle:.0f} in the middle, {one.end:.0f} at the end"
        yield Check(f"{name} are flat", one.end <= one.middle + FLAT_COUNT, told)
    good = _half(samples) <= LAG_SECS and (lag.growth <= LAG_GROWTH_SECS or not long_enough)
    told = f"median {_half(samples):.2f} s, {lag.growth:+.2f} s in the second half"
    yield Check("lag is flat", good, told)


def _half(samples: list[Sample]) -> float:
    return float(np.median([one.lag for one in samples]))


def address(number: int) -> str:
    return ".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0))


def found(attack: Attack, result: Result) -> float | None:
    """Return how many seconds after its first packet an attack's incident opened, by packet time."""
    for event in result.alerts:
        at = _secs(event) - result.epoch - attack.begins
        ends = event["dest_ip"] == address(attack.victim) or event["src_ip"] == address(attack.attacker)
        named = event["iotids"]["state"] == "open" and event["iotids"]["category"] == attack.category
        if ends and named and -1 <= at <= attack.lasts + FOUND_WITHIN_SECS:
            return at
    return None


def _secs(event: dict[str, Any]) -> float:
    return datetime.fromisoformat(event["timestamp"]).timestamp()


def others(result: Result) -> list[str]:
    """Return what was opened about hosts that did nothing, in a few words."""
    names = {address(each) for attack in result.plan.attacks for each in (attack.attacker, attack.victim)}
    return [
        f"{event['iotids']['category']} {event['src_ip']} > {event['dest_ip']}, severity "
        f"{event['alert']['severity']}"
        for event in result.alerts
        if event["iotids"]["state"] == "open" and not names & {event["src_ip"], event["dest_ip"]}
    ]


def _attacks(result: Result) -> Check:
    attacks = result.plan.attacks
    missed = [
        f"{one.kind}, {one.rate}/s at {one.begins:.0f} s" for one in attacks if found(one, result) is None
    ]
    told = f"{len(attacks) - len(missed)} of {len(attacks)}" + "".join(f"; missed: {each}" for each in missed)
    return Check("every attack is found", not missed, told)


def packet_terms(result: Result) -> dict[str, int]:
    """Return what became of the packets sent, each term counted by somebody else than the others."""
    dropped = result.metrics.by("iotids_packets_dropped_total", "stage")
    read = result.metrics.total("iotids_packets_total")
    ignored = result.metrics.total("iotids_packets_ignored_total")
    # What the interface counts as dropped on receipt is what no protocol took, after the capture had it.
    uncounted = result.sent - result.plug.tx - result.plug.tx_dropped
    return {
        "sent": result.sent,
        "sent by the kernel": max(-uncounted, 0),
        "into no carrier": max(uncounted, 0),
        "dropped by the cable": result.plug.tx_dropped,
        "received by the interface": result.watched.rx,
        "dropped by the kernel": dropped["kernel"] + dropped["interface"],
        "read": read,
        "ignored": ignored,
        "shed": dropped["shed"],
        "no memory": dropped["meter"],
        "metered": read - ignored - dropped["shed"] - dropped["meter"],
    }


def _packets(result: Result) -> Iterator[Check]:
    terms = packet_terms(result)
    lost, more = terms["into no carrier"] + terms["dropped by the cable"], terms["sent by the kernel"]
    down = sum(fault.kind == "interface down" for fault in result.plan.faults)
    missing = terms["sent"] + more - lost - terms["received by the interface"]
    told = f"{terms['sent']:,} sent and {more} by the kernel, {lost:,} while it was down, {missing:,} missing"
    good = missing == 0 and (lost == 0 or down > 0) and more <= OWN_FRAMES * (1 + down)
    yield Check("what was sent was received", good, told)
    missing = terms["received by the interface"] - terms["read"] - terms["dropped by the kernel"]
    told = (
        f"{terms['received by the interface']:,} received = {terms['read']:,} read + "
        f"{terms['dropped by the kernel']:,} dropped by the kernel; {missing:,} missing"
    )
    yield Check("every packet is accounted for", missing == 0, told)


def _alerts(result: Result) -> Iterator[Check]:
    raised = result.metrics.total("iotids_alerts_total")
    dropped = result.metrics.by("iotids_alerts_dropped_total", "sink")
    yield Check("it comes to rest", result.settled, "no incident open and no alert waiting at the end")
    written = list(map(name_of, result.alerts))
    for sink, names in (("file", written), ("webhook", list(result.taken))):
        told = f"{raised} raised = {len(names)} in the {sink} + {dropped.get(sink, 0)} dropped"
        good = raised == len(names) + dropped.get(sink, 0) and len(set(names)) == len(names)
        yield Check(f"every alert reaches the {sink}", good, told)
    full = sum(fault.kind == "disk full" for fault in result.plan.faults)
    told = f"{result.torn} lines broken off, each written again whole, in {full} times that the disk was full"
    yield Check("only a full disk breaks lines off", result.torn <= full, told)


def _faults(result: Result) -> Iterator[Check]:
    downs = [fault for fault in result.plan.faults if fault.kind == "interface down"]
    begins, ends = [fault.begins for fault in downs], [fault.ends for fault in downs]
    for what, times, up in (("down", begins, False), ("back", ends, True)):
        delays = [_until_up_is(result.samples, at, up=up) for at in times]
        longest = max(delays, default=0.0)
        told = f"{len(times)} times, within {longest:.1f} s"
        yield Check(f"an interface that is {what} is noticed", longest <= NOTICED_WITHIN_SECS, told)
    errors = result.metrics.by("iotids_sink_errors_total", "sink")
    for sink, kinds in (("file", {"disk full"}), ("webhook", {"receiver gone", "receiver hangs"})):
        count = sum(fault.kind in kinds for fault in result.plan.faults)
        told = f"{errors[sink]} errors in {count} faults"
        yield Check(f"a {sink} that fails is noticed", errors[sink] >= count, told)


def _until_up_is(samples: list[Sample], since: float, *, up: bool) -> float:
    """Return how long it took until the metrics told so."""
    return next((one.at - since for one in samples if one.at >= since and one.up == up), math.inf)


def _reloads(result: Result) -> Check:
    done = {"good": result.log.count("Reloaded: "), "bad": result.log.count("Not reloaded, ")}
    told = ", ".join(f"{done[kind]} of {asked} {kind}" for kind, asked in result.reloads.items())
    return Check("every reload is told", done == result.reloads, told)


def _service(result: Result) -> Iterator[Check]:
    gap, at = max(
        ((after - before, before) for before, after in pairwise(result.beats)), default=(math.inf, 0)
    )
    told = f"{len(result.beats)} beats, {gap:.1f} s apart at most, at {at:.0f} s"
    yield Check("the heart beats", gap < WATCHDOG_SECS, told)
    good = result.stop_secs < _STOP_SECS and "Traceback" not in result.log
    yield Check("it ends as asked", good, f"in {result.stop_secs:.1f} s, with no traceback in the log")


def courses(result: Result) -> dict[str, Course]:
    """Return how each figure went."""
    return {name: course(result.samples, measure) for name, measure in MEASURES.items()}
