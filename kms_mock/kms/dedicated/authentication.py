"""Who sent a request: the holder of a client key, who signed it (dedicated.md 1). Nobody else is let in."""

from __future__ import annotations

import hashlib
from email.utils import mktime_tz, parsedate_tz
from functools import lru_cache

from kms_mock.crypto import b64
from kms_mock.identity.accounts import Caller
from kms_mock.kms.dedicated import errors
from kms_mock.kms.model.client_key_rights import KnownClientKey, check_dates
from kms_mock.kms.model.client_key_signatures import verify_signature
from kms_mock.rpc.decode import ApiRequest, HttpRequest
from kms_mock.rpc.signature import TOLERANCE
from kms_mock.sources import Sources

CLIENT_KEY_ID = "x-kms-acccesskeyid"  # with three c
_SIGNATURE_METHOD = "x-kms-signaturemethod"
_METHOD = "RSA_PKCS1_SHA_256"
_LONGEST_DATE = 64  # characters: clients choose what is remembered
_SCHEMES = ("Bearer", "TOKEN")  # what the clients write, and what the help page says


def authenticate(request: ApiRequest, sources: Sources) -> Caller:
    """Return the application that signed a request.

    Raises, in this order: MISSING_PARAMETER without an id, INVALID_PARAM for a header, SIGNATURE_NOT_MATCH for another
    body, REQUEST_TIME_TOO_SKEWED, UNAUTHORIZED, ACCESS_KEY_INACTIVE outside the key's dates, SIGNATURE_NOT_MATCH.
    """
    http, client_key_id = request.http, request.access_key_id
    if not client_key_id:
        raise errors.MISSING_PARAMETER(f"The header {CLIENT_KEY_ID} is missing.", name=CLIENT_KEY_ID)
    headers = http.headers
    signature = _signature(http)
    sha256, date = headers.get("content-sha256", ""), headers.get("date", "")
    _check_body(http.body, sha256)
    _check_date(date, sources.real_now())
    found: KnownClientKey | None = request.signer
    if found is None:
        raise errors.UNAUTHORIZED(
            f"There is no client key {client_key_id[:60]!a}: it was deleted, or is in no fixture file.",
            name=client_key_id[:60],
        )
    check_dates(found.client_key, sources.now())
    if not verify_signature(found.client_key.certificate, _string_to_sign(http, sha256, date), signature):
        raise errors.SIGNATURE_NOT_MATCH(
            f"The signature was not made with client key {client_key_id}, or something was changed since: it covers "
            "method, Content-SHA256, Content-Type, Date, and every header that starts with x-kms-."
        )
    return found.caller


def _string_to_sign(http: HttpRequest, sha256: str, date: str) -> bytes:
    """Return what the client signed; the resource is always `/`."""
    headers = http.headers
    lines = [http.method, sha256, headers.get("content-type", ""), date]
    values = tuple(headers.values())
    for name, place in _signed_headers(tuple(headers)):
        lines.append(f"{name}:{values[place].strip()}")
    lines.append("/")
    return "\n".join(lines).encode("utf-8", "surrogateescape")


@lru_cache(maxsize=64)  # a client's requests all have the same names
def _signed_headers(names: tuple[str, ...]) -> list[tuple[str, int]]:
    """Return the names of the headers that are signed, in their order in the string to sign, with their places."""
    folded = [(name.lower(), place) for place, name in enumerate(names)]
    return sorted((name, place) for name, place in folded if name.startswith("x-kms-"))


def _signature(http: HttpRequest) -> bytes:
    method = http.headers.get(_SIGNATURE_METHOD, "")
    if method != _METHOD:
        detail = f' message:"{method[:40]}".' if method else ""
        raise errors.INVALID_PARAM(f"{_SIGNATURE_METHOD} is {_METHOD}.", name=_SIGNATURE_METHOD, detail=detail)
    scheme, _, text = http.headers.get("authorization", "").partition(" ")
    try:
        signature = b64.decode_canonical(text.strip())
    except ValueError:
        signature = b""
    if scheme not in _SCHEMES or not signature:
        raise errors.INVALID_PARAM("The form of Authorization is `Bearer <Base64>`.", name="Authorization")
    return signature


def _check_body(body: bytes, claimed: str) -> None:
    if (claimed or body) and claimed.upper() != hashlib.sha256(body).hexdigest().upper():
        raise errors.SIGNATURE_NOT_MATCH(f"Content-SHA256 is not that of the {len(body)} bytes that arrived.")


@lru_cache(maxsize=64)  # the requests of a second have the same
def _time_of(date: str) -> float | None:
    parsed = parsedate_tz(date)
    try:
        return None if parsed is None else mktime_tz(parsed)
    except (ValueError, OverflowError):
        return None


def _check_date(date: str, now: float) -> None:
    signed_at = _time_of(date) if len(date) <= _LONGEST_DATE else None
    if signed_at is None:
        raise errors.INVALID_PARAM("Date is missing, or not of the form of RFC 1123.", name="Date")
    if abs(now - signed_at) > TOLERANCE:
        direction = "behind" if now > signed_at else "ahead of"
        raise errors.REQUEST_TIME_TOO_SKEWED(
            f"Date is {abs(now - signed_at):.0f} seconds {direction} the server's clock; {TOLERANCE:.0f} are allowed."
        )
