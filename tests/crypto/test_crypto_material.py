from __future__ import annotations

import copy
import pickle
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from kms_mock.crypto import keypairs, pem, primes, sm2, sm2_curve
from kms_mock.crypto.material import KeyMaterial, generate, load
from kms_mock.crypto.randomness import scalar_below
from kms_mock.crypto.specs import KEY_SPECS
from tests.support.calls import OpenSsl

Streams = Callable[[str], Callable[[int], bytes]]
Keys = Callable[[str], KeyMaterial]

_PAIRS = [name for name, spec in KEY_SPECS.items() if not spec.symmetric]
_SECRETS = [name for name, spec in KEY_SPECS.items() if spec.symmetric]
_QUICK = [name for name in KEY_SPECS if name not in ("RSA_3072", "RSA_4096")]


@pytest.mark.parametrize("spec", _QUICK)
def test_generation_repeats(spec: str, stream: Streams) -> None:
    """The same byte stream gives the same key, another stream another one, and OpenSSL yet another."""
    first = generate(spec, stream("seed"))
    assert generate(KEY_SPECS[spec], stream("seed")) == first
    assert generate(spec, stream("other")) != first
    assert generate(spec) != first


@pytest.mark.parametrize(("spec", "bits"), [("RSA_3072", 3072), ("RSA_4096", 4096)])
def test_long_rsa_keys_from_a_stream(spec: str, bits: int, stream: Streams) -> None:
    """Prime search from a stream also serves the long RSA specs, with the modulus at its full length."""
    material = generate(spec, stream("2"))
    assert isinstance(material, keypairs.RsaMaterial)
    assert material.public_key.key_size == bits


@pytest.mark.parametrize("spec", _SECRETS)
def test_secret_keys_are_bytes_of_the_spec_length(spec: str, stream: Streams) -> None:
    """A symmetric or HMAC key is exactly as many bytes of the stream as its spec says."""
    assert generate(spec, stream("seed")).to_bytes() == stream("seed")(KEY_SPECS[spec].material_length)


@pytest.mark.parametrize("spec", _PAIRS)
def test_openssl_reads_both_halves(spec: str, keys: Keys, openssl: OpenSsl) -> None:
    """`openssl` accepts the PKCS#8 as a consistent key, and derives from it the very public key that we export."""
    material = keys(spec)
    openssl("pkey -inform DER -in key -check -noout", key=material.to_bytes())
    assert openssl("pkey -inform DER -in key -pubout -outform DER") == material.public_key_der()
    assert openssl("pkey -inform DER -in key -pubout") == material.public_key_pem().encode()
    assert openssl("pkey -pubin -inform DER -in spki -pubout", spki=material.public_key_der())


@pytest.mark.parametrize("spec", _PAIRS)
def test_pem_layout(spec: str, keys: Keys) -> None:
    """The public PEM has lines of 64 columns and one newline at its end, as GetPublicKey documents."""
    lines = keys(spec).public_key_pem().split("\n")
    assert lines[0] == "-----BEGIN PUBLIC KEY-----"
    assert lines[-2:] == ["-----END PUBLIC KEY-----", ""]
    assert all(len(line) == 64 for line in lines[1:-3])
    assert 0 < len(lines[-3]) <= 64


@pytest.mark.parametrize(
    ("spec", "command"),
    [
        ("RSA_2048", "genrsa -out pem 2048"),
        ("RSA_2048", "genrsa -traditional -out pem 2048"),
        ("EC_P256", "ecparam -genkey -name prime256v1 -out pem"),
        ("EC_P256", "ecparam -genkey -noout -name prime256v1 -out pem"),
        ("EC_P256K", "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1 -out pem"),
        ("EC_SM2", "genpkey -algorithm SM2 -out pem"),
        ("EC_SM2", "ecparam -genkey -name SM2 -out pem"),
        ("EC_SM2", "ecparam -genkey -noout -name SM2 -out pem"),
    ],
)
def test_keys_of_openssl_load(spec: str, command: str, openssl: OpenSsl, tmp_path: Path) -> None:
    """PKCS#8, PKCS#1 and SEC1 PEM and PKCS#8 DER that `openssl` wrote load as the same key with the same public half."""
    openssl(command)
    material = load(spec, (tmp_path / "pem").read_bytes())
    assert load(spec, openssl("pkey -in pem")) == material
    assert load(spec, openssl("pkcs8 -topk8 -nocrypt -in pem -outform DER")) == material
    assert openssl("pkey -in pem -pubout") == material.public_key_pem().encode()


@pytest.mark.parametrize("spec", KEY_SPECS)
def test_load_reverses_to_bytes(spec: str, keys: Keys) -> None:
    """What `to_bytes` gives loads as an equal key with an equal hash, of that spec."""
    material = keys(spec)
    again = load(spec, material.to_bytes())
    assert again == material
    assert hash(again) == hash(material)
    assert again.spec is KEY_SPECS[spec]


