"""What the options of `iotids-train fit` and `search` mean: settings, seeds, features and sides."""

from collections.abc import Sequence
from pathlib import Path

from detector.errors import UsageError
from detector.features import SCHEMA
from train.datasets import read_index
from train.networks import NETWORKS
from train.settings import PRESETS, Choice, FitSettings, changed, read_choice, require
from train.split import Split, split_by_fold, split_by_name
from train.worth import best, read_worth

_MOST_SEEDS = 100


def recipe(
    *,
    preset: str,
    file: Path | None = None,
    network: str | None = None,
    epochs: int | None = None,
    seed: int | None = None,
    balance: str | None = None,
    features: str | None = None,
    worth: Path | None = None,
) -> Choice:
    """Return what the options say: a preset or a file, what each option changes, and who chose.

    Raises:
        UsageError: an option has a value that it cannot have.
    """
    require("--preset", preset, PRESETS)
    choice = read_choice(file) if file else Choice(settings=PRESETS[preset])
    kept, chosen_on = (None, ()) if features is None else features_of(features, worth)
    require("--network", network or choice.settings.network, NETWORKS)
    settings = changed(
        choice.settings, network=network, epochs=epochs, seed=seed, balance=balance, features=kept
    )
    return Choice(settings=settings, chosen_on=tuple(sorted({*choice.chosen_on, *chosen_on})))


def features_of(text: str, worth: Path | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the features that `best:N` or a list names, and the origins that their worth was judged on."""
    if not text.startswith("best:"):
        names = tuple(name.strip() for name in text.split(","))
        for name in names:
            require("--features", name, SCHEMA.names)
        return names, ()
    count = text.removeprefix("best:")
    if not count.isdecimal() or not 1 <= int(count) <= len(SCHEMA):
        raise UsageError(f"--features {text}: expected best:1 to best:{len(SCHEMA)}, or names with commas")
    if worth is None:
        raise UsageError(f"--features {text}: needs --worth FILE, which iotids-train worth writes")
    known = read_worth(worth)
    return best(known, int(count)), known.judged_on


def seeds_of(text: str) -> tuple[int, ...]:
    """Return the seeds of `0,1,2`."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and int(part) < 2**32 for part in parts) or len(parts) > _MOST_SEEDS:
        raise UsageError(f"--seeds {text[:60]!a}: expected up to {_MOST_SEEDS} whole numbers, like 0,1,2,3,4")
    return tuple(dict.fromkeys(map(int, parts)))


def options(settings: FitSettings, *, preset: str, file: Path | None) -> list[str]:
    """Return the options that say these settings again; a file by its name, its content is in the run."""
    named = f"--settings {file.name}" if file else f"--preset {preset}"
    found = [named, f"--network {settings.network}", f"--epochs {settings.epochs}"]
    kept = [] if settings.features is None else [f"--features {','.join(settings.features)}"]
    return [*found, f"--balance {settings.balance}", *kept]


def sides_of(
    data: Path,
    *,
    folds: int,
    fold: int,
    validate: Sequence[str] | None = None,
    test: Sequence[str] | None = None,
    always_train: Sequence[str] | None = None,
    aside: Sequence[str] | None = None,
    teachers: int = 0,
) -> tuple[Split, list[str]]:
    """Return the split that the options name, and the options that name it again.

    Raises:
        UsageError: they do not go together: without `teachers` something validates, with them nothing does.
    """
    if test and not validate and not teachers:
        raise UsageError("--test needs --validate; without both, origins are dealt by --folds")
    if validate and teachers:
        raise UsageError(f"--validate {validate[0]}: with --teacher the temperature is theirs; leave it out")
    index = read_index(data, schema_digest=SCHEMA.digest)
    held, told = aside or (), [*_each("--aside", aside), *_numbered("--teacher", teachers)]
    if validate or test:
        named = [*_each("--validate", validate), *_each("--test", test), *told]
        return split_by_name(index, validate=validate or (), test=test or (), aside=held), named
    named = [f"--folds {folds}", f"--fold {fold}", *_each("--always-train", always_train), *told]
    own = {"always_train": always_train or (), "aside": held}
    return split_by_fold(index, folds=folds, fold=fold, validates=not teachers, **own), named


def all_of(
    folds: int, *, validate: Sequence[str] | None, aside: Sequence[str] | None, teachers: int = 0
) -> list[str]:
    """Return the options that name again a run of every origin, calibrated by so many runs of folds.

    Raises:
        UsageError: origins to validate on are named, of which such a run has none.
    """
    if validate:
        raise UsageError(
            f"--validate {validate[0]}: with --fold-run every origin is learnt from; name with --aside what "
            "thresholds alone must do for"
        )
    runs = [*_numbered("--fold-run", folds, "FOLD"), *_each("--aside", aside)]
    return [*runs, *_numbered("--teacher", teachers)]


def _numbered(option: str, count: int, name: str = "RUN") -> list[str]:
    return [f"{option} {name}_{number}" for number in range(count)]


def _each(option: str, names: Sequence[str] | None) -> list[str]:
    return [f"{option} {name}" for name in names or ()]
