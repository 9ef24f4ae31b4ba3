"""Requests signed by hand, as the vendor's documents say: what a client library would not send wrongly."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import quote, urlencode

from tests.support.raw_http import FORM, VERSION, http

NamesAndValues = Sequence[tuple[str, str]]


def stamp(at: float | None = None) -> str:
    """Return a time of signing, by default now."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() if at is None else at))  # noqa: TID251 (a client)


def _encoded(pairs: NamesAndValues) -> str:
    return urlencode(sorted(pairs), quote_via=quote, safe="~")


def hmac_sha1(secret: str) -> Callable[[str], str]:
    """Return the signing function of HMAC-SHA1."""
    key = f"{secret}&".encode()
    return lambda text: base64.b64encode(hmac.digest(key, text.encode(), "sha1")).decode()


def rpc_pairs(sign: Callable[[str], str], method: str, **changes: str | None) -> list[tuple[str, str]]:
    """Return the parameters of a signed DescribeSecret; `changes` replaces them, or leaves them out with None."""
    wanted: dict[str, str | None] = {
        "Action": "DescribeSecret",
        "Version": VERSION,
        "SecretName": "db",
        "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0",
        "Timestamp": stamp(),
        **changes,
    }
    return rpc_signed(sign, method, [(name, value) for name, value in wanted.items() if value is not None])


def rpc_signed(sign: Callable[[str], str], method: str, pairs: NamesAndValues) -> list[tuple[str, str]]:
    """Return these parameters with their signature."""
    return [*pairs, ("Signature", sign(f"{method}&%2F&{quote(_encoded(pairs), safe='~')}"))]


def acs(
    scheme: str,
    access_key_id: str,
    secret: str,
    *,
    query: NamesAndValues = (("SecretName", "db"),),
    form: NamesAndValues | None = None,
    signed: Mapping[str, str | None] | None = None,
    unsigned: Mapping[str, str] | None = None,
    leave_out: Sequence[str] = (),
    signed_headers: str | None = None,
    bare_empty: bool = False,
) -> bytes:
    """Return a DescribeSecret signed with ACS3 or ACS4.

    `signed` changes or adds headers before signing, `unsigned` adds them after it, `leave_out` names headers that are sent
    but not signed, `signed_headers` is written into the Authorization header as it stands.
    """
    body = b"" if form is None else urlencode(form).encode()
    digest = hashlib.sha256(body).hexdigest()
    wanted: dict[str, str | None] = {
        "host": "127.0.0.1",
        "x-acs-action": "DescribeSecret",
        "x-acs-content-sha256": digest,
        "x-acs-date": stamp(),
        "x-acs-version": VERSION,
        **({} if form is None else {"content-type": FORM}),
        **(signed or {}),
    }
    headers = {name: value for name, value in sorted(wanted.items()) if value is not None}
    names = [name for name in headers if name not in leave_out]
    listed = ";".join(names) if signed_headers is None else signed_headers
    text = _encoded(query)
    if bare_empty:
        text = "&".join(each.removesuffix("=") for each in text.split("&"))
    lines = "".join(f"{name}:{headers[name]}\n" for name in names)
    canonical = f"POST\n/\n{text}\n{lines}\n{listed}\n{digest}"
    key, credential = secret.encode(), access_key_id
    if scheme == "ACS4":
        scope = ((headers.get("x-acs-date") or "")[:10].replace("-", ""), "cn-hangzhou", "Kms", "aliyun_v4_request")
        key, credential = f"aliyun_v4{secret}".encode(), "/".join((access_key_id, *scope))
        for step in scope:
            key = hmac.digest(key, step.encode(), "sha256")
    to_sign = f"{scheme}-HMAC-SHA256\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    authorization = f"{scheme}-HMAC-SHA256 Credential={credential},SignedHeaders={listed},Signature={signature}"
    sent = {("Host" if name == "host" else name): value for name, value in headers.items()}
    return http(
        "POST", urlencode(query), body=body, headers={**sent, "Authorization": authorization, **(unsigned or {})}
    )
