"""What a sink is, and the two forms in which most of them send an alert: a line of JSON, and a sentence.

Threats: names of interfaces and captures come from outside and stand in alerts. JSON writes every control
character out, and a sentence replaces them, so that no alert can begin a line of its own.
"""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import orjson

from detector.records import Alert, Category


class RefusedError(Exception):
    """The receiver does not want this very alert, now or later: to send it again would be of no use."""


class AlertSink(Protocol):
    """Takes alerts out of the process."""

    @property
    def name(self) -> str:
        """A short noun for metrics and logs, unique among the sinks of one set."""

    def emit(self, alerts: Sequence[Alert]) -> None:
        """Send alerts, in order, before returning; with none, open what is to be open.

        Raises:
            OSError: some of them could not be sent, and may be lost; sending them again may help.
            RefusedError: one of them will never be taken.
        """

    def close(self) -> None:
        """Let go of what is open; may be called twice, and nothing is emitted after it."""


@runtime_checkable
class StatefulSink(AlertSink, Protocol):
    """A sink that shows which incidents are open, and so has to know of alerts that it never gets."""

    def forget(self, alert: Alert) -> None:
        """Take note of an alert that is dropped; called from any thread, and never waits."""


@runtime_checkable
class ConnectedSink(AlertSink, Protocol):
    """A sink with a connection, which may break while there is nothing to send."""

    def check(self) -> None:
        """See whether the connection stands, and make it again if it does not; never during an `emit`.

        Raises:
            OSError: there is none.
        """


def sentence(alert: Alert) -> str:
    """Return an alert as one line of text, free of control characters.

    "Recon open: 10.0.0.66 scanned 10.0.0.5: 411 ports of 1 host in 3.1 s, 98 % unanswered (97 %)".
    """
    verb = "scanned" if alert.category is Category.RECON else "flooded"
    return printable(
        f"{alert.category} {alert.state}: {alert.attacker} {verb} {alert.victim}: "
        f"{alert.reason} ({100 * alert.confidence:.0f} %)"
    )


def json_lines(alerts: Sequence[Alert]) -> bytes:
    """Return one line of JSON an alert."""
    return b"".join(orjson.dumps(alert.event, option=orjson.OPT_APPEND_NEWLINE) for alert in alerts)


def printable(text: str) -> str:
    """Return text with a question mark for everything that could move a cursor or start a line."""
    return "".join(char if char.isprintable() else "?" for char in text)
