"""Versions and rotation of keys, through the official SDK."""

from __future__ import annotations

import base64
import hashlib
from itertools import pairwise
from typing import Any

import pytest
from alibabacloud_kms20160120.client import Client

from kms_mock import KmsMock
from kms_mock.defaults import DEFAULT_ACCOUNT
from kms_mock.kms import errors
from tests.support.keys import (
    DAY,
    INSTANCES,
    advance,
    cancel,
    create_key,
    decrypt,
    describe,
    disable,
    enable,
    encrypt,
    key_versions,
    schedule,
    seconds,
)
from tests.support.secrets import refuse, sdk

INVALID = errors.KMS_INVALID_PARAMETER


def rotate_every(client: Client, key_id: str, interval: str | None) -> None:
    if interval is None:
        sdk(client, "UpdateRotationPolicy", key_id=key_id, enable_automatic_rotation=False)
    else:
        fields = {"enable_automatic_rotation": True, "rotation_interval": interval}
        sdk(client, "UpdateRotationPolicy", key_id=key_id, **fields)


@pytest.fixture
def soft(kms: KmsMock, client: Client) -> str:
    """A symmetric key in a software instance: CreateKeyVersion's rule of 2025 is for it."""
    kms.load({"instances": INSTANCES})
    return str(create_key(client, dkmsinstance_id="kst-soft").key_id)


# -- ListKeyVersions, DescribeKeyVersion ------------------------------------------------------------------------------


def test_the_first_version(client: Client) -> None:
    """A new key has one version, made with it, which is its primary one."""
    key = create_key(client)
    body = sdk(client, "ListKeyVersions", key_id=key.key_id)
    entry = {"KeyId": key.key_id, "KeyVersionId": key.primary_key_version, "CreationDate": key.creation_date}
    assert body["KeyVersions"]["KeyVersion"] == [entry]
    assert (body["TotalCount"], body["PageNumber"], body["PageSize"]) == (1, 1, 10)
    described = sdk(client, "DescribeKeyVersion", key_id=key.key_id, key_version_id=key.primary_key_version)
    assert described["KeyVersion"] == entry


def test_versions_are_found_by_alias_and_arn(client: Client) -> None:
    """ListKeyVersions and DescribeKeyVersion take id, ARN or alias, and always answer with the id (api-docs)."""
    key = create_key(client)
    sdk(client, "CreateAlias", key_id=key.key_id, alias_name="alias/x")
    for name in (key.arn, "alias/x"):
        assert key_versions(client, name) == [key.primary_key_version]
        body = sdk(client, "DescribeKeyVersion", key_id=name, key_version_id=key.primary_key_version)
        assert body["KeyVersion"]["KeyId"] == key.key_id


def test_what_is_not_there(kms: KmsMock, client: Client) -> None:
    """Unknown keys, aliases and versions have a 404 each; a version of another key is unknown too."""
    key, other = create_key(client), create_key(client)
    refuse(kms, client, errors.KEY_NOT_FOUND, "ListKeyVersions", key_id="none")
    refuse(kms, client, errors.ALIAS_NOT_FOUND, "ListKeyVersions", key_id="alias/none")
    fields = {"key_id": key.key_id, "key_version_id": other.primary_key_version}
    refuse(kms, client, errors.KEY_VERSION_NOT_FOUND, "DescribeKeyVersion", **fields)
    refuse(kms, client, INVALID, "DescribeKeyVersion", key_id=key.key_id, key_version_id="x" * 65)


def test_pages_of_versions(kms: KmsMock, client: Client) -> None:
    """ListKeyVersions has pages of 0 to 101 versions, ten by default, in order of creation."""
    ids = [f"00000000-0000-4000-8000-{number:012}" for number in range(103)]
    kms.load({"keys": [{"id": "old", "versions": [{"id": one} for one in ids]}]})

    def listed(**fields: int) -> list[str]:
        body = sdk(client, "ListKeyVersions", key_id="old", **fields)
        assert body["TotalCount"] == 103
        return [one["KeyVersionId"] for one in body["KeyVersions"]["KeyVersion"]]

    assert listed() == ids[:10]
    assert listed(page_number=2) == ids[10:20]
    assert listed(page_size=101) == ids[:101]
    assert listed(page_size=101, page_number=2) == ids[101:]
    assert listed(page_size=0) == []
    refuse(kms, client, INVALID, "ListKeyVersions", key_id="old", page_size=102)
    refuse(kms, client, INVALID, "ListKeyVersions", key_id="old", page_number=0)


# -- CreateKeyVersion -------------------------------------------------------------------------------------------------


