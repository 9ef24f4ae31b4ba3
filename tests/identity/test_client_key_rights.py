"""A client key is held to its access point: policies, network rules, dates, deletion (KMS, "Overview of AAPs")."""

from __future__ import annotations

import base64
from functools import partial
from typing import Any

import pytest
from alibabacloud_kms20160120.client import Client
from Tea.exceptions import TeaException

from kms_mock import KmsMock
from kms_mock.defaults import DEFAULT_ACCOUNT
from kms_mock.kms import errors
from kms_mock.kms.model.client_key_rights import ALLOWED
from tests.support.access import CLIENT_KEY
from tests.support.calls import call, refused
from tests.support.example_documents import INSTANCE_ID
from tests.support.examples import EXAMPLES
from tests.support.registry import DECLARED, KMS_REGISTRY
from tests.support.secrets import KEY_ID, UNKNOWN_KEY_ID, refuse, resource_policy, sdk, value

KAAP: str = CLIENT_KEY["id"]
KEY_USER, INSTANCE_SECRET_USER, SECRET_USER = ALLOWED
EVERYTHING = {"name": "p", "permissions": [*ALLOWED], "resources": ["key/*", "secret/*"]}
SECRETS = [{"name": "db", "value": "v"}, {"name": "other", "value": "w"}]
PLAINTEXT = base64.b64encode(b"text").decode()
# OpenKmsService opens an account that cannot have client keys yet; the other ones here need no permission.
LIMITED = sorted(
    name for name, operation in KMS_REGISTRY.items() if operation.needs_permission and name != "OpenKmsService"
)
NEEDED = {action.removeprefix("kms:") for _, actions in ALLOWED.values() for action in actions}


def world(*policies: dict[str, Any], names: list[str] | None = None, **more: Any) -> dict[str, Any]:
    """Return a fixture document: an access point with these policies and a client key, secrets, and what else is named."""
    point = {"name": "app", "policies": names or [policy["name"] for policy in policies], "client_keys": [CLIENT_KEY]}
    return {"access_policies": list(policies), "access_points": [point], "secrets": SECRETS, **more}


def start(kms: KmsMock, *policies: dict[str, Any], **more: Any) -> Client:
    """Load such a document, set the clock into the dates of the client key, and return its holder's client."""
    kms.clock.set("2025-01-01T00:00:00Z")
    kms.load(world(*policies, **more))
    return kms.client(access_key_id=KAAP)


def reason(kms: KmsMock) -> str:
    last = kms.calls.last
    assert last is not None
    return last.reason


def forbid(kms: KmsMock, client: Client, operation: str = "GetSecretValue", **fields: Any) -> str:
    """Check that the operation is refused in the text for access points (behaviour.md 21); return the reason."""
    refuse(kms, client, errors.NO_PERMISSION, operation, **(fields or {"secret_name": "db"}))
    return reason(kms)


@pytest.mark.parametrize("operation", LIMITED)
def test_all_permissions_together_allow_what_is_documented_and_nothing_else(kms: KmsMock, operation: str) -> None:
    """Crypto operations of keys and GetSecretValue; not one operation that manages or lists something."""
    found = EXAMPLES[operation]
    kms.load(found.fixture)
    kms.load({"access_policies": [EVERYTHING], "access_points": [{"name": "app", "policies": ["p"]}]})
    parameters = found.parameters(partial(call, kms.client()))
    made = call(kms.client(), "CreateClientKey", AapName="app", Password="passw0rd")
    client = kms.client(access_key_id=made["ClientKeyId"])
    if operation in NEEDED:
        assert call(client, operation, **parameters)["RequestId"]
    else:
        with pytest.raises(TeaException) as caught:
            call(client, operation, **parameters)
        assert caught.value.code == errors.NO_PERMISSION.code
        assert "of policy p of access point app allows kms:" in reason(kms)


def test_what_is_allowed_exists() -> None:
    """Each action that a permission allows is the one of an operation."""
    assert {operation.name for operation in DECLARED} >= NEEDED


