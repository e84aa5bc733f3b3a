"""How a network is made: every setting in one place, with bounds, presets, and the file that holds them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from detector.bundle import Part
from detector.errors import UsageError

_Share = Annotated[float, Field(ge=0.0, lt=1.0)]
_Size = Annotated[int, Field(ge=1, le=1024)]


class NetworkSettings(Part):
    """The size of a network."""

    filters: _Size = 32
    kernel_flows: Annotated[int, Field(ge=1, le=32)] = 3
    units: _Size = 32
    """Of the LSTM, or of a flow's vector between the layers of the attention."""
    heads: Annotated[int, Field(ge=1, le=16)] = 4
    """Of the attention; `units` is a multiple of it."""
    summary_units: _Size = 64
    dropout: _Share = 0.3
    summary_dropout: _Share = 0.5
    noise: Annotated[float, Field(ge=0.0, le=10.0)] = 0.3
    """Standard deviations of noise on every feature while it learns."""
    feature_dropout: _Share = 0.35
    """Share of features that a window does without while it learns: another network's worlds lack some."""


class FitSettings(Part):
    """What learns, how long and how fast."""

    network: str = "cnn-lstm"
    """One of `networks.NETWORKS`."""
    size: NetworkSettings = NetworkSettings()
    epochs: Annotated[int, Field(ge=1, le=10_000)] = 4
    """The learning rate falls to zero over them; more of them learn the training networks by heart."""
    patience: Annotated[int, Field(ge=1)] | None = None
    """Epochs without a lower validation loss before it stops; without it, all are gone through."""
    batch: Annotated[int, Field(ge=1, le=65_536)] = 256
    learning_rate: Annotated[float, Field(gt=0.0, le=1.0)] = 1e-3
    falling: bool = True
    """Whether the learning rate falls to zero, along a cosine, or stays."""
    weight_decay: Annotated[float, Field(ge=0.0, le=1.0)] = 1e-2
    clip_norm: Annotated[float, Field(gt=0.0)] | None = 1.0
    """The longest gradient, if any."""
    label_smoothing: _Share = 0.05
    balance: Literal["weights", "oversample", "undersample", "smote", "none"] = "weights"
    """What makes classes count the same; see `train.balance`."""
    benign_weight: Annotated[float, Field(gt=0.0, le=1000.0)] = 3.0
    """Times what an attack class weighs: as much as all of them together. With even
    weights 17 % of unseen benign captures held a window called an attack, with these 7 % (summary alone)."""
    features: tuple[str, ...] | None = None
    """The features that the network sees; without it, all. The others are zero inside the graph, so that
    the detector's schema stays."""
    keep_best: bool = False
    """Whether the epoch counts that validation liked best, instead of the last."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0


PAPER = FitSettings(
    size=NetworkSettings(noise=0.0, feature_dropout=0.0),
    epochs=10,
    batch=32,
    falling=False,
    weight_decay=0.0,
    clip_norm=None,
    label_smoothing=0.0,
    balance="none",
    benign_weight=1.0,
)
"""The training that the paper describes: Adam at its usual pace, batches of 32, 10 epochs, plain categorical
cross-entropy, every window counted once. Nothing of what we add against learning by heart."""

PRESETS = {"iotids": FitSettings(), "paper": PAPER}


class Choice(Part):
    """A settings file: what a search, or a person, chose."""

    settings: FitSettings
    chosen_on: tuple[str, ...] = ()
    """The origins that decided; figures on them flatter."""


def read_choice(path: Path) -> Choice:
    """Read a settings file.

    Raises:
        UsageError: there is none, or something in it is not a setting or out of bounds.
    """
    try:
        return Choice.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise UsageError(
            f"{path}: no settings ({_brief(error)}); expected what iotids-train search writes"
        ) from error


def changed(settings: FitSettings, **changes: Any) -> FitSettings:
    """Return the settings with those changes that are not None.

    Raises:
        UsageError: one is out of bounds.
    """
    given = {name: value for name, value in changes.items() if value is not None}
    try:
        return FitSettings.model_validate({**dict(settings), **given})
    except ValidationError as error:
        raise UsageError(_brief(error)) from error


def require(kind: str, name: str, known: Iterable[str]) -> None:
    """Refuse a name that is none of those known."""
    names = tuple(known)
    if name not in names:
        raise UsageError(f"{kind} {name}: expected one of {', '.join(names)}")


def _brief(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return "; ".join(
            f"{'.'.join(map(str, found['loc'])) or 'file'}: {found['msg']}, got {str(found['input'])[:60]!a}"
            for found in error.errors()
        )[:300]
    return " ".join(str(error).split())[:300]
