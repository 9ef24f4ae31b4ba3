"""GetKmsInstanceQuotaInfos: what an instance may hold, and what it holds."""

from __future__ import annotations

import pytest
from alibabacloud_kms20160120.client import Client

from kms_mock import KmsMock
from kms_mock.kms import errors
from kms_mock.kms.errors import ErrorSpec
from tests.support.access import INSTANCE, NEW, WORLD
from tests.support.secrets import refuse, sdk


@pytest.fixture(autouse=True)
def _world(kms: KmsMock) -> None:
    kms.load(WORLD)


def test_quotas_say_what_may_be_there_and_what_is(kms: KmsMock, client: Client) -> None:
    """Keys, secrets and VPCs of the instance are counted, those of others are not; without an id it is the default."""
    kms.load(
        {
            "keys": [{"id": "key-1", "instance": INSTANCE}, {"id": "key-2", "instance": INSTANCE}, {"id": "key-3"}],
            "secrets": [{"name": "in", "value": "x", "instance": INSTANCE}, {"name": "out", "value": "x"}],
        }
    )
    answer = sdk(client, "GetKmsInstanceQuotaInfos")
    assert answer["KmsInstanceId"] == INSTANCE
    assert answer["KmsInstanceQuotaInfos"] == [
        {"ResourceType": "key", "ResourceQuota": 1000, "UsedQuantity": 2},
        {"ResourceType": "secret", "ResourceQuota": 1000, "UsedQuantity": 1},
        {"ResourceType": "qps", "ResourceQuota": 1000, "UsedQuantity": 0},
        {"ResourceType": "vpc", "ResourceQuota": 5, "UsedQuantity": 1},
    ]


@pytest.mark.parametrize("kind", ["key", "secret", "qps", "vpc"])
def test_quotas_can_be_asked_for_one_kind(client: Client, kind: str) -> None:
    """ResourceType gives the one row of that kind."""
    answer = sdk(client, "GetKmsInstanceQuotaInfos", kms_instance_id=INSTANCE, resource_type=kind)
    assert [one["ResourceType"] for one in answer["KmsInstanceQuotaInfos"]] == [kind]


@pytest.mark.parametrize(
    ("fields", "spec"),
    [
        ({"kms_instance_id": INSTANCE, "resource_type": "alias"}, errors.KMS_INVALID_PARAMETER),
        ({"kms_instance_id": NEW}, errors.INSTANCE_STATE_INVALID),
        ({"kms_instance_id": "kst-none"}, errors.INSTANCE_NOT_FOUND),
    ],
)
def test_quotas_need_an_instance_that_works(
    kms: KmsMock, client: Client, fields: dict[str, str], spec: ErrorSpec
) -> None:
    """Quotas of an unknown kind, a missing instance and one that is not Connected are refused."""
    refuse(kms, client, spec, "GetKmsInstanceQuotaInfos", **fields)


def test_without_id_and_default_there_are_no_quotas() -> None:
    """GetKmsInstanceQuotaInfos without an id answers Forbidden.DKMSInstanceNotFound where no instance is the default."""
    with KmsMock() as kms:
        refuse(kms, kms.client(), errors.INSTANCE_NOT_FOUND, "GetKmsInstanceQuotaInfos")
