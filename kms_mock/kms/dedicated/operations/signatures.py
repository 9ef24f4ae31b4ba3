"""Signatures, public keys and authentication codes through the dedicated gateway."""

import hashlib
from typing import NamedTuple, NotRequired, TypedDict

from kms_mock.crypto import asymmetric, mac
from kms_mock.crypto.material import KeyMaterial
from kms_mock.crypto.specs import GENERATE_VERIFY_MAC, SIGN_VERIFY, SM2DSA, Kind
from kms_mock.kms import errors
from kms_mock.kms.dedicated import inferred
from kms_mock.kms.dedicated.context import Context
from kms_mock.kms.dedicated.parameters import KeyVersionHeader, Message, MessageType, VersionInHeader
from kms_mock.kms.dedicated.symmetric_use import initial_version
from kms_mock.kms.model import key_use
from kms_mock.kms.parameters import KeyId, SignatureAlgorithm
from kms_mock.rpc.api import operation

_PAIRS: tuple[Kind, ...] = ("rsa", "ec", "sm2")
_MAC_KEYS: tuple[Kind, ...] = ("hmac",)
_INFERRED = (inferred.DIGEST, inferred.SIGNATURE_ALGORITHM)


class Signed(TypedDict):
    KeyId: str
    Signature: bytes
    RequestId: NotRequired[str]
    Algorithm: str
    MessageType: str
    KeyVersionId: VersionInHeader


class Verified(TypedDict):
    KeyId: str
    Value: bool
    RequestId: NotRequired[str]
    Algorithm: str
    MessageType: str
    KeyVersionId: VersionInHeader


class PublicKey(TypedDict):
    KeyId: str
    PublicKey: str
    RequestId: NotRequired[str]
    KeyVersionId: VersionInHeader


class Mac(TypedDict):
    KeyId: str
    Signature: bytes
    RequestId: NotRequired[str]
    KeyVersionId: VersionInHeader


class _Used(NamedTuple):
    key_id: str
    version_id: str
    material: KeyMaterial
    algorithm: str
    digest: bytes


@operation("Sign", inferred=_INFERRED)
def sign(
    ctx: Context,
    *,
    key_id: KeyId,
    digest: Message | None = None,
    algorithm: SignatureAlgorithm | None = None,
    message: Message | None = None,
    message_type: MessageType = "RAW",
    key_version_id: KeyVersionHeader | None = None,
) -> Signed:
    """Sign a message, which is hashed here, or the digest of one."""
    used = _signing(ctx, key_id, key_version_id, algorithm, digest, message, message_type)
    signature = asymmetric.sign(used.material, used.algorithm, used.digest, ctx.sources.stream())
    return {
        "KeyId": used.key_id,
        "Signature": signature,
        "Algorithm": used.algorithm,
        "MessageType": message_type,
        "KeyVersionId": used.version_id,
    }


@operation("Verify", inferred=_INFERRED)
def verify(
    ctx: Context,
    *,
    key_id: KeyId,
    digest: Message | None = None,
    signature: bytes,
    algorithm: SignatureAlgorithm | None = None,
    message: Message | None = None,
    message_type: MessageType = "RAW",
    key_version_id: KeyVersionHeader | None = None,
) -> Verified:
    """Return whether a signature belongs to a message or digest; a wrong one is an answer, not an error."""
    used = _signing(ctx, key_id, key_version_id, algorithm, digest, message, message_type)
    return {
        "KeyId": used.key_id,
        "Value": asymmetric.verify(used.material, used.algorithm, used.digest, signature),
        "Algorithm": used.algorithm,
        "MessageType": message_type,
        "KeyVersionId": used.version_id,
    }


def _signing(  # noqa: PLR0917 (what both operations get)
    ctx: Context,
    key_id: str,
    version_id: str | None,
    algorithm: str | None,
    digest: bytes | None,
    message: bytes | None,
    message_type: str,
) -> _Used:
    """Return what a signature needs. Raises UNSUPPORTED_OPERATION, INVALID_PARAMETER, MISSING_PARAMETER."""
    key = ctx.key(key_id)
    key_use.check_usable(ctx.partition, key, _PAIRS, SIGN_VERIFY, errors.UNSUPPORTED_OPERATION)
    algorithm = algorithm or key.spec.signature_algorithms[0]
    if algorithm not in key.spec.signature_algorithms:
        raise errors.INVALID_PARAMETER(
            f"Key {key.id} is {key.spec_name} and does not sign with {algorithm}.", name="Algorithm"
        )
    version_id = version_id or initial_version(key)
    material = key.material(version_id)
    if message is None and digest is None:
        raise errors.MISSING_PARAMETER("There is nothing to sign: neither Message nor Digest.", name="Message")
    if message is None or message_type == "DIGEST":
        hashed = message or digest or b""
    elif algorithm == SM2DSA:
        hashed = asymmetric.sm2_message_digest(material.public_key_der(), message)
    else:
        hashed = hashlib.sha256(message).digest()
    length = asymmetric.digest_length(algorithm)
    if len(hashed) != length:
        raise errors.INVALID_PARAMETER(
            f"{algorithm} signs a digest of {length} bytes, not {len(hashed)}.", name="Message"
        )
    return _Used(key.id, version_id, material, algorithm, hashed)


@operation("GetPublicKey")
def get_public_key(ctx: Context, *, key_id: KeyId, key_version_id: KeyVersionHeader | None = None) -> PublicKey:
    """Return the public half of a key pair as PEM."""
    key = ctx.key(key_id)
    key_use.check_usable(ctx.partition, key, _PAIRS, key.usage, errors.UNSUPPORTED_OPERATION)
    version_id = key_version_id or initial_version(key)
    return {"KeyId": key.id, "PublicKey": key.material(version_id).public_key_pem(), "KeyVersionId": version_id}


@operation("Hmac", inferred=(inferred.HMAC,))
def hmac(ctx: Context, *, key_id: KeyId, message: Message) -> Mac:
    """Make the authentication code of a message, with the algorithm of an HMAC key."""
    key = ctx.key(key_id)
    key_use.check_usable(ctx.partition, key, _MAC_KEYS, GENERATE_VERIFY_MAC, errors.UNSUPPORTED_OPERATION)
    version_id = initial_version(key)
    code = mac.generate(key.material(version_id), key.spec.mac_algorithms[0], message)
    return {"KeyId": key.id, "Signature": code, "KeyVersionId": version_id}
