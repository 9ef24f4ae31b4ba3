"""Damage to documents and texts: what no well-meaning client or file has."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

HOSTILE_TEXTS: tuple[str, ...] = (
    "",
    " ",
    "\x00",
    "\x1b[31mred",
    "\x85\x9b31m",
    "\u202eabc",
    "\ufffe\uffff",
    "\ud800",
    "\U0001f600",
    "e\u0301",
    "\u0663",
    "\r\nX-Injected: yes",
    "<a>&amp;]]>\"'",
    "%s%n%00%2525",
    "{0}{name}{detail.__class__}",
    "../../etc/passwd",
    "null",
    "true",
    "-1",
    "0",
    "1e400",
    "NaN",
    "9" * 400,
    "0x10",
    "1_000",
    " 7 ",
    "7d\n",
    "99999999999d",
    "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00Z",
    "2030-02-30T00:00:00Z",
    "*",
    "?" * 64,
    "****a****b",
    "[k]",
    "alias/",
    "alias/acs/kms",
    "acs:kms:cn-beijing:222:key/x",
    "acs:kms:cn-hangzhou:1234567890123456:secret/db",
    "acs:kms:cn-hangzhou:1234567890123456:alias/app",
    "acs:kms:::",
    "acs:ram::1234567890123456:user/x",
    "arn:acs:kms:*:*:*",
    "====",
    "A",
    "AA==",
    "QQ",
    "/" * 300,
    "a" * 257,
    "[]",
    "{}",
    '""',
    "[1",
    '{"a":1,"a":2}',
    '["\\ud800"]',
    '[{"Key":"KeyState","Values":[null]}]',
    '{"Version":"1","Statement":[]}',
    "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----",
    "MEIwDQYJKoZIhvcNAQEBBQADMQAwLgInAQ==",
)
LONG_TEXTS: tuple[str, ...] = ("b" * 8193, "c" * 31000, "[" * 3000, '{"a":' * 3000, "%" * 3000, "\u4e2d" * 3000)
_RARELY = 0.02
ODD_VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    2**63,
    -(2**63),
    0.5,
    1e308,
    "",
    "x",
    "\x00",
    "\x1b[0m",
    "now",
    "+1d",
    "-1s",
    "+9999999d",
    "7d",
    "1s",
    "AAAA",
    [],
    {},
    [None],
    {"": ""},
    {"id": "x"},
    [["x"]],
    {"Key": None},
)


def odd_value(chance: random.Random) -> Any:
    """Return a JSON value that is rarely what is expected."""
    return copy.deepcopy(chance.choice(ODD_VALUES)) if chance.random() < 0.6 else chance.choice(HOSTILE_TEXTS)


def hostile_text(chance: random.Random, text: str = "") -> str:
    """Return a hostile text: one of a list, or a damaged form of `text`."""
    if not text or chance.random() < 0.6:
        return chance.choice(LONG_TEXTS if chance.random() < _RARELY else HOSTILE_TEXTS)
    place = chance.randrange(len(text) + 1)
    return chance.choice(
        (
            text[:place] + chance.choice(HOSTILE_TEXTS[:20]) + text[place:],
            text[:place],
            text[:place] + text[place + 1 :],
            text.swapcase(),
            (text * chance.randrange(2, 40))[:2000],
            text + chance.choice((" ", "\n", ".", "/", "\x00")),
        )
    )


def _places(tree: Any, found: list[tuple[Any, Any]]) -> None:
    """Collect every (container, key or index) of a document."""
    children = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, child in children:
        found.append((tree, key))
        _places(child, found)


def damaged(tree: Any, chance: random.Random, times: int = 1) -> Any:
    """Return a copy of a document with this many places replaced, removed, renamed, repeated or exchanged."""
    tree = copy.deepcopy(tree)
    for _ in range(times):
        places: list[tuple[Any, Any]] = []
        _places(tree, places)
        if not places:
            return odd_value(chance)
        _damage(*chance.choice(places), places, chance)
    return tree


def _damage(container: Any, key: Any, places: list[tuple[Any, Any]], chance: random.Random) -> None:
    action = chance.randrange(7)
    if action <= 1:
        container[key] = odd_value(chance)
    elif action == 2:
        del container[key]
    elif action == 3 and isinstance(container, dict):
        container[chance.choice(("x", "", key.upper(), key + " ", "id", "name"))] = container.pop(key)
    elif action == 3:
        container.append(copy.deepcopy(container[key]))
    elif action == 4 and isinstance(container[key], str):
        container[key] = hostile_text(chance, container[key])
    elif action == 5:
        other, place = chance.choice(places)
        container[key] = copy.deepcopy(other[place])
    else:
        container[key] = [copy.deepcopy(container[key])]


def damaged_bytes(data: bytes, chance: random.Random) -> bytes:
    """Return bytes of which some are changed, cut off, repeated or moved."""
    for _ in range(chance.randrange(1, 4)):
        start = chance.randrange(len(data) + 1)
        end = min(len(data), start + chance.randrange(1, 12))
        piece = data[start:end]
        data = chance.choice(
            (
                data[:start],
                data[:start] + chance.randbytes(len(piece)) + data[end:],
                data[:start] + data[end:],
                data[:start] + piece * chance.randrange(2, 200) + data[end:],
                data[:start] + chance.choice(_INSERTED) + data[start:],
            )
        )
    return data


_INSERTED = (
    b"\r\n",
    b"\n",
    b"\x00",
    b"\xff\xfe",
    b" ",
    b":",
    b"%",
    b"\r\n\r\n",
    b";",
    b"\xed\xa0\x80",
    b"{",
    b"[" * 600,
)


def written(tree: Any) -> str:
    """Return a document as JSON; what JSON cannot hold, surrogates included, is escaped."""
    return json.dumps(tree, separators=(",", ":"))
