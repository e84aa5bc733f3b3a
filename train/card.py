"""The model card: what a bundle is, where it comes from and how it does, said plainly."""

from collections import Counter

from detector.bundle import Manifest, Origin

_SIDES = {
    "train": "Trained on",
    "validate": "Stopped and calibrated on",
    "test": "Judged on, never seen before",
    "aside": "Set aside: thresholds had to do for it too",
}

_HOW_MEASURED = """\
On captures of origins that the judged model never saw. Where a column names several models, they are of
this bundle's recipe, each trained without the origins it was judged on; the bundle learned from all that
are listed as trained on.

`right_` is the share of captures in which the class opened an incident (for Benign: in which nothing did);
`noticed_` counts incidents of low severity, the uncertain ones, too. `latency_` runs from the first packet
in evidence (where the captures were surveyed: from the attack's first) to the first right opening, in packet
time; `evidence_` always from the first in evidence. `_from_20_flows` are captures of at least so many
flows, `other_` those of attacks that are none of the classes, and `per_device_day` is set against each
capture's duration times its hosts. F1, `ece` (calibration error of the likeliest class, 15 bins) and the
rest are by single window, at most a fixed number a capture and class; `_weighed` are of what the policy
makes of it. Labels are unsupported where the packets show nothing of the attack: in no quantity does the
capture exceed what one in twenty benign captures reaches, or the window what one in twenty benign ones
do.

"""

_LIMITS = """\
- It knows what its training traffic showed. Attacks and devices of another kind can go unnoticed or
  be taken for each other; the figures on unseen origins above are the honest guess of how often.
- It sees flows, never payload: what looks like ordinary traffic from outside is ordinary to it.
- Brute force, malware traffic and spoofing on the local link are none of its classes.
- DoS and DDoS differ by the number of sources that the victim sees; behind address translation or with
  spoofed sources it is not the number of machines.
- Another network may need other thresholds, which `iotids-train tune` chooses and the configuration sets.
- The recipe (network, settings, the lab's scenes) was chosen with the figures of some of these origins in
  view. No model learnt from what it was judged on, but the figures flatter the recipe.
"""


def render(manifest: Manifest, network: str) -> str:
    """Return `card.md`; the same manifest gives the same text."""
    sections = [
        f"# {manifest.name}\n\n{_summary(manifest, network)}",
        f"## Data\n\n{_data(manifest.created_from.origins)}{_left_out(manifest.created_from.left_out)}",
        f"## How it does\n\n{_figures(manifest.figures)}",
        f"## Thresholds\n\n{_thresholds(manifest)}",
        f"## Limits\n\n{_LIMITS}",
        f"## Made by\n\n{_recipe(manifest)}",
    ]
    return "\n".join(sections)


def _summary(manifest: Manifest, network: str) -> str:
    length, features = manifest.sequence_shape
    return (
        f"A {network} network that tells {', '.join(manifest.categories)} apart from the last {length} flows "
        f"of a host, {features} numbers each, as NFStream {manifest.nfstream} meters them with "
        f"{manifest.meter.idle_timeout_ms} ms idle and {manifest.meter.active_timeout_ms} ms active timeout. "
        "No address, port number or absolute time is among the numbers.\n"
    )


def _data(origins: tuple[Origin, ...]) -> str:
    """Tell the origins by side of the split, and that no origin is on two."""
    intro = (
        "Split by origin: all captures of one network or author are on one side. "
        "`windows` are those extracted; a capture gives at most a fixed number of each class to training.\n"
    )
    parts = [intro]
    for side, title in _SIDES.items():
        chosen = [origin for origin in origins if origin.side == side]
        captures: Counter[str] = Counter()
        for origin in chosen:
            captures.update(origin.captures)
        rows = [
            [origin.name, _counts(origin.captures), str(origin.windows), origin.licence] for origin in chosen
        ]
        parts.append(f"{title}: {len(chosen)} origins, captures: {_counts(captures) or 'none'}.\n")
        if rows:
            parts.append(_table(["origin", "captures", "windows", "licence"], rows))
    return "\n".join(parts)


def _left_out(captures: tuple[str, ...]) -> str:
    if not captures:
        return ""
    named = "".join(f"- {name}\n" for name in captures)
    return (
        f"\nNot learnt from, {len(captures)} captures of the training origins, attacks in name alone: in no "
        "quantity do their packets exceed what one in twenty benign captures reaches, or one source floods "
        f"by the name of many. They are judged on all the same.\n\n{named}"
    )


def _figures(figures: dict[str, dict[str, float]]) -> str:
    """Lay out one row a measure, one column a model."""
    if not figures:
        return "Not measured yet on origins it never saw: take it for a first try.\n"
    measures = list(dict.fromkeys(measure for measured in figures.values() for measure in measured))
    rows = [
        [measure, *(_number(measured.get(measure)) for measured in figures.values())] for measure in measures
    ]
    return _HOW_MEASURED + _table(["measure", *figures], rows)


def _thresholds(manifest: Manifest) -> str:
    chosen = manifest.thresholds.model_dump()
    return (
        f"Temperature {manifest.temperature:.4f}; like the thresholds, chosen on captures that the model "
        "which judged them had not learnt from.\n\n"
        + _table(["class", "from"], [[name, _number(value)] for name, value in chosen.items()])
    )


def _recipe(manifest: Manifest) -> str:
    made = manifest.created_from
    packages = ", ".join(f"{name} {number}" for name, number in made.versions.items())
    recipe = f"`{made.command}`\n\nSeeds {', '.join(map(str, made.seeds))}; {packages}.\n"
    if not made.teachers:
        return recipe
    taught = "".join(f"- `{command}`\n" for command in made.teachers)
    return f"{recipe}\nIn place of labels it learned the mean of what these make of each window:\n\n{taught}"


def _counts(captures: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(captures.items()))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "/") for cell in line) + " |\n" for line in lines)
