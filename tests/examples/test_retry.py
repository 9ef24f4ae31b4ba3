"""Retrying: throttled twice, then it works, and the secret was asked for three times."""

import time

import pytest
from alibabacloud_kms20160120 import models
from alibabacloud_kms20160120.client import Client
from Tea.exceptions import TeaException

from kms_mock import KmsMock


def read_with_retries(client: Client, name: str, attempts: int = 5) -> str:
    """The code under test."""
    for attempt in range(attempts):
        try:
            return str(client.get_secret_value(models.GetSecretValueRequest(secret_name=name)).body.secret_data)
        except TeaException as error:
            if error.code != "Rejected.Throttling":
                raise
            time.sleep(0.01 * 2**attempt)
    raise TimeoutError(name)


@pytest.mark.kms_mock(fixture={"secrets": [{"name": "db", "value": "hunter2"}]})
def test_throttled_twice_then_it_works(kms_mock: KmsMock, kms_client: Client) -> None:
    """Two refusals are waited out, not more and not less."""
    kms_mock.fail("GetSecretValue", code="Rejected.Throttling", times=2)
    assert read_with_retries(kms_client, "db") == "hunter2"
    kms_mock.calls.assert_called("GetSecretValue", SecretName="db", code="Rejected.Throttling", times=2)
    kms_mock.calls.assert_called("GetSecretValue", SecretName="db", code="", times=1)
