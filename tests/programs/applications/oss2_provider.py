"""Encrypts a card number with a data key, as oss2 does with the objects of a bucket: its KMS provider."""

from __future__ import annotations

import os

from oss2 import AliKMSProvider


class Sealed:
    """A text and the envelope of the key that it is encrypted with."""

    def __init__(self, provider: AliKMSProvider, text: str) -> None:
        material = provider.create_content_material()
        self.encrypted_key = material.encrypted_key
        self.encrypted_iv = material.encrypted_iv
        self.content = material.cipher.encrypt(text.encode())

    def open(self, provider: AliKMSProvider) -> str:
        """Return the text."""
        cipher = provider.cipher
        key = provider.decrypt_encrypted_key(self.encrypted_key)
        cipher.initialize(key, provider.decrypt_encrypted_iv(self.encrypted_iv))
        return bytes(cipher.decrypt(self.content)).decode()


def make_provider(key_id: str = "alias/cards") -> AliKMSProvider:
    """Make a provider on the real service, from the environment alone."""
    return AliKMSProvider(
        os.environ["ALIBABA_CLOUD_ACCESS_KEY_ID"],
        os.environ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"],
        os.environ["ALIBABA_CLOUD_REGION_ID"],
        key_id,
    )


def main() -> str:
    """Return a card number that went to ciphertext and back."""
    return Sealed(make_provider(), "4111 1111").open(make_provider())


if __name__ == "__main__":
    print(main())  # noqa: T201 (a program)
