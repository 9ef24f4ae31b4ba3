"""Rules that tie resources of different kinds together, through the official SDK: what goes along, what is kept."""

from __future__ import annotations

from typing import Any

from alibabacloud_kms20160120 import models
from alibabacloud_kms20160120.client import Client

from kms_mock import KmsMock
from kms_mock.kms import errors
from tests.support.secrets import refuse, sdk

INSTANCE = "kst-1"
KEY, VERSION = "11111111-2222-4333-8444-555555555555", "aaaaaaaa-2222-4333-8444-555555555555"
OUTSIDE = "99999999-2222-4333-8444-555555555555"


def make_access_point(client: Client, name: str, policy: str) -> str:
    """Make an access point with one client key; give the client key's id."""
    sdk(client, "CreateApplicationAccessPoint", name=name, policies=f'["{policy}"]')
    return str(sdk(client, "CreateClientKey", aap_name=name, password="passw0rd")["ClientKeyId"])


def make_policy(client: Client, name: str, rule: str) -> None:
    fields = {"permissions": '["RbacPermission/Template/CryptoServiceKeyUser"]', "resources": '["key/*"]'}
    sdk(client, "CreatePolicy", name=name, access_control_rules=f'{{"NetworkRules":["{rule}"]}}', **fields)


def test_a_deleted_access_point_takes_its_own_client_keys_and_no_others(kms: KmsMock, client: Client) -> None:
    """Of two access points one is deleted: its client key cannot be read, listed or deleted; the other's is as it was."""
    gone, kept = make_access_point(client, "gone", "any"), make_access_point(client, "kept", "any")
    before = sdk(client, "GetClientKey", client_key_id=kept)
    sdk(client, "DeleteApplicationAccessPoint", name="gone")
    for operation in ("GetClientKey", "DeleteClientKey"):
        refuse(kms, client, errors.ACCESS_NOT_FOUND, operation, client_key_id=gone)
    refuse(kms, client, errors.ACCESS_NOT_FOUND, "ListClientKeys", aap_name="gone")
    assert [one["ClientKeyId"] for one in sdk(client, "ListClientKeys")["ClientKeys"]] == [kept]
    after = sdk(client, "GetClientKey", client_key_id=kept)
    assert {**after, "RequestId": ""} == {**before, "RequestId": ""}


def test_what_is_in_use_is_deleted_all_the_same(kms: KmsMock, client: Client) -> None:
    """Rule and policy go while a policy and an access point name them, which keep the names (behaviour.md 12)."""
    sdk(client, "CreateNetworkRule", name="rule", type="Private", source_private_ip='["10.0.0.0/8"]')
    make_policy(client, "policy", "rule")
    make_access_point(client, "one", "policy")
    sdk(client, "DeleteNetworkRule", name="rule")
    assert sdk(client, "DescribePolicy", name="policy")["AccessControlRules"] == '{"NetworkRules":["rule"]}'
    sdk(client, "DeletePolicy", name="policy")
    assert sdk(client, "DescribeApplicationAccessPoint", name="one")["Policies"] == '["policy"]'
    refuse(kms, client, errors.ACCESS_NOT_FOUND, "DescribeNetworkRule", name="rule")
    refuse(kms, client, errors.ACCESS_NOT_FOUND, "DescribePolicy", name="policy")


