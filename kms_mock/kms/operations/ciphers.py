"""Encryption with symmetric keys: Encrypt, Decrypt, ReEncrypt, AdvanceEncrypt."""

from typing import NamedTuple, NotRequired, TypedDict

from kms_mock.crypto import asymmetric, b64
from kms_mock.crypto.errors import InvalidCiphertext
from kms_mock.crypto.specs import ENCRYPT_DECRYPT
from kms_mock.kms import errors
from kms_mock.kms.context import Context
from kms_mock.kms.model import key_use
from kms_mock.kms.model.attestation import refuse_recipient
from kms_mock.kms.model.cipher_modes import AdvanceAlgorithm, PaddingMode, cipher_of
from kms_mock.kms.parameters import (
    EncryptionAlgorithm,
    EncryptionContext,
    KeyId,
    Plaintext,
    Recipient,
)
from kms_mock.rpc.api import operation

_MAX_PLAINTEXT_BYTES = 6144
_FROM, _TO = "kms:ReEncryptFrom", "kms:ReEncryptTo"


class Ciphertext(TypedDict):
    KeyId: str
    KeyVersionId: str
    CiphertextBlob: bytes


class AdvancedCiphertext(Ciphertext):
    Algorithm: str
    Iv: NotRequired[bytes]
    PaddingMode: NotRequired[str]


class Decrypted(TypedDict):
    KeyId: str
    KeyVersionId: str
    Plaintext: str


class _Source(NamedTuple):
    key_id: str
    version_id: str
    plaintext: bytes


@operation(
    "Encrypt",
    errors=(
        errors.ENCRYPT_INVALID_PARAMETER,
        errors.KEY_NOT_FOUND,
        errors.ALIAS_NOT_FOUND,
        errors.INVALID_ACCESS_KEY_ID,
        errors.KEY_DISABLED,
        errors.KEY_PENDING_DELETION,
        errors.KEY_PENDING_IMPORT,
    ),
    dry_run=True,
)
def encrypt(
    ctx: Context, *, key_id: KeyId, plaintext: Plaintext, encryption_context: EncryptionContext | None = None
) -> Ciphertext:
    """Encrypt a string of at most 6144 bytes under the primary version of a symmetric key.

    The plaintext is opaque: Base64 or not, Decrypt returns the very same string (behaviour.md 3).
    """
    key = ctx.key(key_id)
    key_use.check_symmetric(ctx.partition, key)
    found = key_use.encrypt(key, _plaintext_bytes(plaintext), encryption_context, ctx.sources.random_bytes)
    return {"KeyId": key.id, "KeyVersionId": found.version_id, "CiphertextBlob": found.blob}


def _plaintext_bytes(text: str) -> bytes:
    data = text.encode()
    if len(data) > _MAX_PLAINTEXT_BYTES:
        raise errors.INVALID_PARAMETER(
            f"Plaintext has {len(data)} bytes, {_MAX_PLAINTEXT_BYTES} are allowed.", name="Plaintext"
        )
    return data


@operation(
    "Decrypt",
    errors=(
        errors.UNSUPPORTED_OPERATION,
        errors.ALIAS_NOT_FOUND,
        errors.KEY_NOT_FOUND,
        errors.KEY_DISABLED,
        errors.KEY_PENDING_DELETION,
        errors.KEY_UNAVAILABLE,
        errors.KEY_PENDING_IMPORT,
        errors.INVALID_CIPHERTEXT,
        errors.INVALID_PARAMETER,  # for what is wrong with another parameter than CiphertextBlob
    ),
    dry_run=True,
)
def decrypt(
    ctx: Context,
    *,
    ciphertext_blob: str,
    encryption_context: EncryptionContext | None = None,
    recipient: Recipient | None = None,
) -> Decrypted:
    """Decrypt a blob; it names the version of the key that made it, so no key is given."""
    refuse_recipient(recipient)
    blob = key_use.unpack(ciphertext_blob)
    key = ctx.key_of_version(blob.key_version_id)
    key_use.check_symmetric(ctx.partition, key)
    plaintext = key_use.decrypt(key, blob, encryption_context)
    try:
        text = plaintext.decode()
    except UnicodeDecodeError as error:  # made outside, with the key material of a fixture file
        raise errors.INVALID_CIPHERTEXT("The blob holds bytes that are no text.", name="CiphertextBlob") from error
    return {"KeyId": key.id, "KeyVersionId": blob.key_version_id, "Plaintext": text}


