"""Tokens of OIDC providers: checked against the keys of the fixture file, and made for tests.

Sources: RAM, "AssumeRoleWithOIDC" and the STS error codes; OpenID Connect Core 1.0, 3.1.3.7 (what to check of a token).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from kms_mock.identity.identities import OidcKey, OidcProvider, oidc_providers
from kms_mock.rpc.errors import ApiError
from kms_mock.store.store import Store
from kms_mock.store.times import LAST_DATE
from kms_mock.sts import errors

_MAX_ALGORITHM = 20  # characters of an unknown one that the message repeats


class Claims(Struct, frozen=True):
    """What a verified token says. `audience` is the one that the provider knows; times are epoch seconds."""

    issuer: str
    subject: str
    audience: str
    audiences: tuple[str, ...]
    expires: float
    issued: float | None


def check_token(provider: OidcProvider, text: str, now: float) -> Claims:
    """Return what a token says. Raises the refusal of a malformed, foreign or expired one, in this order."""
    from kms_mock.crypto import jwt  # noqa: PLC0415 (the asymmetric modules take 20 ms to load, and few runs need them)

    if not text:
        raise errors.OIDC_EMPTY("OIDCToken is missing or empty.")
    try:
        token = jwt.parse(text)
    except jwt.WrongPartCount as error:
        raise errors.OIDC_PARTS(f"{error}.") from None
    except jwt.NotBase64:
        raise errors.OIDC_BASE64("A part of the token is not Base64.") from None
    except jwt.NotObject:
        raise errors.OIDC_CONTENT("A part of the token is not a JSON object.") from None
    if token.algorithm not in jwt.ALGORITHMS:
        known = " and ".join(jwt.ALGORITHMS)
        raise errors.OIDC_ALGORITHM(f"Known are {known}.", key=token.algorithm[:_MAX_ALGORITHM])
    claims = _read(token.claims)
    if claims.issuer != provider.issuer:
        raise errors.OIDC_ISSUER(f"OIDC provider {provider.name} has the issuer {provider.issuer}.")
    if not any(jwt.verify(token, key.pem.encode()) for key in _keys(provider, token.header.get("kid"))):
        raise errors.OIDC_SIGNATURE(f"The token was signed with none of the keys of OIDC provider {provider.name}.")
    if claims.expires <= now:
        raise errors.OIDC_EXPIRED("The token's exp is over by the clock of this server.")
    known_audience = next((each for each in claims.audiences if each in provider.client_ids), None)
    if known_audience is None:
        raise errors.OIDC_AUDIENCE(
            f"OIDC provider {provider.name} has the client ids {', '.join(provider.client_ids)}."
        )
    return Claims(claims.issuer, claims.subject, known_audience, claims.audiences, claims.expires, claims.issued)


def make_token(
    provider: OidcProvider, subject: str, now: float, *, lifetime: float, claims: Mapping[str, Any] | None = None
) -> str:
    """Make a token as a provider would: for its first client id, unless `claims` say otherwise.

    Raises ValueError when the fixture file has no private key of the provider.
    """
    from kms_mock.crypto import jwt  # noqa: PLC0415 (as above)

    key = next((key for key in provider.keys if key.private), None)
    if key is None:
        raise ValueError(f"OIDC provider {provider.name!r} has no private_key in the fixture file to sign with")
    usual = {
        "iss": provider.issuer,
        "sub": subject,
        "aud": provider.client_ids[0] if provider.client_ids else "",
        "iat": math.floor(now),
        "exp": math.floor(now + lifetime),
    }
    return jwt.sign(key.pem.encode(), key.id, {**usual, **(claims or {})})


def find_provider(store: Store, account: str, name: str | None) -> OidcProvider:
    """Return a provider of an account by name; without a name the only one. Raises ValueError."""
    home = store.existing(account, "")
    found = {} if home is None else {provider.name: provider for provider in home[oidc_providers].values()}
    if name is None and len(found) == 1:
        return next(iter(found.values()))
    if name is None or name not in found:
        there = ", ".join(found) or "none"
        raise ValueError(f"name an OIDC provider of account {account}: there is {there}")
    return found[name]


def _keys(provider: OidcProvider, key_id: object) -> Iterable[OidcKey]:
    return [key for key in provider.keys if key_id is None or key.id == key_id]


def _read(claims: Mapping[str, Any]) -> Claims:
    issuer, subject, audience = claims.get("iss"), claims.get("sub"), claims.get("aud")
    audiences: list[Any] = audience if isinstance(audience, list) else [audience]
    if not isinstance(issuer, str) or not isinstance(subject, str):
        raise _invalid("iss and sub are texts")
    if not audiences or not all(isinstance(each, str) for each in audiences):
        raise _invalid("aud is a text or a list of texts")
    expires, issued = _moment(claims, "exp"), _moment(claims, "iat")
    if expires is None:
        raise _invalid("exp is missing")
    return Claims(issuer, subject, "", tuple(audiences), expires, issued)


def _moment(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LAST_DATE:
        raise _invalid(f"{name} is a number of seconds since 1970")
    return float(value)


def _invalid(what: str) -> ApiError:
    return errors.OIDC_CONTENT(f"In a token, {what}.")
