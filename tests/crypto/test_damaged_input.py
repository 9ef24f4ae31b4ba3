"""Bytes of a client, damaged in every way: only errors of `kms_mock.crypto.errors` come out, and none comes late."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kms_mock.crypto import asymmetric, csr, der, mac, pem, pkcs12, symmetric, wrapping, x509
from kms_mock.crypto.errors import CryptoError, InvalidCertificate, InvalidCiphertext, InvalidKey
from kms_mock.crypto.guard import guard, passes
from kms_mock.crypto.keypairs import spki
from kms_mock.crypto.material import KeyMaterial, generate, load
from kms_mock.crypto.self_signed import EARLIEST, self_signed
from kms_mock.crypto.sm2_curve import P
from tests.support import pki


def _stream() -> Callable[[int], bytes]:
    return random.Random(1).randbytes  # noqa: S311 (repeatable on purpose)


key = cache(lambda spec: generate(spec, _stream()))  # the same one each time
PAIRS = ("RSA_2048", "EC_P256", "EC_P256K", "EC_SM2")
SECRETS = ("Aliyun_AES_256", "Aliyun_SM4")
WRAPPING = {"rsa": ["RSAES_PKCS1_V1_5", "RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"], "sm2": ["SM2PKE"]}
SUBJECT = "CN=userName,OU=kms,O=aliyun,C=CN"
REQUEST = csr.build(key("EC_P256"), csr.subject_der(SUBJECT), ["a.example.com"])
ROOT = pki.root()
CERTIFICATES = [ROOT.pem, ROOT.issue(REQUEST, usages=("digital_signature",)), ROOT.issue(REQUEST)]

_YEAR_9999 = datetime(9999, 1, 1, tzinfo=UTC).timestamp()
_RSA_ALGORITHM = bytes.fromhex("300d06092a864886f70d0101010500")
_SM2_ALGORITHM = bytes.fromhex("301306072a8648ce3d020106082a811ccf5501822d")


def damaged(whole: bytes) -> st.SearchStrategy[bytes]:
    """Return a strategy of changes: bytes replaced, taken out, put in, and the end cut off."""
    change = st.tuples(st.integers(0, len(whole)), st.integers(0, 3), st.binary(max_size=3))

    def apply(changes: list[tuple[int, int, bytes]]) -> bytes:
        data = whole
        for position, removed, inserted in changes:
            data = data[:position] + inserted + data[position + removed :]
        return data

    return st.lists(change, min_size=1, max_size=4).map(apply) | st.integers(0, len(whole)).map(lambda n: whole[:n])


def encodings(label: str, wholes: Callable[[], list[bytes]]) -> st.SearchStrategy[bytes]:
    """Return a strategy of damaged DER, of PEM around damaged DER, and of damaged PEM."""

    def every_way(whole: bytes) -> st.SearchStrategy[bytes]:
        return (
            damaged(whole)
            | damaged(whole).map(lambda data: pem.encode(label, data).encode())
            | damaged(pem.encode(label, whole).encode())
        )

    return st.deferred(lambda: st.sampled_from(wholes()).flatmap(every_way))


def rsa_spki(modulus: int, exponent: int) -> bytes:
    numbers = der.encode(der.SEQUENCE, der.encode_integer(modulus), der.encode_integer(exponent))
    return der.encode(der.SEQUENCE, _RSA_ALGORITHM, der.encode(der.BIT_STRING, b"\0", numbers))


def sm2_spki(point: bytes) -> bytes:
    return der.encode(der.SEQUENCE, _SM2_ALGORITHM, der.encode(der.BIT_STRING, b"\0", point))


def wraps_or_is_refused(data: bytes) -> bool:
    """Read a public key and wrap under it, seeded and not; return whether it was refused when it was read."""
    try:
        public = wrapping.read_public_key(data)
    except InvalidKey:
        return True
    for algorithm in WRAPPING[public.kind]:
        for stream in (None, _stream()):
            assert wrapping.wrap(data, algorithm, bytes(32), stream)
    return False


@given(data=encodings("PUBLIC KEY", lambda: [key(spec).public_key_der() for spec in ("RSA_2048", "EC_P256", "EC_SM2")]))
def test_a_public_key_is_refused_when_read_or_it_wraps(data: bytes) -> None:
    """No public key passes the reading and is refused by OpenSSL only when it is used."""
    wraps_or_is_refused(data)


@given(
    modulus=st.integers(1, 1 << 2049) | st.integers(1 << 2047, (1 << 2048) - 1),
    exponent=st.sampled_from([0, 1, 2, 3, 4, 65536, 65537, (1 << 64) - 1, (1 << 64) + 1, (1 << 2047) + 1])
    | st.integers(0, 1 << 80),
)
def test_an_rsa_key_of_any_numbers_is_refused_when_read_or_it_wraps(modulus: int, exponent: int) -> None:
    """Even moduli, short ones, exponents that are 0, 1, even, long or above the modulus."""
    refused = wraps_or_is_refused(rsa_spki(modulus, exponent))
    if modulus.bit_length() < 2048 or modulus % 2 == 0 or exponent % 2 == 0 or exponent == 1 or exponent >= 1 << 64:
        assert refused


_ODD = (1 << 2047) + 1


@pytest.mark.parametrize(
    ("modulus", "exponent", "reason"),
    [
        (1 << 2047, 65537, "even"),
        (_ODD, 1, "no public key|exponent"),
        (_ODD, 65536, "no public key|exponent"),
        (_ODD, 0, "no public key|exponent"),
        (_ODD, (1 << 64) + 1, "exponent"),  # OpenSSL takes no longer ones where the modulus has more than 3072 bits
        (_ODD, _ODD + 2, "no public key|exponent"),
        ((1 << 1023) + 1, 65537, "1024 bits, at least 2048"),
        ((1 << 16384) + 1, 65537, "16385 bits, at most 16384"),
        ((1 << 1_000_000) + 1, 3, "1000001 bits, at most 16384"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{value.bit_length()} bits",
)
def test_rsa_numbers_that_openssl_refuses_late(modulus: int, exponent: int, reason: str) -> None:
    """Such a key is refused when it is read; a seeded run, which computes by itself, would have taken it."""
    with pytest.raises(InvalidKey, match=reason):
        wrapping.read_public_key(rsa_spki(modulus, exponent))


@given(point=st.binary(max_size=70) | st.binary(min_size=64, max_size=64).map(lambda body: b"\x04" + body))
def test_an_sm2_key_of_any_point_is_refused_when_read_or_it_wraps(point: bytes) -> None:
    """Points off the curve, of another length and in another form; the x of a compressed one may have no y."""
    wraps_or_is_refused(sm2_spki(point))


@given(x=st.integers(0, P + 100), sign=st.sampled_from([2, 3]))
def test_a_compressed_sm2_point_is_refused_when_read_or_it_wraps(x: int, sign: int) -> None:
    """Half of all x have a point; x beyond the field has none."""
    assume(x < 1 << 256)
    refused = wraps_or_is_refused(sm2_spki(bytes((sign,)) + x.to_bytes(32, "big")))
    assert refused or x < P


@pytest.mark.parametrize("oid", ["06092a864886f70d010301", "06072a8648ce3e0201", "06072a8648ce380401", "06032b6570"])
def test_public_keys_of_other_algorithms_never_reach_openssl(oid: str) -> None:
    """Diffie-Hellman, DSA and Ed25519: to refuse a long prime of the first takes OpenSSL 100 ms."""
    prime = der.encode_integer((1 << 20_000) + 1)
    algorithm = der.encode(der.SEQUENCE, bytes.fromhex(oid), der.encode(der.SEQUENCE, prime, der.encode_integer(2)))
    data = der.encode(der.SEQUENCE, algorithm, der.encode(der.BIT_STRING, b"\0", der.encode_integer(3)))
    with pytest.raises(InvalidKey, match="neither RSA nor SM2"):
        wrapping.read_public_key(data)


def _use(material: KeyMaterial) -> None:
    """Use both halves of a key pair in every way that its spec allows."""
    material.public_key_pem()
    for algorithm in material.spec.signature_algorithms:
        for stream in (None, _stream()):
            signature = asymmetric.sign(material, algorithm, bytes(32), stream)
            assert asymmetric.verify(material, algorithm, bytes(32), signature)
    for algorithm in material.spec.encryption_algorithms:
        assert asymmetric.decrypt(material, algorithm, asymmetric.encrypt(material, algorithm, b"x")) == b"x"


@pytest.mark.parametrize("spec", PAIRS)
@given(data=st.data())
def test_a_private_key_is_refused_when_loaded_or_it_works(spec: str, data: st.DataObject) -> None:
    """Key material of a fixture file or an import fails with InvalidKey, or serves every use of its spec."""
    damage = data.draw(encodings("PRIVATE KEY", lambda: [key(spec).to_bytes()]))
    try:
        material = load(spec, damage)
    except InvalidKey:
        return
    _use(material)


@pytest.mark.parametrize("field", range(8))
@pytest.mark.parametrize("change", [1, -1, 2])
def test_an_unsound_rsa_key_does_not_load(field: int, change: int) -> None:
    """One number of n, e, d, p, q, dp, dq, qi that does not fit the others: InvalidKey, not a wrong signature later."""
    body = der.Reader(key("RSA_2048").to_bytes()).sequence()
    version, algorithm = body.take_integer(), body.take(der.SEQUENCE)
    inner = der.Reader(body.take(der.OCTET_STRING)).sequence()
    inner.take_integer()
    numbers = [inner.take_integer() for _ in range(8)]
    numbers[field] += change
    pkcs1 = der.encode(der.SEQUENCE, der.encode_integer(0), *map(der.encode_integer, numbers))
    changed = der.encode(
        der.SEQUENCE,
        der.encode_integer(version),
        der.encode(der.SEQUENCE, algorithm),
        der.encode(der.OCTET_STRING, pkcs1),
    )
    with pytest.raises(InvalidKey):
        load("RSA_2048", changed)


def test_an_rsa_key_of_composites_does_not_load() -> None:
    """Numbers that fit each other but whose p is no prime: what such a key signs would not verify."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 (one use)
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415 (one use)

    chance = random.Random(1)  # noqa: S311 (a test that repeats)
    e = 65537
    while True:
        p, q = ((chance.getrandbits(1024) | (3 << 1022) | 1) for _ in range(2))
        if (p - 1) % e and (q - 1) % e and p % 3 == 0:
            d = pow(e, -1, (p - 1) * (q - 1))
            try:
                numbers = rsa.RSAPrivateNumbers(
                    p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), rsa.RSAPublicNumbers(e, p * q)
                )
            except ValueError:  # p and q share a factor
                continue
            break
    key = numbers.private_key(unsafe_skip_rsa_key_validation=True)
    data = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with pytest.raises(InvalidKey, match="unsound"):
        load("RSA_2048", data)
    assert spki(key.public_key())  # OpenSSL itself holds such a key without a word


