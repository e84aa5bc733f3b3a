"""What single values mean: addresses, interface names, paths, places to send to and allow-list entries.

Each validator returns the value or raises ValueError with "allowed is ..., how to fix it". The value
received is shown by whoever reports the error.
"""

import re
from ipaddress import IPv6Address, ip_address, ip_network
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from pydantic import ValidationInfo

from detector.records import Category

_TOPIC = re.compile(r"(?=.{1,64}\Z)[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*")
_MAX_INTERFACE_BYTES = 15
"""Linux: IFNAMSIZ less the final zero."""


def text(value: str) -> str:
    """Refuse a text that is blank or holds what cannot be printed."""
    if not value.strip():
        raise ValueError("allowed is any text but a blank one, leave the option out instead")
    if not value.isprintable():
        raise ValueError("allowed are printable characters on one line, remove the others")
    return value


def file_path(value: str, info: ValidationInfo) -> str:
    """Make a path absolute that was read from a configuration file: it is relative to that file.

    The validation context names the file's folder as `folder`; without one the path stays as it is.
    `-` is standard input or output and not a path.
    """
    folder: Path | None = (info.context or {}).get("folder")
    return text(value) if folder is None or value == "-" else str(folder / text(value))


def address(value: str) -> str:
    """Refuse what is no IP address: names would be looked up, and might change."""
    try:
        ip_address(text(value))
    except ValueError:
        raise ValueError(
            "allowed is an IPv4 or IPv6 address, write for example 127.0.0.1 for this machine only"
        ) from None
    return value


def syslog_url(value: str) -> str:
    """Refuse what is neither `unix:///PATH`, `udp://HOST:PORT` nor `tcp://HOST:PORT`."""
    form = "allowed is unix:///PATH, udp://HOST:PORT or tcp://HOST:PORT, write for example unix:///dev/log"
    if value.startswith("unix:///"):
        return text(value)
    parts = _split(value, ("udp", "tcp"), form)
    if parts.port is None or parts.path or parts.query:
        raise ValueError(form)
    return value


def web_url(value: str) -> str:
    """Refuse what is no `http://` or `https://` address without a name and password in it."""
    _split(value, ("http", "https"), "allowed is https://HOST[:PORT]/PATH or http://..., in ASCII")
    return value


def mqtt_url(value: str) -> str:
    """Refuse what is neither `mqtt://HOST[:PORT]` nor `mqtts://HOST[:PORT]`."""
    form = "allowed is mqtts://HOST[:PORT] or mqtt://HOST[:PORT], write for example mqtt://127.0.0.1"
    parts = _split(value, ("mqtt", "mqtts"), form)
    if parts.path or parts.query:
        raise ValueError(form)
    return value


def _split(value: str, schemes: tuple[str, ...], form: str) -> SplitResult:
    try:
        parts = urlsplit(text(value))
        good = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise ValueError(form) from None
    if not good or not value.isascii() or " " in value or parts.fragment:
        raise ValueError(form)
    if "@" in parts.netloc:
        raise ValueError(f"{form}, and no name or password in it: they belong into a file of their own")
    return parts


def topic(value: str) -> str:
    """Refuse what is no plain MQTT topic: wildcards cannot be published to."""
    if not _TOPIC.fullmatch(value):
        raise ValueError("allowed are names of letters, digits, - and _ with / between them, 64 at most")
    return value


def interface(value: str) -> str:
    """Refuse what Linux would not take as an interface's name."""
    legal = value.isprintable() and not set(value) & set("/ ") and value not in {".", ".."}
    if not legal or not 0 < len(value.encode()) <= _MAX_INTERFACE_BYTES:
        raise ValueError(
            f"allowed are 1 to {_MAX_INTERFACE_BYTES} characters without spaces and slashes, "
            "`ip link` lists the names"
        )
    return value


def allowance(value: str) -> str:
    """Refuse what is neither `ADDRESS[/PREFIX]` nor `ADDRESS[/PREFIX] CATEGORY`."""
    form = "allowed is 'ADDRESS[/PREFIX]' or 'ADDRESS[/PREFIX] CATEGORY'"
    subject, space, name = value.partition(" ")
    start, slash, prefix = subject.partition("/")
    attacks = [category.value for category in Category if category is not Category.BENIGN]
    if "%" in subject or (slash and not (prefix.isascii() and prefix.isdigit())):
        raise ValueError(f"{form}, write for example '192.0.2.0/24 Recon'")
    if space and name not in attacks:
        raise ValueError(f"{form}, CATEGORY is one of {', '.join(attacks)}, mend it or leave it out for all")
    try:
        address = ip_address(start)
        network = ip_network((start, int(prefix)) if slash else start, strict=False)
    except ValueError:
        raise ValueError(f"{form}, ADDRESS is IPv4 or IPv6, write for example '192.0.2.7 Recon'") from None
    if address != network.network_address:
        raise ValueError(f"{form}, no /{prefix} begins at this address, write '{network}' or '{address}'")
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        raise ValueError(f"{form}, IPv4 is seen as such, write '{address.ipv4_mapped}'")
    return value
