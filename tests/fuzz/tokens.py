"""Tokens of OIDC providers and SAML responses: good ones, ones that say something else, and damaged ones."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable
from functools import lru_cache

from tests.fuzz.damage import HOSTILE_TEXTS, damaged, damaged_bytes, hostile_text, written
from tests.support.example_documents import oidc_token
from tests.support.identities import saml_response

_CLAIMS = ("iss", "sub", "aud", "iat", "exp", "nbf")
_PARTS_OF_ASSERTION = (
    "issuer",
    "subject",
    "recipient",
    "until",
    "since",
    "audience",
    "role",
    "session",
    "more",
    "method",
)


def oidc(chance: random.Random) -> str:
    """Return a token of an OIDC provider: with other claims, or damaged in one of its three parts."""
    token = _signed(written({name: _claim(chance) for name in chance.sample(_CLAIMS, chance.choice((0, 1, 1, 2)))}))
    if chance.random() < 0.4:
        parts = token.split(".")
        place = chance.randrange(3)
        parts[place] = _damaged_part(parts[place], chance)
        token = ".".join(parts)
    return hostile_text(chance, token) if chance.random() < 0.05 else token


@lru_cache(maxsize=512)
def _signed(claims: str) -> str:
    return oidc_token(**json.loads(claims))  # reading the key for each takes 50 ms


def _claim(chance: random.Random) -> object:
    return chance.choice(
        (None, True, 0, -1, 1e300, 253402300799, 253402300799.5, 2**63, [], ["x", 1], {}, *HOSTILE_TEXTS[:12])
    )


def _damaged_part(part: str, chance: random.Random) -> str:
    data = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    try:
        data = written(damaged(json.loads(data), chance)).encode()
    except ValueError:
        data = damaged_bytes(data, chance)
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def saml(chance: random.Random) -> str:
    """Return a SAML response: with other contents, or with damaged XML."""
    names = chance.sample(_PARTS_OF_ASSERTION, chance.choice((0, 1, 1, 2)))
    texts = ("", "x", "2030-13-01", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "<x/>", "&#0;", "a,b", "\u202e")
    response = saml_response(**{name: chance.choice(texts) for name in names})
    if chance.random() < 0.5:
        response = base64.b64encode(damaged_bytes(base64.b64decode(response), chance)).decode()
    return hostile_text(chance, response) if chance.random() < 0.05 else response


TOKENS: dict[str, Callable[[random.Random], str]] = {"OIDCToken": oidc, "SAMLAssertion": saml}
"""What makes the value of a parameter that only these can be."""
