"""Busy benign clients: they ask many at once, keep asking the dead, or are many behind one address."""

from detector.records import Category
from train.lab.draft import KINDS, Draft
from train.lab.scenes.bustle import own
from train.lab.scenes.life import live
from train.lab.scenes.onslaught import run
from train.lab.scenes.parties import Sources, server_of, victim_of


def boots(draft: Draft) -> None:
    """Devices start at once: discovery, names, time, and the cloud over TLS."""
    rng = draft.rng
    hosts = rng.sample(draft.devices, rng.randint(1, len(draft.devices)))
    first = draft.span(3)[0]
    for host in hosts:
        servers = rng.sample(draft.clouds, rng.randint(1, min(6, len(draft.clouds))))
        event = own(draft, host, servers, "boot")
        when = (min(first + rng.random(), draft.seconds - 1.5), 1.4)
        draft.run(host, "mdns", when, period=draft.between(0.05, 1))
        draft.run(host, "ssdp-search", when, period=draft.between(0.3, 2), repeat=rng.randint(1, 6))
        names = draft.whole(2, 40)
        draft.run(host, "dns-burst", when, resolver=draft.gateway.address, names=names, period=2)
        draft.run(host, "ntp-sync", when, event=event, servers=servers, period=draft.between(0.1, 2))
        draft.run(
            host,
            "conversations",
            (when[0], draft.seconds - when[0]),
            event=event,
            servers=servers,
            port=443,
            tls=True,
            protocol="http",
            clients=draft.whole(1, 12),
            exchanges=rng.choice((1, 3, 100)),
            ask=rng.choice((0, 300)),
            reply=draft.whole(50, 30_000),
            think=draft.between(0.01, 3),
            pause=draft.between(0.2, 5),
            spread=0.5,
            count=200,
        )


def household(draft: Draft) -> None:
    """Many devices behind one address: another router's network address translation."""
    host = draft.add_device("router")
    event = own(draft, host, [draft.gateway.address], "household")
    for _ in range(draft.rng.randint(4, 14)):
        live(draft, host, draft.rng.choice(KINDS))
    draft.run(host, "dns-lookups", event=event, resolver=draft.gateway.address, rate=draft.between(0.3, 30))


def asks_around(draft: Draft) -> None:
    """One machine asks many servers a little, all at once: update checks, pages of many hosts, feeds."""
    rng, host = draft.rng, draft.pick()
    unknown = [draft.public_address() for _ in range(draft.whole(1, 60))]
    servers = draft.clouds + rng.sample(unknown, rng.randint(0, len(unknown)))
    event = own(draft, host, servers, "asks-around")
    tls = draft.chance(0.7)
    draft.run(
        host,
        "conversations",
        draft.span(4),
        event=event,
        servers=servers,
        port=443 if tls else 80,
        tls=tls,
        protocol="http",
        clients=len(servers) * rng.choice((1, 1, 2)),
        exchanges=rng.choice((1, 1, 2, 10)),
        ask=0,
        reply=draft.whole(50, 40_000),
        think=draft.between(0.005, 0.5),
        pause=draft.between(0.3, 10),
        spread=draft.between(0.02, 6),
        count=500,
    )


def candidates(draft: Draft) -> None:
    """A call or a peer-to-peer client tries many addresses over UDP, from one port; few answer."""
    rng, host = draft.rng, draft.pick("phone", "laptop", "camera")
    ports = (3478, 19_302, rng.randint(1025, 65_000))
    for port in ports:
        draft.serve(draft.internet, "serve-datagrams", port, kind="exchange")
    servers = [draft.public_address() for _ in range(draft.whole(3, 200))] + draft.clouds
    event = own(draft, host, servers, "candidates")
    draft.run(
        host,
        "datagrams",
        draft.span(3),
        event=event,
        servers=servers,
        port=rng.choice(ports),
        kind="exchange",
        bytes=[20, rng.choice((20, 110))],
        answers=1,
        every=1,
        reply=draft.whole(32, 300),
        flows=rng.choice((1, 1, 4)),
        fresh=rng.choice((0.0, 0.0, 1.0)),
        stay=rng.choice((1, 3)),
        rate=draft.between(3, 300),
        count=2000,
        shape=rng.choice(("steady", "poisson", "bursts")),
    )


def orphans(draft: Draft) -> None:
    """A server is down, walled off or hangs up; all its clients come back ever later."""
    host, address = server_of(draft)
    if draft.chance(0.4):
        host = victim_of(draft, inside=True)
        address = host.address
    port = draft.rng.choice((1883, 8883, 443, 80, 5222, draft.rng.randint(1025, 65_000)))
    if draft.chance(0.3):
        draft.serve(host, "serve-http", port, until=draft.rng.uniform(0.2, 0.7) * draft.seconds)
    sources = Sources(draft, many=draft.chance(0.8), victim=host, kind="client")
    run(
        draft,
        sources,
        "conversations",
        (Category.BENIGN, "orphans"),
        address,
        servers=[address],
        port=port,
        protocol="http",
        clients=max(len(sources.addresses), draft.whole(1, 200)),
        exchanges=draft.rng.choice((1, 100)),
        ask=0,
        reply=draft.whole(20, 2000),
        think=draft.between(0.05, 2),
        pause=draft.between(0.05, 3),
        spread=draft.between(0.02, 5),
        count=4000,
    )
