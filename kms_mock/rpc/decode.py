"""From one HTTP request to one API request: action, version, parameters, format, caller's claims.

The rules are the numbered wire requirements of clients.md 2; each is cited where it acts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Protocol
from urllib.parse import unquote_to_bytes

from msgspec import Struct

from kms_mock.rpc import errors
from kms_mock.rpc.signed_request import PARAMETER_SCHEMES, SignedRequest, signer_in

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

# Decoding holds the event loop, and each of these costs a microsecond. Flattened lists and contexts have hundreds of
# names; a secret value of 30 KB has at most 30,720 escapes, a description of 8,192 characters at most 24,576.
MAX_PARAMETERS = 10_000
MAX_ESCAPES = 70_000
_SHORT = 64  # characters: in longer texts looking for one escape costs more than reading all

_NAME = re.compile(r"[A-Za-z]\w{0,59}(\.[0-9]{1,4}(\.[A-Za-z]\w{0,59})?)?", re.ASCII)
_NO_ACTION = (  # somebody who tries the address may read it
    "Neither the header x-acs-action nor the parameter Action is there. This is the endpoint of the API, which SDKs call; "
    "the page for people is at /_kms_mock/, and GET /_kms_mock/health says whether the server works."
)
_AWS = "This looks like a request to AWS; kms-mock stands in for Alibaba Cloud KMS."
_FORM = "application/x-www-form-urlencoded"
_MEDIA_TYPE = re.compile(r"(?:application|audio|image|multipart|text|video)/[a-z0-9.+-]{1,60}")
_AUTHORITY = re.compile(r"https?://[^/?#]*", re.IGNORECASE)
_FORMAT = re.compile(r"(?:^|&)Format=([A-Za-z]+)")


class HttpRequest(Struct, frozen=True, gc=False):
    """What the wire gives: the target as sent (path and query, still escaped), headers whose look-up ignores case.

    `peer` is the client's address, `secure` whether the request came through TLS, `listener_region` the region whose
    endpoint it came in by (None: requests choose their region). A request that comes through a proxy names the whole
    URL; of that, path and query count.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""
    peer: str | None = None
    secure: bool = False
    listener_region: str | None = None

    @property
    def origin(self) -> tuple[str, str]:
        """The parts of the target before and after the first question mark, still escaped."""
        target = self.target
        if not target.startswith("/"):
            target = _AUTHORITY.sub("", target, count=1)
        path, _, query = target.partition("?")
        return path, query

    def __repr__(self) -> str:
        return f"HttpRequest({self.method!r})"  # secret values travel in the query and the body


class ApiRequest(Struct, frozen=True, gc=False):
    """One decoded API request. `region` is None when the request names none; parameters include the system ones.

    `query` and `form` are where the parameters came from, still escaped. `signer` is what decoding found of who signed it,
    in a wire form that has to look for that.
    """

    action: str
    version: str | None
    xml: bool
    access_key_id: str
    region: str | None
    parameters: dict[str, str]
    query: str
    form: str
    http: HttpRequest
    signer: Any = None

    def __repr__(self) -> str:
        return f"ApiRequest({self.action!r}, access_key_id={self.access_key_id!r}, region={self.region!r})"


def wants_xml(format_parameter: str | None, accept: str | None) -> bool:
    """Return whether the answer is XML: `Format` decides, without it the Accept header; else JSON (clients.md 2.17)."""
    if format_parameter is not None:
        return format_parameter.upper() == "XML"
    return accept is not None and "xml" in accept and "json" not in accept


def wants_xml_answer(http: HttpRequest) -> bool:
    """Return whether a request that could not be decoded asked for XML; never raises."""
    found = _FORMAT.search(http.origin[1]) or _FORMAT.search(http.body.decode("latin-1"))
    return wants_xml(found.group(1) if found else None, http.headers.get("Accept"))


class Hosts(Protocol):
    """What decoding needs of a product: the pattern that finds the region in its public host names."""

    @property
    def host(self) -> re.Pattern[str]:
        """The pattern; its first group is the region."""
        ...


def decode(http: HttpRequest, products: Iterable[Hosts] = ()) -> ApiRequest:
    """Read one HTTP request. Raises ApiError: a wrong method, path or body, or no action."""
    if http.method not in ("GET", "POST"):
        raise errors.UNSUPPORTED_HTTP_METHOD("The RPC API takes GET and POST, no other method.")
    path, query = http.origin
    headers, body = http.headers, http.body
    form = form_text(headers.get("content-type"), body) if body else ""
    parameters = parameters_of(query, form)
    scheme, access_key_id = signer_in(headers, parameters)
    action, version = parameters.get("Action"), parameters.get("Version")
    if scheme not in PARAMETER_SCHEMES:  # as in `deciding`
        action, version = headers.get("x-acs-action") or action, headers.get("x-acs-version") or version
    if not action:
        is_aws = headers.get("authorization", "").startswith("AWS4-")
        raise errors.MISSING_PARAMETER(_AWS if is_aws else _NO_ACTION, name="Action")
    if path not in ("/", ""):
        raise errors.INVALID_ACTION("The RPC API answers at the path / alone.")
    if not (action.isascii() and access_key_id.isascii() and (version is None or version.isascii())):
        action, version, access_key_id = writable(action), version and writable(version), writable(access_key_id)
    return ApiRequest(
        action=action,
        version=version,
        xml=wants_xml(parameters.get("Format"), headers.get("accept")),
        access_key_id=access_key_id,
        region=region_of(http, parameters, products),
        parameters=parameters,
        query=query,
        form=form,
        http=http,
    )