def test_a_new_version_of_a_symmetric_key(client: Client, soft: str) -> None:
    """In a software instance (2025) the new version becomes primary: it encrypts, and the old one still decrypts."""
    first = describe(client, soft).primary_key_version
    old = encrypt(client, soft, "old")
    made = sdk(client, "CreateKeyVersion", key_id=soft)["KeyVersion"]
    assert key_versions(client, soft) == [first, made["KeyVersionId"]]
    assert describe(client, soft).primary_key_version == made["KeyVersionId"]
    new = encrypt(client, soft, "new")
    assert base64.b64decode(new)[:36].decode() == made["KeyVersionId"]
    assert (decrypt(client, old), decrypt(client, new)) == ("old", "new")
    assert describe(client, soft).last_rotation_date == made["CreationDate"]


def test_manual_versions_delay_automatic_rotation(kms: KmsMock, client: Client, soft: str) -> None:
    """NextRotationDate counts from the last version, however that came to be (behaviour.md 9)."""
    rotate_every(client, soft, "30d")
    advance(kms, "10d")
    sdk(client, "CreateKeyVersion", key_id=soft)
    key = describe(client, soft)
    assert seconds(key.next_rotation_date) - seconds(key.last_rotation_date) == 30 * DAY


@pytest.mark.parametrize("spec", ["RSA_2048", "EC_P256", "EC_P256K", "EC_SM2"])
def test_a_new_version_of_a_key_pair(kms: KmsMock, client: Client, spec: str) -> None:
    """Outside instances (2021) a key pair gets a version, by alias too, at the earliest 7 days after the last one."""
    key = create_key(client, key_spec=spec)
    sdk(client, "CreateAlias", key_id=key.key_id, alias_name="alias/pair")
    refuse(kms, client, errors.REJECTED_UNSUPPORTED, "CreateKeyVersion", key_id="alias/pair")
    advance(kms, "7d")
    made = sdk(client, "CreateKeyVersion", key_id="alias/pair")["KeyVersion"]
    assert made["KeyId"] == key.key_id
    assert key_versions(client, key.key_id)[1:] == [made["KeyVersionId"]]
    assert describe(client, key.key_id).last_rotation_date == made["CreationDate"]
    advance(kms, "167h")
    refuse(kms, client, errors.REJECTED_UNSUPPORTED, "CreateKeyVersion", key_id=key.key_id)
    advance(kms, "1h")
    sdk(client, "CreateKeyVersion", key_id=key.key_id)


def test_each_version_is_another_key_pair(kms: KmsMock, client: Client) -> None:
    """Versions of one key have nothing in common: each has a public key of its own, and signs for itself alone."""
    key = create_key(client, key_spec="EC_P256")
    advance(kms, "8d")
    sdk(client, "CreateKeyVersion", key_id=key.key_id)
    first, second = key_versions(client, key.key_id)
    public = {
        sdk(client, "GetPublicKey", key_id=key.key_id, key_version_id=one)["PublicKey"] for one in (first, second)
    }
    assert len(public) == 2
    digest = base64.b64encode(hashlib.sha256(b"text").digest()).decode()
    use = {"key_id": key.key_id, "algorithm": "ECDSA_SHA_256", "digest": digest}
    value = sdk(client, "AsymmetricSign", **use, key_version_id=first)["Value"]
    verdicts = [
        sdk(client, "AsymmetricVerify", **use, key_version_id=one, value=value)["Value"] for one in (first, second)
    ]
    assert verdicts == [True, False]


def test_a_key_pair_has_50_versions_at_most(kms: KmsMock, client: Client) -> None:
    """The 51st version of a key pair is refused (behaviour.md 9)."""
    material = kms_material()
    kms.load(
        {
            "keys": [
                {"id": "full", "spec": "EC_P256", "versions": [{"material": material, "created": "-9d"}] * 50},
                {"id": "last", "spec": "EC_P256", "versions": [{"material": material, "created": "-9d"}] * 49},
            ]
        }
    )
    refuse(kms, client, errors.LIMIT_EXCEEDED, "CreateKeyVersion", key_id="full")
    sdk(client, "CreateKeyVersion", key_id="last")
    assert len(key_versions(client, "last")) == 50


def kms_material() -> str:
    """A P-256 key as a fixture file takes it."""
    from kms_mock.crypto.material import generate  # noqa: PLC0415 (slow to import, for one test)

    return base64.b64encode(generate("EC_P256").to_bytes()).decode()


@pytest.mark.parametrize(
    "document",
    [
        {"spec": "Aliyun_AES_256"},
        {"spec": "HMAC_SHA_256"},
        {"spec": "HMAC_SHA_256", "instance": "kst-soft"},
        {"spec": "Aliyun_AES_256", "instance": "kst-hard"},
        {"spec": "EC_P256", "instance": "kst-soft"},
        {"spec": "EC_P256", "instance": "kst-hard"},
        {"spec": "Aliyun_AES_256", "service": "ecs"},
    ],
    ids=str,
)
def test_keys_that_get_no_versions(kms: KmsMock, client: Client, document: dict[str, str]) -> None:
    """Neither rule is for other keys: 400 Rejected.UnsupportedOperation."""
    kms.load({"instances": INSTANCES, "keys": [{"id": "key", "created": "-30d", **document}]})
    refuse(kms, client, errors.REJECTED_UNSUPPORTED, "CreateKeyVersion", key_id="key")


