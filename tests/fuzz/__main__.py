"""`python -m tests.fuzz --inputs 1000000`: feed every parser that is ours with hostile inputs, and count.

An input is one packet or one file. Of a million, 400,000 are packets, which anybody on the network can send;
the others are shared equally by captures and by what only the machine's owner writes.
"""

import math
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Annotated, NamedTuple

import typer
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.fuzz.targets import TARGETS, Target

_ROUND = 500
"""Inputs of one seed: Hypothesis remembers what it has tried, which is to stay small."""

_PACKETS_WEIGH = 4.0
"""As many parsers' share of the inputs are packets: 40 % where all seven have their turn."""

_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of its own is made inside
"""Nine tenths of the time went to the disk: a file cut short and written anew takes 1 ms there."""


class Fed(NamedTuple):
    """What a parser was fed with."""

    inputs: int
    refused: int
    """Of them; the parser took the others."""


def feed(
    target: Target,
    inputs: int,
    first_seed: int,
    *,
    variants: int = 0,
    told: Callable[[Fed], None] = lambda _: None,
) -> Fed:
    """Feed a parser with at least so many inputs, and return how many it were; the same seed gives the same.

    Every input that Hypothesis makes is followed by so many variants of it.

    Raises:
        Exception: whatever the parser raised that is no refusal; Hypothesis shows the input.
    """
    done, refused, number = 0, 0, first_seed
    while done < inputs:
        count = 0

        @seed(number)
        @settings(
            max_examples=min(_ROUND, -(-(inputs - done) // (1 + variants))),
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(target.inputs)
        def one(content: bytes) -> None:
            nonlocal count, refused
            random = Random(count)
            for each in [content, *(target.variant(content, random) for _ in range(variants))]:
                count += 1
                refused += _run(target, each)

        one()
        done, number = done + count, number + 1
        told(Fed(done, refused))
    return Fed(done, refused)


def _run(target: Target, content: bytes) -> int:
    try:
        return target.run(content)
    except Exception as error:
        error.add_note(f"input: {content[:2000]!r}")
        raise


def shares(inputs: int, names: Sequence[str]) -> dict[str, int]:
    """Return how many of the inputs each parser gets."""
    weights = {name: _PACKETS_WEIGH if name == "packet" else 1.0 for name in names}
    return {name: math.ceil(inputs * weight / sum(weights.values())) for name, weight in weights.items()}


def main(
    inputs: Annotated[int, typer.Option(min=1, help="Inputs in all.")] = 60_000,
    target: Annotated[list[str] | None, typer.Option(help=f"Of {', '.join(TARGETS)}; repeatable.")] = None,
    variants: Annotated[int, typer.Option(min=0, help="More inputs made of each one of Hypothesis.")] = 30,
    first_seed: Annotated[int, typer.Option("--seed", min=0, help="The first round's seed.")] = 1,
) -> None:
    """Feed hostile inputs to parsers; exit code 1 where one was not fit for them."""
    failed, total = 0, 0
    for name, share in shares(inputs, target or list(TARGETS)).items():
        folder = Path(tempfile.mkdtemp(f"-{name}", "iotids-fuzz-", _MEMORY if _MEMORY.is_dir() else None))
        made, started = TARGETS[name](folder), time.monotonic()

        def told(fed: Fed, name: str = name, started: float = started) -> None:
            secs = time.monotonic() - started
            _say(
                f"\r{name}: {fed.inputs:,} inputs, {100 * fed.refused / fed.inputs:.0f} % of them refused, "
                f"{fed.inputs / secs:,.0f} a second"
            )

        try:
            with closing(made):  # which feeds what still waits
                total += feed(made, share, first_seed, variants=variants, told=told).inputs
        except Exception as error:  # noqa: BLE001 - the other parsers have their turn too
            failed += 1
            notes = "; ".join(getattr(error, "__notes__", ()))
            _say(f"\n{name}: {type(error).__name__}: {error}; {notes}; see {folder}\n")
        else:
            _say("\n")
            shutil.rmtree(folder)
    _say(f"{total:,} inputs, {failed} parsers failed\n")
    raise typer.Exit(code=bool(failed))


def _say(text: str) -> None:
    typer.echo(text, err=True, nl=False)


if __name__ == "__main__":
    typer.run(main)
