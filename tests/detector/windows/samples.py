"""Arbitrary flows between few hosts, and what windows must make of them, computed the long way."""

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from detector.bundle import WindowSettings
from detector.config import WindowConfig
from detector.features import CONTEXT, flow_features
from detector.records import Expiry, FlowBatch, Role, WindowBatch, address
from detector.windows import Windows
from tests.traffic import EPOCH_MS, TCP, UDP, batch, flow

SETTINGS = WindowSettings(length_flows=5, min_flows=2, min_packets=64)
HOSTS = ("10.0.0.1", "10.0.0.2", "10.0.0.3", "2001:db8::1")
ENDS = {Role.SOURCE: ("src_ip", "dst_ip"), Role.TARGET: ("dst_ip", "src_ip")}


def windows(settings: WindowSettings = SETTINGS, **config: int) -> Windows:
    return Windows(settings, WindowConfig(**config))


def join(batches: Iterable[WindowBatch], settings: WindowSettings = SETTINGS) -> WindowBatch:
    found = [windows(settings).nothing, *batches]
    return WindowBatch(
        np.concatenate([batch.sequences for batch in found]), np.concatenate([batch.facts for batch in found])
    )


def run(flows: FlowBatch, settings: WindowSettings = SETTINGS, **config: int) -> WindowBatch:
    """Return all windows of flows that come in one piece."""
    made = windows(settings, **config)
    made.push(flows)
    return join(made.flush(), settings)


def assert_same(one: WindowBatch, other: WindowBatch) -> None:
    assert one.facts.tobytes() == other.facts.tobytes()
    assert one.sequences.tobytes() == other.sequences.tobytes()


@st.composite
def traffic(draw: st.DrawFn, max_size: int = 40) -> FlowBatch:
    """Flows in the order in which a meter lets them go."""
    at_ms, flows = 0, []
    for _ in range(draw(st.integers(0, max_size))):
        at_ms += draw(st.sampled_from([0, 0, 1, 50, 249, 250, 251, 6000]))
        ends = draw(st.sampled_from([(0, 1), (0, 2), (0, 3), (1, 0), (2, 1)]))
        packets, replies = draw(st.sampled_from([(1, 0), (1, 1), (2, 0), (60, 40), (3, 2)]))
        flows.append(
            flow(
                at_ms,
                *(HOSTS[end] for end in ends),
                src_port=draw(st.sampled_from([1000, 1001])),
                dst_port=draw(st.sampled_from([80, 81, 1000])),
                protocol=draw(st.sampled_from([TCP, UDP])),
                src2dst_packets=packets,
                dst2src_packets=replies,
                src2dst_bytes=draw(st.sampled_from([60, 60, 401])) * packets,
                src2dst_rst_packets=draw(st.sampled_from([0, 1, packets])),
                src2dst_syn_packets=draw(st.sampled_from([0, 0, 1])),
                dst2src_rst_packets=draw(st.sampled_from([0, 0, replies])),
                expiration_id=draw(st.sampled_from([Expiry.IDLE, Expiry.ACTIVE])),
                dst2src_bytes=40 * replies,
                bidirectional_first_seen_ms=EPOCH_MS + at_ms - draw(st.sampled_from([10, 20, 900])),
                source=draw(st.sampled_from([0, 0, 0, 1])),
            )
        )
    return batch(flows)


@dataclass
class _Host:
    role: Role
    settings: WindowSettings
    held: deque[tuple[FlowBatch, NDArray[np.float64]]] = field(init=False)
    seen: int = 0
    context: NDArray[np.float64] = field(default_factory=lambda: np.zeros(len(CONTEXT)))
    context_ms: int = 0

    def __post_init__(self) -> None:
        self.held = deque(maxlen=self.settings.length_flows)


@dataclass(frozen=True)
class Expected:
    """One window that is due."""

    facts: dict[str, Any]
    sequence: NDArray[np.float32]


