"""The configuration: read from a file, overridden by flags, refused with every problem at once.

`configs/iotids.toml` shows every option with its default, unit and reason; a test holds file and models
equal. Order of precedence: command line, file, bundle (for thresholds and timeouts), defaults.

Threats: a file of another program, or one that somebody else wrote in part. It is bounded in size, cannot run
anything, is refused whole when anything in it is unknown, and whatever of it is shown is shortened and
printable. Passwords do not stand in it but in files of their own, closed to other users.
"""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from detector.config.outputs import MetricsConfig, MqttConfig, OutputConfig, SyslogConfig, WebhookConfig
from detector.config.problems import Location, Values, problems, shown
from detector.config.secret import read_secret
from detector.config.sections import (
    SECTIONS,
    CaptureConfig,
    Config,
    IncidentConfig,
    MeterConfig,
    ShadowConfig,
    ThresholdConfig,
    WindowConfig,
)
from detector.errors import ConfigError

__all__ = [
    "CaptureConfig",
    "Config",
    "Flag",
    "IncidentConfig",
    "MeterConfig",
    "MetricsConfig",
    "MqttConfig",
    "OutputConfig",
    "ShadowConfig",
    "SyslogConfig",
    "ThresholdConfig",
    "WebhookConfig",
    "WindowConfig",
    "check_bundle",
    "check_reload",
    "load",
    "override",
    "read_secret",
]

_FIXED = {
    section: [name for name in model.model_fields if name not in {"log_format", "log_level"}]
    for section, model in SECTIONS.items()
    if section not in {"thresholds", "shadow", "incidents"}
}
"""Options that need a start, by section: they shape what is open and what is kept."""

_MAX_FILE_BYTES = 1 << 20
"""The shipped file has 10 kB. What is a hundred times as large is no configuration."""


class Flag(NamedTuple):
    """A command-line flag that sets an option."""

    name: str
    """As the operator writes it: `--iface`."""
    option: str
    """Dotted: `capture.interfaces`; without a dot for the options above all sections."""
    value: object
    """None: the flag was not given, and the option stays as it is."""


def load(path: Path) -> Config:
    """Read and check a configuration file. Relative paths in it are relative to its folder.

    Raises:
        ConfigError: the file cannot be read, is no TOML, or has any unknown key, bad value or
            contradiction; the message names every problem.
    """
    where = str(path) if str(path).isprintable() else shown(str(path))
    return _checked(_parse(_read(path, where), where), where, {}, path.absolute().parent)


def override(config: Config, *flags: Flag) -> Config:
    """Return the configuration with the flags that were given in place of its values.

    Raises:
        ConfigError: a value is bad or contradicts another; the message names the flag.
    """
    values: dict[str, Any] = config.model_dump()
    given = {tuple(flag.option.split(".", 1)): flag for flag in flags if flag.value is not None}
    for option, flag in given.items():
        table = values[option[0]] if len(option) > 1 else values
        table[option[-1]] = flag.value
    return _checked(values, "command line", {option: flag.name for option, flag in given.items()})


def check_reload(running: Config, wanted: Config) -> None:
    """Refuse a configuration that a running daemon cannot take over.

    Raises:
        ConfigError: an option differs that only a start applies; the message names each.
    """
    found = [
        f"[{section}] {option}"
        for section, fields in _FIXED.items()
        for option in fields
        if getattr(getattr(running, section), option) != getattr(getattr(wanted, section), option)
    ]
    if found:
        raise ConfigError(
            f"configuration: {', '.join(found)} changed, allowed while running are changes of bundle, "
            "thresholds, shadow, incidents and the log, restart the service for others"
        )


def check_bundle(config: Config, *, idle_timeout_ms: int, active_timeout_ms: int) -> None:
    """Refuse a configuration that contradicts the bundle's timeouts (in ms).

    Raises:
        ConfigError: it sets another timeout, or incidents would close between two slices of one
            flow; the message names both values.
    """
    found = [
        f"[meter] {name}: got {ours}, allowed is the bundle's {theirs}, because the model knows only flows "
        "that were cut so, leave it out or choose another bundle"
        for name, ours, theirs in (
            ("idle_timeout_ms", config.meter.idle_timeout_ms, idle_timeout_ms),
            ("active_timeout_ms", config.meter.active_timeout_ms, active_timeout_ms),
        )
        if ours not in {None, theirs}
    ]
    longest_ms = max(idle_timeout_ms, active_timeout_ms)
    if config.incidents.close_after_secs * 1000 <= longest_ms:
        found.append(
            f"[incidents] close_after_secs: got {config.incidents.close_after_secs}, allowed is more than "
            f"{longest_ms / 1000}, the bundle's longest timeout, because a flow that goes on is seen only so "
            "often, raise it"
        )
    if found:
        raise ConfigError("configuration and bundle: " + "; ".join(found))


def _read(path: Path, where: str) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ConfigError(
            f"{where}: cannot be read ({error.strerror}), expected is a TOML file, "
            "name one that exists and that this user may read"
        ) from error
    except ValueError as error:  # a zero byte in the name
        raise ConfigError(f"{where}: is no file name, expected is a TOML file, mend the name") from error
    if len(content) > _MAX_FILE_BYTES:
        raise ConfigError(
            f"{where}: is over {_MAX_FILE_BYTES} bytes, expected is a TOML file, name the right one"
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"{where}: is not UTF-8 (byte 0x{content[error.start]:02x} at line {line}), expected is a TOML "
            "file, save it as UTF-8"
        ) from error


def _parse(text: str, where: str) -> Values:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        last = f"at line {text.count(chr(10)) + 1}, column {len(text) - text.rfind(chr(10))}"
        reason = re.sub(r"at end of document(?=\)$)", last, str(error))
        raise ConfigError(f"{where}: is no TOML: {reason}, mend it there") from error
    except (ValueError, RecursionError) as error:  # an integer of over 4300 digits; brackets hundreds deep
        raise ConfigError(
            f"{where}: is no TOML: a number has too many digits or brackets are too deep, shorten it"
        ) from error


def _checked(values: Values, where: str, flags: Mapping[Location, str], folder: Path | None = None) -> Config:
    try:
        return Config.model_validate(values, context={"folder": folder})
    except ValidationError as error:
        raise ConfigError(f"{where}: {'; '.join(problems(values, flags))}") from error
