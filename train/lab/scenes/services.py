"""Benign services at any load: many clients of one server, one client of many, streams of one flow.

Sources and datagrams that nobody answers are drawn as those of the floods are. What is answered stays below
`BUSY_PER_SECOND` and `ASKED_PER_SECOND`, where floods of whole conversations begin.
"""

from dataclasses import dataclass
from typing import Any

from detector.records import Category
from train.lab.draft import Draft
from train.lab.plan import Host
from train.lab.scenes.bustle import own
from train.lab.scenes.crowds import members_of
from train.lab.scenes.onslaught import (
    ASKED_PER_SECOND,
    BUSY_PER_SECOND,
    DATA_BYTES,
    STREAM_PER_SECOND,
    bounds,
    run,
)
from train.lab.scenes.parties import Sources, server_of

_MOST_PACKETS, _MOST_PER_SECOND = 40_000, 8000
_SEGMENT_BYTES = 1000
_HANDSHAKE_PACKETS = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Tcp:
    """A service over TCP: who serves it, where, and how its clients talk."""

    server: str
    protocol: str
    ports: tuple[int, ...]
    ask: tuple[int, int]
    """Bytes, smallest and largest."""
    reply: tuple[int, int]
    exchanges: tuple[int, ...] = (1, 1, 6, 40, 1000)
    """On one connection."""
    tls: bool = False


_STAY = (5, 1000, 1000, 1000)
_LASTS = 40
TCP = {
    "web": Tcp(server="serve-http", protocol="http", ports=(80, 8080), ask=(0, 0), reply=(60, 60_000)),
    "web-tls": Tcp(
        server="serve-http", protocol="http", ports=(443, 8443), ask=(0, 0), reply=(60, 60_000), tls=True
    ),
    "measurements": Tcp(
        server="serve-http", protocol="http", ports=(8086, 9091, 4318), ask=(20, 9000), reply=(0, 200)
    ),
    "broker": Tcp(server="serve-broker", protocol="mqtt", ports=(1883, 18_831), ask=(2, 1200), reply=(0, 1)),
    "database": Tcp(
        server="serve-exchange",
        protocol="raw",
        ports=(5432, 3306, 6379, 9092, 4840, 5222, 102, 44_818),
        ask=(8, 2000),
        reply=(4, 20_000),
        exchanges=_STAY,
    ),
    "private-tls": Tcp(
        server="serve-exchange",
        protocol="raw",
        ports=(8883, 6668, 5671),
        ask=(8, 900),
        reply=(4, 900),
        tls=True,
    ),
    "files": Tcp(
        server="serve-exchange",
        protocol="raw",
        ports=(445, 2049, 873),
        ask=(40, 400),
        reply=(50_000, 3_000_000),
    ),
    "uploads": Tcp(
        server="serve-exchange",
        protocol="raw",
        ports=(445, 9000, 8554),
        ask=(20_000, 2_000_000),
        reply=(4, 40),
    ),
    "terminal": Tcp(
        server="serve-banner", protocol="line", ports=(22, 23, 25, 5000), ask=(1, 80), reply=(0, 0)
    ),
    "registers": Tcp(
        server="serve-modbus", protocol="modbus", ports=(502,), ask=(12, 12), reply=(41, 41), exchanges=_STAY
    ),
}

_ONE_WAY = {
    "syslog": (514, (40, 400)),
    "netflow": (2055, (200, 1400)),
    "statsd": (8125, (16, 90)),
    "traps": (162, (60, 220)),
    "readings": (4210, (8, 800)),
    "video": (5004, (200, 1372)),
    "audio": (16_400, (172, 172)),
}
"""Collectors that never answer: port, and smallest and largest datagram."""

