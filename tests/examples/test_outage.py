"""Outage: the service fails after it has done the work, which is what makes a naive retry dangerous."""

import pytest
from alibabacloud_kms20160120 import models
from alibabacloud_kms20160120.client import Client
from Tea.exceptions import TeaException

from kms_mock import KmsMock

REQUEST = models.CreateSecretRequest(secret_name="db", version_id="v1", secret_data="hunter2")


def test_a_naive_retry_meets_its_own_work(kms_mock: KmsMock, kms_client: Client) -> None:
    """CreateSecret answers 500, the secret exists, and trying again is refused."""
    kms_mock.fail("CreateSecret", code="InternalFailure", phase="after", times=1)
    with pytest.raises(TeaException, match="InternalFailure"):
        kms_client.create_secret(REQUEST)
    with pytest.raises(TeaException, match=r"Rejected\.ResourceExist"):
        kms_client.create_secret(REQUEST)
    first = kms_mock.calls.filter("CreateSecret")[0]
    assert (first.status, first.changes) == (500, ["created secret db"])


def create_once(client: Client) -> None:
    """The code under test: it takes its own work of an earlier attempt for a success."""
    for _ in range(3):
        try:
            client.create_secret(REQUEST)
        except TeaException as error:
            if error.code == "Rejected.ResourceExist":
                return
        else:
            return


def test_a_careful_retry_succeeds(kms_mock: KmsMock, kms_client: Client) -> None:
    """Whether the first attempt did the work or not."""
    kms_mock.fail("CreateSecret", code="InternalFailure", phase="after", times=1)
    create_once(kms_client)
    answer = kms_client.get_secret_value(models.GetSecretValueRequest(secret_name="db"))
    assert answer.body.secret_data == "hunter2"
