"""Ids of KMS instances and of the keys in them, such as `key-hzz65f0c1a2x8i7zhki0q` (behaviour.md 16)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

INFERRED_REGIONS = (
    "The id of a key in a KMS instance names its region by two letters, the last one twice. Those of Hangzhou (`hzz`), "
    "Shanghai, Beijing, Shenzhen and Guangzhou are known; of any other region it is the first two letters after `cn-`, "
    "`ap-` and the like."
)

_CITIES = {"hangzhou": "hz", "shanghai": "sh", "beijing": "bj", "shenzhen": "sz", "guangzhou": "gz"}
_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
_RANDOM_LENGTH = 10
_LARGEST_TIME = 0xFFFFFFFF  # in February 2106 the eight digits are used up


def new_instance_id(kind: Literal["key", "kst"], region: str, at: float, random_bytes: Callable[[int], bytes]) -> str:
    """Return a new id: kind, letters of the region, 8 hexadecimal digits of the Unix time `at`, 10 random characters."""
    seconds = min(max(int(at), 0), _LARGEST_TIME)
    # 32 random bits for each character: the bias of a modulo is below one in a hundred million.
    drawn = random_bytes(4 * _RANDOM_LENGTH)
    characters = [
        _ALPHABET[int.from_bytes(drawn[place : place + 4], "big") % len(_ALPHABET)] for place in range(0, len(drawn), 4)
    ]
    return f"{kind}-{region_letters(region)}{seconds:08x}{''.join(characters)}"


def region_letters(region: str) -> str:
    """Return the three letters of a region, such as `hzz` for `cn-hangzhou`; others see INFERRED_REGIONS."""
    name = region.partition("-")[2] or region
    letters = _CITIES.get(name.partition("-")[0]) or "".join(filter(str.isalpha, name))[:2].ljust(2, "x")
    return letters + letters[1]
