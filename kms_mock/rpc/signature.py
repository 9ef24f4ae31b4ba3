"""Request signatures: whether a request verifies, and if not, why (clients.md 2.13-2.15, 2.25; dedicated.md 5).

Verification is opt-in; by default the mock asks for no signature. Four schemes are known: ACS3-HMAC-SHA256 and
ACS4-HMAC-SHA256 in the `Authorization` header, HMAC-SHA1 and (with a ClientKey) SHA256withRSA in the RPC parameters. What
each of them covers is in `signed_request`. A reason holds neither an AccessKey secret nor a parameter's value; strings to
sign do hold values, so they belong in the answer to the client, not in a log.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from kms_mock.rpc.canonical import Recipe, RsaVerifier, recipe, utf8
from kms_mock.rpc.signed_request import (
    ALGORITHMS,
    PARAMETER_SCHEMES,
    PRIVATE_KEY,
    SIGNED_HEADERS,
    Scheme,
    SignedRequest,
    ambiguity,
    is_bearer,
    quoted,
    security_token_of,
    timestamp_of,
    timestamp_text,
)

Kind = Literal[
    "missing-access-key",
    "incomplete",
    "missing-timestamp",
    "expired",
    "unknown-access-key",
    "missing-security-token",
    "mismatch",
]
TOLERANCE = 900.0  # seconds between the time of signing and the server's


class Keys(Struct, frozen=True):
    """Where the keys are that requests are verified with: each look-up takes an id and returns None for an unknown one."""

    secret: Callable[[str], str | None]
    public_key: Callable[[str], bytes | None] = lambda _: None  # of a ClientKey, in the form that verify_rsa takes
    verify_rsa: RsaVerifier | None = None


class Verification(Struct, frozen=True):
    """What the server computed beside what the client gave. `expected` is a valid signature: never show it."""

    scheme: Scheme | None
    canonical_request: str  # empty for an RPC signature, which has none
    string_to_sign: str
    expected: str  # empty for SHA256withRSA
    given: str
    matches: bool

    def __repr__(self) -> str:
        return f"Verification({self.scheme!r}, matches={self.matches})"


class Problem(Struct, frozen=True):
    """Why a request is refused: `reason` is one printable ASCII sentence; the other texts are filled for a mismatch."""

    kind: Kind
    string_to_sign: str
    reason: str
    canonical_request: str = ""

    def __repr__(self) -> str:
        return f"Problem({self.kind!r}, {self.reason!r})"  # the other texts hold the values of parameters


# -- the signature ----------------------------------------------------------------------------------------------------
def _given(request: SignedRequest) -> str:
    if request.scheme in PARAMETER_SCHEMES:
        return request.parameter("Signature") or ""
    return request.authorization.signature


def _matches(request: SignedRequest, right: Recipe, given: str) -> bool:
    if right.matches(given):
        return True
    if all(value for _, value in right.pairs):
        return False
    # Official clients differ about empty parameters (clients.md 2.15).
    if request.scheme == "HMAC-SHA1":
        return replace(right, pairs=[pair for pair in right.pairs if pair[1]]).matches(given)
    return request.scheme in ("ACS3", "ACS4") and replace(right, bare_empty=True).matches(given)


def _uncovered(request: SignedRequest) -> str:
    """Return what makes a signature worthless even when it matches; "" for an RPC signature, which covers all it needs.

    It is about another body or another day, or leaves out a header that has a meaning.
    """
    if request.scheme in PARAMETER_SCHEMES:
        return ""
    names = set(request.authorization.names)
    if not request.body:
        names.add("content-type")  # it has no meaning then; aiohttp adds one that V2's async client has not signed
    unsigned = [quoted(name) for name in request.header_values if name not in names and SIGNED_HEADERS.fullmatch(name)]
    if unsigned:
        return (
            f"SignedHeaders must name every x-acs-* header, host and content-type; it lacks {', '.join(unsigned[:5])}"
        )
    claimed = request.header("x-acs-content-sha256")
    if claimed is not None and claimed != request.body_sha256:
        return f"x-acs-content-sha256 is not the SHA-256 of the {len(request.body)} bytes of body that arrived"
    day = (request.header("x-acs-date") or "")[:10].replace("-", "")
    if request.scheme == "ACS4" and request.authorization.scope[:1] != [day]:
        return "the date in Credential is not the day of x-acs-date"
    return ""


def expected_signature(request: SignedRequest, secret: str) -> Verification:
    """Return the signature that the request should carry (clients.md 2.15), compared with the one it does."""
    if request.scheme is None:
        return Verification(None, "", "", "", "", matches=False)
    return _verification(request, recipe(request, utf8(secret)))


def _verification(request: SignedRequest, right: Recipe) -> Verification:
    given = _given(request)
    matches = _matches(request, right, given) and not _uncovered(request)
    return Verification(request.scheme, *_texts(right), right.signature, given, matches)


def _texts(right: Recipe) -> tuple[str, str]:
    """Return the canonical request, "" for an RPC signature, and the string to sign, fit for any encoder."""
    # Bytes that are not UTF-8 show as escapes.
    text, to_sign = (utf8(each).decode(errors="backslashreplace") for each in (right.text, right.string_to_sign))
    return "" if right.covers_parameters_only else text, to_sign


# -- the verdict ------------------------------------------------------------------------------------------------------
def _unsigned(request: SignedRequest) -> Problem:
    """Return what is wrong with a request that uses none of the known schemes."""
    if is_bearer(request.header_values, request.parameters):
        reason = "The request carries a bearer token, which has no signature to verify"
    elif request.header("authorization") or request.parameter("SignatureMethod"):
        reason = f"The request is signed in another way than {', '.join(ALGORITHMS)}, HMAC-SHA1 or SHA256withRSA"
    elif request.access_key_id:
        reason = "The request names an AccessKey id but has no signature"
    else:
        reason = "The request has neither an Authorization header nor the parameters AccessKeyId and Signature"
        return Problem("missing-access-key", "", reason)
    return Problem("incomplete", "", reason)


def _incomplete(request: SignedRequest, scheme: Scheme) -> Problem | None:
    """Name the fields that a signature of this scheme must have; SignatureNonce is not one (clients.md 2.13)."""
    if not request.access_key_id:
        return Problem("missing-access-key", "", f"The {scheme} signature comes without an AccessKey id")
    if scheme in PARAMETER_SCHEMES:
        names = ("Signature", "SignatureMethod", "SignatureVersion")
        missing = [name for name in names if not request.parameters.get(name)]
        if scheme == "SHA256withRSA" and request.parameter("SignatureType") != PRIVATE_KEY:
            missing.append(f"SignatureType {PRIVATE_KEY}")
    else:
        given = request.authorization
        fields = {"Credential": given.credential, "SignedHeaders": given.names, "Signature": given.signature}
        missing = [f"{name} in the Authorization header" for name, field in fields.items() if not field]
        if scheme == "ACS4" and given.credential and given.scope[3:] != ["aliyun_v4_request"]:
            missing.append("a Credential of the form id/date/region/product/aliyun_v4_request")
    reason = f"The {scheme} signature lacks {', '.join(missing)}" if missing else ambiguity(request)
    return Problem("incomplete", "", reason) if reason else None


def _bad_time(request: SignedRequest, now: float, tolerance: float) -> Problem | None:
    name = "The parameter Timestamp" if request.scheme in PARAMETER_SCHEMES else "The header x-acs-date"
    signed_at, text = timestamp_of(request), timestamp_text(request)
    if signed_at is None:
        reason = f"{name} is {quoted(text)}, not of the form 2026-01-31T12:00:00Z" if text else f"{name} is missing"
        return Problem("missing-timestamp", "", reason)
    if abs(now - signed_at) <= tolerance:
        return None
    direction = "behind" if now > signed_at else "ahead of"
    reason = f"{name} is {abs(now - signed_at):.0f} seconds {direction} the server's clock; {tolerance:.0f} are allowed"
    return Problem("expired", "", reason)


def _bad_key(request: SignedRequest, scheme: Scheme, keys: Keys) -> Problem | None:
    access_key_id = request.access_key_id
    key: bytes | None
    if scheme == "SHA256withRSA":
        key, kind = keys.public_key(access_key_id), "ClientKey"
    else:
        secret, kind = keys.secret(access_key_id), "AccessKey"
        key = None if secret is None else utf8(secret)
    if key is None:
        return Problem("unknown-access-key", "", f"No {kind} id {quoted(access_key_id)} is known here")
    if access_key_id.startswith("STS.") and security_token_of(request) is None:
        return Problem("missing-security-token", "", "A temporary AccessKey id (STS.) needs its security token")
    right, given, uncovered = recipe(request, key, keys.verify_rsa), _given(request), _uncovered(request)
    if not uncovered and _matches(request, right, given):
        return None
    from kms_mock.rpc.signature_explained import explanation  # noqa: PLC0415 (most signatures match)

    reason = f"The {scheme} signature does not match: {uncovered or explanation(request, right, given, key)}"
    canonical, to_sign = _texts(right)
    return Problem("mismatch", to_sign, reason, canonical)


def check(request: SignedRequest, keys: Keys, now: float, tolerance: float = TOLERANCE) -> Problem | None:
    """Verify a request: None if all is right, checked in this order: form, time, AccessKey id, signature."""
    scheme = request.scheme
    if scheme is None:
        return _unsigned(request)
    return _incomplete(request, scheme) or _bad_time(request, now, tolerance) or _bad_key(request, scheme, keys)
