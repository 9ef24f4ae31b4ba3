"""An application that reads a secret, and its test: both find the mock by the name of its service."""

import os
from urllib.request import Request, urlopen

from alibabacloud_kms20160120 import models
from alibabacloud_kms20160120.client import Client
from alibabacloud_tea_openapi.utils_models import Config

ENDPOINT = os.environ["KMS_ENDPOINT"]


def database_password(client: Client) -> str:
    """Return the password, as the application reads it."""
    return client.get_secret_value(models.GetSecretValueRequest(secret_name="app/db")).body.secret_data


def main() -> None:
    client = Client(Config(access_key_id="mock", access_key_secret="mock", endpoint=ENDPOINT, protocol="http"))
    change = models.PutSecretValueRequest(secret_name="app/db", version_id="v2", secret_data="changed")
    client.put_secret_value(change)
    assert database_password(client) == "changed"
    # The next test begins with the fixture files.
    urlopen(Request(f"http://{ENDPOINT}/_kms_mock/reset", method="POST")).close()
    assert database_password(client) == "hunter2"
    print("the application works with", ENDPOINT)


main()
