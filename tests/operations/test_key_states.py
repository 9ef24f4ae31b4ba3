"""The vendor's matrix of key states and operations, cell by cell through the official SDK; and what it leaves out."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import pytest
from alibabacloud_kms20160120.client import Client

from kms_mock import KmsMock
from kms_mock.crypto.material import generate
from kms_mock.defaults import DEFAULT_ACCOUNT
from kms_mock.kms import errors
from tests.support.calls import call, refused
from tests.support.keys import (
    INSTANCES,
    MATERIAL,
    create_key,
    describe,
    disable,
    encrypt,
    import_request,
    key_versions,
    parameters_for_import,
    schedule,
)
from tests.support.secrets import resource_policy, sdk

STATES = ("Enabled", "Disabled", "PendingDeletion", "PendingImport")

# behaviour.md 1, the published matrix. S succeeds, D is Rejected.Disabled, P Rejected.PendingDeletion,
# I Rejected.PendingImport, F Rejected.StateModifiedFailed. EXTERNAL: the row is about keys of that Origin.
PUBLISHED = """
                                Enabled  Disabled  PendingDeletion  PendingImport
CreateKey                       S        S         S                S
ListKeys                        S        S         S                S
DescribeKey                     S        S         S                S
ListAliases                     S        S         S                S
DeleteAlias                     S        S         S                S
ListResourceTags                S        S         S                S
DescribeKeyVersion              S        S         S                S
ListKeyVersions                 S        S         S                S
Encrypt                         S        D         P                I
Decrypt                         S        D         P                I
GenerateDataKey                 S        D         P                I
GenerateDataKeyWithoutPlaintext S        D         P                I
CreateKeyVersion                S        D         P                I
UpdateRotationPolicy            S        D         P                I
UpdateKeyDescription            S        S         P                S
TagResource                     S        S         P                S
UntagResource                   S        S         P                S
EnableKey                       S        S         F                F
DisableKey                      S        S         F                F
ScheduleKeyDeletion             S        S         F                S
CancelKeyDeletion               F        F         S                F
CreateAlias                     S        S         F                S
UpdateAlias                     S        S         P                S
GetParametersForImport EXTERNAL S        S         S                S
ImportKeyMaterial EXTERNAL      S        S         F                S
DeleteKeyMaterial EXTERNAL      S        S         S                S
"""

# Operations on keys that the published matrix leaves out. "-": a key of this kind is never in that state.
USE = "it uses the key, as Encrypt and Decrypt do"
READ = "it only reads what is there, as DescribeKey and ListResourceTags do"
OURS = {
    "ListAliasesByKeyId": ("S S S S", "", READ),
    "GetKeyPolicy": ("S S S S", "", READ),
    "ListTagResources": ("S S S S", "", READ),
    "SetKeyPolicy": ("S S P S", "", "a policy is metadata, as a description is"),
    "SetDeletionProtection": ("S S P S", "", "its page says that the key must not be PendingDeletion"),
    "TagResources": ("S S P S", "", "it is TagResource for many"),
    "UntagResources": ("S S P S", "", "it is UntagResource for many"),
    "ReEncrypt (source)": ("S D P I", "", "it decrypts with the key, as Decrypt does"),
    "ReEncrypt (destination)": ("S D P I", "", "it encrypts with the key, as Encrypt does"),
    "AdvanceEncrypt": ("S D P I", "", USE),
    "ExportDataKey": ("S D P I", "", "it decrypts with the key, as Decrypt does"),
    "GenerateAndExportDataKey": ("S D P I", "", "it is GenerateDataKey and ExportDataKey at once"),
    "AsymmetricSign": ("S D P -", "signer", USE),
    "AsymmetricVerify": ("S D P -", "signer", USE),
    "AsymmetricEncrypt": ("S D P -", "sealer", USE),
    "AsymmetricDecrypt": ("S D P -", "sealer", USE),
    "GetPublicKey": ("S D P -", "signer", "it gives a part of the material, which only an Enabled key gives"),
    "GenerateMac": ("S D P I", "mac", USE),
    "VerifyMac": ("S D P I", "mac", USE),
    "CreateSecret (under the key)": ("S D P I", "", "it encrypts the value under the key"),
    "GetSecretValue (under the key)": ("S D P I", "", "it decrypts the value with the key"),
}

REFUSALS = {
    "D": errors.KEY_DISABLED,
    "P": errors.KEY_PENDING_DELETION,
    "I": errors.KEY_PENDING_IMPORT,
    "F": errors.KEY_STATE_NOT_MODIFIED,
}

# In which state a key is after an operation that succeeded, where it is another one than before.
AFTERWARDS = {
    ("EnableKey", "Disabled"): "Enabled",
    ("DisableKey", "Enabled"): "Disabled",
    ("ScheduleKeyDeletion", "Enabled"): "PendingDeletion",
    ("ScheduleKeyDeletion", "Disabled"): "PendingDeletion",
    ("ScheduleKeyDeletion", "PendingImport"): "PendingDeletion",
    ("CancelKeyDeletion", "PendingDeletion"): "Enabled",
    ("ImportKeyMaterial", "PendingImport"): "Enabled",
    ("DeleteKeyMaterial", "Enabled"): "PendingImport",
    ("DeleteKeyMaterial", "Disabled"): "PendingImport",
}


class Cell(NamedTuple):
    operation: str
    kind: str
    state: str
    outcome: str


def published() -> list[Cell]:
    """Read the published matrix."""
    heading, *rows = PUBLISHED.strip().splitlines()
    assert tuple(heading.split()) == STATES
    cells = []
    for row in rows:
        operation, *outcomes = row.replace(" EXTERNAL", "").split()
        kind = "external" if "EXTERNAL" in row else ""
        cells += [Cell(operation, kind, state, outcome) for state, outcome in zip(STATES, outcomes, strict=True)]
    return cells


def ours() -> list[Cell]:
    """Read the rows of our own."""
    return [
        Cell(operation, kind, state, outcome)
        for operation, (outcomes, kind, _) in OURS.items()
        for state, outcome in zip(STATES, outcomes.split(), strict=True)
        if outcome != "-"
    ]


# -- keys in each state -----------------------------------------------------------------------------------------------


@cache
def material(spec: str) -> str:
    """Return material of a spec as a fixture file takes it."""
    return base64.b64encode(MATERIAL if spec == "Aliyun_AES_256" else generate(spec).to_bytes()).decode()


def key_document(kind: str, state: str) -> dict[str, Any]:
    """Describe a key that can be brought into a state: only one of Origin EXTERNAL is ever PendingImport."""
    spec = {"signer": "EC_P256", "sealer": "EC_SM2", "mac": "HMAC_SHA_256"}.get(kind, "Aliyun_AES_256")
    document = {"id": "key", "spec": spec, "material": material(spec), "created": "-30d", "aliases": ["alias/key"]}
    if kind == "external" or state == "PendingImport":
        return {**document, "origin": "EXTERNAL", "instance": "kst-hard"}
    if kind == "sealer":
        return {**document, "usage": "ENCRYPT/DECRYPT"}
    return {**document, "instance": "kst-soft"} if kind == "" else document


def bring(client: Client, state: str) -> None:
    """Bring the key into a state, by operations alone."""
    if state == "Disabled":
        disable(client, "key")
    elif state == "PendingDeletion":
        schedule(client, "key")
    elif state == "PendingImport":
        sdk(client, "DeleteKeyMaterial", key_id="key")
    assert describe(client, "key").key_state == state


# -- calls ------------------------------------------------------------------------------------------------------------

Call = Callable[[], Any]
DIGEST = base64.b64encode(hashlib.sha256(b"text").digest()).decode()
MESSAGE = base64.b64encode(b"text").decode()
POLICY = json.dumps(resource_policy("kms:*", principal=f"acs:ram::{DEFAULT_ACCOUNT}:*"))
TAGS = '[{"TagKey":"team","TagValue":"x"}]'
TAGGED = {"RegionId": "cn-hangzhou", "ResourceType": "key", "ResourceId.1": "key"}


@cache
def public_key() -> str:
    """Return a public key to export data keys under."""
    return base64.b64encode(generate("EC_SM2").public_key_der()).decode()


EXPORT = {"wrapping_key_spec": "EC_SM2", "wrapping_algorithm": "SM2PKE"}


def prepared(client: Client, operation: str) -> Call:
    """Make ready what a call needs while the key is Enabled; give the call."""
    maker = _MAKERS.get(operation)
    if maker is not None:
        return maker(client)
    name = operation.partition(" ")[0]
    fields = _FIELDS[operation]
    return lambda: sdk(client, name, **fields)


_ON_KEY = {"key_id": "key"}
_FIELDS: dict[str, dict[str, Any]] = {
    "CreateKey": {},
    "ListKeys": {},
    "DescribeKey": _ON_KEY,
    "ListAliases": {},
    "DeleteAlias": {"alias_name": "alias/key"},
    "ListResourceTags": _ON_KEY,
    "ListKeyVersions": _ON_KEY,
    "Encrypt": {**_ON_KEY, "plaintext": "text"},
    "GenerateDataKey": _ON_KEY,
    "GenerateDataKeyWithoutPlaintext": _ON_KEY,
    "CreateKeyVersion": _ON_KEY,
    "UpdateRotationPolicy": {**_ON_KEY, "enable_automatic_rotation": True, "rotation_interval": "90d"},
    "UpdateKeyDescription": {**_ON_KEY, "description": "text"},
    "TagResource": {**_ON_KEY, "tags": TAGS},
    "UntagResource": {**_ON_KEY, "tag_keys": '["team"]'},
    "EnableKey": _ON_KEY,
    "DisableKey": _ON_KEY,
    "ScheduleKeyDeletion": {**_ON_KEY, "pending_window_in_days": 7},
    "CancelKeyDeletion": _ON_KEY,
    "CreateAlias": {**_ON_KEY, "alias_name": "alias/new"},
    "DeleteKeyMaterial": _ON_KEY,
    "ListAliasesByKeyId": _ON_KEY,
    "GetKeyPolicy": _ON_KEY,
    "SetKeyPolicy": {**_ON_KEY, "policy": POLICY},
    "SetDeletionProtection": {**_ON_KEY, "enable_deletion_protection": True},
    "GetParametersForImport": {
        **_ON_KEY,
        "wrapping_key_spec": "RSA_2048",
        "wrapping_algorithm": "RSAES_OAEP_SHA_256",
    },
    "GenerateMac": {**_ON_KEY, "algorithm": "HMAC_SHA_256", "message": MESSAGE},
}


def _describe_version(client: Client) -> Call:
    version = key_versions(client, "key")[0]
    return lambda: sdk(client, "DescribeKeyVersion", key_id="key", key_version_id=version)


def _decrypt(client: Client) -> Call:
    blob = encrypt(client, "key")
    return lambda: sdk(client, "Decrypt", ciphertext_blob=blob)


def _rebind(client: Client) -> Call:
    other = create_key(client).key_id
    sdk(client, "CreateAlias", key_id=other, alias_name="alias/other")
    return lambda: sdk(client, "UpdateAlias", key_id="key", alias_name="alias/other")


def _import(client: Client) -> Call:
    request = import_request(parameters_for_import(client, "key"))
    return lambda: client.import_key_material(request)


def _re_encrypt_from(client: Client) -> Call:
    blob, other = encrypt(client, "key"), create_key(client).key_id
    return lambda: sdk(client, "ReEncrypt", ciphertext_blob=blob, destination_key_id=other)


def _re_encrypt_to(client: Client) -> Call:
    blob = encrypt(client, create_key(client).key_id)
    return lambda: sdk(client, "ReEncrypt", ciphertext_blob=blob, destination_key_id="key")


def _export(client: Client) -> Call:
    blob = sdk(client, "GenerateDataKey", key_id="key")["CiphertextBlob"]
    return lambda: sdk(client, "ExportDataKey", ciphertext_blob=blob, public_key_blob=public_key(), **EXPORT)


def _generate_and_export(client: Client) -> Call:
    fields = {"key_id": "key", "public_key_blob": public_key(), **EXPORT}
    return lambda: sdk(client, "GenerateAndExportDataKey", **fields)


def _on_version(client: Client, operation: str, **fields: Any) -> Call:
    version = key_versions(client, "key")[0]
    return lambda: sdk(client, operation, key_id="key", key_version_id=version, **fields)


def _verify(client: Client) -> Call:
    fields = {"algorithm": "ECDSA_SHA_256", "digest": DIGEST}
    value = _on_version(client, "AsymmetricSign", **fields)()["Value"]
    return _on_version(client, "AsymmetricVerify", **fields, value=value)


def _open(client: Client) -> Call:
    blob = _on_version(client, "AsymmetricEncrypt", algorithm="SM2PKE", plaintext=MESSAGE)()["CiphertextBlob"]
    return _on_version(client, "AsymmetricDecrypt", algorithm="SM2PKE", ciphertext_blob=blob)


def _verify_mac(client: Client) -> Call:
    fields = {"key_id": "key", "algorithm": "HMAC_SHA_256", "message": MESSAGE}
    mac = sdk(client, "GenerateMac", **fields)["Mac"]
    return lambda: sdk(client, "VerifyMac", **fields, mac=mac)


def _secret_fields(client: Client) -> dict[str, Any]:
    fields = {"secret_name": "db", "version_id": "v1", "secret_data": "x", "encryption_key_id": "key"}
    return {**fields, "dkmsinstance_id": describe(client, "key").dkmsinstance_id}


def _create_secret(client: Client) -> Call:
    fields = _secret_fields(client)
    return lambda: sdk(client, "CreateSecret", **fields)


def _get_secret(client: Client) -> Call:
    sdk(client, "CreateSecret", **_secret_fields(client))
    return lambda: sdk(client, "GetSecretValue", secret_name="db")


def _generic(action: str, **parameters: str) -> Callable[[Client], Call]:
    return lambda client: lambda: call(client, action, **parameters)


_MAKERS: dict[str, Callable[[Client], Call]] = {
    "DescribeKeyVersion": _describe_version,
    "Decrypt": _decrypt,
    "UpdateAlias": _rebind,
    "ImportKeyMaterial": _import,
    "ListTagResources": _generic("ListTagResources", **TAGGED),
    "TagResources": _generic("TagResources", **TAGGED, **{"Tag.1.Key": "team", "Tag.1.Value": "x"}),
    "UntagResources": _generic("UntagResources", **TAGGED, **{"TagKey.1": "team"}),
    "AdvanceEncrypt": _generic("AdvanceEncrypt", KeyId="key", Plaintext=MESSAGE),
    "ReEncrypt (source)": _re_encrypt_from,
    "ReEncrypt (destination)": _re_encrypt_to,
    "ExportDataKey": _export,
    "GenerateAndExportDataKey": _generate_and_export,
    "AsymmetricSign": lambda client: _on_version(client, "AsymmetricSign", algorithm="ECDSA_SHA_256", digest=DIGEST),
    "AsymmetricVerify": _verify,
    "AsymmetricEncrypt": lambda client: _on_version(client, "AsymmetricEncrypt", algorithm="SM2PKE", plaintext=MESSAGE),
    "AsymmetricDecrypt": _open,
    "GetPublicKey": lambda client: _on_version(client, "GetPublicKey"),
    "VerifyMac": _verify_mac,
    "CreateSecret (under the key)": _create_secret,
    "GetSecretValue (under the key)": _get_secret,
}


# -- the matrix -------------------------------------------------------------------------------------------------------


def check(kms: KmsMock, client: Client, cell: Cell) -> None:
    """Make the call of one cell: it succeeds and leaves the state that it should, or is refused and changes nothing."""
    kms.load({"instances": INSTANCES, "keys": [key_document(cell.kind, cell.state)]})
    act = prepared(client, cell.operation)
    bring(client, cell.state)
    if cell.outcome == "S":
        act()
        state = AFTERWARDS.get((cell.operation, cell.state), cell.state)
        assert describe(client, "key").key_state == state
    else:
        refused(kms, REFUSALS[cell.outcome], act)


@pytest.mark.parametrize("cell", published(), ids=lambda cell: f"{cell.operation}-{cell.state}")
def test_published_matrix(kms: KmsMock, client: Client, cell: Cell) -> None:
    """An operation on a key in a state does what the published matrix says (behaviour.md 1)."""
    check(kms, client, cell)


@pytest.mark.parametrize("cell", ours(), ids=lambda cell: f"{cell.operation}-{cell.state}")
def test_operations_outside_the_matrix(kms: KmsMock, client: Client, cell: Cell) -> None:
    """An operation that the published matrix leaves out follows its nearest relative there; OURS says which and why."""
    check(kms, client, cell)


def test_every_operation_on_keys_has_a_row() -> None:
    """No operation that names a key is left out of both tables."""
    from tests.support.registry import REGISTRY  # noqa: PLC0415

    names = {"KeyId", "CiphertextBlob", "EncryptionKeyId", "DestinationKeyId"}
    on_keys = {
        name
        for name, one in REGISTRY.items()
        if names & {parameter.name for parameter in one.parameters} and not name.startswith("Certificate")
    }
    rows = {cell.operation.partition(" ")[0] for cell in (*published(), *ours())}
    assert on_keys - rows == set()
    assert len(published()) == 26 * 4


def test_the_state_of_the_former_key_does_not_matter(kms: KmsMock, client: Client) -> None:
    """UpdateAlias takes an alias away from a key in any state: only the target's state counts (behaviour.md 1)."""
    kms.load({"keys": [key_document("", "Enabled") | {"instance": None}, {"id": "target"}]})
    schedule(client, "key")
    sdk(client, "UpdateAlias", key_id="target", alias_name="alias/key")
    assert describe(client, "alias/key").key_id == "target"
