"""Values and versions of secrets, through the official SDK."""

from __future__ import annotations

from alibabacloud_kms20160120 import models
from alibabacloud_kms20160120.client import Client

from kms_mock import KmsMock, errors
from tests.support import refused


def create(client: Client, name: str = "db", value: str = "one") -> None:
    client.create_secret(models.CreateSecretRequest(secret_name=name, version_id="v1", secret_data=value))


def put(client: Client, version_id: str, value: str, stages: str | None = None) -> models.PutSecretValueResponseBody:
    request = models.PutSecretValueRequest(
        secret_name="db", version_id=version_id, secret_data=value, version_stages=stages
    )
    return client.put_secret_value(request).body


def test_a_version_id_with_another_value_is_refused_with_the_literal_text(kms: KmsMock, client: Client) -> None:
    """PutSecretValue of an existing version id with another value answers 409, in the service's own spelling."""
    create(client)
    request = models.PutSecretValueRequest(secret_name="db", version_id="v1", secret_data="two")
    refused(
        kms,
        errors.SECRET_VERSION_EXISTS,
        client.put_secret_value,
        request,
        message="The request was rejected becasue key already exsit",
    )
