"""Secrets whose values are encrypted under a key of the user: what the key's life and permissions do to them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from alibabacloud_kms20160120.client import Client

from kms_mock import KmsMock
from kms_mock.kms import errors
from tests.support.keys import MATERIAL, import_material
from tests.support.known_keys import text64
from tests.support.secrets import allow, create, put, ram_user, refuse, resource_policy, sdk, value

KEY = "key-of-secrets"
ARN = f"acs:kms:cn-hangzhou:1234567890123456:key/{KEY}"
FORBIDDEN = f"This operation for {KEY} is forbidden by permission system"


@pytest.fixture
def kms() -> Iterator[KmsMock]:
    keys = [{"id": KEY, "aliases": ["alias/secrets"]}, {"id": "key-sm4", "spec": "Aliyun_SM4"}]
    with KmsMock([{"keys": keys}]) as running:
        yield running


@pytest.mark.parametrize("key_id", [KEY, "alias/secrets", ARN, "key-sm4"])
def test_a_secret_under_a_key_reads_like_any_other(client: Client, key_id: str) -> None:
    """EncryptionKeyId takes id, alias and ARN, AES and SM4; DescribeSecret gives the id."""
    create(client, encryption_key_id=key_id)
    assert value(client) == "one"
    expected = "key-sm4" if key_id == "key-sm4" else KEY
    assert sdk(client, "DescribeSecret", secret_name="db")["EncryptionKeyId"] == expected


def test_a_disabled_key_closes_its_secrets_and_enabling_opens_them(kms: KmsMock, client: Client) -> None:
    """While the key is disabled neither old values read nor new ones are stored; metadata still shows."""
    create(client, encryption_key_id=KEY)
    create(client, "other")
    sdk(client, "DisableKey", key_id=KEY)
    refuse(kms, client, errors.KEY_DISABLED, "GetSecretValue", secret_name="db")
    fields = {"secret_name": "db", "version_id": "v2", "secret_data": "two"}
    refuse(kms, client, errors.KEY_DISABLED, "PutSecretValue", **fields)
    assert sdk(client, "DescribeSecret", secret_name="db")["EncryptionKeyId"] == KEY
    assert value(client, "other") == "one"
    sdk(client, "EnableKey", key_id=KEY)
    assert value(client) == "one"
    put(client, "v2", "two")
    assert value(client) == "two"


def test_no_secret_is_created_under_a_key_that_cannot_be_used(kms: KmsMock, client: Client) -> None:
    """CreateSecret seals the first value, so the key must work."""
    fields = {"secret_name": "db", "version_id": "v1", "secret_data": "one", "encryption_key_id": KEY}
    sdk(client, "DisableKey", key_id=KEY)
    refuse(kms, client, errors.KEY_DISABLED, "CreateSecret", **fields)
    sdk(client, "EnableKey", key_id=KEY)
    assert sdk(client, "CreateSecret", **fields)["SecretName"] == "db"


def test_a_key_on_its_way_out_closes_its_secrets(kms: KmsMock, client: Client) -> None:
    """PendingDeletion refuses, cancelling brings the values back, and after the deletion the key is not found."""
    create(client, encryption_key_id=KEY)
    sdk(client, "ScheduleKeyDeletion", key_id=KEY, pending_window_in_days=7)
    refuse(kms, client, errors.KEY_PENDING_DELETION, "GetSecretValue", secret_name="db")
    sdk(client, "CancelKeyDeletion", key_id=KEY)
    assert value(client) == "one"
    sdk(client, "ScheduleKeyDeletion", key_id=KEY, pending_window_in_days=7)
    kms.clock.advance("8d")
    refuse(kms, client, errors.KEY_NOT_FOUND, "GetSecretValue", secret_name="db")
    refuse(kms, client, errors.KEY_NOT_FOUND, "PutSecretValue", secret_name="db", version_id="v2", secret_data="two")
    assert sdk(client, "DescribeSecret", secret_name="db")["EncryptionKeyId"] == KEY


def test_a_value_of_a_deleted_key_stays_closed(kms: KmsMock, client: Client) -> None:
    """A new key of the same id has other material: it does not open what the old one closed."""
    create(client, encryption_key_id=KEY)
    sdk(client, "ScheduleKeyDeletion", key_id=KEY, pending_window_in_days=7)
    kms.clock.advance("8d")
    kms.load({"keys": [{"id": KEY}]})
    refuse(kms, client, errors.KEY_VERSION_NOT_FOUND, "GetSecretValue", secret_name="db")


def test_rotation_of_the_key_keeps_old_values_readable(kms: KmsMock, client: Client) -> None:
    """A value is bound to the version that sealed it; new values are sealed under the new version."""
    sdk(client, "UpdateRotationPolicy", key_id=KEY, enable_automatic_rotation=True, rotation_interval="365d")
    create(client, encryption_key_id=KEY)
    before = sdk(client, "Encrypt", key_id=KEY, plaintext="x")["KeyVersionId"]
    kms.clock.advance("366d")
    after = sdk(client, "Encrypt", key_id=KEY, plaintext="x")["KeyVersionId"]
    assert before != after
    assert value(client) == "one"
    put(client, "v2", "two")
    assert value(client) == "two"
    assert value(client, version_id="v1") == "one"


def test_reading_needs_decrypt_on_the_key(kms: KmsMock, client: Client) -> None:
    """A RAM user who may read the secret but not use its key is refused in the words of the FAQ (behaviour.md 21)."""
    create(client, encryption_key_id=KEY)
    create(client, "other")
    kms.load(ram_user(allow("kms:GetSecretValue")))
    kms.load(ram_user(allow("kms:GetSecretValue"), allow("kms:Decrypt", resource=ARN), key="full"))
    kms.load(ram_user(allow("kms:GetSecretValue"), allow("kms:Decrypt", resource=ARN + "x"), key="elsewhere"))
    assert value(kms.client(access_key_id="full")) == "one"
    assert value(kms.client(access_key_id="limited"), "other") == "one"
    for user in ("limited", "elsewhere"):
        refused = kms.client(access_key_id=user)
        spec = errors.NO_PERMISSION_FOR_KEY
        refuse(kms, refused, spec, "GetSecretValue", message=FORBIDDEN, secret_name="db")


def test_the_policy_of_the_key_counts_too(kms: KmsMock) -> None:
    """Whom the key's own policy denies is refused although RAM allows him everything."""
    principal = "acs:ram::1234567890123456:user/limited"
    policy = resource_policy("kms:*", principal=principal, effect="Deny")
    key = {"id": "guarded", "policy": policy}
    kms.load({"keys": [key], "secrets": [{"name": "vault", "value": "x", "encryption_key": "guarded"}]})
    kms.load(ram_user(allow("kms:*"), key="full"))
    kms.load(ram_user(allow("kms:*"), key="limited"))
    assert value(kms.client(access_key_id="full"), "vault") == "x"
    text = FORBIDDEN.replace(KEY, "guarded")
    limited = kms.client(access_key_id="limited")
    refuse(kms, limited, errors.NO_PERMISSION_FOR_KEY, "GetSecretValue", message=text, secret_name="vault")