def test_imported_material_has_one_version(kms: KmsMock, client: Client) -> None:
    """A key with imported material supports no versions (the rotation page of 2021)."""
    material = base64.b64encode(bytes(32)).decode()
    key = {"id": "byok", "origin": "EXTERNAL", "material": material}
    kms.load({"keys": [key]})
    refuse(kms, client, errors.REJECTED_UNSUPPORTED, "CreateKeyVersion", key_id="byok")
    fields: dict[str, Any] = {"key_id": "byok", "enable_automatic_rotation": True, "rotation_interval": "30d"}
    refuse(kms, client, errors.REJECTED_UNSUPPORTED, "UpdateRotationPolicy", **fields)


def test_the_key_of_a_new_version_must_exist(kms: KmsMock, client: Client) -> None:
    """Unknown keys and aliases have a 404 each."""
    refuse(kms, client, errors.KEY_NOT_FOUND, "CreateKeyVersion", key_id="none")
    refuse(kms, client, errors.ALIAS_NOT_FOUND, "CreateKeyVersion", key_id="alias/none")


def test_a_key_whose_instance_does_not_work_gets_no_version(kms: KmsMock, client: Client) -> None:
    """A key of an instance that is not Connected is 409 Rejected.Unavailable."""
    kms.load({"instances": INSTANCES, "keys": [{"id": "stuck", "instance": "kst-down"}]})
    refuse(kms, client, errors.KEY_UNAVAILABLE, "CreateKeyVersion", key_id="stuck")


def test_each_version_uses_up_quota(kms: KmsMock, client: Client) -> None:
    """In an instance a version counts as one key (api-docs); outside, the account's 10000 key versions count."""
    kms.load(
        {
            "instances": [
                {"id": "kst-two", "max_keys": 2},
                {"id": "kst-shared", "max_keys": 1, "owner": "9999999999999999"},
            ],
            "keys": [{"id": "mine", "instance": "kst-two"}, {"id": "theirs", "instance": "kst-shared"}],
            "accounts": [{"id": DEFAULT_ACCOUNT, "quotas": {"key_versions": 1}}],
        }
    )
    sdk(client, "CreateKeyVersion", key_id="mine")
    refuse(kms, client, errors.LIMIT_EXCEEDED, "CreateKeyVersion", key_id="mine")
    refuse(kms, client, errors.SHARE_QUOTA_EXCEEDED, "CreateKeyVersion", key_id="theirs")
    pair = create_key(client, key_spec="EC_P256")
    advance(kms, "7d")
    refuse(kms, client, errors.LIMIT_EXCEEDED, "CreateKeyVersion", key_id=pair.key_id)


# -- UpdateRotationPolicy, automatic rotation -------------------------------------------------------------------------


def test_automatic_rotation(kms: KmsMock, client: Client) -> None:
    """At its date a key gets a new primary version by itself; the next date follows; old versions still decrypt."""
    key = create_key(client)
    old = encrypt(client, key.key_id, "old")
    rotate_every(client, key.key_id, "30d")
    planned = describe(client, key.key_id)
    assert (planned.automatic_rotation, planned.rotation_interval) == ("Enabled", "2592000s")
    assert seconds(planned.next_rotation_date) == seconds(key.creation_date) + 30 * DAY
    advance(kms, "29d")
    assert key_versions(client, key.key_id) == [key.primary_key_version]
    events = advance(kms, "2d")
    assert [(event.kind, event.resource) for event in events] == [("key rotated", key.arn)]
    rotated = describe(client, key.key_id)
    assert key_versions(client, key.key_id) == [key.primary_key_version, rotated.primary_key_version]
    assert rotated.last_rotation_date == planned.next_rotation_date
    assert seconds(rotated.next_rotation_date) == seconds(rotated.last_rotation_date) + 30 * DAY
    assert decrypt(client, old) == "old"
    assert base64.b64decode(encrypt(client, key.key_id))[:36].decode() == rotated.primary_key_version


def test_rotations_that_time_jumps_over_all_happen(kms: KmsMock, client: Client) -> None:
    """After a long while a key has one version for each interval, each dated as it fell due."""
    key = create_key(client)
    rotate_every(client, key.key_id, "7d")
    advance(kms, "22d")
    listed = sdk(client, "ListKeyVersions", key_id=key.key_id)["KeyVersions"]["KeyVersion"]
    dates = [seconds(one["CreationDate"]) for one in listed]
    assert [later - earlier for earlier, later in pairwise(dates)] == [7 * DAY] * 3


