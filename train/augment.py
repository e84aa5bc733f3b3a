"""More worlds from those at hand: captures seen otherwise, and attacks laid into benign captures.

Each result is a pcap with its truth beside it. The truth says what was done and of what, and keeps the
origin of its parent, so that no split tears them apart.
"""

import random
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from detector.errors import CaptureError, UsageError
from detector.records import Category
from train.disguises import Decoys, Jitter, Slow, has_scan
from train.mixing import Mix, Survey, survey
from train.packets import PacketFile, ends, write
from train.padding import Padding
from train.scene import FLOODS, Attacks, Scene, Told, attacks_of, save_truth, scene
from train.sources import CaptureSource
from train.variants import Attackers, Cut, Nat, OneWay, Stretch, Thin, Variant, attackers, clients

_DRAWS = 8
"""Benign captures that are looked at for one that is longer than the attack."""

_FEWEST_PACKETS = 10
"""An attack of fewer packets is no attack: its variant is not kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What to make of each capture; each value makes one."""

    stretch: Sequence[float] = ()
    loss: Sequence[float] = ()
    cut: Sequence[float] = ()
    one_way: bool = False
    nat: bool = False
    attackers: Sequence[int] = ()
    slow: Sequence[float] = ()
    jitter: Sequence[float] = ()
    padding: Sequence[int] = ()
    decoys: Sequence[int] = ()
    mix: int = 0
    """Benign captures that each attack is laid into."""
    across: bool = False
    """Whether benign captures of other origins serve too."""
    seed: int = 0

    @property
    def each(self) -> int:
        """How many captures one capture can give."""
        whole = (self.stretch, self.loss, self.cut)
        attacks = (self.attackers, self.slow, self.jitter, self.padding, self.decoys)
        return sum(map(len, whole + attacks)) + self.one_way + self.nat + self.mix


@dataclass(slots=True)
class Made:
    """What came of it; names are file names without suffix."""

    made: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    """Were there before."""
    left_out: dict[str, str] = field(default_factory=dict)
    """Name to why it was not made, one line."""


def augment(
    sources: Iterable[CaptureSource],
    out: Path,
    options: Options,
    *,
    told: Callable[[str], None] = lambda _: None,
) -> Made:
    """Write what the options make of each capture into a folder, and what is there already not again.

    Args:
        sources: captures with their truth.
        out: the folder; it is made if it is not there.
        options: what to make.
        told: is called with the name of each capture when it is done.
    """
    out.mkdir(parents=True, exist_ok=True)
    result = Made()
    scenes: list[Scene] = []
    for source in sources:
        try:
            scenes.append(scene(source))
            for variant in _variants(scenes[-1], options):
                _note(result, out, scenes[-1], variant)
            if options.decoys and scenes[-1].attacks and not has_scan(scenes[-1].told):
                result.left_out[source.name] = "decoys hide scans, and it holds none: none were made"
        except (UsageError, CaptureError) as error:
            result.left_out[source.name] = str(error)
        told(source.name)
    if options.mix:
        _Mixer(result, out, options).mix(scenes)
    return result


def file_name(source: CaptureSource, ending: str) -> str:
    """Return the name of what is made of a capture, without suffix: letters, digits, and few signs."""
    return re.sub(r"[^A-Za-z0-9.+-]+", "_", f"{source.name.removesuffix('.pcap')}-{ending}")


def _variants(parent: Scene, options: Options) -> Iterator[Variant]:
    seed = f"{options.seed} {parent.source.name}"
    yield from map(Stretch, options.stretch)
    for loss in options.loss:
        yield Thin(loss, f"{seed} {loss}")
    yield from map(Cut, options.cut)
    if options.one_way:
        yield OneWay()
    if options.nat:
        inside = attackers(parent.told)
        if inside is None or len(inside) < 2:  # noqa: PLR2004 - a NAT for one changes nothing
            file = PacketFile(parent.source.path)
            inside = clients(file, file.link)
        if len(inside) > 1:
            yield Nat(inside, seed)
    if parent.attacks:
        yield from _disguises(parent, options, seed)


def _disguises(parent: Scene, options: Options, seed: str) -> Iterator[Variant]:
    """Give the variants that change nothing but the attack."""
    told = parent.told
    for count in options.attackers:
        yield Attackers(told, count, seed)
    for factor in options.slow:
        yield Slow(told, factor, parent.source.path)
    for secs in options.jitter:
        yield Jitter(told, secs, f"{seed} {secs}")
    for most in options.padding:
        yield Padding(told, most, f"{seed} {most}")
    for count in options.decoys if has_scan(told) else ():
        yield Decoys(told, count, seed)


