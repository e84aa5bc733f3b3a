"""Sinks that the configuration asks for, and what loading them costs who does not."""

import subprocess
import sys
from pathlib import Path

import pytest

from detector.config import Config, MqttConfig, SyslogConfig, WebhookConfig
from detector.errors import ConfigError
from detector.sinks import network_sinks


def test_none_is_the_default() -> None:
    assert network_sinks(Config()) == []


def test_each_one_that_is_configured() -> None:
    pytest.importorskip("paho.mqtt", reason="needs paho-mqtt (the mqtt extra)")
    config = Config(
        syslog=SyslogConfig(url="udp://127.0.0.1:9"),
        webhook=WebhookConfig(url="http://127.0.0.1:9"),
        mqtt=MqttConfig(url="mqtt://127.0.0.1:9"),
    )
    sinks = network_sinks(config)
    assert [sink.name for sink in sinks] == ["syslog", "webhook", "mqtt"]
    for sink in sinks:
        sink.close()


def test_a_library_that_is_missing_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "detector.sinks.mqtt", raising=False)
    monkeypatch.setitem(sys.modules, "paho", None)
    monkeypatch.setitem(sys.modules, "paho.mqtt", None)
    monkeypatch.setitem(sys.modules, "paho.mqtt.client", None)
    with pytest.raises(ConfigError, match=r"paho.* is not installed, run pip install 'iotids\[mqtt\]'"):
        network_sinks(Config(mqtt=MqttConfig(url="mqtt://127.0.0.1")))


def test_who_configures_none_loads_no_library() -> None:
    program = (
        "import sys, detector.run\n"
        "names = {'paho', 'cryptography', 'http.client', 'detector.sinks.mqtt', 'prometheus_client'}\n"
        "print(sorted(names & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=Path.cwd()
    )
    assert done.stdout == "[]\n"
