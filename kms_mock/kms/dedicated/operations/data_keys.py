"""Data keys, data key pairs and random bytes through the dedicated gateway."""

from collections.abc import Callable
from typing import NamedTuple, NotRequired, TypedDict

from kms_mock.crypto import pem
from kms_mock.crypto.material import KeyMaterial
from kms_mock.kms.dedicated import blobs, inferred, symmetric_use
from kms_mock.kms.dedicated.context import Context
from kms_mock.kms.dedicated.parameters import (
    Aad,
    DataKeyAlgorithm,
    KeyFormat,
    KeyPairSpec,
    KeyVersionHeader,
    RandomLength,
    VersionInHeader,
)
from kms_mock.kms.dedicated.symmetric_use import Sealed
from kms_mock.kms.model import key_use
from kms_mock.kms.model.cipher_modes import cipher_of
from kms_mock.kms.model.key import Key, pair_work
from kms_mock.kms.parameters import KeyId, NumberOfBytes
from kms_mock.rpc.api import operation

_DEFAULT_LENGTH = 32


class _DataKeyFields(TypedDict):
    KeyId: str
    Iv: bytes
    Plaintext: bytes
    CiphertextBlob: bytes
    RequestId: NotRequired[str]
    Algorithm: str


class DataKey(_DataKeyFields):
    KeyVersionId: VersionInHeader


class AdvanceDataKey(_DataKeyFields):
    KeyVersionId: str


class _KeyPairFields(TypedDict):
    KeyId: str
    Iv: bytes
    KeyPairSpec: str
    PrivateKeyPlaintext: bytes
    PrivateKeyCiphertextBlob: bytes
    PublicKey: bytes
    RequestId: NotRequired[str]
    Algorithm: str


class DataKeyPair(_KeyPairFields):
    KeyVersionId: VersionInHeader


class AdvanceDataKeyPair(_KeyPairFields):
    KeyVersionId: str


class _HiddenKeyPairFields(TypedDict):
    KeyId: str
    Iv: bytes
    KeyPairSpec: str
    PrivateKeyCiphertextBlob: bytes
    PublicKey: bytes
    RequestId: NotRequired[str]
    Algorithm: str


class HiddenDataKeyPair(_HiddenKeyPairFields):
    KeyVersionId: VersionInHeader


class AdvanceHiddenDataKeyPair(_HiddenKeyPairFields):
    KeyVersionId: str


class RandomBytes(TypedDict):
    Random: bytes
    RequestId: NotRequired[str]


@operation("GenerateRandom", needs_permission=False, inferred=(inferred.RANDOM,))
def generate_random(ctx: Context, *, length: RandomLength) -> RandomBytes:
    """Make random bytes."""
    return {"Random": ctx.sources.random_bytes(length)}


@operation("GenerateDataKey", inferred=(inferred.DATA_KEY_LENGTH,))
def generate_data_key(
    ctx: Context,
    *,
    key_id: KeyId,
    algorithm: DataKeyAlgorithm | None = None,
    number_of_bytes: NumberOfBytes = 0,
    aad: Aad | None = None,
    key_version_id: KeyVersionHeader | None = None,
) -> DataKey:
    """Make a random data key; return its bytes, and those encrypted under the initial version of a symmetric key."""
    key = ctx.key(key_id)
    key_use.check_symmetric(ctx.partition, key)
    plaintext = ctx.sources.random_bytes(number_of_bytes or _DEFAULT_LENGTH)
    cipher = cipher_of(key, algorithm, None)
    sealed = symmetric_use.seal(ctx, key, cipher, plaintext, aad=aad, version_id=key_version_id)
    return {**_data_key(key, plaintext, sealed), "KeyVersionId": sealed.version_id}


@operation("AdvanceGenerateDataKey", inferred=(blobs.INFERRED, inferred.DATA_KEY_LENGTH))
def advance_generate_data_key(
    ctx: Context, *, key_id: KeyId, number_of_bytes: NumberOfBytes = 0, aad: Aad | None = None
) -> AdvanceDataKey:
    """Make a random data key; return its bytes, and those encrypted under the primary version of a symmetric key."""
    key = symmetric_use.software_key(ctx, key_id)
    plaintext = ctx.sources.random_bytes(number_of_bytes or _DEFAULT_LENGTH)
    sealed = symmetric_use.seal_advanced(ctx, key, cipher_of(key, None, None), plaintext, aad=aad)
    return {**_data_key(key, plaintext, sealed), "KeyVersionId": sealed.version_id}


def _data_key(key: Key, plaintext: bytes, sealed: Sealed) -> _DataKeyFields:
    return {
        "KeyId": key.id,
        "Iv": sealed.iv,
        "Plaintext": plaintext,
        "CiphertextBlob": sealed.blob,
        "Algorithm": sealed.cipher.algorithm,
    }


# -- key pairs --------------------------------------------------------------------------------------------------------


def _pair_work(ctx: Context, *, key_id: str, key_pair_spec: str, **_: object) -> Callable[[], KeyMaterial] | None:
    """Return the work that makes a key pair; a request that will be refused makes none."""
    symmetric_use.software_key(ctx, key_id).material()
    return pair_work(key_pair_spec, ctx.sources)


