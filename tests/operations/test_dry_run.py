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

import kms_mock.gateway  # noqa: F401 (fills the registry)
from kms_mock import KmsMock, errors
from kms_mock.operation import REGISTRY
from tests.known_keys import encrypted, text64, version
from tests.secrets_support import allow, create, ram_user, sdk
from tests.support import refused

RSA = "key-rsa2048-encrypt"


@pytest.fixture
def kms(with_known_keys: KmsMock) -> KmsMock:
    return with_known_keys


def fields_of(client: Client, operation: str) -> dict[str, Any]:
    """Give parameters with which an operation succeeds."""
    blob = encrypted(client, plaintext=text64(b"data key"))
    key = {"key_id": "key-aes256"}
    public = sdk(client, "GetPublicKey", key_id=RSA, key_version_id=version(RSA))["PublicKey"].splitlines()
    wrapping = {
        "public_key_blob": "".join(public[1:-1]),
        "wrapping_key_spec": "RSA_2048",
        "wrapping_algorithm": "RSAES_OAEP_SHA_256",
    }
    oaep = {"key_id": RSA, "key_version_id": version(RSA), "algorithm": "RSAES_OAEP_SHA_256"}
    ecdsa = {"key_id": "key-p256", "key_version_id": version("key-p256"), "algorithm": "ECDSA_SHA_256"}
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
        "GetPublicKey": {"key_id": RSA, "key_version_id": version(RSA)},
        "GenerateMac": code,
        "VerifyMac": {**code, "mac": "AAAA"},
        "GetSecretValue": {"secret_name": "db"},
    }
    return known[operation]


def with_dry_run() -> list[str]:
    """Give every operation whose request has DryRun in the official SDK."""
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
def test_a_dry_run_of_what_would_fail_fails_the_same_way(kms: KmsMock, client: Client, operation: str) -> None:
    """Missing permission shows through DryRun with the same code and text as without it."""
    fields = fields_of(client, operation)
    kms.load(ram_user(allow("kms:DescribeKey")))
    limited = kms.client(access_key_id="limited")
    seen = []
    for flag in ("true", "false"):
        with pytest.raises(TeaException) as caught:
            sdk(limited, operation, **fields, dry_run=flag)
        seen.append((caught.value.statusCode, caught.value.code, caught.value.data["Message"]))
    assert seen[0] == seen[1]
    assert seen[0][:2] == (403, "Forbidden.NoPermission")


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
