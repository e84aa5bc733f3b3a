"""The benchmark's own traffic and sums: what is measured must be what it says."""

from pathlib import Path

import numpy as np
import pytest

from tests.bench import attacks, captures, chart, endless, hour, packets, path, race, report, scenes
from tests.bench.packets import HEADER, Packets, frames, make
from tests.traffic import ACK, EPOCH_MS, FIN, ICMP, SYN, UDP, Frame, batch, datagram, flow, pcap, segment


def conversations(script: tuple[captures.Line, ...], count: int = 50) -> Packets:
    return captures.homely(np.random.default_rng(9), script, count, 10, 5, secs=10)


def flow_packets(capture: packets.Scene) -> list[int]:
    """How many packets each flow of a capture has, as the meter counts."""
    batches = list(path.metered(path.pipeline(None), capture.path))
    return list(np.concatenate(batches)["bidirectional_packets"].tolist())


def test_columns_become_the_frames_that_the_tests_write() -> None:
    """A segment and a datagram are, header for header, those of `tests.traffic`."""
    ends = {"src": 0x0A00_0001, "dst": 0x0A00_0002, "src_port": 40_000, "dst_port": 80}
    times = np.array([1_000])
    made = frames(make(times, **ends, flags=SYN)) + frames(make(times, **ends, protocol=UDP, payload=30))
    ours = pcap(
        [
            Frame(1, segment(1, "10.0.0.1", "10.0.0.2", (40_000, 80), SYN).data + bytes(6)),
            Frame(1, datagram(1, "10.0.0.1", "10.0.0.2", (40_000, 80), bytes(30)).data),
        ]
    )
    # Engine and libpcap do not look at these: MAC addresses, identification, sequence numbers, window.
    blank = [*range(16, 28), *range(34, 38), *range(54, 62), *range(64, 70)]
    for start, stop in ((0, 76), (76, 76 + 88)):
        one, other = (bytearray(each[start:stop]) for each in (made, ours[24:]))
        for at in blank if start == 0 else blank[:16]:
            one[at] = other[at] = 0
        assert one == other


def test_a_frame_is_kept_up_to_the_snap_length() -> None:
    """Sizes on the wire are told whole, however little is kept."""
    made = make(np.zeros(2, np.int64), payload=np.array([0, 1400]))
    assert len(frames(made)) == 2 * 16 + 60 + 250
    assert int(np.frombuffer(frames(made)[76 + 12 : 76 + 16], "<u4")[0]) == 1454


@pytest.mark.parametrize(("script", "length"), [(captures.LONG, 40), (captures.SHORT, 8)])
def test_connections_are_whole(script: tuple[captures.Line, ...], length: int) -> None:
    """Each begins with a handshake, ends with the FINs of both sides, and its times never go back."""
    made = conversations(script).reshape(-1, length)
    assert made["flags"][:, :3].tolist() == [[SYN, SYN | ACK, ACK]] * len(made)
    assert ((made["flags"] & FIN) > 0).sum(axis=1).tolist() == [2] * len(made)
    assert (np.diff(made["micros"], axis=1) >= 0).all()
    assert (made["micros"] < 10_000_000).all()


def test_a_device_knows_two_or_three_servers() -> None:
    """Devices talk to few servers of their own, as the docstring says."""
    made = conversations(captures.SHORT, 2000)[::8]
    known = {device: len(set(made["dst"][made["src"] == device])) for device in set(made["src"].tolist())}
    assert len(known) == 10
    assert set(known.values()) == {2, 3}


@pytest.mark.parametrize("scene", captures.SCENES)
def test_a_scene_is_the_same_each_time(scene: str, tmp_path: Path) -> None:
    """Byte for byte, in order, and as many packets as it says."""
    first, second = (captures.SCENES[scene](tmp_path / name) for name in ("first", "second"))
    assert first.path.read_bytes() == second.path.read_bytes()
    assert first.packets == second.packets > 100_000


def test_short_connections_are_a_flow_each(tmp_path: Path) -> None:
    """The meter finds as many flows as were made, whoever has them."""
    assert flow_packets(captures.of_hosts(tmp_path / "hosts.pcap", 7, connections=500)) == [8] * 500


def test_flows_open_at_once_go_on(tmp_path: Path) -> None:
    """They are cut by the active timeout, a few packets each, and never idle."""
    scene = captures.at_once(tmp_path / "open.pcap", 100, packets=1000)
    found = flow_packets(scene)
    assert sum(found) == 1000
    assert len(found) < 500


