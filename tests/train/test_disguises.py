import itertools
from collections import Counter, defaultdict
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.records import CATEGORIES, address
from tests.command import PCAPS
from tests.traffic import ACK, ICMP, RST, SYN, Frame, ethernet, icmp, ip, segment
from tests.train import augmented
from tests.train.augmented import ANY_PACKETS, FLOOD, START
from train.augment import Options, augment
from train.disguises import Decoys, Jitter, Slow, has_scan
from train.extract import Extract, extract_capture
from train.packets import Packet, PacketFile, ends
from train.scene import Attacks, scene
from train.sources import CaptureSource
from train.truth import read_events
from train.variants import Variant

SCAN = CaptureSource(
    PCAPS / "scan-among-devices.pcap",
    "own/scan",
    "own",
    "Recon",
    "MIT",
    PCAPS / "scan-among-devices.json",
)
EVERYBODY = {"events": [augmented.event("Recon", ["*"], ["*"]) | {"start": 0.0, "end": 4e9}]}


def split(source: CaptureSource, packets: list[Packet]) -> tuple[list[Packet], list[Packet]]:
    """Part the attack's packets, by the untouched truth's addresses at any time, from the rest."""
    (event,) = scene(source).told["events"]
    attacks = Attacks({"events": [event | {"start": 0.0, "end": 4e9}]})
    attack = [p for p in packets if (known := ends(p.data, 1)) and attacks.of(p, known)]
    return attack, [p for p in packets if p not in set(attack)]


def labelled(folder: Path, source: CaptureSource, **options: list[float]) -> tuple[list[Packet], Extract]:
    """Make one variant, and label its windows by the truth that came with it."""
    made = augment([source], folder, Options(**options))  # type: ignore[arg-type] # one list of numbers
    (name,) = made.made
    path = folder / f"{name}.pcap"
    return list(PacketFile(path)), extract_capture(path, read_events(path.with_suffix(".json")))


def in_order(packets: list[Packet]) -> bool:
    return all(one.at_us <= next_one.at_us for one, next_one in itertools.pairwise(packets))


@pytest.mark.parametrize("source", [SCAN, FLOOD], ids=lambda source: source.name)
def test_the_attack_alone_is_slowed(source: CaptureSource, tmp_path: Path) -> None:
    before, after = list(PacketFile(source.path)), labelled(tmp_path, source, slow=[3])[0]
    (attack, rest), (slowed, kept) = split(source, before), split(source, after)
    assert kept == rest
    assert [packet.data for packet in slowed] == [packet.data for packet in attack]
    gaps = [3 * (b.at_us - a.at_us) for a, b in itertools.pairwise(attack)]
    assert [b.at_us - a.at_us for a, b in itertools.pairwise(slowed)] == pytest.approx(gaps, abs=2)
    assert in_order(after)


@pytest.mark.parametrize(
    "options", [{"slow": [3]}, {"jitter": [1.5]}, {"padding": [300]}, {"decoys": [5]}], ids=str
)
def test_the_truth_finds_the_disguised_attack(options: dict[str, list[float]], tmp_path: Path) -> None:
    """Whatever the truth calls ordinary is what it called ordinary before, and the rest is the scan."""
    (event,) = scene(SCAN).told["events"]
    attack, rest = split(SCAN, list(PacketFile(SCAN.path)))
    packets, found = labelled(tmp_path, SCAN, **options)
    truth = augmented.truth(next(tmp_path.glob("*.pcap")))
    attacks = Attacks(truth)
    named = [p for p in packets if (known := ends(p.data, 1)) and attacks.of(p, known)]
    assert len(named) >= len(attack)
    assert [p for p in packets if p not in set(named)] == rest
    recon = found.facts[found.labels == CATEGORIES.index("Recon")]
    hosts = {str(address(words)) for words in recon["host"]}
    assert hosts >= {*event["attackers"], *event["victims"]}
    assert hosts <= {*truth["events"][0]["attackers"], *event["victims"]}


@given(packets=ANY_PACKETS, secs=st.floats(0.001, 5), seed=st.text(max_size=3))
def test_jitter_keeps_conversations_in_order(packets: list[Packet], secs: float, seed: str) -> None:
    def flows(given: list[Packet]) -> dict[object, list[bytes]]:
        found: dict[object, list[bytes]] = defaultdict(list)
        for packet in given:
            known = ends(packet.data, 1)
            if known:
                pair = sorted(
                    [(known.src, (known.ports or (0, 0))[0]), (known.dst, (known.ports or (0, 0))[1])]
                )
                found[known.protocol, *pair].append(packet.data)
        return found

    packets.sort(key=lambda packet: packet.at_us)
    made = list(Jitter(EVERYBODY, secs, seed).packets(packets, 1))
    assert Counter(p.data for p in made) == Counter(p.data for p in packets)
    assert in_order(made)
    assert flows(made) == flows(packets)
    assert made == list(Jitter(EVERYBODY, secs, seed).packets(packets, 1))