@pytest.mark.parametrize("spec", PAIRS)
@given(data=st.data())
def test_no_bytes_in_place_of_a_signature_raise(spec: str, data: st.DataObject) -> None:
    """Verification answers False, also for damaged DER, numbers out of range and other lengths."""
    material = key(spec)
    algorithm = data.draw(st.sampled_from(material.spec.signature_algorithms))
    good = asymmetric.sign(material, algorithm, bytes(32), _stream())
    signature = data.draw(damaged(good) | st.binary(max_size=600))
    assert asymmetric.verify(material, algorithm, bytes(32), signature) == (signature == good)


@pytest.mark.parametrize("spec", ["RSA_2048", "EC_SM2"])
@given(data=st.data())
def test_no_bytes_in_place_of_a_ciphertext_raise_anything_else(spec: str, data: st.DataObject) -> None:
    """Decryption and unwrapping end with the plaintext or InvalidCiphertext."""
    material = key(spec)
    algorithm = data.draw(st.sampled_from(material.spec.encryption_algorithms))
    good = asymmetric.encrypt(material, algorithm, b"plaintext", _stream())
    ciphertext = data.draw(damaged(good) | st.binary(max_size=600))
    for opened in (asymmetric.decrypt, wrapping.unwrap):
        try:
            assert opened(material, algorithm, ciphertext) == b"plaintext"
        except InvalidCiphertext:
            continue