def test_sources_share_no_device(tmp_path: Path) -> None:
    """Each interface has a subnet of its own, and the servers are the same."""
    scenes_made = [captures.of_source(tmp_path / f"{number}.pcap", number, 50) for number in range(2)]
    flows = [np.concatenate(list(path.metered(path.pipeline(None), scene.path))) for scene in scenes_made]
    sources, targets = (
        [set(map(tuple, each[end].tolist())) for each in flows] for end in ("src_ip", "dst_ip")
    )
    assert not sources[0] & sources[1]
    assert targets[0] & targets[1]


def test_the_meter_alone_has_no_windows() -> None:
    """Flows go in, and nothing comes out."""
    none = path._NoWindows()
    none.push(batch([flow(0)]))
    assert list(none.advance(10_000)) == list(none.flush()) == []
    assert len(none.nothing) == 0


def test_the_endless_flood_repeats_no_source() -> None:
    """Far apart as well as close together."""
    numbers = np.concatenate([np.arange(start, start + 50_000) for start in (0, 72_000_000 - 50_000)])
    assert len(np.unique(endless.sources(numbers))) == len(numbers)


def test_floods_begin_when_they_say() -> None:
    """60 floods of every kind and rate, each on one host, from its beginning on."""
    made = attacks.floods(60)
    assert {(flood.kind, flood.spoofed) for flood in made} == {
        (kind, spoofed) for kind in ("SYN", "UDP", "ICMP") for spoofed in (True, False)
    }
    assert {flood.rate for flood in made} == set(attacks.RATES_PER_SEC)
    slow = next(flood for flood in made if flood.kind == "ICMP" and flood.rate == 500)
    sent = attacks.packets_of(slow)
    assert set(sent["protocol"]) == {ICMP}
    assert int(sent["micros"][0]) // 1000 + EPOCH_MS == slow.begins_ms


def test_the_best_round_is_the_fastest() -> None:
    runs = [{"secs": 2.0, "cpu_secs": 1.0, "flows": 4.0}, {"secs": 1.0, "cpu_secs": 2.0, "flows": 4.0}]
    assert race.best(runs) == runs[1]
    assert race.rates(runs[0], 8)["packets_per_sec"] == 4
    assert race.rates(runs[0], 8)["cpu_micros_per_flow"] == 250_000


def test_ratios_are_of_packets_per_second() -> None:
    found = {name: {"packets_per_sec": speed} for name, speed in (("iotids", 6.0), ("NFStreamer", 2.0))}
    assert race.ratios(found, "NFStreamer") == {"iotids": 3.0}
    assert (report.times(3.0), report.times(0.025)) == ("3.00 x", "1/40 of")


def test_a_table_lines_up() -> None:
    lines = report.table("what", ["s", "packets/s"], [["meter", 0.5, 123_456.7], ["x", None, 0.0]]).split(
        "\n"
    )
    assert lines == ["what      s  packets/s", "meter  0.50    123,457", "x         -          0"]


def test_quantiles_of_nothing_are_none() -> None:
    assert report.quantiles([], 50) == {"p50": None}
    assert report.quantiles([1, 2, 3], 50) == {"p50": 2.0}


def test_memory_is_read_off_and_its_slope_taken() -> None:
    samples = [(0.05, 100.0), (0.5, 110.0), (0.75, 115.0), (1.0, 120.0)]
    assert hour.near(samples, 0.05) == 100.0
    assert report.slope([0.5, 0.75, 1.0], [110.0, 115.0, 120.0]) == pytest.approx(20.0)
    assert report.slope([1.0], [5.0]) == 0.0


def test_every_packet_is_accounted_for() -> None:
    metrics = (
        'iotids_packets_total{iface="replay"} 10.0\n'
        'iotids_flows_total{reason="idle"} 6.0\niotids_flows_total{reason="evicted"} 3.0\n'
    )
    found = hour.account(10, metrics)
    assert (found["unread"], found["unaccounted"]) == (0, 1)
    assert found["flows"] == {"idle": 6, "evicted": 3}


def test_libpcap_reads_the_whole_file(tmp_path: Path) -> None:
    """The limit that the others are held against is a run of every contender's own process."""
    capture = captures.of_hosts(tmp_path / "hosts.pcap", 3, connections=20)
    found = race.measure("libpcap", None, [capture])
    assert found["packets"] == 160
    assert found["secs"] > 0


def test_bars_are_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    contenders = {name: {"packets_per_sec": 1e5 * (at + 1)} for at, name in enumerate(scenes.NAMES)}
    chart.draw({"flood": {"contenders": contenders}}, tmp_path / "bench.svg")
    assert "<svg" in (tmp_path / "bench.svg").read_text()


def test_the_header_is_that_of_a_pcap() -> None:
    assert pcap([]) == HEADER
