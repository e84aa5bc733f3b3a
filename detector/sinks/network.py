"""The sinks that the configuration asks for, each loaded only then."""

from detector.config import Config
from detector.errors import ConfigError
from detector.sinks.sink import AlertSink


def network_sinks(config: Config) -> list[AlertSink]:
    """Return a sink for each receiver that is configured; nothing is sent before their first `emit`.

    Raises:
        ConfigError: something they need is missing: a file, a socket, a library.
    """
    # Imported where they are wanted: together they take 0.1 s and 8 MB, which nobody else need pay.
    sinks: list[AlertSink] = []
    if config.syslog.url:
        from detector.sinks.syslog import SyslogSink  # noqa: PLC0415

        sinks.append(SyslogSink(config.syslog))
    if config.webhook.url:
        from detector.sinks.webhook import WebhookSink  # noqa: PLC0415

        sinks.append(WebhookSink(config.webhook))
    if config.mqtt.url:
        try:
            from detector.sinks.mqtt import MqttSink  # noqa: PLC0415
        except ModuleNotFoundError as error:
            raise ConfigError(
                f"[mqtt] url: got {config.mqtt.url!r}, but the library {error.name} is not installed, run "
                "pip install 'iotids[mqtt]', or leave it out"
            ) from error
        sinks.append(MqttSink(config.mqtt))
    return sinks
