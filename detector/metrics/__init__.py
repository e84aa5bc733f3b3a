"""What the detector tells about itself: numbers to record, and two ways to show them."""

from pathlib import Path
from typing import TYPE_CHECKING

from detector.config import MetricsConfig
from detector.errors import UsageError
from detector.metrics.record import Record

if TYPE_CHECKING:
    from detector.metrics.exposition import MetricsServer

__all__ = ["Metrics", "check_textfile"]


def check_textfile(path: Path) -> None:
    """Refuse a file that node_exporter would overlook; to be called before a long run, not after it.

    Raises:
        UsageError: the name does not end in `.prom`, or its folder does not exist.
    """
    if path.suffix != ".prom" or not path.parent.is_dir():
        raise UsageError(
            f"metrics file: got {str(path)!r}, expected is a name that ends in .prom in a folder that "
            "exists, name such a file"
        )


class Metrics(Record):
    """All metrics of one run. Prometheus' library is loaded only when they are shown: it takes 0.1 s."""

    def write_textfile(self, path: Path) -> None:
        """Write all metrics to a file for node_exporter's textfile collector, in one step.

        Raises:
            UsageError: see `check_textfile`.
            IotidsError: the file cannot be written.
        """
        from detector.metrics import exposition  # noqa: PLC0415 - see above

        check_textfile(path)
        exposition.write_textfile(self, path)

    def serve(self, config: MetricsConfig) -> "MetricsServer":
        """Serve the metrics over HTTP, or HTTPS where a certificate is configured, until it is closed.

        Raises:
            ConfigError: the certificate or its key does not load.
            IotidsError: the address is not ours, or the port is taken.
        """
        from detector.metrics import exposition  # noqa: PLC0415 - see above

        return exposition.start_server(self, config)