def expected(flows: FlowBatch, settings: WindowSettings = SETTINGS) -> Iterator[Expected]:
    """Yield the windows that are due, one host and flow after the other."""
    hosts: dict[tuple[Role, bytes, int], _Host] = {}
    numbers = flows["export_ms"] // settings.interval_ms
    for number in np.unique(numbers):
        end_ms = (int(number) + 1) * settings.interval_ms
        for role in (Role.TARGET, Role.SOURCE):
            groups: dict[tuple[Role, bytes, int], list[FlowBatch]] = {}
            for at in np.flatnonzero(numbers == number).tolist():
                key = (role, flows[at][ENDS[role][0]].tobytes(), int(flows[at]["source"]))
                groups.setdefault(key, []).append(flows[at : at + 1])
            for key, found in groups.items():
                host, came = hosts.setdefault(key, _Host(role, settings)), batch(found)
                _enter(host, came, end_ms)
                many = int(came["bidirectional_packets"].sum())
                if host.seen >= settings.min_flows or many >= settings.min_packets:
                    yield _due(host, came, end_ms)


def _enter(host: _Host, came: FlowBatch, end_ms: int) -> None:
    told = _count(came, host.role)
    names = ("flows", "packets", "bytes", "unanswered", "peers", "ports")
    added = np.array([*(told[name] for name in names), len(set(came["src_port"].tolist()))], float)
    faded = np.exp(-(end_ms - host.context_ms) / host.settings.horizon_ms)
    host.context = host.context * faded + added
    host.context_ms = end_ms
    host.seen += len(came)
    host.held.extend((came[at : at + 1], host.context) for at in range(len(came)))


def _count(flows: FlowBatch, role: Role) -> dict[str, int]:
    return {
        "flows": len(flows),
        "packets": int(flows["bidirectional_packets"].sum()),
        "bytes": int(flows["bidirectional_bytes"].sum()),
        "unanswered": int((flows["dst2src_packets"] == 0).sum()),
        "peers": len({words.tobytes() for words in flows[ENDS[role][1]]}),
        "ports": len(set(flows["dst_port"].tolist())),
        "first_ms": int(flows["bidirectional_first_seen_ms"].min()),
        "last_ms": int(flows["bidirectional_last_seen_ms"].max()),
    }


PORTS = ("dst_port", "src_port")
KINDS = (
    *("replies", "refused", "pieces", "served", "ended", "bulk", "lasting"),
    *("uniform", "torrents", "strays", "icmp", "grouped"),
)


def _kinds(flow: np.void) -> set[str]:
    """What a flow is by its flags; most are nothing in particular."""
    sent = {flag: int(flow[f"src2dst_{flag}_packets"]) for flag in ("syn", "ack", "rst")}
    back = {flag: int(flow[f"dst2src_{flag}_packets"]) for flag in ("syn", "rst")}
    found = {"lasting"} if flow["expiration_id"] == Expiry.ACTIVE else set()
    if address(flow["dst_ip"]).is_multicast or bytes(flow["dst_mac"]) == b"\xff" * 6:
        found.add("grouped")
    if flow["protocol"] in (1, 58):
        found.add("icmp")
    if flow["protocol"] != TCP:
        return found | _streams(flow)
    if flow["src2dst_syn_packets"] >= 20 or ("lasting" in found and _unheard(flow)):
        found.add("torrents")
    ended = {"replies"} if (sent["ack"] if sent["syn"] else sent["rst"]) == flow["src2dst_packets"] else set()
    if flow["dst2src_packets"] == back["rst"] > 0:
        ended.add("refused")
    if flow["dst2src_packets"] and not (ended or sent["syn"] or back["syn"]):
        told = flow["dst2src_psh_packets"] and not flow["dst2src_fin_packets"]
        found |= {"pieces", "served"} if told else {"pieces"}
    if flow["src2dst_fin_packets"] and flow["dst2src_fin_packets"]:
        found.add("ended")
    full = int(flow["bidirectional_bytes"]) >= 700 * int(flow["bidirectional_packets"])
    words = min(int(flow["src2dst_psh_packets"]), int(flow["dst2src_psh_packets"]))
    if full and words <= 2 and flow["dst2src_packets"] and (found & {"lasting", "pieces"}):
        found.add("bulk")
    nothing = flow["dst2src_packets"] == back["rst"] and not (sent["syn"] or back["syn"])
    if nothing and int(flow["src2dst_bytes"]) > 400 * int(flow["src2dst_packets"]):
        found.add("strays")
    return found | ended


