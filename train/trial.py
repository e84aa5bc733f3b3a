"""One capture in one disguise, read as the detector reads it. A process of its own may do it."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from detector.bundle import MeterSettings, WindowSettings
from detector.errors import CaptureError, UsageError
from detector.records import WindowBatch
from train.curves import AS_IS
from train.disguises import Decoys, Jitter, Slow
from train.extract import extract_capture
from train.packets import PacketFile, write
from train.padding import Padding
from train.scene import Scene, attacks_of, scene
from train.sources import CaptureSource
from train.truth import LEFT_OUT
from train.variants import Thin, Variant


class Trial(NamedTuple):
    """One capture in one disguise."""

    source: CaptureSource
    evasion: str
    strength: float
    seed: int
    meter: MeterSettings
    window: WindowSettings


@dataclass(frozen=True, slots=True, eq=False)
class Disguised:
    """What the detector sees of a capture in disguise."""

    windows: WindowBatch
    began_ms: int
    """When the attack begins."""
    packets: int


def disguise(trial: Trial) -> Disguised | str:
    """Disguise a capture and read it as the detector does; or tell why that cannot be done."""
    try:
        known = _scene(trial.source)
        if not known.attacks:
            return "no attack was found in it"
        began = min(float(event["start"]) for event in known.attacks)
        if trial.evasion == AS_IS:
            return _read(trial.source.path, trial, began)
        variant = _variant(trial, known)
        with TemporaryDirectory() as folder:
            path = Path(folder) / "disguised.pcap"
            file = PacketFile(trial.source.path)
            if not write(path, file.link, variant.packets(file, file.link)):
                return "nothing is left of it"
            told = known.told | {"events": variant.events(known.told["events"])}
            return _read(path, trial, min(float(event["start"]) for event in attacks_of(told)))
    except (CaptureError, UsageError) as error:
        return str(error)


@lru_cache(maxsize=1)
def _scene(source: CaptureSource) -> Scene:
    """Read a capture's truth once for all its disguises."""
    return scene(source)


def _variant(trial: Trial, known: Scene) -> Variant:
    told, strength = known.told, trial.strength
    seed = f"{trial.seed} {trial.source.name} {strength:g}"
    match trial.evasion:
        case "slower":
            return Slow(told, strength, trial.source.path)
        case "jitter":
            return Jitter(told, strength, seed)
        case "padding":
            return Padding(told, round(strength), seed)
        case "decoys":
            return Decoys(told, round(strength), seed)
    return Thin(strength, seed)


def _read(path: Path, trial: Trial, began: float) -> Disguised:
    found = extract_capture(path, LEFT_OUT, trial.meter, trial.window)
    return Disguised(WindowBatch(found.sequences, found.facts), round(began * 1000), found.packets)
