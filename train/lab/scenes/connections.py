"""Floods of TCP connections: silent, with junk on them, or whole sessions of any service.

How much data a conversation carries, there or back, tells as little of harm as it does in harmless worlds: as
long as no answer of a flood had more than 4,000 bytes, a large one told that there was none.
"""

from typing import Any

from detector.records import Category
from train.lab.draft import Draft
from train.lab.scenes.onslaught import PAGE_BYTES, at_most, begun, bounds, packets_of, run
from train.lab.scenes.parties import Sources, victim_service
from train.lab.scenes.services import TCP


def _conversations(draft: Draft, *, many: bool) -> None:
    rng = draft.rng
    name = rng.choice(sorted(TCP))
    service, exchanges = TCP[name], rng.choice((1, 1, 6))
    port, clients = rng.choice(service.ports), draft.whole(5, 150)
    victim = victim_service(draft, service.server, port, tls=service.tls)
    ask, reply = (
        draft.whole(low + 1, min(high, PAGE_BYTES[1]) + 1) - 1 for low, high in (service.ask, service.reply)
    )
    packets = exchanges * packets_of(ask + reply, exchanges)
    limits = bounds(draft, top=1200, most=at_most(draft, 3000, packets), low=begun(many=many))
    run(
        draft,
        Sources(draft, many=many, victim=victim),
        "conversations",
        (Category.DDOS if many else Category.DOS, f"{name}-flood"),
        victim.address,
        least=begun(many=many) * packets / 2,
        servers=[victim.address],
        port=port,
        protocol=service.protocol,
        tls=service.tls,
        clients=clients,
        exchanges=exchanges,
        ask=ask,
        reply=reply,
        habits=rng.choice((0.0, 0.0, 0.3)),
        think=0.0,
        pause=round(clients / limits["rate"], 5),
        spread=draft.between(0.02, 2),
        count=limits["count"] * exchanges,
    )


def conversation_flood(draft: Draft) -> None:
    """Sessions of any service over TCP, one question or a few on each, from one source."""
    _conversations(draft, many=False)


def conversation_flood_many(draft: Draft) -> None:
    """Sessions of any service over TCP from many sources."""
    _conversations(draft, many=True)


def _connections(draft: Draft, *, many: bool) -> None:
    rng = draft.rng
    port, messages = rng.choice((22, 23, 8883, 5000)), rng.choice((0, 0, draft.whole(1, 40)))
    server: dict[str, Any] = (
        {"program": "serve-banner", "banner": "login: "} if draft.chance(0.6) else {"program": "serve-sink"}
    )
    victim = victim_service(draft, port=port, **server)
    run(
        draft,
        Sources(draft, many=many, victim=victim),
        "connect-flood",
        (Category.DDOS if many else Category.DOS, "connect-flood"),
        victim.address,
        target=victim.address,
        port=port,
        hold=rng.choice((0, 0, 0.2, 3.0)),
        messages=messages,
        bytes=draft.whole(1, 1400),
        gap=draft.between(0.0005, 0.01),
        parallel=rng.randint(20, 300),
        **bounds(draft, top=1200, most=at_most(draft, 4000, 8 + 2 * messages), low=begun(many=many)),
    )


def connection_flood(draft: Draft) -> None:
    """TCP connections with junk on them or without a word, from one source."""
    _connections(draft, many=False)


def connection_flood_many(draft: Draft) -> None:
    """TCP connections with junk on them or without a word, from many sources."""
    _connections(draft, many=True)
