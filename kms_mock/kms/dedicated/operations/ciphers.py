"""Encryption through the dedicated gateway: Encrypt, Decrypt, AdvanceEncrypt, AdvanceDecrypt."""

from typing import NotRequired, TypedDict

from kms_mock.crypto import asymmetric
from kms_mock.crypto.errors import InvalidCiphertext, PlaintextTooLong
from kms_mock.crypto.material import KeyMaterial
from kms_mock.crypto.specs import ENCRYPT_DECRYPT, SYMMETRIC_CIPHERS, Kind
from kms_mock.kms import errors
from kms_mock.kms.dedicated import blobs, inferred, symmetric_use
from kms_mock.kms.dedicated.context import Context
from kms_mock.kms.dedicated.parameters import Aad, CipherAlgorithm, KeyVersionHeader, VersionInHeader
from kms_mock.kms.dedicated.symmetric_use import Sealed, initial_version
from kms_mock.kms.model import key_use
from kms_mock.kms.model.cipher_modes import AdvanceAlgorithm, Cipher, PaddingMode, cipher_of
from kms_mock.kms.model.key import Key
from kms_mock.kms.parameters import KeyId, PlaintextBytes
from kms_mock.rpc.api import operation

_KINDS: tuple[Kind, ...] = (*SYMMETRIC_CIPHERS, "rsa", "sm2")


class _Encryption(TypedDict):
    KeyId: str
    CiphertextBlob: bytes
    Iv: NotRequired[bytes]
    RequestId: NotRequired[str]
    Algorithm: str
    PaddingMode: NotRequired[str]


class Encrypted(_Encryption):
    KeyVersionId: VersionInHeader


class AdvanceEncrypted(_Encryption):
    KeyVersionId: str


class _Decryption(TypedDict):
    KeyId: str
    Plaintext: bytes
    RequestId: NotRequired[str]
    Algorithm: str
    PaddingMode: NotRequired[str]


class Decrypted(_Decryption):
    KeyVersionId: VersionInHeader


class AdvanceDecrypted(_Decryption):
    KeyVersionId: str


@operation("Encrypt", inferred=(inferred.PADDING,))
def encrypt(
    ctx: Context,
    *,
    key_id: KeyId,
    plaintext: PlaintextBytes,
    algorithm: CipherAlgorithm | None = None,
    aad: Aad | None = None,
    iv: bytes | None = None,
    padding_mode: PaddingMode | None = None,
    key_version_id: KeyVersionHeader | None = None,
) -> Encrypted:
    """Encrypt under the initial version of a key, symmetric or a key pair, or under the version in the header."""
    key = _usable(ctx, ctx.key(key_id))
    version_id = key_version_id or initial_version(key)
    if key.spec.encrypts_symmetrically:
        cipher = cipher_of(key, algorithm, padding_mode)
        sealed = symmetric_use.seal(ctx, key, cipher, plaintext, aad=aad, iv=iv, version_id=version_id)
        return {**_encryption(key, sealed), "KeyVersionId": version_id}
    material, name = key.material(version_id), _pair_algorithm(key, algorithm)
    try:
        blob = asymmetric.encrypt(material, name, plaintext, ctx.sources.stream())
    except PlaintextTooLong as error:
        raise errors.INVALID_PARAMETER(
            f"Plaintext has {error.length} bytes; {name} of {key.spec_name} takes {error.limit}.", name="Plaintext"
        ) from error
    return {"KeyId": key.id, "CiphertextBlob": blob, "Algorithm": name, "KeyVersionId": version_id}


@operation("Decrypt", inferred=(inferred.PADDING,))
def decrypt(
    ctx: Context,
    *,
    ciphertext_blob: bytes,
    key_id: KeyId | None = None,
    algorithm: CipherAlgorithm | None = None,
    aad: Aad | None = None,
    iv: bytes | None = None,
    padding_mode: PaddingMode | None = None,
    key_version_id: KeyVersionHeader | None = None,
) -> Decrypted:
    """Decrypt what Encrypt or GenerateDataKey made. The key is named by its id or by its version in the header."""
    key, version_id = _key_and_version(ctx, key_id, key_version_id)
    if key.spec.encrypts_symmetrically:
        cipher = cipher_of(key, algorithm, padding_mode)
        plaintext = symmetric_use.unseal(key, cipher, ciphertext_blob, iv=iv, aad=aad, version_id=version_id)
        return {**_decryption(key, cipher, plaintext), "KeyVersionId": version_id}
    name = _pair_algorithm(key, algorithm)
    plaintext = _decrypt_with_pair(key.material(version_id), name, ciphertext_blob)
    return {"KeyId": key.id, "Plaintext": plaintext, "Algorithm": name, "KeyVersionId": version_id}


