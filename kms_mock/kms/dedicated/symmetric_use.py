"""Symmetric keys at work in the dedicated gateway: which version is used, and what becomes of plaintext and ciphertext.

Sources: the help pages of the KMS Instance API (Encrypt, AdvanceEncrypt, GenerateDataKey, …): the plain operations use
the initial version of a key, the Advance ones its primary version, of symmetric keys in software instances alone.
"""

from __future__ import annotations

from typing import NamedTuple

from kms_mock.kms import errors
from kms_mock.kms.dedicated import blobs
from kms_mock.kms.dedicated.context import Context
from kms_mock.kms.model import key_use
from kms_mock.kms.model.cipher_modes import Cipher, cipher_of
from kms_mock.kms.model.instance import instances
from kms_mock.kms.model.key import Key


class Sealed(NamedTuple):
    """A ciphertext with what the answer tells of it; `blob` is the ciphertext with the tag alone."""

    cipher: Cipher
    iv: bytes
    blob: bytes
    version_id: str


def initial_version(key: Key) -> str:
    """Return the id of the first version of a key."""
    return next(iter(key.versions))


def software_key(ctx: Context, key_id: str) -> Key:
    """Return a symmetric key in a software instance. Raises UNSUPPORTED_OPERATION for any other."""
    key = ctx.key(key_id)
    check_software(ctx, key)
    return key


def check_software(ctx: Context, key: Key) -> None:
    """Check that a key is a symmetric one in a software instance. Raises UNSUPPORTED_OPERATION, KEY_UNAVAILABLE."""
    key_use.check_symmetric(ctx.partition, key)
    if ctx.partition[instances].find(key.instance_id or "").kind != "software":
        raise errors.UNSUPPORTED_OPERATION(f"Key {key.id} is in a hardware instance; this needs a software instance.")


def seal(
    ctx: Context,
    key: Key,
    cipher: Cipher,
    plaintext: bytes,
    *,
    aad: bytes | None,
    iv: bytes | None = None,
    version_id: str | None = None,
) -> Sealed:
    """Encrypt under a version of a key, the initial one unless another is named. Raises INVALID_PARAMETER."""
    version_id = version_id or initial_version(key)
    material = key.material(version_id)
    iv = cipher.iv(iv, ctx.sources.random_bytes)
    return Sealed(cipher, iv, cipher.encrypt(material, iv, plaintext, aad), version_id)


def seal_advanced(
    ctx: Context, key: Key, cipher: Cipher, plaintext: bytes, *, aad: bytes | None, iv: bytes | None = None
) -> Sealed:
    """Encrypt under the primary version of a key; the blob names everything."""
    key.material()  # before its versions count: one whose material is not imported yet has none
    sealed = seal(ctx, key, cipher, plaintext, aad=aad, iv=iv, version_id=key.primary_version)
    return sealed._replace(blob=blobs.pack(cipher, sealed.version_id, sealed.iv, sealed.blob))


def unseal(
    key: Key, cipher: Cipher, ciphertext: bytes, *, iv: bytes | None, aad: bytes | None, version_id: str
) -> bytes:
    """Decrypt with a version of a key. Raises MISSING_PARAMETER, INVALID_CIPHERTEXT."""
    material = key.material(version_id)
    if iv is None and cipher.iv_length:
        raise errors.MISSING_PARAMETER(f"{cipher.algorithm} needs the Iv of the encryption.", name="Iv")
    return cipher.decrypt(material, cipher.iv(iv, bytes), ciphertext, aad)


def unseal_advanced(ctx: Context, blob: blobs.BlobParts, aad: bytes | None) -> tuple[Key, Cipher, bytes]:
    """Decrypt a blob that names everything; return key and algorithm too. Raises KEY_NOT_FOUND, INVALID_CIPHERTEXT."""
    key = ctx.key_of_version(blob.key_version_id)
    check_software(ctx, key)
    if not blob.algorithm.startswith(key.spec.kind.upper()):
        raise errors.INVALID_CIPHERTEXT(f"The blob is none of {key.spec_name}.", name="CiphertextBlob")
    cipher = cipher_of(key, blob.algorithm, blob.padding)
    iv, body = blob.rest[: cipher.iv_length], blob.rest[cipher.iv_length :]
    if len(iv) < cipher.iv_length:
        raise errors.INVALID_CIPHERTEXT("The blob is too short.", name="CiphertextBlob")
    return key, cipher, unseal(key, cipher, body, iv=iv, aad=aad, version_id=blob.key_version_id)