@operation(
    "ReEncrypt",
    errors=(*errors.USUAL_TABLE, errors.KEY_NOT_FOUND, errors.INTERNAL_FAILURE),
    dry_run=True,
    actions=(_FROM, _TO),
)
def re_encrypt(
    ctx: Context,
    *,
    ciphertext_blob: str,
    source_key_id: KeyId | None = None,
    source_key_version_id: str | None = None,
    source_encryption_algorithm: EncryptionAlgorithm | None = None,
    source_encryption_context: EncryptionContext | None = None,
    destination_key_id: KeyId,
    destination_encryption_context: EncryptionContext | None = None,
) -> Ciphertext:
    """Decrypt a ciphertext and encrypt its plaintext under another key or context; the plaintext never leaves.

    The three `source_` parameters of the key are for the ciphertext of a public key, and go together. The answer names
    the source key and version (api-docs ReEncrypt).
    """
    home = ctx.partition
    named = {
        "SourceKeyId": source_key_id,
        "SourceKeyVersionId": source_key_version_id,
        "SourceEncryptionAlgorithm": source_encryption_algorithm,
    }
    missing = [name for name, value in named.items() if value is None]
    if len(missing) == len(named):
        source = _open_blob(ctx, ciphertext_blob, source_encryption_context)
    elif missing:
        raise errors.MISSING_PARAMETER(
            "SourceKeyId, SourceKeyVersionId and SourceEncryptionAlgorithm go together.", name=missing[0]
        )
    else:
        source = _open_public_key_ciphertext(
            ctx, ciphertext_blob, source_key_id or "", source_key_version_id or "", source_encryption_algorithm or ""
        )
    ctx.partition = home  # the source may be in another account
    key = ctx.key(destination_key_id, _TO)
    key_use.check_symmetric(ctx.partition, key)
    found = key_use.encrypt(key, source.plaintext, destination_encryption_context, ctx.sources.random_bytes)
    return {"KeyId": source.key_id, "KeyVersionId": source.version_id, "CiphertextBlob": found.blob}


def _open_blob(ctx: Context, text: str, context: EncryptionContext | None) -> _Source:
    blob = key_use.unpack(text)
    key = ctx.key_of_version(blob.key_version_id, _FROM)
    key_use.check_symmetric(ctx.partition, key)
    return _Source(key.id, blob.key_version_id, key_use.decrypt(key, blob, context))


def _open_public_key_ciphertext(ctx: Context, text: str, key_id: str, version_id: str, algorithm: str) -> _Source:
    key = ctx.key(key_id, _FROM)
    key_use.check_usable(ctx.partition, key, ("rsa", "sm2"), ENCRYPT_DECRYPT, errors.UNSUPPORTED_OPERATION)
    if algorithm not in key.spec.encryption_algorithms:
        raise errors.INVALID_PARAMETER(
            f"Key {key.id} is {key.spec_name} and has no {algorithm}.", name="SourceEncryptionAlgorithm"
        )
    material = key.material(version_id)
    try:
        plaintext = asymmetric.decrypt(material, algorithm, key_use.ciphertext_bytes(text))
    except InvalidCiphertext as error:
        raise key_use.invalid_ciphertext(error) from error
    # As Base64, like the blob of GenerateDataKey: Decrypt then returns what AsymmetricDecrypt would.
    return _Source(key.id, version_id, b64.encode(plaintext).encode())


@operation(
    "AdvanceEncrypt",
    inferred=(
        (
            "Only a request class of the V1 SDK shows that the shared gateway has this operation: parameters and answer are "
            "those of the dedicated gateway (help page AdvanceEncrypt), bytes in Base64, the plaintext opaque as in Encrypt."
        ),
        (
            "The blob has the layout of Encrypt's with an IV of the mode's length: what GCM encrypted without associated data "
            "is decrypted by Decrypt, since this gateway has no AdvanceDecrypt."
        ),
    ),
)
def advance_encrypt(
    ctx: Context,
    *,
    key_id: KeyId,
    plaintext: Plaintext,
    algorithm: AdvanceAlgorithm | None = None,
    iv: bytes | None = None,
    aad: bytes | None = None,
    padding_mode: PaddingMode | None = None,
) -> AdvancedCiphertext:
    """Encrypt with an algorithm, IV and associated data of the caller's choice, under the primary version."""
    key = ctx.key(key_id)
    key_use.check_symmetric(ctx.partition, key)
    cipher = cipher_of(key, algorithm, padding_mode)
    material = key.material()
    iv = cipher.iv(iv, ctx.sources.random_bytes)
    body = cipher.encrypt(material, iv, _plaintext_bytes(plaintext), aad)
    version_id = key.primary_version or ""
    blob = version_id.encode() + iv + body
    result: AdvancedCiphertext = {
        "KeyId": key.id,
        "KeyVersionId": version_id,
        "CiphertextBlob": blob,
        "Algorithm": cipher.algorithm,
    }
    if iv:
        result["Iv"] = iv
    if cipher.padding is not None:
        result["PaddingMode"] = cipher.padding
    return result
