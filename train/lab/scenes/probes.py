"""Recon that is small or slow: few ports, few packets a second, banners, paths, topics, communities."""

from detector.records import Category
from train.lab.draft import Draft
from train.lab.plan import Host
from train.lab.scenes.parties import neighbourhood, reachable, scanner, seen_as, strangers, targets

_PORTS = (
    *(
        21,
        22,
        23,
        25,
        53,
        80,
        81,
        102,
        110,
        139,
        443,
        445,
        502,
        554,
        1883,
        2323,
        3306,
        5000,
        5555,
        5683,
        7547,
    ),
    *(8000, 8080, 8081, 8443, 8883, 9100, 9200, 37_215, 44_818, 47_808, 49_152, 52_869, 62_078),
)
_UDP_PORTS = (53, 67, 69, 123, 137, 161, 389, 500, 1900, 3702, 5353, 5683, 11_211, 47_808)


def _send(
    draft: Draft, tool: str, attacker: Host, aims: list[str], ports: list[int], *, slow: bool = False
) -> None:
    """Probe `ports` of `aims` in one of the ways that there are, at one or at any hurry."""
    rng = draft.rng
    when = (0.3, draft.seconds - 0.8) if slow else draft.span(5)
    rate = draft.between(max(0.4, 9 / when[1]), 8) if slow else draft.between(2, 300)
    how = rng.choices(("raw-sweep", "connect-sweep", "udp-sweep", "icmp-sweep"), (45, 35, 12, 8))[0]
    if how == "icmp-sweep" and len(aims) < 9:  # noqa: PLR2004 - a sweep has many aims
        how = "connect-sweep"
    if how == "udp-sweep":
        ports = rng.sample(_UDP_PORTS, min(len(ports), len(_UDP_PORTS)))
    event = draft.event(Category.RECON, f"{tool}-{how}", [seen_as(attacker, aims)], aims, ports=ports)
    draft.run(
        attacker,
        how,
        when,
        event=event,
        source=seen_as(attacker, aims),
        targets=aims,
        ports=ports,
        rate=rate,
        shape=rng.choice(("steady", "poisson", "poisson")),
        flags=rng.choice((["syn"], ["syn"], ["syn"], ["fin"], ["ack"], ["fin", "psh", "urg"], [])),
        options=rng.choice((0, 1, 2, 3)),
        fixed_port=draft.chance(0.4),
        parallel=draft.whole(4, 150),
        patience=rng.choice((0.5, 1.0, 2.0)),
        hello=rng.choice(("\r\n", "", "GET / HTTP/1.0\r\n\r\n", "HELP\r\n")),
        bytes=rng.choice((0, 8, 32, 56)),
        shuffle=draft.chance(0.6),
    )


def slow_probe(draft: Draft) -> None:
    """A probe every 0.1 to 2.5 seconds, over hosts or ports or both."""
    attacker, _ = scanner(draft)
    wide = draft.chance(0.5)
    far = wide and attacker.segment == "lan" and draft.chance(0.4)
    near = neighbourhood if wide else targets
    aims = strangers(draft) if far else near(draft, attacker)
    many = 2 if wide else 150
    ports = draft.rng.sample(range(1, 10_000), 100) + list(_PORTS) if draft.chance(0.5) else list(_PORTS)
    _send(draft, "slow-probe", attacker, aims, ports[: draft.whole(1 if wide else 20, many)], slow=True)


def few_ports(draft: Draft) -> None:
    """Six to thirty well-known ports of one or a few hosts, and no more."""
    attacker, _ = scanner(draft)
    aims = targets(draft, attacker, most=6)
    _send(draft, "few-ports", attacker, aims, draft.rng.sample(_PORTS, draft.whole(6, 30)))


def one_door(draft: Draft) -> None:
    """One or two ports of a whole network, or of strangers all over."""
    attacker, _ = scanner(draft)
    wide = attacker.segment == "lan" and draft.chance(0.3)
    aims = strangers(draft) if wide else neighbourhood(draft, attacker)
    _send(draft, "one-door", attacker, aims, draft.rng.sample(_PORTS, draft.rng.choice((1, 1, 2))))


