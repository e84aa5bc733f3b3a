"""Signing a bundle, so that a detector with the public key takes no other."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from detector.bundle import SIGNATURE, load_bundle
from detector.errors import UsageError
from detector.features import SCHEMA
from detector.meter import ENGINE_VERSION


def sign_bundle(bundle: Path, key: Path) -> str:
    """Write the signature of a bundle beside its files; return the bundle's digest.

    Raises:
        UsageError: the key does not load.
        BundleError: the bundle is not whole: a damaged one is not signed.
    """
    private = _private_key(key)
    checked = load_bundle(bundle, schema_digest=SCHEMA.digest, nfstream_version=ENGINE_VERSION)
    scratch = bundle.parent / f".{bundle.name}.{SIGNATURE}"  # not inside, where nothing else may be
    scratch.write_bytes(private.sign((bundle / "bundle.json").read_bytes()))
    scratch.rename(bundle / SIGNATURE)
    return checked.digest


def _private_key(path: Path) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:  # the last one for a key with a passphrase
        raise UsageError(
            f"--key {path}: does not load ({getattr(error, 'strerror', None) or error}); expected a PEM file "
            "with an Ed25519 private key without a passphrase, openssl genpkey -algorithm ed25519 makes one"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(
            f"--key {path}: is another kind of key; openssl genpkey -algorithm ed25519 makes one"
        )
    return key
