"""The daemon among real programs, in namespaces that end with the test. Needs root."""

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from urllib.request import urlopen

import pytest

from tests.live.watching import watching
from tests.network import cable, ip, plug, second_host, skip_without_rights, until
from tests.traffic import SYN, datagram, segment

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("namespace")]
FRAME = datagram(0, "10.0.0.1", "10.0.0.2", (40_000, 53), b"x" * 20).data
FLOOD = [segment(0, "10.0.0.66", "10.0.0.5", (1024 + n, 80), SYN).data for n in range(20_000)]


@contextmanager
def flood(interface: str, packets: int) -> Iterator[None]:
    """Send SYNs as fast as one thread can, `packets` at most and until the end of the block."""
    over = Event()

    def run() -> None:
        with plug(interface) as send:
            for number in range(packets):
                send(FLOOD[number % len(FLOOD)])
                if over.is_set():
                    return

    thread = Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_a_scan_among_real_traffic_on_one_of_two_interfaces(rule_bundle: Path, tmp_path: Path) -> None:
    skip_without_rights("nmap", "ping", "promtool")
    for interface, far, net in (("lan0", "far0", "10.9.0"), ("lan1", "far1", "10.9.1")):
        cable(interface, far)
        ip(f"addr add {net}.1/24 dev {interface}")
    with (
        second_host("far0", "10.9.0.2/24") as stranger,
        second_host("far1", "10.9.1.2/24") as server,
        watching(rule_bundle, tmp_path, "lan0", "lan1") as watch,
    ):
        web = subprocess.Popen([*server, "python3", "-m", "http.server", "80"], stderr=subprocess.DEVNULL)
        try:
            scan = [*stranger, "nmap", "-sS", "-Pn", "-n", "-T4", "--max-rate", "300", "-p1-600", "10.9.0.1"]
            scanning = subprocess.Popen(scan, stdout=subprocess.DEVNULL)
            ping = ["ping", "-c", "10", "-i", "0.2", "10.9.1.2"]
            subprocess.run(ping, check=True, stdout=subprocess.DEVNULL)
            with urlopen("http://10.9.1.2/", timeout=5) as page:
                assert page.read()
            assert scanning.wait(30) == 0
        finally:
            web.kill()
            web.wait()
        until(lambda: bool(watch.events()), 5)
        checked = subprocess.run(
            ["promtool", "check", "metrics"], input=watch.metrics().encode(), check=False
        )
        assert checked.returncode == 0
        assert watch.value('iotids_packets_total{iface="lan0"}') > 1000
        assert watch.value('iotids_packets_total{iface="lan1"}') > 25
        done, secs = watch.stop()
    assert (done.code, secs < 3) == (0, True)
    told = [(event["iotids"]["category"], event["iotids"]["state"]) for event in watch.events()]
    assert told == [("Recon", "open"), ("Recon", "close")]
    (first, _) = watch.events()
    assert (first["in_iface"], first["src_ip"], first["dest_ip"]) == ("lan0", "10.9.0.2", "10.9.0.1")
    assert b"Traceback" not in done.err


def test_the_flow_of_one_packet_leaves_a_quiet_link(rule_bundle: Path, tmp_path: Path) -> None:
    """Idle timeout and a second; the metrics are up to one more behind."""
    cable("in0", "out0")
    with watching(rule_bundle, tmp_path, "in0") as watch, plug("out0") as send:
        sent = time.monotonic()
        send(FRAME)
        until(lambda: watch.value('iotids_flows_total{reason="idle"}') == 1, 5)
        assert time.monotonic() - sent < 1 + 1 + 1
        assert watch.value("iotids_active_flows") == 0
        assert watch.stop()[0].code == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_in_a_flood_ends_it_in_time(
    number: signal.Signals, rule_bundle: Path, tmp_path: Path
) -> None:
    cable("in0", "out0")
    with watching(rule_bundle, tmp_path, "in0") as watch:
        with flood("out0", 2_000_000):
            until(lambda: bool(watch.events()), 20)
            assert watch.opened() == {("DoS", "10.0.0.5")}
            done, secs = watch.stop(number)
        assert secs < 3
        assert done.code == 0
    states = [event["iotids"]["state"] for event in watch.events()]
    assert (states[0], states[-1], states.count("close")) == ("open", "close", 1)


def test_an_interface_that_goes_is_noticed_and_taken_back(rule_bundle: Path, tmp_path: Path) -> None:
    cable("in0", "out0")
    cable("in1", "out1")
    with watching(rule_bundle, tmp_path, "in0", "in1") as watch:
        up = 'iotids_capture_up{iface="in0"}'
        assert watch.value(up) == 1
        ip("link del in0")
        until(lambda: watch.value(up) == 0, 3)
        assert watch.value('iotids_capture_up{iface="in1"}') == 1
        cable("in0", "out0")
        until(lambda: watch.value(up) == 1, 4)
        with plug("out0") as send:
            send(FRAME)
        until(lambda: watch.value('iotids_packets_total{iface="in0"}') == 1, 3)
        done, _ = watch.stop()
    assert done.code == 0
    assert b"Capture lost: in0: " in done.err
