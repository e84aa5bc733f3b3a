"""Ordinary life: what devices of each kind do all day."""

from collections.abc import Callable

from train.lab.draft import Draft
from train.lab.plan import Host

Habit = Callable[[Draft, Host], None]

_BANNERS = {
    21: "220 ftp ready\r\n",
    22: "SSH-2.0-dropbear_2019.78\r\n",
    23: "\xff\xfd\x18login: ",
    2323: "login: ",
    139: "",
    445: "",
    515: "",
    9100: "",
    8883: "",
    5000: "",
    7547: "",
    49152: "",
}
"""Ports that devices leave open, and what they greet with."""


def furnish(draft: Draft) -> None:
    """Give the gateway, the internet and the devices their services, and each device one to four habits."""
    gateway, internet, rng = draft.gateway, draft.internet, draft.rng
    draft.serve(gateway, "serve-datagrams", 53, kind="dns")
    if draft.chance(0.6):
        draft.serve(gateway, "serve-http", 80, page_bytes=rng.randint(300, 6000))
    draft.serve(internet, "serve-http", 80, latency_ms=rng.choice((0, 5, 20)))
    draft.serve(internet, "serve-http", 443, tls=True, latency_ms=rng.choice((0, 5, 20)))
    draft.serve(internet, "serve-datagrams", 53, kind="dns")
    draft.serve(internet, "serve-datagrams", 123, kind="ntp")
    draft.serve(internet, "serve-datagrams", 5683, kind="coap")
    for port in (3478, 8801, 10_001):
        draft.serve(internet, "serve-datagrams", port, kind=rng.choice(("echo", "ack", "sink")))
    for host in draft.devices:
        _open_ports(draft, host)
    for host in list(draft.devices):
        live(draft, host, host.kind)


def _open_ports(draft: Draft, host: Host) -> None:
    for port in draft.rng.sample(sorted(_BANNERS), draft.rng.choice((0, 0, 1, 1, 2, 3, 4))):
        draft.serve(host, "serve-banner", port, banner=_BANNERS[port])
    if draft.chance(0.45):
        port = draft.rng.choice((80, 80, 80, 8080, 81))
        draft.serve(host, "serve-http", port, page_bytes=draft.rng.randint(150, 20_000))


def live(draft: Draft, host: Host, kind: str) -> None:
    """Give a host one to four habits of a kind of device."""
    rng = draft.rng
    habits = _HABITS.get(kind, _COMMON) + _COMMON
    for habit in rng.sample(habits, min(len(habits), rng.randint(1, 4))):
        habit(draft, host)
    if draft.chance(0.6):
        _six(draft, host)
    if draft.chance(0.4):
        draft.run(host, "dns-lookups", resolver=draft.gateway.address, rate=draft.between(0.05, 1.5))


def broker(draft: Draft) -> tuple[Host, int]:
    """Return the world's MQTT broker and its port."""
    for host in draft.hosts:
        for job in host.jobs:
            if job.program == "serve-broker":
                return host, job.params["port"]
    host = draft.rng.choice((draft.pick("hub"), draft.gateway, draft.internet))
    return host, draft.serve(host, "serve-broker", draft.rng.choice((1883, 1883, 1883, 18_830)))


def broker_address(draft: Draft) -> tuple[str, int]:
    host, port = broker(draft)
    return (draft.clouds[0] if host is draft.internet else host.address), port


def _telemetry(draft: Draft, host: Host) -> None:
    address, port = broker_address(draft)
    program = draft.rng.choice(("mqtt-telemetry", "mqtt-telemetry", "mqtt-short"))
    low = 0.2 if program == "mqtt-telemetry" else 1.0
    size, qos = draft.whole(2, 900), draft.rng.choice((0, 0, 1, 2))
    draft.run(host, program, broker=address, port=port, period=draft.between(low, 8), bytes=size, qos=qos)


def _subscriber(draft: Draft, host: Host) -> None:
    address, port = broker_address(draft)
    draft.run(host, "mqtt-subscribe", broker=address, port=port)


def _video_udp(draft: Draft, host: Host) -> None:
    rng = draft.rng
    port = rng.randint(5000, 60_000)
    receiver = draft.pick(but=[host]) if draft.chance(0.5) else draft.internet
    draft.serve(receiver, "serve-datagrams", port, kind="sink")
    address = rng.choice(draft.clouds) if receiver is draft.internet else receiver.address
    size, packets = rng.choice((700, 1000, 1200, 1372)), draft.whole(1, 12)
    draft.run(
        host,
        "camera-udp",
        server=address,
        port=port,
        fps=rng.choice((5, 10, 15, 25)),
        packets=packets,
        bytes=size,
    )


def _video_tcp(draft: Draft, host: Host) -> None:
    rng = draft.rng
    port = draft.serve(
        host,
        "serve-stream",
        rng.choice((554, 8554, 1935)),
        rate=draft.between(3, 25),
        bytes=draft.whole(800, 16_000),
    )
    draft.run(draft.pick(but=[host]), "watch", server=host.address, port=port)


def _cloud_poll(draft: Draft, host: Host) -> None:
    rng = draft.rng
    tls = draft.chance(0.6)
    server, port = rng.choice(draft.clouds), 443 if tls else 80
    path, keep = f"/b/{draft.whole(10, 20_000)}", rng.choice((0, 0, 3, 20))
    body = rng.choice((0, 0, draft.whole(20, 5000)))
    draft.run(
        host,
        "poll-http",
        server=server,
        port=port,
        tls=tls,
        path=path,
        keep=keep,
        body=body,
        period=draft.between(0.5, 8),
    )


