"""What a replay leaves: alerts, flows, metrics, the table, and what it says of broken captures."""

import os
import pty
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import orjson
import pytest

from detector.bundle import MeterSettings
from detector.config import CaptureConfig, MeterConfig
from detector.meter import Capture, PacketBlock, flow_table
from detector.records import FlowBatch, address
from tests.command import ATTACKS, PCAPS, QUIET, SCAN, Done, lines, start

Detect = Callable[..., Done]
SCHEMA = orjson.loads((Path(__file__).parents[2] / "configs" / "alert.schema.json").read_bytes())
TRUNCATED = PCAPS / "truncated.pcap"


def states(events: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(event["iotids"]["category"], event["iotids"]["state"]) for event in events]


@pytest.mark.parametrize("name", [*ATTACKS, *QUIET])
def test_an_attack_is_one_incident_and_quiet_is_none(name: str, detect: Detect) -> None:
    done = detect("--alerts", "-", "--pcap", PCAPS / name)
    assert done.code == 0
    checker = jsonschema.Draft202012Validator(SCHEMA)
    for event in done.events:
        checker.validate(event)
        assert event["pcap_filename"] == str(PCAPS / name)
    told = [] if name in QUIET else [(ATTACKS[name], "open"), (ATTACKS[name], "close")]
    assert states(done.events) == told


@pytest.mark.parametrize("speed", ["max", "100", "1000"])
def test_every_run_gives_the_same_bytes(speed: str, detect: Detect) -> None:
    first = detect("--alerts", "-", "--pcap", SCAN)
    again = detect("--alerts", "-", "--pcap", SCAN, "--speed", speed)
    assert first.out
    assert again.out == first.out


def test_a_table_tells_who_did_what_to_whom(detect: Detect) -> None:
    done = detect("--pcap", SCAN)
    text = done.out.decode()
    assert "1 incident" in text
    (row,) = [line for line in text.splitlines() if "Recon" in line]
    assert "192.168.123.226" in row
    assert "192.168.123.105" in row
    assert "2026-11-23 09:12" in row
    assert "2,095 packets read" in text
    assert done.err == b""


def test_with_alerts_on_stdout_the_table_goes_to_stderr(detect: Detect) -> None:
    done = detect("--alerts", "-", "--pcap", SCAN)
    assert [event["event_type"] for event in done.events] == ["alert", "alert"]
    assert b"1 incident" in done.err


def test_alerts_are_appended_to_a_file(detect: Detect, tmp_path: Path) -> None:
    path = tmp_path / "alerts.json"
    path.write_text('{"before": 1}\n')
    assert detect("--pcap", SCAN, "--alerts", path).code == 0
    assert lines(path.read_bytes())[0] == {"before": 1}
    assert len(lines(path.read_bytes())) == 3


def test_a_truncated_capture_keeps_what_was_read(detect: Detect, tmp_path: Path) -> None:
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(SCAN.read_bytes()[:-7])
    done = detect("--alerts", tmp_path / "alerts", "--flows", tmp_path / "flows", "--pcap", cut)
    assert done.code == 3
    assert done.err.startswith(f"error: {cut}: broken after packet 2094 at byte ".encode())
    assert done.err.count(b"\n") == 1
    assert b"2,094 packets read" in done.out
    assert states(lines((tmp_path / "alerts").read_bytes())) == [("Recon", "open"), ("Recon", "close")]
    assert (tmp_path / "flows").stat().st_size