def is_name(name: str, value: str) -> bool:
    """Return whether an unknown parameter may be misspelt: anything else may be a secret, as in a body that is no form."""
    return _NAME.fullmatch(name) is not None and value.strip("=") != ""


def writable(text: str) -> str:
    """Return a text that may come from a header without bytes that are not UTF-8, which no answer could hold: escaped."""
    return text if text.isascii() else text.encode(errors="backslashreplace").decode()


def signed_request(http: HttpRequest, decoded: ApiRequest | None = None) -> SignedRequest:
    """Return a request that `decode` accepted as the verification of signatures needs it; `decoded` saves reading it anew."""
    path, query = http.origin
    form = form_text(http.headers.get("Content-Type"), http.body) if http.body else ""
    if decoded is not None and not form and len(decoded.parameters) == query.count("&") + 1:
        pairs = list(decoded.parameters.items())  # no name is there twice
    else:
        pairs = parse_parameters(query)
    return SignedRequest(
        method=http.method,
        path=path or "/",
        raw_query=query,
        query=pairs,
        form=parse_parameters(form) if form else [],
        headers=list(http.headers.items()),
        body=http.body,
    )


def parameters_of(query: str, form: str) -> dict[str, str]:
    """Return the parameters of a request. The first of a name counts, the query before the form (clients.md 2.3)."""
    sent = parse_parameters(query)
    if form:
        sent += parse_parameters(form)
    parameters = dict(sent)
    return parameters if len(parameters) == len(sent) else dict(reversed(sent))


def parse_parameters(text: str) -> list[tuple[str, str]]:
    """Read an escaped query or form: `+` and `%20` are blanks, blank values stay, UTF-8 (clients.md 2.8).

    As `urllib.parse.parse_qsl` does it, at a fraction of the time: that was the largest single cost of a request.
    Raises PARSE_REQUEST_PARAMETER for what is not UTF-8, and for more than anybody needs.
    """
    if len(text) >= MAX_PARAMETERS:  # else it cannot hold too many
        _check_counts(text)
    pairs = []
    try:
        if not text.isascii():
            text.encode()  # bytes that came unescaped and are not UTF-8 are surrogates by now
        for part in text.replace("+", " ").split("&"):
            if part:
                name, _, value = part.partition("=")
                pairs.append((_unescaped(name) if "%" in name else name, _unescaped(value) if "%" in value else value))
    except ValueError as error:
        raise errors.PARSE_REQUEST_PARAMETER("The parameters are not UTF-8.") from error
    return pairs


def _check_counts(text: str) -> None:
    if text.count("&") >= MAX_PARAMETERS:
        raise errors.PARSE_REQUEST_PARAMETER(f"There are more than {MAX_PARAMETERS} parameters.")
    if text.count("%") > MAX_ESCAPES:
        raise errors.PARSE_REQUEST_PARAMETER(f"There are more than {MAX_ESCAPES} escapes (%) in the parameters.")


def _unescaped(text: str) -> str:
    if len(text) < _SHORT and "%" not in (plain := text.replace("%2F", "/")):
        return plain  # alias/app, app/db: most names have no other escapes
    try:
        # Python's own escapes are read in C: a tenth of the time where there are many, as in Base64 and JSON.
        data = text.encode().replace(b"\\", rb"\\").replace(b"%", rb"\x").decode("unicode_escape").encode("latin-1")
    except UnicodeDecodeError:  # a % that begins no escape stands for itself
        data = unquote_to_bytes(text)
    return data.decode()


def form_text(content_type: str | None, body: bytes) -> str:
    """Read a body that is not empty. POST without a Content-Type is normal (clients.md 2.4), so that counts as a form."""
    kind = _FORM if content_type is None else content_type.partition(";")[0].strip().lower()
    if kind not in (_FORM, "application/octet-stream", ""):  # octet-stream: aiohttp's name for "none given"
        if kind.startswith("application/x-amz-"):
            raise errors.PARSE_REQUEST_PARAMETER(_AWS)
        found = kind if _MEDIA_TYPE.fullmatch(kind) else "of another type"
        raise errors.PARSE_REQUEST_PARAMETER(f"The body is {found}; parameters travel in the query or in a form.")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise errors.PARSE_REQUEST_PARAMETER("The form is not UTF-8.") from error


def region_of(http: HttpRequest, parameters: Mapping[str, str], products: Iterable[Hosts] = ()) -> str | None:
    """Return the region of a request, None if nothing names one.

    At the endpoint of a region it is that one, whatever `RegionId` says: of a public host name, else of the listener.
    Anywhere else the parameter `RegionId` (V1, Go, Java, PHP send it) comes before the public host name. Whether it is
    the name of a region at all is asked when the operation's own parameters are in order.
    """
    listener = http.listener_region
    named = parameters.get("RegionId")
    if named and listener is None:
        return named
    host = http.headers.get("host", "").lower()
    if "aliyuncs" in host:
        for product in products:
            found = product.host.search(host)
            if found:
                return found.group(1) or listener  # some products have a host name without a region
    return listener
