"""The options of what leaves the program."""

from typing import Any

import pytest
from pydantic import ValidationError

from detector.config.outputs import MetricsConfig, MqttConfig, OutputConfig, SyslogConfig, WebhookConfig
from detector.config.section import Section


@pytest.mark.parametrize(
    ("section", "values"),
    [
        (SyslogConfig, {"url": "unix:///dev/log"}),
        (SyslogConfig, {"url": "udp://logs:514", "message": "sentence", "facility": "auth"}),
        (SyslogConfig, {"url": "tcp://[::1]:601"}),
        (WebhookConfig, {"url": "https://example.org:8443/a/b?c=d", "timeout_secs": 1}),
        (WebhookConfig, {"url": "http://192.0.2.1"}),
        (
            MqttConfig,
            {"url": "mqtts://broker", "username": "u", "password_file": "p", "topic": "home/iotids"},
        ),
        (MqttConfig, {"url": "mqtt://127.0.0.1:1884"}),
        (OutputConfig, {"max_queued_alerts": 16}),
        (MetricsConfig, {"username": "u", "password_file": "p"}),
    ],
)
def test_what_is_allowed(section: type[Section], values: dict[str, Any]) -> None:
    assert section(**values).model_dump(exclude_unset=True) == values


@pytest.mark.parametrize(
    ("section", "values"),
    [
        *(
            (SyslogConfig, {"url": url})
            for url in ("/dev/log", "unix://dev/log", "udp://logs", "tcp://h:1/x")
        ),
        *((SyslogConfig, {"url": url}) for url in ("tls://h:1", "udp://h:0", "udp://h:65536", "udp://:514")),
        *(
            (WebhookConfig, {"url": url})
            for url in ("example.org", "ftp://h/", "https://u:p@h/", "http://h/#x")
        ),
        *(
            (WebhookConfig, {"url": url})
            for url in ("http://h/a b", "http://h/é", "http://h/\r\nX: y", "http://[")
        ),
        *((MqttConfig, {"url": url}) for url in ("mqtt://", "mqtt://h/t", "mqtt://u@h", "tcp://h:1883")),
        *(
            (MqttConfig, {"topic": topic})
            for topic in ("", "/a", "a/", "a/#", "+", "a b", "a" * 65, "a\n", "é")
        ),
        (MqttConfig, {"username": "u"}),
        (MqttConfig, {"password_file": "p"}),
        (MetricsConfig, {"username": "u"}),
        (SyslogConfig, {"facility": "local8"}),
        (WebhookConfig, {"timeout_secs": 0}),
        (OutputConfig, {"max_queued_alerts": 15}),
    ],
)
def test_what_is_not_allowed_is_refused(section: type[Section], values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r"allowed (is|are)|[Ii]nput should be"):
        section(**values)
