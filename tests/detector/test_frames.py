"""Made traffic, as tshark reads it."""

import shutil
import subprocess
from pathlib import Path

import pytest

from detector.frames import Ends, conversation, exchange, write
from tests.detector.test_run import metered

ENDS = Ends("192.168.7.30", 40_000, "203.0.113.80", 80)


def test_tshark_finds_whole_conversations(tmp_path: Path) -> None:
    if shutil.which("tshark") is None:
        pytest.skip("needs the program tshark")
    path = tmp_path / "made.pcap"
    write(path, [*exchange(2.0, ENDS._replace(dst_port=53), 36, 120), *conversation(1.0, ENDS, (300, 2000))])
    fields = ("frame.time_relative", "ip.src", "tcp.flags.str", "tcp.len", "udp.length")
    words = ["tshark", "-r", str(path), "-T", "fields", "-E", "separator=;"]
    words += [word for field in fields for word in ("-e", field)]
    told = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
    rows = [dict(zip(fields, line.split(";"), strict=True)) for line in told]
    flags = ["".join(letter for letter in row["tcp.flags.str"] if letter.isalpha()) for row in rows]
    assert flags[:8] == ["S", "AS", "A", "AP", "A", "AP", "AP", "A"]
    assert flags[8:] == ["AF", "AF", "A", "", ""]
    assert [row["tcp.len"] for row in rows[3:8]] == ["300", "0", "1460", "540", "0"]
    assert [row["udp.length"] for row in rows[-2:]] == ["44", "128"]
    assert {row["ip.src"] for row in rows} == {ENDS.src, ENDS.dst}
    assert float(rows[-2]["frame.time_relative"]) == pytest.approx(1.0)


def test_the_meter_sees_two_flows(tmp_path: Path) -> None:
    path = tmp_path / "made.pcap"
    write(path, [*conversation(1.0, ENDS, (300, 2000)), *exchange(2.0, ENDS._replace(dst_port=53), 36, 120)])
    flows = metered(path)
    assert flows["protocol"].tolist() == [6, 17]
    assert flows["bidirectional_packets"].tolist() == [11, 2]
    assert flows["dst_port"].tolist() == [80, 53]