def test_equality_looks_at_spec_and_bytes() -> None:
    """Equal bytes under another spec are another key, and a key equals nothing but a key."""
    data = bytes(32)
    assert load("Aliyun_AES_256", data) != load("HMAC_SHA_256", data)
    assert load("Aliyun_AES_256", data) != data
    assert len({load("Aliyun_AES_256", data), load("Aliyun_AES_256", data), load("HMAC_SM3", data)}) == 2


@pytest.mark.parametrize("spec", KEY_SPECS)
def test_repr_hides_the_key(spec: str, keys: Keys) -> None:
    """Neither repr nor str shows anything but the kind of key."""
    material = keys(spec)
    name = {"rsa": "RsaMaterial", "ec": "EcMaterial", "sm2": "Sm2Material"}.get(
        KEY_SPECS[spec].kind, "SymmetricMaterial"
    )
    assert repr(material) == str(material) == f"<{name} {spec}>"


def test_sm2_repr_hides_the_scalar() -> None:
    """The parsed SM2 key does not show its secret either."""
    key = sm2.PrivateKey(0x1234567890)
    assert str(0x1234567890) not in repr(key)
    assert "scalar" not in repr(key)


@pytest.mark.parametrize("spec", ["Aliyun_AES_256", "RSA_2048", "EC_P256", "EC_SM2"])
def test_material_cannot_be_changed(spec: str, keys: Keys) -> None:
    """There is no attribute to assign the spec or anything new to."""
    with pytest.raises(AttributeError):
        keys(spec).spec = KEY_SPECS["RSA_2048"]  # type: ignore[misc]
    with pytest.raises(AttributeError):
        keys(spec).comment = "x"  # type: ignore[attr-defined]


@pytest.mark.parametrize("spec", ["Aliyun_AES_256", "Aliyun_SM4", "RSA_2048", "EC_P256K", "EC_SM2"])
def test_material_can_be_copied(spec: str, keys: Keys) -> None:
    """Copying, deep copying and pickling give an equal key, also after its first use."""
    material = keys(spec)
    if material.spec.symmetric:
        assert material.aead is material.aead
    assert copy.copy(material) == copy.deepcopy(material) == pickle.loads(pickle.dumps(material)) == material  # noqa: S301


@pytest.mark.parametrize("spec", _SECRETS)
def test_secret_keys_have_no_public_half(spec: str, keys: Keys) -> None:
    """A symmetric key has no public key to export."""
    with pytest.raises(ValueError, match="no public key"):
        keys(spec).public_key_pem()


def test_unknown_spec() -> None:
    """A spec that is not in the table is named in the refusal."""
    with pytest.raises(ValueError, match="'Aliyun_DES3_192'"):
        generate("Aliyun_DES3_192")
    with pytest.raises(ValueError, match="'EC_P521'"):
        load("EC_P521", b"")


@pytest.mark.parametrize("spec", _SECRETS)
def test_load_checks_the_length(spec: str) -> None:
    """One byte more or less than the spec needs is refused with both numbers."""
    length = KEY_SPECS[spec].material_length
    for wrong in (length - 1, length + 1, 0):
        with pytest.raises(ValueError, match=rf"has {length} bytes, not {wrong}$"):
            load(spec, bytes(wrong))


@pytest.mark.parametrize("spec", _PAIRS)
@pytest.mark.parametrize("other", _PAIRS)
def test_load_checks_kind_curve_and_size(spec: str, other: str, keys: Keys) -> None:
    """A key pair loads under its own spec only, as DER and as PEM."""
    der = keys(other).to_bytes()
    for data in (der, pem.encode("PRIVATE KEY", der).encode()):
        if spec == other:
            assert load(spec, data) == keys(other)
        else:
            with pytest.raises(ValueError, match=spec):
                load(spec, data)


@pytest.mark.parametrize("spec", ["RSA_2048", "EC_P256", "EC_SM2"])
def test_load_refuses_what_is_no_key(spec: str, keys: Keys, openssl: OpenSsl) -> None:
    """Nothing, noise, a public key, broken PEM, an encrypted key and a cut-off key are refused without quoting them."""
    der = keys(spec).to_bytes()
    encrypted = openssl("pkcs8 -topk8 -inform DER -in key -v2 aes128 -passout pass:x", key=der)
    traditional = openssl(
        "rsa -inform DER -in rsa -traditional -aes128 -passout pass:x", rsa=keys("RSA_2048").to_bytes()
    )
    for data in (
        b"",
        b"\x30\x03secret",
        keys(spec).public_key_pem().encode(),
        keys(spec).public_key_der(),
        b"-----BEGIN PRIVATE KEY-----\n!secret!\n-----END PRIVATE KEY-----\n",
        b"-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n",
        b"-----BEGIN EC PRIVATE KEY-----\nc2VjcmV0\n-----END EC PRIVATE KEY-----\n",
        encrypted,
        traditional,
        der[:-30],
    ):
        with pytest.raises(ValueError, match="no unencrypted private key") as caught:
            load(spec, data)
        assert "secret" not in str(caught.value)
        assert caught.value.__cause__ is None


def test_load_refuses_other_algorithms() -> None:
    """An Ed25519 key is of no kind that a spec needs, and neither is a curve outside the table."""
    for key in (ed25519.Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP384R1())):
        der = key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        for spec in ("RSA_2048", "EC_P256", "EC_SM2"):
            with pytest.raises(ValueError, match=spec):
                load(spec, der)