@operation("AdvanceEncrypt", inferred=(blobs.INFERRED, inferred.PADDING))
def advance_encrypt(
    ctx: Context,
    *,
    key_id: KeyId,
    plaintext: PlaintextBytes,
    algorithm: AdvanceAlgorithm | None = None,
    aad: Aad | None = None,
    iv: bytes | None = None,
    padding_mode: PaddingMode | None = None,
) -> AdvanceEncrypted:
    """Encrypt under the primary version of a symmetric key; the ciphertext names all that AdvanceDecrypt needs."""
    key = symmetric_use.software_key(ctx, key_id)
    cipher = cipher_of(key, algorithm, padding_mode)
    sealed = symmetric_use.seal_advanced(ctx, key, cipher, plaintext, aad=aad, iv=iv)
    return {**_encryption(key, sealed), "KeyVersionId": sealed.version_id}


@operation("AdvanceDecrypt", inferred=(blobs.INFERRED, inferred.PADDING, inferred.ADVANCE_DECRYPT))
def advance_decrypt(
    ctx: Context,
    *,
    ciphertext_blob: bytes,
    key_id: KeyId | None = None,
    algorithm: AdvanceAlgorithm | None = None,
    aad: Aad | None = None,
    iv: bytes | None = None,
    padding_mode: PaddingMode | None = None,
) -> AdvanceDecrypted:
    """Decrypt what an Advance operation made, or with KeyId and Iv what Encrypt and GenerateDataKey made."""
    blob = blobs.unpack(ciphertext_blob)
    if blob is None:
        key, version_id = _key_and_version(ctx, key_id, None)
        symmetric_use.check_software(ctx, key)
        cipher = cipher_of(key, algorithm, padding_mode)
        plaintext = symmetric_use.unseal(key, cipher, ciphertext_blob, iv=iv, aad=aad, version_id=version_id)
    else:
        version_id = blob.key_version_id
        key, cipher, plaintext = symmetric_use.unseal_advanced(ctx, blob, aad)
    return {**_decryption(key, cipher, plaintext), "KeyVersionId": version_id}


def _decryption(key: Key, cipher: Cipher, plaintext: bytes) -> _Decryption:
    result: _Decryption = {"KeyId": key.id, "Plaintext": plaintext, "Algorithm": cipher.algorithm}
    if cipher.padding is not None:
        result["PaddingMode"] = cipher.padding
    return result


def _encryption(key: Key, sealed: Sealed) -> _Encryption:
    result: _Encryption = {"KeyId": key.id, "CiphertextBlob": sealed.blob, "Algorithm": sealed.cipher.algorithm}
    if sealed.iv:
        result["Iv"] = sealed.iv
    if sealed.cipher.padding is not None:
        result["PaddingMode"] = sealed.cipher.padding
    return result


def _usable(ctx: Context, key: Key) -> Key:
    """Return a key that encrypts: symmetric, RSA or SM2. Raises UNSUPPORTED_OPERATION, KEY_UNAVAILABLE."""
    key_use.check_usable(ctx.partition, key, _KINDS, ENCRYPT_DECRYPT, errors.UNSUPPORTED_OPERATION)
    return key


def _key_and_version(ctx: Context, key_id: str | None, version_id: str | None) -> tuple[Key, str]:
    """Return the key to decrypt with, and the id of its version: the one in the header, else the initial one."""
    if key_id is not None:
        key = _usable(ctx, ctx.key(key_id))
    elif version_id is not None:
        key = _usable(ctx, ctx.key_of_version(version_id))
    else:
        raise errors.MISSING_PARAMETER("KeyId names the key; this ciphertext names none.", name="KeyId")
    return key, version_id or initial_version(key)


def _pair_algorithm(key: Key, algorithm: str | None) -> str:
    """Return the algorithm of a key pair, its first one if none is named. Raises INVALID_PARAMETER."""
    names = key.spec.encryption_algorithms
    algorithm = algorithm or names[0]
    if algorithm not in names:
        raise errors.INVALID_PARAMETER(f"Key {key.id} is {key.spec_name} and has no {algorithm}.", name="Algorithm")
    return algorithm


def _decrypt_with_pair(material: KeyMaterial, algorithm: str, ciphertext: bytes) -> bytes:
    try:
        return asymmetric.decrypt(material, algorithm, ciphertext)
    except InvalidCiphertext as error:
        raise key_use.invalid_ciphertext(error) from error
