"""Request signatures: which scheme a request uses, whether it verifies, and if not, why (clients.md 2.13-2.15, 2.25).

Verification is opt-in; by default the mock asks for no signature. Three schemes are known: ACS3-HMAC-SHA256 and
ACS4-HMAC-SHA256 in the `Authorization` header, and HMAC-SHA1 in the RPC parameters. When a signature does not match,
the mistakes people make are tried one by one: if the given signature fits one of them, the client's string to sign is
known, and the reason says where it first differs from the server's. A reason holds neither an AccessKey secret nor a
parameter's value; strings to sign do hold values, so they belong in the answer to the client, not in a log.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import zip_longest
from typing import Literal, NamedTuple
from urllib.parse import parse_qsl, quote, quote_plus, unquote

from msgspec import Struct
from msgspec.structs import replace

Scheme = Literal["ACS3", "ACS4", "HMAC-SHA1"]
Kind = Literal[
    "missing-access-key",
    "incomplete",
    "missing-timestamp",
    "expired",
    "unknown-access-key",
    "missing-security-token",
    "mismatch",
]
Pairs = Sequence[tuple[str, str]]
Encoder = Callable[[str], str]
Secrets = Callable[[str], str | None]

ALGORITHMS: Mapping[str, Scheme] = {"ACS3-HMAC-SHA256": "ACS3", "ACS4-HMAC-SHA256": "ACS4"}
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z", re.ASCII)
TOKEN = re.compile(r"%(?:25)*[0-9A-F]{2}|.", re.DOTALL | re.IGNORECASE)
QUERY_LINE = 2  # of a canonical request, counted from 0: method, path, query, headers
LONGEST = 28  # shown whole: ids (24) and header names are; a secret (30) sent in place of the id is not


class SignedRequest(Struct, frozen=True):
    """What the wire gives: decoded (name, value) pairs in the order of arrival, and header values as received."""

    method: str
    path: str
    raw_query: str
    query: Pairs
    form: Pairs
    headers: Pairs
    body: bytes

    def __repr__(self) -> str:
        return f"SignedRequest({self.method!r})"  # secret values travel in everything else

    def header(self, name: str) -> str | None:
        """Give a header by its name in any case; several of one name are sorted and joined, as the SDKs sign them."""
        values = sorted(value.strip() for key, value in self.headers if key.lower() == name.lower())
        return ",".join(values) if values else None

    def parameter(self, name: str) -> str | None:
        """Give the first parameter of that name, the query before the form (clients.md 2.3)."""
        return next((value for key, value in (*self.query, *self.form) if key == name), None)


class Verification(Struct, frozen=True):
    """What the server computed beside what the client gave. `expected` is a valid signature: never show it."""

    scheme: Scheme | None
    canonical_request: str  # empty for HMAC-SHA1, which has none
    string_to_sign: str
    expected: str
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


class _Authorization(NamedTuple):
    """The parts of `Authorization: ACS3-HMAC-SHA256 Credential=..,SignedHeaders=..,Signature=..`."""

    algorithm: str
    credential: str
    signed_headers: str
    signature: str

    @property
    def scope(self) -> list[str]:
        """The ACS4 credential: AccessKey id, date, region, product, `aliyun_v4_request`."""
        return self.credential.rsplit("/", 4)


# -- reading the request ----------------------------------------------------------------------------------------------
def _authorization(request: SignedRequest) -> _Authorization:
    algorithm, _, rest = (request.header("authorization") or "").partition(" ")
    parts = {name.strip(): value.strip() for name, _, value in (part.partition("=") for part in rest.split(","))}
    return _Authorization(algorithm, *(parts.get(name, "") for name in ("Credential", "SignedHeaders", "Signature")))


def scheme_of(request: SignedRequest) -> Scheme | None:
    """Tell the signature scheme; None for an unsigned request, a bearer token, or a scheme unknown here."""
    scheme = ALGORITHMS.get(_authorization(request).algorithm)
    if scheme or _is_bearer(request) or request.parameter("SignatureMethod") not in (None, "HMAC-SHA1"):
        return scheme
    signed = any(request.parameter(name) for name in ("Signature", "SignatureMethod", "SignatureVersion"))
    return "HMAC-SHA1" if signed else None


def access_key_id_of(request: SignedRequest) -> str | None:
    """Tell the AccessKey id, of an unsigned request too (clients.md 2.14); None when there is none."""
    authorization = _authorization(request)
    scheme = ALGORITHMS.get(authorization.algorithm)
    signer = authorization.scope[0] if scheme == "ACS4" else authorization.credential if scheme else ""
    return signer or request.parameter("AccessKeyId") or request.header("x-acs-accesskey-id") or None


def security_token_of(request: SignedRequest) -> str | None:
    """Tell the STS token: header `x-acs-security-token` (V2) or parameter `SecurityToken` (RPC; clients.md 2.14)."""
    return request.header("x-acs-security-token") or request.parameter("SecurityToken") or None


def timestamp_of(request: SignedRequest) -> float | None:
    """Tell when the request was signed, in epoch seconds: `x-acs-date` or `Timestamp`, None if it is no time.

    Milliseconds are fine (clients.md 2.13).
    """
    text = _timestamp_text(request)
    try:
        return datetime.fromisoformat(text).timestamp() if TIMESTAMP.fullmatch(text) else None
    except ValueError:  # the 30th of February
        return None


def _timestamp_text(request: SignedRequest) -> str:
    scheme = scheme_of(request)
    if scheme != "HMAC-SHA1" and (request.header("x-acs-date") or scheme):
        return request.header("x-acs-date") or ""
    # The vendor's older pages, and clients written after them, spell it `TimeStamp`.
    return request.parameter("Timestamp") or request.parameter("TimeStamp") or ""


def _is_bearer(request: SignedRequest) -> bool:
    return bool(request.header("x-acs-bearer-token")) or request.parameter("SignatureType") == "BEARERTOKEN"


# -- computing the signature ------------------------------------------------------------------------------------------
def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # takes any string


def _encode(text: str, safe: str = "~") -> str:
    """Percent-encode as RFC 3986 says: a blank is %20, `~` stays (clients.md 2.15)."""
    return quote(_bytes(text), safe=safe)


class _Recipe(Struct, frozen=True):
    """A way to sign a request; with a field replaced it is another way (clients.md 2.15)."""

    algorithm: str
    key: bytes
    method: str
    pairs: Pairs
    path: str = "/"
    headers: Pairs = ()
    signed_headers: str = ""
    payload: str = ""
    encode: Encoder = _encode
    encode_again: Encoder = _encode

    def __repr__(self) -> str:
        return f"_Recipe({self.algorithm!r})"

    @property
    def text(self) -> str:
        """The canonical request, for HMAC-SHA1 the string to sign: what a person compares."""
        encoded = [f"{self.encode(name)}={self.encode(value)}" for name, value in self.pairs]
        if self.algorithm == "HMAC-SHA1":
            unsigned = [pair for pair in encoded if not pair.startswith("Signature=")]
            return f"{self.method}&%2F&{self.encode_again('&'.join(unsigned))}"
        headers = "".join(f"{name}:{value}\n" for name, value in self.headers)
        return f"{self.method}\n{self.path}\n{'&'.join(encoded)}\n{headers}\n{self.signed_headers}\n{self.payload}"

    @property
    def string_to_sign(self) -> str:
        return self.text if self.algorithm == "HMAC-SHA1" else f"{self.algorithm}\n{_sha256(_bytes(self.text))}"

    @property
    def signature(self) -> str:
        to_sign = _bytes(self.string_to_sign)
        if self.algorithm == "HMAC-SHA1":
            return base64.b64encode(hmac.digest(self.key, to_sign, "sha1")).decode()
        return hmac.digest(self.key, to_sign, "sha256").hex()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _recipe(request: SignedRequest, scheme: Scheme, secret: str) -> _Recipe:
    """Give the right way to sign, with the headers that the client lists (clients.md 2.15)."""
    if scheme == "HMAC-SHA1":
        return _Recipe(scheme, _bytes(f"{secret}&"), request.method, sorted((*request.query, *request.form)))
    given = _authorization(request)
    key = _bytes(secret)
    if scheme == "ACS4":
        key = _bytes(f"aliyun_v4{secret}")
        for part in given.scope[1:]:
            key = hmac.digest(key, _bytes(part), "sha256")
    names = [name.strip().lower() for name in given.signed_headers.split(";") if name.strip()]
    headers = [(name, request.header(name) or "") for name in names]
    method, path, payload = request.method, request.path or "/", _sha256(request.body)
    return _Recipe(given.algorithm, key, method, sorted(request.query), path, headers, given.signed_headers, payload)


def _contradiction(request: SignedRequest, scheme: Scheme) -> str:
    """Tell what makes a signature worthless even when it matches: it is about another body or another day."""
    claimed = request.header("x-acs-content-sha256")
    if claimed is not None and claimed != _sha256(request.body):
        return f"x-acs-content-sha256 is not the SHA-256 of the {len(request.body)} bytes of body that arrived"
    day = (request.header("x-acs-date") or "")[:10].replace("-", "")
    if scheme == "ACS4" and _authorization(request).scope[1:2] != [day]:
        return "the date in Credential is not the day of x-acs-date"
    return ""


def expected_signature(request: SignedRequest, secret: str) -> Verification:
    """Compute the signature that the request should carry (clients.md 2.15), and compare."""
    scheme = scheme_of(request)
    if scheme is None:
        return Verification(None, "", "", "", "", matches=False)
    recipe = _recipe(request, scheme, secret)
    is_rpc = scheme == "HMAC-SHA1"
    given = (request.parameter("Signature") or "") if is_rpc else _authorization(request).signature
    matches = hmac.compare_digest(_bytes(given), recipe.signature.encode()) and not _contradiction(request, scheme)
    # Bytes that are not UTF-8 show as escapes, so that any encoder accepts the texts.
    text, to_sign = (_bytes(each).decode(errors="backslashreplace") for each in (recipe.text, recipe.string_to_sign))
    return Verification(scheme, "" if is_rpc else text, to_sign, recipe.signature, given, matches)


# -- explaining a mismatch --------------------------------------------------------------------------------------------
ENCODERS: Mapping[str, Encoder] = {
    "encoded a blank as +": lambda text: quote_plus(_bytes(text)),
    "left / unencoded": lambda text: _encode(text, "/"),
    "left * unencoded": lambda text: _encode(text, "*"),
    "left ! ' ( ) * unencoded": lambda text: _encode(text, "!'()*"),  # JavaScript's encodeURIComponent
    "encoded ~ as %7E": lambda text: _encode(text).replace("~", "%7E"),
    "encoded as a form does": lambda text: quote_plus(_bytes(text), safe="*").replace("~", "%7E"),  # Java's URLEncoder
    "encoded in lower case": lambda text: re.sub("%..", lambda hit: hit[0].lower(), _encode(text)),  # .NET
    "did not encode names and values": str,
}


def _mistakes(request: SignedRequest, right: _Recipe, secret: str) -> Iterator[tuple[str, _Recipe]]:
    """Give the mistakes that people make when they sign on their own, each as the recipe it leads to."""
    is_rpc = right.algorithm == "HMAC-SHA1"
    other = "GET" if request.method == "POST" else "POST"
    yield f"signed the method {other}", replace(right, method=other)
    for mistake, encode in ENCODERS.items():
        yield mistake, replace(right, encode=encode)
        if is_rpc:
            yield mistake, replace(right, encode=encode, encode_again=encode)
    form = request.form if is_rpc else ()
    arrived = (*request.query, *form)
    plus_kept = parse_qsl(request.raw_query.replace("+", "%2B"), keep_blank_values=True)
    yield "did not sort the parameters", replace(right, pairs=arrived)
    yield "sorted without regard to case", replace(right, pairs=sorted(arrived, key=lambda pair: pair[0].lower()))
    yield "left out empty parameters", replace(right, pairs=[pair for pair in right.pairs if pair[1]])
    yield "sent + in the URL, a blank, for a plus sign", replace(right, pairs=sorted((*plus_kept, *form)))
    if is_rpc:
        yield "did not encode the joined parameters again", replace(right, encode_again=str)
        yield "left out the & that ends the key", replace(right, key=_bytes(secret))
        yield "left & between the parameters unencoded", replace(right, encode_again=lambda text: _encode(text, "&"))
        yield "left out the form parameters", replace(right, pairs=sorted(request.query))
        return
    yield "put the form parameters into the query", replace(right, pairs=sorted((*request.query, *request.form)))
    yield "used the hash of an empty body", replace(right, payload=_sha256(b""))
    yield "signed with the secret itself, not the derived key,", replace(right, key=_bytes(secret))
    bare = [(name, value.rpartition(":")[0] if name == "host" else value) for name, value in right.headers]
    yield "signed a Host without its port", replace(right, headers=bare)


def _explanation(request: SignedRequest, scheme: Scheme, found: Verification, secret: str) -> str:
    """Say why a signature does not match, as exactly as can be told."""
    right = _recipe(request, scheme, secret)
    absent = [_shown(name) for name, _ in right.headers if request.header(name) is None]
    contradiction = _contradiction(request, scheme)
    if contradiction or absent:
        return contradiction or f"SignedHeaders names headers that did not arrive: {', '.join(absent[:5])}"
    if found.expected in (found.given.replace(" ", "+"), unquote(found.given), found.given.lower()):
        return "the signature itself is right but was URL-encoded too often or not at all, or is in capitals"
    for mistake, wrong in _mistakes(request, right, secret):
        if hmac.compare_digest(_bytes(found.given), wrong.signature.encode()):
            return "; ".join(filter(None, (f"the client {mistake}", first_difference(right.text, wrong.text))))
    return "the client used another secret, or the request changed after it was signed; compare the strings to sign"


def first_difference(server: str, client: str) -> str:
    """Say where two strings to sign, or two canonical requests, first differ; empty if they are equal.

    Of the values it shows one character (or its percent-encoding) on each side, no more.
    """
    position = 0
    for ours, theirs in zip_longest(TOKEN.findall(server), TOKEN.findall(client), fillvalue=""):
        if ours != theirs:
            sides = [ascii(token) if token else "its end" for token in (ours, theirs)]
            where = f"the strings first differ at character {position + 1}, in {_place(server, position)}"
            return f"{where}: the server has {sides[0]}, the client {sides[1]}"
        position += len(ours)
    return ""


def _place(text: str, position: int) -> str:
    """Name the part of a string to sign (one line) or canonical request (many lines) at a position."""
    line, start = text.count("\n", 0, position), text.rfind("\n", 0, position) + 1
    content = text[start:].partition("\n")[0]
    if "\n" in text and line != QUERY_LINE:
        return f"header {_shown(content.partition(':')[0])}" if ":" in content else f"line {line + 1}"
    between, equals = ("&", "=") if "\n" in text else ("%26", "%3D")
    start = max([start, *(text.rfind(mark, start, position) + len(mark) for mark in ("&", between))])
    return f"parameter {_shown(unquote(text[start:].partition(equals)[0]))}"


def _shown(text: str) -> str:
    """Quote a name or id from the request in printable ASCII; of a long one only the start."""
    return ascii(text) if len(text) <= LONGEST else f"{text[:8]!a} and {len(text) - 8} characters more"


# -- the verdict ------------------------------------------------------------------------------------------------------
def _unsigned(request: SignedRequest) -> Problem:
    """Say what is wrong with a request that uses none of the known schemes."""
    if _is_bearer(request):
        reason = "the request carries a bearer token, which has no signature to verify"
    elif request.header("authorization") or request.parameter("SignatureMethod"):
        reason = f"the request is signed in another way than {', '.join(ALGORITHMS)} or HMAC-SHA1"
    elif access_key_id_of(request):
        reason = "the request names an AccessKey id but has no signature"
    else:
        reason = "the request has neither an Authorization header nor the parameters AccessKeyId and Signature"
        return Problem("missing-access-key", "", reason)
    return Problem("incomplete", "", reason)


def _incomplete(request: SignedRequest, scheme: Scheme) -> Problem | None:
    """Name the parts that a signature of this scheme must have; SignatureNonce is not one (clients.md 2.13)."""
    if access_key_id_of(request) is None:
        return Problem("missing-access-key", "", f"the {scheme} signature comes without an AccessKey id")
    given = _authorization(request)
    if scheme == "HMAC-SHA1":
        names = ("Signature", "SignatureMethod", "SignatureVersion")
        missing = [name for name in names if not request.parameter(name)]
    else:
        parts = {"Credential": given.credential, "SignedHeaders": given.signed_headers, "Signature": given.signature}
        missing = [f"{name} in the Authorization header" for name, part in parts.items() if not part]
    if scheme == "ACS4" and given.credential and given.scope[4:] != ["aliyun_v4_request"]:
        missing.append("a Credential of the form id/date/region/product/aliyun_v4_request")
    return Problem("incomplete", "", f"the {scheme} signature lacks {', '.join(missing)}") if missing else None


def _bad_time(request: SignedRequest, now: float, tolerance: float) -> Problem | None:
    name = "Timestamp" if scheme_of(request) == "HMAC-SHA1" else "x-acs-date"
    signed_at, text = timestamp_of(request), _timestamp_text(request)
    if signed_at is None:
        wrong = f"is {_shown(text)}, not of the form 2026-01-31T12:00:00Z" if text else "is missing"
        return Problem("missing-timestamp", "", f"{name} {wrong}")
    if abs(now - signed_at) <= tolerance:
        return None
    direction = "behind" if now > signed_at else "ahead of"
    reason = f"{name} is {abs(now - signed_at):.0f} seconds {direction} the server's clock; {tolerance:.0f} are allowed"
    return Problem("expired", "", reason)


def _bad_key(request: SignedRequest, scheme: Scheme, secrets: Secrets) -> Problem | None:
    access_key_id = access_key_id_of(request) or ""
    secret = secrets(access_key_id)
    if secret is None:
        return Problem("unknown-access-key", "", f"no AccessKey id {_shown(access_key_id)} is known here")
    if access_key_id.startswith("STS.") and security_token_of(request) is None:
        return Problem("missing-security-token", "", "a temporary AccessKey id (STS.) needs its security token")
    found = expected_signature(request, secret)
    if found.matches:
        return None
    reason = f"the {scheme} signature does not match: {_explanation(request, scheme, found, secret)}"
    return Problem("mismatch", found.string_to_sign, reason, found.canonical_request)


def check(request: SignedRequest, secrets: Secrets, now: float, tolerance: float = 900) -> Problem | None:
    """Verify a request: None if all is right, checked in this order (inferred): form, time, AccessKey id, signature."""
    scheme = scheme_of(request)
    if scheme is None:
        return _unsigned(request)
    return _incomplete(request, scheme) or _bad_time(request, now, tolerance) or _bad_key(request, scheme, secrets)
