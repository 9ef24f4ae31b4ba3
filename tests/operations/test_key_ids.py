"""The ids of new keys: a UUID outside KMS instances, a form of their own inside (behaviour.md 16)."""

from __future__ import annotations

import re

import pytest
from alibabacloud_kms20160120.client import Client

from kms_mock import KmsMock
from kms_mock.kms.model.instance_ids import new_instance_id, region_letters
from tests.support.secrets import UUID, sdk


def test_a_key_outside_instances_has_a_uuid(client: Client) -> None:
    """The id is a lower-case UUID."""
    assert UUID.fullmatch(sdk(client, "CreateKey")["KeyMetadata"]["KeyId"])


@pytest.mark.parametrize(("region", "letters"), [("cn-hangzhou", "hzz"), ("cn-shanghai", "shh"), ("cn-beijing", "bjj")])
def test_the_id_of_a_key_in_an_instance_tells_region_and_creation(kms: KmsMock, region: str, letters: str) -> None:
    """It is key-, the region's letters, the creation in 8 hexadecimal digits and 10 of [a-z0-9], and works as an id."""
    kms.clock.freeze()
    kms.clock.set(0x6715C218)  # as in the public id key-shh6715c21812y8i7zhki
    instances = [{"id": "kst-1", "default": True}]
    kms.load({"accounts": [{"id": "1234567890123456", "regions": [{"id": region, "instances": instances}]}]})
    client = kms.client(region_id=region)
    for fields in ({"dkmsinstance_id": "kst-1"}, {}):  # named, or the default one
        key = sdk(client, "CreateKey", **fields)["KeyMetadata"]
        assert re.fullmatch(rf"key-{letters}6715c218[a-z0-9]{{10}}", key["KeyId"]), key
        assert key["Arn"].endswith(f":{region}:1234567890123456:key/{key['KeyId']}")
        blob = sdk(client, "Encrypt", key_id=key["KeyId"], plaintext="x")["CiphertextBlob"]
        assert sdk(client, "Decrypt", ciphertext_blob=blob)["KeyId"] == key["KeyId"]


@pytest.mark.parametrize(
    ("region", "letters"),
    [
        ("cn-shenzhen", "szz"),
        ("cn-guangzhou", "gzz"),
        ("cn-shanghai-finance-1", "shh"),
        ("ap-southeast-1", "soo"),
        ("us-1", "xxx"),
        ("x", "xxx"),
    ],
)
def test_each_region_has_three_letters(region: str, letters: str) -> None:
    """Two letters, the last one twice: those that were seen, else the first two of the name."""
    assert region_letters(region) == letters


@pytest.mark.parametrize("seconds", [-1.0, 0.0, 253402300799.0])
def test_an_id_has_its_length_at_any_time(seconds: float) -> None:
    """Eight digits end in 2106; an id is 4 + 3 + 8 + 10 characters long before 1970 and after that too."""
    assert re.fullmatch(r"kst-hzz[0-9a-f]{8}a{10}", new_instance_id("kst", "cn-hangzhou", seconds, bytes))