@pytest.mark.parametrize("raw", [False, True])
def test_a_long_sm2_ciphertext_is_refused_before_any_work(raw: bool) -> None:
    """A key's longest plaintext opens; one byte more is refused, so that 740 KB do not hold a thread for 200 ms."""
    pair = key("EC_SM2")
    whole = asymmetric.encrypt(pair, "SM2PKE", bytes(6047))
    assert asymmetric.decrypt(pair, "SM2PKE", whole) == bytes(6047)
    body = der.Reader(whole).sequence()
    x, y, check, masked = body.take_integer(), body.take_integer(), body.take(4), body.take(4)
    for longer in (masked + b"\0", masked * 120):
        if raw:
            text = b"\x04" + x.to_bytes(32, "big") + y.to_bytes(32, "big") + check + longer
        else:
            octets = (der.encode(der.OCTET_STRING, data) for data in (check, longer))
            text = der.encode(der.SEQUENCE, der.encode_integer(x), der.encode_integer(y), *octets)
        with pytest.raises(InvalidCiphertext, match=f"holds {len(longer)} bytes, 6047 are allowed"):
            asymmetric.decrypt(pair, "SM2PKE", text)


@given(spec=st.sampled_from(SECRETS), sealed=st.binary(max_size=100), aad=st.none() | st.binary(max_size=20))
def test_no_bytes_in_place_of_a_sealed_text_raise_anything_else(spec: str, sealed: bytes, aad: bytes | None) -> None:
    """GCM answers InvalidCiphertext for whatever it did not seal, also for less than a tag."""
    with pytest.raises(InvalidCiphertext):
        symmetric.unseal(key(spec), bytes(12), sealed, aad)


