"""DryRun: the call is checked as a whole and never done (api-docs; behaviour.md 3)."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from functools import partial
from typing import Any

import alibabacloud_kms20160120.models as sdk_models
import pytest
from alibabacloud_kms20160120.client import Client
from Tea.exceptions import TeaException

from kms_mock import KmsMock
from kms_mock.kms import errors
from tests.support.calls import refused
from tests.support.known_keys import encrypted, known_version, text64
from tests.support.registry import REGISTRY
from tests.support.secrets import allow, create, ram_user, sdk

RSA = "key-rsa2048-encrypt"


@pytest.fixture
def kms(with_known_keys: KmsMock) -> KmsMock:
    return with_known_keys


def fields_of(client: Client, operation: str) -> dict[str, Any]:
    """Return parameters with which an operation succeeds."""
    blob = encrypted(client, plaintext=text64(b"data key"))
    key = {"key_id": "key-aes256"}
    public = sdk(client, "GetPublicKey", key_id=RSA, key_version_id=known_version(RSA))["PublicKey"].splitlines()
    wrapping = {
        "public_key_blob": "".join(public[1:-1]),
        "wrapping_key_spec": "RSA_2048",
        "wrapping_algorithm": "RSAES_OAEP_SHA_256",
    }
    oaep = {"key_id": RSA, "key_version_id": known_version(RSA), "algorithm": "RSAES_OAEP_SHA_256"}
    ecdsa = {"key_id": "key-p256", "key_version_id": known_version("key-p256"), "algorithm": "ECDSA_SHA_256"}
    code = {"key_id": "key-hmac-256", "algorithm": "HMAC_SHA_256", "message": "AAAA"}
    ciphertext = partial(sdk, client, "AsymmetricEncrypt", plaintext="AAAA", **oaep)
    create(client)
    known: dict[str, dict[str, Any]] = {
        "Encrypt": {**key, "plaintext": "x"},
        "Decrypt": {"ciphertext_blob": blob},
        "ReEncrypt": {"ciphertext_blob": blob, "destination_key_id": "key-sm4"},
        "GenerateDataKey": key,
        "GenerateDataKeyWithoutPlaintext": key,
        "GenerateAndExportDataKey": {**key, **wrapping},
        "ExportDataKey": {"ciphertext_blob": blob, **wrapping},
        "AsymmetricSign": {**ecdsa, "digest": text64(bytes(32))},
        "AsymmetricVerify": {**ecdsa, "digest": text64(bytes(32)), "value": "AAAA"},
        "AsymmetricEncrypt": {**oaep, "plaintext": "AAAA"},
        "AsymmetricDecrypt": {**oaep, "ciphertext_blob": ciphertext()["CiphertextBlob"]},
        "GetPublicKey": {"key_id": RSA, "key_version_id": known_version(RSA)},
        "GenerateMac": code,
        "VerifyMac": {**code, "mac": "AAAA"},
        "GetSecretValue": {"secret_name": "db"},
    }
    return known[operation]


def with_dry_run() -> list[str]:
    """Return every operation whose request has DryRun in the official SDK."""
    found = []
    for module in pkgutil.iter_modules(sdk_models.__path__):
        for name, model in vars(importlib.import_module(f"{sdk_models.__name__}.{module.name}")).items():
            if name.endswith("Request") and not name.endswith("ShrinkRequest") and inspect.isclass(model):
                found.extend([name.removesuffix("Request")] * ("dry_run" in inspect.signature(model).parameters))
    return sorted(set(found))


OPERATIONS = with_dry_run()


def test_the_operations_with_dry_run_are_those_of_the_sdk() -> None:
    """Neither more nor fewer operations take DryRun here than in the official SDK."""
    assert [name for name, operation in sorted(REGISTRY.items()) if operation.dry_run] == OPERATIONS
    assert len(OPERATIONS) == 15


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_dry_run_of_what_would_succeed_is_an_error(kms: KmsMock, client: Client, operation: str) -> None:
    """DryRunOperationError says that the call without DryRun would have succeeded, which it then does."""
    fields = fields_of(client, operation)
    for flag in ("true", "True"):
        refused(kms, errors.DRY_RUN, partial(sdk, client, operation, **fields, dry_run=flag))
    for off in ("false", None):
        assert sdk(client, operation, **fields, dry_run=off)["RequestId"]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_dry_run_without_the_permission_is_an_access_denied_error(
    kms: KmsMock, client: Client, operation: str
) -> None:
    """DryRun has codes of its own: AccessDeniedError is what Forbidden.NoPermission is without it (behaviour.md 3)."""
    fields = fields_of(client, operation)
    kms.load(ram_user(allow("kms:DescribeKey")))
    kms.load(ram_user(allow("kms:*", resource="acs:kms:*:*:key/other"), key="elsewhere"))
    for user in ("limited", "elsewhere"):  # refused before anything is looked up, and at the resource
        limited = kms.client(access_key_id=user)
        refused(kms, errors.DRY_RUN_ACCESS_DENIED, partial(sdk, limited, operation, **fields, dry_run="true"))
        with pytest.raises(TeaException) as caught:
            sdk(limited, operation, **fields, dry_run="false")
        assert caught.value.code == "Forbidden.NoPermission"


@pytest.mark.parametrize(
    ("fields", "name"),
    [({"key_id": "x" * 513}, "KeyId"), ({"key_id": "key-aes256", "key_spec": "AES_1"}, "KeySpec"), ({}, "KeyId")],
)
def test_a_dry_run_with_a_wrong_parameter_is_a_validation_error(
    kms: KmsMock, client: Client, fields: dict[str, str], name: str
) -> None:
    """ValidationError is what InvalidParameter and MissingParameter are without DryRun (behaviour.md 3)."""
    message = f"The specified parameter {name} is not valid."
    dry = partial(sdk, client, "GenerateDataKey", **fields, dry_run="true")
    refused(kms, errors.DRY_RUN_VALIDATION, dry, message=message)
    with pytest.raises(TeaException) as caught:
        sdk(client, "GenerateDataKey", **fields, dry_run="false")
    assert caught.value.code in ("InvalidParameter", "MissingParameter")


def test_a_dry_run_of_a_damaged_ciphertext_is_a_validation_error(kms: KmsMock, client: Client) -> None:
    """A ciphertext is a parameter too."""
    message = "The specified parameter CiphertextBlob is not valid."
    dry = partial(sdk, client, "Decrypt", ciphertext_blob="AAAA", dry_run="true")
    refused(kms, errors.DRY_RUN_VALIDATION, dry, message=message)


@pytest.mark.parametrize("key_id", ["key-disabled", "key-deleting", "nope", "key-p256"])
def test_a_dry_run_checks_the_key(kms: KmsMock, client: Client, key_id: str) -> None:
    """State, kind and existence of the key are checked too."""
    seen = []
    for flag in ("true", "false"):
        before = kms.snapshot()
        with pytest.raises(TeaException) as caught:
            sdk(client, "GenerateDataKey", key_id=key_id, dry_run=flag)
        assert kms.snapshot() == before
        seen.append(caught.value.code)
    assert seen[0] == seen[1] != "DryRunOperationError"


def test_a_wrong_flag_is_an_invalid_parameter(kms: KmsMock, client: Client) -> None:
    """DryRun is a boolean."""
    text = "The specified parameter DryRun is not valid."
    call = partial(sdk, client, "GenerateDataKey", key_id="key-aes256", dry_run="perhaps")
    refused(kms, errors.INVALID_PARAMETER, call, message=text)
