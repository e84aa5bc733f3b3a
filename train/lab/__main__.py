"""`python -m train.lab`: make a set of labelled captures."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from detector.errors import IotidsError
from train.lab.run import run


def main(  # noqa: PLR0917 - each is a command-line option
    out: Annotated[Path, typer.Option(help="Folder for captures and truths; continued where it exists.")],
    count: Annotated[int, typer.Option(min=1, help="How many worlds.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the first world; the next has the next.")] = 1,
    workers: Annotated[int, typer.Option(min=1, help="Worlds at a time.")] = 2,
    kind: Annotated[str | None, typer.Option(help="benign, recon, dos, ddos or mixed; else drawn.")] = None,
    shortest: Annotated[float, typer.Option(min=2, help="Shortest capture, seconds.")] = 8,
    longest: Annotated[float, typer.Option(min=2, help="Longest capture, seconds.")] = 20,
) -> None:
    """Draw worlds, play them in network namespaces, and write captures with their truth."""
    try:
        result = run(out, count, seed, workers, kind=kind, seconds=(shortest, max(shortest, longest)))
    except IotidsError as error:
        sys.stderr.write(f"{error}\n")
        raise typer.Exit(error.exit_code) from error
    for name, trouble in sorted(result.failed.items()):
        sys.stderr.write(f"{name}: {trouble}\n")
    sys.stderr.write(f"made {len(result.made)}, kept {len(result.kept)}, failed {len(result.failed)}\n")


if __name__ == "__main__":
    typer.run(main)