def _note(result: Made, out: Path, parent: Scene, variant: Variant) -> None:
    name = file_name(parent.source, variant.name)
    if (out / f"{name}.json").exists():
        result.kept.append(name)
        return
    file = PacketFile(parent.source.path)
    path = out / f"{name}.pcap"
    write(path, file.link, variant.packets(file, file.link))
    told = parent.told | {
        "events": variant.events(parent.told["events"]),
        "made": [*parent.told["made"], variant.made],
    }
    _finish(result, path, told, attacked=bool(parent.attacks), renamed=variant.renames)


class _Mixer:
    """Lays each attack into benign captures, drawn from the seed."""

    def __init__(self, result: Made, out: Path, options: Options) -> None:
        self._result, self._out, self._options = result, out, options
        self._surveys: dict[str, Survey | None] = {}

    def mix(self, scenes: list[Scene]) -> None:
        benign = [each for each in scenes if each.benign]
        for attack in (each for each in scenes if each.attacks):
            across = self._options.across
            hosts = [each for each in benign if across or _origins(each) == _origins(attack)]
            try:
                self._lay(attack, hosts)
            except (UsageError, CaptureError) as error:
                self._result.left_out[attack.source.name] = str(error)

    def _lay(self, attack: Scene, hosts: list[Scene]) -> None:
        seed = f"{self._options.seed} {attack.source.name}"
        draw = random.Random(seed)  # noqa: S311 - a draw that can be made again
        source = survey(attack) if hosts else None
        for number in range(self._options.mix):
            drawn = draw.sample(hosts, min(_DRAWS, len(hosts)))
            chosen = self._choose(drawn, source.seconds) if source else None
            if source is None or chosen is None:
                why = (
                    "no packet to lay anywhere" if hosts else "no benign capture of its origin to lay it into"
                )
                self._result.left_out[attack.source.name] = why
                return
            mix = Mix(attack, chosen[0], (source, chosen[1]), f"{seed} {number}")
            name = file_name(attack.source, mix.name)
            if (self._out / f"{name}.json").exists():
                self._result.kept.append(name)
                continue
            path = self._out / f"{name}.pcap"
            write(path, mix.link, mix.packets())
            _finish(self._result, path, mix.told(), attacked=True, renamed=False)

    def _choose(self, drawn: list[Scene], seconds: float) -> tuple[Scene, Survey] | None:
        """Return the first benign capture that is as long as the attack, or the longest."""
        known = []
        for each in drawn:
            name = each.source.name
            if name not in self._surveys:
                self._surveys[name] = survey(each)
            found = self._surveys[name]
            if found is not None:
                known.append((each, found))
            if found is not None and found.seconds >= seconds:
                return known[-1]
        return max(known, key=lambda pair: pair[1].seconds, default=None)


def _origins(known: Scene) -> set[str]:
    return {str(parent["origin"]) for parent in known.told["parents"]}


def _finish(result: Made, path: Path, told: Told, *, attacked: bool, renamed: bool) -> None:
    """Write the truth if the capture holds what it is named after, or remove the capture."""
    counts = _recount(path, told) if path.exists() else []
    for event, (packets, sources) in zip(attacks_of(told), counts, strict=bool(counts)):
        event["packets"] = packets
        if renamed and event["class"] in FLOODS:
            event["class"] = str(Category.DOS if sources == 1 else Category.DDOS)
    classes = {str(event["class"]) for event in attacks_of(told)}
    if renamed and len(classes) == 1 and told["category"] in FLOODS:
        told["category"] = classes.pop()
    most = max((packets for packets, _ in counts), default=0)
    if not path.exists() or (attacked and most < _FEWEST_PACKETS):
        path.unlink(missing_ok=True)
        result.left_out[path.stem] = "next to nothing is left of it"
        return
    save_truth(path.with_suffix(".json"), told)
    result.made.append(path.stem)


def _recount(path: Path, told: Told) -> list[tuple[int, int]]:
    """Count each attack's packets, and whether one or more hosts send them: that is what a victim sees."""
    file, attacks = PacketFile(path), Attacks(told)
    packets, sources = [0] * len(attacks.events), [set[bytes]() for _ in attacks.events]
    for packet in file:
        known = ends(packet.data, file.link)
        found = attacks.of(packet, known) if known else None
        if known is not None and found is not None:
            packets[found[0]] += 1
            if found[1] and len(sources[found[0]]) < 2:  # noqa: PLR2004 - one or more
                sources[found[0]].add(known.src)
    return list(zip(packets, map(len, sources), strict=True))