@given(code=st.binary(max_size=80))
def test_no_bytes_in_place_of_a_mac_raise(code: bytes) -> None:
    """Whatever its length, a wrong code is an answer."""
    assert not mac.verify(load("HMAC_SM3", bytes(32)), "HMAC_SM3", b"message", code)


def _certificate_bodies() -> list[bytes]:
    return [body for text in CERTIFICATES for _, body in pem.blocks(text.encode())]


def _as_text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


@given(data=encodings("CERTIFICATE", _certificate_bodies))
def test_damaged_certificates_are_invalid_certificates(data: bytes) -> None:
    """Reading, checking the chain below a root, and writing end with a result or InvalidCertificate."""
    root = x509.load_certificates(ROOT.pem)
    try:
        found = x509.load_certificates(_as_text(data))
        x509.check_chain([*found, *root])
        x509.check_chain([*root, *found])
    except InvalidCertificate:
        return
    assert [certificate.to_pem() for certificate in found]


@given(data=encodings("CERTIFICATE REQUEST", lambda: [body for _, body in pem.blocks(REQUEST.encode())]))
def test_damaged_requests_are_invalid_certificates(data: bytes) -> None:
    """A signing request is read, or refused with InvalidCertificate."""
    try:
        found = x509.load_request(_as_text(data))
    except InvalidCertificate:
        return
    assert found.public_key


