"""A day of mixed traffic in twenty minutes: `python -m tests.soak --minutes 22`, as root. Ends by itself.

The daemon watches a cable between two network namespaces, with the rights that its unit gives it. Over the
cable go the connections of 72 ordinary networks, with scans and floods among them, while interface,
process, disk and receiver fail and come back and the configuration is read again, by a plan drawn from a
seed (`plan`). At the end memory, handles, threads and lag must have been flat, every attack found, and every
packet and alert accounted for (`verdict`); else the exit code is 1. Tables go to the terminal, everything to
a JSON file.
"""

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from tests.bench.live_programs import MeasureError
from tests.bench.report import machine, say
from tests.soak.report import figures, show
from tests.soak.run import run
from tests.soak.verdict import checks

NEEDED = ("ip", "mount", "setpriv", "timeout", "unshare")
_OWN_MOUNTS = "IOTIDS_SOAK_OWN_MOUNTS"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description="Soak the daemon.")
    parser.add_argument("--minutes", type=float, default=22.0, help="of traffic (default: 22)")
    parser.add_argument("--networks", type=int, default=72, help="ordinary ones side by side (default: 72)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bundle", type=Path, help="default: the one that is shipped")
    parser.add_argument("--json", type=Path, default=Path(".cache/soak.json"))
    return parser.parse_args()


def main() -> None:
    """Run it, print what came of it, and write JSON."""
    chosen = _arguments()
    missing = [program for program in NEEDED if shutil.which(program) is None]
    if os.geteuid() != 0 or missing:
        sys.exit(f"error: needs root{' and the programs ' + ', '.join(missing) if missing else ''}")
    if _OWN_MOUNTS not in os.environ:  # so that the small disk goes with this process, even by SIGKILL
        words = ["unshare", "--mount", sys.executable, "-m", "tests.soak", *sys.argv[1:]]
        os.execvpe(words[0], words, {**os.environ, _OWN_MOUNTS: "1"})  # noqa: S606 - no shell is wanted
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    begun = machine()
    with tempfile.TemporaryDirectory(prefix="iotids-soak-") as folder:
        try:
            result = run(
                Path(folder),
                seed=chosen.seed,
                secs=60 * chosen.minutes,
                networks=chosen.networks,
                bundle=chosen.bundle,
            )
        except MeasureError as error:
            sys.exit(f"error: {error}")
    judged = checks(result)
    say(show(result, judged))
    chosen.json.parent.mkdir(parents=True, exist_ok=True)
    found = {"machine": begun, "seed": chosen.seed, "networks": chosen.networks, **figures(result, judged)}
    chosen.json.write_text(json.dumps(found, indent=1) + "\n")
    sys.exit(0 if all(check.good for check in judged) else 1)


if __name__ == "__main__":
    main()
