"""No name from outside begins a line of its own, on a terminal, in logs or in files."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.command import SCAN, Done

Detect = Callable[..., Done]
NAMES = [
    "a\n12:00:00 error: all is lost",
    'a\r\x1b[2J\x1b[31m"} 1\niotids_fake 1',
    "a\u2028{}\x00b".replace("\x00", "\x07"),
    os.fsdecode(b"caf\xe9\n{}"),
]
each = pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))


def printable(content: bytes) -> bool:
    return all(line.isprintable() for line in content.decode().split("\n"))


@each
def test_a_hostile_name_of_a_capture(name: str, detect: Detect, tmp_path: Path) -> None:
    capture = tmp_path / f"{name}.pcap"
    capture.write_bytes(SCAN.read_bytes()[:-7])  # broken off: the log has to name it
    textfile = tmp_path / "iotids.prom"
    done = detect("--alerts", "-", "--metrics-textfile", textfile, "--pcap", capture)
    assert done.code == 3
    assert [event["event_type"] for event in done.events] == ["alert", "alert"]
    assert printable(done.err)
    assert [line[:7] for line in done.err.decode().splitlines() if "error" in line] == ["error: "]
    families = {family.name for family in text_string_to_metric_families(textfile.read_text())}
    assert "iotids_fake" not in families


@each
@pytest.mark.parametrize(
    "option",
    ["--pcap", "--config", "--bundle", "--alerts", "--flows", "--iface", "--metrics-textfile", "--speed"],
)
def test_a_hostile_argument_is_named_on_one_line(
    option: str, name: str, detect: Detect, tmp_path: Path
) -> None:
    given = [option, name if option in {"--iface", "--speed"} else str(tmp_path / "none" / name)]
    rest = [] if option in {"--pcap", "--iface"} else ["--pcap", str(SCAN)]
    done = detect(*given, *rest, **({"bundle": None} if option == "--bundle" else {}))
    assert done.code in {2, 3, 4}
    assert done.err.startswith(b"error: ")
    assert done.err.count(b"\n") == 1
    assert printable(done.err)
    assert printable(done.out)


@each
def test_a_hostile_value_in_a_file(name: str, detect: Detect, tmp_path: Path) -> None:
    config = tmp_path / "iotids.toml"
    escaped = "".join(f"\\U{ord(char):08x}" for char in name.encode("utf-8", "replace").decode())
    for line in (
        f'bundle = "{escaped}"',
        f'"{escaped}" = 1',
        f'[webhook]\nurl = "{escaped}"',
        f'["{escaped}"]',
    ):
        config.write_text(line + "\n")
        done = detect("--config", config, "--check", bundle=None)
        assert done.code == 2
        assert done.err.count(b"\n") == 1
        assert printable(done.err)


def test_files_are_for_owner_and_group(detect: Detect, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        assert (
            detect("--pcap", SCAN, "--alerts", tmp_path / "alerts", "--flows", tmp_path / "flows").code == 0
        )
    finally:
        os.umask(before)
    assert {path.name: oct(path.stat().st_mode & 0o777) for path in tmp_path.iterdir()} == {
        "alerts": "0o640",
        "flows": "0o640",
    }
