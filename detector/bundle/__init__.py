"""The model on disk: weights, and everything that must hold for them to mean anything."""

from detector.bundle.foreign import PAPER
from detector.bundle.manifest import (
    Digest,
    Distribution,
    Manifest,
    MeterSettings,
    Origin,
    Part,
    Probability,
    Schema,
    Side,
    Thresholds,
    Training,
    WindowSettings,
)
from detector.bundle.signature import SIGNATURE
from detector.bundle.store import DEFAULT_BUNDLE, Check, ModelBundle, digest_of, load_bundle, write_bundle

__all__ = [
    "DEFAULT_BUNDLE",
    "PAPER",
    "SIGNATURE",
    "Check",
    "Digest",
    "Distribution",
    "Manifest",
    "MeterSettings",
    "ModelBundle",
    "Origin",
    "Part",
    "Probability",
    "Schema",
    "Side",
    "Thresholds",
    "Training",
    "WindowSettings",
    "digest_of",
    "load_bundle",
    "write_bundle",
]
