"""Alerts to a real broker: mosquitto, asked by its own client."""

import getpass
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Thread

import orjson
import pytest
from paho.mqtt.client import MQTTMessageInfo
from paho.mqtt.enums import MQTTErrorCode

from detector.config import MqttConfig
from detector.errors import ConfigError
from detector.records import Category, State
from detector.sinks import mqtt
from detector.sinks.mqtt import MqttSink
from detector.sinks.spool import Spool
from tests.detector.sinks.samples import (
    HOSTILE,
    RecordingHandler,
    certificate,
    free_port,
    full,
    logger,
    wait_until,
)

MISSING = [name for name in ("mosquitto", "mosquitto_sub", "mosquitto_passwd") if not shutil.which(name)]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"needs {MISSING} (Debian's mosquitto, -clients)")


class Broker:
    """A mosquitto on loopback, and what one of its clients saw."""

    def __init__(self, folder: Path, *settings: str) -> None:
        self.port = free_port()
        self._file = folder / "mosquitto.conf"
        own = [f"listener {self.port} 127.0.0.1", "persistence false", f"user {getpass.getuser()}"]
        self._file.write_text("\n".join([*own, *(settings or ["allow_anonymous true"])]) + "\n")
        self._client: subprocess.Popen[bytes] | None = None
        self.seen: list[tuple[str, bytes]] = []
        """Topics and payloads, in order."""

    def start(self) -> None:
        self.process = subprocess.Popen(
            ["mosquitto", "-c", self._file], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_until(self._listens)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(number)
        self.process.wait(10)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Follow all topics, from the moment that the broker says so."""
        where = ["-h", "127.0.0.1", "-p", str(self.port)]
        subprocess.run(["mosquitto_pub", *where, "-r", "-t", "watched", "-m", "yes"], check=True)
        client = subprocess.Popen(["mosquitto_sub", *where, "-t", "#", "-F", "%t %p"], stdout=subprocess.PIPE)
        reader = Thread(target=self._read, args=[client])
        reader.start()
        try:
            wait_until(lambda: self.says("watched", b"yes"))
            yield
        finally:
            client.terminate()
            reader.join()
            client.wait()

    def _read(self, client: subprocess.Popen[bytes]) -> None:
        assert client.stdout is not None
        with client.stdout as lines:
            for line in lines:
                topic, _, payload = line.rstrip(b"\n").partition(b" ")
                self.seen.append((topic.decode(), payload))

    def last(self, topic: str) -> bytes | None:
        return next((payload for name, payload in reversed(self.seen) if name == topic), None)

    def says(self, topic: str, payload: bytes) -> bool:
        return self.last(topic) == payload

    def all(self, topic: str) -> list[bytes]:
        return [payload for name, payload in self.seen if name == topic]

    def config(self, **more: str) -> MqttConfig:
        return MqttConfig(**{"url": f"mqtt://127.0.0.1:{self.port}", **more})


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    broker = Broker(tmp_path)
    broker.start()
    yield broker
    broker.process.send_signal(signal.SIGCONT)
    broker.stop()


def complains(sink: MqttSink, why: str) -> bool:
    return why in sink._why


def emit_until_taken(sink: MqttSink, *states: State) -> None:
    for state in states:
        while True:
            try:
                sink.emit([full(state)])
                break
            except OSError:
                time.sleep(0.05)


def test_home_assistant_finds_a_sensor_for_each_class(broker: Broker) -> None:
    sink = MqttSink(broker.config())
    sink.emit([])
    with broker.watched():
        wait_until(lambda: broker.last("iotids/status") == b"online")
        for name in ("recon", "dos", "ddos"):
            wait_until(partial(broker.says, f"iotids/{name}/state", b"OFF"))
            payload = broker.last(f"homeassistant/binary_sensor/iotids/{name}/config")
            assert payload is not None
            sensor = orjson.loads(payload)
            assert sensor["state_topic"] == f"iotids/{name}/state"
            assert sensor["availability_topic"] == "iotids/status"
            assert sensor["unique_id"] == f"iotids_{name}"
        sink.close()
        wait_until(lambda: broker.last("iotids/status") == b"offline")


def test_a_sensor_is_on_while_an_incident_of_its_class_is_open(broker: Broker) -> None:
    sink = MqttSink(broker.config(topic="home/gate"))
    with broker.watched():
        emit_until_taken(sink, State.OPEN)
        sink.emit([full(State.OPEN, incident="b2"), full(State.OPEN, Category.DDOS, "c3")])
        sink.emit([full(State.CLOSE)])
        wait_until(lambda: len(broker.all("home/gate/events")) == 4)
        assert broker.last("home/gate/recon/state") == b"ON"
        assert broker.last("home/gate/ddos/state") == b"ON"
        sink.emit([full(State.CLOSE, incident="b2")])
        wait_until(lambda: broker.last("home/gate/recon/state") == b"OFF")
        assert broker.last("home/gate/dos/state") == b"OFF"
        events = [orjson.loads(event) for event in broker.all("home/gate/events")]
        assert [event["iotids"]["state"] for event in events[:4]] == ["open", "open", "open", "close"]
        assert events[0]["in_iface"] == HOSTILE
        attributes = orjson.loads(broker.last("home/gate/recon/attributes") or b"")
        assert (attributes["attacker"], attributes["state"]) == ("10.0.0.66", "close")
    sink.close()


def test_an_end_that_is_never_published_still_counts(broker: Broker) -> None:
    sink = MqttSink(broker.config())
    emit_until_taken(sink, State.OPEN)
    sink.forget(full(State.CLOSE))
    with broker.watched():
        sink.emit([full(State.UPDATE, Category.DOS, "b2")])
        sink.emit([full(State.OPEN, incident="c3")])
        sink.emit([full(State.CLOSE, incident="c3")])
        wait_until(lambda: broker.last("iotids/recon/state") == b"OFF")
    sink.close()


def test_a_broker_that_restarts_gets_state_and_alerts(broker: Broker, log: RecordingHandler) -> None:
    spool = Spool(MqttSink(broker.config()), logger(), capacity=100)
    spool.emit([full(State.OPEN)])
    wait_until(lambda: spool.waiting == 0)
    broker.stop(signal.SIGKILL)
    spool.emit([full(State.UPDATE), full(State.CLOSE), full(State.OPEN, Category.DOS, "b2")])
    wait_until(lambda: not spool.up)
    # What it says depends on whether the loss was seen before the alert was under way.
    assert re.search(r"no connection to the broker \(|did not acknowledge", log.lines[-1])
    broker.start()
    wait_until(lambda: spool.waiting == 0, 30)
    with broker.watched():
        wait_until(lambda: broker.last("iotids/dos/state") == b"ON")
        wait_until(lambda: broker.last("iotids/recon/state") == b"OFF")
        wait_until(lambda: broker.last("iotids/status") == b"online")
    spool.stop(time.monotonic() + 2)
    spool.close()
    assert sum(spool.dropped.values()) == 0


def test_a_broker_that_goes_is_noticed_before_the_next_alert(broker: Broker) -> None:
    spool = Spool(MqttSink(broker.config()), logger(), capacity=100)
    spool.emit([full(State.OPEN)])
    wait_until(lambda: spool.waiting == 0)
    broker.stop(signal.SIGKILL)
    wait_until(lambda: not spool.up, 5)
    broker.start()
    wait_until(lambda: spool.up)
    spool.emit([full(State.CLOSE)])
    wait_until(lambda: spool.waiting == 0)
    spool.stop(time.monotonic() + 2)
    spool.close()
    assert sum(spool.dropped.values()) == 0


def test_a_broker_that_hangs_is_noticed_and_gets_the_alert_when_it_is_back(broker: Broker) -> None:
    spool = Spool(MqttSink(broker.config()), logger(), capacity=100)
    spool.emit([full(State.OPEN)])
    wait_until(lambda: spool.waiting == 0)
    broker.process.send_signal(signal.SIGSTOP)
    stopped = time.monotonic()
    spool.emit([full(State.CLOSE)])
    while spool.up:
        spool.look()
        time.sleep(0.05)
        assert time.monotonic() - stopped < 5
    assert spool.waiting == 1
    broker.process.send_signal(signal.SIGCONT)
    with broker.watched():
        wait_until(lambda: spool.waiting == 0, 30)
        wait_until(lambda: broker.last("iotids/recon/state") == b"OFF")
    spool.stop(time.monotonic() + 2)
    spool.close()


def test_the_broker_tells_when_the_sensor_dies(broker: Broker) -> None:
    program = (
        "import time; from detector.config import MqttConfig; from detector.sinks.mqtt import MqttSink;"
        f"MqttSink(MqttConfig(url='mqtt://127.0.0.1:{broker.port}')).emit([]); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", program])
    with broker.watched():
        wait_until(lambda: broker.last("iotids/status") == b"online")
        process.kill()
        process.wait()
        wait_until(lambda: broker.last("iotids/status") == b"offline")


# paho leaves it to the collector to close a socket whose certificate it did not believe.
@pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning"
)
def test_tls_with_name_and_password(tmp_path: Path, log: RecordingHandler) -> None:
    cert, key = certificate(tmp_path)
    names, secret = tmp_path / "names", tmp_path / "secret"
    subprocess.run(
        ["mosquitto_passwd", "-c", "-b", names, "iotids", "s3cret"], check=True, capture_output=True
    )
    broker = Broker(
        tmp_path, "allow_anonymous false", f"password_file {names}", f"certfile {cert}", f"keyfile {key}"
    )
    broker.start()
    url = f"mqtts://127.0.0.1:{broker.port}"
    try:
        secret.write_text("wrong\n")
        secret.chmod(0o600)
        known = {"url": url, "username": "iotids", "password_file": str(secret)}
        for more, why in (({"ca_file": cert}, "Not authorized"), ({}, "CERTIFICATE_VERIFY_FAILED")):
            refused = MqttSink(MqttConfig(**known, **more))
            refused.emit([])
            wait_until(partial(complains, refused, why))
            with pytest.raises(ConnectionError, match=why):
                refused.emit([full(State.OPEN)])
            refused.close()
        secret.write_text("s3cret\n")
        sink = MqttSink(MqttConfig(**known, ca_file=cert))
        emit_until_taken(sink, State.OPEN)
        sink.close()
    finally:
        broker.stop()
    assert log.lines == []


def test_a_message_that_found_no_connection_says_so() -> None:
    message = MQTTMessageInfo(1)
    message.rc = MQTTErrorCode.MQTT_ERR_NO_CONN
    with pytest.raises(ConnectionError, match=r"no connection to the broker \(.*not currently connected"):
        mqtt._acknowledged(message)


def test_a_password_that_cannot_be_read_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"\[mqtt\] password_file"):
        MqttSink(MqttConfig(url="mqtt://127.0.0.1", username="u", password_file=str(tmp_path / "none")))