class _DataKeyPair(NamedTuple):
    """A data key pair in the form that was asked for; its private half is what gets encrypted."""

    key: Key
    private: bytes
    public: bytes
    sealed: Sealed


def _make_data_key_pair(
    ctx: Context, key_id: str, key_format: str, aad: bytes | None, *, algorithm: str | None = None, advanced: bool
) -> _DataKeyPair:
    """Return the prepared key pair, its private half encrypted. Raises UNSUPPORTED_OPERATION, INVALID_PARAMETER."""
    key = symmetric_use.software_key(ctx, key_id)
    made: KeyMaterial = ctx.prepared
    private, public = made.to_bytes(), made.public_key_der()
    if key_format == "PEM":
        private, public = pem.encode("PRIVATE KEY", private).encode(), pem.encode("PUBLIC KEY", public).encode()
    seal = symmetric_use.seal_advanced if advanced else symmetric_use.seal
    return _DataKeyPair(key, private, public, seal(ctx, key, cipher_of(key, algorithm, None), private, aad=aad))


def _pair_fields(pair: _DataKeyPair, key_pair_spec: str) -> _KeyPairFields:
    return {
        "KeyId": pair.key.id,
        "Iv": pair.sealed.iv,
        "KeyPairSpec": key_pair_spec,
        "PrivateKeyPlaintext": pair.private,
        "PrivateKeyCiphertextBlob": pair.sealed.blob,
        "PublicKey": pair.public,
        "Algorithm": pair.sealed.cipher.algorithm,
    }


def _hidden_pair_fields(pair: _DataKeyPair, key_pair_spec: str) -> _HiddenKeyPairFields:
    return {
        "KeyId": pair.key.id,
        "Iv": pair.sealed.iv,
        "KeyPairSpec": key_pair_spec,
        "PrivateKeyCiphertextBlob": pair.sealed.blob,
        "PublicKey": pair.public,
        "Algorithm": pair.sealed.cipher.algorithm,
    }


@operation("GenerateDataKeyPair", prepare=_pair_work, inferred=(inferred.KEY_PAIR_FORM,))
def generate_data_key_pair(
    ctx: Context,
    *,
    key_id: KeyId,
    algorithm: DataKeyAlgorithm | None = None,
    key_pair_spec: KeyPairSpec,
    key_format: KeyFormat = "PEM",
    aad: Aad | None = None,
) -> DataKeyPair:
    """Make a key pair; return it, and its private half encrypted under the initial version of a symmetric key."""
    pair = _make_data_key_pair(ctx, key_id, key_format, aad, algorithm=algorithm, advanced=False)
    return {**_pair_fields(pair, key_pair_spec), "KeyVersionId": pair.sealed.version_id}


@operation("GenerateDataKeyPairWithoutPlaintext", prepare=_pair_work, inferred=(inferred.KEY_PAIR_FORM,))
def generate_data_key_pair_without_plaintext(
    ctx: Context,
    *,
    key_id: KeyId,
    algorithm: DataKeyAlgorithm | None = None,
    key_pair_spec: KeyPairSpec,
    key_format: KeyFormat = "PEM",
    aad: Aad | None = None,
) -> HiddenDataKeyPair:
    """Make a key pair; return its public half, and the private one encrypted under the key's initial version."""
    pair = _make_data_key_pair(ctx, key_id, key_format, aad, algorithm=algorithm, advanced=False)
    return {**_hidden_pair_fields(pair, key_pair_spec), "KeyVersionId": pair.sealed.version_id}


@operation("AdvanceGenerateDataKeyPair", prepare=_pair_work, inferred=(blobs.INFERRED, inferred.KEY_PAIR_FORM))
def advance_generate_data_key_pair(
    ctx: Context, *, key_id: KeyId, key_pair_spec: KeyPairSpec, key_format: KeyFormat = "PEM", aad: Aad | None = None
) -> AdvanceDataKeyPair:
    """Make a key pair; return it, and its private half encrypted under the primary version of a symmetric key."""
    pair = _make_data_key_pair(ctx, key_id, key_format, aad, advanced=True)
    return {**_pair_fields(pair, key_pair_spec), "KeyVersionId": pair.sealed.version_id}


@operation(
    "AdvanceGenerateDataKeyPairWithoutPlaintext",
    prepare=_pair_work,
    inferred=(blobs.INFERRED, inferred.KEY_PAIR_FORM),
)
def advance_generate_data_key_pair_without_plaintext(
    ctx: Context, *, key_id: KeyId, key_pair_spec: KeyPairSpec, key_format: KeyFormat = "PEM", aad: Aad | None = None
) -> AdvanceHiddenDataKeyPair:
    """Make a key pair; return its public half, and the private one encrypted under the key's primary version."""
    pair = _make_data_key_pair(ctx, key_id, key_format, aad, advanced=True)
    return {**_hidden_pair_fields(pair, key_pair_spec), "KeyVersionId": pair.sealed.version_id}
