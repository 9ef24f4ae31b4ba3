"""Import of key material (BYOK): the wrapping key, the import, the removal (behaviour.md 10)."""

from collections.abc import Callable
from hashlib import sha256
from typing import TypedDict

from msgspec.structs import replace

from kms_mock.crypto import material as key_material
from kms_mock.crypto import wrapping
from kms_mock.crypto.material import KeyMaterial
from kms_mock.crypto.specs import RSAES_OAEP_SHA_1
from kms_mock.kms import errors
from kms_mock.kms.context import Context
from kms_mock.kms.model.import_token import LIFETIME, ImportToken, add_token, import_tokens, token_text, unknown_token
from kms_mock.kms.model.key import Key, KeyVersion, fresh_material, keys, pair_work, spec_named
from kms_mock.kms.operations.results import Empty
from kms_mock.kms.parameters import (
    EncryptedKeyMaterial,
    ImportTokenText,
    KeyId,
    KeyMaterialExpireUnix,
    WrappingAlgorithm,
    WrappingKeySpec,
)
from kms_mock.rpc.api import operation
from kms_mock.store.times import iso


class ImportParameters(TypedDict):
    KeyId: str
    ImportToken: str
    TokenExpireTime: str
    PublicKey: bytes


def _external(ctx: Context, key_id: str) -> Key:
    key = ctx.key_by_id(key_id)
    if key.origin != "EXTERNAL":
        raise errors.UNSUPPORTED_ORIGIN(f"The material of key {key.id} is made by KMS; import needs Origin EXTERNAL.")
    return key


def _wrappable(ctx: Context, key_id: str, algorithm: str, wrapping_spec: str) -> Key:
    """Return a key whose material may be wrapped like this (api-docs GetParametersForImport, the table)."""
    key = _external(ctx, key_id).after("get import parameters")
    kind = spec_named(wrapping_spec).kind
    if algorithm not in wrapping.WRAPPING_ALGORITHMS[kind]:
        raise errors.INVALID_PARAMETER(f"{wrapping_spec} has another algorithm.", name="WrappingAlgorithm")
    if kind == "sm2" and key.protection_level != "HSM":
        raise errors.INVALID_PARAMETER("EC_SM2 wraps material only for keys in an HSM.", name="WrappingKeySpec")
    if algorithm == RSAES_OAEP_SHA_1 and key.instance_id is not None:
        raise errors.INVALID_PARAMETER("KMS instances do not take RSAES_OAEP_SHA_1.", name="WrappingAlgorithm")
    return key


def _prepare_pair(
    ctx: Context, *, key_id: KeyId, wrapping_algorithm: WrappingAlgorithm, wrapping_key_spec: WrappingKeySpec
) -> Callable[[], KeyMaterial] | None:
    _wrappable(ctx, key_id, wrapping_algorithm, wrapping_key_spec)  # refused before the long work, not after
    return pair_work(wrapping_key_spec, ctx.sources)


@operation(
    "GetParametersForImport",
    prepare=_prepare_pair,
    errors=(errors.UNSUPPORTED_ORIGIN, errors.KMS_INVALID_PARAMETER, errors.INVALID_ACCESS_KEY_ID),
)
def get_parameters_for_import(
    ctx: Context, *, key_id: KeyId, wrapping_algorithm: WrappingAlgorithm, wrapping_key_spec: WrappingKeySpec
) -> ImportParameters:
    """Return a public key to wrap material under, and the token that belongs to it; both new for every call."""
    key = _wrappable(ctx, key_id, wrapping_algorithm, wrapping_key_spec)
    expires = float(int(ctx.now) + LIFETIME)
    pair = fresh_material(spec_named(wrapping_key_spec), ctx.prepared, ctx.sources)
    token = ImportToken(token_text(key.arn, expires, ctx.sources), key.id, key.arn, pair, wrapping_algorithm, expires)
    add_token(ctx.partition, token)
    return {
        "KeyId": key.id,
        "ImportToken": token.text,
        "TokenExpireTime": iso(expires),
        "PublicKey": pair.public_key_der(),
    }


@operation(
    "ImportKeyMaterial",
    errors=(
        errors.INVALID_KEY_MATERIAL,
        errors.INVALID_IMPORT_TOKEN,
        errors.EXPIRED_IMPORT_TOKEN,
        errors.UNSUPPORTED_ORIGIN,
        errors.KMS_INVALID_PARAMETER,
        errors.INVALID_ACCESS_KEY_ID,
        errors.KEY_STATE_NOT_MODIFIED,
    ),
)
def import_key_material(
    ctx: Context,
    *,
    key_id: KeyId,
    encrypted_key_material: EncryptedKeyMaterial,
    import_token: ImportTokenText,
    key_material_expire_unix: KeyMaterialExpireUnix = 0,
) -> Empty:
    """Import the material of a key, or the same once more with another expiry (0: never).

    KeyMaterialExpireUnix is optional: its own description and the vendor's examples say so, against the flag beside it.
    """
    key = _external(ctx, key_id).after("import material")
    token = ctx.partition[import_tokens].get(import_token)
    if token is None:
        raise unknown_token(import_token, key.arn, ctx.now)
    if token.key_id != key.id:
        raise errors.INVALID_IMPORT_TOKEN("The token is for another key.")
    if 0 < key_material_expire_unix <= ctx.now:
        raise errors.INVALID_PARAMETER("The material would have expired already.", name="KeyMaterialExpireUnix")
    material = _unwrapped(key, token, encrypted_key_material)
    digest = sha256(material.to_bytes()).digest()
    if key.former_digest not in (None, digest):
        raise errors.INVALID_KEY_MATERIAL("The key takes only the material that it had before.")
    versions = {name: KeyVersion(name, version.created, material) for name, version in key.versions.items()}
    expires = float(key_material_expire_unix) if key_material_expire_unix else None
    ctx.partition[keys].put(replace(key, versions=versions, material_expires=expires, former_digest=digest))
    return {}


def _unwrapped(key: Key, token: ImportToken, wrapped: bytes) -> KeyMaterial:
    """Unwrap and check material. The reasons never say what came out."""
    try:
        data = wrapping.unwrap(token.pair, token.algorithm, wrapped)
    except wrapping.InvalidCiphertext as error:
        raise errors.INVALID_KEY_MATERIAL(
            f"It is not wrapped under the public key of this token with {token.algorithm}."
        ) from error
    try:
        return key_material.load(key.spec, data)
    except ValueError as error:
        raise errors.INVALID_KEY_MATERIAL(f"Unwrapped, it is no material: {error}.") from error


@operation("DeleteKeyMaterial", errors=(errors.KMS_INVALID_PARAMETER, errors.INVALID_ACCESS_KEY_ID))
def delete_key_material(ctx: Context, *, key_id: KeyId) -> Empty:
    """Remove imported material; the key waits for the same material, one that waits for deletion goes on waiting."""
    ctx.partition[keys].put(_external(ctx, key_id).without_material())
    return {}
