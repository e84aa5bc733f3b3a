"""Busy benign life, much data or many packets in few flows."""

from detector.records import Category
from train.lab.draft import Draft
from train.lab.scenes.bustle import own
from train.lab.scenes.onslaught import DATA_BYTES, bounds, run
from train.lab.scenes.parties import Sources, server_of
from train.lab.scenes.services import ONE_WAY_RATE, datagrams_of, unhurried

_MOST_KILOBITS = 150_000


def stream(draft: Draft) -> None:
    """One flow of datagrams, both ways or one: a camera, a tunnel, a game, a call; small ones unhurried."""
    host, address = server_of(draft)
    both = draft.chance(0.5)
    port, kind = draft.rng.randint(1025, 65_000), "exchange" if both else "raw"
    draft.serve(host, "serve-datagrams", port, kind="exchange" if both else "sink")
    top = 20_000 if both else ONE_WAY_RATE
    params = datagrams_of(draft, (12, 1372)) | bounds(draft, low=5, top=top, most=18_000)
    params = unhurried(draft, params) | {"flows": 1, "fresh": 0.0}
    if both:
        params["count"] = params["count"] // (1 + params["answers"] // params["every"])
    sources = Sources(draft, many=False, victim=host, kind="client")
    what = (Category.BENIGN, "stream-both-ways" if both else "stream")
    run(draft, sources, "datagrams", what, address, servers=[address], port=port, kind=kind, **params)


def transfer(draft: Draft) -> None:
    """One to three TCP connections at full speed or in pieces: files there, back, or both."""
    host, address = server_of(draft)
    port = draft.serve(host, "serve-exchange", draft.rng.randint(1025, 65_000))
    heavy = draft.rng.choice(((True, False), (False, True), (True, True)))
    size = [draft.whole(2 * DATA_BYTES, 1_000_000) if much else draft.whole(4, 400) for much in heavy]
    clients, count = draft.rng.choice((1, 1, 1, 3)), max(2, 15_000 // (3 + sum(size) // 900))
    run(
        draft,
        Sources(draft, many=False, victim=host, kind="client"),
        "conversations",
        (Category.BENIGN, "transfer"),
        address,
        servers=[address],
        port=port,
        protocol="raw",
        clients=clients,
        exchanges=draft.rng.choice((1, 10, 100_000)),
        ask=size[0],
        reply=size[1],
        think=draft.rng.choice((0.0, *(draft.between(0.5, 60) * clients / count,) * 3)),
        pause=draft.between(0.001, 1),
        spread=0.2,
        count=count,
    )


def full_backup(draft: Draft) -> None:
    """A backup at full speed into a sink."""
    rng, host = draft.rng, draft.pick("laptop", "nas", "camera")
    server = draft.pick("nas", but=[host]) if draft.chance(0.6) else draft.internet
    port = draft.serve(server, "serve-sink", rng.choice((873, 8445, 9000)))
    address = rng.choice(draft.clouds) if server is draft.internet else server.address
    event = own(draft, host, [address], "backup")
    size = draft.whole(300_000, 20_000_000)
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
    kilobits = draft.whole(200, 150_000)
    length = min(length, max(2.0, 1 + _MOST_KILOBITS / kilobits))
    draft.run(
        host,
        "iperf",
        (max(start, 0.5), length + 1),
        event=event,
        server=server.address,
        length=max(1, length - 1),
        rate=f"{kilobits}k",
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


def calls(draft: Draft) -> None:
    """Calls: two small streams, one there and one back."""
    host = draft.pick("phone", "laptop", "speaker")
    port = draft.serve(draft.internet, "serve-datagrams", draft.rng.randint(16_384, 32_767), kind="echo")
    server = draft.rng.choice(draft.clouds)
    event = own(draft, host, [server], "call")
    draft.run(host, "call", draft.span(4), event=event, server=server, port=port)
