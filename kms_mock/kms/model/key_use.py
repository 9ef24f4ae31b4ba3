"""Using a key: whether it may be used at all, and the ciphertext blobs of symmetric keys (behaviour.md 2 and 3)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from msgspec import Struct

from kms_mock.crypto import b64, envelope, symmetric
from kms_mock.crypto.envelope import NONCE_LENGTH, Blob
from kms_mock.crypto.errors import InvalidCiphertext
from kms_mock.crypto.specs import ENCRYPT_DECRYPT, SYMMETRIC_CIPHERS, Kind
from kms_mock.kms import errors
from kms_mock.kms.errors import ErrorSpec
from kms_mock.kms.model.instance import instances
from kms_mock.kms.model.key import Key
from kms_mock.store.partition import Partition


class Encrypted(Struct, frozen=True, gc=False):
    """The result of an encryption: the version of the key that did it, and the blob."""

    version_id: str
    blob: bytes


def check_usable(partition: Partition, key: Key, kinds: Collection[Kind], usage: str, mismatch: ErrorSpec) -> None:
    """Check that a key is for this use; its state is asked for where its material is taken.

    Raises `mismatch` for a key of another kind or usage, UNSUPPORTED_OPERATION for a key of a cloud service (help page
    FAQ in behaviour.md 3), KEY_UNAVAILABLE when its KMS instance does not work.
    """
    if key.service is not None:
        raise errors.UNSUPPORTED_OPERATION(f"Key {key.id} belongs to the service {key.service}, not to its users.")
    if key.spec.kind not in kinds or key.usage != usage:
        needed = f"for {usage}" if key.usage != usage else f"of the kind {' or '.join(kinds)}"
        raise mismatch(f"Key {key.id} is a key {key.spec_name} for {key.usage}; this needs one {needed}.")
    if key.instance_id is not None:
        partition[instances].find(key.instance_id).after("use a key in it")


def check_symmetric(partition: Partition, key: Key) -> None:
    """Check that a key encrypts symmetrically. Raises UNSUPPORTED_OPERATION, KEY_UNAVAILABLE."""
    check_usable(partition, key, SYMMETRIC_CIPHERS, ENCRYPT_DECRYPT, errors.UNSUPPORTED_OPERATION)


def encrypt(
    key: Key, plaintext: bytes, context: Mapping[str, str] | None, random_bytes: Callable[[int], bytes]
) -> Encrypted:
    """Encrypt under the key's primary version. Raises the refusal of the key's state."""
    material = key.material()
    version_id = key.primary_version or ""
    nonce = random_bytes(NONCE_LENGTH)
    sealed = symmetric.seal(material, nonce, plaintext, envelope.context_aad(context))
    return Encrypted(version_id, envelope.pack(version_id, nonce, sealed))


def unpack(text: str) -> Blob:
    """Take a blob apart that travelled as Base64. Raises INVALID_CIPHERTEXT."""
    raw = ciphertext_bytes(text)
    try:
        return envelope.unpack(raw)
    except InvalidCiphertext as error:
        raise invalid_ciphertext(error) from error


def decrypt(key: Key, blob: Blob, context: Mapping[str, str] | None) -> bytes:
    """Open a blob with the version that it names. Raises INVALID_CIPHERTEXT and the refusal of the key's state."""
    material = key.material(blob.key_version_id)
    try:
        return symmetric.unseal(material, blob.nonce, blob.sealed, envelope.context_aad(context))
    except InvalidCiphertext as error:
        raise errors.INVALID_CIPHERTEXT(
            "The ciphertext was changed, or EncryptionContext is not the one of its encryption.", name="CiphertextBlob"
        ) from error


def ciphertext_bytes(text: str) -> bytes:
    """Read a ciphertext: canonical Base64. Raises INVALID_CIPHERTEXT."""
    try:
        return b64.decode_canonical(text)
    except ValueError as error:
        raise invalid_ciphertext(error) from error


def invalid_ciphertext(error: Exception) -> errors.ApiError:
    """Make the refusal of a ciphertext out of what is wrong with it, in words without any of its bytes."""
    return errors.INVALID_CIPHERTEXT(f"CiphertextBlob: {error}.", name="CiphertextBlob")
