"""Busy and strange benign life, many small exchanges: what a detector must keep quiet about."""

from detector.records import Category
from train.lab.draft import Draft
from train.lab.plan import Host
from train.lab.scenes.life import broker_address


def own(draft: Draft, host: Host, others: list[str], tool: str) -> int:
    return draft.event(Category.BENIGN, tool, [a.split("/")[0] for a in host.addresses], others)


def fleet_reconnects(draft: Draft) -> None:
    """A fleet's connections come back at once, to a broker or to a cloud."""
    rng, host = draft.rng, draft.pick("hub", "meter", "sensor")
    when = draft.span(4)
    if draft.chance(0.6):
        address, port = broker_address(draft)
        event = own(draft, host, [address], "mqtt-fleet")
        rounds, messages = rng.randint(1, 2), rng.randint(0, 6)
        clients, size = draft.whole(8, 120), draft.whole(10, 300)
        spread, period = draft.between(0.05, 2), draft.between(0.2, 2)
        draft.run(
            host,
            "mqtt-fleet",
            when,
            event=event,
            broker=address,
            port=port,
            clients=clients,
            bytes=size,
            rounds=rounds,
            messages=messages,
            spread=spread,
            period=period,
        )
        return
    servers = rng.sample(draft.clouds, rng.randint(1, min(3, len(draft.clouds))))
    event = own(draft, host, servers, "reconnect")
    port = rng.choice((80, 443, 8883))
    draft.run(
        host,
        "reconnect",
        when,
        event=event,
        servers=servers,
        port=port,
        clients=draft.whole(10, 200),
        spread=draft.between(0.05, 2),
        rounds=rng.randint(1, 3),
    )


def fast_poller(draft: Draft) -> None:
    """A device polls another five to thirty times a second, each time anew."""
    server = draft.pick("plug", "camera", "printer", "nas")
    port = draft.serve(server, "serve-http", draft.rng.choice((80, 8080)))
    host = draft.pick(but=[server])
    event = own(draft, host, [server.address], "fast-poller")
    when = draft.span(5)
    shape = draft.rng.choice(("steady", "poisson", "bursts"))
    draft.run(
        host,
        "http-burst",
        when,
        event=event,
        server=server.address,
        port=port,
        rate=draft.between(5, 30),
        parallel=draft.rng.randint(1, 8),
        path="/status",
        shape=shape,
    )


def monitoring(draft: Draft) -> None:
    """A monitoring system pings and probes all that it owns, open ports and closed ones."""
    host = draft.pick("hub", "laptop", "nas")
    targets = [other.address for other in draft.devices if other is not host] + [draft.gateway.address]
    event = own(draft, host, targets, "monitoring")
    ports = draft.rng.sample((22, 80, 443, 502, 554, 1883, 8080, 9100, 5000), draft.rng.randint(1, 5))
    draft.run(
        host,
        "monitor",
        draft.span(5),
        event=event,
        targets=targets,
        ports=ports,
        period=draft.between(1, 8),
        gap=draft.between(0.005, 0.3),
        ping=draft.chance(0.7),
    )


def server_gone(draft: Draft) -> None:
    """Clients keep trying a server that is down: closed port, no such host, or nothing but silence."""
    rng, host = draft.rng, draft.pick()
    targets = rng.choice(
        (
            [draft.pick(but=[host]).address],
            [draft.lan_address()],
            [rng.choice(draft.clouds)],
            rng.sample(draft.clouds, 2),
        )
    )
    event = own(draft, host, targets, "server-gone")
    port = rng.choice((81, 8443, 1884, 5222, 4433, 9001))
    draft.run(
        host,
        "dead-server",
        draft.span(5),
        event=event,
        servers=targets,
        port=port,
        rate=draft.between(0.5, 20),
        shape=rng.choice(("steady", "poisson")),
        patience=rng.choice((1, 3)),
    )


def short_requests(draft: Draft) -> None:
    """Many short HTTP requests to a cloud or to a busy local server."""
    rng, host = draft.rng, draft.pick("phone", "laptop", "hub")
    server = rng.choice(draft.clouds)
    event = own(draft, host, [server], "short-requests")
    draft.run(
        host,
        "http-burst",
        draft.span(4),
        event=event,
        server=server,
        port=80,
        rate=draft.between(8, 60),
        parallel=rng.randint(2, 20),
        path=f"/b/{draft.whole(20, 3000)}",
        shape=rng.choice(("steady", "bursts", "poisson")),
    )


def heavy_pages(draft: Draft) -> None:
    """Pages with 30 connections in parallel."""
    rng, host = draft.rng, draft.pick("laptop", "phone")
    event = own(draft, host, draft.clouds, "heavy-pages")
    draft.run(
        host,
        "browse",
        draft.span(5),
        event=event,
        servers=draft.clouds,
        resolver=draft.gateway.address,
        parallel=rng.randint(15, 40),
        objects=rng.randint(30, 90),
        tls=draft.chance(0.7),
        pause=draft.between(0.6, 3),
    )


def dns_storm(draft: Draft) -> None:
    """Bursts of lookups."""
    rng, host = draft.rng, draft.pick()
    resolver = rng.choice((draft.gateway.address, draft.clouds[0]))
    event = own(draft, host, [resolver], "dns-burst")
    draft.run(
        host,
        "dns-burst",
        draft.span(4),
        event=event,
        resolver=resolver,
        names=draft.whole(10, 80),
        period=draft.between(0.4, 4),
    )


def peers(draft: Draft) -> None:
    """A peer-to-peer client hunts for peers."""
    rng, host = draft.rng, draft.pick("laptop", "nas", "tv")
    hunted = [draft.public_address() for _ in range(rng.randint(20, 150))]
    event = own(draft, host, hunted, "peer-to-peer")
    draft.run(
        host,
        "peer-hunt",
        draft.span(5),
        event=event,
        peers=hunted,
        source_port=rng.randint(2000, 60_000),
        rate=draft.between(3, 50),
        tcp_every=rng.randint(1, 6),
    )


def many_clocks(draft: Draft) -> None:
    """NTP to many servers."""
    rng, host = draft.rng, draft.pick()
    servers = draft.clouds + [draft.public_address() for _ in range(rng.randint(3, 20))]
    event = own(draft, host, servers, "ntp-many")
    draft.run(
        host,
        "ntp-sync",
        draft.span(5),
        event=event,
        servers=servers,
        source_port=rng.choice((0, 123)),
        period=draft.between(1, 5),
    )


def logins(draft: Draft) -> None:
    """An administrator (or a script of hers) logs in here and there with the real ssh."""
    host = draft.pick("laptop")
    server = draft.pick(but=[host])
    port = draft.serve(server, "serve-banner", 22, banner="SSH-2.0-OpenSSH_9.2\r\n")
    event = own(draft, host, [server.address], "ssh-logins")
    draft.run(
        host,
        "ssh-login",
        draft.span(5),
        event=event,
        server=server.address,
        port=port,
        times=draft.rng.randint(1, 6),
        pause=draft.between(0.2, 3),
    )


def upnp_noise(draft: Draft) -> None:
    """Several devices look for each other at once."""
    for host in draft.rng.sample(draft.devices, min(len(draft.devices), draft.rng.randint(2, 5))):
        for other in draft.devices:
            draft.serve(other, "serve-datagrams", 1900, kind="ssdp")
        draft.run(host, "ssdp-search", period=draft.between(0.7, 3), repeat=draft.rng.randint(1, 5))
        draft.run(host, "mdns", period=draft.between(0.5, 3))
