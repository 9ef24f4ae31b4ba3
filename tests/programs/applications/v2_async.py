"""Reads a database password and encrypts a card number, as a service in production would: SDK V2, asynchronously."""

from __future__ import annotations

import asyncio
import base64
import os

from alibabacloud_kms20160120 import models
from alibabacloud_kms20160120.client import Client
from alibabacloud_tea_openapi.utils_models import Config


def make_client() -> Client:
    """Make a client of the real service, from the environment alone."""
    region = os.environ["ALIBABA_CLOUD_REGION_ID"]
    return Client(
        Config(
            access_key_id=os.environ["ALIBABA_CLOUD_ACCESS_KEY_ID"],
            access_key_secret=os.environ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"],
            region_id=region,
            endpoint=f"kms.{region}.aliyuncs.com",
        )
    )


class Vault:
    """The secrets and the encryption of a service."""

    def __init__(self, key_id: str = "alias/cards") -> None:
        self._client = make_client()
        self._key_id = key_id

    async def password(self, name: str) -> str:
        """Return the current value of a secret."""
        response = await self._client.get_secret_value_async(models.GetSecretValueRequest(secret_name=name))
        return str(response.body.secret_data)

    async def encrypt(self, text: str) -> str:
        """Return the ciphertext of a short text."""
        encoded = base64.b64encode(text.encode()).decode()
        request = models.EncryptRequest(key_id=self._key_id, plaintext=encoded)
        return str((await self._client.encrypt_async(request)).body.ciphertext_blob)

    async def decrypt(self, ciphertext: str) -> str:
        """Return what `encrypt` got."""
        response = await self._client.decrypt_async(models.DecryptRequest(ciphertext_blob=ciphertext))
        return base64.b64decode(response.body.plaintext).decode()


async def main() -> str:
    """Return the password and a card number that went to ciphertext and back."""
    vault = Vault()
    password, ciphertext = await asyncio.gather(vault.password("db/password"), vault.encrypt("4111 1111"))
    return f"{password} {await vault.decrypt(ciphertext)}"


if __name__ == "__main__":
    print(asyncio.run(main()))  # noqa: T201 (a program)