def test_a_permission_for_keys_reads_no_secrets_and_the_other_way_round(kms: KmsMock) -> None:
    """Each permission is for its kind of resource, whatever the policy lists."""
    keys_only = {**EVERYTHING, "permissions": [KEY_USER]}
    client = start(kms, keys_only, keys=[{"id": KEY_ID}])
    assert sdk(client, "Encrypt", key_id=KEY_ID, plaintext=PLAINTEXT)["CiphertextBlob"]
    assert forbid(kms, client).startswith("No statement of policy p of access point app allows kms:GetSecretValue")
    for permission in (INSTANCE_SECRET_USER, SECRET_USER):
        kms.reset()
        client = start(kms, {**EVERYTHING, "permissions": [permission]}, keys=[{"id": KEY_ID}])
        assert value(client) == "v"
        forbid(kms, client, "Encrypt", key_id=KEY_ID, plaintext=PLAINTEXT)


def test_resources_are_named_one_by_one_or_all(kms: KmsMock) -> None:
    """`secret/<name>` is that secret, names with slashes included; an alias is its key."""
    policy = {**EVERYTHING, "resources": ["secret/acs/ram/user/x", "secret/db", f"key/{KEY_ID}"]}
    more = [*SECRETS, {"name": "acs/ram/user/x", "value": "slashes"}]
    keys = [{"id": KEY_ID, "aliases": ["alias/app"]}, {"id": UNKNOWN_KEY_ID}]
    client = start(kms, policy, secrets=more, keys=keys)
    assert [value(client), value(client, "acs/ram/user/x")] == ["v", "slashes"]
    refused_because = forbid(kms, client, secret_name="other")
    assert "statement 2 (CryptoServiceSecretUser) of policy p of access point app would, but for its resource" in (
        refused_because
    )
    assert sdk(client, "Encrypt", key_id="alias/app", plaintext=PLAINTEXT)["CiphertextBlob"]
    forbid(kms, client, "Encrypt", key_id=UNKNOWN_KEY_ID, plaintext=PLAINTEXT)


def test_a_policy_for_an_instance_is_about_what_is_in_it(kms: KmsMock) -> None:
    """The scope of a policy is a KMS instance (api-docs CreatePolicy); `shared` and none are no limit."""
    inside = {"name": "inside", "value": "i", "instance": INSTANCE_ID}
    keys = [{"id": KEY_ID, "instance": INSTANCE_ID}, {"id": UNKNOWN_KEY_ID}]
    more = {"instances": [{"id": INSTANCE_ID}], "secrets": [*SECRETS, inside], "keys": keys}
    client = start(kms, {**EVERYTHING, "scope": INSTANCE_ID}, **more)
    assert value(client, "inside") == "i"
    assert f"of access point app for instance {INSTANCE_ID} would, but for its resource" in forbid(kms, client)
    assert sdk(client, "Encrypt", key_id=KEY_ID, plaintext=PLAINTEXT)["CiphertextBlob"]
    forbid(kms, client, "Encrypt", key_id=UNKNOWN_KEY_ID, plaintext=PLAINTEXT)
    for scope in (None, "shared"):
        kms.reset()
        client = start(kms, {**EVERYTHING, "scope": scope}, **more)
        assert [value(client, "inside"), value(client)] == ["i", "v"]


@pytest.mark.parametrize("sources", [["127.0.0.1"], ["10.0.0.0/8", "127.0.0.0/8"]])
def test_network_rules_admit_the_addresses_of_any_of_them(kms: KmsMock, sources: list[str]) -> None:
    """The address is that of the connection; one rule that has it is enough."""
    rules = [{"name": "far", "sources": ["192.168.0.0/16"]}, {"name": "near", "sources": sources}]
    client = start(kms, {**EVERYTHING, "network_rules": ["far", "near"]}, network_rules=rules)
    assert value(client) == "v"
    sdk(kms.client(), "UpdateNetworkRule", name="near", source_private_ip='["10.0.0.1"]')
    assert "would, but for IpAddress acs:SourceIp" in forbid(kms, client)


