"""Requests that are signed, for a server that verifies them: their nonces are left out, so that one may be sent again."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping
from urllib.parse import quote, urlencode

_ID, _SECRET, _NAME, _VERSION = "bench", "bench-secret", "app/secret-5", "2016-01-20"
FIXTURE: dict[str, object] = {
    "authentication": {"signatures": "verify"},
    "accounts": [{"id": "1234567890123456", "access_keys": [{"id": _ID, "secret": _SECRET}]}],
    "secrets": [{"name": _NAME, "value": "value-5"}],
}


def _request(query: str, headers: Mapping[str, str]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in {**headers, "content-length": "0"}.items())
    return f"POST /?{query} HTTP/1.1\r\n{lines}\r\n".encode()


def _encoded(parameters: Mapping[str, str]) -> str:
    return urlencode(sorted(parameters.items()), quote_via=quote, safe="~")


def acs3() -> bytes:
    """Return a GetSecretValue as the current SDKs sign it, with the headers that they send."""
    query, digest = _encoded({"SecretName": _NAME}), hashlib.sha256(b"").hexdigest()
    headers = {
        "accept": "application/json",
        "host": "127.0.0.1",
        "user-agent": "bench",
        "x-acs-action": "GetSecretValue",
        "x-acs-content-sha256": digest,
        "x-acs-credentials-provider": "static_ak",
        "x-acs-date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "x-acs-version": _VERSION,
    }
    names, lines = ";".join(headers), "".join(f"{name}:{value}\n" for name, value in headers.items())
    canonical = f"POST\n/\n{query}\n{lines}\n{names}\n{digest}"
    to_sign = f"ACS3-HMAC-SHA256\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.digest(_SECRET.encode(), to_sign.encode(), "sha256").hex()
    authorization = f"ACS3-HMAC-SHA256 Credential={_ID},SignedHeaders={names},Signature={signature}"
    return _request(query, {**headers, "Authorization": authorization})


def hmac_sha1() -> bytes:
    """Return a GetSecretValue as the older SDKs sign it."""
    parameters = {
        "AccessKeyId": _ID,
        "Action": "GetSecretValue",
        "Format": "JSON",
        "RegionId": "cn-hangzhou",
        "SecretName": _NAME,
        "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0",
        "Timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "Version": _VERSION,
    }
    to_sign = f"POST&%2F&{quote(_encoded(parameters), safe='~')}"
    digest = hmac.digest(f"{_SECRET}&".encode(), to_sign.encode(), "sha1")
    return _request(_encoded({**parameters, "Signature": base64.b64encode(digest).decode()}), {"Host": "127.0.0.1"})
