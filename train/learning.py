"""The commands of `iotids-train` that learn: `fit`, `search`, `worth` and `compare`, and their options."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from train.commands import DATA_DEFAULT, Data

Run = Annotated[Path, typer.Option("--run", help="Directory of the training run.")]
Cap = Annotated[
    int, typer.Option("--cap-windows", min=1, help="Most windows of one class that a capture gives.")
]
_Origins = list[str] | None
_Preset = Annotated[str, typer.Option(help="iotids, or paper for the paper's plain training.")]
_Network = Annotated[str | None, typer.Option(help="cnn-lstm, sequence, summary, cnn, attention, ...")]
_Folds = Annotated[int, typer.Option(min=3, help="Into how many folds origins are dealt.")]
_Fold = Annotated[int, typer.Option(min=0, help="The fold to test on; the next validates.")]
_Validate = Annotated[_Origins, typer.Option(help="Origin to validate on instead; repeatable.")]
_Test = Annotated[_Origins, typer.Option(help="Origin to test on instead; repeatable.")]
_AlwaysTrain = Annotated[_Origins, typer.Option(help="Origin to deal into no fold; repeatable.")]
_Aside = Annotated[
    _Origins, typer.Option(help="Origin that thresholds must do for, and nothing learns from; repeatable.")
]
_FoldRuns = Annotated[
    list[Path] | None,
    typer.Option(help="Train on all origins, calibrated by this run of a fold; repeatable, give all."),
]
_Teachers = Annotated[
    list[Path] | None,
    typer.Option("--teacher", help="Run to learn from in place of labels; repeatable, give all folds'."),
]
_Survey = Annotated[
    Path | None, typer.Option(help="What `survey` wrote: attacks in name alone are not learnt from.")
]
_Epochs = Annotated[int | None, typer.Option(min=1, help="Over which the learning rate falls to zero.")]


RUN_DEFAULT, CAP_DEFAULT = Path(".cache/run"), 200


def fit(
    *,
    data: Data = DATA_DEFAULT,
    run: Run = RUN_DEFAULT,
    preset: _Preset = "iotids",
    settings: Annotated[Path | None, typer.Option(help="JSON from iotids-train search; instead.")] = None,
    network: _Network = None,
    balance: Annotated[str | None, typer.Option(help="weights|oversample|undersample|smote|none")] = None,
    features: Annotated[str | None, typer.Option(help="best:N, or names with commas; else all.")] = None,
    worth: Annotated[Path | None, typer.Option(help="worth.json that best:N ranks by.")] = None,
    folds: _Folds = 5,
    fold: _Fold = 0,
    validate: _Validate = None,
    test: _Test = None,
    always_train: _AlwaysTrain = None,
    aside: _Aside = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Default: the settings', else 0.")] = None,
    seeds: Annotated[str | None, typer.Option(help="Like 0,1,2: a run each, in --run DIR/seed-N.")] = None,
    epochs: _Epochs = None,
    fold_run: _FoldRuns = None,
    teacher: _Teachers = None,
    survey: _Survey = None,
    cap_windows: Cap = CAP_DEFAULT,
) -> None:
    """Train a network on some origins; calibrate it on others."""
    from train import final, recipe, runs  # noqa: PLC0415 - TensorFlow takes seconds
    from train.survey import read_survey  # noqa: PLC0415 - as above

    choice = recipe.recipe(
        preset=preset,
        file=settings,
        network=network,
        epochs=epochs,
        seed=seed,
        balance=balance,
        features=features,
        worth=worth,
    )
    named: dict[str, Any] = {"validate": validate, "aside": aside, "teachers": len(teacher or ())}
    if fold_run:
        sides = recipe.all_of(len(fold_run), **named)
        fitting = partial(final.fit_final, data, folds=fold_run, aside=aside or ())
    else:
        named |= {"test": test, "always_train": always_train}
        split, sides = recipe.sides_of(data, folds=folds, fold=fold, **named)
        fitting = partial(runs.fit_run, data, split=split)
    known = read_survey(survey) if survey else None
    fitting = partial(fitting, teachers=teacher or (), chosen_on=choice.chosen_on, survey=known)
    sides += [f"--survey {survey.name}"] if survey else []
    told = [*recipe.options(choice.settings, preset=preset, file=settings), *sides]
    _fit_each(fitting, run, choice.settings, seeds, told=told, cap_windows=cap_windows)


def _fit_each(
    fitting: Callable[..., Any],
    run: Path,
    settings: Any,
    seeds: str | None,
    *,
    told: list[str],
    cap_windows: int,
) -> None:
    """Fit with each seed in a directory of its own, or with that of the settings; say what came of it."""
    from train.recipe import seeds_of  # noqa: PLC0415 - TensorFlow takes seconds

    for seed in seeds_of(seeds) if seeds else (settings.seed,):
        directory = run / f"seed-{seed}" if seeds else run
        command = " ".join(["iotids-train fit", *told, f"--seed {seed}", f"--cap-windows {cap_windows}"])
        seeded = settings.model_copy(update={"seed": seed})
        made = fitting(
            directory=directory, settings=seeded, command=command, cap_windows=cap_windows, say=_say
        )
        _say(f"{directory}: temperature {made.temperature:.3f}, thresholds {made.thresholds.model_dump()}")


def worth(
    *,
    data: Data = DATA_DEFAULT,
    run: Run = RUN_DEFAULT,
    side: Annotated[str, typer.Option(help="validate or test; choose features by validate.")] = "validate",
    cap_windows: Cap = CAP_DEFAULT,
) -> None:
    """Measure what each feature is worth on origins that a run's model never saw."""
    from train import studies  # noqa: PLC0415 - TensorFlow takes seconds
    from train.worth import lines  # noqa: PLC0415 - as above

    for line in lines(studies.measure_worth(data, run, side, cap_windows=cap_windows, say=_say)):
        typer.echo(line)


