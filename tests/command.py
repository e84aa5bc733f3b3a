"""Running `iotids-detect`: in this process, or as one of its own."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from detector import cli

PCAPS = Path(__file__).parent / "pcaps"
SCAN = PCAPS / "scan-among-devices.pcap"
ATTACKS = {
    "scan-among-devices.pcap": "Recon",
    "udp-flood-one-source.pcap": "DoS",
    "syn-flood-spoofed.pcap": "DDoS",
}
QUIET = ("quiet-home.pcap", "ipv6-vlan-mixed.pcap")
DETECT = [sys.executable, "-c", "from detector.cli import main; main()"]
"""The command, however it is installed."""


class Done(NamedTuple):
    """What a run left."""

    code: int
    out: bytes
    err: bytes

    @property
    def events(self) -> list[dict[str, Any]]:
        """Standard output as JSON lines."""
        return lines(self.out)


def lines(content: bytes) -> list[dict[str, Any]]:
    """Return JSON lines, each of which must be an object of its own."""
    return [orjson.loads(line) for line in content.splitlines()]


def bundle_option(bundle: Path | None) -> list[str]:
    return ["--bundle", str(bundle)] if bundle else []


def run_here(arguments: Sequence[str]) -> int:
    """Run in this process; return the exit code."""
    return cli.run_app(lambda words: cli.app(words, standalone_mode=False), list(arguments))


def start(*arguments: str | Path, **options: Any) -> subprocess.Popen[bytes]:
    """Start a process of its own; the caller waits for it."""
    return subprocess.Popen([*DETECT, *map(str, arguments)], **options)
