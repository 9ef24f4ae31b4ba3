"""The algorithms with which a symmetric key encrypts, where the caller may choose: GCM, CBC, CTR, ECB, with their IVs."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Literal, NamedTuple, get_args

from kms_mock.crypto import symmetric
from kms_mock.crypto.envelope import NONCE_LENGTH
from kms_mock.crypto.errors import InvalidCiphertext
from kms_mock.crypto.material import KeyMaterial
from kms_mock.crypto.specs import Kind
from kms_mock.kms import errors
from kms_mock.kms.model import key_use
from kms_mock.kms.model.key import Key

AdvanceAlgorithm = Literal["AES_GCM", "AES_CBC", "AES_CTR", "AES_ECB", "SM4_GCM", "SM4_CBC", "SM4_CTR", "SM4_ECB"]
PaddingMode = Literal["PKCS7_PADDING", "NO_PADDING"]
_Mode = Literal["GCM", "CBC", "CTR", "ECB"]

_IV_LENGTHS: dict[_Mode, int] = {"GCM": NONCE_LENGTH, "CBC": 16, "CTR": 16, "ECB": 0}
_KINDS: dict[str, Kind] = {"AES": "aes", "SM4": "sm4"}
_MODES: dict[str, _Mode] = {mode: mode for mode in get_args(_Mode)}


class Cipher(NamedTuple):
    """An algorithm with everything that both directions need; `padding` is None where the mode has none."""

    algorithm: str
    mode: _Mode
    padding: PaddingMode | None

    @property
    def iv_length(self) -> int:
        """How many bytes its IV has."""
        return _IV_LENGTHS[self.mode]

    def iv(self, given: bytes | None, random_bytes: Callable[[int], bytes]) -> bytes:
        """Return the IV: the given one, or a new one; ECB has none. Raises INVALID_PARAMETER for another length."""
        if given is None:
            return random_bytes(self.iv_length)
        if len(given) != self.iv_length:
            raise errors.INVALID_PARAMETER(
                f"The Iv of {self.mode} has {self.iv_length} bytes, not {len(given)}.", name="Iv"
            )
        return given

    def encrypt(self, material: KeyMaterial, iv: bytes, plaintext: bytes, aad: bytes | None) -> bytes:
        """Return the ciphertext, of GCM with the tag behind it. Raises INVALID_PARAMETER."""
        if self.mode == "GCM":
            return symmetric.seal(material, iv, plaintext, aad or None)
        self._refuse_aad(aad)
        try:
            return symmetric.encrypt_blocks(material, self.mode, plaintext, iv=iv or None, padding=self._fill)
        except ValueError as error:
            raise errors.INVALID_PARAMETER(f"Plaintext: {error}.", name="Plaintext") from error

    def decrypt(self, material: KeyMaterial, iv: bytes, ciphertext: bytes, aad: bytes | None) -> bytes:
        """Return the plaintext. Raises INVALID_CIPHERTEXT, INVALID_PARAMETER."""
        if self.mode != "GCM":
            self._refuse_aad(aad)
        try:
            if self.mode == "GCM":
                return symmetric.unseal(material, iv, ciphertext, aad or None)
            return symmetric.decrypt_blocks(material, self.mode, ciphertext, iv=iv or None, padding=self._fill)
        except InvalidCiphertext as error:
            raise key_use.invalid_ciphertext(error) from error

    @property
    def _fill(self) -> symmetric.Padding:
        return "PKCS7" if self.padding == "PKCS7_PADDING" else "NONE"

    def _refuse_aad(self, aad: bytes | None) -> None:
        if aad:
            raise errors.INVALID_PARAMETER(f"{self.mode} has no associated data.", name="Aad")


def cipher_of(key: Key, algorithm: str | None, padding: PaddingMode | None) -> Cipher:
    """Return the algorithm with which to use a key: GCM unless another is asked for. Raises INVALID_PARAMETER."""
    found = _cipher(key.spec.kind, algorithm, padding)
    if found is None:
        raise errors.INVALID_PARAMETER(f"Key {key.id} is {key.spec_name} and has no {algorithm}.", name="Algorithm")
    return found


@lru_cache(maxsize=64)
def _cipher(kind: Kind, algorithm: str | None, padding: PaddingMode | None) -> Cipher | None:
    algorithm = algorithm or f"{kind.upper()}_GCM"
    name, _, mode = algorithm.partition("_")
    if _KINDS.get(name) != kind or mode not in _MODES:
        return None
    padded = (padding or "PKCS7_PADDING") if mode in ("CBC", "ECB") else None
    return Cipher(algorithm, _MODES[mode], padded)