def test_one_missing_file_does_not_hide_the_others(detect: Detect, tmp_path: Path) -> None:
    done = detect("--alerts", "-", "--pcap", tmp_path / "none.pcap", SCAN, TRUNCATED)
    assert done.code == 3
    assert states(done.events) == [("Recon", "open"), ("Recon", "close")]
    errors = [line for line in done.err.decode().splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert "none.pcap: no such file" in errors[0]
    assert "truncated.pcap: broken after packet 66" in errors[0]


def test_a_directory_is_read_in_name_order(detect: Detect, tmp_path: Path) -> None:
    for number, name in enumerate(("quiet-home.pcap", "scan-among-devices.pcap")):
        (tmp_path / f"{1 - number}.pcap").write_bytes((PCAPS / name).read_bytes())
    (tmp_path / "notes.txt").write_text("no capture")
    done = detect("--alerts", "-", "--pcap", tmp_path)
    listed = detect("--alerts", "-", "--pcap", tmp_path / "0.pcap", tmp_path / "1.pcap")
    assert done.code == 0
    assert done.out == listed.out
    assert states(done.events) == [("Recon", "open"), ("Recon", "close")]


def test_a_capture_comes_through_a_pipe(rule_bundle: Path, detect: Detect) -> None:
    process = start(
        *("--bundle", rule_bundle, "--alerts", "-", "--pcap", "-"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    out, _ = process.communicate(SCAN.read_bytes(), timeout=60)
    assert process.returncode == 0
    named = detect("--alerts", "-", "--pcap", SCAN)
    assert lines(out) == [event | {"pcap_filename": "-"} for event in named.events]


def metered(path: Path) -> FlowBatch:
    table, block = flow_table(MeterSettings(), MeterConfig(), max_step_ms=60_000), PacketBlock()
    capture = Capture.open_file(str(path), CaptureConfig(), decode_tunnels=True)
    while not capture.ended:
        capture.read(block)
        assert table.consume(block, final=capture.ended)
    capture.close()
    table.end()
    return table.take()


@pytest.mark.parametrize("name", [*ATTACKS, *QUIET])
def test_flows_are_the_meters_own(name: str, detect: Detect, tmp_path: Path) -> None:
    path = tmp_path / "flows.json"
    detect("--pcap", PCAPS / name, "--flows", path)
    found, flows = lines(path.read_bytes()), metered(PCAPS / name)
    assert len(found) == len(flows) > 10
    plain = [each for each in flows.dtype.names or () if each[4:] not in {"ip", "mac"} and each != "source"]
    for field in plain:
        assert [flow[field] for flow in found] == flows[field].tolist(), field
    assert [flow["src_ip"] for flow in found] == [str(address(words)) for words in flows["src_ip"]]
    assert [flow["id"] for flow in found] == list(range(len(flows)))


def test_metrics_are_left_for_the_textfile_collector(detect: Detect, tmp_path: Path) -> None:
    path = tmp_path / "iotids.prom"
    assert detect("--pcap", SCAN, "--metrics-textfile", path).code == 0
    text = path.read_text()
    assert 'iotids_packets_total{iface="replay"} 2095.0' in text
    assert 'iotids_alerts_total{category="Recon",severity="2"} 2.0' in text
    assert 'iotids_open_incidents{category="Recon"} 0.0' in text
    assert 'iotids_capture_up{iface="replay"} 0.0' in text
    assert "iotids_config_last_reload_successful 1.0" in text


def test_a_check_reads_and_writes_nothing(detect: Detect, tmp_path: Path) -> None:
    done = detect("--check", "--alerts", tmp_path / "alerts.json")
    assert done.code == 0
    assert done.out.startswith(b"ok: configuration; bundle rules (sha256:")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("columns", ["", "forty", "-3", "0"])
def test_no_environment_breaks_the_table(
    columns: str, detect: Detect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    done = detect("--pcap", SCAN)
    assert done.code == 0
    assert b"192.168.123.226" in done.out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_replay_ends_on_request_with_what_it_found(
    number: signal.Signals, rule_bundle: Path, tmp_path: Path
) -> None:
    """The scan begins 15 s into 36 s, at this speed after 2 of 5."""
    alerts = tmp_path / "alerts.json"
    process = start(
        *("--bundle", rule_bundle, "--alerts", alerts, "--speed", "8", "--pcap", SCAN),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 60
    while not (alerts.exists() and alerts.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(number)
    sent = time.monotonic()
    out, errors = process.communicate(timeout=60)
    assert time.monotonic() - sent < 3
    assert (process.returncode, errors) == (0, b"")
    assert states(lines(alerts.read_bytes())) == [("Recon", "open"), ("Recon", "close")]
    assert b"1 incident" in out
    assert b"2,095 packets read" not in out


@pytest.mark.parametrize("given", [10, 100_000])
def test_a_pipe_that_gives_no_more_does_not_hold_up_the_end(given: int, rule_bundle: Path) -> None:
    """Neither among its packets nor inside its header."""
    options = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    process = start("--bundle", rule_bundle, "--pcap", "-", **options)
    assert process.stdin is not None
    process.stdin.write(SCAN.read_bytes()[:given])
    process.stdin.flush()
    deadline = time.monotonic() + 60
    while not catches(process.pid, signal.SIGTERM) and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.3)  # now it reads
    process.send_signal(signal.SIGTERM)
    assert process.wait(3) == 0
    out, errors = process.communicate()
    assert b"packets read" in out
    assert errors == b""


def catches(pid: int, number: int) -> bool:
    """Tell whether a process has a handler for a signal."""
    status = Path(f"/proc/{pid}/status").read_text()
    (caught,) = (line.split()[1] for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught, 16) >> (number - 1) & 1)


def test_only_a_terminal_sees_a_progress_bar(rule_bundle: Path) -> None:
    master, slave = pty.openpty()
    process = start(
        *("--bundle", rule_bundle, "--speed", "60", "--pcap", SCAN),
        stdin=slave,
        stdout=subprocess.PIPE,
        stderr=slave,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
    )
    os.close(slave)
    out, _ = process.communicate(timeout=60)
    shown = os.read(master, 65_536).decode()
    os.close(master)
    assert process.returncode == 0
    assert "file 1 of 1" in shown
    assert "━" in shown
    assert b"1 incident" in out
    assert b"file 1 of 1" not in out
