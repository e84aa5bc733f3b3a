"""Metrics as Prometheus and node_exporter read them."""

import errno
import shutil
import socket
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from detector.config import MetricsConfig
from detector.errors import IotidsError
from detector.metrics.exposition import MetricsServer, start_server, write_textfile
from detector.metrics.families import FAMILIES
from detector.metrics.record import Record
from detector.records import Alert, Category, Expiry, State

ANY_PORT = MetricsConfig(port=0)


def busy_record() -> Record:
    """Every family with at least one series."""
    record = Record()
    record.set_bundle("default", "sha256:00")
    record.open_capture("eth0", ignored=["not_ip"])
    record.set_capture("eth0", packets=3, last_packet_ms=1500, dropped={"kernel": 1}, ignored={"not_ip": 2})
    record.set_flows({Expiry.IDLE: 4}, 5, {("features", "not_finite"): 6})
    record.set_incidents({Category.DOS: 1}, {"allowed": 7})
    record.set_sink_errors({"file": 8})
    record.set_sink("file", up=False, dropped={"stopped": 2})
    record.observe_scoring(9, 0.003)
    record.observe_alerts([Alert(State.OPEN, Category.DOS, 1, 0.9, 2500, 1000, "a", "b", "c", {})])
    return record


def text(record: Record, folder: Path) -> str:
    path = folder / "iotids.prom"
    write_textfile(record, path)
    return path.read_text()


@pytest.fixture
def server() -> Iterator[MetricsServer]:
    served = start_server(busy_record(), ANY_PORT)
    yield served
    served.close()


def get(url: str, context: ssl.SSLContext | None = None) -> str:
    with urllib.request.urlopen(url, timeout=5, context=context) as answer:  # noqa: S310 - our own server
        return str(answer.read().decode())


# The format.


def test_every_family_is_shown_with_its_kind_and_meaning(tmp_path: Path) -> None:
    lines = text(busy_record(), tmp_path).splitlines()
    for family in FAMILIES:
        assert f"# HELP {family.name} {family.meaning}" in lines
        assert f"# TYPE {family.name} {family.kind}" in lines


def test_values_are_shown_with_their_labels(tmp_path: Path) -> None:
    lines = text(busy_record(), tmp_path).splitlines()
    for line in (
        'iotids_packets_total{iface="eth0"} 3.0',
        'iotids_packets_dropped_total{iface="eth0",stage="kernel"} 1.0',
        'iotids_packets_dropped_total{iface="eth0",stage="meter"} 0.0',
        'iotids_flows_total{reason="idle"} 4.0',
        'iotids_flows_dropped_total{reason="not_finite",stage="features"} 6.0',
        'iotids_last_packet_timestamp_seconds{iface="eth0"} 1.5',
        'iotids_alerts_total{category="DoS",severity="1"} 1.0',
        'iotids_bundle_info{digest="sha256:00",name="default"} 1.0',
    ):
        assert line in lines


def test_buckets_are_cumulative(tmp_path: Path) -> None:
    lines = text(busy_record(), tmp_path).splitlines()
    shown = [line for line in lines if line.startswith("iotids_detection_latency_seconds")]
    assert shown[2:5] == [
        f'iotids_detection_latency_seconds_bucket{{le="{le}"}} {n}.0'
        for le, n in (("1.0", 0), ("2.0", 1), ("3.0", 1))
    ]
    assert shown[-3:] == [
        'iotids_detection_latency_seconds_bucket{le="+Inf"} 1.0',
        "iotids_detection_latency_seconds_count 1.0",
        "iotids_detection_latency_seconds_sum 1.5",
    ]


def test_hostile_names_stay_inside_their_label(tmp_path: Path) -> None:
    record = Record()
    names = ['a"} 1\niotids_fake 1', "back\\slash", "caf\udce9.pcap"]
    for name in names:
        record.open_capture(name)
    families = {one.name: one for one in text_string_to_metric_families(text(record, tmp_path))}
    assert "iotids_fake" not in families
    shown = [sample.labels["iface"] for sample in families["iotids_capture_up"].samples]
    assert shown == [*names[:2], "caf\\udce9.pcap"]


