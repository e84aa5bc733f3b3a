"""SIGHUP to a daemon that watches: all or nothing, and what is known stays. Needs root."""

import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import rules
from tests.live.watching import Watching, watching
from tests.network import cable, plug, until
from tests.traffic import SYN, segment

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("namespace")]
OK, AT = "iotids_config_last_reload_successful", "iotids_config_last_reload_timestamp_seconds"
PACKETS = 'iotids_packets_total{iface="in0"}'
GOOD = "[metrics]\nport = 9469\n[incidents]\nclose_after_secs = 60.0\n"
BAD = {
    "no TOML": ("[incidents\n", "is no TOML"),
    "an unknown key": (GOOD + "colour = 1\n", "colour"),
    "a bad value": (GOOD + "open_after = 0\n", "open_after"),
    "an option that needs a start": (GOOD + "[window]\nmax_hosts = 100\n", "[window] max_hosts changed"),
    "another interface": (GOOD + "[capture]\nworkers = 2\n", "[capture] workers changed"),
}


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return rules.write(tmp_path / "rules")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "iotids.toml"
    path.write_text(GOOD)
    return path


@pytest.fixture
def watch(bundle: Path, config: Path, tmp_path: Path) -> Iterator[Watching]:
    cable("in0", "out0")
    with watching(bundle, tmp_path, "in0", config=config) as running:
        yield running


def scan(source: str) -> None:
    with plug("out0") as send:
        for port in range(1, 601):
            send(segment(0, source, "10.0.0.5", (40_000, port), SYN).data)
            if port % 50 == 0:
                time.sleep(0.02)


def opened(watch: Watching) -> set[str]:
    return {event["src_ip"] for event in watch.events() if event["iotids"]["state"] == "open"}


def test_new_rules_hold_from_now_on_and_what_is_open_stays_open(watch: Watching, config: Path) -> None:
    scan("10.0.0.66")
    until(lambda: opened(watch) == {"10.0.0.66"}, 10)
    read_at, packets = watch.value(AT), watch.value(PACKETS)
    config.write_text(GOOD + 'allow = ["10.0.0.77"]\n')
    watch.process.send_signal(signal.SIGHUP)
    until(lambda: watch.value(AT) > read_at, 10)
    assert watch.value(OK) == 1
    for source in ("10.0.0.77", "10.0.0.88"):
        scan(source)
    until(lambda: opened(watch) == {"10.0.0.66", "10.0.0.88"}, 10)
    until(lambda: watch.value('iotids_alerts_suppressed_total{reason="allowed"}') > 0, 3)
    until(lambda: watch.value('iotids_open_incidents{category="Recon"}') == 2, 3)
    until(lambda: watch.value(PACKETS) >= packets + 1200, 3)
    assert watch.value('iotids_restarts_total{reason="capture"}') == 0
    done, _ = watch.stop()
    assert done.code == 0
    states = [event["iotids"]["state"] for event in watch.events()]
    assert sorted(states) == ["close", "close", "open", "open"]


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_changes_nothing_and_the_log_says_why(case: str, watch: Watching, config: Path) -> None:
    text, saying = BAD[case]
    read_at = watch.value(AT)
    config.write_text(text)
    watch.process.send_signal(signal.SIGHUP)
    until(lambda: watch.value(OK) == 0, 10)
    assert watch.value(AT) == read_at
    scan("10.0.0.66")
    until(lambda: opened(watch) == {"10.0.0.66"}, 10)
    config.write_text(GOOD)
    watch.process.send_signal(signal.SIGHUP)
    until(lambda: watch.value(OK) == 1, 10)
    done, _ = watch.stop()
    (line,) = [line for line in done.err.decode().splitlines() if "Not reloaded, all is as it was" in line]
    assert saying in line


def test_a_new_bundle_takes_over_and_a_damaged_one_does_not(watch: Watching, bundle: Path) -> None:
    old = next(line for line in watch.metrics().splitlines() if line.startswith("iotids_bundle_info"))
    (bundle / "model.onnx").write_bytes(b"damaged")
    watch.process.send_signal(signal.SIGHUP)
    until(lambda: watch.value(OK) == 0, 10)
    assert old in watch.metrics()
    shutil.rmtree(bundle)
    rules.write(bundle, name="better")
    watch.process.send_signal(signal.SIGHUP)
    until(lambda: watch.value(OK) == 1, 10)
    assert old not in watch.metrics()
    assert 'name="better"' in watch.metrics()
    scan("10.0.0.66")
    until(lambda: opened(watch) == {"10.0.0.66"}, 10)
    assert watch.stop()[0].code == 0
