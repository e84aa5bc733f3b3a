"""The scenes as a picture: packets per second by scene and contender."""

from pathlib import Path
from typing import Any

_COLOURS = {"meter": "#7fb3d5", "iotids": "#1f618d", "NFStreamer": "#e59866", "NFStreamer 1 s": "#f5cba7"}
_LIMIT = "libpcap"


def draw(scenes: dict[str, dict[str, Any]], path: Path) -> None:
    """Write bars to an SVG file, from zero, so that lengths can be compared.

    libpcap alone would leave no room for the others: how fast it is stands below each scene's name.
    """
    import matplotlib as mpl  # noqa: PLC0415 - only who draws needs it

    mpl.use("svg")
    from matplotlib import pyplot as plt  # noqa: PLC0415 - after the choice of backend

    mpl.rcParams["svg.hashsalt"] = "iotids"  # the same bytes for the same numbers
    figure, axes = plt.subplots(figsize=(9, 4.5), layout="constrained")
    width = 0.8 / len(_COLOURS)
    for at, (contender, colour) in enumerate(_COLOURS.items()):
        heights = [_speed(found, contender) for found in scenes.values()]
        places = [number + (at - (len(_COLOURS) - 1) / 2) * width for number in range(len(scenes))]
        bars = axes.bar(places, heights, width * 0.95, label=contender, color=colour)
        axes.bar_label(bars, [_short(height) for height in heights], fontsize=8, padding=2)
    names = [f"{name}\n({_LIMIT} alone: {_short(_speed(found, _LIMIT))})" for name, found in scenes.items()]
    axes.set_xticks(range(len(scenes)), names)
    axes.yaxis.set_major_formatter(lambda value, _: _short(value))
    axes.set_ylabel("packets per second")
    axes.set_title("Captures read at full speed")
    axes.legend(ncols=len(_COLOURS), loc="upper center", bbox_to_anchor=(0.5, -0.14), frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def _speed(found: dict[str, Any], contender: str) -> float:
    return float(found["contenders"][contender]["packets_per_sec"])


def _short(packets: float) -> str:
    return f"{packets / 1e6:.1f} M" if packets >= 1e6 else f"{packets / 1e3:.0f} k"
