"""Scanners other than nmap: masscan, hping3, fping, infected devices, quick scripts."""

import ipaddress

from detector.records import Category
from train.lab.draft import Draft
from train.lab.scenes.parties import neighbourhood, scanner, seen_as, strangers, targets


def masscan(draft: Draft) -> None:
    """From outside, in random order over ports and hosts."""
    attacker = draft.add_outsider()
    source = str(ipaddress.ip_network(attacker.pools[0])[3])
    aims = neighbourhood(draft, attacker, 120) if draft.chance(0.5) else targets(draft, attacker)
    ports = draft.rng.choice(("1-1000", "22,23,80,443,8080", "0-200,1883,5683,8000-8100"))
    event = draft.event(Category.RECON, "masscan", [source], aims, ports=ports)
    rate = draft.whole(50, 1500)
    draft.run(
        attacker,
        "masscan",
        draft.span(6),
        event=event,
        source=source,
        targets=aims,
        ports=ports,
        rate=rate,
        seed=draft.rng.randint(1, 9999),
    )


def mirai_sweep(draft: Draft) -> None:
    """An infected device looks for telnet (or another door) all over: SYNs without state, some logins."""
    rng = draft.rng
    infected = (
        draft.pick("camera", "plug", "printer", "tv") if draft.chance(0.7) else draft.add_device("attacker")
    )
    inside = draft.chance(0.5)
    aims = neighbourhood(draft, infected) if inside else strangers(draft)
    ports = rng.choice(([23], [23, 2323], [22], [5555], [7547], [80, 8080], [37215], [52869], [445], [81]))
    event = draft.event(Category.RECON, "mirai-sweep", [infected.address], aims, ports=ports)
    draft.run(
        infected,
        "raw-sweep",
        draft.span(5),
        event=event,
        source=infected.address,
        targets=aims,
        ports=ports,
        rate=draft.between(8, 600),
        mirai=draft.chance(0.6),
        options=rng.choice((0, 0, 1)),
        fixed_port=draft.chance(0.4),
        shape=rng.choice(("steady", "poisson", "bursts")),
    )


def login_sweep(draft: Draft) -> None:
    """Full connections to telnet or SSH over many hosts."""
    rng = draft.rng
    attacker, address = scanner(draft)
    aims = neighbourhood(draft, attacker) if draft.chance(0.7) else strangers(draft)
    event = draft.event(Category.RECON, "login-sweep", [address], aims)
    draft.run(
        attacker,
        "connect-sweep",
        draft.span(5),
        event=event,
        targets=aims,
        ports=rng.choice(([23], [22], [23, 2323], [22, 23])),
        rate=draft.between(5, 120),
        parallel=rng.randint(5, 100),
        patience=rng.choice((0.5, 1.0, 2.0)),
    )


def raw_port_scan(draft: Draft) -> None:
    """A vertical scan by our own sender: random order, any flags, also slow."""
    rng = draft.rng
    attacker, address = scanner(draft)
    aims = targets(draft, attacker, most=2)
    address = seen_as(attacker, aims)
    ports = rng.sample(range(1, 65_000), draft.whole(60, 4000))
    flags = rng.choice((["syn"], ["syn"], ["syn"], ["fin"], ["ack"], ["syn", "fin"]))
    event = draft.event(Category.RECON, "raw-port-scan", [address], aims, flags=flags)
    draft.run(
        attacker,
        "raw-sweep",
        draft.span(6),
        event=event,
        source=address,
        targets=aims,
        ports=ports,
        flags=flags,
        rate=draft.between(4, 1500),
        options=rng.choice((0, 1, 2)),
        fixed_port=draft.chance(0.5),
        shape=rng.choice(("steady", "poisson", "bursts")),
    )


def udp_service_sweep(draft: Draft) -> None:
    """One or a few UDP services over many hosts, with their own questions."""
    rng = draft.rng
    attacker, address = scanner(draft)
    aims = neighbourhood(draft, attacker) if draft.chance(0.7) else strangers(draft)
    ports = rng.choice(
        ([161], [1900], [5683], [53], [123], [161, 1900, 5683], [17, 19, 69, 137, 389, 3702, 11_211])
    )
    event = draft.event(Category.RECON, "udp-sweep", [address], aims, ports=ports)
    draft.run(
        attacker,
        "udp-sweep",
        draft.span(5),
        event=event,
        targets=aims,
        ports=ports,
        rate=draft.between(8, 400),
    )


def udp_port_scan(draft: Draft) -> None:
    """Empty datagrams to many ports of one host."""
    attacker, address = scanner(draft)
    aims = targets(draft, attacker, most=1)
    address = seen_as(attacker, aims)
    ports = draft.rng.sample(range(1, 65_000), draft.whole(60, 2000))
    event = draft.event(Category.RECON, "udp-port-scan", [address], aims)
    draft.run(
        attacker,
        "udp-sweep",
        draft.span(6),
        event=event,
        targets=aims,
        ports=ports,
        rate=draft.between(4, 800),
    )


def ping_sweep(draft: Draft) -> None:
    """Echo requests over the network, fping's or our own."""
    rng = draft.rng
    attacker, address = scanner(draft)
    if draft.chance(0.35):
        network = str(draft.lan) if draft.lan.prefixlen >= 24 else f"{draft.lan[0]}/24"  # noqa: PLR2004 - a small network
        aims = [str(host) for host in ipaddress.ip_network(network).hosts() if str(host) != address]
        event = draft.event(Category.RECON, "fping-sweep", [address], aims)
        draft.run(
            attacker,
            "fping-sweep",
            draft.span(5),
            event=event,
            network=network,
            retries=rng.randint(0, 2),
            gap_ms=draft.whole(1, 40),
        )
        return
    aims = neighbourhood(draft, attacker) if draft.chance(0.7) else strangers(draft)
    event = draft.event(Category.RECON, "icmp-sweep", [address], aims)
    draft.run(
        attacker,
        "icmp-sweep",
        draft.span(5),
        event=event,
        source=address,
        targets=aims,
        rate=draft.between(8, 500),
        bytes=rng.choice((0, 8, 32, 56)),
        shuffle=draft.chance(0.5),
    )


def hping_port_scan(draft: Draft) -> None:
    """The port scan of hping3."""
    attacker, address = scanner(draft)
    aims = targets(draft, attacker, most=1, only4=True)[:1]
    flag = draft.rng.choice(("S", "S", "F", "A"))
    event = draft.event(Category.RECON, "hping3-scan", [address], aims, flag=flag)
    draft.run(
        attacker,
        "hping-scan",
        draft.span(5),
        event=event,
        target=aims[0],
        ports=f"1-{draft.whole(200, 3000)}",
        flag=flag,
    )
