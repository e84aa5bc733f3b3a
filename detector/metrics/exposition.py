"""Metrics in Prometheus' format: for a scrape, and for node_exporter's textfile collector.

The only module of the detector that knows `prometheus_client`; it takes 0.1 s to import, which only a run
that shows its metrics should pay.

Threats: whoever reaches the port. So it is this machine alone unless configured; nothing a client sends is
acted on but the path and its credentials; requests are bounded in number and time, and one that is silent
keeps nobody out. Names of interfaces are escaped, no label is an address, and no request is logged.
"""

import logging
import ssl
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from socket import AF_INET, AF_INET6, socket
from socketserver import TCPServer, ThreadingMixIn
from threading import BoundedSemaphore, Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, ProcessCollector, make_wsgi_app, write_to_textfile
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from detector.config import MetricsConfig
from detector.errors import ConfigError, IotidsError
from detector.metrics.access import guarded
from detector.metrics.families import Family
from detector.metrics.record import Labels, Record

_log = logging.getLogger("iotids")

_REQUEST_TIMEOUT_SECS = 10
_MAX_REQUESTS = 16
"""Requests at once; more are turned away, so that nobody makes a thread a connection out of us."""


class MetricsCollector(Collector):
    """Turns the numbers into Prometheus' families when it is asked to."""

    def __init__(self, record: Record) -> None:
        self._record = record

    def collect(self) -> Iterator[Metric]:
        """Return every family, those without a series yet included."""
        for family, series in self._record.values().items():
            kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
            exposed = kind(family.name, family.meaning, labels=family.labels)
            for labels, value in series.items():
                exposed.add_metric(_encodable(labels), value)
            yield exposed
        for family, histograms in self._record.histograms().items():
            yield _exposed_histogram(family, histograms)


def _exposed_histogram(
    family: Family, histograms: dict[Labels, tuple[list[int], float]]
) -> HistogramMetricFamily:
    exposed = HistogramMetricFamily(family.name, family.meaning, labels=family.labels)
    bounds = [*map(str, family.bounds), "+Inf"]
    for labels, (counts, total) in histograms.items():
        exposed.add_metric(_encodable(labels), list(zip(bounds, accumulate(counts), strict=True)), total)
    return exposed


def _encodable(labels: Labels) -> Labels:
    """Make file names that are no UTF-8 (they stand for an interface in a replay) fit for the format."""
    return tuple(label.encode("utf-8", "backslashreplace").decode() for label in labels)


def registry(record: Record) -> CollectorRegistry:
    """Return a registry with the detector's metrics and nothing else."""
    own = CollectorRegistry()
    own.register(MetricsCollector(record))
    return own


def write_textfile(record: Record, path: Path) -> None:
    """Write all metrics to a file, which is complete at any time somebody reads it."""
    try:
        # Without the process metrics: node_exporter has its own, and refuses both.
        write_to_textfile(str(path), registry(record))
    except OSError as error:
        raise IotidsError(
            f"{path}: metrics cannot be written ({error.strerror}), expected is a file in a folder that this "
            "user may write to, name another one"
        ) from error


class _Handler(WSGIRequestHandler):
    timeout = _REQUEST_TIMEOUT_SECS

    def log_message(self, *_: object) -> None:
        """Log no request: a scrape every 15 s is nothing to tell."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 2 * _MAX_REQUESTS

    def __init__(self, config: MetricsConfig) -> None:
        self.address_family = AF_INET6 if ":" in config.address else AF_INET
        self._room = BoundedSemaphore(_MAX_REQUESTS)
        super().__init__((config.address, config.port), _Handler)

    def server_bind(self) -> None:
        # Not HTTPServer's, which looks the address up in DNS and may wait long for that.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]
        self.setup_environ()

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._room.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        _log.debug("A request for metrics broke off.", exc_info=True)


class MetricsServer:
    """A running endpoint."""

    def __init__(self, server: WSGIServer) -> None:
        self._server = server
        self.port: int = server.server_port
        """The TCP port it listens on, also where a free one was asked for."""
        self._thread = Thread(target=server.serve_forever, name="metrics", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening; takes at most half a second. Calling it twice does no harm."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def start_server(record: Record, config: MetricsConfig) -> MetricsServer:
    """Serve the metrics, and those of the process, from a thread of its own."""
    own = registry(record)
    ProcessCollector(registry=own)
    app, context = guarded(make_wsgi_app(own), config), _tls_context(config)
    try:
        server = _Server(config)
    except OSError as error:
        raise IotidsError(
            f"[metrics] address and port: cannot listen on {config.address} port {config.port} "
            f"({error.strerror}), expected is an address of this machine and a port that is free, end the "
            "other program, set another port or set enabled = false"
        ) from error
    server.set_app(app)
    if context is not None:
        server.socket = _wrapped(context, server.socket)
    return MetricsServer(server)


def _wrapped(context: ssl.SSLContext, listening: socket) -> ssl.SSLSocket:
    """Speak TLS on a listening socket; each handshake is its request's matter and has its timeout.

    Otherwise one client that connects and is silent would keep all others out.
    """
    return context.wrap_socket(listening, server_side=True, do_handshake_on_connect=False)


def _tls_context(config: MetricsConfig) -> ssl.SSLContext | None:
    if config.tls_cert is None or config.tls_key is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # An empty passphrase, or OpenSSL would ask for one on the terminal.
        context.load_cert_chain(config.tls_cert, config.tls_key, password=b"")
    except OSError as error:
        raise ConfigError(
            f"[metrics] tls_cert and tls_key: got {config.tls_cert!r} and {config.tls_key!r}, which do not "
            f"load ({error.strerror or error}), allowed are PEM files of a certificate and its key without a "
            "passphrase, mend them or leave both out"
        ) from error
    return context
