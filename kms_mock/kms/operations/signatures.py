"""Key pairs and MAC keys at work: sign, verify, public-key encryption, public keys, message authentication codes."""

from typing import NamedTuple, TypedDict

from kms_mock.crypto import asymmetric
from kms_mock.crypto import mac as mac_codes
from kms_mock.crypto.errors import InvalidCiphertext, PlaintextTooLong
from kms_mock.crypto.material import KeyMaterial
from kms_mock.crypto.specs import ENCRYPT_DECRYPT, GENERATE_VERIFY_MAC, SIGN_VERIFY, Kind
from kms_mock.kms import errors, inferred
from kms_mock.kms.context import Context
from kms_mock.kms.model import key_use
from kms_mock.kms.model.attestation import refuse_recipient
from kms_mock.kms.model.key import Key
from kms_mock.kms.parameters import (
    EncryptionAlgorithm,
    KeyId,
    MacAlgorithm,
    MacMessage,
    PlaintextBytes,
    Recipient,
    SignatureAlgorithm,
)
from kms_mock.rpc.api import operation

_PAIRS: tuple[Kind, ...] = ("rsa", "ec", "sm2")
_ENCRYPTING_PAIRS: tuple[Kind, ...] = ("rsa", "sm2")
_MAC_KEYS: tuple[Kind, ...] = ("hmac",)
_SIGNATURE_TABLE = (
    errors.KMS_INVALID_PARAMETER,
    errors.INVALID_ACCESS_KEY_ID,
    errors.KEY_NOT_FOUND,
    errors.ALIAS_NOT_FOUND,
)
_ENCRYPTION_TABLE = (errors.REJECTED_UNSUPPORTED, errors.ALIAS_NOT_FOUND, errors.KEY_NOT_FOUND)


class Signature(TypedDict):
    KeyId: str
    KeyVersionId: str
    Value: bytes


class Verdict(TypedDict):
    KeyId: str
    KeyVersionId: str
    Value: bool


class PublicKeyCiphertext(TypedDict):
    KeyId: str
    KeyVersionId: str
    CiphertextBlob: bytes


class PublicKeyPlaintext(TypedDict):
    KeyId: str
    KeyVersionId: str
    Plaintext: bytes


class PublicKey(TypedDict):
    KeyId: str
    KeyVersionId: str
    PublicKey: str


class Mac(TypedDict):
    KeyId: str
    Algorithm: str
    Mac: bytes


class MacVerdict(TypedDict):
    KeyId: str
    Algorithm: str
    Value: bool


class _Used(NamedTuple):
    key: Key
    material: KeyMaterial


@operation("AsymmetricSign", errors=_SIGNATURE_TABLE, dry_run=True)
def asymmetric_sign(
    ctx: Context, *, key_id: KeyId, key_version_id: str, algorithm: SignatureAlgorithm, digest: bytes
) -> Signature:
    """Sign a digest that the caller computed; it is never hashed again."""
    used = _signing(ctx, key_id, key_version_id, algorithm, digest)
    value = asymmetric.sign(used.material, algorithm, digest, ctx.sources.stream())
    return {"KeyId": used.key.id, "KeyVersionId": key_version_id, "Value": value}


@operation("AsymmetricVerify", errors=_SIGNATURE_TABLE, dry_run=True)
def asymmetric_verify(
    ctx: Context, *, key_id: KeyId, key_version_id: str, algorithm: SignatureAlgorithm, digest: bytes, value: bytes
) -> Verdict:
    """Return whether a signature belongs to a digest; a wrong one is an answer, not an error (behaviour.md 2)."""
    used = _signing(ctx, key_id, key_version_id, algorithm, digest)
    valid = asymmetric.verify(used.material, algorithm, digest, value)
    return {"KeyId": used.key.id, "KeyVersionId": key_version_id, "Value": valid}


def _signing(ctx: Context, key_id: str, version_id: str, algorithm: SignatureAlgorithm, digest: bytes) -> _Used:
    """Return key and material for a signature. InvalidParameter is the only refusal in these tables that fits a key."""
    key = ctx.key(key_id)
    mismatch = errors.KMS_INVALID_PARAMETER
    key_use.check_usable(ctx.partition, key, _PAIRS, SIGN_VERIFY, mismatch)
    if algorithm not in key.spec.signature_algorithms:
        raise mismatch(f"Key {key.id} is {key.spec_name} and does not sign with {algorithm}.")
    length = asymmetric.digest_length(algorithm)
    if len(digest) != length:
        raise mismatch(f"{algorithm} signs a digest of {length} bytes, Digest has {len(digest)}.")
    return _Used(key, key.material(version_id))


