"""The programs of others that the lab runs, and the Debian packages that bring them."""

import os
import shutil

from detector.errors import UsageError

PACKAGES = {
    "ab": "apache2-utils",
    "curl": "curl",
    "ethtool": "ethtool",
    "fping": "fping",
    "hping3": "hping3",
    "ip": "iproute2",
    "iperf3": "iperf3",
    "masscan": "masscan",
    "mosquitto": "mosquitto",
    "mosquitto_pub": "mosquitto-clients",
    "mosquitto_sub": "mosquitto-clients",
    "nmap": "nmap",
    "openssl": "openssl",
    "ping": "iputils-ping",
    "setpriv": "util-linux",
    "slowhttptest": "slowhttptest",
    "ssh": "openssh-client",
    "tcpdump": "tcpdump",
    "unshare": "util-linux",
}
"""Program to package, as in Debian 12."""

_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def missing() -> dict[str, str]:
    """Return what is not installed: program to package."""
    return {tool: package for tool, package in PACKAGES.items() if find(tool) is None}


def find(tool: str) -> str | None:
    """Return the path of a program; `sbin` counts even where an ordinary user's PATH lacks it."""
    return shutil.which(tool, path=f"{os.environ.get('PATH', '')}:{_SYSTEM_PATH}")


def require() -> None:
    """Refuse to start a lab that would fail halfway.

    Raises:
        UsageError: a program is missing; the message names the packages to install.
    """
    absent = missing()
    if absent:
        packages = " ".join(sorted(set(absent.values())))
        raise UsageError(f"the lab needs {', '.join(absent)}: install with `apt-get install {packages}`")