def test_an_overdue_policy_rotates_at_once(kms: KmsMock, client: Client) -> None:
    """A policy whose next date would be in the past rotates the key at once (behaviour.md 9)."""
    key = create_key(client)
    advance(kms, "100d")
    rotate_every(client, key.key_id, "30d")
    assert len(key_versions(client, key.key_id)) == 2
    found = describe(client, key.key_id)
    assert seconds(found.last_rotation_date) - seconds(key.creation_date) == pytest.approx(100 * DAY, abs=60)
    assert seconds(found.next_rotation_date) == seconds(found.last_rotation_date) + 30 * DAY


def test_rotation_is_switched_off(kms: KmsMock, client: Client) -> None:
    """Without automatic rotation neither interval nor date is shown, and nothing happens."""
    key = create_key(client, enable_automatic_rotation=True, rotation_interval="7d")
    rotate_every(client, key.key_id, None)
    found = describe(client, key.key_id)
    assert (found.automatic_rotation, found.rotation_interval, found.next_rotation_date) == ("Disabled", None, None)
    assert advance(kms, "400d") == []
    assert key_versions(client, key.key_id) == [key.primary_key_version]


@pytest.mark.parametrize("how", ["disable", "schedule"])
def test_rotation_is_suspended_while_a_key_cannot_be_used(kms: KmsMock, client: Client, how: str) -> None:
    """Suspended keeps interval and date but makes no version; once Enabled again, an overdue rotation happens."""
    key = create_key(client, enable_automatic_rotation=True, rotation_interval="30d")
    if how == "disable":
        disable(client, key.key_id)
    else:
        schedule(client, key.key_id, 100)
    found = describe(client, key.key_id)
    assert (found.automatic_rotation, found.rotation_interval) == ("Suspended", "2592000s")
    assert found.next_rotation_date == key.next_rotation_date
    assert advance(kms, "70d") == []
    assert key_versions(client, key.key_id) == [key.primary_key_version]
    (enable if how == "disable" else cancel)(client, key.key_id)
    found = describe(client, key.key_id)
    assert found.automatic_rotation == "Enabled"
    assert len(key_versions(client, key.key_id)) == 2  # one rotation now, not one for each date that passed
    assert seconds(found.last_rotation_date) - seconds(key.creation_date) == pytest.approx(70 * DAY, abs=60)


@pytest.mark.parametrize("interval", ["7d", "730d", "17520h", "63072000s"])
def test_intervals_that_are_taken(client: Client, interval: str) -> None:
    """The interval is 7 to 730 days, in d, h, m or s."""
    key = create_key(client)
    rotate_every(client, key.key_id, interval)
    assert describe(client, key.key_id).automatic_rotation == "Enabled"


@pytest.mark.parametrize(
    "interval", ["6d", "167h", "604799s", "731d", "63072001s", "30", "d", "30w", "-30d", "1.5d", None]
)
def test_intervals_that_are_refused(kms: KmsMock, client: Client, interval: str | None) -> None:
    """Another interval, or none, is refused with the text of this operation's table."""
    key = create_key(client)
    fields = {"key_id": key.key_id, "enable_automatic_rotation": True, "rotation_interval": interval}
    message = "The specified parameter RotationInterval is not valid."
    refuse(kms, client, errors.INVALID_PARAMETER, "UpdateRotationPolicy", message=message, **fields)


@pytest.mark.parametrize(
    "document",
    [{"spec": "EC_P256"}, {"spec": "HMAC_SM3"}, {"instance": "kst-hard"}, {"service": "ecs"}],
    ids=str,
)
def test_keys_that_do_not_rotate(kms: KmsMock, client: Client, document: dict[str, Any]) -> None:
    """Key pairs, MAC keys, keys inside an HSM and keys of services are 400 Rejected.UnsupportedOperation."""
    kms.load({"instances": INSTANCES, "keys": [{"id": "key", **document}]})
    for fields in (
        {"enable_automatic_rotation": True, "rotation_interval": "30d"},
        {"enable_automatic_rotation": False},
    ):
        refuse(kms, client, errors.REJECTED_UNSUPPORTED, "UpdateRotationPolicy", key_id="key", **fields)


def test_a_snapshot_keeps_versions_and_rotation(kms: KmsMock, client: Client) -> None:
    """A mock loaded from a snapshot decrypts with every version and rotates at the same date."""
    key = create_key(client, enable_automatic_rotation=True, rotation_interval="30d")
    old = encrypt(client, key.key_id, "old")
    advance(kms, "31d")
    document = kms.snapshot()
    with KmsMock([document]) as copy:
        assert copy.snapshot() == document
        other = copy.client()
        assert describe(other, key.key_id).to_map() == describe(client, key.key_id).to_map()
        assert decrypt(other, old) == "old"