@pytest.mark.parametrize("rules", [[], [{"name": "near"}]])
def test_rules_without_an_address_admit_nobody(kms: KmsMock, rules: list[dict[str, Any]]) -> None:
    """A network rule that does not exist any more, or has no address, closes what it was there to limit."""
    client = start(kms, {**EVERYTHING, "network_rules": ["near"]}, network_rules=rules)
    assert "policy p of access point app, whose network rules have no address, allows" in forbid(kms, client)


@pytest.mark.parametrize("rules", [None, []])
def test_a_policy_without_network_rules_admits_every_address(kms: KmsMock, rules: list[str] | None) -> None:
    """Without AccessControlRules, or with an empty list of them, no address matters."""
    assert value(start(kms, {**EVERYTHING, "network_rules": rules})) == "v"


def test_what_no_address_or_name_can_match_breaks_nothing(kms: KmsMock) -> None:
    """Entries that are longer than any address or ARN are taken by the API and match nothing."""
    scope = "fe80::1%" + "x" * 5000
    rules = [{"name": "long", "sources": [scope, "127.0.0.1"]}]
    policy = {**EVERYTHING, "resources": ["secret/" + "x" * 5000, "secret/db"], "network_rules": ["long"]}
    client = start(kms, policy, network_rules=rules)
    assert value(client) == "v"
    forbid(kms, client, secret_name="other")


def test_dates_hold_by_the_clock_of_the_mock(kms: KmsMock) -> None:
    """Before NotBefore and after NotAfter the key is refused as one that is not enabled; both seconds are inside."""
    client = start(kms, EVERYTHING)
    for moment, valid in (
        ("2023-08-31T17:14:32Z", False),
        (CLIENT_KEY["not_before"], True),
        (CLIENT_KEY["not_after"], True),
        ("2028-08-31T17:14:34Z", False),
    ):
        kms.clock.freeze()
        kms.clock.set(moment)
        if valid:
            assert value(client) == "v"
        else:
            refuse(kms, client, errors.ACCESS_KEY_INACTIVE, "GetSecretValue", secret_name="db")
            assert f"from 2023-08-31T17:14:33Z to 2028-08-31T17:14:33Z; it is {moment}" in reason(kms)


def test_a_deleted_client_key_is_refused(kms: KmsMock) -> None:
    """After DeleteClientKey the id does not become the default account's, as other unknown ids do."""
    client = start(kms, EVERYTHING)
    assert value(client) == "v"
    sdk(kms.client(), "DeleteClientKey", client_key_id=KAAP)
    refuse(kms, client, errors.INVALID_ACCESS_KEY_ID, "GetSecretValue", secret_name="db")
    assert "was deleted, or never existed" in reason(kms)
    assert value(kms.client(access_key_id="LTAI-anything")) == "v"


def test_the_client_keys_of_a_deleted_access_point_are_refused(kms: KmsMock) -> None:
    """DeleteApplicationAccessPoint takes them along; ids that nobody issued are refused likewise."""
    client = start(kms, EVERYTHING)
    sdk(kms.client(), "DeleteApplicationAccessPoint", name="app")
    for unknown in (client, kms.client(access_key_id="KAAP."), kms.client(access_key_id="KAAP.nobody")):
        refuse(kms, unknown, errors.INVALID_ACCESS_KEY_ID, "GetSecretValue", secret_name="db")


def test_policies_take_effect_when_they_change(kms: KmsMock) -> None:
    """Updated, deleted and exchanged policies hold from the next request on; several add up."""
    keys_only = {**EVERYTHING, "permissions": [KEY_USER]}
    client = start(kms, {**keys_only, "name": "one"}, {**EVERYTHING, "name": "two"})
    root = kms.client()
    assert value(client) == "v"
    sdk(root, "UpdatePolicy", name="two", resources='["secret/other"]')
    forbid(kms, client)
    assert value(client, "other") == "w"
    sdk(root, "DeletePolicy", name="two")
    assert "policy two of access point app, which does not exist, allows" in forbid(kms, client, secret_name="other")
    sdk(root, "CreatePolicy", name="three", permissions=f'["{SECRET_USER}"]', resources='["secret/*"]')
    sdk(root, "UpdateApplicationAccessPoint", name="app", policies='["three"]')
    assert value(client) == "v"


