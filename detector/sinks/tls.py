"""TLS towards a receiver: always verified."""

import ssl

from detector.errors import ConfigError


def client_context(ca_file: str | None, option: str) -> ssl.SSLContext:
    """Return a context that trusts the certificates of a PEM file, or the system's; `option` is for messages.

    Raises:
        ConfigError: the file does not load.
    """
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise ConfigError(
            f"{option}: got {ca_file!r}, which does not load ({error.strerror or error}), allowed is a PEM "
            "file with certificates, mend it or leave it out"
        ) from error
