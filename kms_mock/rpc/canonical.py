"""The text that a signature is made of, and the signature itself, for each scheme (clients.md 2.15)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable
from urllib.parse import quote

from msgspec import Struct

from kms_mock.rpc.cached import cached
from kms_mock.rpc.signed_request import PARAMETER_SCHEMES, Pairs, Scheme, SignedRequest

Encoder = Callable[[str], str]
# public key, message, signature -> whether it is an RSASSA-PKCS1-v1_5 signature with SHA-256 (RFC 8017)
RsaVerifier = Callable[[bytes, bytes, bytes], bool]

_UNRESERVED = re.compile(r"[A-Za-z0-9_.~-]*").fullmatch
_ENCODED = re.compile(r"[A-Za-z0-9_.~%-]*").fullmatch


def utf8(text: str) -> bytes:
    """Encode any string; surrogates, from bytes that were not UTF-8, pass."""
    return text.encode("utf-8", "surrogatepass")


def sha256_hex(data: bytes) -> str:
    """Return the SHA-256 of `data` as lower-case hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def encode(text: str) -> str:
    """Percent-encode by RFC 3986: a blank is %20, `~` stays (clients.md 2.15)."""
    if (text.isalnum() and text.isascii()) or _UNRESERVED(text):
        return text
    # What ids, paths, times and Base64 hold; `quote` takes several times as long.
    usual = text.replace("%", "%25").replace("/", "%2F").replace(":", "%3A").replace("+", "%2B").replace("=", "%3D")
    return usual if _ENCODED(usual) else quote(utf8(text), safe="~")


class Recipe(Struct, frozen=True, dict=True):
    """A way to sign a request; with a field replaced it is another way.

    `key` is the HMAC key, for SHA256withRSA the public key. `bare_empty` leaves out the `=` of an empty parameter.
    """

    scheme: Scheme
    key: bytes
    method: str
    pairs: Pairs
    path: str = "/"
    headers: Pairs = ()
    signed_headers: str = ""
    payload: str = ""
    encode: Encoder = encode
    encode_again: Encoder = encode
    bare_empty: bool = False
    verify_rsa: RsaVerifier | None = None

    def __repr__(self) -> str:
        return f"Recipe({self.scheme!r})"  # the key and the values of parameters are in everything else

    @property
    def covers_parameters_only(self) -> bool:
        """Whether this is an RPC signature, whose string to sign is the canonical text itself."""
        return self.scheme in PARAMETER_SCHEMES

    @cached
    def text(self) -> str:
        """The canonical request, for an RPC signature the string to sign: what a person compares."""
        write = self.encode
        if self.covers_parameters_only:
            joined = "&".join([f"{write(name)}={write(value)}" for name, value in self.pairs if name != "Signature"])
            return f"{self.method}&%2F&{self._encoded_again(joined)}"
        if self.bare_empty:
            query = "&".join([f"{write(name)}={write(value)}" if value else write(name) for name, value in self.pairs])
        else:
            query = "&".join([f"{write(name)}={write(value)}" for name, value in self.pairs])
        headers = "".join([f"{name}:{value}\n" for name, value in self.headers])
        return f"{self.method}\n{self.path}\n{query}\n{headers}\n{self.signed_headers}\n{self.payload}"

    def _encoded_again(self, joined: str) -> str:
        if self.encode is encode and self.encode_again is encode:
            # Encoded text joined by & and = holds no other reserved character.
            return joined.replace("%", "%25").replace("&", "%26").replace("=", "%3D")
        return self.encode_again(joined)

    @cached
    def string_to_sign(self) -> str:
        """The text under the signature."""
        return self.text if self.covers_parameters_only else f"{self.scheme}-HMAC-SHA256\n{sha256_hex(utf8(self.text))}"

    @cached
    def signature(self) -> str:
        """The signature; "" for SHA256withRSA, which only the owner of the private key can make."""
        if self.scheme == "SHA256withRSA":
            return ""
        if self.scheme == "HMAC-SHA1":
            return base64.b64encode(hmac.digest(self.key, utf8(self.string_to_sign), "sha1")).decode()
        return hmac.digest(self.key, utf8(self.string_to_sign), "sha256").hex()

    def matches(self, given: str) -> bool:
        """Return whether `given` is a signature made this way, compared in constant time."""
        if self.scheme != "SHA256withRSA":
            return hmac.compare_digest(utf8(given), self.signature.encode())
        try:
            signature = base64.b64decode(utf8(given), validate=True)
        except binascii.Error:
            return False
        return self.verify_rsa is not None and self.verify_rsa(self.key, utf8(self.string_to_sign), signature)


def recipe(request: SignedRequest, key: bytes, verify_rsa: RsaVerifier | None = None) -> Recipe:
    """Return the right way to sign a request whose scheme is known, with the headers that the client lists.

    `key` is the AccessKey secret, for SHA256withRSA the public key.
    """
    scheme = request.scheme
    if scheme is None:
        raise ValueError("the request has no signature of a known scheme")
    if scheme in PARAMETER_SCHEMES:
        key = key + b"&" if scheme == "HMAC-SHA1" else key
        return Recipe(scheme, key, request.method, sorted((*request.query, *request.form)), verify_rsa=verify_rsa)
    given = request.authorization
    if scheme == "ACS4":
        key = b"aliyun_v4" + key
        for step in given.scope:
            key = hmac.digest(key, utf8(step), "sha256")
    values = request.header_values
    return Recipe(
        scheme=scheme,
        key=key,
        method=request.method,
        pairs=sorted(request.query),
        path=request.path or "/",
        headers=[(name, values.get(name, "")) for name in given.names],
        signed_headers=given.signed_headers,
        payload=request.body_sha256,
    )
