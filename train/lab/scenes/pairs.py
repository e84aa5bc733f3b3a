"""One client and one server, both busy and harmless: what a flood from one source is easiest mistaken for.

Downloads over many connections at once, pools of connections that stay, walls of cameras, sessions that
begin and end by the second, pages of many parts, a client that keeps trying a dead port, a health check, and
sensors, of several machines too, that all speak at the same moments.
What is answered stays below `BUSY_PER_SECOND` and `ASKED_PER_SECOND`, where floods begin; how much data a
conversation carries, and over how many connections, tells nothing of harm.
"""

from typing import Any

from train.lab.draft import Draft
from train.lab.plan import Host
from train.lab.scenes.bustle import own
from train.lab.scenes.onslaught import ALONE_PER_SECOND, ASKED_PER_SECOND, BUSY_PER_SECOND, packets_of
from train.lab.scenes.parties import server_of

_MOST_PACKETS = 40_000
_PORTS = (22, 80, 443, 502, 554, 1883, 5000, 8080, 9100)


def _pair(draft: Draft) -> tuple[Host, Host, str]:
    """Draw a client, a server and the server's address; both, at times, were made for each other."""
    server, address = server_of(draft)
    client = draft.add_device("client") if draft.chance(0.5) else draft.pick(but=[server])
    return client, server, address


def _converse(draft: Draft, what: str, client: Host, address: str, **params: Any) -> None:
    event = own(draft, client, [address], what)
    packets = packets_of(params["ask"] + params["reply"], params["exchanges"])
    draft.run(
        client,
        "conversations",
        draft.span(5),
        event=event,
        servers=[address],
        habits=draft.rng.choice((0.0, 0.0, 0.3, 1.0)),
        count=max(params["clients"], round(_MOST_PACKETS / packets)),
        **params,
    )


def downloads(draft: Draft) -> None:
    """Files over 2 to 32 connections at once, there or back: a download manager, a backup, a file share."""
    client, server, address = _pair(draft)
    port = draft.serve(
        server, "serve-exchange", draft.rng.choice((445, 873, 8443, draft.rng.randint(1025, 65_000)))
    )
    large, small = draft.whole(5000, 2_000_000), draft.whole(4, 600)
    back = draft.chance(0.7)
    _converse(
        draft,
        "downloads",
        client,
        address,
        port=port,
        protocol="raw",
        tls=draft.chance(0.3),
        clients=draft.whole(2, 32),
        exchanges=draft.rng.choice((1, 1, 1, 5, 50, 1000)),
        ask=small if back else large,
        reply=large if back else small,
        think=draft.rng.choice((0.0, 0.0, draft.between(0.01, 2))),
        pause=draft.between(0.05, 5),
        spread=draft.between(0.01, 2),
    )


def pool(draft: Draft) -> None:
    """Connections that stay, 2 to 80 of them, and a question over one of them now and then."""
    client, server, address = _pair(draft)
    protocol, program = draft.rng.choice(
        (("raw", "serve-exchange"), ("raw", "serve-exchange"), ("http", "serve-http"))
    )
    port = draft.serve(
        server, program, draft.rng.choice((11_211, 5432, 6379, 8086, draft.rng.randint(1025, 65_000)))
    )
    clients = draft.whole(2, 80)
    _converse(
        draft,
        "pool",
        client,
        address,
        port=port,
        protocol=protocol,
        clients=clients,
        exchanges=draft.rng.choice((20, 1000, 1000)),
        ask=draft.whole(8, 2000),
        reply=draft.whole(4, 20_000),
        think=clients / draft.between(2, ASKED_PER_SECOND),
        pause=draft.between(0.1, 3),
        spread=draft.between(0.01, 2),
    )


def sessions(draft: Draft) -> None:
    """Short sessions, one after another or some side by side, 0.5 to 30 a second: messages, pages."""
    client, server, address = _pair(draft)
    protocol, program, ports = draft.rng.choice(
        (
            ("mqtt", "serve-broker", (1883, 1884)),
            ("http", "serve-http", (80, 8080, 8123)),
            ("http", "serve-http", (80, 443)),
            ("line", "serve-banner", (22, 23, 5000)),
            ("modbus", "serve-modbus", (502,)),
        )
    )
    tls = protocol == "http" and draft.chance(0.4)
    port = draft.rng.choice(ports) + (8000 if tls else 0)
    draft.serve(server, program, port, tls=tls, latency_ms=draft.rng.choice((0, 0, draft.whole(1, 300))))
    clients = draft.whole(1, 12)
    _converse(
        draft,
        "sessions",
        client,
        address,
        port=port,
        protocol=protocol,
        tls=tls,
        clients=clients,
        exchanges=draft.rng.choice((1, 1, 1, 2, 4)),
        ask=12 if protocol == "modbus" else draft.whole(1, 900),
        reply=0 if protocol == "mqtt" else 41 if protocol == "modbus" else draft.whole(1, 30_000),
        think=draft.rng.choice((0.0, draft.between(0.005, 0.5))),
        pause=clients / draft.between(0.5, 30),
        spread=draft.between(0.01, 3),
    )


