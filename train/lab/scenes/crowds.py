"""Benign life of many at once, and of machines that ask around: nearest of all to DDoS and Recon."""

from detector.records import Category
from train.lab.draft import Draft
from train.lab.plan import Host
from train.lab.scenes.bustle import own
from train.lab.scenes.life import broker_address


def members_of(draft: Draft) -> tuple[Host, list[str]]:
    """Return a host of many addresses that answers, and those addresses."""
    host = draft.add_crowd(mutes=(False,))[0]
    return host, [address.split("/")[0] for address in host.addresses if ":" not in address]


def fleet_update(draft: Draft) -> None:
    """A whole fleet fetches its firmware from one local server within seconds."""
    fleet, members = members_of(draft)
    server = draft.pick("nas", "hub")
    port = draft.serve(server, "serve-http", draft.rng.choice((80, 8080)))
    event = draft.event(Category.BENIGN, "fleet-update", members, [server.address])
    size, rate = draft.whole(2000, 60_000), draft.between(5, 60)
    draft.run(
        fleet,
        "http-burst",
        draft.span(3, 8),
        event=event,
        sources=members,
        server=server.address,
        port=port,
        path=f"/b/{size}",
        rate=rate,
        parallel=draft.rng.randint(5, 40),
        shape=draft.rng.choice(("poisson", "ramp", "steady")),
    )


def crowd_returns(draft: Draft) -> None:
    """After a power cut all devices, each with its own address, connect to the broker again."""
    fleet, members = members_of(draft)
    address, port = broker_address(draft)
    event = draft.event(Category.BENIGN, "crowd-returns", members, [address])
    draft.run(
        fleet,
        "mqtt-fleet",
        draft.span(5),
        event=event,
        sources=members,
        broker=address,
        port=port,
        clients=len(members),
        bytes=draft.whole(8, 300),
        messages=draft.rng.randint(1, 12),
        spread=draft.between(0.05, 3),
        period=draft.between(0.2, 2),
    )


def snmp_walk(draft: Draft) -> None:
    """A management station walks the tables of a few agents, question after question."""
    agents = [draft.pick() for _ in range(draft.rng.randint(1, 4))]
    for agent in agents:
        draft.serve(agent, "serve-datagrams", 161, kind="echo")
    host = draft.pick("laptop", "hub", but=agents)
    addresses = sorted({agent.address for agent in agents})
    event = own(draft, host, addresses, "snmp-walk")
    draft.run(
        host,
        "datagram-poll",
        draft.span(4),
        event=event,
        servers=addresses,
        port=161,
        bytes=draft.whole(40, 90),
        rate=draft.between(10, 300),
        turns=draft.rng.choice((1, 10, 200)),
    )


def tracing(draft: Draft) -> None:
    """A device measures its uplink all day: pings and traceroutes."""
    host = draft.pick("laptop", "hub", "sensor")
    target = draft.rng.choice(draft.clouds)
    event = own(draft, host, [target, draft.gateway.address], "tracing")
    when = draft.span(5)
    hops = draft.rng.randint(3, 15)
    draft.run(
        host,
        "trace",
        when,
        event=event,
        target=target,
        hops=hops,
        period=draft.between(0.5, 6),
        gap=draft.between(0.005, 0.2),
    )
    draft.run(host, "ping", when, event=event, target=target, period=round(draft.between(0.2, 2), 1))


def wide_monitoring(draft: Draft) -> None:
    """A monitoring system pings a large network that it owns, and tries a port or two of each host."""
    fleet, members = members_of(draft)
    for port in (22, 80):
        draft.serve(fleet, "serve-banner", port, banner="hello\r\n")
    host = draft.pick("hub", "laptop")
    targets = draft.rng.sample(members, min(len(members), draft.rng.randint(8, 60)))
    event = own(draft, host, targets, "wide-monitoring")
    draft.run(
        host,
        "monitor",
        draft.span(5),
        event=event,
        targets=targets,
        ports=draft.rng.choice(([22], [80], [22, 80], [80, 161])),
        period=draft.between(3, 15),
        gap=draft.between(0.01, 0.3),
        ping=draft.chance(0.7),
    )


def heavy_ping(draft: Draft) -> None:
    """Somebody watches a link with many or large pings."""
    host = draft.pick("laptop")
    target = draft.rng.choice((draft.gateway.address, draft.pick(but=[host]).address, draft.clouds[0]))
    event = own(draft, host, [target], "heavy-ping")
    period, size = draft.rng.choice((0.01, 0.02, 0.1, 0.3)), draft.rng.choice((56, 56, 1000, 1400))
    draft.run(host, "ping", draft.span(3), event=event, target=target, period=period, bytes=size)