def test_creating_needs_a_data_key_of_the_key(kms: KmsMock) -> None:
    """Who may create secrets but not make data keys under the key is refused."""
    kms.load(ram_user(allow("kms:CreateSecret"), allow("kms:Decrypt")))
    kms.load(ram_user(allow("kms:CreateSecret", "kms:GenerateDataKey"), key="full"))
    create(kms.client(access_key_id="full"), encryption_key_id=KEY)
    fields = {"secret_name": "new", "version_id": "v1", "secret_data": "one", "encryption_key_id": KEY}
    limited = kms.client(access_key_id="limited")
    refuse(kms, limited, errors.NO_PERMISSION_ON, "CreateSecret", **fields)


def test_losing_imported_material_closes_the_secrets_and_importing_it_again_opens_them(
    kms: KmsMock, client: Client
) -> None:
    """A secret under an EXTERNAL key reads only while the key has its material."""
    material = text64(MATERIAL)
    key = {"id": "imported", "origin": "EXTERNAL", "material": material, "material_expires": "+1d"}
    kms.load({"keys": [key]})
    create(client, encryption_key_id="imported")
    assert value(client) == "one"
    kms.clock.advance("2d")
    refuse(kms, client, errors.KEY_PENDING_IMPORT, "GetSecretValue", secret_name="db")
    import_material(client, "imported")
    assert value(client) == "one"
