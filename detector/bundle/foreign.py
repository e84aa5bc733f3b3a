"""Models that are no bundle and must not pass for one."""

from pathlib import Path

from detector.errors import BundleError

PAPER = "paper.json"
"""Beside the models that `iotids-train paper` saves."""


def refuse_foreign(path: Path) -> None:
    """Say of a model of the paper's why it cannot be used, wherever in its directory `path` points.

    Raises:
        BundleError: it is one.
    """
    directory = path if path.is_dir() else path.parent
    if any((place / PAPER).is_file() for place in (directory, *directory.glob("models/*"))):
        raise BundleError(
            f"{path}: a model of iotids-train paper: its features are packet-window statistics, not flows; "
            "name a bundle made by iotids-train export"
        )