@pytest.mark.parametrize(
    "serial", [0, 1, (1 << 160) - 1, 1 << 160, 1 << 20_000], ids=lambda n: f"{n.bit_length()} bits"
)
def test_serial_numbers_have_20_bytes_at_most(serial: int) -> None:
    """RFC 5280, 4.1.2.2; Python refuses to write an integer of more than 4300 digits, which DescribeCertificate would."""
    _, whole = next(pem.blocks(ROOT.pem.encode()))
    outer = der.Reader(whole).sequence()
    fields = der.Reader(outer.take(der.SEQUENCE))
    version = der.encode(0xA0, fields.take(0xA0))
    fields.take_integer()
    rest = [der.encode(der.SEQUENCE, fields.take(der.SEQUENCE)) for _ in range(5)] + [
        der.encode(0xA3, fields.take(0xA3))
    ]
    signed = der.encode(der.SEQUENCE, version, der.encode_integer(serial), *rest)
    algorithm = der.encode(der.SEQUENCE, outer.take(der.SEQUENCE))
    signature = der.encode(der.BIT_STRING, outer.take(der.BIT_STRING))
    text = pem.encode("CERTIFICATE", der.encode(der.SEQUENCE, signed, algorithm, signature))
    if 0 < serial < 1 << 160:
        assert x509.load_certificates(text)[0].serial == serial
    else:
        with pytest.raises(InvalidCertificate, match="serial number"):
            x509.load_certificates(text)


def test_a_chain_has_ten_certificates_at_most() -> None:
    """More would take longer to check than a request may hold the loop."""
    assert len(x509.load_certificates(ROOT.pem * 10)) == 10
    with pytest.raises(InvalidCertificate, match="11 certificates, at most 10"):
        x509.load_certificates(ROOT.pem * 11)


@given(
    text=st.text(st.characters(exclude_categories=[]), max_size=40)
    | st.tuples(
        st.sampled_from(["CN", "OU", "e", "C"]), st.text(st.characters(exclude_categories=[]), max_size=20)
    ).map(lambda pair: f"{pair[0]}={pair[1]},{SUBJECT}")
)
def test_damaged_subjects_are_invalid_certificates(text: str) -> None:
    """Any text, lone surrogates included, gives a name that a request can hold, or InvalidCertificate."""
    try:
        subject = csr.subject_der(text)
    except InvalidCertificate:
        return
    assert x509.load_request(csr.build(key("EC_P256"), subject)).subject


@given(password=st.text(st.characters(exclude_categories=[]), max_size=5))
def test_any_password_makes_a_file(password: str) -> None:
    """JSON can carry lone surrogates; a password with one is no reason for an internal error."""
    assert pkcs12.make(password, b"key", b"certificate")


@given(
    name=st.text(max_size=70),
    validity=st.tuples(*[st.floats(allow_nan=True, width=64) | st.integers(-(10**10), 10**12).map(float)] * 2),
)
def test_any_name_and_dates_make_a_certificate_or_an_error_of_ours(name: str, validity: tuple[float, float]) -> None:
    """A name without characters or with more than 64 bytes, dates the wrong way round, before 1950 or after 9999."""
    try:
        made = self_signed(key("EC_P256"), name, b"\1", validity)
    except InvalidCertificate:
        fits = 0 < len(name.encode()) <= 64 and EARLIEST <= validity[0] <= validity[1] < _YEAR_9999
        assert not fits or not name.strip()
        return
    assert made


def test_the_guard_hides_no_bug() -> None:
    """Errors that no bytes can cause pass both helpers as they are; those about bytes turn, without their text."""

    def fail(error: BaseException) -> Callable[..., object]:
        def work(*_: object) -> object:
            raise error

        return work

    for bug in (AttributeError("x"), KeyError("x"), MemoryError(), KeyboardInterrupt()):
        with pytest.raises(type(bug)), guard(InvalidKey, "text"):
            fail(bug)()
        with pytest.raises(type(bug)):
            passes(fail(bug))
    for refusal in (ValueError("secret"), TypeError("secret"), OverflowError("secret"), CryptoError("ours")):
        with pytest.raises(CryptoError) as caught, guard(InvalidKey, "text"):
            fail(refusal)()
        assert str(caught.value) == ("ours" if refusal.args == ("ours",) else "text")
        assert not passes(fail(refusal))
    assert passes(lambda *_: None, 1)
