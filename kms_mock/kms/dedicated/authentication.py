"""Who sent a request: the holder of a client key, who signed it (dedicated.md 1). Nobody else is let in."""

from __future__ import annotations

import hashlib
from email.utils import mktime_tz, parsedate_tz
from functools import lru_cache

from kms_mock.crypto import b64
from kms_mock.identity.accounts import Caller
from kms_mock.kms.dedicated import errors
from kms_mock.kms.model.client_key_rights import caller_of, find_client_key
from kms_mock.kms.model.client_key_signatures import verify_signature
from kms_mock.rpc.decode import ApiRequest, HttpRequest
from kms_mock.rpc.signature import TOLERANCE
from kms_mock.sources import Sources
from kms_mock.store.store import Store

CLIENT_KEY_ID = "x-kms-acccesskeyid"  # with three c
_SIGNATURE_METHOD = "x-kms-signaturemethod"
_METHOD = "RSA_PKCS1_SHA_256"
_LONGEST_DATE = 64  # characters: clients choose what is remembered
_SCHEMES = ("Bearer", "TOKEN")  # what the clients write, and what the help page says


def authenticate(request: ApiRequest, store: Store, sources: Sources) -> Caller:
    """Return the application that signed a request.

    Raises, in this order: MISSING_PARAMETER without an id, INVALID_PARAM for a header, SIGNATURE_NOT_MATCH for another
    body, REQUEST_TIME_TOO_SKEWED, UNAUTHORIZED, ACCESS_KEY_INACTIVE outside the key's dates, SIGNATURE_NOT_MATCH.
    """
    http, client_key_id = request.http, request.access_key_id
    if not client_key_id:
        raise errors.MISSING_PARAMETER(f"The header {CLIENT_KEY_ID} is missing.", name=CLIENT_KEY_ID)
    signature = _signature(http)
    _check_body(http)
    _check_date(http, sources.real_now())
    found = find_client_key(store, client_key_id)
    if found is None:
        raise errors.UNAUTHORIZED(
            f"There is no client key {client_key_id[:60]!a}: it was deleted, or is in no fixture file.",
            name=client_key_id[:60],
        )
    caller = caller_of(found, sources.now())
    if not verify_signature(found.client_key.certificate, string_to_sign(http), signature):
        raise errors.SIGNATURE_NOT_MATCH(
            f"The signature was not made with client key {client_key_id}, or something was changed since: it covers "
            "method, Content-SHA256, Content-Type, Date, and every header that starts with x-kms-."
        )
    return caller


def string_to_sign(http: HttpRequest) -> bytes:
    """Return what the client signed; the resource is always `/`."""
    headers = http.headers
    lines = [http.method, headers.get("content-sha256", ""), headers.get("content-type", ""), headers.get("date", "")]
    signed: list[tuple[str, str]] = []
    for name, value in headers.items():  # loops: before Python 3.12 a comprehension is a call of its own
        if name[:1] in "xX" and name[:6].lower() == "x-kms-":
            signed.append((name.lower(), value.strip()))
    for name, value in sorted(signed):
        lines.append(f"{name}:{value}")
    lines.append("/")
    return "\n".join(lines).encode("utf-8", "surrogateescape")


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


def _check_body(http: HttpRequest) -> None:
    claimed = http.headers.get("content-sha256", "")
    if (claimed or http.body) and claimed.upper() != hashlib.sha256(http.body).hexdigest().upper():
        raise errors.SIGNATURE_NOT_MATCH(f"Content-SHA256 is not that of the {len(http.body)} bytes that arrived.")


@lru_cache(maxsize=64)  # the requests of a second have the same
def _time_of(date: str) -> float | None:
    parsed = parsedate_tz(date)
    try:
        return None if parsed is None else mktime_tz(parsed)
    except (ValueError, OverflowError):
        return None


def _check_date(http: HttpRequest, now: float) -> None:
    date = http.headers.get("date", "")
    signed_at = _time_of(date) if len(date) <= _LONGEST_DATE else None
    if signed_at is None:
        raise errors.INVALID_PARAM("Date is missing, or not of the form of RFC 1123.", name="Date")
    if abs(now - signed_at) > TOLERANCE:
        direction = "behind" if now > signed_at else "ahead of"
        raise errors.REQUEST_TIME_TOO_SKEWED(
            f"Date is {abs(now - signed_at):.0f} seconds {direction} the server's clock; {TOLERANCE:.0f} are allowed."
        )
