"""Alerts to an MQTT broker, in the form that Home Assistant finds by itself.

| topic below `topic` | holds |
|---|---|
| `status` | `online`, or `offline`, which the broker says for us when we are gone; kept by the broker |
| `recon/state`, `dos/state`, `ddos/state` | `ON` while an incident of the class is open, else `OFF`; kept |
| `recon/attributes`, ... | of the class's last alert: who, whom, what, how sure; kept |
| `events` | every alert as JSON, at least once, in order |

Threats: a broker that is not who it says (use `mqtts`: the certificate is verified), and everybody else on
the broker, who may read and write these topics unless its access list forbids it. Nothing is subscribed to,
so that nothing that comes from the broker is acted on.
"""

import sys
from collections import Counter
from collections.abc import Sequence
from threading import Event, Lock
from typing import Any
from urllib.parse import urlsplit

import orjson
from paho.mqtt.client import Client, MQTTMessageInfo
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from detector import __version__
from detector.config import MqttConfig, read_secret
from detector.records import CATEGORIES, Alert, Category, State
from detector.sinks.sink import printable
from detector.sinks.tls import client_context

_PORTS = {"mqtt": 1883, "mqtts": 8883}
_KEEPALIVE_SECS = 10
_CONNECT_SECS = 5.0
_FIRST_WAIT_SECS = 2.0
"""What an alert waits for a connection that is being made, before it counts as an error."""
_ACKNOWLEDGE_SECS = 5.0
_MAX_PENDING = 64
"""Messages that the library holds for a broker which does not acknowledge them."""
_ATTACKS = tuple(category for category in CATEGORIES if category is not Category.BENIGN)


