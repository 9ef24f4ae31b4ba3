"""Rotation: a managed secret rotates while time passes, and the code under test picks up the new password."""

import json

import pytest
from alibabacloud_kms20160120 import models
from alibabacloud_kms20160120.client import Client

from kms_mock import KmsMock

DATABASE = {
    "name": "db",
    "type": "Rds",
    "extended_config": {"SecretSubType": "SingleUser", "DBInstanceId": "rm-1"},
    "rotation_interval": "7d",
    "value": '{"AccountName":"shop","AccountPassword":"first"}',
}


class Database:
    """The code under test: it keeps the password, and asks again when the login fails."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.password = self.read()

    def read(self) -> str:
        request = models.GetSecretValueRequest(secret_name="db")
        return str(json.loads(self.client.get_secret_value(request).body.secret_data)["AccountPassword"])

    def login(self, valid: str) -> None:
        if self.password != valid:
            self.password = self.read()
        assert self.password == valid


@pytest.mark.kms_mock(fixture={"secrets": [DATABASE]})
def test_the_new_password_is_picked_up(kms_mock: KmsMock, kms_client: Client) -> None:
    """A week passes in no time; the rotation is the one event in it."""
    database = Database(kms_client)
    events = kms_mock.clock.advance("8d")
    assert [event.kind for event in events] == ["secret rotated"]
    database.login(valid=Database(kms_client).password)
    assert database.password != "first"
    kms_mock.calls.assert_called("GetSecretValue", times=3)
