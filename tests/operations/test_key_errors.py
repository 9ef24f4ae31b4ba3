"""Refusals that many operations on keys have in common, through the official SDK."""

from __future__ import annotations

from typing import Any

import pytest
from alibabacloud_kms20160120.client import Client

from kms_mock import KmsMock
from kms_mock.kms import errors
from tests.support.calls import call, refused
from tests.support.secrets import NO_SUCH_KEYS, refuse

TAGS = '[{"TagKey":"a","TagValue":"b"}]'
WRAPPING = {"wrapping_key_spec": "RSA_2048", "wrapping_algorithm": "RSAES_OAEP_SHA_256"}
MATERIAL = {"encrypted_key_material": "AAAA", "import_token": "AAAA", "key_material_expire_unix": 0}
ON_A_KEY: dict[str, dict[str, Any]] = {
    "DescribeKey": {},
    "EnableKey": {},
    "DisableKey": {},
    "ScheduleKeyDeletion": {"pending_window_in_days": 7},
    "CancelKeyDeletion": {},
    "ListKeyVersions": {},
    "DescribeKeyVersion": {"key_version_id": "v"},
    "GetParametersForImport": WRAPPING,
    "ImportKeyMaterial": MATERIAL,
    "DeleteKeyMaterial": {},
    "CreateAlias": {"alias_name": "alias/x"},
    "ListAliasesByKeyId": {},
    "TagResource": {"tags": TAGS},
    "UntagResource": {"tag_keys": '["a"]'},
    "ListResourceTags": {},
}
MANY = {"RegionId": "cn-hangzhou", "ResourceType": "key", "ResourceId.1": "key"}


@pytest.mark.parametrize("operation", [*ON_A_KEY, "GetKeyPolicy"])
def test_a_key_id_that_is_none(kms: KmsMock, client: Client, operation: str) -> None:
    """A KeyId longer than any id, ARN or alias is not valid, rather than not found (inferred)."""
    fields = ON_A_KEY.get(operation, {})
    refuse(kms, client, errors.KMS_INVALID_PARAMETER, operation, key_id="x" * 513, **fields)


@pytest.mark.parametrize("operation", ON_A_KEY)
def test_unknown_access_keys(kms: KmsMock, client: Client, operation: str) -> None:
    """Where only known AccessKey pairs are let in, others answer 404 InvalidAccessKeyId.NotFound."""
    kms.load({"keys": [{"id": "key"}], **NO_SUCH_KEYS})
    refuse(kms, client, errors.INVALID_ACCESS_KEY_ID, operation, key_id="key", **ON_A_KEY[operation])


@pytest.mark.parametrize(("operation", "fields"), [("DeleteAlias", {"alias_name": "alias/x"}), ("ListAliases", {})])
def test_unknown_access_keys_elsewhere(kms: KmsMock, client: Client, operation: str, fields: dict[str, Any]) -> None:
    """The same where no key is named."""
    kms.load({"keys": [{"id": "key", "aliases": ["alias/x"]}], **NO_SUCH_KEYS})
    refuse(kms, client, errors.INVALID_ACCESS_KEY_ID, operation, **fields)


@pytest.mark.parametrize(
    ("action", "parameters"),
    [("TagResources", {"Tag.1.Key": "a"}), ("UntagResources", {"TagKey.1": "a"}), ("ListTagResources", {})],
)
def test_unknown_access_keys_of_many(kms: KmsMock, client: Client, action: str, parameters: dict[str, str]) -> None:
    """The same in the operations on many resources."""
    kms.load({"keys": [{"id": "key"}], **NO_SUCH_KEYS})
    refused(kms, errors.INVALID_ACCESS_KEY_ID, lambda: call(client, action, **MANY, **parameters))


def test_a_tag_that_is_asked_for_twice(kms: KmsMock, client: Client) -> None:
    """ListTagResources with the same tag key twice is 400 Duplicate.TagKey."""
    twice = {"Tag.1.Key": "a", "Tag.2.Key": "a"}
    refused(kms, errors.DUPLICATE_TAG_KEY, lambda: call(client, "ListTagResources", **MANY, **twice))
