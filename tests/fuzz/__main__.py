"""`python -m tests.fuzz --inputs 1000000`: feed every parser that is ours with hostile inputs, and count."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Annotated

import typer
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.fuzz.inputs import variant
from tests.fuzz.targets import TARGETS, Target

_ROUND = 500
"""Inputs of one seed: Hypothesis remembers what it has tried, which is to stay small."""


def feed(
    target: Target,
    inputs: int,
    first_seed: int,
    *,
    variants: int = 0,
    told: Callable[[int], None] = lambda _: None,
) -> int:
    """Feed a parser with at least so many inputs, and return how many it were; the same seed gives the same.

    Every input that Hypothesis makes is followed by so many variants of it.

    Raises:
        Exception: whatever the parser raised that is no refusal; Hypothesis shows the input.
    """
    done, number = 0, first_seed
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
            nonlocal count
            random = Random(count)
            for each in [content, *(variant(content, random) for _ in range(variants))]:
                count += 1
                _run(target, each)

        one()
        done, number = done + count, number + 1
        told(done)
    return done


def _run(target: Target, content: bytes) -> None:
    try:
        target.run(content)
    except Exception as error:
        error.add_note(f"input: {content[:2000]!r}")
        raise


def main(
    inputs: Annotated[int, typer.Option(min=1, help="Inputs for each parser.")] = 10_000,
    target: Annotated[list[str] | None, typer.Option(help=f"Of {', '.join(TARGETS)}; repeatable.")] = None,
    variants: Annotated[int, typer.Option(min=0, help="More inputs made of each one of Hypothesis.")] = 30,
    first_seed: Annotated[int, typer.Option("--seed", min=0, help="The first round's seed.")] = 1,
) -> None:
    """Feed hostile inputs to parsers; exit code 1 where one was not fit for them."""
    failed, total = 0, 0
    for name in target or TARGETS:
        folder = Path(tempfile.mkdtemp(prefix=f"iotids-fuzz-{name}-"))
        made, started = TARGETS[name](folder), time.monotonic()

        def told(done: int, name: str = name, started: float = started) -> None:
            rate = done / (time.monotonic() - started)
            _say(f"\r{name}: {done:,} inputs, {rate:,.0f} a second")

        try:
            total += feed(made, inputs, first_seed, variants=variants, told=told)
            _say("\n")
        except Exception as error:  # noqa: BLE001 - the other parsers have their turn too
            failed += 1
            notes = "; ".join(getattr(error, "__notes__", ()))
            _say(f"\n{name}: {type(error).__name__}: {error}; {notes}; see {folder}\n")
        finally:
            made.close()
    _say(f"{total:,} inputs, {failed} parsers failed\n")
    raise typer.Exit(code=bool(failed))


def _say(text: str) -> None:
    typer.echo(text, err=True, nl=False)


if __name__ == "__main__":
    typer.run(main)
