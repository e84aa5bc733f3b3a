"""A run as a person reads it, and as JSON."""

from collections import Counter
from typing import Any

from tests.bench.report import Cell, quantiles, table
from tests.soak.plan import CATEGORIES
from tests.soak.run import Result
from tests.soak.traffic import PACKETS_PER_SEC
from tests.soak.verdict import Check, courses, found, others, packet_terms

_DAY_SECS = 86_400


def days(packets: int) -> float:
    """Return how long so many packets take an ordinary gateway."""
    return packets / PACKETS_PER_SEC / _DAY_SECS


def figures(result: Result, checks: list[Check]) -> dict[str, Any]:
    """Return everything, ready for JSON."""
    return {
        "secs": result.secs,
        "days": days(result.sent),
        "checks": [check._asdict() for check in checks],
        "packets": packet_terms(result),
        "courses": {name: course._asdict() for name, course in courses(result).items()},
        "attacks": [
            {**attack._asdict(), "category": attack.category, "opened_after_secs": found(attack, result)}
            for attack in result.plan.attacks
        ],
        "others": others(result),
        "restarts": result.metrics.by("iotids_restarts_total", "reason"),
        "faults": [fault._asdict() for fault in result.plan.faults],
        "samples": [one._asdict() for one in result.samples],
    }


def show(result: Result, checks: list[Check]) -> str:
    """Return the tables."""
    return "\n\n".join(
        [_course(result), _attacks(result), _packets(result), _faults(result), _checks(checks)]
    )


def _course(result: Result) -> str:
    title = f"{result.secs / 60:.0f} minutes, {days(result.sent):.2f} days' packets"
    rows: list[list[Cell]] = [[name, *course] for name, course in courses(result).items()]
    first, last = result.samples[0], result.samples[-1]
    lasted = last.at - first.at
    cores = (last.processor_secs - first.processor_secs) / lasted
    waited = (last.waiting_secs - first.waiting_secs) / lasted
    head = ["start", "middle", "end", "highest", "2nd half grows by"]
    return f"{table(title, head, rows)}\n{cores:.2f} cores had, {waited:.2f} waited for"


def _attacks(result: Result) -> str:
    rows: list[list[Cell]] = []
    for kind in CATEGORIES:
        delays = [found(attack, result) for attack in result.plan.attacks if attack.kind == kind]
        seen = [delay for delay in delays if delay is not None]
        middle = quantiles(seen, 50, 100)
        rows.append([kind, len(delays), len(seen), middle["p50"], middle["p100"]])
    about = others(result)
    return "\n".join(
        [
            table("attacks", ["sent", "found", "s to open, median", "longest"], rows),
            f"{len(about)} incidents about others" + "".join(f"; {each}" for each in about[:10]),
        ]
    )


def _packets(result: Result) -> str:
    return table("packets", ["number"], [[name, number] for name, number in packet_terms(result).items()])


def _faults(result: Result) -> str:
    counted = Counter(fault.kind for fault in result.plan.faults)
    anew = result.metrics.by("iotids_restarts_total", "reason")
    last = result.samples[-1]
    return "\n".join(
        [
            "faults: " + ", ".join(f"{kind} {count} x" for kind, count in sorted(counted.items())),
            "began anew: "
            + (", ".join(f"{reason} {count} x" for reason, count in anew.items()) or "nothing"),
            f"{last.windows_shed:,} windows not scored, {last.flows_dropped:,} flows dropped",
        ]
    )


def _checks(checks: list[Check]) -> str:
    return "\n".join(f"{'ok' if one.good else 'NOT SO':8}{one.what}: {one.told}" for one in checks)