def banners(draft: Draft) -> None:
    """Connect, read who answers, perhaps ask a little, leave: service after service."""
    rng = draft.rng
    attacker, address = scanner(draft)
    for host in rng.sample(draft.devices, min(len(draft.devices), 4)):
        for port in rng.sample((21, 22, 23, 25, 80, 443, 8080, 9100), rng.randint(1, 5)):
            draft.serve(host, "serve-banner", port, banner=rng.choice(("220 ready\r\n", "SSH-2.0-x\r\n", "")))
    aims = [host.address for host in reachable(draft, attacker)]
    ports = sorted(
        {job.params["port"] for host in draft.devices for job in host.jobs if "port" in job.params}
    )
    event = draft.event(Category.RECON, "banner-grab", [address], aims, ports=ports)
    draft.run(
        attacker,
        "connect-sweep",
        draft.span(5),
        event=event,
        targets=aims,
        ports=rng.sample(ports, min(len(ports), 25)),
        rate=draft.between(1, 100),
        parallel=draft.whole(1, 30),
        patience=rng.choice((0.3, 1.0, 3.0)),
        hello=rng.choice(("\r\n", "HEAD / HTTP/1.0\r\n\r\n", "", "EHLO x\r\n")),
    )


def web_paths(draft: Draft) -> None:
    """Directory guessers and vulnerability scanners: hundreds of paths that are not there, on one or many."""
    rng = draft.rng
    attacker, address = scanner(draft)
    port = rng.choice((80, 80, 8080, 8443))
    hosts = rng.sample(draft.devices, rng.choice((1, 1, 1, min(len(draft.devices), 5))))
    hosts = [host for host in hosts if host is not attacker] or [draft.pick(but=[attacker])]
    latency = rng.choice((0, 0, draft.whole(1, 200)))
    for host in hosts:
        draft.serve(host, "serve-http", port, tls=port == 8443, latency_ms=latency)  # noqa: PLR2004 - TLS' port
    aims = [host.address for host in hosts]
    event = draft.event(Category.RECON, "web-paths", [address], aims, port=port)
    draft.run(
        attacker,
        "web-probe",
        draft.span(5),
        event=event,
        targets=aims,
        port=port,
        tls=port == 8443,  # noqa: PLR2004
        rate=draft.between(4, 400),
        parallel=draft.whole(1, 40),
        keep=rng.choice((1, 1, 1, 5, 100)),
        method=rng.choice(("GET", "GET", "HEAD", "POST")),
        count=draft.whole(40, 1500),
    )


def topics(draft: Draft) -> None:
    """Who publishes what? MQTT connections that subscribe to one topic after another."""
    rng = draft.rng
    attacker, address = scanner(draft)
    victim = draft.pick("hub", but=[attacker])
    port = draft.serve(victim, "serve-broker", rng.choice((1883, 1883, 18_830)))
    event = draft.event(Category.RECON, "mqtt-topics", [address], [victim.address], port=port)
    draft.run(
        attacker,
        "mqtt-topics",
        draft.span(5),
        event=event,
        target=victim.address,
        port=port,
        rate=draft.between(1, 80),
        each=rng.choice((1, 1, 3, 20)),
        patience=draft.between(0.02, 0.5),
    )


def communities(draft: Draft) -> None:
    """Common SNMP community names on each of many hosts, or discovery searches to each of them."""
    attacker, address = scanner(draft)
    aims = neighbourhood(draft, attacker)
    port = draft.rng.choice((161, 161, 1900, 3702))
    for host in draft.devices:
        draft.serve(host, "serve-datagrams", port, kind=draft.rng.choice(("echo", "sink")))
    event = draft.event(Category.RECON, "communities", [address], aims, port=port)
    draft.run(
        attacker,
        "udp-sweep",
        draft.span(5),
        event=event,
        targets=aims,
        ports=[port],
        repeat=draft.rng.choice((1, 2, 5)),
        rate=draft.between(3, 400),
        shape=draft.rng.choice(("steady", "poisson", "bursts")),
    )
