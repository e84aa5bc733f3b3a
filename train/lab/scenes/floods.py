"""Floods of packets: one source, many real ones, invented ones, reflectors."""

from typing import Any

from detector.records import Category
from train.lab.attacks.reflect import SERVICES
from train.lab.draft import Draft
from train.lab.plan import Host
from train.lab.scenes.onslaught import STREAM_PER_SECOND, aim, bounds, floor_of, run
from train.lab.scenes.parties import Sources, victim_of

_PACKET_KINDS = (
    *("syn",) * 8,
    *("udp",) * 5,
    *("icmp",) * 3,
    *("ack", "fin", "rst", "syn-ack", "psh-ack", "rst-fin", "xmas", "fragment", "gre", "dns"),
)
"""The commonest first: nearly every flood that one meets is one of SYNs, datagrams or pings."""

_ONLY4 = {"fragment", "gre"}

_SLOWEST_MANY = 15
"""Packets a second of all sources together: from many at once, few are enough to be no client's."""

_HPING = (["-S"], ["-A"], ["-F"], ["-2"], ["-1"], ["-S", "-P", "-U"], ["-R"])
_HPING_KINDS = {"-2": "udp", "-1": "icmp"}


def _packet_flood(draft: Draft, *, many: bool) -> None:
    rng, victim = draft.rng, victim_of(draft)
    kind = rng.choice(_PACKET_KINDS)
    size = {
        "udp": rng.choice((0, 10, 64, 512, 1000, 1400, -1)),
        "icmp": rng.choice((0, 56, 56, 500, 1400)),
    }.get(kind, rng.choice((0, 0, 0, 120)))
    category = Category.DDOS if many else Category.DOS
    sources, target = Sources(draft, many=many, victim=victim), victim.address
    if victim.address6 and kind not in _ONLY4 and draft.chance(0.4) and sources.turn_to_six(draft):
        target = victim.address6
    source_port = rng.choice((-1, -1, -2, -2, rng.randint(1024, 65_000)))
    most = 22_000 if size < 500 else 12_000  # noqa: PLR2004 - large packets make large files
    run(
        draft,
        sources,
        "flood",
        (category, f"{kind}-flood"),
        target,
        target=target,
        kind=kind,
        bytes=size,
        port=53 if kind == "dns" else aim(draft, victim),
        source_port=source_port,
        options=rng.choice((0, 0, 1, 2, 3)),
        stay=rng.choice((1, 1, 5, 50)),
        **bounds(draft, most=most, low=_SLOWEST_MANY if many else floor_of(kind)),
    )


def packet_flood(draft: Draft) -> None:
    """One kind of packet from one source."""
    _packet_flood(draft, many=False)


def packet_flood_many(draft: Draft) -> None:
    """One kind of packet from many real sources."""
    _packet_flood(draft, many=True)


def hping_flood(draft: Draft) -> None:
    """hping3 from one source."""
    rng, victim = draft.rng, victim_of(draft)
    args = rng.choice(_HPING)
    low = floor_of(_HPING_KINDS.get(args[0], "syn"))
    port = aim(draft, victim)
    args = [*args, "-p", str(port if isinstance(port, int) and port > 0 else 80)] if args != ["-1"] else args
    args = [*args, "-d", str(rng.choice((0, 0, 64, 120, 1000)))]
    args = [*args, *rng.choice(([], [], ["-k", "-s", str(rng.randint(1024, 65_000))]))]
    limits = bounds(draft, top=8000, low=low)
    limits.pop("shape")
    run(
        draft,
        Sources(draft, many=False, victim=victim),
        "hping",
        (Category.DOS, "hping3"),
        victim.address,
        target=victim.address,
        args=args,
        **limits,
    )


def one_flow_flood(draft: Draft) -> None:
    """All in one flow: any kind of packet with fixed ports."""
    rng, victim = draft.rng, victim_of(draft)
    sources = Sources(draft, many=False, victim=victim)
    kind = rng.choice(("udp", "udp", "udp", "icmp", "icmp", "syn", "ack", "psh-ack", "fin", "rst"))
    limits = bounds(draft, most=12_000, low=floor_of(kind, one_flow=True))
    limits["bytes"] = 0 if kind not in {"udp", "icmp"} and draft.chance(0.7) else draft.whole(1, 1400)
    ports: dict[str, Any] = {
        "kind": kind,
        "port": aim(draft, victim),
        "source_port": rng.randint(1024, 65_000),
    }
    if ports["port"] == -1 or isinstance(ports["port"], list):
        ports["port"] = rng.randint(1, 65_535)
    what = (Category.DOS, f"{kind}-one-flow")
    run(draft, sources, "flood", what, victim.address, target=victim.address, **ports, **limits)


