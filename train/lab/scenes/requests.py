"""Floods of requests: HTTP, slow HTTP, MQTT, CoAP, TLS, DNS."""

from detector.records import Category
from train.lab.draft import Draft
from train.lab.plan import Host
from train.lab.scenes.onslaught import (
    ASKED_PER_SECOND,
    PAGE_BYTES,
    at_most,
    begun,
    bounds,
    packets_of,
    run,
)
from train.lab.scenes.parties import Sources, victim_service
from train.lab.scenes.services import BOTH_WAYS


def _web_victim(draft: Draft, *, tls: bool = False) -> tuple[Host, int]:
    """Draw a web server; a weak one takes up to two seconds for an answer."""
    port = 8443 if tls else draft.rng.choice((80, 80, 8080))
    latency = draft.rng.choice((0, 0, 0, draft.whole(1, 2000)))
    return victim_service(draft, "serve-http", port, latency_ms=latency, tls=tls), port


def _http(draft: Draft, *, many: bool) -> None:
    rng, tls = draft.rng, draft.chance(0.2)
    victim, port = _web_victim(draft, tls=tls)
    page, body = draft.whole(*PAGE_BYTES), rng.choice((0, 0, 0, draft.whole(20, 5000)))
    path = rng.choice(("/", f"/b/{page}", f"/b/{page}", "/index.php", "/search"))
    keep = rng.choice((1, 1, 1, 5, 50, 1000))
    run(
        draft,
        Sources(draft, many=many, victim=victim),
        "http-flood",
        (Category.DDOS if many else Category.DOS, "http-flood"),
        victim.address,
        least=begun(many=many),
        target=victim.address,
        port=port,
        path=path,
        tls=tls,
        keep=keep,
        parallel=draft.whole(2, 150),
        vary=draft.chance(0.5),
        body=body,
        **bounds(
            draft,
            top=1200,
            most=at_most(draft, 3000, packets_of(page + body, keep)),
            low=begun(many=many) if keep == 1 else ASKED_PER_SECOND,
        ),
    )


def http_flood(draft: Draft) -> None:
    """GETs or POSTs from one source, over a few connections or one for each."""
    _http(draft, many=False)


def http_flood_many(draft: Draft) -> None:
    """GETs or POSTs from many sources."""
    _http(draft, many=True)


def apache_bench(draft: Draft) -> None:
    """The real ab."""
    rng = draft.rng
    victim, port = _web_victim(draft)
    page = draft.whole(*PAGE_BYTES)
    run(
        draft,
        Sources(draft, many=False, victim=victim),
        "ab",
        (Category.DOS, "ab"),
        victim.address,
        least=begun(many=False),
        target=victim.address,
        port=port,
        path=rng.choice(("/", f"/b/{page}")),
        parallel=rng.randint(2, 100),
        keep=draft.chance(0.3),
        count=draft.whole(300, at_most(draft, 2500, packets_of(page))),
    )


def _slow(draft: Draft, *, many: bool) -> None:
    victim, port = _web_victim(draft)
    mode = draft.rng.choice(("headers", "headers", "body", "read"))
    run(
        draft,
        Sources(draft, many=many, victim=victim),
        "slow-drip",
        (Category.DDOS if many else Category.DOS, f"slow-{mode}"),
        victim.address,
        target=victim.address,
        port=port,
        mode=mode,
        connections=draft.whole(60, 500),
        rate=draft.between(20, 400),
        interval=draft.between(0.3, 5),
    )


def slow_requests(draft: Draft) -> None:
    """Slowloris and slow POST of our own, from one source."""
    _slow(draft, many=False)


def slow_requests_many(draft: Draft) -> None:
    """The same from many sources."""
    _slow(draft, many=True)


def slowhttptest(draft: Draft) -> None:
    """The real slowhttptest."""
    rng = draft.rng
    victim, port = _web_victim(draft)
    run(
        draft,
        Sources(draft, many=False, victim=victim),
        "slowhttptest",
        (Category.DOS, "slowhttptest"),
        victim.address,
        target=victim.address,
        port=port,
        mode=rng.choice("HBX"),
        connections=draft.whole(50, 500),
        rate=draft.whole(30, 300),
        interval=rng.randint(1, 5),
    )


def _mqtt(draft: Draft, *, many: bool) -> None:
    rng, port = draft.rng, draft.rng.choice((1883, 1883, 1885))
    victim = victim_service(draft, "serve-broker", port, "hub")
    mode = rng.choice(("connect", "connect", "publish", "subscribe"))
    limits = (
        bounds(draft, top=900, most=2500, low=begun(many=many))
        if mode == "connect"
        else bounds(draft, top=4000, most=12_000, low=ASKED_PER_SECOND)
    )
    run(
        draft,
        Sources(draft, many=many, victim=victim),
        "mqtt-flood",
        (Category.DDOS if many else Category.DOS, f"mqtt-{mode}-flood"),
        victim.address,
        target=victim.address,
        port=port,
        mode=mode,
        parallel=rng.randint(10, 150) if mode == "connect" else rng.randint(1, 30),
        bytes=draft.whole(1, 1200),
        qos=rng.choice((0, 0, 1)),
        hold=rng.choice((0, 0, 1.0)),
        **limits,
    )


def mqtt_flood(draft: Draft) -> None:
    """MQTT connections or messages from one source."""
    _mqtt(draft, many=False)


def mqtt_flood_many(draft: Draft) -> None:
    """MQTT connections or messages from many sources."""
    _mqtt(draft, many=True)


def _coap(draft: Draft, *, many: bool) -> None:
    victim = victim_service(draft, "serve-datagrams", 5683, "sensor", "meter", "plug", kind="coap")
    run(
        draft,
        Sources(draft, many=many, victim=victim),
        "coap-flood",
        (Category.DDOS if many else Category.DOS, "coap-flood"),
        victim.address,
        target=victim.address,
        port=5683,
        flows=draft.whole(10, 200) if many else draft.rng.choice((1, 1, 4, 50)),
        **bounds(draft, top=6000, most=10_000, low=ASKED_PER_SECOND),
    )


def coap_flood(draft: Draft) -> None:
    """CoAP requests from one source."""
    _coap(draft, many=False)


def coap_flood_many(draft: Draft) -> None:
    """CoAP requests from many sources."""
    _coap(draft, many=True)


def question_flood(draft: Draft) -> None:
    """Questions by datagrams, over few flows or one each, to a resolver or another service that answers."""
    ports, kind = BOTH_WAYS[draft.rng.choice(("dns", "dns", "ntp", "coap", "snmp", "stun"))]
    port = draft.rng.choice(ports)
    victim = victim_service(draft, "serve-datagrams", port, kind=kind)
    run(
        draft,
        Sources(draft, many=False, victim=victim),
        "datagrams",
        (Category.DOS, "question-flood"),
        victim.address,
        servers=[victim.address],
        port=port,
        kind=kind,
        bytes=[20, draft.whole(20, 300)],
        answers=1,
        every=1,
        reply=draft.whole(20, 1000),
        flows=draft.rng.choice((1, 1, 4, 30)),
        fresh=draft.rng.choice((0.0, 0.0, 1.0)),
        stay=1,
        **bounds(draft, top=6000, most=10_000, low=2 * ASKED_PER_SECOND),
    )
