"""Key material: immutable objects that hold a key and its spec, and never show the key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kms_mock.crypto import pem
from kms_mock.crypto.errors import InvalidKey
from kms_mock.crypto.randomness import RandomBytes, openssl_bytes
from kms_mock.crypto.specs import KEY_SPECS, KeySpec

if TYPE_CHECKING:
    from kms_mock.crypto.aead import Aead


class KeyMaterial:
    """One key of one spec, made by `generate` or `load`. Two are equal when spec and bytes are."""

    __slots__ = ("_data", "_spec")

    def __init__(self, spec: KeySpec, data: bytes) -> None:
        self._spec: Final = spec
        self._data: Final = data

    @property
    def spec(self) -> KeySpec:
        """What kind of key this is."""
        return self._spec

    def to_bytes(self) -> bytes:
        """Return the key itself: raw bytes of a symmetric key, unencrypted PKCS#8 DER of a key pair."""
        return self._data

    @property
    def aead(self) -> Aead:
        """Ready AES-GCM or SM4-GCM over this key; ValueError for other kinds."""
        raise ValueError(f"a key of spec {self._spec.name} does not encrypt symmetrically")

    def public_key_der(self) -> bytes:
        """Return the public half as SubjectPublicKeyInfo (RFC 5280); ValueError for symmetric keys."""
        raise ValueError(f"a key of spec {self._spec.name} has no public key")

    def public_key_pem(self) -> str:
        """Return the public half as PEM, 64 columns and a final newline (behaviour.md 2); ValueError as above."""
        return pem.encode("PUBLIC KEY", self.public_key_der())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, KeyMaterial):
            return NotImplemented
        return (self._spec.name, self._data) == (other._spec.name, other._data)

    def __hash__(self) -> int:
        return hash((self._spec.name, self._data))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._spec.name}>"

    def __reduce__(self) -> tuple[object, ...]:
        # The parsed OpenSSL objects cannot be copied or pickled; the bytes hold everything.
        return load, (self._spec, self._data)


class SymmetricMaterial(KeyMaterial):
    """An AES, SM4 or HMAC key."""

    __slots__ = ("_aead",)

    def __init__(self, spec: KeySpec, data: bytes) -> None:
        super().__init__(spec, data)
        self._aead: Aead | None = None

    @property
    def aead(self) -> Aead:
        """Ready AES-GCM or SM4-GCM over this key, made once; ValueError for HMAC keys."""
        if self._aead is None:
            if not self._spec.encrypts_symmetrically:
                return super().aead
            from kms_mock.crypto.aead import AEADS  # ciphers load with the first key

            self._aead = AEADS[self._spec.kind](self._data)
        return self._aead


def generate(spec: KeySpec | str, random_bytes: RandomBytes | None = None) -> KeyMaterial:
    """Make a new key of `spec` (a name in KEY_SPECS or the spec itself; ValueError when unknown).

    With `random_bytes` the key follows from that stream alone: equal bytes, equal key. Without, OpenSSL draws it.
    RSA takes 0.05 to 1 s (from a stream up to four times that); everything else is below 5 ms.
    """
    spec = _known(spec)
    if not spec.symmetric:
        from kms_mock.crypto import keypairs  # loads the asymmetric modules of `cryptography`

        return keypairs.generate(spec, random_bytes)
    return SymmetricMaterial(spec, (random_bytes or openssl_bytes)(spec.material_length))


def load(spec: KeySpec | str, data: bytes) -> KeyMaterial:
    """Read the key of `spec` that `data` holds.

    Symmetric and HMAC keys: the raw bytes, exactly `spec.material_length` of them. Key pairs: unencrypted PKCS#8 as DER
    or PEM, SEC1 or PKCS#1 as PEM. InvalidKey, in words without any of the bytes, when `data` is anything else, or a
    key of another kind, curve or length. Whatever the encoding was, `to_bytes` returns PKCS#8 DER.
    """
    spec = _known(spec)
    if not spec.symmetric:
        from kms_mock.crypto import keypairs  # loads the asymmetric modules of `cryptography`

        return keypairs.load(spec, data)
    if len(data) != spec.material_length:
        raise InvalidKey(f"a key of spec {spec.name} has {spec.material_length} bytes, not {len(data)}")
    return SymmetricMaterial(spec, bytes(data))


def _known(spec: KeySpec | str) -> KeySpec:
    if isinstance(spec, KeySpec):
        return spec
    if spec not in KEY_SPECS:
        raise ValueError(f"there is no key spec {spec!r}")
    return KEY_SPECS[spec]