def test_the_keys_of_an_instance_vanish_with_it(kms: KmsMock, client: Client) -> None:
    """After ReleaseKmsInstance its key is found by no id, alias or listing, and opens no ciphertext; others still do."""
    kms.load(
        {
            "instances": [{"id": INSTANCE}],
            "keys": [
                {"id": KEY, "instance": INSTANCE, "aliases": ["alias/in"], "versions": [{"id": VERSION}]},
                {"id": OUTSIDE, "aliases": ["alias/out"]},
            ],
        }
    )
    inside, outside = (
        sdk(client, "Encrypt", key_id=alias, plaintext="text")["CiphertextBlob"] for alias in ("alias/in", "alias/out")
    )
    assert sdk(client, "Decrypt", ciphertext_blob=inside)["Plaintext"] == "text"
    sdk(client, "ReleaseKmsInstance", kms_instance_id=INSTANCE, force_delete_without_backup="true")
    refuse(kms, client, errors.KEY_NOT_FOUND, "Decrypt", ciphertext_blob=inside)
    for operation in ("DescribeKey", "ListKeyVersions", "ListResourceTags", "EnableKey"):
        refuse(kms, client, errors.KEY_NOT_FOUND, operation, key_id=KEY)
    refuse(kms, client, errors.ALIAS_NOT_FOUND, "DescribeKey", key_id="alias/in")
    assert [key["KeyId"] for key in sdk(client, "ListKeys")["Keys"]["Key"]] == [OUTSIDE]
    assert [one["AliasName"] for one in sdk(client, "ListAliases")["Aliases"]["Alias"]] == ["alias/out"]
    assert sdk(client, "Decrypt", ciphertext_blob=outside)["Plaintext"] == "text"


def test_an_instance_makes_room_again_when_a_key_or_secret_of_it_goes(kms: KmsMock, client: Client) -> None:
    """A full instance takes a key once another's deletion date has passed, and a secret once another is purged."""
    kms.load(
        {"instances": [{"id": INSTANCE, "max_keys": 1, "max_secrets": 1}], "keys": [{"id": KEY, "instance": INSTANCE}]}
    )
    secret: dict[str, Any] = {"version_id": "v1", "secret_data": "x", "dkmsinstance_id": INSTANCE}
    sdk(client, "CreateSecret", secret_name="first", encryption_key_id=KEY, **secret)
    sdk(client, "ScheduleKeyDeletion", key_id=KEY, pending_window_in_days=7)
    refuse(kms, client, errors.LIMIT_EXCEEDED, "CreateKey", dkmsinstance_id=INSTANCE)
    kms.clock.advance("7d")
    made = sdk(client, "CreateKey", dkmsinstance_id=INSTANCE)["KeyMetadata"]["KeyId"]
    second = {"secret_name": "second", "encryption_key_id": made, **secret}
    refuse(kms, client, errors.LIMIT_EXCEEDED, "CreateSecret", **second)
    sdk(client, "DeleteSecret", secret_name="first", force_delete_without_recovery="true")
    sdk(client, "CreateSecret", **second)


def test_the_10001st_key_version_is_one_too_many(kms: KmsMock, client: Client) -> None:
    """An account has 10000 key versions in a region: CreateKeyVersion makes the last and not the next (behaviour.md 14)."""
    numbers = [50] * 199 + [48]
    pair = {"id": KEY, "spec": "EC_P256", "created": "-60d", "versions": [{"id": VERSION, "created": "-60d"}]}
    full = [{"id": f"key-{at}", "versions": [{}] * number} for at, number in enumerate(numbers)]
    kms.load({"keys": [*full, pair]})
    assert sdk(client, "CreateKeyVersion", key_id=KEY)["KeyVersion"]["KeyId"] == KEY
    kms.clock.advance("7d")  # the next version of a pair may come after a week
    refuse(kms, client, errors.LIMIT_EXCEEDED, "CreateKeyVersion", key_id=KEY)


def test_what_names_no_instance_goes_into_the_default_one() -> None:
    """After a migration a key or secret created without an instance goes into the default one (GetDefaultKmsInstance)."""
    with KmsMock([{"instances": [{"id": "kst-main", "default": True}]}]) as kms:
        client = kms.client()
        key = client.create_key(models.CreateKeyRequest()).body.key_metadata
        assert key.dkmsinstance_id == "kst-main"
        request = models.CreateSecretRequest(
            secret_name="db", version_id="v1", secret_data="one", encryption_key_id=key.key_id
        )
        assert client.create_secret(request).body.dkmsinstance_id == "kst-main"
