"""What the hosts run: importing this package enters every program in the registry."""

import subprocess
from pathlib import Path

from train.lab import tools
from train.lab.programs import busy, crowd, field, local, media, mqtt, servers, web

__all__ = ["busy", "crowd", "field", "local", "media", "mqtt", "prepare", "servers", "web"]


def prepare(scratch: Path) -> None:
    """Make what all hosts share: one self-signed certificate."""
    argv = [
        str(tools.find("openssl")),
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
    ]
    argv += ["-nodes", "-subj", "/CN=device.example", "-days", "30"]
    argv += ["-keyout", str(scratch / "key.pem"), "-out", str(scratch / "cert.pem")]
    subprocess.run(argv, check=True, capture_output=True)  # noqa: S603