@operation("AsymmetricEncrypt", errors=_ENCRYPTION_TABLE, dry_run=True)
def asymmetric_encrypt(
    ctx: Context, *, key_id: KeyId, key_version_id: str, algorithm: EncryptionAlgorithm, plaintext: PlaintextBytes
) -> PublicKeyCiphertext:
    """Encrypt bytes, given as Base64, under the public half of a key pair."""
    used = _encrypting(ctx, key_id, key_version_id, algorithm)
    try:
        blob = asymmetric.encrypt(used.material, algorithm, plaintext, ctx.sources.stream())
    except PlaintextTooLong as error:
        raise errors.INVALID_PARAMETER(
            f"Plaintext has {error.length} bytes; {algorithm} of {used.key.spec_name} takes {error.limit}.",
            name="Plaintext",
        ) from error
    return {"KeyId": used.key.id, "KeyVersionId": key_version_id, "CiphertextBlob": blob}


@operation("AsymmetricDecrypt", errors=_ENCRYPTION_TABLE, dry_run=True)
def asymmetric_decrypt(
    ctx: Context,
    *,
    key_id: KeyId,
    key_version_id: str,
    algorithm: EncryptionAlgorithm,
    ciphertext_blob: str,
    recipient: Recipient | None = None,
) -> PublicKeyPlaintext:
    """Decrypt what was encrypted under the public half of a key pair; return the bytes as Base64."""
    refuse_recipient(recipient, errors.REJECTED_UNSUPPORTED)
    used = _encrypting(ctx, key_id, key_version_id, algorithm)
    try:
        plaintext = asymmetric.decrypt(used.material, algorithm, key_use.ciphertext_bytes(ciphertext_blob))
    except InvalidCiphertext as error:
        raise key_use.invalid_ciphertext(error) from error
    return {"KeyId": used.key.id, "KeyVersionId": key_version_id, "Plaintext": plaintext}


def _encrypting(ctx: Context, key_id: str, version_id: str, algorithm: EncryptionAlgorithm) -> _Used:
    """Return key and material for public-key encryption, or refuse with the code that these tables have for it."""
    key = ctx.key(key_id)
    key_use.check_usable(ctx.partition, key, _ENCRYPTING_PAIRS, ENCRYPT_DECRYPT, errors.REJECTED_UNSUPPORTED)
    if algorithm not in key.spec.encryption_algorithms:
        raise errors.REJECTED_UNSUPPORTED(f"Key {key.id} is {key.spec_name} and does not encrypt with {algorithm}.")
    return _Used(key, key.material(version_id))


@operation(
    "GetPublicKey",
    errors=(errors.KMS_INVALID_PARAMETER, errors.INVALID_ACCESS_KEY_ID, errors.KEY_NOT_FOUND),
    inferred=("No document says whether a disabled key still shows its public half: it does not, as with every use.",),
    dry_run=True,
)
def get_public_key(ctx: Context, *, key_id: KeyId, key_version_id: str) -> PublicKey:
    """Return the public half of a key pair as PEM."""
    key = ctx.key(key_id)
    key_use.check_usable(ctx.partition, key, _PAIRS, key.usage, errors.KMS_INVALID_PARAMETER)
    text = key.material(key_version_id).public_key_pem()
    return {"KeyId": key.id, "KeyVersionId": key_version_id, "PublicKey": text}


@operation("GenerateMac", inferred=(inferred.HMAC_SPECS,), dry_run=True)
def generate_mac(ctx: Context, *, key_id: KeyId, algorithm: MacAlgorithm, message: MacMessage) -> Mac:
    """Make the authentication code of a message, under the primary version of an HMAC key."""
    used = _mac_key(ctx, key_id, algorithm)
    value = mac_codes.generate(used.material, algorithm, message)
    return {"KeyId": used.key.id, "Algorithm": algorithm, "Mac": value}


@operation("VerifyMac", inferred=(inferred.HMAC_SPECS,), dry_run=True)
def verify_mac(ctx: Context, *, key_id: KeyId, algorithm: MacAlgorithm, message: MacMessage, mac: bytes) -> MacVerdict:
    """Return whether a code is the one of a message."""
    used = _mac_key(ctx, key_id, algorithm)
    valid = mac_codes.verify(used.material, algorithm, message, mac)
    return {"KeyId": used.key.id, "Algorithm": algorithm, "Value": valid}


def _mac_key(ctx: Context, key_id: str, algorithm: MacAlgorithm) -> _Used:
    """Return an HMAC key with its material. No table exists for these operations: the codes are those of Encrypt's kin."""
    key = ctx.key(key_id)
    key_use.check_usable(ctx.partition, key, _MAC_KEYS, GENERATE_VERIFY_MAC, errors.UNSUPPORTED_OPERATION)
    if algorithm not in key.spec.mac_algorithms:
        raise errors.INVALID_PARAMETER(
            f"Key {key.id} is {key.spec_name} and makes no codes with {algorithm}.", name="Algorithm"
        )
    return _Used(key, key.material())
