"""SM2: keys, signatures (GM/T 0003.2) and public-key encryption (GM/T 0003.4), encoded as in GM/T 0009.

`cryptography` has no SM2. The byte formats are those that `openssl` 3 reads and writes. Nothing here is constant-time:
timing reveals private keys, so never load real ones.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, cast

from cryptography.hazmat.primitives.hashes import SM3, Hash

from kms_mock.crypto import der
from kms_mock.crypto.errors import InvalidCiphertext
from kms_mock.crypto.guard import guard
from kms_mock.crypto.randomness import RandomBytes, scalar_below
from kms_mock.crypto.sm2_curve import GENERATOR, A, B, Multiples, N, Point, generator_multiples, multiply, multiply_add
from kms_mock.crypto.specs import SM2_MAX_PLAINTEXT

DEFAULT_ID: Final = b"1234567812345678"  # GM/T 0009, 10

_EC_PUBLIC_KEY: Final = bytes.fromhex("06072a8648ce3d0201")  # OID 1.2.840.10045.2.1
_SM2_CURVE: Final = bytes.fromhex("06082a811ccf5501822d")  # OID 1.2.156.10197.1.301
_ALGORITHM: Final = der.encode(der.SEQUENCE, _EC_PUBLIC_KEY, _SM2_CURVE)
_UNCOMPRESSED: Final = b"\x04"
_DIGEST_LENGTH: Final = 32
_IDENTITY_LIMIT: Final = 8192  # its length in bits is written in two bytes


@dataclass(frozen=True, slots=True)
class PublicKey:
    """An SM2 public key."""

    point: Point
    _multiples: Multiples | None = field(init=False, repr=False, compare=False, default=None)

    def multiples(self) -> Multiples:
        """Return the table of multiples of the point, made when it is first used (1 ms) and kept with the key."""
        if self._multiples is None:
            object.__setattr__(self, "_multiples", Multiples(self.point))
        return cast("Multiples", self._multiples)

    def to_der(self) -> bytes:
        """Return SubjectPublicKeyInfo (RFC 5480) with the SM2 curve."""
        return der.encode(der.SEQUENCE, _ALGORITHM, _bit_string(self.point))

    @classmethod
    def from_der(cls, data: bytes) -> PublicKey:
        """Read the key of a SubjectPublicKeyInfo; ValueError when that holds anything but an SM2 key."""
        outer = der.Reader(data)
        info = outer.sequence()
        outer.end()
        _check_algorithm(info)
        point = _point_of_bit_string(info.take(der.BIT_STRING))
        info.end()
        return cls(point)


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """An SM2 key pair; the scalar is 1..N-2 (GM/T 0003.1, 6.1), anything else a ValueError."""

    scalar: int = field(repr=False)
    public_key: PublicKey = field(init=False)
    inverse: int = field(init=False, repr=False, compare=False)  # of 1 + scalar, modulo N: every signature needs it

    def __post_init__(self) -> None:
        if not 1 <= self.scalar <= N - 2:
            raise ValueError("the private scalar is outside the range of SM2")
        object.__setattr__(self, "public_key", PublicKey(multiply(self.scalar, generator_multiples())))
        object.__setattr__(self, "inverse", pow(1 + self.scalar, -1, N))

    @classmethod
    def generate(cls, random_bytes: RandomBytes) -> PrivateKey:
        """Return a new key; it follows from the bytes alone."""
        return cls(scalar_below(N - 1, random_bytes))

    def to_der(self) -> bytes:
        """Return PKCS#8 (RFC 5958) around an ECPrivateKey with its public key (RFC 5915)."""
        inner = der.encode(
            der.SEQUENCE,
            der.encode_integer(1),
            der.encode(der.OCTET_STRING, self.scalar.to_bytes(32, "big")),
            der.encode(der.CONTEXT_1, _bit_string(self.public_key.point)),
        )
        return der.encode(der.SEQUENCE, der.encode_integer(0), _ALGORITHM, der.encode(der.OCTET_STRING, inner))

    @classmethod
    def from_pkcs8(cls, data: bytes) -> PrivateKey:
        """Read the key of an unencrypted PKCS#8 structure; ValueError when that holds anything but an SM2 key."""
        info = der.Reader(data).sequence()
        if info.take_integer() != 0:
            raise ValueError("unknown PKCS#8 version")
        _check_algorithm(info)
        return cls.from_sec1(info.take(der.OCTET_STRING))

    @classmethod
    def from_sec1(cls, data: bytes) -> PrivateKey:
        """Read the key of an ECPrivateKey (RFC 5915); its public key is ignored, it follows from the scalar.

        The curve is not looked at: a caller who has a bare ECPrivateKey checks with `names_curve` first.
        """
        key = der.Reader(data).sequence()
        if key.take_integer() != 1:
            raise ValueError("unknown ECPrivateKey version")
        return cls(int.from_bytes(key.take(der.OCTET_STRING), "big"))


def names_curve(data: bytes) -> bool:
    """Return whether DER bytes contain the SM2 curve's OID: enough to choose a parser, which then checks properly."""
    return _SM2_CURVE in data


def digest(*chunks: bytes) -> bytes:
    """Return SM3 (GM/T 0004) of the joined chunks, 32 bytes."""
    state = Hash(SM3())
    for chunk in chunks:
        state.update(chunk)
    return state.finalize()


def identity_digest(public_key: PublicKey, identity: bytes = DEFAULT_ID) -> bytes:
    """Return Z(A), 32 bytes: SM3 of the signer's identity (below 8192 bytes), the curve and the public key (GM/T 0003.2, 5.5)."""
    if len(identity) >= _IDENTITY_LIMIT:
        raise ValueError("an SM2 identity has fewer than 8192 bytes")
    return digest(
        (len(identity) * 8).to_bytes(2, "big"),
        identity,
        A.to_bytes(32, "big"),
        B.to_bytes(32, "big"),
        GENERATOR.to_bytes(),
        public_key.point.to_bytes(),
    )