@pytest.mark.skipif(shutil.which("promtool") is None, reason="needs promtool (Debian package prometheus)")
@pytest.mark.parametrize("record", [Record(), busy_record()], ids=["fresh", "busy"])
def test_promtool_finds_nothing_to_say(record: Record, tmp_path: Path) -> None:
    content = text(record, tmp_path)
    result = subprocess.run(
        ["promtool", "check", "metrics"], input=content, capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


# The text file.


def test_the_text_file_leaves_out_what_node_exporter_has(tmp_path: Path) -> None:
    names = {one.name for one in text_string_to_metric_families(text(Record(), tmp_path))}
    assert all(name.startswith("iotids_") for name in names)


def test_the_text_file_is_replaced_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "iotids.prom"
    path.write_text("old")
    with path.open() as reader:
        write_textfile(Record(), path)
        assert reader.read() == "old"  # whoever reads it now keeps a whole file
    assert path.read_text().startswith("# HELP iotids_build_info")
    assert list(tmp_path.iterdir()) == [path]


def test_a_text_file_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "taken.prom").mkdir()
    with pytest.raises(IotidsError, match=r"taken\.prom: metrics cannot be written \(.*\), expected is"):
        write_textfile(Record(), tmp_path / "taken.prom")
    assert [path.name for path in tmp_path.iterdir()] == ["taken.prom"]


# The endpoint.


def test_metrics_are_served_with_those_of_the_process(server: MetricsServer) -> None:
    answer = get(f"http://127.0.0.1:{server.port}/metrics")
    assert 'iotids_packets_total{iface="eth0"} 3.0' in answer
    assert "process_resident_memory_bytes" in answer


def test_a_scrape_shows_the_present() -> None:
    record = Record()
    server = start_server(record, ANY_PORT)
    record.observe_scoring(42, 0.1)
    answer = get(f"http://127.0.0.1:{server.port}/metrics")
    server.close()
    assert "iotids_windows_scored_total 42.0" in answer


def test_only_this_machine_is_served(server: MetricsServer) -> None:
    with socket.create_connection(("127.0.0.1", server.port), 5) as there:
        assert there.getpeername()[0] == "127.0.0.1"
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.2", server.port), 5)


def test_ipv6() -> None:
    with socket.socket(socket.AF_INET6) as probe:
        if probe.connect_ex(("::1", 9)) == errno.EADDRNOTAVAIL:
            pytest.skip("needs IPv6 on the loopback interface")
    server = start_server(Record(), MetricsConfig(address="::1", port=0))
    answer = get(f"http://[::1]:{server.port}/metrics")
    server.close()
    assert "iotids_build_info" in answer


def test_a_closed_server_is_gone_and_closing_again_does_no_harm(server: MetricsServer) -> None:
    server.close()
    server.close()
    with pytest.raises(urllib.error.URLError, match="refused"):
        get(f"http://127.0.0.1:{server.port}/metrics")
    start_server(Record(), MetricsConfig(port=server.port)).close()


def test_a_port_that_is_taken_is_one_clear_line(server: MetricsServer) -> None:
    with pytest.raises(IotidsError) as caught:
        start_server(Record(), MetricsConfig(port=server.port))
    assert f"cannot listen on 127.0.0.1 port {server.port} (Address already in use)" in str(caught.value)
    assert caught.value.exit_code == 1


def test_an_address_of_another_machine() -> None:
    with pytest.raises(IotidsError, match=r"192\.0\.2\.1 port 0 \(Cannot assign requested address\)"):
        start_server(Record(), MetricsConfig(address="192.0.2.1", port=0))


def test_clients_that_talk_nonsense_or_leave_keep_nobody_out(
    server: MetricsServer, capfd: pytest.CaptureFixture[str]
) -> None:
    for nonsense in (b"", b"\x16\x03\x01\x00", b"GET", b"\xff" * 70_000):
        with socket.create_connection(("127.0.0.1", server.port), 5) as client:
            client.sendall(nonsense)
    assert "iotids_build_info" in get(f"http://127.0.0.1:{server.port}/metrics")
    assert capfd.readouterr().err == ""


def test_silent_clients_are_turned_away_beyond_a_number(server: MetricsServer) -> None:
    clients = [socket.create_connection(("127.0.0.1", server.port), 5) for _ in range(40)]
    for client in clients[16:]:
        client.settimeout(5)
        assert client.recv(1) == b""
    for client in clients:
        client.close()


def test_a_scrape_gives_its_place_back(server: MetricsServer) -> None:
    for _ in range(20):
        assert "iotids_build_info" in get(f"http://127.0.0.1:{server.port}/metrics")
