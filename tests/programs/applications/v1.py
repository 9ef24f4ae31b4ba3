"""Reads a database password and encrypts a card number, as a service in production would: SDK V1."""

from __future__ import annotations

import base64
import json
import os
from typing import Any

from aliyunsdkcore.client import AcsClient
from aliyunsdkkms.request.v20160120.DecryptRequest import DecryptRequest
from aliyunsdkkms.request.v20160120.EncryptRequest import EncryptRequest
from aliyunsdkkms.request.v20160120.GetSecretValueRequest import GetSecretValueRequest


def make_client() -> AcsClient:
    """Make a client of the real service, from the environment alone."""
    return AcsClient(
        os.environ["ALIBABA_CLOUD_ACCESS_KEY_ID"],
        os.environ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"],
        os.environ["ALIBABA_CLOUD_REGION_ID"],
    )


class Vault:
    """The secrets and the encryption of a service."""

    def __init__(self, key_id: str = "alias/cards") -> None:
        self._client = make_client()
        self._key_id = key_id

    def password(self, name: str) -> str:
        """Return the current value of a secret."""
        request = GetSecretValueRequest()
        request.set_SecretName(name)
        return str(self._answer(request)["SecretData"])

    def encrypt(self, text: str) -> str:
        """Return the ciphertext of a short text."""
        request = EncryptRequest()
        request.set_KeyId(self._key_id)
        request.set_Plaintext(base64.b64encode(text.encode()).decode())
        return str(self._answer(request)["CiphertextBlob"])

    def decrypt(self, ciphertext: str) -> str:
        """Return what `encrypt` got."""
        request = DecryptRequest()
        request.set_CiphertextBlob(ciphertext)
        return base64.b64decode(self._answer(request)["Plaintext"]).decode()

    def _answer(self, request: Any) -> dict[str, Any]:
        request.set_protocol_type("https")
        answer: dict[str, Any] = json.loads(self._client.do_action_with_exception(request))
        return answer


def main() -> str:
    """Return the password and a card number that went to ciphertext and back."""
    vault = Vault()
    card = vault.decrypt(vault.encrypt("4111 1111"))
    return f"{vault.password('db/password')} {card}"


if __name__ == "__main__":
    print(main())  # noqa: T201 (a program)
