"""What an editor knows of a test's objects: pyright checks this file in scripts/test-package, nobody runs it.

A comment that ignores an error which is none is itself an error there.
"""

from __future__ import annotations

from typing import assert_type

from alibabacloud_kms20160120 import models
from alibabacloud_kms20160120.client import Client

from kms_mock import KmsMock, mock_kms
from kms_mock.control.calls import Call
from kms_mock.control.faults import Fault
from kms_mock.pytest_plugin import kms_client as kms_client_fixture
from kms_mock.pytest_plugin import kms_mock_marker


@kms_mock_marker(fixture={"secrets": [{"name": "db", "value": "one"}]}, seed=1)
def test_types(kms_mock: KmsMock, kms_client: Client) -> None:
    assert_type(kms_mock.client(), Client)
    answer = kms_client.get_secret_value(models.GetSecretValueRequest(secret_name="db"))
    assert_type(answer.body, models.GetSecretValueResponseBody)
    assert_type(kms_mock.fail("GetSecretValue", code="Rejected.Throttling", times=2), Fault)
    assert_type(kms_mock.calls.assert_called("GetSecretValue", SecretName="db"), list[Call])
    kms_mock.fail("GetSecretValue", tmes=2)  # pyright: ignore[reportCallIssue]
    kms_mock.fail(phase="later")  # pyright: ignore[reportArgumentType]
    kms_mock_marker(sead=1)  # pyright: ignore[reportCallIssue]
    kms_mock_marker(seed="one")  # pyright: ignore[reportArgumentType]


def test_in_process() -> None:
    with mock_kms(fixtures="secrets.yaml") as kms:
        assert_type(kms, KmsMock)


_ = kms_client_fixture