def test_a_sec1_key_of_another_curve_is_no_sm2_key(openssl: OpenSsl) -> None:
    """A bare ECPrivateKey of P-256 does not turn into an SM2 key, although its scalar would fit."""
    with pytest.raises(ValueError, match="SM2 curve"):
        load("EC_SM2", openssl("ecparam -genkey -noout -name prime256v1"))


def test_rsa_keys_from_a_stream_are_sound(stream: Streams) -> None:
    """An own key has two primes of half the length that OpenSSL, too, finds prime, the exponent 65537, and p > q."""
    material = generate("RSA_2048", stream("sound"))
    assert isinstance(material, keypairs.RsaMaterial)
    numbers = material.private_key.private_numbers()
    assert numbers.p > numbers.q
    assert {numbers.p.bit_length(), numbers.q.bit_length()} == {1024}
    assert numbers.public_numbers.e == 65537
    # Without the flag that skips it, `cryptography` has OpenSSL check every prime and every exponent.
    assert isinstance(rsa.RSAPrivateNumbers.private_key(numbers), rsa.RSAPrivateKey)


def test_close_primes_are_drawn_again() -> None:
    """A stream that would give the same prime twice is read on until p and q are far enough apart."""
    draws = iter([b"\xc0", b"\xc0", b"\xe0"])
    p, q = primes.rsa_primes(512, lambda count: next(draws).ljust(count, b"\x11"))
    assert p != q
    assert next(draws, None) is None


def test_a_start_without_primes_is_left() -> None:
    """When the numbers above a starting point outgrow their length, the next bytes of the stream give a new start."""
    draws = iter([b"\xff" * 32, b"\xc1" * 32, b"\xd1" * 32])
    p, q = primes.rsa_primes(512, lambda _: next(draws))
    assert p.bit_length() == q.bit_length() == 256
    assert next(draws, None) is None


def test_primes_fit_the_public_exponent() -> None:
    """A prime p with 65537 dividing p - 1, for which no private exponent exists, is passed over."""
    step = 2 * primes.PUBLIC_EXPONENT
    unfit = next(p for p in range(step * (3 << 237) + 1, 1 << 256, step) if primes.is_probable_prime(p))
    draws = iter([unfit.to_bytes(32, "big"), b"\xf1" * 32])
    found = primes.rsa_primes(512, lambda _: next(draws))
    assert all(p % primes.PUBLIC_EXPONENT != 1 for p in found)
    assert min(found) > unfit


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (104729, True),
        (2**127 - 1, True),
        (104729 * 104723, False),
        (3215031751, False),  # a strong pseudoprime to the bases 2, 3, 5 and 7
        (561, False),  # a Carmichael number
        (2**521 - 1, True),
        (13 * 2**20 + 1, True),
    ],
)
def test_miller_rabin(number: int, expected: bool) -> None:
    """Primes pass; composites do not, Carmichael numbers and strong pseudoprimes to the first bases included."""
    assert primes.is_probable_prime(number) is expected


@given(base=st.sampled_from([2, 3, 13]), exponent=st.integers(1, 1 << 2100), modulus=st.integers(3, 1 << 2100))
def test_powers_in_steps_are_powers(base: int, exponent: int, modulus: int) -> None:
    """The power that lets other threads run on the way is the one of Python's own `pow`."""
    assert primes.power(base, exponent, modulus) == pow(base, exponent, modulus)


def test_a_prime_search_lets_other_threads_run(monkeypatch: pytest.MonkeyPatch, stream: Streams) -> None:
    """Other threads run after every 128 bits of an exponent: a whole `pow` of 2048 bits would stop them for 20 ms."""
    events: list[str] = []

    def turn(seconds: float) -> None:
        assert seconds == 0
        events.append("turn")

    def noted_pow(base: int, exponent: int, modulus: int) -> int:
        assert exponent.bit_length() <= 9
        events.append("work")
        return pow(base, exponent, modulus)

    monkeypatch.setattr(primes, "sleep", turn)
    monkeypatch.setattr(primes, "pow", noted_pow, raising=False)
    primes.rsa_primes(512, stream("turns"))
    assert max(map(len, " ".join(events).split("turn"))) <= len(" work " * 16)
    assert events.count("turn") >= 2 * 6 * 256 // 128  # both primes were tested with six bases


def test_scalars_stay_in_range() -> None:
    """The lowest and highest bytes of a stream give numbers from 1 to the limit - 1."""
    limit = sm2_curve.N
    assert scalar_below(limit, bytes) == 1
    assert all(1 <= scalar_below(limit, lambda n, b=byte: bytes([b]) * n) < limit for byte in range(256))  # type: ignore[misc]


def test_one_key_serves_several_threads() -> None:
    """Threads that use a fresh key at once all seal the same."""
    material, results = generate("Aliyun_AES_256"), []
    threads = [
        threading.Thread(target=lambda: results.append(material.aead.encrypt(bytes(12), b"x", None))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 8
    assert len(set(results)) == 1
