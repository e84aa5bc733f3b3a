"""An examination by programs that the lab does not know: `python -m tests.exam`, as root. Ends by itself.

Downloads, file shares, brokers, databases, calls, cameras, polls and dead servers, which must stay quiet,
and floods and scans, whose class must open. Each is played in namespaces of its own, between two machines,
recorded on the switch between them (`stage`), or in a house with ordinary life, recorded on its gateway's
bridge (`home`), and sent down the detector's own path (`judge`). No model ever learnt from them, and none
must: what is tuned on an examination proves nothing. What opened goes to the terminal and, as JSON, to a
file. Floods are bounded in count or time.
"""

import argparse
import json
import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from detector.records import Category
from tests.exam import home, stage
from tests.exam.ground import StageError, missing
from tests.exam.judge import Marked, mark
from tests.exam.scenarios import Scenario
from tests.exam.scenes import SCENES
from tests.exam.visits import Visit

_MOST_HOUSES = 4
"""Side by side: each is twelve namespaces and some twenty programs."""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.exam", description="Examine a bundle.")
    parser.add_argument("only", nargs="*", help="scenes; default: all")
    parser.add_argument(
        "--keep", type=Path, help="folder for the captures; those that are there are not made"
    )
    parser.add_argument(
        "--at-once",
        type=int,
        default=8,
        help=f"scenes side by side (default: 8; houses: at most {_MOST_HOUSES})",
    )
    parser.add_argument("--bundle", default="", help="default: the one that is shipped")
    parser.add_argument("--json", type=Path, default=Path(".cache/exam.json"))
    return parser.parse_args()


def main() -> None:
    """Play, judge, and print what opened."""
    chosen = _arguments()
    scenes = [each for each in SCENES if not chosen.only or each.name in chosen.only]
    kept = {each.name for each in scenes if chosen.keep and (chosen.keep / f"{each.name}.pcap").exists()}
    todo = [each for each in scenes if each.name not in kept]
    absent = missing(todo) if todo else []
    if todo and (os.geteuid() != 0 or absent):
        packages = f"; missing: {', '.join(absent)}" if absent else ""
        sys.exit(f"error: needs root and the programs that it plays{packages}")
    with tempfile.TemporaryDirectory(prefix="iotids-exam-") as folder:
        captures = chosen.keep or Path(folder)
        captures.mkdir(parents=True, exist_ok=True)
        try:
            _play(todo, captures, chosen.at_once)
        except StageError as error:
            sys.exit(f"error: {error}")
        marked = mark([(each, captures / f"{each.name}.pcap") for each in scenes], chosen.bundle)
    _show(marked)
    chosen.json.parent.mkdir(parents=True, exist_ok=True)
    chosen.json.write_text(json.dumps([asdict(each) for each in marked], indent=1) + "\n")


def _play(todo: list[Scenario | Visit], captures: Path, at_once: int) -> None:
    numbered = [(each, captures / f"{each.name}.pcap", number) for number, each in enumerate(todo)]
    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task("playing", total=len(todo))
        for kind, most in ((Scenario, at_once), (Visit, min(at_once, _MOST_HOUSES))):
            own = [given for given in numbered if isinstance(given[0], kind)]
            with ThreadPoolExecutor(most) as pool:
                for _ in pool.map(lambda given: _play_one(*given), own):
                    bar.advance(task)


def _play_one(scene: Scenario | Visit, capture: Path, number: int) -> None:
    if isinstance(scene, Visit):
        home.play(scene, capture, number)
    else:
        stage.play(scene, capture, number)


def _show(marked: list[Marked]) -> None:
    console = Console()
    table = Table("scene", "is", "opened", "seconds", "")
    for each in sorted(marked, key=lambda each: (each.category, each.name)):
        told = ", ".join(f"{one.category}{'' if one.certain else '?'}" for one in each.opened) or "-"
        secs = f"{each.secs:.1f}" if each.secs is not None else ""
        table.add_row(each.name, each.category, told, secs, "" if each.right else "WRONG")
    console.print(table)
    for category in (Category.BENIGN, Category.DDOS, Category.DOS, Category.RECON):
        own = [each for each in marked if each.category == category]
        if own:
            console.print(f"{category}: {sum(each.right for each in own)} of {len(own)} right")


if __name__ == "__main__":
    main()
