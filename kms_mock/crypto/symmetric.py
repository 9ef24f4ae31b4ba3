"""Encryption with AES and SM4 keys: the GCM of Encrypt and data keys, and the plain block modes of AdvanceEncrypt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from kms_mock.crypto.errors import InvalidCiphertext
from kms_mock.crypto.guard import guard

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import AEADCipherContext, Cipher, CipherContext
    from cryptography.hazmat.primitives.ciphers.modes import CBC, CTR, ECB

    from kms_mock.crypto.material import KeyMaterial

Mode = Literal["CBC", "CTR", "ECB"]
Padding = Literal["PKCS7", "NONE"]

BLOCK_LENGTH: Final = 16
_AUTHENTICATING = guard(InvalidCiphertext, "the authentication tag does not match")


def seal(material: KeyMaterial, nonce: bytes, plaintext: bytes, associated_data: bytes | None = None) -> bytes:
    """Return ciphertext + 16-byte tag of `plaintext` under AES-GCM (NIST SP 800-38D) or SM4-GCM (RFC 8998).

    `nonce` has 12 bytes in a blob; GCM itself takes 8 to 128, others are a ValueError, as is a key that cannot encrypt.
    """
    return material.aead.encrypt(nonce, plaintext, associated_data)


def unseal(material: KeyMaterial, nonce: bytes, sealed: bytes, associated_data: bytes | None = None) -> bytes:
    """Return the plaintext of what `seal` made; InvalidCiphertext when key, nonce, associated data or a single bit differ."""
    aead = material.aead
    try:  # what `guard` does, without its two calls in the path of most requests
        return aead.decrypt(nonce, sealed, associated_data)
    except Exception:
        with _AUTHENTICATING:
            raise


def encrypt_blocks(
    material: KeyMaterial, mode: Mode, plaintext: bytes, *, iv: bytes | None = None, padding: Padding = "NONE"
) -> bytes:
    """Encrypt without authentication, for AdvanceEncrypt (SDK V1): CBC, CTR or ECB (SP 800-38A) over AES or SM4.

    `iv` has 16 bytes for CBC and CTR and is None for ECB. Without padding CBC and ECB need whole 16-byte blocks;
    CTR is a stream and never pads. ValueError when any of this is not so.
    """
    if padding == "PKCS7" and mode != "CTR":
        fill = BLOCK_LENGTH - len(plaintext) % BLOCK_LENGTH
        plaintext += bytes([fill]) * fill
    _check_length(mode, plaintext)
    return _run(_cipher(material, mode, iv).encryptor(), plaintext)


def decrypt_blocks(
    material: KeyMaterial, mode: Mode, ciphertext: bytes, *, iv: bytes | None = None, padding: Padding = "NONE"
) -> bytes:
    """Return the plaintext of what `encrypt_blocks` made; InvalidCiphertext for a wrong length or padding.

    Nothing else is noticed: these modes do not authenticate.
    """
    padded = padding == "PKCS7" and mode != "CTR"
    if mode != "CTR" and (len(ciphertext) % BLOCK_LENGTH or (padded and not ciphertext)):
        raise InvalidCiphertext(f"it is not a multiple of {BLOCK_LENGTH} bytes")
    plaintext = _run(_cipher(material, mode, iv).decryptor(), ciphertext)
    if not padded:
        return plaintext
    fill = plaintext[-1]
    if not 0 < fill <= BLOCK_LENGTH or plaintext[-fill:] != bytes([fill]) * fill:
        raise InvalidCiphertext("its padding is wrong")
    return plaintext[:-fill]


def _run(context: CipherContext | AEADCipherContext, data: bytes) -> bytes:
    return context.update(data) + context.finalize()


def _check_length(mode: Mode, data: bytes) -> None:
    if mode != "CTR" and len(data) % BLOCK_LENGTH:
        raise ValueError(f"{mode} without padding needs a multiple of {BLOCK_LENGTH} bytes, not {len(data)}")


def _cipher(material: KeyMaterial, mode: Mode, iv: bytes | None) -> Cipher[CBC | CTR | ECB]:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms  # loads on first use

    ciphers = {"aes": algorithms.AES, "sm4": algorithms.SM4}
    if material.spec.kind not in ciphers:
        raise ValueError(f"a key of spec {material.spec.name} has no block modes")
    return Cipher(ciphers[material.spec.kind](material.to_bytes()), _mode(mode, iv))


def _mode(mode: Mode, iv: bytes | None) -> CBC | CTR | ECB:
    from cryptography.hazmat.primitives.ciphers import modes  # loads on first use

    if mode == "ECB":
        if iv is not None:
            raise ValueError("ECB takes no iv")
        return modes.ECB()  # noqa: S305 - a mode the caller asked for by name
    if iv is None or len(iv) != BLOCK_LENGTH:
        raise ValueError(f"{mode} needs an iv of {BLOCK_LENGTH} bytes")
    return modes.CBC(iv) if mode == "CBC" else modes.CTR(iv)
