"""Many clients of one server, all harmless and mostly at the same moments: near to a flood from many.

Readings by the clock, visitors of a page of many parts, and a server, or the whole uplink, that is gone while
all keep asking for it. What is answered stays below `BUSY_PER_SECOND` and `ASKED_PER_SECOND`, and what a
server that is gone is asked below `MISSED_PER_SECOND`, where floods begin.
"""

from typing import Any

from detector.records import Category
from train.lab.draft import QUARTERS, Draft
from train.lab.plan import Host
from train.lab.scenes.bustle import own
from train.lab.scenes.onslaught import ASKED_PER_SECOND, BUSY_PER_SECOND, MISSED_PER_SECOND, run
from train.lab.scenes.parties import Sources, server_of

_SERVICES = (
    ("mqtt", "serve-broker", 1883),
    ("mqtt", "serve-broker", 1884),
    ("http", "serve-http", 80),
    ("http", "serve-http", 8080),
    ("raw", "serve-exchange", 6379),
    ("modbus", "serve-modbus", 502),
)
_MOST_CLIENTS = 80
_EVER = 20_000
"""Exchanges; the world ends before."""


def _gather(draft: Draft) -> tuple[Host, str, Sources, int]:
    """Draw the server, its address, whose clients ask it, and how many do."""
    host, address = server_of(draft)
    sources = Sources(draft, many=True, victim=host, kind="client")
    return host, address, sources, min(len(sources.addresses), draft.whole(3, _MOST_CLIENTS))


def _rhythm(draft: Draft, seconds: float) -> dict[str, Any]:
    """Draw how clients keep time: with one clock, nearly so, or each with its own."""
    own_time = draft.chance(0.3)
    return {
        "beat": seconds,
        "own_time": own_time,
        "off_beat": draft.rng.choice((0.02, 0.1, 0.5)),
        "spread": seconds if own_time else draft.between(0.01, 2),
    }


def _talk(draft: Draft, sources: Sources, tool: str, address: str, *, seconds: float, **params: Any) -> None:
    """Let clients ask again and again, so many seconds apart."""
    params |= {"pause": seconds, "count": _EVER, **_rhythm(draft, seconds)}
    run(draft, sources, "conversations", (Category.BENIGN, tool), address, servers=[address], **params)


def _silence(draft: Draft, host: Host) -> None:
    """Let a server, at times, be silent where it would refuse."""
    if host.segment == "lan" and host is not draft.gateway and draft.chance(0.4):
        host.mute = True


def by_the_clock(draft: Draft) -> None:
    """All devices report at the same moments, over connections that stay or new ones."""
    host, address, sources, clients = _gather(draft)
    protocol, program, port = draft.rng.choice(_SERVICES)
    draft.serve(host, program, port)
    stays = draft.chance(0.4)
    seconds = max(draft.between(0.5, 10), clients / (ASKED_PER_SECOND if stays else BUSY_PER_SECOND))
    _talk(
        draft,
        sources,
        "by-the-clock",
        address,
        seconds=seconds,
        port=port,
        protocol=protocol,
        clients=clients,
        exchanges=1000 if stays else 1,
        ask=12 if protocol == "modbus" else draft.whole(1, 900),
        reply=41 if protocol == "modbus" else draft.rng.choice((0, draft.whole(1, 20_000))),
        think=seconds if stays else 0.0,
    )


def visitors(draft: Draft) -> None:
    """Visitors fetch a page of 2 to 8 parts at once, and the next one some seconds later."""
    host, address, sources, clients = _gather(draft)
    port = draft.serve(host, "serve-http", draft.rng.choice((80, 8080)))
    parts = draft.rng.randint(2, 8)
    seconds = max(draft.between(1, 10), clients * parts / BUSY_PER_SECOND)
    _talk(
        draft,
        sources,
        "visitors",
        address,
        seconds=seconds,
        port=port,
        protocol="http",
        clients=clients * parts,
        exchanges=1,
        ask=0,
        reply=draft.whole(100, 30_000),
        think=0.0,
    )


def missed(draft: Draft) -> None:
    """A server is gone, closed or silent, and all devices keep trying it."""
    host, address, sources, clients = _gather(draft)
    _silence(draft, host)
    seconds = max(draft.between(0.7, 15), clients / MISSED_PER_SECOND)
    _talk(
        draft,
        sources,
        "missed",
        address,
        seconds=seconds,
        port=draft.rng.choice((1885, 81, 8444, 4433, draft.rng.randint(20_000, 65_000))),
        protocol="raw",
        clients=clients,
        exchanges=1,
        ask=1,
        reply=1,
        think=0.0,
    )


def unheard(draft: Draft) -> None:
    """A resolver or a clock is gone, closed or silent, and all devices keep asking it by datagrams."""
    host, address, sources, clients = _gather(draft)
    _silence(draft, host)
    kind, port = draft.rng.choice((("dns", 53), ("ntp", 123), ("coap", 5683), ("raw", 6000)))
    run(
        draft,
        sources,
        "datagrams",
        (Category.BENIGN, "unheard"),
        address,
        servers=[address],
        port=port,
        kind=kind,
        bytes=[20, 120],
        flows=1,
        fresh=draft.rng.choice((0.0, 1.0, 1.0)),
        stay=draft.rng.choice((1, 1, 2, 4)),
        answers=0,
        every=1,
        reply=0,
        rate=draft.between(1, min(MISSED_PER_SECOND, 2 * clients)),
        count=_EVER,
        shape=draft.rng.choice(("steady", "poisson", "bursts", "pulses")),
    )


def cut_off(draft: Draft) -> None:
    """The uplink is gone: devices keep trying their servers outside, by a port or three, ever more rarely."""
    draft.internet.silent = list(QUARTERS)
    for host in draft.rng.sample(draft.devices, draft.rng.randint(1, len(draft.devices))):
        servers = [draft.public_address() for _ in range(draft.rng.randint(1, 6))]
        event = own(draft, host, servers, "cut-off")
        pause = draft.between(0.05, 3)
        for port in draft.rng.sample((80, 443, 8883, 1883, 3478, 5228, 8443), draft.rng.randint(1, 3)):
            draft.run(
                host,
                "conversations",
                draft.span(4),
                event=event,
                servers=servers,
                port=port,
                protocol="raw",
                clients=len(servers),
                exchanges=1,
                ask=1,
                reply=1,
                think=0.0,
                pause=pause,
                spread=draft.between(0.1, 4),
                count=_EVER,
            )
