"""Data keys: made under a key, exported under a caller's public key, and managed by name."""

from typing import TypedDict

from kms_mock.crypto import b64, wrapping
from kms_mock.crypto.errors import PlaintextTooLong, UnsupportedAlgorithm
from kms_mock.kms import errors, inferred
from kms_mock.kms.context import Context
from kms_mock.kms.model import key_use
from kms_mock.kms.model.attestation import refuse_recipient
from kms_mock.kms.model.data_key import managed_data_keys, version_name
from kms_mock.kms.model.key import Key
from kms_mock.kms.operations.results import Page, page
from kms_mock.kms.parameters import (
    DataKeyName,
    EncryptionAlgorithm,
    EncryptionContext,
    ExportKeySpec,
    KeyId,
    NumberOfBytes,
    PageNumber,
    PageSize,
    Recipient,
)
from kms_mock.rpc.api import operation

_LENGTHS = {"AES_256": 32, "AES_128": 16}
_DEFAULT_SPEC = "AES_256"
_EXPORT_KEY_BITS = {"RSA_2048": ("rsa", 2048), "EC_SM2": ("sm2", 256)}


class EncryptedDataKey(TypedDict):
    KeyId: str
    KeyVersionId: str
    CiphertextBlob: bytes


class DataKey(EncryptedDataKey):
    Plaintext: str


class ExportedDataKey(TypedDict):
    KeyId: str
    KeyVersionId: str
    ExportedDataKey: bytes


class GeneratedAndExportedDataKey(EncryptedDataKey):
    ExportedDataKey: bytes


class ManagedDataKeyValue(TypedDict):
    DataKeyName: str
    DataKeyVersionId: str
    DataKeyVersionName: str
    Plaintext: bytes


class ManagedDataKeyVersionEntry(TypedDict):
    DataKeyVersionId: str
    DataKeyVersionName: str


class ManagedDataKeyVersionList(TypedDict):
    ManagedDataKeyVersion: list[ManagedDataKeyVersionEntry]


class ManagedDataKeyVersionPage(Page):
    DataKeyName: str
    ManagedDataKeyVersions: ManagedDataKeyVersionList


@operation(
    "GenerateDataKey",
    errors=(
        errors.UNSUPPORTED_OPERATION,
        errors.ALIAS_NOT_FOUND,
        errors.KEY_NOT_FOUND,
        errors.KEY_DISABLED,
        errors.KEY_PENDING_DELETION,
        errors.KEY_UNAVAILABLE,
        errors.THROTTLING,
        errors.KEY_PENDING_IMPORT,
        errors.INVALID_KEY_SPEC,
        errors.INVALID_PARAMETER,  # the text of INVALID_KEY_SPEC, for other parameters
    ),
    inferred=(inferred.DATA_KEY_LENGTH,),
    dry_run=True,
)
def generate_data_key(
    ctx: Context,
    *,
    key_id: KeyId,
    key_spec: str | None = None,
    number_of_bytes: NumberOfBytes | None = None,
    encryption_context: EncryptionContext | None = None,
    recipient: Recipient | None = None,
) -> DataKey:
    """Make a random data key; return its bytes as Base64, and that text encrypted under a symmetric key."""
    refuse_recipient(recipient)
    key = _symmetric_key(ctx, key_id)
    text = b64.encode(_new_data_key(ctx, key_spec, number_of_bytes))
    return {**_encrypted(ctx, key, text, encryption_context), "Plaintext": text}


@operation(
    "GenerateDataKeyWithoutPlaintext",
    errors=(
        *errors.USUAL_TABLE,
        errors.KEY_NOT_FOUND,
        errors.KEY_DISABLED,
        errors.KEY_PENDING_DELETION,
        errors.KEY_PENDING_IMPORT,
        errors.INVALID_KEY_SPEC,
    ),
    inferred=(inferred.DATA_KEY_LENGTH,),
    dry_run=True,
)
def generate_data_key_without_plaintext(
    ctx: Context,
    *,
    key_id: KeyId,
    key_spec: str | None = None,
    number_of_bytes: NumberOfBytes | None = None,
    encryption_context: EncryptionContext | None = None,
) -> EncryptedDataKey:
    """Make a random data key and return it only encrypted; Decrypt opens it."""
    key = _symmetric_key(ctx, key_id)
    text = b64.encode(_new_data_key(ctx, key_spec, number_of_bytes))
    return _encrypted(ctx, key, text, encryption_context)


@operation("ExportDataKey", errors=(*errors.USUAL_TABLE, errors.INTERNAL_FAILURE), dry_run=True)
def export_data_key(
    ctx: Context,
    *,
    ciphertext_blob: str,
    encryption_context: EncryptionContext | None = None,
    public_key_blob: bytes,
    wrapping_key_spec: ExportKeySpec,
    wrapping_algorithm: EncryptionAlgorithm,
) -> ExportedDataKey:
    """Return a data key encrypted under the caller's public key: its bytes, not their Base64."""
    _check_public_key(public_key_blob, wrapping_key_spec)
    blob = key_use.unpack(ciphertext_blob)
    key = ctx.key_of_version(blob.key_version_id)
    key_use.check_symmetric(ctx.partition, key)
    text = key_use.decrypt(key, blob, encryption_context)
    try:
        plaintext = b64.decode_canonical(text.decode())
    except ValueError as error:
        raise errors.INVALID_CIPHERTEXT("The blob holds no data key.", name="CiphertextBlob") from error
    exported = _wrapped(ctx, public_key_blob, wrapping_algorithm, plaintext, "CiphertextBlob")
    return {"KeyId": key.id, "KeyVersionId": blob.key_version_id, "ExportedDataKey": exported}


