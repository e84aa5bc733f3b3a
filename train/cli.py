"""`iotids-train`: captures to windows, windows to a model, a model to a bundle."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from detector.cli import run_app
from detector.errors import UsageError
from train import commands, learning, prove

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.callback()
def train() -> None:
    """Train and judge the detector's model."""


@app.command()
def lab(
    *,
    out: Annotated[
        Path | None, typer.Option(help="Folder for captures and truths; continued where it exists.")
    ] = None,
    listing: Annotated[
        bool, typer.Option("--list", help="Show all scenes with their class, and stop.")
    ] = False,
    count: Annotated[int, typer.Option(min=1, help="How many worlds.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the first world; the next has the next.")] = 1,
    workers: Annotated[int, typer.Option(min=1, help="Worlds at a time.")] = 2,
    kind: Annotated[str | None, typer.Option(help="What they are about, such as recon or pair.")] = None,
    shortest: Annotated[float, typer.Option(min=2, help="Shortest capture, seconds.")] = 8,
    longest: Annotated[float, typer.Option(min=2, help="Longest capture, seconds.")] = 20,
) -> None:
    """Make labelled captures: real programs in network namespaces. Needs root."""
    from train.lab.run import run  # noqa: PLC0415 - `--help` need not load the lab
    from train.lab.scenes import listed  # noqa: PLC0415 - as above

    if listing:
        for category, name, share, told in listed():
            typer.echo(f"{category:6}  {name:22}  {share:4.0%}  {told}")
        return
    if out is None:
        raise UsageError("no folder for the captures; give --out DIR, or --list to see the scenes")
    made = run(out, count, seed, workers, kind=kind, seconds=(shortest, max(shortest, longest)))
    for name, trouble in sorted(made.failed.items()):
        _say(f"{name}: {trouble}")
    _say(f"{out}: made {len(made.made)}, kept {len(made.kept)}, failed {len(made.failed)}")


for _command in (commands.augment, commands.extract, commands.describe):
    app.command()(_command)


for _learning in (learning.fit, learning.search, learning.worth, learning.compare):
    app.command()(_learning)


for _proof in (prove.survey, prove.evade, prove.evaluate, prove.tune):
    app.command()(_proof)


@app.command()
def export(
    out: Annotated[Path, typer.Option(help="The bundle's directory; a bundle there is replaced.")],
    run: learning.Run = learning.RUN_DEFAULT,
    name: Annotated[str, typer.Option(help="The bundle's name.")] = "default",
    figures: Annotated[Path | None, typer.Option(help="figures.json of runs of the same recipe.")] = None,
) -> None:
    """Write a bundle that the detector opens."""
    from train import runs  # noqa: PLC0415 - TensorFlow takes seconds

    _say(f"{out}: {runs.export_run(run, out, name=name, figures=figures)}")


@app.command()
def paper(
    *,
    data: Annotated[Path, typer.Option(help="CICIoMT2024's CSV files: the folder with train/ and test/.")],
    out: Annotated[Path, typer.Option(help="For report, models and work; continued where it exists.")],
    classes: Annotated[int, typer.Option(help="2, 4 (the paper's), 6 or 19.")] = 4,
    split: Annotated[str, typer.Option(help="random (the paper's), or folders (the dataset's).")] = "random",
    epochs: Annotated[int | None, typer.Option(min=1, help="Default: the paper's 10.")] = None,
    batch: Annotated[int | None, typer.Option(min=1, max=65_536, help="Default: the paper's 32.")] = None,
    fast: Annotated[bool, typer.Option("--fast", help="3 epochs in batches of 1024.")] = False,
    rows: Annotated[int | None, typer.Option(min=1, help="At most so many rows, drawn at random.")] = None,
    questions: Annotated[str, typer.Option(help="Their networks' pace: fast, same; or none.")] = "fast",
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1)] = 42,
) -> None:
    """Reproduce the paper's table on CICIoMT2024, and question it."""
    from train.paper import settings  # noqa: PLC0415 - `--help` need not load it

    chosen = settings.chosen(
        classes=classes,
        split=split,
        questions=questions,
        rows=rows,
        seed=seed,
        pace=settings.paced(fast=fast, epochs=epochs, batch=batch),
    )
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # that there is no GPU is no news
    from train.paper.run import reproduce  # noqa: PLC0415 - TensorFlow takes seconds

    report = reproduce(data, out, chosen, say=_say)
    for result in report.results:
        figures = ", ".join(f"{name} {value:.4f}" for name, value in result.scores.weighted.items())
        typer.echo(f"{result.model}: {figures}")
    _say(f"{out}: report.html")


@app.command()
def sign(
    bundle: Annotated[Path, typer.Option(help="The bundle's directory.")],
    key: Annotated[Path, typer.Option(help="PEM file with an Ed25519 private key.")],
) -> None:
    """Sign a bundle, for detectors whose `bundle_key` is the public key."""
    from train.sign import sign_bundle  # noqa: PLC0415 - cryptography is another extra

    _say(f"{bundle}: signed {sign_bundle(bundle, key)}")


def _say(line: str) -> None:
    typer.echo(line, err=True)


def main() -> None:
    """Run `iotids-train`."""
    sys.exit(run_app(lambda arguments: app(arguments, standalone_mode=False), sys.argv[1:]))
