"""Key pairs as `cryptography` and the SM2 module hold them: made, read and written.

Imported when the first key pair is asked for, because the asymmetric parts of `cryptography` take 20 ms to load.
"""

from collections.abc import Iterator
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from kms_mock.crypto import pem, sm2
from kms_mock.crypto.material import KeyMaterial
from kms_mock.crypto.primes import PUBLIC_EXPONENT, rsa_primes
from kms_mock.crypto.randomness import RandomBytes, openssl_bytes, scalar_below
from kms_mock.crypto.specs import KeySpec

_PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class RsaMaterial(KeyMaterial):
    """An RSA key pair, parsed already."""

    __slots__ = ("_public_der", "private_key", "public_key")

    def __init__(self, spec: KeySpec, private_key: rsa.RSAPrivateKey) -> None:
        super().__init__(spec, _pkcs8(private_key))
        self.private_key: Final = private_key
        self.public_key: Final = private_key.public_key()
        self._public_der: Final = spki(self.public_key)

    def public_key_der(self) -> bytes:
        """Return the public half as SubjectPublicKeyInfo."""
        return self._public_der


class EcMaterial(KeyMaterial):
    """A key pair on P-256 or secp256k1, parsed already."""

    __slots__ = ("_public_der", "private_key", "public_key")

    def __init__(self, spec: KeySpec, private_key: ec.EllipticCurvePrivateKey) -> None:
        super().__init__(spec, _pkcs8(private_key))
        self.private_key: Final = private_key
        self.public_key: Final = private_key.public_key()
        self._public_der: Final = spki(self.public_key)

    def public_key_der(self) -> bytes:
        """Return the public half as SubjectPublicKeyInfo."""
        return self._public_der


class Sm2Material(KeyMaterial):
    """An SM2 key pair, parsed already."""

    __slots__ = ("private_key", "public_key")

    def __init__(self, spec: KeySpec, private_key: sm2.PrivateKey) -> None:
        super().__init__(spec, private_key.to_der())
        self.private_key: Final = private_key
        self.public_key: Final = private_key.public_key

    def public_key_der(self) -> bytes:
        """Return the public half as SubjectPublicKeyInfo."""
        return self.public_key.to_der()


def generate(spec: KeySpec, random_bytes: RandomBytes | None) -> KeyMaterial:
    """Make a new key pair; see `material.generate`."""
    if spec.kind == "rsa":
        return RsaMaterial(spec, _new_rsa(spec, random_bytes))
    if spec.kind == "ec":
        return EcMaterial(spec, _new_ec(spec, random_bytes))
    return Sm2Material(spec, sm2.PrivateKey.generate(random_bytes or openssl_bytes))


def load(spec: KeySpec, data: bytes) -> KeyMaterial:
    """Read a key pair; see `material.load`."""
    if spec.kind == "sm2":
        return Sm2Material(spec, _read_sm2(spec, data))
    key = _read(spec, data)
    if spec.kind == "rsa" and isinstance(key, rsa.RSAPrivateKey):
        if key.key_size != spec.material_length * 8:
            raise ValueError(f"a key of spec {spec.name} has {spec.material_length * 8} bits, not {key.key_size}")
        return RsaMaterial(spec, key)
    if spec.kind == "ec" and isinstance(key, ec.EllipticCurvePrivateKey):
        if key.curve.name != spec.curve:
            raise ValueError(f"a key of spec {spec.name} is on the curve {spec.curve}, not {key.curve.name}")
        return EcMaterial(spec, key)
    raise ValueError(f"the key is not of the kind that spec {spec.name} needs")


def _new_rsa(spec: KeySpec, random_bytes: RandomBytes | None) -> rsa.RSAPrivateKey:
    bits = spec.material_length * 8
    if random_bytes is None:
        return rsa.generate_private_key(PUBLIC_EXPONENT, bits)
    p, q = rsa_primes(bits, random_bytes)
    d = rsa.rsa_recover_private_exponent(PUBLIC_EXPONENT, p, q)
    public = rsa.RSAPublicNumbers(PUBLIC_EXPONENT, p * q)
    numbers = rsa.RSAPrivateNumbers(
        p, q, d, rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q), public
    )
    return numbers.private_key()


def _new_ec(spec: KeySpec, random_bytes: RandomBytes | None) -> ec.EllipticCurvePrivateKey:
    curve = ec.SECP256R1() if spec.curve == "secp256r1" else ec.SECP256K1()
    if random_bytes is None:
        return ec.generate_private_key(curve)
    return ec.derive_private_key(scalar_below(curve.group_order, random_bytes), curve)


def _read_sm2(spec: KeySpec, data: bytes) -> sm2.PrivateKey:
    for label, body in _private_blocks(data):
        # A bare ECPrivateKey names its curve in an optional field; a key of another curve must not become an SM2 key.
        sec1 = label == "EC PRIVATE KEY" and sm2.names_curve(body)
        try:
            return sm2.PrivateKey.from_sec1(body) if sec1 else sm2.PrivateKey.from_pkcs8(body)
        except ValueError:
            continue
    raise ValueError(f"the data is no unencrypted private key on the SM2 curve for spec {spec.name}")


def _private_blocks(data: bytes) -> Iterator[tuple[str, bytes]]:
    if not pem.is_pem(data):
        yield "PRIVATE KEY", data
        return
    # `openssl ecparam -genkey` writes a block of parameters in front of the key.
    yield from (block for block in pem.blocks(data) if block[0].endswith("PRIVATE KEY"))


def _read(spec: KeySpec, data: bytes) -> object:
    read = serialization.load_pem_private_key if pem.is_pem(data) else serialization.load_der_private_key
    try:
        return read(data, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # The library's own text can quote what it read, so it stops here; TypeError is its word for "encrypted".
        raise ValueError(f"the data is no unencrypted private key for spec {spec.name}") from None


def _pkcs8(key: _PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def sm2_key(material: KeyMaterial) -> sm2.PrivateKey:
    """Return the parsed key of SM2 material; TypeError for other material."""
    if not isinstance(material, Sm2Material):
        raise TypeError(f"{material!r} is not an SM2 key")
    return material.private_key


def read_rsa_public(data: bytes) -> rsa.RSAPublicKey:
    """Read an RSA key from SubjectPublicKeyInfo DER; ValueError for anything else."""
    try:
        key = serialization.load_der_public_key(data)
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("the data is no public key") from None
    if not isinstance(key, rsa.RSAPublicKey):
        raise ValueError("the public key is neither RSA nor SM2")  # noqa: TRY004 - the content is wrong, not the type
    return key


def spki(key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey) -> bytes:
    """Return SubjectPublicKeyInfo DER (RFC 5280)."""
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