@operation(
    "GenerateAndExportDataKey",
    errors=(*errors.USUAL_TABLE, errors.KEY_NOT_FOUND, errors.EXPORT_INTERNAL_FAILURE),
    inferred=(inferred.DATA_KEY_LENGTH,),
    dry_run=True,
)
def generate_and_export_data_key(
    ctx: Context,
    *,
    key_id: KeyId,
    key_spec: str | None = None,
    number_of_bytes: NumberOfBytes | None = None,
    encryption_context: EncryptionContext | None = None,
    public_key_blob: bytes,
    wrapping_key_spec: ExportKeySpec,
    wrapping_algorithm: EncryptionAlgorithm,
) -> GeneratedAndExportedDataKey:
    """Make a random data key; return it encrypted under a symmetric key and under the caller's public key."""
    key = _symmetric_key(ctx, key_id)
    _check_public_key(public_key_blob, wrapping_key_spec)
    plaintext = _new_data_key(ctx, key_spec, number_of_bytes)
    encrypted = _encrypted(ctx, key, b64.encode(plaintext), encryption_context)
    return {
        **encrypted,
        "ExportedDataKey": _wrapped(ctx, public_key_blob, wrapping_algorithm, plaintext, "NumberOfBytes"),
    }


def _symmetric_key(ctx: Context, key_id: str) -> Key:
    key = ctx.key(key_id)
    key_use.check_symmetric(ctx.partition, key)
    return key


def _new_data_key(ctx: Context, spec: str | None, length: int | None) -> bytes:
    """Make a data key: NumberOfBytes decides, then KeySpec, then AES_256; NumberOfBytes 0 is none."""
    spec = spec or _DEFAULT_SPEC
    if spec not in _LENGTHS:
        raise errors.INVALID_KEY_SPEC(f"KeySpec is one of {', '.join(_LENGTHS)}.", name="KeySpec")
    return ctx.sources.random_bytes(length or _LENGTHS[spec])


def _encrypted(ctx: Context, key: Key, text: str, context: EncryptionContext | None) -> EncryptedDataKey:
    """Encrypt a data key: its Base64 text, so that Decrypt returns what GenerateDataKey returned (behaviour.md 3)."""
    found = key_use.encrypt(key, text.encode(), context, ctx.sources.random_bytes)
    return {"KeyId": key.id, "KeyVersionId": found.version_id, "CiphertextBlob": found.blob}


def _check_public_key(blob: bytes, spec: ExportKeySpec) -> None:
    """Check the caller's public key: SubjectPublicKeyInfo, of the spec that the caller says it is."""
    try:
        public = wrapping.read_public_key(blob)
    except ValueError as error:
        raise errors.INVALID_PARAMETER(f"PublicKeyBlob: {error}.", name="PublicKeyBlob") from error
    if (public.kind, public.bits) != _EXPORT_KEY_BITS[spec]:
        raise errors.INVALID_PARAMETER(
            f"PublicKeyBlob is a key of {public.bits} bits of the kind {public.kind}, not {spec}.",
            name="WrappingKeySpec",
        )


def _wrapped(ctx: Context, public_key: bytes, algorithm: EncryptionAlgorithm, plaintext: bytes, what: str) -> bytes:
    """Encrypt a data key under the caller's public key; `what` is the parameter to blame for one that is too long."""
    try:
        return wrapping.wrap(public_key, algorithm, plaintext, ctx.sources.stream())
    except PlaintextTooLong as error:
        raise errors.INVALID_PARAMETER(
            f"The data key has {error.length} bytes; {algorithm} takes {error.limit}.", name=what
        ) from error
    except UnsupportedAlgorithm as error:
        raise errors.INVALID_PARAMETER(f"WrappingAlgorithm: {error}.", name="WrappingAlgorithm") from error


@operation("GetManagedDataKey", inferred=(inferred.MANAGED_DATA_KEY_NOT_FOUND,))
def get_managed_data_key(
    ctx: Context, *, data_key_name: DataKeyName, data_key_version_id: str | None = None, use_latest: bool = False
) -> ManagedDataKeyValue:
    """Return the bytes of a managed data key: of one version, or of the latest, or without either of the first."""
    data_key = ctx.find(managed_data_keys, data_key_name)
    version = data_key.version(data_key_version_id, latest=use_latest)
    return {
        "DataKeyName": data_key.name,
        "DataKeyVersionId": version.id,
        "DataKeyVersionName": version_name(data_key, version),
        "Plaintext": version.material.to_bytes(),
    }


@operation("ListManagedDataKeyVersions", inferred=(inferred.MANAGED_DATA_KEY_NOT_FOUND,))
def list_managed_data_key_versions(
    ctx: Context, *, data_key_name: DataKeyName, page_number: PageNumber = 1, page_size: PageSize = 10
) -> ManagedDataKeyVersionPage:
    """List the versions of a managed data key, in order of creation."""
    data_key = ctx.find(managed_data_keys, data_key_name)
    found, counts = page(data_key.versions.values(), page_number, page_size)
    entries: list[ManagedDataKeyVersionEntry] = [
        {"DataKeyVersionId": version.id, "DataKeyVersionName": version_name(data_key, version)} for version in found
    ]
    return {"DataKeyName": data_key.name, "ManagedDataKeyVersions": {"ManagedDataKeyVersion": entries}, **counts}
