"""The commands that prove a model: `survey`, `evade`, `evaluate` and `tune`; `cli` takes them in."""

from pathlib import Path
from typing import Annotated

import typer

from detector.errors import UsageError
from train import commands


def survey(
    *,
    manifest: commands.Manifests = None,
    captures: commands.Captures = None,
    lab: commands.Labs = None,
    named: commands.Named = None,
    table: commands.Tables = None,
    licence: commands.Licence = "not stated",
    out: Annotated[Path, typer.Option(help="The survey to write, JSON.")] = Path(".cache/survey.json"),
) -> None:
    """Measure captures without a model, and list attack labels that the packets do not support."""
    from train import doubts, progress, sources  # noqa: PLC0415 - `--help` need not load the meter
    from train.survey import survey_all, write_survey  # noqa: PLC0415 - as above

    given = sources.gather(
        manifests=manifest, captures=captures, labs=lab, named=named, tables=table, licence=licence, say=_say
    )
    with progress.bar("captures", len(given)) as bar:
        found = survey_all(given, told=bar.say, done=bar.advance)
    write_survey(out, found)
    for doubt in doubts.find(found):
        typer.echo(doubt.line())
    _say(f"{out}: {len(found)} captures")


def evade(
    *,
    run: Annotated[list[Path], typer.Option(help="Run directory; give those of all folds.")],
    limits: Annotated[
        Path | None,
        typer.Option(help="Run whose temperature and thresholds count; default: each run's own."),
    ] = None,
    manifest: commands.Manifests = None,
    captures: commands.Captures = None,
    lab: commands.Labs = None,
    named: commands.Named = None,
    table: commands.Tables = None,
    licence: commands.Licence = "not stated",
    evasion: Annotated[
        list[str] | None, typer.Option(help="slower, jitter, padding, decoys or loss; repeatable; else all.")
    ] = None,
    each: Annotated[int, typer.Option(min=1, help="Most captures of one class and origin.")] = 2,
    most: Annotated[int, typer.Option(min=1, help="Most captures of one class.")] = 20,
    largest_mb: Annotated[int, typer.Option(min=1, help="Larger captures are not drawn.")] = 50,
    seed: Annotated[int, typer.Option(min=0, help="Of the draw, and of what the evasions draw.")] = 0,
    jobs: Annotated[int, typer.Option(min=1, help="Processes that read captures.")] = 1,
    out: Annotated[Path, typer.Option(help="The JSON to write; continued where it exists.")] = Path(
        "evasion.json"
    ),
) -> None:
    """Measure how well attacks hide: slower, with jitter, padding, decoys or loss, on origins never seen."""
    from train import curves, progress, sources  # noqa: PLC0415 - `--help` need not load the meter
    from train import evade as hiding  # noqa: PLC0415 - as above

    if unknown := set(evasion or ()) - set(curves.LADDERS):
        raise UsageError(f"--evasion {min(unknown)}: expected one of {', '.join(curves.LADDERS)}")
    given = sources.gather(
        manifests=manifest, captures=captures, labs=lab, named=named, tables=table, licence=licence, say=_say
    )
    judges = hiding.judges_of(run, limits)
    trials = hiding.plan(
        given,
        judges,
        evasions=evasion or list(curves.LADDERS),
        each=each,
        most=most,
        largest_bytes=largest_mb * 1_000_000,
        seed=seed,
    )
    with progress.bar("captures in disguise", len(trials)) as bar:
        found = hiding.measure(trials, judges, out, jobs=jobs, done=bar.advance)
    for name, why in sorted(found.left_out.items()):
        _say(f"{name}: {why}")
    for line in curves.lines(found.curves):
        typer.echo(line)
    _say(f"{out}: {len(found.rows)} judged, {len(found.left_out)} left out")


def evaluate(
    *,
    data: commands.Data = commands.DATA_DEFAULT,
    run: Annotated[
        list[Path] | None, typer.Option(help="Run directory; folds are pooled, seeds averaged.")
    ] = None,
    cap_windows: Annotated[int, typer.Option(min=1, help="Most windows of one class a capture gives.")] = 200,
    baselines: Annotated[
        bool, typer.Option(help="Also judge trees, the paper's networks and a rate rule.")
    ] = True,
    ablate: Annotated[
        list[str] | None, typer.Option(help="Show the network less: last-flow or shuffled; repeatable.")
    ] = None,
    survey: Annotated[
        Path | None, typer.Option(help="What `survey` wrote: for device-days, small captures, doubts.")
    ] = None,
    evasion: Annotated[
        Path | None, typer.Option(help="What `evade` wrote: its curves go into the report.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="HTML page to write; the same as JSON beside it.")
    ] = None,
) -> None:
    """Judge a model on the origins it never saw, by window and by capture."""
    from train import ablate as ablating  # noqa: PLC0415 - as below
    from train import evaluate as judging  # noqa: PLC0415 - TensorFlow takes seconds
    from train import report as telling  # noqa: PLC0415 - as above
    from train.curves import read_evasion  # noqa: PLC0415 - as above
    from train.survey import read_survey  # noqa: PLC0415 - as above

    if unknown := set(ablate or ()) - set(ablating.ABLATIONS):
        raise UsageError(f"--ablate {min(unknown)}: expected one of {', '.join(ablating.ABLATIONS)}")
    found = judging.evaluate_runs(
        data,
        run or [Path(".cache/run")],
        cap_windows=cap_windows,
        with_baselines=baselines,
        ablate=tuple(ablate or ()),
        survey=read_survey(survey) if survey else None,
        evasion=read_evasion(evasion).curves if evasion else (),
        say=_say,
    )
    for line in telling.lines(found.figures, found.origins, found.captures):
        typer.echo(line)
    if report:
        telling.write_report(found, report)
        _say(f"{report}: written, and {report.with_suffix('.json').name} beside it")


def tune(
    *,
    benign: Annotated[list[Path], typer.Option(help="Capture of your own ordinary traffic; repeatable.")],
    budget: Annotated[str, typer.Option(help="Incidents you will look into, such as 1/day.")] = "1/day",
    bundle: Annotated[Path | None, typer.Option(help="Model bundle; default: the one shipped.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="New file for the lines; default: standard output.")
    ] = None,
) -> None:
    """Choose thresholds for your own network, and write the lines for its configuration."""
    from detector.replay import capture_files  # noqa: PLC0415 - `--help` need not load the meter
    from train import budget as tuning  # noqa: PLC0415 - as above

    allowed = tuning.incidents_per_day(budget)
    if out and out.exists():
        raise UsageError(f"--out {out}: is there already; name a new file, and copy the lines over")
    found = tuning.tune_own(capture_files([str(path) for path in benign]), allowed, bundle)
    if out is None:
        typer.echo(tuning.toml(found), nl=False)
        return
    out.write_text(tuning.toml(found))
    for line in tuning.verdict(found):
        _say(line)


def _say(line: str) -> None:
    typer.echo(line, err=True)
