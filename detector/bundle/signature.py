"""Signed bundles: who made one, and not only that it is whole.

`bundle.sig` holds an Ed25519 signature (RFC 8032, 64 bytes) of `bundle.json`, which holds the digests of
all other files. `openssl` makes and checks the same:

    openssl genpkey -algorithm ed25519 -out key.pem && openssl pkey -in key.pem -pubout -out public.pem
    openssl pkeyutl -verify -pubin -inkey public.pem -rawin -in bundle.json -sigfile bundle.sig

Threats: somebody who may write the bundle but has no private key. They may still put back an older bundle
that was signed with the same key: use a new key to rule older ones out.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from detector.bundle.files import read_plain_file
from detector.errors import BundleError, ConfigError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

SIGNATURE = "bundle.sig"
SIGNATURE_BYTES = 64
_MAX_KEY_BYTES = 16_384


def check_signature(bundle: Path, manifest: bytes, key: Path) -> None:
    """Refuse a manifest that the owner of a key has not signed.

    Args:
        bundle: the directory that holds the signature.
        manifest: the bytes of `bundle.json`.
        key: PEM file with the Ed25519 public key.

    Raises:
        BundleError: there is no signature, or not this key's.
        ConfigError: the key does not load, or the library for it is not installed.
    """
    public = _public_key(key)
    if not (bundle / SIGNATURE).exists():
        raise BundleError(
            f"{bundle}: is not signed (no {SIGNATURE}), but bundle_key = {str(key)!r} asks for it; use a "
            "signed bundle, or run iotids-train sign"
        )
    signature = read_plain_file(bundle / SIGNATURE, SIGNATURE_BYTES)
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - as below

    try:
        public.verify(signature, manifest)
    except InvalidSignature as error:
        raise BundleError(
            f"{bundle / SIGNATURE}: is not the signature of this bundle by the key {str(key)!r}; one of the "
            "three was changed, use a bundle that its owner signed"
        ) from error


def _public_key(path: Path) -> "Ed25519PublicKey":
    # 20 ms and 10 MB, which only who checks signatures should pay.
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415
        from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"bundle_key: got {str(path)!r}, but the library {error.name} is not installed, run pip install "
            "'iotids[sign]', or leave it out"
        ) from error
    try:
        with path.open("rb") as file:
            key = load_pem_public_key(file.read(_MAX_KEY_BYTES))
    except (OSError, ValueError) as error:
        key, why = None, getattr(error, "strerror", None) or "no PEM public key"
    else:
        why = "another kind of key"
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigError(
            f"bundle_key: got {str(path)!r}, which does not load ({why}), allowed is a PEM file with an "
            "Ed25519 public key, name the right one"
        )
    return key
