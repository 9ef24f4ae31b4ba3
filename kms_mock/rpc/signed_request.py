"""What a request claims and what its signature covers: the one place that decides which of two sources counts.

| scheme | where | covers | does not cover |
|---|---|---|---|
| ACS3, ACS4 | `Authorization` header | query, body, the headers in SignedHeaders (all of `SIGNED_HEADERS` that arrived) | the rest |
| HMAC-SHA1, SHA256withRSA | RPC parameters | the parameters of query and form | every header |

`decode` and the verification of signatures ask the same functions, so that the caller is always the signer and the
operation always the signed one. An RPC signature covers no header, so a header never decides there. With an `Authorization`
header, and in an unsigned request, a header counts before the parameter (clients.md 2.2).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from msgspec import Struct

from kms_mock.rpc.cached import cached

Scheme = Literal["ACS3", "ACS4", "HMAC-SHA1", "SHA256withRSA"]
Pairs = Sequence[tuple[str, str]]

ALGORITHMS: Mapping[str, Scheme] = {"ACS3-HMAC-SHA256": "ACS3", "ACS4-HMAC-SHA256": "ACS4"}
METHODS: Mapping[str, Scheme] = {"": "HMAC-SHA1", "HMAC-SHA1": "HMAC-SHA1", "SHA256withRSA": "SHA256withRSA"}
PARAMETER_SCHEMES = frozenset(METHODS.values())
PRIVATE_KEY = "PRIVATEKEY"  # the SignatureType of SHA256withRSA (dedicated.md 5)
# The vendor's rule for ACS3 ("V3 request structure and signature"): these must be signed wherever they are sent.
SIGNED_HEADERS = re.compile("x-acs-.*|host|content-type")
_SHA256_OF_NOTHING = hashlib.sha256(b"").hexdigest()
_BLANKS = " \t"  # what HTTP ignores around a value: `decode` must see the same value as the verification
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z", re.ASCII)


# -- which source counts ----------------------------------------------------------------------------------------------
# `headers` is any mapping that finds a header by its lower-case name, `parameters` holds the first of each name.
def signer_in(headers: Mapping[str, str], parameters: Mapping[str, str]) -> tuple[Scheme | None, str]:
    """Return the signature scheme, and the AccessKey id of the signer.

    The scheme is None for an unsigned request, a bearer token, or an unknown scheme; the id is "" for an anonymous
    request. An RPC signature names the id in `AccessKeyId`. Else `Credential` of the `Authorization` header comes before
    the parameter and that before the header `x-acs-accesskey-id` (unsigned requests, bearer tokens).
    """
    authorization = headers.get("authorization")
    scheme = ALGORITHMS.get(authorization.partition(" ")[0]) if authorization is not None else None
    if scheme is None:
        scheme = _parameter_scheme(headers, parameters)
        if scheme is not None:
            return scheme, parameters.get("AccessKeyId", "")
    signer = authorization.partition("Credential=")[2].partition(",")[0].partition("/")[0] if authorization else ""
    return scheme, signer or parameters.get("AccessKeyId") or headers.get("x-acs-accesskey-id") or ""


def _parameter_scheme(headers: Mapping[str, str], parameters: Mapping[str, str]) -> Scheme | None:
    """Return the scheme of a signature among the parameters, None if there is none, or an unknown one."""
    method = parameters.get("SignatureMethod", "")
    if not (method or parameters.get("Signature") or parameters.get("SignatureVersion")):
        return None
    return None if is_bearer(headers, parameters) else METHODS.get(method)


def is_bearer(headers: Mapping[str, str], parameters: Mapping[str, str]) -> bool:
    """Return whether a bearer token takes the place of a signature (clients.md 2.14)."""
    return bool(headers.get("x-acs-bearer-token")) or parameters.get("SignatureType") == "BEARERTOKEN"


def deciding(scheme: Scheme | None, header: str | None, parameter: str | None) -> str | None:
    """Return a value that may come as a header or as a parameter: the one that counts (see the module)."""
    return parameter if not header or scheme in PARAMETER_SCHEMES else header


def _claims(headers: Mapping[str, str], parameters: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each AccessKey id that is named, and where."""
    if signer := _credential(headers.get("authorization", "")).partition("/")[0]:
        yield "Credential", signer
    if named := parameters.get("AccessKeyId"):
        yield "the parameter AccessKeyId", named
    if named := headers.get("x-acs-accesskey-id"):
        yield "the header x-acs-accesskey-id", named


def _credential(authorization: str) -> str:
    return authorization.partition("Credential=")[2].partition(",")[0]


# -- the request ------------------------------------------------------------------------------------------------------
class Authorization(NamedTuple):
    """The fields of `Authorization: ACS3-HMAC-SHA256 Credential=..,SignedHeaders=..,Signature=..`."""

    credential: str
    signed_headers: str
    signature: str
    names: list[str]  # those in SignedHeaders, in lower case, in the order of the client

    @property
    def scope(self) -> list[str]:
        """The ACS4 credential after the AccessKey id: date, region, product, `aliyun_v4_request`."""
        return self.credential.split("/")[1:]