BOTH_WAYS = {
    "dns": ((53,), "dns"),
    "ntp": ((123,), "ntp"),
    "coap": ((5683,), "coap"),
    "snmp": ((161,), "exchange"),
    "bacnet": ((47_808,), "exchange"),
    "tunnel": ((51_820, 4500, 1194), "exchange"),
    "quic": ((443,), "exchange"),
    "game": ((27_015, 3074, 9987), "exchange"),
    "stun": ((3478, 19_302), "exchange"),
}
"""Services over UDP that answer: ports, and what their questions are like."""

_STREAMS = {"tunnel", "quic", "game"}
"""Where datagrams are a stream, not questions."""


def _talk(draft: Draft, service: Tcp, clients: int) -> dict[str, Any]:
    """Draw how `clients` talk to a service: sizes, pauses, and how often all together."""
    rng = draft.rng
    ask, reply = (draft.whole(low + 1, high + 1) - 1 for low, high in (service.ask, service.reply))
    exchanges = rng.choice(service.exchanges)
    packets = 2 + 1.5 * (ask + reply) / _SEGMENT_BYTES + _HANDSHAKE_PACKETS / exchanges
    most = BUSY_PER_SECOND * exchanges if exchanges < _LASTS else ASKED_PER_SECOND
    rate = draft.between(1, max(2, min(most, ASKED_PER_SECOND, _MOST_PER_SECOND / packets)))
    gap = min(clients / rate, draft.seconds)
    return {
        "protocol": service.protocol,
        "tls": service.tls,
        "clients": clients,
        "exchanges": exchanges,
        "ask": ask,
        "reply": reply,
        "habits": rng.choice((0.0, 0.3, 0.7, 1.0)),
        "think": round(gap if exchanges > 1 else 0.0, 5),
        "pause": round(gap if exchanges == 1 else rng.choice((0.0, draft.between(0.1, 5))), 5),
        "spread": round(min(gap, draft.seconds) if draft.chance(0.5) else draft.between(0.02, 3), 4),
        "count": max(3, round(_MOST_PACKETS / packets)),
    }


def _open(draft: Draft, name: str, host: Host) -> tuple[Tcp, int]:
    service = TCP[name]
    port = draft.rng.choice(service.ports)
    taken = any(job.params.get("port") == port and job.program != service.server for job in host.jobs)
    port = draft.rng.randint(10_000, 60_000) if taken else port
    latency = draft.rng.choice((0, 0, draft.whole(1, 300)))
    draft.serve(host, service.server, port, tls=service.tls, latency_ms=latency)
    return service, port


def busy_server(draft: Draft) -> None:
    """A service over TCP and its clients, 1 to 300: short or kept connections, slow or at line speed."""
    host, address = server_of(draft)
    name = draft.rng.choice(sorted(TCP))
    service, port = _open(draft, name, host)
    sources = Sources(draft, many=draft.chance(0.85), victim=host, kind="client")
    clients = max(len(sources.addresses), draft.whole(1, 300))
    run(
        draft,
        sources,
        "conversations",
        (Category.BENIGN, f"busy-{name}"),
        address,
        servers=[address],
        port=port,
        **_talk(draft, service, clients),
    )


ONE_WAY_RATE = 2500
"""Packets a second that nobody answers, at most: a wall of cameras. What is beyond is a flood."""


def datagrams_of(draft: Draft, size: tuple[int, int]) -> dict[str, Any]:
    """Draw how datagrams are sent: sizes, ports, order, what is wanted back, how often."""
    rng, usual = draft.rng, draft.whole(*size)
    return {
        "bytes": [usual, rng.choice((usual, usual, size[1]))],
        "flows": rng.choice((1, 1, 1, 2, 5)),
        "fresh": rng.choice((0.0, 0.0, 0.0, 0.02, 1.0)),
        "stay": rng.choice((1, 1, 3, 30)),
        "answers": rng.choice((1, 1, 1, draft.whole(1, 15))),
        "every": rng.choice((1, 1, draft.whole(1, 30))),
        "reply": draft.whole(8, 1372),
        **bounds(draft, low=3, top=8000, most=10_000),
    }


