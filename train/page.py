"""What `describe` found as one HTML file that needs nothing beside it, and a JSON file of the same."""

import base64
import io
import json
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from detector.features import SCHEMA
from detector.records import CATEGORIES
from train.describe import Description, Row
from train.realism import Benign, Realism

_PLOTS, _COLUMNS = 24, 4
_TOLD = 15
_STYLE = """
body { font: 15px/1.5 sans-serif; margin: 2em auto; max-width: 75em; padding: 0 1em; color: #222 }
table { border-collapse: collapse; margin: 1em 0; font-size: 13px } img { max-width: 100% }
th, td { padding: .2em .7em; text-align: right; border-bottom: 1px solid #ddd }
th:first-child, td:first-child { text-align: left } th { background: #f4f4f4; vertical-align: bottom }
"""


def write(out: Path, described: Description, benign: Benign) -> tuple[Path, Path]:
    """Write the page and its JSON twin into a folder; returns both paths."""
    out.mkdir(parents=True, exist_ok=True)
    page, twin = out / "datasets.html", out / "datasets.json"
    page.write_text(html(described, benign), encoding="utf-8")
    twin.write_text(json.dumps(described.as_json(), indent=1) + "\n", encoding="utf-8")
    return page, twin


def html(described: Description, benign: Benign) -> str:
    """Return the page."""
    parts = [
        f"<p>Data <code>{escape(str(described.digest))}</code></p>",
        *_rows("By class", described.by_class),
        *_rows("By origin", described.by_origin),
        *_rows("By tool", described.by_tool),
        "<h2>Repeated and refused</h2>",
        *(f"<p>{escape(line)}</p>" for line in described.duplicates.lines()),
        *(f"<p>Refused: {escape(name)}, {count} times</p>" for name, count in described.refused.items()),
        "<h2>Lab against real</h2>",
        *(_realism(described.realism) if described.realism else ["<p>Too few benign windows of either.</p>"]),
        *(_plots(described, benign) if described.realism else []),
        *_splits(described),
    ]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Datasets</title><style>{_STYLE}</style>'
        f"<h1>What the data holds</h1>{''.join(parts)}</html>\n"
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = "".join(f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><tr>{''.join(f'<th>{escape(cell)}</th>' for cell in head)}</tr>{lines}</table>"


def _rows(title: str, rows: dict[str, Row]) -> list[str]:
    if not rows:
        return []
    kinds = [*map(str, CATEGORIES), "left out"]
    head = [
        "",
        "captures",
        "flows",
        "windows",
        *(f"{kind} windows" for kind in kinds),
        "seconds",
        "packets/s",
        "flows/s",
    ]
    table = [
        [
            name,
            row.captures,
            row.flows,
            row.windows,
            *(row.by_class.get(kind, 0) for kind in kinds),
            *map(_quartiles, (row.seconds, row.packets_per_second, row.flows_per_second)),
        ]
        for name, row in rows.items()
    ]
    note = "<p>Durations and rates: median of the captures, quartiles in brackets.</p>"
    return [f"<h2>{title}</h2>", note if title == "By class" else "", _table(head, table)]


def _quartiles(values: tuple[float, float, float]) -> str:
    low, middle, high = values
    return f"{middle:.3g} ({low:.3g} to {high:.3g})"


def _realism(found: Realism) -> list[str]:
    told = [
        (name, f"{100 * share:.1f} %", f"{found.alone[name]:.2f}")
        for name, share in list(found.giveaways.items())[:_TOLD]
    ]
    return [
        (
            f"<p>A forest tells benign windows of the lab ({found.lab_windows}) from real ones "
            f"({found.real_windows}, {found.real_origins} origins) with an area under the curve of "
            f"<strong>{found.auc:.3f}</strong>, judged on origins and captures it never saw. 0.5 would mean "
            f"that it cannot tell.{_networks(found)}</p><p>What gives the lab away:</p>"
        ),
        _table(["feature", "share of decisions", "area under the curve alone"], told),
    ]


def _networks(found: Realism) -> str:
    """Say what the forest makes of real networks."""
    if not found.real_networks:
        return ""
    told = ", ".join(f"{escape(name)} {auc:.3f}" for name, auc in found.real_networks.items())
    return f" Real networks, each told from all other real ones by the same means: {told}."


def _plots(described: Description, benign: Benign) -> list[str]:
    """Draw the features that give most away, lab beside real."""
    if described.realism is None:
        return []
    names = list(described.realism.giveaways)[:_PLOTS]
    figure = Figure(figsize=(13, 2.2 * -(-len(names) // _COLUMNS)), layout="constrained")
    newest = np.log10(benign.sequences[:, -1].astype(np.float64) + 1)
    for place, name in enumerate(names):
        column = SCHEMA.index(name)
        axes = figure.add_subplot(-(-len(names) // _COLUMNS), _COLUMNS, place + 1)
        values = newest[:, column]
        edges = np.linspace(0, max(float(values.max()), 0.1), 31).tolist()
        for kind, chosen in (("real", ~benign.lab), ("lab", benign.lab)):
            share = np.full(int(chosen.sum()), 1 / max(int(chosen.sum()), 1))
            axes.hist(values[chosen], edges, weights=share, label=kind, alpha=0.5)
        axes.set_title(name, fontsize=9)
        axes.set_xlabel(f"log10(1 + {SCHEMA.units[column]})", fontsize=7)
        axes.tick_params(labelsize=7)
        if place == 0:
            axes.legend(fontsize=7)
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=80, metadata={"Software": None})
    image = base64.b64encode(drawn.getvalue()).decode()
    return [
        (
            "<p>The newest flow of benign windows, share of windows of each kind:</p>"
            f'<img alt="Distributions of features, lab beside real" src="data:image/png;base64,{image}">'
        )
    ]


def _splits(described: Description) -> list[str]:
    if not described.splits:
        return []
    head = [
        "split by",
        "windows to learn from",
        "windows to judge by",
        "of these also seen",
        "classes",
        "macro-F1",
    ]
    rows = [
        [
            *(each[name] for name in ("by", "train_windows", "test_windows", "shared")),
            ", ".join(each["classes"]),
            f"{each['macro_f1']:.3f}",
        ]
        for each in described.splits
    ]
    note = (
        "<p>The same forest, judged three ways, each side proven apart from the other by origin, capture, "
        "content or time. Only the split by origin tells how it does on another network.</p>"
    )
    return ["<h2>What a split is worth</h2>", note, _table(head, rows)]
