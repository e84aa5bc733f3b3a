"""The scenes as a picture: packets per second by scene and contender."""

from pathlib import Path
from typing import Any

_COLOURS = {
    "libpcap": "#c9c9c9",
    "meter": "#7fb3d5",
    "iotids": "#1f618d",
    "NFStreamer": "#e59866",
    "NFStreamer 1 s": "#f5cba7",
}


def draw(scenes: dict[str, dict[str, Any]], path: Path) -> None:
    """Write bars to an SVG file. The axis is logarithmic, or libpcap would leave no room for the others."""
    import matplotlib as mpl  # noqa: PLC0415 - only who draws needs it

    mpl.use("svg")
    from matplotlib import pyplot as plt  # noqa: PLC0415 - after the choice of backend

    mpl.rcParams["svg.hashsalt"] = "iotids"  # the same bytes for the same numbers
    figure, axes = plt.subplots(figsize=(9, 4.5), layout="constrained")
    width = 0.8 / len(_COLOURS)
    for at, (contender, colour) in enumerate(_COLOURS.items()):
        heights = [found["contenders"][contender]["packets_per_sec"] for found in scenes.values()]
        places = [number + (at - (len(_COLOURS) - 1) / 2) * width for number in range(len(scenes))]
        bars = axes.bar(places, heights, width * 0.95, label=contender, color=colour)
        axes.bar_label(bars, [_thousands(height) for height in heights], fontsize=7, padding=1)
    axes.set_yscale("log")
    axes.set_xticks(range(len(scenes)), list(scenes))
    axes.set_ylabel("packets per second (logarithmic)")
    axes.set_title("Captures read at full speed")
    axes.legend(ncols=len(_COLOURS), loc="upper center", bbox_to_anchor=(0.5, -0.08), frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def _thousands(packets: float) -> str:
    return f"{packets / 1e6:.1f} M" if packets >= 1e6 else f"{packets / 1e3:.0f} k"
