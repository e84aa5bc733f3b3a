"""See it at work: `python -m tests.demo`, as root. Ends by itself and leaves nothing behind.

Ordinary traffic, a scan and two floods go over a cable between two network namespaces, past a detector that
Prometheus scrapes. Prometheus' own pages show every metric, rule and alert; the dashboards need Grafana,
which is no package of Debian's: https://grafana.com/docs/grafana/latest/setup-grafana/installation/.
"""

import os
import shutil
import signal
import sys
import tempfile
import time
from argparse import ArgumentParser
from itertools import cycle
from pathlib import Path

from tests.bench.live_programs import WaitedTooLongError
from tests.demo.stage import NEEDED, Stage, stage

PCAPS = Path(__file__).parents[1] / "pcaps"
SCENES = (
    "quiet-home.pcap",
    "scan-among-devices.pcap",
    "quiet-home.pcap",
    "udp-flood-one-source.pcap",
    "quiet-home.pcap",
    "syn-flood-spoofed.pcap",
)
_STARTING_SECS = 90.0


def main() -> None:
    """Run the demo."""
    parser = ArgumentParser(
        prog="python -m tests.demo", description="Detector, Prometheus and Grafana at work."
    )
    parser.add_argument("--secs", type=float, default=600.0, help="when to end; default: ten minutes")
    parser.add_argument("--bundle", help="directory of a bundle; default: the one that is shipped")
    chosen = parser.parse_args()
    missing = [program for program in NEEDED if shutil.which(program) is None]
    if os.geteuid() != 0 or missing:
        sys.exit(f"error: needs root{' and the programs ' + ', '.join(missing) if missing else ''}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    options = ["--bundle", chosen.bundle] if chosen.bundle else []
    with tempfile.TemporaryDirectory(prefix="iotids-demo-") as folder:
        try:
            with stage(Path(folder), secs=chosen.secs + _STARTING_SECS, options=options) as found:
                _tell(found, chosen.secs)
                _play(found, time.monotonic() + chosen.secs)
        except WaitedTooLongError as error:
            sys.exit(f"error: {error}")
        except KeyboardInterrupt:
            pass
    _say("Ended.")


def _tell(found: Stage, secs: float) -> None:
    _say(f"Prometheus: {found.prometheus}/ (its pages Alerts and Graph)")
    if found.grafana:
        _say(f"Grafana:    {found.grafana}/d/iotids-attacks")
    else:
        _say("Grafana:    not installed (no grafana-server on the PATH). With it, the dashboards of")
        _say(
            "            configs/grafana are shown here: https://grafana.com/docs/grafana/latest/setup-grafana/"
        )
    _say(f"Alerts:     {found.alerts}")
    _say(f"Ends in {secs:g} s, or with Ctrl-C.")


def _play(found: Stage, until: float) -> None:
    """Play one scene after the other."""
    for name in cycle(SCENES):
        _say(f"Playing {name}.")
        player = found.play(PCAPS / name)
        try:
            while player.poll() is None:
                if time.monotonic() >= until:
                    return
                time.sleep(0.2)
        finally:
            player.kill()
            player.wait()


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - what this program is for


if __name__ == "__main__":
    main()