class SignedRequest(Struct, frozen=True, dict=True):
    """A received request: decoded (name, value) pairs in the order of arrival, and header values as received."""

    method: str
    path: str
    raw_query: str
    query: Pairs
    form: Pairs
    headers: Pairs
    body: bytes

    def __repr__(self) -> str:
        return f"SignedRequest({self.method!r})"  # secret values travel in everything else

    @cached
    def header_values(self) -> dict[str, str]:
        """The headers by lower-case name; several of one name are sorted and joined, as the SDKs sign them."""
        values = {name.lower(): value.strip(_BLANKS) for name, value in self.headers}
        if len(values) < len(self.headers):
            values |= {name: ",".join(sorted(several)) for name, several in self.repeated_headers.items()}
        return values

    @cached
    def repeated_headers(self) -> dict[str, list[str]]:
        """The values of headers that arrived more than once, by lower-case name."""
        values: dict[str, list[str]] = {}
        for name, value in self.headers:
            values.setdefault(name.lower(), []).append(value.strip(_BLANKS))
        return {name: several for name, several in values.items() if len(several) > 1}

    @cached
    def parameters(self) -> dict[str, str]:
        """The first parameter of each name, the query before the form (clients.md 2.3)."""
        parameters = dict(self.query)
        if self.form or len(parameters) < len(self.query):
            return dict(reversed((*self.query, *self.form)))
        return parameters

    @cached
    def _signer(self) -> tuple[Scheme | None, str]:
        return signer_in(self.header_values, self.parameters)

    @property
    def scheme(self) -> Scheme | None:
        """The signature scheme, as `signer_in` finds it."""
        return self._signer[0]

    @cached
    def authorization(self) -> Authorization:
        """The fields of the `Authorization` header; those that are missing are empty."""
        text = self.header_values.get("authorization", "")
        fields: dict[str, str] = {}
        for field in text.partition(" ")[2].split(","):
            name, _, value = field.partition("=")
            fields[name.strip()] = value.strip()
        signed_headers = fields.get("SignedHeaders", "")
        names = [name.strip() for name in signed_headers.lower().split(";")]
        return Authorization(_credential(text), signed_headers, fields.get("Signature", ""), list(filter(None, names)))

    @property
    def access_key_id(self) -> str:
        """The AccessKey id of the signer, as `signer_in` finds it; "" for an anonymous request."""
        return self._signer[1]

    @cached
    def body_sha256(self) -> str:
        """The SHA-256 of the body in lower-case hexadecimal."""
        return hashlib.sha256(self.body).hexdigest() if self.body else _SHA256_OF_NOTHING

    def header(self, name: str) -> str | None:
        """Return a header by its lower-case name."""
        return self.header_values.get(name)

    def parameter(self, name: str) -> str | None:
        """Return the first parameter of that name."""
        return self.parameters.get(name)

    def value(self, header: str, parameter: str) -> str | None:
        """Return a value that may come as a header or as a parameter, from the source that counts."""
        return deciding(self.scheme, self.header(header), self.parameter(parameter))


def security_token_of(request: SignedRequest) -> str | None:
    """Return the STS token: header `x-acs-security-token` (V2) or parameter `SecurityToken` (RPC; clients.md 2.14)."""
    return request.value("x-acs-security-token", "SecurityToken") or None


def nonce_of(request: SignedRequest) -> str | None:
    """Return the signature's nonce: header `x-acs-signature-nonce` or parameter `SignatureNonce`."""
    return request.value("x-acs-signature-nonce", "SignatureNonce") or None


def timestamp_of(request: SignedRequest) -> float | None:
    """Return when the request was signed, in epoch seconds: `x-acs-date` or `Timestamp`, None if it is no time.

    Milliseconds are fine (clients.md 2.13).
    """
    text = timestamp_text(request)
    try:
        return datetime.fromisoformat(text).timestamp() if TIMESTAMP.fullmatch(text) else None
    except ValueError:  # the 30th of February
        return None


def timestamp_text(request: SignedRequest) -> str:
    """Return the time of signing as the client wrote it; "" when there is none."""
    date = request.header("x-acs-date") or ""
    if request.scheme not in PARAMETER_SCHEMES and (date or request.scheme):
        return date
    # The vendor's older pages, and clients written after them, spell it `TimeStamp`.
    return request.parameter("Timestamp") or request.parameter("TimeStamp") or ""


# -- ambiguities ------------------------------------------------------------------------------------------------------
def ambiguity(request: SignedRequest) -> str:
    """Return what makes it unclear which value was signed, as a reason without values; "" when all is clear.

    Parameters and headers are sorted before they are signed, so a signature does not cover the order of two values of one
    name, and the order decides which of them counts. Equal values are no ambiguity. More than one AccessKey id is one.
    """
    places = list(_claims(request.header_values, request.parameters))
    if len(places) > 1 and len({access_key_id for _, access_key_id in places}) > 1:
        return f"Different AccessKey ids are in {' and '.join(place for place, _ in places)}; the signer is the caller"
    first = request.parameters
    if len(first) < len(request.query) + len(request.form):
        for name, value in (*request.query, *request.form):
            if value != first[name]:
                return (
                    f"The parameter {quoted(name)} has more than one value, and a signature does not cover their order"
                )
    for name in request.repeated_headers if len(request.header_values) < len(request.headers) else ():
        if name == "authorization" or SIGNED_HEADERS.fullmatch(name):
            return f"The header {quoted(name)} arrived more than once, and a signature does not cover the order"
    return ""


LONGEST = 28  # shown whole: ids (24) and header names are; a secret (30) sent in place of the id is not


def quoted(text: str) -> str:
    """Quote a name or id from the request in printable ASCII; of a long one only the start."""
    return ascii(text) if len(text) <= LONGEST else f"{text[:8]!a} and {len(text) - 8} characters more"
