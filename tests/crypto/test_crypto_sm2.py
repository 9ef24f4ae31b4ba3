"""SM2 against the examples of GM/T 0003.5 and against Python's own arithmetic; `openssl` judges in test_crypto_asymmetric."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kms_mock.crypto import asymmetric, der, sm2
from kms_mock.crypto.errors import InvalidCiphertext
from kms_mock.crypto.sm2_curve import GENERATOR, Multiples, N, P, Point, generator_multiples, multiply, multiply_add

Stream = Callable[[int], bytes]
Streams = Callable[[str], Stream]

# GM/T 0003.5-2012: the private key, and the k of both examples.
_SCALAR = 0x3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8
_K = 0x59276E27D506861A16680F3AD9C02DCCEF3CC1FA3CDBE4CE6D54B80DEAC1BC21
_KEY = sm2.PrivateKey(_SCALAR)
_INFINITY_SCALAR = N - 1


def _drawing(*numbers: int) -> Stream:
    """Return a stream from which exactly these scalars are drawn."""
    left = iter(numbers)
    return lambda count: (next(left) - 1).to_bytes(count, "big")


def test_sm3_example() -> None:
    """SM3 of `abc` is example 1 of GM/T 0004."""
    assert sm2.digest(b"abc").hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"


def test_public_key_example() -> None:
    """The public key of GM/T 0003.5 follows from its private key."""
    assert _KEY.public_key.point == Point(
        0x09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020,
        0xCCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13,
    )


def test_signature_example() -> None:
    """Z(A), e, r and s of the signature example of GM/T 0003.5 (message `message digest`) come out to the bit."""
    public = _KEY.public_key.to_der()
    z = sm2.identity_digest(_KEY.public_key)
    assert z.hex() == "b2e14c5c79c6df5b85f4fe7ed8db7a262b9da7e07ccb0ea9f4747b8ccda8a4f3"
    e = asymmetric.sm2_message_digest(public, b"message digest")
    assert e.hex() == "f0b43e94ba45accaace692ed534382eb17e6ab5a19ce7b31f4486fdfc0d28640"
    signature = sm2.sign(_KEY, e, _drawing(_K))
    assert signature == der.encode(
        der.SEQUENCE,
        der.encode_integer(0xF5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3),
        der.encode_integer(0xB1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA),
    )
    assert sm2.verify(_KEY.public_key, e, signature)


def test_encryption_example() -> None:
    """C1, C3 and C2 of the encryption example of GM/T 0003.5 come out to the bit, and the raw form opens as well."""
    c1 = (
        0x04EBFC718E8D1798620432268E77FEB6415E2EDE0E073C0F4F640ECD2E149A73,
        0xE858F9D81E5430A57B36DAAB8F950A3C64E6EE6A63094D99283AFF767E124DF0,
    )
    c3 = bytes.fromhex("59983c18f809e262923c53aec295d30383b54e39d609d160afcb1908d0bd8766")
    c2 = bytes.fromhex("21886ca989ca9c7d58087307ca93092d651efa")
    ciphertext = sm2.encrypt(_KEY.public_key, b"encryption standard", _drawing(_K))
    parts = (*map(der.encode_integer, c1), *(der.encode(der.OCTET_STRING, part) for part in (c3, c2)))
    assert ciphertext == der.encode(der.SEQUENCE, *parts)
    assert sm2.decrypt(_KEY, ciphertext) == b"encryption standard"
    assert sm2.decrypt(_KEY, b"\x04" + Point(*c1).to_bytes() + c3 + c2) == b"encryption standard"


def test_identity_changes_the_digest() -> None:
    """Another identity gives another Z(A); one of 8192 bytes does not fit its length field."""
    public = _KEY.public_key
    assert sm2.identity_digest(public, b"other") != sm2.identity_digest(public)
    assert sm2.identity_digest(public, b"1234567812345678") == sm2.identity_digest(public)
    assert sm2.message_digest(public, b"m") == asymmetric.sm2_message_digest(public.to_der(), b"m")
    with pytest.raises(ValueError, match="fewer than 8192"):
        sm2.identity_digest(public, bytes(8192))


@pytest.mark.parametrize("scalar", [0, N - 1, N])
def test_private_scalars_out_of_range(scalar: int) -> None:
    """0, N-1 and N are no private keys: with N-1 no signature could be computed."""
    with pytest.raises(ValueError, match="outside the range"):
        sm2.PrivateKey(scalar)


def test_sign_draws_again_when_the_standard_says_so() -> None:
    """A k that makes r = 0, r + k = N or s = 0 is thrown away, and the next one is used."""
    x = Point(*_point(_K)).x
    rejected = {
        "r = 0": -x % N,
        "r + k = N": (N - _K - x) % N,
        "s = 0": (_K * pow(_SCALAR, -1, N) - x) % N,
    }
    for number in rejected.values():
        e = number.to_bytes(32, "big")
        signature = sm2.sign(_KEY, e, _drawing(_K, 7))
        assert signature == sm2.sign(_KEY, e, _drawing(7))
        assert sm2.verify(_KEY.public_key, e, signature)


def _point(scalar: int) -> Iterable[int]:
    point = _times(scalar)
    return point.x, point.y


def _times(scalar: int) -> Point:
    return multiply(scalar, generator_multiples())


def _affine_product(scalar: int, point: Point) -> Point | None:
    """Return the product by double-and-add on affine points: another implementation to compare with."""
    result: Point | None = None
    for bit in f"{scalar:b}":
        result = _affine_sum(result, result)
        if bit == "1":
            result = _affine_sum(result, point)
    return result


def _affine_sum(left: Point | None, right: Point | None) -> Point | None:
    if left is None or right is None:
        return right or left
    if left.x == right.x and (left.y + right.y) % P == 0:
        return None
    if left == right:
        slope = (3 * left.x**2 - 3) * pow(2 * left.y, -1, P)
    else:
        slope = (right.y - left.y) * pow(right.x - left.x, -1, P)
    x = (slope**2 - left.x - right.x) % P
    return Point(x, (slope * (left.x - x) - left.y) % P)


def test_encrypt_draws_again_for_an_empty_mask() -> None:
    """A k whose mask is all zero bits would send the plaintext in the clear, so the next k is used."""
    bare = next(
        k
        for k in range(1, 5000)
        if sm2.digest(multiply(k, _KEY.public_key.multiples()).to_bytes(), b"\0\0\0\1")[0] == 0
    )
    assert sm2.encrypt(_KEY.public_key, b"x", _drawing(bare, 7)) == sm2.encrypt(_KEY.public_key, b"x", _drawing(7))


@settings(max_examples=20, deadline=None)
@given(plaintext=st.binary(max_size=100), k=st.integers(1, N - 1))
def test_decrypt_reverses_encrypt(plaintext: bytes, k: int) -> None:
    """Whatever was encrypted comes back, nothing included."""
    assert sm2.decrypt(_KEY, sm2.encrypt(_KEY.public_key, plaintext, _drawing(k, 7))) == plaintext


@settings(max_examples=20, deadline=None)
@given(e=st.binary(min_size=32, max_size=32), scalar=st.integers(1, N - 2), k=st.integers(1, N - 1))
def test_verify_accepts_what_was_signed(e: bytes, scalar: int, k: int) -> None:
    """A signature holds for its own digest and key, and for no other digest."""
    key = sm2.PrivateKey(scalar)
    signature = sm2.sign(key, e, _drawing(k, 7))
    assert sm2.verify(key.public_key, e, signature)
    assert not sm2.verify(key.public_key, bytes([e[0] ^ 1]) + e[1:], signature)


def test_verify_refuses_every_flipped_bit(stream: Streams) -> None:
    """No signature with one bit changed holds; strict DER leaves no second spelling."""
    e = bytes(range(32))
    signature = sm2.sign(_KEY, e, stream("flip"))
    for bit in range(0, len(signature) * 8, 3):
        changed = bytearray(signature)
        changed[bit // 8] ^= 1 << bit % 8
        assert not sm2.verify(_KEY.public_key, e, bytes(changed)), bit


@pytest.mark.parametrize(("r", "s"), [(0, 1), (1, 0), (N, 1), (1, N), (1, N - 1)])
def test_verify_refuses_numbers_out_of_range(r: int, s: int) -> None:
    """Numbers outside 1..N-1, and r + s = N, never verify (GM/T 0003.2, 7.1)."""
    signature = der.encode(der.SEQUENCE, der.encode_integer(r), der.encode_integer(s))
    assert not sm2.verify(_KEY.public_key, bytes(32), signature)


def test_verify_refuses_the_forgery_without_a_key() -> None:
    """With r + s = N the public key drops out of the equation, so r and s made for a digest hold for no key."""
    s = 12345
    r = N - s
    e = (r - _times(s).x) % N
    signature = der.encode(der.SEQUENCE, der.encode_integer(r), der.encode_integer(s))
    assert not sm2.verify(_KEY.public_key, e.to_bytes(32, "big"), signature)


def test_verify_survives_the_point_at_infinity() -> None:
    """A signature whose sum of points is no point does not verify rather than fail."""
    t = 5
    s = -t * _SCALAR % N
    r = (t - s) % N
    signature = der.encode(der.SEQUENCE, der.encode_integer(r), der.encode_integer(s))
    assert multiply_add(s, generator_multiples(), t, _KEY.public_key.multiples()) is None
    assert not sm2.verify(_KEY.public_key, bytes(32), signature)


def test_damaged_ciphertexts(stream: Streams) -> None:
    """A changed bit anywhere, another key, a C3 of another length and noise are InvalidCiphertext."""
    ciphertext = sm2.encrypt(_KEY.public_key, b"top secret", stream("damage"))
    for bit in range(0, len(ciphertext) * 8, 7):
        changed = bytearray(ciphertext)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(InvalidCiphertext):
            sm2.decrypt(_KEY, bytes(changed))
    point = b"\x04" + GENERATOR.to_bytes()
    for broken in (b"", b"\x04", point, point + bytes(31), point + bytes(32), ciphertext + b"\0", b"\x30\x00"):
        with pytest.raises(InvalidCiphertext):
            sm2.decrypt(_KEY, broken)
    with pytest.raises(InvalidCiphertext, match="another key"):
        sm2.decrypt(sm2.PrivateKey(5), ciphertext)


@settings(max_examples=15, deadline=None)
@given(left=st.integers(1, N - 1), right=st.integers(1, N - 1))
def test_the_group_law(left: int, right: int) -> None:
    """a*G + b*G is (a+b)*G, and the result is on the curve, which `Point` checks by itself."""
    total = (left + right) % N
    expected = _times(total) if total else None
    assert multiply_add(left, generator_multiples(), right, Multiples(GENERATOR)) == expected


@settings(max_examples=15, deadline=None)
@given(scalar=st.integers(1, N - 1), base=st.integers(1, N - 1), teeth=st.integers(1, 8), blocks=st.integers(1, 5))
def test_tables_of_multiples_agree_with_the_affine_formulas(scalar: int, base: int, teeth: int, blocks: int) -> None:
    """A table of any size returns, for any point, the product that affine double-and-add returns."""
    point = _times(base)
    assert multiply(scalar, Multiples(point, teeth, blocks)) == _affine_product(scalar, point)


@pytest.mark.parametrize("blocks", [1, 2, 3, 4])
@pytest.mark.parametrize("teeth", [1, 2, 3, 4, 5, 8])
def test_edges_of_the_tables(teeth: int, blocks: int) -> None:
    """Scalars by which an addition meets an equal point, its opposite or infinity on the way come out right."""
    table, columns = Multiples(GENERATOR, teeth, blocks), -(-256 // (teeth * blocks))
    scalars = {
        1,
        2,
        3,
        N - 1,
        N - 2,
        N - 3,
        (N - 1) // 2,
        (N + 1) // 2,
        1 << 255,
        *(1 << columns * i for i in range(teeth * blocks)),
    }
    # One column before the end twice the sum so far is T (N + 1 = 2 * ...), or its opposite (N itself).
    for scalar in sorted(scalars):
        assert multiply(scalar, table) == _affine_product(scalar, GENERATOR), scalar
    assert table.times(N)[2] == 0
    assert table.times(0)[2] == 0
    assert multiply(N + 1, table) == GENERATOR
    assert multiply(N + 2, table) == _times(2)


def test_edges_of_the_group() -> None:
    """G + G is 2G, (N-1)*G is -G, and G + (N-1)*G is the point at infinity."""
    table = generator_multiples()
    assert multiply_add(1, table, 1, table) == _times(2)
    assert _times(_INFINITY_SCALAR) == Point(GENERATOR.x, P - GENERATOR.y)
    assert multiply_add(1, table, _INFINITY_SCALAR, table) is None
    assert multiply_add(0, table, 1, table) == multiply_add(1, table, 0, table) == GENERATOR


def test_keys_stay_equal_after_their_first_use() -> None:
    """The table that a key keeps is no part of it: used and unused keys are equal and have the same hash and repr."""
    used, unused = _KEY.public_key, sm2.PublicKey(_KEY.public_key.point)
    assert used.multiples() is used.multiples()
    assert (used, hash(used), repr(used)) == (unused, hash(unused), repr(unused))


def test_points_from_bytes() -> None:
    """The uncompressed and both compressed forms give the same point; other bytes and points off the curve are refused."""
    for point in (GENERATOR, Point(GENERATOR.x, P - GENERATOR.y)):
        assert Point.from_bytes(b"\x04" + point.to_bytes()) == point
        assert Point.from_bytes(bytes([2 + point.y % 2]) + point.to_bytes()[:32]) == point
    off = GENERATOR.to_bytes()[:63] + b"\x00"
    for broken in (b"", b"\x00", b"\x04" + off, b"\x05" + GENERATOR.to_bytes(), b"\x04" + bytes(32)):
        with pytest.raises(ValueError, match="point"):
            Point.from_bytes(broken)
    with pytest.raises(ValueError, match="not on the SM2 curve"):
        Point(GENERATOR.x + P, GENERATOR.y)


def test_key_structures_are_checked() -> None:
    """Unknown versions, another algorithm, odd bits and left-over bytes in a key's DER are refused."""
    integer, sequence = der.encode_integer, der.SEQUENCE

    def octets(data: bytes) -> bytes:
        return der.encode(der.OCTET_STRING, data)

    algorithm = der.Reader(_KEY.public_key.to_der()).sequence().take(sequence)
    good = der.encode(sequence, algorithm)
    for broken in (
        der.encode(sequence, integer(1), good, octets(b"")),
        der.encode(sequence, integer(0), der.encode(sequence), octets(b"")),
        der.encode(sequence, integer(0), good, octets(der.encode(sequence, integer(2), octets(b"\1")))),
    ):
        with pytest.raises(ValueError, match=r"version|curve"):
            sm2.PrivateKey.from_pkcs8(broken)
    bits = b"\x04" + GENERATOR.to_bytes()
    assert sm2.PublicKey.from_der(der.encode(sequence, good, der.encode(der.BIT_STRING, b"\0" + bits)))
    for broken in (
        der.encode(sequence, good, der.encode(der.BIT_STRING, b"\1" + bits)),
        der.encode(sequence, good, der.encode(der.BIT_STRING, b"\0" + bits), b"\0"),
        _KEY.public_key.to_der() + b"\0",
    ):
        with pytest.raises(ValueError, match=r"whole number|left"):
            sm2.PublicKey.from_der(broken)
    # Some writers leave the public key out, or put attributes behind the key: neither changes the scalar.
    bare = octets(der.encode(sequence, integer(1), octets(_SCALAR.to_bytes(32, "big"))))
    assert sm2.PrivateKey.from_pkcs8(der.encode(sequence, integer(0), good, bare, b"\xa0\x00")) == _KEY


@given(value=st.integers(0, 2**300), data=st.binary(max_size=300))
@settings(max_examples=50)
def test_der_round_trip(value: int, data: bytes) -> None:
    """Integers and strings of any length read back as they were written."""
    reader = der.Reader(der.encode(der.SEQUENCE, der.encode_integer(value), der.encode(der.OCTET_STRING, data)))
    inner = reader.sequence()
    assert (inner.take_integer(), inner.take(der.OCTET_STRING)) == (value, data)
    inner.end()
    reader.end()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("", "too early"),
        ("0205", "too early"),
        ("0401ff", "tag"),
        ("0200", "shortest"),
        ("0201ff", "negative"),
        ("02020001", "shortest"),
        ("02810101", "shortest"),
        ("0282008001", "shortest"),
        ("0280", "unsupported"),
        ("0285", "unsupported"),
    ],
)
def test_der_is_strict(data: str, reason: str) -> None:
    """Cut-off, negative, padded and indefinite encodings of an INTEGER are refused."""
    with pytest.raises(ValueError, match=reason):
        der.Reader(bytes.fromhex(data)).take_integer()
