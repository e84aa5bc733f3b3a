"""What all floods share: bounds, aims, and the jobs of several sources."""

from typing import Any, cast

from detector.records import Category
from train.lab.draft import Draft
from train.lab.plan import Host
from train.lab.scenes.parties import Sources

BUSY_PER_SECOND = 60
"""Connections that the clients of one small server begin in a second, at most: a flood begins more.

An attack of whole conversations at the pace of ordinary clients is no attack that packets show. Worlds
in which such floods went down to 8 requests a second taught a model to call every server with a few
connections a second the victim of a DDoS.
"""

ALONE_PER_SECOND = 25
"""Likewise of one client alone: what polls a device polls it ten times a second, or twenty."""

MISSED_PER_SECOND = 20
"""Likewise of all clients of a server that is gone: each tries again, most of them by the same clock."""

ASKED_PER_SECOND = 300
"""Likewise, questions over connections that last, or by datagrams that are answered."""

CYCLES_PER_SECOND = 500
"""Likewise of one machine alone: controllers of the captures `iti-ics` ask and answer so often."""

OVERRUN_PER_SECOND = 1000
"""Messages of one source over flows that last: from here on they are a flood, answered or not.

In worlds of their own (`kept`). Elsewhere floods of questions begin at `ASKED_PER_SECOND` already, and a
harmless stream of small datagrams stays below `STREAM_PER_SECOND`: as long as they went to 20,000 a second,
a model shrugged, at 16,000 questions as at 300.
"""

DATA_BYTES = 700
"""Messages as large as this carry data, where it is for their receiver to say how fast."""

STREAM_PER_SECOND = 1000
"""Packets a second into one flow that nobody answers: cameras send as many, a flood of datagrams more."""

PAGE_BYTES = (100, 60_000)
"""What a request is answered with."""

_SEGMENT_BYTES, _MOST_PACKETS = 900, 60_000

_PINGED_PER_SECOND = 200
"""Somebody who watches a link pings a hundred times a second."""

_ODD_PER_SECOND = 30
"""Packets that no client sends so, such as half of a handshake, are a flood sooner."""


def floor_of(kind: str, *, one_flow: bool = False) -> float:
    """Return from how many packets a second on a flood from one source is one; `kind` is of the packets."""
    if kind in {"udp", "dns"}:
        return STREAM_PER_SECOND if one_flow else ASKED_PER_SECOND
    return _PINGED_PER_SECOND if kind == "icmp" else _ODD_PER_SECOND


def begun(*, many: bool) -> float:
    """Return from how many connections a second on requests are a flood."""
    return BUSY_PER_SECOND if many else ALONE_PER_SECOND


def packets_of(data: int, exchanges: int = 1) -> float:
    """Return how many packets an exchange of so many bytes takes, with its share of a connection's nine."""
    return 9 / exchanges + 3 + 1.5 * data / _SEGMENT_BYTES


def at_most(draft: Draft, most: int, packets: float) -> int:
    """Return how many conversations of so many packets a flood has at most."""
    return max(draft.whole(200, 400), min(most, round(_MOST_PACKETS / packets)))


def bounds(draft: Draft, top: float = 20_000, most: int = 22_000, low: float = 15) -> dict[str, Any]:
    """Draw a rate, how many packets at most, and the rhythm."""
    rate = draft.between(low, top)
    return {
        "rate": rate,
        "count": draft.whole(min(1500, most - 1), most),
        "shape": draft.rng.choice(("steady", "steady", "steady", "poisson", "bursts", "ramp", "pulses")),
    }


def run(
    draft: Draft,
    sources: Sources,
    program: str,
    what: tuple[Category | None, str],
    victim: str,
    *,
    least: float = 0.0,
    **params: Any,
) -> None:
    """Let all sources run the same, sharing rate and count; `what` is the class and the tool.

    `least` is from how many packets a second on it is what it is called; see `Event`.
    """
    category, tool = what
    event = draft.event(category, tool, sources.addresses, [victim], least=least, **params)
    share = len(sources.hosts)
    when = draft.span(3, 20)
    for host, addresses in sources.hosts:
        own = dict(params)
        for key in ("rate", "count", "connections", "clients"):
            if key in own:
                own[key] = max(1, own[key] / share) if key == "rate" else max(1, own[key] // share)
        draft.run(host, program, when, event=event, **{**own, "sources": addresses})


def aim(draft: Draft, host: Host) -> int | list[int]:
    """Draw the port that is flooded: open, closed, a few, or any."""
    opened = [job.params["port"] for job in host.jobs if job.program.startswith("serve")]
    choices: list[int | list[int]] = [80, 1883, 443, draft.rng.randint(1, 65_535), -1, -1, [80, 443, 8080]]
    return cast("int | list[int]", draft.rng.choice([*choices, *opened, *opened]))