def _polled(draft: Draft, host: Host) -> None:
    port = draft.serve(
        host, "serve-http", draft.rng.choice((80, 80, 8080)), latency_ms=draft.rng.choice((0, 2, 30))
    )
    asker = draft.pick("hub", "phone", but=[host])
    keep = draft.rng.choice((0, 0, 5))
    draft.run(
        asker,
        "poll-http",
        server=host.address,
        port=port,
        path="/status",
        keep=keep,
        period=draft.between(0.3, 5),
    )


def _coap(draft: Draft, host: Host) -> None:
    draft.serve(host, "serve-datagrams", 5683, kind="coap")
    draft.run(draft.pick("hub", but=[host]), "coap-poll", servers=[host.address], rate=draft.between(0.2, 6))


def _modbus(draft: Draft, host: Host) -> None:
    draft.serve(host, "serve-modbus", 502)
    asker = draft.pick("laptop", "hub", but=[host])
    draft.run(
        asker,
        "modbus-poll",
        servers=[host.address],
        rate=draft.between(0.5, 15),
        registers=draft.rng.randint(1, 120),
    )


def _browsing(draft: Draft, host: Host) -> None:
    rng = draft.rng
    servers = rng.sample(draft.clouds, rng.randint(1, len(draft.clouds)))
    parallel, objects = rng.randint(2, 10), rng.randint(4, 25)
    tls, pause = draft.chance(0.7), draft.between(1.5, 6)
    draft.run(
        host,
        "browse",
        servers=servers,
        resolver=draft.gateway.address,
        parallel=parallel,
        objects=objects,
        tls=tls,
        pause=pause,
    )


def _terminal(draft: Draft, host: Host) -> None:
    server = draft.pick(but=[host])
    port = draft.serve(server, "serve-banner", draft.rng.choice((22, 23)), banner=_BANNERS[22])
    draft.run(host, "terminal", server=server.address, port=port, rate=draft.between(0.5, 8))


def _ping(draft: Draft, host: Host) -> None:
    target = draft.rng.choice(
        (draft.gateway.address, draft.rng.choice(draft.clouds), draft.pick(but=[host]).address)
    )
    draft.run(
        host,
        "ping",
        target=target,
        period=round(draft.between(0.2, 4), 1),
        bytes=draft.rng.choice((56, 56, 32, 8, 1000)),
    )


def _ntp(draft: Draft, host: Host) -> None:
    servers = draft.rng.sample(draft.clouds, draft.rng.randint(1, 3))
    port = draft.rng.choice((123, 0))
    draft.run(host, "ntp-sync", servers=servers, source_port=port, period=draft.between(2, 16))


def _mdns(draft: Draft, host: Host) -> None:
    draft.run(host, "mdns", period=draft.between(1, 10))


def _ssdp(draft: Draft, host: Host) -> None:
    for other in draft.devices:
        if draft.chance(0.4):
            draft.serve(other, "serve-datagrams", 1900, kind="ssdp")
    draft.run(host, "ssdp-search", period=draft.between(2, 10))


def _announce(draft: Draft, host: Host) -> None:
    port, size = draft.rng.choice((6666, 6667, 17_500, 9999, 56_700)), draft.whole(40, 300)
    draft.run(host, "announce", period=draft.between(0.5, 5), port=port, bytes=size)


def _hole(draft: Draft, host: Host) -> None:
    size = draft.whole(1, 120)
    server, port = draft.rng.choice(draft.clouds), draft.rng.choice((3478, 8801, 10_001))
    draft.run(host, "keep-alive", server=server, port=port, period=draft.between(0.5, 5), bytes=size)


def _readings(draft: Draft, host: Host) -> None:
    server = draft.pick(but=[host])
    port = draft.serve(server, "serve-datagrams", draft.rng.choice((8125, 2055, 5514, 4210)), kind="sink")
    source_port = draft.rng.choice((0, draft.rng.randint(1025, 60_000)))
    rate, size = draft.between(0.2, 10), draft.whole(8, 800)
    draft.run(
        host,
        "udp-telemetry",
        server=server.address,
        port=port,
        source_port=source_port,
        rate=rate,
        bytes=size,
    )


def _six(draft: Draft, host: Host) -> None:
    """The same over IPv6, where the network has it."""
    if not host.address6:
        return
    others = [other for other in draft.devices if other.address6 and other is not host]
    server = draft.rng.choice([*draft.clouds6[:3], *(other.address6 or "" for other in others)])
    port = 80
    for other in others:
        if server == other.address6:
            draft.serve(other, "serve-http", port)
    path, body = f"/b/{draft.whole(10, 9000)}", draft.rng.choice((0, 0, draft.whole(20, 3000)))
    draft.run(host, "poll-http", server=server, port=port, path=path, body=body, period=draft.between(0.5, 6))
    if draft.chance(0.5):
        draft.run(host, "ntp-sync", servers=draft.clouds6[:2], period=draft.between(2, 9))
    if draft.chance(0.4):
        draft.run(host, "ping", target=server, period=round(draft.between(0.3, 3), 1))


_COMMON: tuple[Habit, ...] = (_cloud_poll, _mdns, _ntp, _hole, _announce)
_HABITS: dict[str, tuple[Habit, ...]] = {
    "camera": (_video_udp, _video_tcp, _polled, _ssdp),
    "sensor": (_telemetry, _coap, _readings),
    "plug": (_telemetry, _polled, _announce),
    "plc": (_modbus, _readings),
    "hub": (_subscriber, _ssdp, _ping),
    "phone": (_browsing, _ssdp, _subscriber),
    "laptop": (_browsing, _terminal, _ping),
    "nas": (_polled, _ssdp),
    "printer": (_polled, _ssdp),
    "tv": (_ssdp, _browsing),
    "speaker": (_ssdp, _hole),
    "meter": (_telemetry, _modbus, _coap, _readings),
}