def unhurried(draft: Draft, params: dict[str, Any]) -> dict[str, Any]:
    """Return datagrams of one source, slower than a flood of them; such as carry data go as fast as drawn."""
    if params["bytes"][1] >= DATA_BYTES:
        return params
    return _held(draft, params, STREAM_PER_SECOND)


def _held(draft: Draft, params: dict[str, Any], most: float) -> dict[str, Any]:
    """Return datagrams no faster than `most` a second, or than half of it, or anything between."""
    return params | {"rate": min(params["rate"], draft.between(most / 2, most))}


def collector(draft: Draft) -> None:
    """Many devices (or one) send to a collector that never answers, may be mute, or is down."""
    host, address = server_of(draft)
    name = draft.rng.choice(sorted(_ONE_WAY))
    port, size = _ONE_WAY[name]
    port = port if draft.chance(0.6) else draft.rng.randint(1025, 60_000)
    if draft.chance(0.93):
        draft.serve(host, "serve-datagrams", port, kind="sink")
    params = _held(draft, datagrams_of(draft, size), ONE_WAY_RATE)
    what = (Category.BENIGN, f"{name}-collector")
    sources = Sources(draft, many=draft.chance(0.75), victim=host, kind="client")
    if len(sources.addresses) == 1:
        params = unhurried(draft, params)
    if draft.chance(0.15):
        params |= {"source_port": port, "flows": 1, "fresh": 0.0}
    run(draft, sources, "datagrams", what, address, servers=[address], port=port, kind="raw", **params)


def busy_datagram_server(draft: Draft) -> None:
    """A service over UDP, from resolvers to tunnels, and its clients."""
    host, address = server_of(draft)
    name = draft.rng.choice(sorted(BOTH_WAYS))
    ports, kind = BOTH_WAYS[name]
    port = draft.serve(host, "serve-datagrams", draft.rng.choice(ports), kind=kind)
    what = (Category.BENIGN, f"busy-{name}")
    sources = Sources(draft, many=draft.chance(0.75), victim=host, kind="client")
    params = datagrams_of(draft, (12, 1300))
    if name not in _STREAMS:
        params = _held(draft, params, ASKED_PER_SECOND)
    elif len(sources.addresses) == 1:
        params = unhurried(draft, params)
    run(draft, sources, "datagrams", what, address, servers=[address], port=port, kind=kind, **params)


def polling(draft: Draft) -> None:
    """One machine asks many units over TCP, up to 50 times a second each; some units are gone."""
    units, addresses = members_of(draft)
    addresses = addresses[: draft.whole(1, len(addresses))]
    service, port = _open(draft, draft.rng.choice(("registers", "database", "web", "terminal")), units)
    host = draft.pick("hub", "laptop", "plc")
    gone = [draft.lan_address() for _ in range(draft.rng.choice((0, 0, 0, 1, 5)))]
    event = own(draft, host, addresses + gone, "polling")
    talk = _talk(draft, service, len(addresses + gone))
    draft.run(host, "conversations", draft.span(4), event=event, servers=addresses + gone, port=port, **talk)


def datagram_polling(draft: Draft) -> None:
    """One machine asks many units over UDP: SNMP, BACnet, CoAP, a maker's own."""
    units, addresses = members_of(draft)
    name = draft.rng.choice(("snmp", "bacnet", "coap", "game"))
    ports, kind = BOTH_WAYS[name]
    port = draft.serve(units, "serve-datagrams", ports[0], kind=kind)
    addresses = addresses[: draft.whole(1, len(addresses))]
    addresses += [draft.lan_address() for _ in range(draft.rng.choice((0, 0, 0, 1, 5)))]
    host = draft.pick("hub", "laptop", "plc")
    event = own(draft, host, addresses, f"{name}-polling")
    params = unhurried(draft, datagrams_of(draft, (12, 120)))
    draft.run(
        host, "datagrams", draft.span(4), event=event, servers=addresses, port=port, kind=kind, **params
    )