def pages(draft: Draft) -> None:
    """A page of 4 to 40 parts, all fetched at once, and the next one some seconds later."""
    client, server, address = _pair(draft)
    tls = draft.chance(0.4)
    port = draft.serve(server, "serve-http", 8443 if tls else draft.rng.choice((80, 8080)), tls=tls)
    parts = draft.whole(4, 40)
    _converse(
        draft,
        "pages",
        client,
        address,
        port=port,
        protocol="http",
        tls=tls,
        clients=parts,
        exchanges=draft.rng.choice((1, 1, 1, 3)),
        ask=0,
        reply=draft.whole(100, 60_000),
        think=0.0,
        pause=max(draft.between(0.8, 8), parts / BUSY_PER_SECOND),
        spread=draft.between(0.01, 0.5),
    )


def beat(draft: Draft) -> None:
    """3 to 60 clients of one machine, or of several, speak at the same moments: sensors by the clock.

    Each over a connection that stays, or, fewer of them, over a new one each time.
    """
    client, server, address = _pair(draft)
    protocol, program, port = draft.rng.choice(
        (
            ("mqtt", "serve-broker", 1883),
            ("mqtt", "serve-broker", 1883),
            ("http", "serve-http", 8080),
            ("raw", "serve-exchange", 6379),
            ("modbus", "serve-modbus", 502),
        )
    )
    draft.serve(server, program, port)
    stays = draft.chance(0.6)
    clients = draft.whole(3, 60 if stays else 24)
    seconds = max(draft.between(0.5, 10), clients / (BUSY_PER_SECOND if stays else ALONE_PER_SECOND))
    machines = [client]
    if draft.chance(0.5):
        others = [host for host in draft.devices if host is not client and host is not server]
        machines += draft.rng.sample(others, min(len(others), clients - 1))
    params = {
        "port": port,
        "protocol": protocol,
        "clients": max(1, clients // len(machines)),
        "exchanges": 1000 if stays else 1,
        "ask": 12 if protocol == "modbus" else draft.whole(1, 900),
        "reply": 41 if protocol == "modbus" else draft.rng.choice((0, draft.whole(1, 5000))),
        "think": seconds if stays else 0.0,
        "pause": seconds,
        "spread": draft.between(0.01, 1),
        "beat": seconds,
    }
    for machine in machines:
        _converse(draft, "beat", machine, address, **params)


def cameras(draft: Draft) -> None:
    """2 to 8 streams of datagrams, 20 to 500 packets a second each, to one recorder that never answers."""
    client, server, address = _pair(draft)
    streams = draft.rng.randint(2, 8)
    port = draft.rng.randint(2000, 30_000)
    event = own(draft, client, [address], "cameras")
    when, rate, size = draft.span(5), draft.between(20, 500), draft.rng.choice((200, 800, 1100, 1316, 1372))
    for number in range(streams):
        to = draft.serve(server, "serve-datagrams", port + 2 * number, kind="sink")
        draft.run(
            client,
            "datagrams",
            when,
            event=event,
            servers=[address],
            port=to,
            kind="raw",
            bytes=[round(size * draft.rng.uniform(0.5, 1)), size],
            flows=1,
            fresh=0.0,
            stay=1,
            answers=0,
            every=1,
            reply=0,
            rate=rate * draft.rng.uniform(0.5, 1),
            count=_MOST_PACKETS // streams,
            shape=draft.rng.choice(("steady", "steady", "poisson", "bursts")),
        )


def retries(draft: Draft) -> None:
    """A client keeps trying a service that is down: closed, or silent; 0.3 to 15 times a second."""
    client, server, address = _pair(draft)
    if draft.chance(0.3) and server.segment == "lan":
        server.mute = True
    draft.run(
        client,
        "dead-server",
        draft.span(5),
        event=own(draft, client, [address], "retries"),
        servers=[address],
        port=draft.rng.choice((81, 1884, 4433, 8883, 9001, draft.rng.randint(1025, 65_000))),
        rate=draft.between(0.3, 15),
        shape=draft.rng.choice(("steady", "steady", "poisson")),
        patience=draft.rng.choice((1, 3)),
    )


def health_check(draft: Draft) -> None:
    """A monitor asks one machine for one to six of its ports, again and again."""
    client, server, address = _pair(draft)
    open_ports = draft.rng.sample(_PORTS, draft.rng.randint(1, 6))
    for port in open_ports[: draft.rng.randint(0, len(open_ports))]:
        draft.serve(server, "serve-banner", port, banner="ready\r\n")
    draft.run(
        client,
        "monitor",
        draft.span(5),
        event=own(draft, client, [address], "health-check"),
        targets=[address],
        ports=open_ports,
        period=draft.between(1, 6),
        gap=draft.between(0.005, 0.3),
        ping=draft.chance(0.5),
    )
