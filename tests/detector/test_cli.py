"""From the command line to an exit code and one line."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from detector import __version__, cli
from detector.errors import BundleError
from tests.command import PCAPS, SCAN, Done, start

Detect = Callable[..., Done]

USAGE = (
    ("--bogus", "No such option: --bogus; see --help"),
    ("--iface", "requires an argument"),
    ("", "nothing to look at"),
    ("x.pcap", "write --pcap x.pcap"),
    ("--iface lo --pcap x.pcap", "not both"),
    ("--check --pcap x.pcap", "not both"),
    ("--iface lo --flows f", "--flows belongs to a replay"),
    ("--iface lo --metrics-textfile f", "--metrics-textfile belongs to a replay"),
    ("--iface lo --speed 2", "--speed belongs to a replay"),
    *((f"--pcap x.pcap --speed {speed}", "above 0") for speed in ("0", "-1", "nan", "inf", "fast", "1e9")),
    ("--iface ../etc", "--iface"),
    ("--config missing.toml --pcap x.pcap", "missing.toml"),
    ("--pcap {scan} --flows missing/f", "name a file that can be written"),
    ("--pcap {scan} --alerts missing/f", "alerts file"),
    ("--pcap {copy} --flows {copy}", "is the capture to be read"),
    ("--pcap {copy} --alerts {copy}", "is the capture to be read"),
    ("--pcap {scan} --metrics-textfile metrics.txt", ".prom"),
    ("--check --alerts missing/f", "cannot be written"),
    ("--check --alerts {folder}", "cannot be written"),
)
CAPTURE = (
    ("--pcap missing.pcap", "missing.pcap: no such file"),
    ("--pcap {text}", "not a readable pcap"),
    ("--pcap {folder}", "holds no capture"),
    ("--pcap {truncated}", "broken after packet 66"),
    ("--pcap {scan} --filter port", "does not compile"),
    ("--check --iface nosuch0", "no such interface"),
    ("--iface nosuch0", "no such interface"),
)


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "copy.pcap").write_bytes(SCAN.read_bytes())
    (tmp_path / "text.pcap").write_text("no capture\n")
    (tmp_path / "folder").mkdir()
    return {
        "scan": str(SCAN),
        "truncated": str(PCAPS / "truncated.pcap"),
        "copy": "copy.pcap",
        "text": "text.pcap",
        "folder": "folder",
    }


@pytest.mark.parametrize(
    ("arguments", "saying", "code"),
    [*((*case, 2) for case in USAGE), *((*case, 3) for case in CAPTURE)],
    ids=lambda value: str(value) or "nothing",
)
def test_an_error_is_one_line_and_its_code(
    arguments: str, saying: str, code: int, detect: Detect, files: dict[str, str]
) -> None:
    done = detect(*arguments.format(**files).split())
    assert done.code == code
    errors = [line for line in done.err.decode().splitlines() if "Watching" not in line]
    assert len(errors) == 1, errors
    assert errors[0].startswith("error: ")
    assert saying in errors[0]
    assert Path(files["copy"]).read_bytes() == SCAN.read_bytes()


def test_a_missing_bundle_has_a_code_of_its_own(detect: Detect, tmp_path: Path) -> None:
    done = detect("--pcap", SCAN, bundle=tmp_path / "none")
    assert done.code == BundleError.exit_code == 4
    assert done.err.startswith(b"error: ")
    assert done.err.count(b"\n") == 1


def test_a_full_disk_has_the_last_code(detect: Detect) -> None:
    done = detect("--pcap", SCAN, "--flows", "/dev/full")
    assert done.code == 1
    assert done.err.startswith(b"error: --flows /dev/full: No space left")
    assert done.err.count(b"\n") == 1


@pytest.mark.parametrize("name", ["a\nb", "a\x1b[31mb", "a\rb", "a\udcffb", "a\u202eb"])
def test_a_name_cannot_move_the_cursor(name: str, detect: Detect) -> None:
    done = detect("--pcap", name)
    assert done.code == 3
    assert done.err.count(b"\n") == 1
    assert done.err.decode().rstrip("\n").isprintable()


def test_help_and_version(detect: Detect) -> None:
    helped = detect("--help")
    assert helped.code == 0
    assert b"--pcap" in helped.out
    assert b"\x1b" not in helped.out
    assert detect("--version") == Done(0, f"iotids {__version__}\n".encode(), b"")


def test_a_defect_keeps_its_traceback() -> None:
    def broken(_: list[str]) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        cli.run_app(broken, [])


def test_ctrl_c_before_the_start_is_quiet(detect: Detect, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "load", interrupted)
    done = detect("--config", "any.toml")
    assert (done.code, done.err.strip()) == (130, b"")


def test_the_start_loads_nothing_it_can_do_without() -> None:
    """Start-up to the first packet has a second; these take most of one."""
    unneeded = ("rich", "prometheus_client", "pandas", "nfstream", "scipy", "asyncio", "http.server")
    code = f"import detector.cli, detector.run, sys; print(*[n for n in {unneeded} if n in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert found.stdout.split() == []


@pytest.mark.parametrize("arguments", [("--help",), ("--pcap", SCAN), ("--alerts", "-", "--pcap", SCAN)])
def test_a_reader_that_left_gives_no_traceback(arguments: tuple[str, ...], rule_bundle: Path) -> None:
    process = start("--bundle", rule_bundle, *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert b"Traceback" not in errors
    assert b"Exception ignored" not in errors
