"""Busy benign life, much data or many packets in few flows."""

from train.lab.draft import Draft
from train.lab.scenes.bustle import own


def full_backup(draft: Draft) -> None:
    """A backup at full speed into a sink."""
    rng, host = draft.rng, draft.pick("laptop", "nas", "camera")
    server = draft.pick("nas", but=[host]) if draft.chance(0.6) else draft.internet
    port = draft.serve(server, "serve-sink", rng.choice((873, 8445, 9000)))
    address = rng.choice(draft.clouds) if server is draft.internet else server.address
    event = own(draft, host, [address], "backup")
    size = draft.whole(300_000, 12_000_000)
    draft.run(
        host,
        "backup",
        draft.span(4),
        event=event,
        server=address,
        port=port,
        bytes=size,
        block=draft.whole(1400, 65_536),
        rate=draft.between(20, 2000),
    )


def firmware(draft: Draft) -> None:
    """A firmware image or a film's chunks from the internet."""
    rng, host = draft.rng, draft.pick()
    server = rng.choice(draft.clouds)
    event = own(draft, host, [server], "download")
    tls = draft.chance(0.6)
    draft.run(
        host,
        "download",
        draft.span(5),
        event=event,
        server=server,
        port=443 if tls else 80,
        tls=tls,
        bytes=draft.whole(200_000, 8_000_000),
        limit=draft.whole(100_000, 20_000_000),
        times=rng.choice((1, 1, 4)),
    )


def speed_test(draft: Draft) -> None:
    """iperf3, TCP or UDP, between two devices."""
    rng, server = draft.rng, draft.pick()
    host = draft.pick(but=[server])
    draft.serve(server, "serve-iperf", 5201)
    event = own(draft, host, [server.address], "iperf3")
    start, length = draft.span(3, 6)
    rate = f"{draft.whole(200, 6000)}k"
    draft.run(
        host,
        "iperf",
        (max(start, 0.5), length + 1),
        event=event,
        server=server.address,
        length=max(1, length - 1),
        rate=rate,
        udp=draft.chance(0.5),
        reverse=draft.chance(0.3),
        streams=rng.choice((1, 1, 3)),
    )


def camera_wall(draft: Draft) -> None:
    """A big camera stream, UDP, at up to a thousand packets a second."""
    rng, host = draft.rng, draft.pick("camera")
    receiver = draft.pick("nas", "hub", "laptop", but=[host])
    port = draft.serve(
        receiver, "serve-datagrams", rng.randint(5000, 60_000), kind=rng.choice(("sink", "sink", "ack"))
    )
    event = own(draft, host, [receiver.address], "camera-stream")
    draft.run(
        host,
        "camera-udp",
        draft.span(4),
        event=event,
        server=receiver.address,
        port=port,
        fps=rng.choice((15, 25, 30)),
        packets=draft.whole(5, 20),
        bytes=rng.choice((500, 1200, 1372)),
    )


def coap_master(draft: Draft) -> None:
    """A controller polls every CoAP device, fast."""
    servers = [draft.pick() for _ in range(draft.rng.randint(2, 6))]
    host = draft.pick("hub", but=servers)
    for server in servers:
        draft.serve(server, "serve-datagrams", 5683, kind="coap")
    addresses = sorted({server.address for server in servers})
    event = own(draft, host, addresses, "coap-master")
    draft.run(host, "coap-poll", draft.span(5), event=event, servers=addresses, rate=draft.between(5, 80))


def plant_control(draft: Draft) -> None:
    """A controller reads all PLCs many times a second."""
    servers = [draft.pick("plc", "meter") for _ in range(draft.rng.randint(1, 4))]
    host = draft.pick("laptop", "hub", but=servers)
    for server in servers:
        draft.serve(server, "serve-modbus", 502)
    addresses = sorted({server.address for server in servers})
    event = own(draft, host, addresses, "modbus-master")
    draft.run(
        host,
        "modbus-poll",
        draft.span(5),
        event=event,
        servers=addresses,
        rate=draft.between(5, 100),
        registers=draft.rng.randint(1, 120),
    )


def calls(draft: Draft) -> None:
    """Calls: two small streams, one there and one back."""
    host = draft.pick("phone", "laptop", "speaker")
    port = draft.serve(draft.internet, "serve-datagrams", draft.rng.randint(16_384, 32_767), kind="echo")
    server = draft.rng.choice(draft.clouds)
    event = own(draft, host, [server], "call")
    draft.run(host, "call", draft.span(4), event=event, server=server, port=port)