def socket_flood(draft: Draft) -> None:
    """UDP from a few ordinary sockets, as flooding scripts do."""
    rng, victim = draft.rng, victim_of(draft)
    port = aim(draft, victim)
    run(
        draft,
        Sources(draft, many=False, victim=victim),
        "udp-blast",
        (Category.DOS, "udp-sockets"),
        victim.address,
        target=victim.address,
        port=port,
        bytes=draft.whole(1, 1400),
        flows=rng.choice((1, 1, 4, 30)),
        **bounds(draft, most=12_000, low=STREAM_PER_SECOND),
    )


def spoofed_flood(draft: Draft) -> None:
    """One machine behind invented sources: any of the internet, or a few of a subnet."""
    rng, victim = draft.rng, victim_of(draft)
    host = _spoofer(draft, victim)
    kind = rng.choice(_PACKET_KINDS)
    anywhere = draft.chance(0.6)
    sources: str | list[str] = "random" if anywhere else _invented(draft)
    target = victim.address
    if anywhere and victim.address6 and kind not in _ONLY4 and draft.chance(0.4):
        target = victim.address6
    event = draft.event(
        Category.DDOS,
        f"spoofed-{kind}-flood",
        ["*"] if anywhere else list(sources),
        [target],
        kind=kind,
    )
    size = rng.choice((0, 10, 64, 512, 1000)) if kind in {"udp", "icmp"} else rng.choice((0, 0, 0, 120))
    draft.run(
        host,
        "flood",
        draft.span(3, 20),
        event=event,
        target=target,
        kind=kind,
        bytes=size,
        port=53 if kind == "dns" else aim(draft, victim),
        source_port=rng.choice((-1, -2, rng.randint(1, 65_000))),
        options=rng.choice((0, 1, 2, 3)),
        sources=sources,
        ttl=rng.choice((64, 128, 255, 47)),
        **bounds(draft),
    )


def _spoofer(draft: Draft, victim: Host) -> Host:
    inside = victim.segment == "wan" or draft.chance(0.5)
    return draft.add_device("attacker") if inside else draft.add_outsider()


def _invented(draft: Draft) -> list[str]:
    """Draw 10 to 200 sources: neighbours that do not exist, or a public network."""
    if draft.chance(0.5):
        return [draft.lan_address() for _ in range(draft.rng.randint(5, draft.lan.num_addresses // 6))]
    stem = draft.public_address().rpartition(".")[0]
    return [f"{stem}.{last}" for last in draft.rng.sample(range(1, 255), draft.rng.randint(10, 200))]


def hping_spoofed(draft: Draft) -> None:
    """hping3 with random sources."""
    victim = victim_of(draft)
    host = _spoofer(draft, victim)
    port = aim(draft, victim)
    args = [
        *draft.rng.choice((["-S"], ["-2"], ["-A"])),
        "--rand-source",
        "-p",
        str(port if isinstance(port, int) and port > 0 else 80),
    ]
    event = draft.event(Category.DDOS, "hping3-rand-source", ["*"], [victim.address], args=args)
    draft.run(
        host,
        "hping",
        draft.span(3, 20),
        event=event,
        target=victim.address,
        args=args,
        rate=draft.between(100, 8000),
        count=draft.whole(1500, 20_000),
    )


def reflection(draft: Draft) -> None:
    """Answers of many reflectors to a victim that never asked."""
    rng, victim = draft.rng, victim_of(draft, inside=True)
    service = rng.choice(sorted(SERVICES))
    reflectors = [draft.public_address() for _ in range(draft.whole(10, 400))]
    host = draft.add_outsider()
    event = draft.event(Category.DDOS, f"{service}-reflection", reflectors, [victim.address])
    draft.run(
        host,
        "reflection",
        draft.span(3, 20),
        event=event,
        target=victim.address,
        service=service,
        reflectors=reflectors,
        port=rng.choice((80, rng.randint(1024, 65_535), -1)),
        **bounds(draft, top=4000, most=8000),
    )


def tcp_reflection(draft: Draft) -> None:
    """SYN-ACKs or RSTs of real web servers that answer SYNs sent in the victim's name."""
    victim = victim_of(draft, inside=True)
    reflectors = [draft.public_address() for _ in range(draft.whole(10, 300))]
    kind = draft.rng.choice(("syn-ack", "syn-ack", "rst"))
    event = draft.event(Category.DDOS, f"{kind}-reflection", reflectors, [victim.address])
    draft.run(
        draft.add_outsider(),
        "flood",
        draft.span(3, 20),
        event=event,
        target=victim.address,
        kind=kind,
        bytes=0,
        port=-1,
        source_port=draft.rng.choice((80, 443, [80, 443, 22, 8080])),
        options=1,
        sources=reflectors,
        stay=draft.rng.choice((1, 3, 5)),
        **bounds(draft, top=8000),
    )
