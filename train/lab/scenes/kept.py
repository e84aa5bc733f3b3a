"""One source and one server over one flow, or a few, that last: harmless, or overrun with messages.

How many flows begin tells nothing here; only how much each of them carries, how fast, and in what pieces.
Harmless machines stay below `CYCLES_PER_SECOND`, streams that nobody answers below `STREAM_PER_SECOND`, and
what is faster carries data or is soon over; floods begin at `OVERRUN_PER_SECOND`, and are of small pieces.
"""

from typing import Any

from detector.records import Category
from train.lab.draft import Draft
from train.lab.plan import Host, Link
from train.lab.scenes.bustle import own
from train.lab.scenes.onslaught import (
    ALONE_PER_SECOND,
    ASKED_PER_SECOND,
    CYCLES_PER_SECOND,
    DATA_BYTES,
    OVERRUN_PER_SECOND,
    STREAM_PER_SECOND,
    aim,
    run,
)
from train.lab.scenes.parties import Sources, server_of, victim_of, victim_service
from train.lab.scenes.services import BOTH_WAYS

_FASTEST, _MOST, _SHORTEST_SECS = 12_000, 22_000, 2.0
_EVER = 10**6
"""Exchanges on one connection."""

_FRAME_BYTES, _BULK_PER_SECOND = 1400, 15_000

_WALK_QUESTIONS, _WALK_PER_SECOND, _WALK_APART_SECS = 8000, 8000, 4.0

_CONTROLLERS = (102, 502, 4840, 20_000, 44_818, 5007)
"""Ports of S7, Modbus, OPC UA, DNP3, EtherNet/IP and MELSEC; the talk is of our own."""

_SHAPES = ("steady", "steady", "steady", "poisson", "bursts")


def _one(draft: Draft, host: Host, kind: str = "client") -> Sources:
    return Sources(draft, many=False, victim=host, kind=kind)


def _near(draft: Draft, host: Host, kind: str) -> Sources:
    """Draw one near `host`: what waits for answers is no faster than the way there and back."""
    sources = _one(draft, host, kind)
    host.link = sources.hosts[0][0].link = Link()
    return sources


def _datagrams(draft: Draft, *, low: int, rate: float, reply: int = 0) -> dict[str, Any]:
    """Draw datagrams of `low` bytes to three times as much, over one flow or a few."""
    return {
        "bytes": [low, draft.whole(low, 3 * low)],
        "flows": draft.rng.choice((1, 1, 1, 2, 4)),
        "fresh": 0.0,
        "stay": draft.rng.choice((1, 1, 30)),
        "answers": 1,
        "every": 1,
        "reply": reply,
        "rate": rate,
        "shape": draft.rng.choice(_SHAPES),
    }


def _pieces(draft: Draft) -> dict[str, int]:
    """Draw how much is asked and answered: a frame of a controller, a reading, a small document."""
    return {"ask": draft.whole(8, 250), "reply": draft.whole(8, DATA_BYTES)}


def _talk(clients: int, rate: float) -> dict[str, Any]:
    """Say how `clients` that stay connected ask so often a second, all together."""
    return {
        "clients": clients,
        "exchanges": _EVER,
        "think": clients / rate,
        "pause": 0.5,
        "spread": 0.3,
        "count": _MOST,
    }


def cycles(draft: Draft) -> None:
    """A controller asks another by the cycle, 10 to 500 times a second, over one to four connections."""
    host, address = server_of(draft)
    port = draft.serve(host, "serve-exchange", draft.rng.choice(_CONTROLLERS))
    rate = draft.between(10, CYCLES_PER_SECOND)
    what = (Category.BENIGN, "cycles")
    sources, clients = _near(draft, host, "plc"), draft.rng.choice((1, 1, 1, 2, 4))
    talk = _pieces(draft) | _talk(clients, rate)
    run(draft, sources, "conversations", what, address, servers=[address], port=port, protocol="raw", **talk)


