"""AccessKeys without a secret in the fixture file, as programs are given them."""

from __future__ import annotations

import pytest
from alibabacloud_kms20160120 import models

from kms_mock import KmsMock
from kms_mock.reach.credentials import CredentialOptions
from tests.support.https import holding
from tests.support.identities import ACCOUNT


def test_the_access_key_of_a_user_without_a_secret() -> None:
    """It is used as any other: in its place was the dummy, which may do everything, so that tests of a policy passed."""
    keys = [{"id": "LTAI-off", "active": False}, {"id": "LTAI-app", "user": "app"}]
    users = [{"name": "app", "policies": []}]
    fixture = {"accounts": [{"id": ACCOUNT, "access_keys": keys, "users": users}], **holding("one")}
    with KmsMock(fixture) as kms:
        found = kms.credentials().variables
        pair = found["ALIBABA_CLOUD_ACCESS_KEY_ID"], found["ALIBABA_CLOUD_ACCESS_KEY_SECRET"]
        assert pair == ("LTAI-app", "mock")
        client = kms.client(access_key_id=pair[0], access_key_secret=pair[1])
        with pytest.raises(Exception, match="NoPermission"):
            client.get_secret_value(models.GetSecretValueRequest(secret_name="db"))


@pytest.mark.parametrize("options", [{}, {"access_key_id": "LTAI-app"}], ids=["the first", "the wanted one"])
def test_an_access_key_without_a_secret_where_signatures_are_verified(options: CredentialOptions) -> None:
    """A sentence says so, since no request would be answered; a secret of the test's own is used."""
    keys = [{"id": "LTAI-app", "user": "app"}, {"id": "two", "secret": "2", "user": "app"}]
    account = {"id": ACCOUNT, "access_keys": keys}
    with KmsMock({"authentication": {"signatures": "verify"}, "accounts": [account]}) as kms:
        with pytest.raises(
            ValueError, match="AccessKey LTAI-app has no secret in the fixture files, and signatures are"
        ):
            kms.intercept(**options)
        complete: CredentialOptions = {**options, "access_key_secret": "own"}
        found = kms.credentials(**complete).variables
    assert found["ALIBABA_CLOUD_ACCESS_KEY_SECRET"] == "own"