def search(
    *,
    data: Data = DATA_DEFAULT,
    journal: Annotated[Path, typer.Option(help="The search's file; continued if there.")],
    out: Annotated[Path, typer.Option(help="Where the best settings go, for fit --settings.")],
    minutes: Annotated[float, typer.Option(min=0.01, help="Budget of time, to the next epoch.")] = 60,
    trials: Annotated[int | None, typer.Option(min=1, help="Most trials, earlier ones counted.")] = None,
    preset: _Preset = "iotids",
    network: _Network = None,
    folds: _Folds = 5,
    fold: _Fold = 0,
    validate: _Validate = None,
    test: _Test = None,
    always_train: _AlwaysTrain = None,
    aside: _Aside = None,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    epochs: _Epochs = None,
    cap_windows: Cap = CAP_DEFAULT,
) -> None:
    """Search the best settings by validation origins; test origins are not read."""
    from train import recipe, studies  # noqa: PLC0415 - TensorFlow takes seconds
    from train.search import Limits  # noqa: PLC0415 - as above

    base = recipe.recipe(preset=preset, network=network, epochs=epochs, seed=seed).settings
    named: dict[str, Any] = {"validate": validate, "test": test, "always_train": always_train, "aside": aside}
    split, _ = recipe.sides_of(data, folds=folds, fold=fold, **named)
    limits = Limits(seconds=60.0 * minutes, trials=trials)
    out.parent.mkdir(parents=True, exist_ok=True)
    best = studies.search_settings(data, split, base, journal, limits, cap_windows=cap_windows, say=_say)
    out.write_text(best.model_dump_json(indent=1) + "\n")
    _say(f"{out}: the best settings, for fit --settings; chosen on {', '.join(best.chosen_on)}")


def compare(
    *,
    data: Data = DATA_DEFAULT,
    network: Annotated[list[str] | None, typer.Option(help="Repeatable; default: all.")] = None,
    doubt: Annotated[list[str] | None, typer.Option(help="Trained without order or past too.")] = None,
    out: Annotated[Path | None, typer.Option(help="JSON file for the figures.")] = None,
    preset: _Preset = "iotids",
    folds: _Folds = 5,
    fold: _Fold = 0,
    always_train: _AlwaysTrain = None,
    aside: _Aside = None,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    epochs: _Epochs = None,
    cap_windows: Cap = CAP_DEFAULT,
) -> None:
    """Set networks, trees and a rate rule against each other on the same windows of unseen origins."""
    from train import recipe, studies  # noqa: PLC0415 - TensorFlow takes seconds
    from train.compare import lines  # noqa: PLC0415 - as above
    from train.networks import NETWORKS  # noqa: PLC0415 - as above
    from train.settings import require  # noqa: PLC0415 - as above

    doubted = doubt or []
    names = list(dict.fromkeys([*(network or NETWORKS), *doubted]))
    for name in names:
        require("--doubt" if name in doubted else "--network", name, NETWORKS)
    base = recipe.recipe(preset=preset, epochs=epochs, seed=seed).settings
    split, _ = recipe.sides_of(data, folds=folds, fold=fold, always_train=always_train, aside=aside)
    found = studies.compare_models(
        data, split, base, names, cap_windows=cap_windows, doubted=doubted, out=out, say=_say
    )
    for line in lines(found):
        typer.echo(line)


def _say(line: str) -> None:
    typer.echo(line, err=True)
