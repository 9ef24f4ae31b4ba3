"""The errors about a client's bytes and names. Misuse by the caller is a plain `ValueError` or `TypeError`.

The texts never quote any of the bytes.
"""

from __future__ import annotations


class CryptoError(ValueError):
    """The base class of these errors."""


class InvalidCiphertext(CryptoError):  # noqa: N818 - reads as the fact it states, like the service's own codes
    """A ciphertext, blob or wrapped key that cannot be opened: malformed, damaged, or of another key or context."""


class InvalidKey(CryptoError):  # noqa: N818 - see above
    """Bytes that are no key of the kind that is needed, or a key that OpenSSL would refuse when it is used."""


class InvalidCertificate(CryptoError):  # noqa: N818 - see above
    """A certificate, chain, signing request or name that is malformed, or one that does not fit the others."""


class PlaintextTooLong(CryptoError):  # noqa: N818 - see above
    """More plaintext than one call of the algorithm can take; `length` and `limit` are in bytes."""

    def __init__(self, length: int, limit: int) -> None:
        super().__init__(f"the plaintext has {length} bytes, {limit} are allowed")
        self.length = length
        self.limit = limit


class UnsupportedAlgorithm(CryptoError):  # noqa: N818 - see above
    """The algorithm does not exist, or is not one of the key's spec."""