class MqttSink:
    """Publishes alerts, and which classes have an open incident."""

    name = "mqtt"

    def __init__(self, config: MqttConfig) -> None:
        """Prepare; nothing is sent before the first `emit`.

        Raises:
            ConfigError: the password or the certificates do not load.
        """
        parts = urlsplit(config.url or "")
        self._topic, self._discovery_topic = config.topic, config.discovery_topic
        self._host, self._port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        self._lock = Lock()
        self._open: dict[str, Category] = {}
        """Incidents by their id."""
        self._started, self._connected, self._why = False, Event(), "no answer yet"
        client = Client(CallbackAPIVersion.VERSION2)
        client.connect_timeout = _CONNECT_SECS
        client.reconnect_delay_set(1, 4)
        client.max_queued_messages_set(_MAX_PENDING)
        client.will_set(f"{self._topic}/status", "offline", qos=1, retain=True)
        if config.username and config.password_file:
            client.username_pw_set(config.username, read_secret(config.password_file, "[mqtt] password_file"))
        if parts.scheme == "mqtts":
            client.tls_set_context(client_context(config.ca_file, "[mqtt] ca_file"))
        client.on_connect, client.on_disconnect = self._on_connect, self._on_disconnect
        client.on_connect_fail = self._on_connect_fail
        self._client = client

    def emit(self, alerts: Sequence[Alert]) -> None:
        """Publish alerts and what they change, and wait until the broker has them."""
        if not self._started:
            self._started = True
            self._client.connect_async(self._host, self._port, _KEEPALIVE_SECS)
            self._client.loop_start()
        for alert in alerts:
            self._note(alert)
            if not self._connected.wait(_FIRST_WAIT_SECS):
                raise ConnectionError(f"no connection to the broker ({self._why})")
            self._publish_state(alert.category)
            self._publish(f"{_topic_of(alert.category)}/attributes", _attributes(alert), retain=True)
            _acknowledged(self._publish("events", alert.event))

    def check(self) -> None:
        """See whether the broker is there; the library connects again by itself."""
        if self._started and not self._connected.is_set():
            raise ConnectionError(f"no connection to the broker ({self._why})")

    def forget(self, alert: Alert) -> None:
        """Let an incident's end count although it is never published."""
        if alert.state is State.CLOSE:
            self._note(alert)

    def close(self) -> None:
        """Say that nothing is watched any more, and leave."""
        if not self._started:
            return
        self._started = False
        if self._connected.is_set():
            _acknowledged(self._publish("status", "offline", retain=True))
        self._client.disconnect()
        self._client.loop_stop()

    def _note(self, alert: Alert) -> None:
        incident = alert.event["iotids"]["incident_id"]
        with self._lock:
            if alert.state is State.CLOSE:
                self._open.pop(incident, None)
            else:
                self._open[incident] = alert.category

    def _publish(self, topic: str, content: object, *, retain: bool = False) -> MQTTMessageInfo:
        payload = content if isinstance(content, str) else orjson.dumps(content)
        return self._client.publish(f"{self._topic}/{topic}", payload, qos=1, retain=retain)

    def _publish_state(self, category: Category) -> None:
        with self._lock:
            count = Counter(self._open.values())[category]
        self._publish(f"{_topic_of(category)}/state", "ON" if count else "OFF", retain=True)

    def _on_connect(self, _client: Client, _: object, __: object, reason: Any, ___: object) -> None:
        if reason.is_failure:
            self._why = printable(str(reason))
            return
        for category in _ATTACKS:
            self._announce(category)
            self._publish_state(category)
        self._publish("status", "online", retain=True)
        self._connected.set()

    def _on_disconnect(self, _client: Client, _: object, __: object, reason: Any, ___: object) -> None:
        if self._connected.is_set():  # else it was refused, which says more
            self._connected.clear()
            self._why = printable(str(reason))

    def _on_connect_fail(self, _client: Client, _: object) -> None:
        error = sys.exc_info()[1]  # the library calls this while it handles the error
        self._why = printable(f"{type(error).__name__}: {error}")

    def _announce(self, category: Category) -> None:
        """Tell Home Assistant of the class's sensor (its "MQTT discovery" of a `binary_sensor`)."""
        node = self._topic.replace("/", "_")
        sensor = {
            "name": category.value,
            "unique_id": f"{node}_{_topic_of(category)}",
            "device_class": "safety",  # on means unsafe
            "state_topic": f"{self._topic}/{_topic_of(category)}/state",
            "json_attributes_topic": f"{self._topic}/{_topic_of(category)}/attributes",
            "availability_topic": f"{self._topic}/status",
            "qos": 1,
            "device": {
                "identifiers": [node],
                "name": self._topic,
                "sw_version": __version__,
                "model": "iotids",
            },
            "origin": {"name": "iotids", "sw_version": __version__},
        }
        topic = f"{self._discovery_topic}/binary_sensor/{node}/{_topic_of(category)}/config"
        self._client.publish(topic, orjson.dumps(sensor), qos=1, retain=True)


def _topic_of(category: Category) -> str:
    return category.value.lower()


def _attributes(alert: Alert) -> dict[str, Any]:
    """Return what a person wants to know of the last alert."""
    return {
        "attacker": alert.attacker,
        "victim": alert.victim,
        "reason": alert.reason,
        "confidence": round(alert.confidence, 4),
        "severity": alert.severity,
        "state": alert.state.value,
        "time": alert.event["timestamp"],
        "first_seen": alert.event["iotids"]["first_seen"],
        "incident_id": alert.event["iotids"]["incident_id"],
    }


def _acknowledged(message: MQTTMessageInfo) -> None:
    """Wait until the broker has a message."""
    try:
        message.wait_for_publish(_ACKNOWLEDGE_SECS)
        done = message.is_published()
    except (RuntimeError, ValueError) as error:
        lost = message.rc == MQTTErrorCode.MQTT_ERR_NO_CONN
        raise ConnectionError(f"no connection to the broker ({error})" if lost else str(error)) from error
    if not done:
        raise TimeoutError("the broker did not acknowledge the alert")
