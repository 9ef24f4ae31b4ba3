"""From one HTTP request to one API request: action, version, parameters, format, caller's claims.

The rules are the numbered wire requirements of `reference/clients.md` section 2; each is cited where it acts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

from msgspec import Struct

from kms_mock import errors
from kms_mock.wire.signature import SignedRequest

VERSION = "2016-01-20"

# What travels with every request and belongs to no operation (behaviour.md 19; clients.md 4.2).
SYSTEM_PARAMETERS = frozenset(
    {
        "AccessKeyId",
        "Action",
        "BearerToken",
        "Format",
        "SecurityToken",
        "Signature",
        "SignatureMethod",
        "SignatureNonce",
        "SignatureType",
        "SignatureVersion",
        "Timestamp",
        "Version",
    }
)

# What clients add on their own account: V1, Go, Java and PHP the region, terraform the rest (clients.md 2.13).
EXTRA_PARAMETERS = frozenset({"ClientToken", "RegionId", "SecureTransport", "SourceIp"})

# Base64 is full of these, and one by one they cost more than the rest of a Decrypt. What they stand for is no hexadecimal
# digit, so replacing them first makes no new escape.
_BASE64_ESCAPES = (("%2B", "+"), ("%2F", "/"), ("%3D", "="))

_FORM = "application/x-www-form-urlencoded"
_AUTHORITY = re.compile(r"https?://[^/?#]*", re.IGNORECASE)
_FORMAT = re.compile(r"(?:^|&)Format=([A-Za-z]+)")
_PUBLIC_HOST = re.compile(r"kms(?:-vpc|-intl)?\.([a-z0-9-]+)\.aliyuncs\.com")


class HttpRequest(Struct, frozen=True, gc=False):
    """What the wire gives: the target as sent (path and query, still escaped), headers whose look-up ignores case.

    A request that comes through a proxy names the whole URL; of that, path and query count.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def origin(self) -> tuple[str, str]:
        """The parts of the target before and after the first question mark, still escaped."""
        target = self.target if self.target.startswith("/") else _AUTHORITY.sub("", self.target, count=1)
        path, _, query = target.partition("?")
        return path, query

    def __repr__(self) -> str:
        return f"HttpRequest({self.method!r})"  # secret values travel in the query and the body


class ApiRequest(Struct, frozen=True, gc=False):
    """One decoded API request. `region` is None when the request names none; parameters include the system ones.

    `query` and `form` are where the parameters came from, still escaped.
    """

    action: str
    version: str
    xml: bool
    access_key_id: str
    region: str | None
    parameters: dict[str, str]
    query: str
    form: str
    http: HttpRequest

    def __repr__(self) -> str:
        return f"ApiRequest({self.action!r}, access_key_id={self.access_key_id!r}, region={self.region!r})"


def wants_xml(format_parameter: str | None, accept: str | None) -> bool:
    """Say whether the answer is XML: `Format` decides, without it the Accept header; else JSON (clients.md 2.17)."""
    if format_parameter is not None:
        return format_parameter.upper() == "XML"
    return accept is not None and "xml" in accept and "json" not in accept


def format_of(http: HttpRequest) -> bool:
    """Say whether a request that could not be decoded asked for XML; never raises."""
    found = _FORMAT.search(http.origin[1]) or _FORMAT.search(http.body.decode("latin-1"))
    return wants_xml(found.group(1) if found else None, http.headers.get("Accept"))


