"""Key pairs as objects of `cryptography` and of the SM2 module: generate, read and write them.

Imported when the first key pair is needed, because the asymmetric modules of `cryptography` take 20 ms to load.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import lcm
from types import MappingProxyType
from typing import Final, cast

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from kms_mock.crypto import der, pem, sm2
from kms_mock.crypto.errors import InvalidKey
from kms_mock.crypto.guard import guard
from kms_mock.crypto.material import KeyMaterial
from kms_mock.crypto.primes import PUBLIC_EXPONENT, rsa_primes
from kms_mock.crypto.randomness import RandomBytes, openssl_bytes, scalar_below
from kms_mock.crypto.specs import KeySpec

_PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

_CURVES: Final[Mapping[str | None, ec.EllipticCurve]] = MappingProxyType(
    {"secp256r1": ec.SECP256R1(), "secp256k1": ec.SECP256K1()}
)
# The number of points (SEC 2, 2.4.1 and 2.4.2), which curves of `cryptography` before 45 do not have.
ORDERS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "secp256r1": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
        "secp256k1": 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141,
    }
)
_RSA_ENCRYPTION: Final = bytes.fromhex("06092a864886f70d010101")  # OID 1.2.840.113549.1.1.1
# What OpenSSL refuses when such a key is used: longer moduli, and longer exponents where the modulus has over 3072 bits.
_LONGEST_MODULUS: Final = 16384
_LONGEST_EXPONENT: Final = 64
_SHORTEST_EXPONENT: Final = 3


class RsaMaterial(KeyMaterial):
    """An RSA key pair; `private_key` and `public_key` are the parsed halves."""

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
    """A key pair on P-256 or secp256k1; `private_key` and `public_key` are the parsed halves."""

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
    """An SM2 key pair; `private_key` and `public_key` are the parsed halves."""

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
    if spec.kind == "sm2":
        return Sm2Material(spec, sm2.PrivateKey.generate(random_bytes or openssl_bytes))
    raise ValueError(f"a key of spec {spec.name} is no key pair")


def load(spec: KeySpec, data: bytes) -> KeyMaterial:
    """Read a key pair; see `material.load`."""
    if spec.kind == "sm2":
        return Sm2Material(spec, _read_sm2(spec, data))
    with guard(InvalidKey, f"the data is no unencrypted private key for spec {spec.name}"):
        key = _read(data)
    if spec.kind == "rsa" and isinstance(key, rsa.RSAPrivateKey):
        if key.key_size != spec.material_length * 8:
            raise InvalidKey(f"a key of spec {spec.name} has {spec.material_length * 8} bits, not {key.key_size}")
        with guard(InvalidKey, f"the private key for spec {spec.name} is unsound"):
            _check_rsa(key)
        return RsaMaterial(spec, key)
    if spec.kind == "ec" and isinstance(key, ec.EllipticCurvePrivateKey):
        if key.curve.name != spec.curve:
            raise InvalidKey(f"a key of spec {spec.name} is on the curve {spec.curve}, not {key.curve.name}")
        derived = ec.derive_private_key(key.private_numbers().private_value, key.curve).public_key()
        # OpenSSL of `cryptography` 41 takes it.
        if derived.public_numbers() != key.public_key().public_numbers():  # pragma: without cryptography 42
            raise InvalidKey(f"the private key for spec {spec.name} is unsound")
        return EcMaterial(spec, key)
    raise InvalidKey(f"the key is not of the kind that spec {spec.name} needs")


def _new_rsa(spec: KeySpec, random_bytes: RandomBytes | None) -> rsa.RSAPrivateKey:
    bits = spec.material_length * 8
    if random_bytes is None:
        return rsa.generate_private_key(PUBLIC_EXPONENT, bits)
    p, q = rsa_primes(bits, random_bytes)
    d = pow(PUBLIC_EXPONENT, -1, lcm(p - 1, q - 1))
    public = rsa.RSAPublicNumbers(PUBLIC_EXPONENT, p * q)
    numbers = rsa.RSAPrivateNumbers(
        p, q, d, rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q), public
    )
    # OpenSSL's check would find the same primes prime once more and hold the interpreter lock for 35 to 240 ms.
    return numbers.private_key(unsafe_skip_rsa_key_validation=True)


def _new_ec(spec: KeySpec, random_bytes: RandomBytes | None) -> ec.EllipticCurvePrivateKey:
    curve = _curve(spec)
    if random_bytes is None:
        return ec.generate_private_key(curve)
    return ec.derive_private_key(scalar_below(ORDERS[curve.name], random_bytes), curve)


def _curve(spec: KeySpec) -> ec.EllipticCurve:
    if spec.curve not in _CURVES:
        raise ValueError(f"the curve {spec.curve} of spec {spec.name} is not implemented")
    return _CURVES[spec.curve]


def _read_sm2(spec: KeySpec, data: bytes) -> sm2.PrivateKey:
    for label, body in _private_blocks(data):
        # A bare ECPrivateKey names its curve in an optional field; a key of another curve must not become an SM2 key.
        sec1 = label == "EC PRIVATE KEY" and sm2.names_curve(body)
        try:
            return sm2.PrivateKey.from_sec1(body) if sec1 else sm2.PrivateKey.from_pkcs8(body)
        except ValueError:
            continue
    raise InvalidKey(f"the data is no unencrypted private key on the SM2 curve for spec {spec.name}")


def _private_blocks(data: bytes) -> Iterator[tuple[str, bytes]]:
    if not pem.is_pem(data):
        yield "PRIVATE KEY", data
        return
    # `openssl ecparam -genkey` writes a block of parameters in front of the key.
    yield from (block for block in pem.blocks(data) if block[0].endswith("PRIVATE KEY"))


def _read(data: bytes) -> object:
    read = serialization.load_pem_private_key if pem.is_pem(data) else serialization.load_der_private_key
    # OpenSSL's check would prove both primes: 35 ms for RSA_2048, 240 ms for RSA_4096, with the interpreter lock held.
    return read(data, None, unsafe_skip_rsa_key_validation=True)


def _check_rsa(key: rsa.RSAPrivateKey) -> None:
    """Check that the numbers of a key are consistent and that what it signs verifies; InvalidKey or an error of OpenSSL."""
    numbers = key.private_numbers()
    public, p, q, d = numbers.public_numbers, numbers.p, numbers.q, numbers.d
    check_rsa_public(public)
    if (
        min(p, q) <= 1
        or p * q != public.n
        or public.e * d % (p - 1) != 1
        or public.e * d % (q - 1) != 1
        or (numbers.dmp1, numbers.dmq1) != (d % (p - 1), d % (q - 1))
        or numbers.iqmp * q % p != 1
    ):
        raise InvalidKey("the numbers of the RSA key are inconsistent")
    signature = key.sign(b"", padding.PKCS1v15(), hashes.SHA256())  # fails to verify where p or q is no prime
    key.public_key().verify(signature, b"", padding.PKCS1v15(), hashes.SHA256())


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
    """Read an RSA key from SubjectPublicKeyInfo DER; InvalidKey for anything else, or a key that could not be used."""
    with guard(InvalidKey, "the data is no public key"):
        # Looked at first: OpenSSL takes 100 ms to refuse a long Diffie-Hellman key.
        algorithm = der.Reader(der.Reader(data).sequence().take(der.SEQUENCE))
        if der.encode(der.OBJECT_IDENTIFIER, algorithm.take(der.OBJECT_IDENTIFIER)) != _RSA_ENCRYPTION:
            raise InvalidKey("the public key is neither RSA nor SM2")
        key = cast("rsa.RSAPublicKey", serialization.load_der_public_key(data))
        check_rsa_public(key.public_numbers())
        return key


def check_rsa_public(numbers: rsa.RSAPublicNumbers) -> None:
    """Check that OpenSSL can use a public key with these numbers; InvalidKey when it could not."""
    bits = numbers.n.bit_length()
    if bits > _LONGEST_MODULUS:
        raise InvalidKey(f"the RSA key has {bits} bits, at most {_LONGEST_MODULUS} are allowed")
    if not numbers.n & 1:
        raise InvalidKey("the modulus of the RSA key is even")
    if not numbers.e & 1 or numbers.e < _SHORTEST_EXPONENT or numbers.e.bit_length() > _LONGEST_EXPONENT:
        raise InvalidKey(f"the public exponent of the RSA key is even, 1 or longer than {_LONGEST_EXPONENT} bits")


def spki(key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey) -> bytes:
    """Return SubjectPublicKeyInfo DER (RFC 5280)."""
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
