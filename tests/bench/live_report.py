"""The curve as a table on the terminal and as a picture."""

from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.live_frames import VICTIM
from tests.bench.live_point import Point


def secs(value: float | None) -> str:
    """Return seconds as text, a dash where there are none."""
    return "-" if value is None else f"{value:.1f}"


COLUMNS: dict[str, Callable[[Point], str]] = {
    "rate": lambda point: f"{point.rate:,.0f}" if point.rate else "max",
    "sent/s": lambda point: f"{point.sent_per_sec:,.0f}",
    "sent": lambda point: f"{point.sent:,}",
    "rx": lambda point: f"{point.rx - point.sent:+,}",
    "captured": lambda point: f"{point.captured:,}",
    "dropped k/i/m": lambda point: "/".join(
        f"{point.dropped.get(stage, 0):,}" for stage in ("kernel", "interface", "meter")
    ),
    "lost?": lambda point: f"{point.unaccounted:,}",
    "loss": lambda point: f"{point.loss_percent:.2f} %",
    "flows": lambda point: f"{sum(point.flows.values()):,}",
    "fl. dropped": lambda point: f"{point.flows_dropped:,}",
    "shed": lambda point: f"{point.windows_shed:,}",
    "cores": lambda point: f"{point.cores:.2f}",
    "wait": lambda point: f"{point.waiting:.2f}",
    "us/pkt": lambda point: f"{point.micros_per_packet:.2f}",
    "MiB": lambda point: f"{point.peak_mib:.0f}",
    "open": lambda point: f"{secs(point.open_wall_secs)}/{secs(point.open_packet_secs)}",
    "empty": lambda point: secs(point.empty_secs),
    "scrape": lambda point: f"{point.slowest_scrape_secs:.2f}",
    "others": lambda point: str(sum(not flood_alone(text) for text in point.opened)),
}
"""What stands in the table. `rx` is how many packets more than sent the watched end counted; packets are
dropped by kernel, interface and meter; `lost?` are those that nobody accounts for; `shed` are windows.
`cores` and `wait` are processor seconds had and waited for in a second. `open` is wall and packet time of the
flood's alert, `empty` when no flow was active any more, `scrape` the longest that the metrics took, all in
seconds. `others` are incidents about anybody but the flood's victim."""


def flood_alone(text: str) -> bool:
    """Tell whether an incident is about the flood's victim."""
    return text.endswith(f"> {VICTIM}")


def show(points: Sequence[Point], console: Console) -> None:
    """Print a table for each scene and setting, in the order measured."""
    for (scene, setting), rows in groupby(points, lambda point: (point.scene, point.setting)):
        table = Table(title=f"{scene}, {setting}", title_justify="left", padding=(0, 1, 0, 0), box=None)
        for column in COLUMNS:
            table.add_column(column, justify="right", no_wrap=True)
        for point in rows:
            table.add_row(*(cell(point) for cell in COLUMNS.values()))
        console.print(table, end="\n\n")


def plot(points: Sequence[Point], path: Path) -> None:
    """Draw loss against rate, a panel for each scene and a line for each setting."""
    import matplotlib as mpl  # noqa: PLC0415 - only a picture needs it

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    scenes = list(dict.fromkeys(point.scene for point in points))
    figure, panels = plt.subplots(
        1, len(scenes), figsize=(5.5 * len(scenes), 4), sharey=True, squeeze=False, layout="constrained"
    )
    for panel, scene in zip(panels[0], scenes, strict=True):
        for setting in dict.fromkeys(point.setting for point in points):
            line = sorted(
                (point.sent_per_sec / 1000, point.loss_percent)
                for point in points
                if (point.scene, point.setting) == (scene, setting)
            )
            panel.plot(*zip(*line, strict=True), marker="o", markersize=4, clip_on=False, label=str(setting))
        panel.set(title=scene, xlabel="sent, 1000 packets/s", xlim=(0, None))
        panel.set_yscale("symlog", linthresh=0.1)
        panel.set_ylim(0, 100)
        panel.grid(alpha=0.3)
    panels[0][0].set_ylabel("lost, %")
    panels[0][0].set_yticks([0, 0.1, 1, 10, 100], ["0", "0.1", "1", "10", "100"])
    panels[0][-1].legend(frameon=False)
    figure.savefig(path, metadata={"Date": None, "Creator": None} if path.suffix == ".svg" else None)