def decode(http: HttpRequest) -> ApiRequest:
    """Read one HTTP request. Raises ApiError: a wrong method, path, body or version, or no action."""
    if http.method not in ("GET", "POST"):
        raise errors.UNSUPPORTED_HTTP_METHOD(f"The method is {http.method}; the RPC API takes GET and POST.")
    (path, query), headers = http.origin, http.headers
    action = headers.get("x-acs-action")
    if action is None and ("x-kms-apiname" in headers or "protobuf" in headers.get("Content-Type", "")):
        raise errors.PARSE_REQUEST_PARAMETER(  # clients.md 4.7b
            "This is a request of the dedicated gateway of a KMS instance (protobuf). "
            "kms-mock speaks the RPC API of the shared gateway."
        )
    form = form_text(headers.get("Content-Type"), http.body) if http.body else ""
    parameters = parameters_of(query, form)
    action = action or parameters.get("Action")
    if not action:
        raise errors.MISSING_PARAMETER(
            "Neither the header x-acs-action nor the parameter Action is there.", name="Action"
        )
    if path not in ("/", ""):
        raise errors.INVALID_ACTION(f"The RPC API answers at the path /, not at {path[:80]}.")
    version = headers.get("x-acs-version") or parameters.get("Version")
    if version != VERSION:
        raise errors.INVALID_VERSION(f"Version is {version!r:.40}; this API is {VERSION}.")
    return ApiRequest(
        action=action,
        version=version,
        xml=wants_xml(parameters.get("Format"), headers.get("Accept")),
        access_key_id=access_key_id(headers, parameters),
        region=region_of(headers, parameters),
        parameters=parameters,
        query=query,
        form=form,
        http=http,
    )


def signed_request(http: HttpRequest) -> SignedRequest:
    """Give a request that `decode` took as the verification of signatures wants it."""
    path, query = http.origin
    return SignedRequest(
        method=http.method,
        path=path or "/",
        raw_query=query,
        query=parse_parameters(query),
        form=parse_parameters(form_text(http.headers.get("Content-Type"), http.body)),
        headers=list(http.headers.items()),
        body=http.body,
    )


def parameters_of(query: str, form: str) -> dict[str, str]:
    """Give the parameters of a request. The first of a name counts, the query before the form (clients.md 2.3)."""
    sent = parse_parameters(query)
    if form:
        sent += parse_parameters(form)
    parameters = dict(sent)
    return parameters if len(parameters) == len(sent) else dict(reversed(sent))


def parse_parameters(text: str) -> list[tuple[str, str]]:
    """Read an escaped query or form: `+` and `%20` are blanks, blank values stay, UTF-8 (clients.md 2.8).

    As `urllib.parse.parse_qsl` does it, at a fraction of the time: that was the largest single cost of a request.
    """
    try:
        if not text.isascii():
            text.encode()  # bytes that came unescaped and are not UTF-8 are surrogates by now
        parts = [part.partition("=") for part in text.replace("+", " ").split("&") if part]
        return [
            (_unescaped(name) if "%" in name else name, _unescaped(value) if "%" in value else value)
            for name, _, value in parts
        ]
    except ValueError as error:
        raise errors.PARSE_REQUEST_PARAMETER("The parameters are not UTF-8.") from error


def _unescaped(text: str) -> str:
    for escape, plain in _BASE64_ESCAPES:
        text = text.replace(escape, plain)
    return unquote_to_bytes(text).decode() if "%" in text else text


def form_text(content_type: str | None, body: bytes) -> str:
    """Read a body. POST without a Content-Type is normal (clients.md 2.4), so that counts as a form."""
    if not body:
        return ""
    kind = _FORM if content_type is None else content_type.partition(";")[0].strip().lower()
    if kind not in (_FORM, "application/octet-stream", ""):  # octet-stream: aiohttp's name for "none given"
        raise errors.PARSE_REQUEST_PARAMETER(f"The body is {kind[:80]}; parameters travel in the query or in a form.")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise errors.PARSE_REQUEST_PARAMETER("The form is not UTF-8.") from error


def access_key_id(headers: Mapping[str, str], parameters: Mapping[str, str]) -> str:
    """Give the caller's AccessKey id wherever the signing scheme puts it, or "" for an anonymous request."""
    claimed = parameters.get("AccessKeyId") or headers.get("x-acs-accesskey-id")
    if claimed:
        return claimed
    credential = headers.get("Authorization", "").partition("Credential=")[2]
    return credential.partition(",")[0].partition("/")[0]


def region_of(headers: Mapping[str, str], parameters: Mapping[str, str]) -> str | None:
    """Give the region that the request names: parameter `RegionId` (V1, Go, Java, PHP send it), or a public host.

    Whether it is the name of a region at all is asked when the operation's own parameters are in order.
    """
    region = parameters.get("RegionId")
    if region:
        return region
    host = headers.get("Host", "")
    found = _PUBLIC_HOST.search(host) if "aliyuncs" in host else None
    return found.group(1) if found else None
