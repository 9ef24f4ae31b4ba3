"""JSON Web Tokens (RFC 7519): those that this server signs, and those of identity providers.

A ChallengeToken is signed with RS384; the tokens of identity providers (OpenID Connect) with RS256 or ES256 (RFC 7518).
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA384

from kms_mock.crypto import rsa_ec, specs
from kms_mock.crypto.errors import InvalidKey
from kms_mock.crypto.guard import guard
from kms_mock.crypto.keypairs import RsaMaterial
from kms_mock.crypto.material import KeyMaterial

ALGORITHMS: Final = ("RS256", "ES256")
_HEADER: Final = b'{"alg":"RS384","typ":"JWT"}'
_PARTS: Final = 3
_MAX_KEYS: Final = 16  # that were read last: OpenSSL checks an RSA key for 50 ms, and requests come with the same ones
_COORDINATE: Final = 32  # bytes of each number of an ES256 signature

_PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey
_PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class Token(NamedTuple):
    """A token taken apart, its signature not yet verified: `signed` is what the signature covers."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    signed: bytes
    signature: bytes

    @property
    def algorithm(self) -> str:
        """The algorithm that the header names, "" for none."""
        return str(self.header.get("alg", ""))


class WrongPartCount(ValueError):  # noqa: N818 (says what is wrong)
    """A text that is not three parts with dots between them."""


class NotBase64(ValueError):  # noqa: N818 (says what is wrong)
    """A part that is not Base64."""


class NotObject(ValueError):  # noqa: N818 (says what is wrong)
    """A part that is not a JSON object."""


def signed(material: KeyMaterial, claims: bytes) -> str:
    """Return the token of some claims (a JSON object), signed with an RSA key; TypeError for a key of another kind."""
    if not isinstance(material, RsaMaterial):
        raise TypeError(f"{material!r} signs no tokens")
    text = b".".join((_part(_HEADER), _part(claims)))
    signature = material.private_key.sign(text, padding.PKCS1v15(), SHA384())
    return b".".join((text, _part(signature))).decode()


def sign(private_pem: bytes, key_id: str, claims: Mapping[str, Any]) -> str:
    """Return a token signed with a private key (PEM): RS256 with an RSA key, ES256 with one on P-256. InvalidKey."""
    key = _private_key(private_pem)
    algorithm = "RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256"
    header = {"alg": algorithm, "typ": "JWT", "kid": key_id}
    text = b".".join(_part(json.dumps(each, separators=(",", ":")).encode()) for each in (header, claims))
    digest = hashlib.sha256(text).digest()
    if isinstance(key, rsa.RSAPrivateKey):
        signature = rsa_ec.sign_rsa(key, specs.RSA_PKCS1_SHA_256, digest, None)
    else:
        numbers = decode_dss_signature(rsa_ec.sign_ecdsa(key, digest, deterministic=True))
        signature = b"".join(number.to_bytes(_COORDINATE, "big") for number in numbers)
    return b".".join((text, _part(signature))).decode()


def parse(text: str) -> Token:
    """Take a token apart. Raises WrongPartCount, NotBase64, NotObject."""
    parts = text.split(".")
    if len(parts) != _PARTS:
        raise WrongPartCount(f"the token has {len(parts)} parts")
    header, claims, signature = (_decoded(part) for part in parts)
    return Token(_object(header), _object(claims), text.rpartition(".")[0].encode(), signature)


def verify(token: Token, public_pem: bytes) -> bool:
    """Return whether a token was signed with a key, given as PEM of its public or private half. InvalidKey."""
    key = _public_key(public_pem)
    digest = hashlib.sha256(token.signed).digest()
    if isinstance(key, rsa.RSAPublicKey):
        return token.algorithm == "RS256" and rsa_ec.verify_rsa(key, specs.RSA_PKCS1_SHA_256, digest, token.signature)
    if token.algorithm != "ES256" or len(token.signature) != 2 * _COORDINATE:
        return False
    first, second = token.signature[:_COORDINATE], token.signature[_COORDINATE:]
    encoded = encode_dss_signature(int.from_bytes(first, "big"), int.from_bytes(second, "big"))
    return rsa_ec.verify_ecdsa(key, digest, encoded)


def check_key(text: bytes, *, private: bool) -> None:
    """Check that PEM holds a key that tokens can be signed with, its private or its public half. Raises InvalidKey."""
    if private:
        _private_key(text)
    else:
        _public_key(text)


@lru_cache(maxsize=_MAX_KEYS)
def _private_key(text: bytes) -> _PrivateKey:
    with guard(InvalidKey, "expected a private key in PEM, unencrypted"):
        key = serialization.load_pem_private_key(text, None)
    if isinstance(key, rsa.RSAPrivateKey) or (isinstance(key, ec.EllipticCurvePrivateKey) and _on_p256(key.curve)):
        return key
    raise InvalidKey("expected an RSA key or one on P-256")


@lru_cache(maxsize=_MAX_KEYS)
def _public_key(text: bytes) -> _PublicKey:
    if b"PRIVATE KEY-----" in text:
        return _private_key(text).public_key()
    with guard(InvalidKey, "expected a public key in PEM"):
        key = serialization.load_pem_public_key(text)
    if isinstance(key, rsa.RSAPublicKey) or (isinstance(key, ec.EllipticCurvePublicKey) and _on_p256(key.curve)):
        return key
    raise InvalidKey("expected an RSA key or one on P-256")


def _on_p256(curve: ec.EllipticCurve) -> bool:
    return isinstance(curve, ec.SECP256R1)


def _decoded(part: str) -> bytes:
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise NotBase64("a part is not Base64") from None


def _object(data: bytes) -> Mapping[str, Any]:
    try:  # not by `json`, which takes half of a surrogate pair: no answer can hold it
        return msgspec.json.decode(data, type=dict[str, Any])
    except msgspec.ValidationError:
        raise NotObject("a part is not a JSON object") from None
    except (ValueError, RecursionError):
        raise NotObject("a part is not JSON") from None


def _part(data: bytes) -> bytes:
    """Encode as base64url without padding (RFC 7515, 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=")
