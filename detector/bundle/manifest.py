"""`bundle.json`: what must hold for the weights beside it to mean anything."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
Probability = Annotated[float, Field(ge=0.0, le=1.0)]


class Part(BaseModel):
    """A part of a bundle's manifest: frozen, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class MeterSettings(Part):
    """How the flows were metered that the model was trained on; detection must do the same."""

    idle_timeout_ms: Annotated[int, Field(ge=100, le=3_600_000)] = 1000
    """A flow without a packet for this long is over. It bounds the detection latency from below."""
    active_timeout_ms: Annotated[int, Field(ge=100, le=3_600_000)] = 1000
    """A flow that goes on is cut into slices of this length."""
    expire_closed: bool = True
    """TCP flows leave at once on RST, or when both sides have sent FIN. Resets that follow make one flow."""
    keep_direction: bool = True
    """Conversations are remembered: the slices of one flow keep the direction of its first packet, and a
    reset after the last of them is no flow of its own."""


class WindowSettings(Part):
    """How flows become sequences."""

    length_flows: Annotated[int, Field(ge=1, le=256)] = 32
    """Flows in a sequence (T)."""
    interval_ms: Annotated[int, Field(ge=10, le=60_000)] = 250
    """A host's window is due at most once an interval, at its end."""
    min_flows: Annotated[int, Field(ge=1, le=256)] = 4
    """A window with fewer flows is not scored, unless its newest flows carry `min_packets`."""
    min_packets: Annotated[int, Field(ge=1)] = 64
    """Packets in an interval that make even a window of one flow worth scoring."""
    horizon_ms: Annotated[int, Field(ge=100)] = 5_000
    """Time constant of the decaying counts that tell a window about what it no longer holds."""


class Thresholds(Part):
    """From which probability on the policy takes a class at its word."""

    benign: Probability
    recon: Probability
    dos: Probability
    ddos: Probability


class Schema(Part):
    """The features the model was trained on, in order; `digest` is that of the code that computed them."""

    names: Annotated[tuple[str, ...], Field(min_length=1, max_length=512)]
    units: tuple[str, ...]
    digest: Digest

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(self.units) != len(self.names) or len(set(self.names)) != len(self.names):
            raise ValueError(f"{len(self.names)} names need as many units, and no name twice")
        return self


class Distribution(Part):
    """How a feature of the newest flow is distributed over benign training windows."""

    edges: Annotated[tuple[float, ...], Field(max_length=63)]
    """Between the bins, rising; a value equal to an edge belongs below it."""
    shares: tuple[Probability, ...]
    """Of each bin."""
    usual: Annotated[float, Field(ge=0.0)]
    """Population stability index that nine of ten networks of the training data, left out, stay below."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(self.shares) != len(self.edges) + 1 or list(self.edges) != sorted(set(self.edges)):
            raise ValueError(f"{len(self.shares)} shares need one edge less, and edges that rise")
        return self


Side = Literal["train", "validate", "test", "aside"]
"""Where an origin may stand in the split of a training run."""


class Origin(Part):
    """Where a part of the data came from, and on which side of the split it stood."""

    name: str
    side: Side
    licence: str
    captures: dict[str, int]
    """Captures by their class."""
    windows: int
    digest: Digest
    """Over the digests of its captures' windows."""


class Training(Part):
    """What the model was made from, enough to make it again."""

    command: str
    seeds: tuple[int, ...]
    versions: dict[str, str]
    origins: tuple[Origin, ...]
    left_out: tuple[str, ...] = ()
    """Captures of the training origins that were not learnt from: their packets do not support the label."""
    teachers: tuple[str, ...] = ()
    """What made the networks that it learnt from in place of labels, if any: a command each."""


class Manifest(Part):
    """`bundle.json`. Its bytes name the bundle: `ModelBundle.digest` is their SHA-256."""

    format: Literal[1] = 1
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    categories: tuple[str, ...]
    features: Schema
    meter: MeterSettings
    window: WindowSettings
    nfstream: str
    temperature: Annotated[float, Field(gt=0.0)]
    thresholds: Thresholds
    created_from: Training
    figures: dict[str, dict[str, float]] = {}
    """Measured on origins the model never saw: model or class, then measure, then value."""
    record: tuple[Distribution, ...] = ()
    """Of each feature, so that drift shows; empty in bundles that tell nothing of it."""
    files: dict[str, Digest] = {}
    """Filled in by `write_bundle`."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if len(self.record) not in {0, len(self.features.names)}:
            raise ValueError(f"a record of {len(self.record)} features, expected one of each or of none")
        return self

    @property
    def sequence_shape(self) -> tuple[int, int]:
        """T and F."""
        return self.window.length_flows, len(self.features.names)
