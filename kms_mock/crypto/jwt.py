"""JSON Web Tokens (RFC 7519) signed with RS384, the form of a ChallengeToken."""

import base64
from typing import Final

from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA384

from kms_mock.crypto.keypairs import RsaMaterial
from kms_mock.crypto.material import KeyMaterial

_HEADER: Final = b'{"alg":"RS384","typ":"JWT"}'


def signed(material: KeyMaterial, claims: bytes) -> str:
    """Return the token of some claims (a JSON object), signed with an RSA key; TypeError for a key of another kind."""
    if not isinstance(material, RsaMaterial):
        raise TypeError(f"{material!r} signs no tokens")
    text = b".".join((_part(_HEADER), _part(claims)))
    signature = material.private_key.sign(text, padding.PKCS1v15(), SHA384())
    return b".".join((text, _part(signature))).decode()


def _part(data: bytes) -> bytes:
    """Encode as base64url without padding (RFC 7515, 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=")