def message_digest(public_key: PublicKey, message: bytes, identity: bytes = DEFAULT_ID) -> bytes:
    """Return e = SM3(Z(A) || M), 32 bytes: what is signed for a message (GM/T 0003.2, 6.1)."""
    return digest(identity_digest(public_key, identity), message)


def sign(key: PrivateKey, e: bytes, random_bytes: RandomBytes) -> bytes:
    """Return the signature over the digest `e`, as DER SEQUENCE of r and s (GM/T 0003.2, 6.1; GM/T 0009, 7.3)."""
    number = int.from_bytes(e, "big")
    while True:
        k = scalar_below(N, random_bytes)
        r = (number + multiply(k, generator_multiples()).x) % N
        if r == 0 or r + k == N:
            continue
        s = key.inverse * (k - r * key.scalar) % N
        if s:
            return der.encode(der.SEQUENCE, der.encode_integer(r), der.encode_integer(s))


def verify(key: PublicKey, e: bytes, signature: bytes) -> bool:
    """Return whether `signature` is valid for the digest `e`; False, too, when it is not DER."""
    try:
        r, s = _signature(signature)
    except ValueError:
        return False
    t = (r + s) % N
    if not (0 < r < N and 0 < s < N and t):
        return False
    point = multiply_add(s, generator_multiples(), t, key.multiples())
    return point is not None and (int.from_bytes(e, "big") + point.x) % N == r


def encrypt(key: PublicKey, plaintext: bytes, random_bytes: RandomBytes) -> bytes:
    """Return the ciphertext as DER SEQUENCE of x1, y1, C3 and C2 (GM/T 0003.4, 6.1; GM/T 0009, 7.2)."""
    while True:
        k = scalar_below(N, random_bytes)
        first = multiply(k, generator_multiples())
        shared = multiply(k, key.multiples())
        mask = _key_stream(shared, len(plaintext))
        # An all-zero mask would send the plaintext as it is; the standard draws again.
        if any(mask) or not plaintext:
            break
    return der.encode(
        der.SEQUENCE,
        der.encode_integer(first.x),
        der.encode_integer(first.y),
        der.encode(der.OCTET_STRING, _check_value(shared, plaintext)),
        der.encode(der.OCTET_STRING, _xor(plaintext, mask)),
    )


def decrypt(key: PrivateKey, ciphertext: bytes) -> bytes:
    """Return the plaintext; InvalidCiphertext when `ciphertext` is malformed, too long, damaged or for another key.

    Also reads the older raw form C1 || C3 || C2 with C1 = 04 || x1 || y1 (GM/T 0003.4, 6.1), told apart by its first byte.
    """
    with guard(InvalidCiphertext, "the ciphertext is not an SM2 ciphertext"):
        first, check, masked = _ciphertext(ciphertext)
    if len(masked) > SM2_MAX_PLAINTEXT:  # 740 KB of mask would take 200 ms
        raise InvalidCiphertext(f"the ciphertext holds {len(masked)} bytes, {SM2_MAX_PLAINTEXT} are allowed")
    shared = multiply(key.scalar, Multiples(first))
    plaintext = _xor(masked, _key_stream(shared, len(masked)))
    if _check_value(shared, plaintext) != check:
        raise InvalidCiphertext("the ciphertext is damaged or was made with another key")
    return plaintext


def _signature(data: bytes) -> tuple[int, int]:
    outer = der.Reader(data)
    pair = outer.sequence()
    outer.end()
    r, s = pair.take_integer(), pair.take_integer()
    pair.end()
    return r, s


def _ciphertext(data: bytes) -> tuple[Point, bytes, bytes]:
    """Return C1, C3 and C2 of a ciphertext; ValueError when it is malformed."""
    if data[:1] == _UNCOMPRESSED:
        point, check, masked = Point.from_bytes(data[:65]), data[65:97], data[97:]
    else:
        outer = der.Reader(data)
        fields = outer.sequence()
        outer.end()
        point = Point(fields.take_integer(), fields.take_integer())
        check, masked = fields.take(der.OCTET_STRING), fields.take(der.OCTET_STRING)
        fields.end()
    return point, check, masked


def _key_stream(point: Point, length: int) -> bytes:
    """Apply the KDF of GM/T 0003.4, 5.4.3 over both coordinates."""
    seed = point.to_bytes()
    blocks = range(1, (length + _DIGEST_LENGTH - 1) // _DIGEST_LENGTH + 1)
    return b"".join(digest(seed, counter.to_bytes(4, "big")) for counter in blocks)[:length]


def _check_value(point: Point, plaintext: bytes) -> bytes:
    coordinates = point.to_bytes()
    return digest(coordinates[:32], plaintext, coordinates[32:])


def _xor(left: bytes, right: bytes) -> bytes:
    return (int.from_bytes(left, "big") ^ int.from_bytes(right, "big")).to_bytes(len(left), "big")


def _bit_string(point: Point) -> bytes:
    return der.encode(der.BIT_STRING, b"\x00", _UNCOMPRESSED, point.to_bytes())


def _point_of_bit_string(body: bytes) -> Point:
    if body[:1] != b"\x00":
        raise ValueError("an SM2 public key is a whole number of bytes")
    return Point.from_bytes(body[1:])


def _check_algorithm(info: der.Reader) -> None:
    if der.encode(der.SEQUENCE, info.take(der.SEQUENCE)) != _ALGORITHM:
        raise ValueError("the key is not on the SM2 curve")