def test_an_access_point_is_no_principal_of_a_resource_policy(kms: KmsMock) -> None:
    """A secret's policy for everybody, or for its whole account, does not open it to an access point."""
    for principal in ("*", f"acs:ram::{DEFAULT_ACCOUNT}:*", f"acs:ram::{DEFAULT_ACCOUNT}:root"):
        secret = {
            "name": "db",
            "value": "v",
            "instance": INSTANCE_ID,
            "policy": resource_policy("kms:*", principal=principal),
        }
        more: dict[str, Any] = {"instances": [{"id": INSTANCE_ID}], "secrets": [secret]}
        client = start(kms, {**EVERYTHING, "permissions": [KEY_USER]}, **more)
        forbid(kms, client)
        table = KMS_REGISTRY["GetSecretPolicy"].rows_by_code
        refuse(kms, client, table[errors.NO_PERMISSION.code], "GetSecretPolicy", secret_name="db")
        kms.reset()


def test_reading_a_secret_needs_no_permission_for_its_key(kms: KmsMock) -> None:
    """SecretUser alone reads a secret that a key of the user's encrypts, and does not decrypt with the key directly."""
    secret = {"name": "db", "value": "v", "encryption_key": KEY_ID, "instance": INSTANCE_ID}
    more: dict[str, Any] = {"instances": [{"id": INSTANCE_ID}], "keys": [{"id": KEY_ID, "instance": INSTANCE_ID}]}
    client = start(kms, {**EVERYTHING, "permissions": [SECRET_USER]}, **more, secrets=[secret])
    assert value(client) == "v"
    blob = sdk(kms.client(), "Encrypt", key_id=KEY_ID, plaintext=PLAINTEXT)["CiphertextBlob"]
    forbid(kms, client, "Decrypt", ciphertext_blob=blob)


def test_policies_are_about_their_own_region_and_account(kms: KmsMock) -> None:
    """An access point allows nothing in another region, and nothing of another account whose policy names everybody."""
    other = {
        "id": "222",
        "regions": [
            {
                "id": "cn-hangzhou",
                "instances": [{"id": "kst-222"}],
                "secrets": [
                    {
                        "name": "db",
                        "value": "theirs",
                        "instance": "kst-222",
                        "policy": resource_policy("kms:*", principal="*"),
                    }
                ],
            },
        ],
    }
    home = {"id": DEFAULT_ACCOUNT, "regions": [{"id": "cn-beijing", "secrets": SECRETS}]}
    start(kms, EVERYTHING)
    kms.load({"accounts": [other, home]})
    assert value(kms.client(region_id="cn-beijing")) == "v"
    forbid(kms, kms.client(access_key_id=KAAP, region_id="cn-beijing"))
    assert value(kms.client(), "acs:kms:cn-hangzhou:222:secret/db") == "theirs"
    forbid(kms, kms.client(access_key_id=KAAP), secret_name="acs:kms:cn-hangzhou:222:secret/db")


def test_a_client_key_calls_no_other_product(kms: KmsMock) -> None:
    """STS, Location and BssOpenApi do not know client keys."""
    client = start(kms, EVERYTHING)
    for operation in ("GetCallerIdentity", "DescribeEndpoints", "QueryAvailableInstances"):
        refused(kms, errors.INVALID_ACCESS_KEY_ID, partial(call, client, operation))


def test_an_access_key_of_a_fixture_file_is_what_the_file_says(kms: KmsMock) -> None:
    """An id that looks like a client key's but is an AccessKey pair of a file remains that pair."""
    kms.load({"secrets": SECRETS, "accounts": [{"id": DEFAULT_ACCOUNT, "access_keys": [{"id": "KAAP.mine"}]}]})
    assert value(kms.client(access_key_id="KAAP.mine")) == "v"
