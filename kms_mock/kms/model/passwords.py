"""Random passwords: GetRandomPassword, and the values that rotation makes."""

from __future__ import annotations

import string
from collections.abc import Callable

LOWERCASE = string.ascii_lowercase
UPPERCASE = string.ascii_uppercase
NUMBERS = string.digits
PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_{|}~"  # without the backtick, as documented (behaviour.md 8)
LETTERS_AND_NUMBERS = LOWERCASE + UPPERCASE + NUMBERS


def random_index(below: int, random_bytes: Callable[[int], bytes]) -> int:
    """Return a number in 0..below-1, each equally likely (`below` is at most 256)."""
    limit = 256 - 256 % below
    while True:
        for byte in random_bytes(16):
            if byte < limit:
                return byte % below


def random_text(length: int, alphabet: str, random_bytes: Callable[[int], bytes]) -> str:
    """Return `length` characters of an alphabet."""
    return "".join(alphabet[random_index(len(alphabet), random_bytes)] for _ in range(length))


def random_password(length: int, classes: list[str], random_bytes: Callable[[int], bytes], *, one_of_each: bool) -> str:
    """Return a password of `length` characters from the classes, `one_of_each` at least if asked for."""
    characters = [random_text(1, alphabet, random_bytes) for alphabet in classes] if one_of_each else []
    characters.extend(random_text(length - len(characters), "".join(classes), random_bytes))
    for last in range(len(characters) - 1, 0, -1):  # Fisher-Yates: the required characters must not come first
        other = random_index(last + 1, random_bytes)
        characters[last], characters[other] = characters[other], characters[last]
    return "".join(characters)