def messages(draft: Draft) -> None:
    """A gateway publishes what many sensors measure over one connection, 5 to 300 messages a second."""
    host, address = server_of(draft)
    port = draft.serve(host, "serve-broker", draft.rng.choice((1883, 1884)))
    talk = _talk(draft.rng.choice((1, 1, 3)), draft.between(5, ASKED_PER_SECOND))
    talk |= {"ask": draft.whole(4, 900), "reply": draft.rng.choice((0, 0, 1))}
    what = (Category.BENIGN, "messages")
    run(
        draft,
        _one(draft, host, "hub"),
        "conversations",
        what,
        address,
        servers=[address],
        port=port,
        protocol="mqtt",
        **talk,
    )


def readings(draft: Draft) -> None:
    """Small datagrams, 10 to 500 a second that are answered, or up to a thousand that are not."""
    host, address = server_of(draft)
    answered = draft.chance(0.6)
    kind = "exchange" if answered else "raw"
    port = draft.rng.randint(1025, 60_000)
    draft.serve(host, "serve-datagrams", port, kind=kind if answered else "sink")
    rate = draft.between(10, CYCLES_PER_SECOND if answered else STREAM_PER_SECOND)
    params = _datagrams(draft, low=draft.whole(12, 160), rate=rate, reply=draft.whole(8, 400))
    what = (Category.BENIGN, "readings")
    run(
        draft,
        _one(draft, host),
        "datagrams",
        what,
        address,
        servers=[address],
        port=port,
        kind=kind,
        count=_MOST,
        **params,
    )


def bulk(draft: Draft) -> None:
    """Files, there or back, over one to twelve connections, 300 to 15,000 whole frames a second."""
    host, address = server_of(draft)
    port = draft.serve(host, "serve-exchange", draft.rng.choice((445, 873, 2049, 8443, 9000)))
    sources, clients = _near(draft, host, "client"), draft.rng.choice((1, 1, 2, 4, 8, 12))
    bytes_per_second = _FRAME_BYTES * draft.between(300, _BULK_PER_SECOND)
    exchanges = draft.rng.choice((_EVER, _EVER, 1))
    most = ALONE_PER_SECOND if exchanges == 1 else ASKED_PER_SECOND
    size = max(draft.whole(20_000, 1_000_000), round(bytes_per_second / most))
    sizes = [draft.whole(4, 400), size]
    draft.rng.shuffle(sizes)
    talk = _talk(clients, bytes_per_second / size) | {"ask": sizes[0], "reply": sizes[1]}
    talk |= {"exchanges": exchanges, "pause": talk["think"]}
    what = (Category.BENIGN, "bulk")
    run(draft, sources, "conversations", what, address, servers=[address], port=port, protocol="raw", **talk)


def walk(draft: Draft) -> None:
    """Somebody reads all of a machine's values, as fast as it answers, within two seconds; and again.

    Agents near by answer 7,000 questions a second. What tells it from a flood is that it ends.
    """
    host, address = server_of(draft)
    port = draft.serve(host, "serve-datagrams", draft.rng.choice((161, 161, 47_808, 5683)), kind="exchange")
    reader = draft.pick("hub", "laptop", "plc", but=[host])
    event = own(draft, reader, [address], "walk")
    start, low, reply = draft.rng.uniform(0.5, 2), draft.whole(30, 120), draft.whole(40, 400)
    while start < draft.seconds - 1:
        rate = draft.between(CYCLES_PER_SECOND, _WALK_PER_SECOND)
        length = min(draft.rng.uniform(0.2, 1.8), _WALK_QUESTIONS / rate)
        params = _datagrams(draft, low=low, rate=rate, reply=reply) | {"flows": 1, "shape": "steady"}
        draft.run(
            reader,
            "datagrams",
            (start, length),
            event=event,
            servers=[address],
            port=port,
            kind="exchange",
            count=round(rate * length),
            **params,
        )
        start += draft.rng.uniform(_WALK_APART_SECS, 2 * _WALK_APART_SECS)


