"""Where alerts are posted to: an HTTP server that can be taken away, or be told to give no answer."""

from collections import Counter
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import orjson


def name_of(event: dict[str, Any]) -> str:
    """Return what tells an alert from all others."""
    ours = event["iotids"]
    return f"{ours['incident_id']} {ours['state']} {event['timestamp']}"


class Receiver:
    """Takes alerts while it is there and answers."""

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()
        """How often each alert was taken, by its name."""
        self.answering = Event()
        self.answering.set()
        self._server: ThreadingHTTPServer | None = None
        self.port = 0
        self.open()

    def open(self) -> None:
        """Listen, on the port of the first time."""
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), self._handler())
        self.port = self._server.server_port
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """Refuse connections."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        taken, answering = self.taken, self.answering

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers["Content-Length"]))
                if not answering.is_set():
                    answering.wait(60)
                    return  # without an answer: whoever asked has given up
                taken[name_of(orjson.loads(content))] += 1
                with suppress(OSError):
                    self.send_response(204)
                    self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        return Handler
