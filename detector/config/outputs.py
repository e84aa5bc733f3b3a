"""The options of what leaves the program: alerts, logs, metrics."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from detector.config import values
from detector.config.section import Contradiction, FilePath, Section, together

Text = Annotated[str, AfterValidator(values.text)]
Address = Annotated[str, AfterValidator(values.address)]
SyslogUrl = Annotated[str, AfterValidator(values.syslog_url)]
WebUrl = Annotated[str, AfterValidator(values.web_url)]
MqttUrl = Annotated[str, AfterValidator(values.mqtt_url)]
Topic = Annotated[str, AfterValidator(values.topic)]


class OutputConfig(Section):
    """`[output]`: where alerts and logs go."""

    alerts: FilePath | None = None
    """File to which alerts are appended as JSON lines, `-` for standard output. None: alerts are logged and
    counted only, because no place is writable on every machine."""
    rotate_bytes: Annotated[int, Field(ge=65_536, le=1 << 40)] | None = None
    """Pack the alerts file with gzip once it would grow beyond so many bytes, and begin a new one. None: it
    grows, for logrotate or the like to look after, whose rotation is noticed without a signal."""
    rotated_files: Annotated[int, Field(ge=1, le=1000)] = 7
    """Packed files that are kept with `rotate_bytes`; the oldest is deleted. Seven, as a week of days."""
    max_queued_alerts: Annotated[int, Field(ge=16, le=1_000_000)] = 4096
    """Alerts that wait for each place that is slow or gone, until it is back; beyond it the oldest are
    dropped, and counted. An alert takes about 3 kB, so that these take 12 MB, and outlast an hour
    with an alert every second."""
    log_format: Literal["auto", "plain", "json"] = "auto"
    """Form of the log on standard error. `auto` is plain on a terminal and JSON elsewhere, where programs
    read it."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least important message still logged. `info` tells starts, stops and losses, and nothing per
    packet."""


class SyslogConfig(Section):
    """`[syslog]`: alerts as messages of RFC 5424."""

    url: SyslogUrl | None = None
    """Where to send alerts, `unix:///dev/log`, `udp://HOST:PORT` or `tcp://HOST:PORT`. None: nowhere. TCP
    tells when the receiver is gone, UDP may not."""
    message: Literal["json", "sentence"] = "json"
    """Form of the message, the whole alert as JSON, or one sentence for people. JSON, because what reads
    syslog is mostly a program."""
    facility: Literal[
        "auth", "daemon", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"
    ] = "local5"
    """Facility of the message, by which receivers sort. `local5`, as Suricata's."""


class WebhookConfig(Section):
    """`[webhook]`: an HTTP POST an alert."""

    url: WebUrl | None = None
    """Where to post alerts, as JSON, one a request, `https://...` or `http://...`. None: nowhere. An answer
    of 2xx takes the alert, 400, 413 and 422 refuse it, after anything else it is sent again."""
    token_file: FilePath | None = None
    """File with a token that is sent as `Authorization: Bearer`, on one line, closed to other users. None:
    no token."""
    ca_file: FilePath | None = None
    """PEM file with the certificates that vouch for the receiver. None: those that the system trusts."""
    timeout_secs: Annotated[float, Field(ge=0.1, le=60.0)] = 5.0
    """Wait at most this long, in seconds, for the receiver to connect, and again to answer. Five, because
    alerts behind a slow one wait."""


class MqttConfig(Section):
    """`[mqtt]`: alerts to a broker, where Home Assistant finds a sensor for each class by itself."""

    url: MqttUrl | None = None
    """Where the broker is, `mqtts://HOST[:8883]` for TLS, or `mqtt://HOST[:1883]`. None: no broker."""
    username: Text | None = None
    """Name that the broker asks for; set together with `password_file`. None: the broker asks for none."""
    password_file: FilePath | None = None
    """File with the password that goes with `username`, on one line, closed to other users. A file, so that
    this one may be shown to anybody."""
    ca_file: FilePath | None = None
    """PEM file with the certificates that vouch for the broker. None: those that the system trusts."""
    topic: Topic = "iotids"
    """Topic below which all others lie. Give each sensor its own, or they overwrite each other's state."""
    discovery_topic: Topic = "homeassistant"
    """Topic below which sensors are announced to Home Assistant. Its own default."""

    def contradictions(self) -> Iterator[Contradiction]:
        """A name needs its password."""
        yield from together(self, "username", "password_file")


class MetricsConfig(Section):
    """`[metrics]`: the Prometheus endpoint, served while the daemon runs."""

    enabled: bool = True
    """Serve it at all. On, because a sensor nobody watches is not known to be blind."""
    address: Address = "127.0.0.1"
    """IP address to listen on; `0.0.0.0` and `::` mean all. This machine only, because the numbers tell an
    attacker what is seen."""
    port: Annotated[int, Field(ge=0, le=65535)] = 9469
    """TCP port to listen on, in the range that Prometheus exporters use; 0 takes a free one and logs it."""
    tls_cert: FilePath | None = None
    """PEM file with the certificate chain; set together with `tls_key`. None, because a loopback address
    needs none."""
    tls_key: FilePath | None = None
    """PEM file with the certificate's private key, without a passphrase."""

    username: Text | None = None
    """Name that a scrape has to give; set together with `password_file`. None, because on a loopback address
    only this machine asks. Set tls_cert too, or the password travels in the clear."""
    password_file: FilePath | None = None
    """File with the password that goes with `username`, on one line, closed to other users. A file, so that
    this one may be shown to anybody."""

    def contradictions(self) -> Iterator[Contradiction]:
        """TLS needs both files, and a name its password."""
        yield from together(self, "tls_cert", "tls_key")
        yield from together(self, "username", "password_file")
