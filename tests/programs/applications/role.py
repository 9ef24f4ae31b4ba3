"""Reads a database password with the role that its environment gives it: SDK V2 and its credentials library.

As a script it is a service: it answers each line of its input with the password. With an argument it assumes the role
itself, else the default chain finds the credentials.
"""

from __future__ import annotations

import os
import sys

from alibabacloud_credentials.client import Client as Credentials
from alibabacloud_credentials.models import Config as CredentialsConfig
from alibabacloud_kms20160120 import models
from alibabacloud_kms20160120.client import Client
from alibabacloud_tea_openapi.utils_models import Config

REQUEST = models.GetSecretValueRequest(secret_name="db/password")


def default_chain() -> Credentials:
    """Find credentials wherever the library finds some."""
    return Credentials()


def assumed_role() -> Credentials:
    """Assume a role with the AccessKey pair of the environment."""
    return Credentials(
        CredentialsConfig(
            type="ram_role_arn",
            access_key_id=os.environ["ALIBABA_CLOUD_ACCESS_KEY_ID"],
            access_key_secret=os.environ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"],
            role_arn=os.environ["ALIBABA_CLOUD_ROLE_ARN"],
        )
    )


def make_client(credentials: Credentials) -> Client:
    """Make a client of the real service."""
    region = os.environ["ALIBABA_CLOUD_REGION_ID"]
    return Client(Config(credential=credentials, region_id=region, endpoint=f"kms.{region}.aliyuncs.com"))


def read(client: Client) -> str:
    """Return the password."""
    return str(client.get_secret_value(REQUEST).body.secret_data)


async def read_async(client: Client) -> str:
    """Return the password."""
    return str((await client.get_secret_value_async(REQUEST)).body.secret_data)


def serve(client: Client) -> None:
    """Answer each line of the standard input."""
    for _ in sys.stdin:
        print(read(client), flush=True)  # noqa: T201 (a program)


if __name__ == "__main__":
    serve(make_client(assumed_role() if sys.argv[1:] else default_chain()))