def _unheard(flow: np.void) -> bool:
    """Whether a host hardly answers what another sends on and on, in packets that are not full."""
    sent, back = int(flow["src2dst_packets"]), int(flow["dst2src_packets"])
    return back > 0 and sent >= 32 * back and 400 * sent < int(flow["src2dst_bytes"]) < 1200 * sent


def _streams(flow: np.void) -> set[str]:
    """What a flow without TCP is by its sizes: datagrams as alike as no camera's."""
    packets, secs = int(flow["src2dst_packets"]), max(1.0, int(flow["bidirectional_duration_ms"]) / 1000)
    alike = flow["bidirectional_stddev_ps"] == 0 and int(flow["bidirectional_bytes"]) < 1200 * packets
    if flow["expiration_id"] != Expiry.ACTIVE or flow["dst2src_packets"] or not alike:
        return set()
    return {"uniform", "torrents"} if packets / secs >= 2000 else {"uniform"}


def _due(host: _Host, came: FlowBatch, end_ms: int) -> Expected:
    held = batch([one for one, _ in host.held])
    own, other = ENDS[host.role]
    peers = [words.tobytes() for words in held[other]]
    often = Counter(peers)
    newest = max(at for at, peer in enumerate(peers) if often[peer] == max(often.values()))
    exemplar = held[newest]
    names = ("src_ip", "src_port", "dst_ip", "dst_port", "protocol", "vlan_id")
    facts: dict[str, Any] = {
        "host": held[0][own].tolist(),
        "role": host.role,
        "source": int(held[0]["source"]),
        "time_ms": end_ms,
        "top_peer": exemplar[other].tolist(),
        "top_peer_flows": often[peers[newest]],
        **dict.fromkeys(KINDS, 0),
        **Counter(kind for one in held for kind in _kinds(one)),
        **_count(held, host.role),
        **{f"interval_{name}": value for name, value in _count(came, host.role).items()},
        "services": len(set(zip(peers, held["dst_port"].tolist(), strict=True))),
        "connections": len(set(zip(peers, *(held[name].tolist() for name in PORTS), strict=True))),
        **{name: exemplar[name].tolist() for name in names},
    }
    contexts = np.array([context for _, context in host.held])
    rows = np.concatenate([flow_features(held), contexts, related(held, peers, host.role)], axis=1)
    padding = np.zeros((host.settings.length_flows - len(held), rows.shape[1]))
    return Expected(facts, np.concatenate([padding, rows]).astype(np.float32))


def related(held: FlowBatch, peers: list[bytes], role: Role) -> NDArray[np.float64]:
    """Compare each flow with those before it, in the order of `RELATIONS`."""
    times = held["bidirectional_first_seen_ms"].tolist()
    ports, source_ports = held["dst_port"].tolist(), held["src_port"].tolist()
    sizes = held[["src2dst_packets", "src2dst_bytes"]].tolist()
    silent = (held["dst2src_packets"] == 0).tolist()
    rows = []
    for at in range(len(held)):
        before = max(at, 1)
        rows.append(
            [
                abs(times[at] - times[at - 1]) if at else 0,
                max(times) - times[at],
                peers[at] not in peers[:at],
                ports[at] not in ports[:at],
                source_ports[at] not in source_ports[:at],
                at > 0 and peers[at] == peers[at - 1],
                at > 0 and sizes[at] == sizes[at - 1],
                len(set(peers[: at + 1])),
                len(set(ports[: at + 1])),
                len(set(source_ports[: at + 1])),
                peers[:at].count(peers[at]) / before,
                ports[:at].count(ports[at]) / before,
                sum(silent[: at + 1]) / (at + 1),
                at + 1,
                role is Role.TARGET,
                1,
            ]
        )
    return np.array(rows, float)