def _flood(draft: Draft, rate: float) -> int:
    """Draw how many messages there are: two seconds of them, or more."""
    return min(_MOST, round(rate * draft.rng.uniform(_SHORTEST_SECS, draft.seconds)))


def _attack(draft: Draft, victim: Host, sources: Sources, tool: str, program: str, **params: Any) -> None:
    what = (Category.DOS, tool)
    run(draft, sources, program, what, victim.address, least=OVERRUN_PER_SECOND, **params)


def _attack_by_datagrams(draft: Draft, victim: Host, tool: str, params: dict[str, Any]) -> None:
    sources = _one(draft, victim, "attacker")
    params |= {"servers": [victim.address], "count": _flood(draft, params["rate"])}
    _attack(draft, victim, sources, tool, "datagrams", **params)


def _rate(draft: Draft) -> float:
    return draft.between(OVERRUN_PER_SECOND, _FASTEST)


def overrun(draft: Draft) -> None:
    """Small questions as fast as they are answered, over one to six connections."""
    protocol, program, port = draft.rng.choice(
        (
            ("raw", "serve-exchange", draft.rng.choice(_CONTROLLERS)),
            ("modbus", "serve-modbus", 502),
            ("http", "serve-http", 8080),
            ("mqtt", "serve-broker", 1883),
        )
    )
    victim, clients = victim_of(draft, answers=True), draft.rng.choice((1, 1, 1, 2, 6))
    draft.serve(victim, program, port)
    sources = _near(draft, victim, "attacker")
    talk = _pieces(draft) | _talk(clients, _rate(draft)) | {"count": draft.whole(6000, _MOST)}
    talk["think"] = draft.rng.choice((0.0, talk["think"]))
    _attack(
        draft,
        victim,
        sources,
        f"{protocol}-overrun",
        "conversations",
        servers=[victim.address],
        port=port,
        protocol=protocol,
        **talk,
    )


def publishing(draft: Draft) -> None:
    """Messages without end over one to six MQTT connections, acknowledged or not."""
    victim, rate = victim_of(draft, answers=True), _rate(draft)
    draft.serve(victim, "serve-broker", 1883)
    sources = _near(draft, victim, "attacker")
    _attack(
        draft,
        victim,
        sources,
        "mqtt-publish-flood",
        "mqtt-flood",
        target=victim.address,
        port=1883,
        mode=draft.rng.choice(("publish", "publish", "publish", "subscribe")),
        parallel=draft.rng.choice((1, 1, 2, 6)),
        bytes=draft.whole(1, DATA_BYTES),
        qos=draft.rng.choice((0, 1)),
        rate=rate,
        count=_flood(draft, rate),
        shape=draft.rng.choice(_SHAPES),
    )


def questions(draft: Draft) -> None:
    """Datagrams that are all answered, in one flow or a few."""
    ports, kind = BOTH_WAYS[draft.rng.choice(("dns", "ntp", "coap", "snmp", "stun", "bacnet"))]
    port, rate = draft.rng.choice(ports), _rate(draft)
    victim = victim_service(draft, "serve-datagrams", port, kind=kind)
    params = _datagrams(draft, low=draft.whole(12, 160), rate=rate, reply=draft.whole(20, DATA_BYTES))
    _attack_by_datagrams(draft, victim, "question-flood", params | {"port": port, "kind": kind})


def unanswered(draft: Draft) -> None:
    """Small datagrams that nobody answers, in one flow or a few."""
    victim, rate = victim_of(draft), draft.between(2 * OVERRUN_PER_SECOND, _FASTEST)
    port = aim(draft, victim)
    port = port if isinstance(port, int) and port > 0 else draft.rng.randint(1, 65_535)
    draft.serve(victim, "serve-datagrams", port, kind="sink")
    params = _datagrams(draft, low=draft.whole(12, 160), rate=rate)
    _attack_by_datagrams(draft, victim, "udp-one-flow", params | {"port": port, "kind": "raw"})
