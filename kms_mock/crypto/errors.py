"""What this package raises besides a plain `ValueError` for misuse by the caller."""


class InvalidCiphertext(ValueError):  # noqa: N818 - reads as the fact it states, like the service's own codes
    """A ciphertext, blob or wrapped key that cannot be opened: malformed, damaged, or of another key or context."""


class PlaintextTooLong(ValueError):  # noqa: N818 - see above
    """More plaintext than one call of the algorithm can take; `length` and `limit` are in bytes."""

    def __init__(self, length: int, limit: int) -> None:
        super().__init__(f"the plaintext has {length} bytes, {limit} are allowed")
        self.length = length
        self.limit = limit


class UnsupportedAlgorithm(ValueError):  # noqa: N818 - see above
    """The algorithm does not exist, or does not belong to the kind of key it was asked of."""