def test_an_answer_comes_as_soon_after_a_delayed_probe(tmp_path: Path) -> None:
    few = ["10.0.0.66"]
    event = augmented.event("DoS", few)
    source = augmented.write(tmp_path, "dos-1", augmented.flood(few), event)
    before = augmented.packets(source.path)
    variant = Jitter({"events": [event]}, 0.5, "x")
    made = list(variant.packets(before, 1))
    at = {packet.data: packet.at_us for packet in made}
    probes = [packet for packet in before if (k := ends(packet.data, 1)) and k.ports and k.ports[1] == 80]
    delays = [at[probe.data] - probe.at_us for probe in probes]
    assert all(0 <= delay <= 500_000 for delay in delays)
    assert len(set(delays)) > 30
    for probe, answer in (
        itertools.batched(before, 2)
        if hasattr(itertools, "batched")
        else zip(before[::2], before[1::2], strict=True)
    ):
        assert at[answer.data] - at[probe.data] == 1000
    assert variant.events([event]) == [event | {"end": event["end"] + 0.5}]


def scan(ports: int = 12) -> list[Frame]:
    """Return a SYN scan: open and closed ports, what the scanner's kernel says to the open ones."""
    frames, attacker, victim = [], "10.0.0.66", augmented.VICTIM
    for port in range(1, 1 + ports):
        at = 1000 + 10 * port
        frames.append(segment(at, attacker, victim, (40_000, port), SYN))
        frames.append(segment(at + 1, victim, attacker, (port, 40_000), (SYN if port % 2 else RST) | ACK))
        if port % 2:
            frames.append(segment(at + 2, attacker, victim, (40_000, port), RST))
    quoted = ip(attacker, victim, 17, bytes(8))
    frames.append(Frame(1500, ethernet(ip(victim, attacker, ICMP, icmp(3, quoted)))))
    return frames


def test_decoys_send_each_probe_and_get_each_answer() -> None:
    event = augmented.event("Recon", ["10.0.0.66"])
    source_frames = scan()
    packets = [Packet(round((START * 1000 + f.at_ms) * 1000), f.data, len(f.data)) for f in source_frames]
    variant = Decoys({"events": [event]}, 4, "x")
    made = list(variant.packets(packets, 1))
    (told,) = variant.events([event])
    assert len(told["decoys"]) == 4
    assert told["attackers"] == ["10.0.0.66", *told["decoys"]]
    assert all(ip_address(host) in ip_network("198.18.0.0/15") for host in told["decoys"])
    sent, got = Counter[str](), Counter[str]()
    for packet in made:
        known = ends(packet.data, 1)
        assert known is not None
        sent[str(ip_address(known.src))] += 1
        got[str(ip_address(known.dst))] += 1
    assert {sent[host] for host in told["decoys"]} == {12}
    assert {got[host] for host in told["decoys"]} == {13}
    assert (sent["10.0.0.66"], got["10.0.0.66"]) == (18, 13)
    assert in_order(made)
    places = {[p.data for p in made[n : n + 5]].index(packets[0].data) for n in (0,)}
    assert places <= set(range(5))
    for packet in made[-5:]:  # an ICMP error quotes whom it is sent to
        assert packet.data[30:34] == packet.data[14 + 20 + 8 + 12 :][:4]


def test_decoys_of_everybody_are_everybody() -> None:
    event = augmented.event("Recon", ["*"])
    variant = Decoys({"events": [event]}, 2, "x")
    list(variant.packets([Packet(round(START * 1e6) + 1_500_000, scan()[0].data, 54)], 1))
    (told,) = variant.events([event])
    assert (told["attackers"], len(told["decoys"])) == (["*"], 2)


def test_decoys_hide_no_flood(tmp_path: Path) -> None:
    assert (has_scan(scene(SCAN).told), has_scan(scene(FLOOD).told)) == (True, False)
    made = augment([SCAN, FLOOD], tmp_path, Options(decoys=[3]))
    assert made.made == ["own_scan-decoys3"]
    assert made.left_out == {"own/flood": "decoys hide scans, and it holds none: none were made"}
    untouched = list(PacketFile(FLOOD.path))
    assert list(Decoys(scene(FLOOD).told, 3, "x").packets(untouched, 1)) == untouched


@given(packets=ANY_PACKETS, count=st.integers(1, 5))
def test_whatever_the_packets_decoys_only_add(packets: list[Packet], count: int) -> None:
    variant: Variant = Decoys(EVERYBODY, count, "x")
    made = list(variant.packets(packets, 1))
    assert Counter(packets) - Counter(made) == Counter()
    assert [packet for packet in made if packet in set(packets)] == packets
    assert Slow(EVERYBODY, 2, PCAPS).name == "slow2"
