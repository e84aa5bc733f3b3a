"""What can happen in a world, by class. A scene that stands twice is drawn twice as often."""

from collections import Counter
from collections.abc import Callable, Iterator

from detector.records import Category
from train.lab.draft import Draft
from train.lab.scenes import (
    bustle,
    clients,
    connections,
    crowds,
    floods,
    kept,
    nmap,
    others,
    pairs,
    probes,
    requests,
    services,
    sweeps,
    together,
    volume,
)
from train.lab.truth import OTHER

Scene = Callable[[Draft], None]

BUSTLE: tuple[Scene, ...] = (
    bustle.fleet_reconnects,
    bustle.fast_poller,
    bustle.monitoring,
    bustle.server_gone,
    bustle.short_requests,
    bustle.heavy_pages,
    bustle.dns_storm,
    bustle.peers,
    bustle.many_clocks,
    bustle.logins,
    bustle.upnp_noise,
    volume.full_backup,
    volume.firmware,
    volume.speed_test,
    volume.camera_wall,
    volume.calls,
    crowds.fleet_update,
    crowds.crowd_returns,
    crowds.snmp_walk,
    crowds.tracing,
    crowds.wide_monitoring,
    crowds.heavy_ping,
    *(services.busy_server,) * 10,
    *(services.collector,) * 4,
    *(services.busy_datagram_server,) * 4,
    *(volume.stream,) * 3,
    *(volume.transfer,) * 2,
    *(clients.boots, clients.household, clients.asks_around, clients.candidates, clients.orphans),
    *(services.polling, services.polling, services.datagram_polling, services.datagram_polling),
)
"""Busy but harmless life."""

PAIRS: tuple[Scene, ...] = (
    *(pairs.downloads, pairs.downloads, pairs.pool, pairs.pool, pairs.sessions, pairs.sessions, pairs.pages),
    *(pairs.cameras, pairs.cameras, pairs.retries, pairs.health_check, pairs.beat, pairs.beat),
    *(volume.stream, volume.speed_test, services.busy_datagram_server),
)
"""Busy but harmless pairs, which worlds of their own are made of."""

CROWDS: tuple[Scene, ...] = (
    *(together.by_the_clock, together.by_the_clock, together.visitors),
    *(together.missed, together.missed, together.unheard, together.cut_off),
)
"""Many harmless clients of one server; they have worlds of their own too."""

CYCLES: tuple[Scene, ...] = (
    *(kept.cycles, kept.cycles, kept.messages, kept.readings, kept.readings),
    *(kept.bulk, kept.bulk, kept.bulk, kept.walk),
)
"""One harmless client and its server over flows that last."""

RECON: tuple[Scene, ...] = (
    *(
        nmap.syn_scan,
        nmap.syn_scan,
        nmap.connect_scan,
        nmap.udp_scan,
        nmap.odd_flags_scan,
        nmap.odd_flags_scan,
    ),
    *(nmap.version_scan, nmap.os_scan, nmap.script_scan, nmap.protocol_scan, nmap.few_ports_scan),
    *(nmap.few_ports_scan, nmap.slow_scan, nmap.decoy_scan, nmap.fragment_scan, nmap.host_discovery),
    *(nmap.one_port_many_hosts, nmap.one_port_many_hosts),
    *(sweeps.masscan, sweeps.mirai_sweep, sweeps.mirai_sweep, sweeps.mirai_sweep, sweeps.login_sweep),
    *(probes.banners, probes.banners, sweeps.raw_port_scan, sweeps.raw_port_scan),
    *(probes.slow_probe, probes.slow_probe, probes.few_ports, probes.few_ports, probes.one_door),
    *(probes.web_paths, probes.web_paths, probes.web_paths, probes.topics, probes.communities),
    *(sweeps.udp_service_sweep, sweeps.udp_port_scan, sweeps.ping_sweep, sweeps.ping_sweep),
    sweeps.hping_port_scan,
)

DOS: tuple[Scene, ...] = (
    *(floods.packet_flood,) * 5,
    *(floods.hping_flood,) * 4,
    *(floods.one_flow_flood,) * 6,
    floods.socket_flood,
    *(requests.http_flood, requests.http_flood, requests.apache_bench, requests.slow_requests),
    *(requests.slowhttptest, requests.mqtt_flood, requests.coap_flood, connections.connection_flood),
    *(requests.http_flood, requests.slow_requests, requests.mqtt_flood, requests.question_flood),
    *(connections.connection_flood, connections.conversation_flood, connections.conversation_flood),
)

OVERRUNS: tuple[Scene, ...] = (
    *(kept.overrun, kept.overrun, kept.overrun, kept.publishing, kept.publishing),
    *(kept.questions, kept.questions, kept.unanswered),
)
"""Floods over flows that last; they have worlds of their own too."""

DDOS: tuple[Scene, ...] = (
    *(floods.packet_flood_many,) * 4,
    *(floods.spoofed_flood,) * 6,
    *(floods.hping_spoofed,) * 2,
    *(floods.reflection, floods.reflection, floods.tcp_reflection),
    *(requests.http_flood_many, requests.http_flood_many, requests.slow_requests_many),
    *(requests.mqtt_flood_many, requests.coap_flood_many, connections.connection_flood_many),
    connections.conversation_flood_many,
)

OTHERS: tuple[Scene, ...] = (others.guessed_passwords, others.beacon)
"""Hostile, and of none of the classes."""

_BY_CLASS: dict[str, tuple[Scene, ...]] = {
    Category.BENIGN: BUSTLE,
    "Pair": PAIRS,
    "Crowd": CROWDS,
    "Cycle": CYCLES,
    Category.RECON: RECON,
    Category.DOS: DOS,
    "Overrun": OVERRUNS,
    Category.DDOS: DDOS,
    OTHER: OTHERS,
}


def listed() -> Iterator[tuple[str, str, float, str]]:
    """Yield each scene's class, name, share of the drawings in its group, and what it is."""
    for category, scenes in _BY_CLASS.items():
        for scene, times in Counter(scenes).items():
            told = (scene.__doc__ or "").split("\n", maxsplit=1)[0]
            yield category, getattr(scene, "__name__", ""), times / len(scenes), told


ATTACKS = {"recon": RECON, "dos": DOS, "ddos": DDOS, "overrun": OVERRUNS}
