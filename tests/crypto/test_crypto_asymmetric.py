"""Signatures and public-key encryption, with the `openssl` command as an outside judge in both directions."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from kms_mock.crypto import asymmetric, pem
from kms_mock.crypto.errors import InvalidCiphertext, PlaintextTooLong, UnsupportedAlgorithm
from kms_mock.crypto.keypairs import EcMaterial, sm2_key
from kms_mock.crypto.material import KeyMaterial, generate
from kms_mock.crypto.specs import KEY_SPECS
from tests.support.calls import OpenSsl

Streams = Callable[[str], Callable[[int], bytes]]
Keys = Callable[[str], KeyMaterial]

_MESSAGE = b"the message that was signed"
_PSS = "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32"
_DISTID = "-sigopt distid:1234567812345678"
_SIGNATURES = [
    (spec, algorithm, options)
    for spec in ("RSA_2048", "RSA_3072", "RSA_4096")
    for algorithm, options in (("RSA_PKCS1_SHA_256", "-sha256"), ("RSA_PSS_SHA_256", f"-sha256 {_PSS}"))
] + [
    ("EC_P256", "ECDSA_SHA_256", "-sha256"),
    ("EC_P256K", "ECDSA_SHA_256", "-sha256"),
    ("EC_SM2", "SM2DSA", f"-sm3 {_DISTID}"),
]
_SIGNERS = [(spec, algorithm) for spec, algorithm, _ in _SIGNATURES]
_ENCRYPTIONS = [
    (spec.name, algorithm.name)
    for spec in KEY_SPECS.values()
    for algorithm in spec.encryptions
    if spec.name != "RSA_4096"
]
_OPENSSL_PADDING = {
    "RSAES_OAEP_SHA_1": "-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha1 -pkeyopt rsa_mgf1_md:sha1",
    "RSAES_OAEP_SHA_256": "-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_mgf1_md:sha256",
    "SM2PKE": "",
}


def _digest(material: KeyMaterial) -> bytes:
    if material.spec.kind == "sm2":
        return asymmetric.sm2_message_digest(material.public_key_der(), _MESSAGE)
    return hashlib.sha256(_MESSAGE).digest()


def _private_pem(material: KeyMaterial) -> bytes:
    return pem.encode("PRIVATE KEY", material.to_bytes()).encode()


@pytest.mark.parametrize("seed", [None, "seed"])
@pytest.mark.parametrize(("spec", "algorithm", "options"), _SIGNATURES)
def test_openssl_verifies_our_signatures(
    *, spec: str, algorithm: str, options: str, seed: str | None, keys: Keys, openssl: OpenSsl, stream: Streams
) -> None:
    """`openssl dgst -verify` accepts every algorithm of every spec over the message, from OpenSSL and from a stream."""
    material = keys(spec)
    signature = asymmetric.sign(material, algorithm, _digest(material), stream(seed) if seed else None)
    command = f"dgst {options} -verify public -signature signature message"
    files = {"public": material.public_key_pem().encode(), "signature": signature, "message": _MESSAGE}
    assert openssl(command, **files) == b"Verified OK\n"


@pytest.mark.parametrize(("spec", "algorithm", "options"), _SIGNATURES)
def test_we_verify_openssl_signatures(spec: str, algorithm: str, options: str, keys: Keys, openssl: OpenSsl) -> None:
    """What `openssl dgst -sign` made verifies over that digest, not over another one, nor with one bit changed."""
    material = keys(spec)
    signature = openssl(f"dgst {options} -sign key message", key=_private_pem(material), message=_MESSAGE)
    digest = _digest(material)
    assert asymmetric.verify(material, algorithm, digest, signature)
    assert not asymmetric.verify(material, algorithm, hashlib.sha256(digest).digest(), signature)
    assert not asymmetric.verify(material, algorithm, digest, signature[:-1] + bytes([signature[-1] ^ 1]))


def test_openssl_takes_the_sm2_digest_as_it_is(keys: Keys, openssl: OpenSsl) -> None:
    """`openssl pkeyutl` verifies SM2DSA over the bare digest: nothing is hashed a second time."""
    material = keys("EC_SM2")
    e = _digest(material)
    files = {"public": material.public_key_pem().encode(), "s": asymmetric.sign(material, "SM2DSA", e), "e": e}
    openssl("pkeyutl -verify -pubin -inkey public -sigfile s -in e", **files)


@pytest.mark.parametrize(("spec", "algorithm"), _SIGNERS)
def test_malformed_signatures_are_just_wrong(spec: str, algorithm: str, keys: Keys) -> None:
    """Nothing, noise and zeros of the right length do not verify and do not raise."""
    material = keys(spec)
    for signature in (b"", b"\x30", b"noise" * 20, bytes(material.spec.material_length), bytes(600)):
        assert asymmetric.verify(material, algorithm, bytes(32), signature) is False


def test_other_keys_do_not_verify(keys: Keys) -> None:
    """A signature of one key does not hold for another key of the same spec."""
    for spec, algorithm in (("EC_P256", "ECDSA_SHA_256"), ("EC_SM2", "SM2DSA")):
        signature = asymmetric.sign(keys(spec), algorithm, bytes(32))
        assert asymmetric.verify(keys(spec), algorithm, bytes(32), signature)
        assert not asymmetric.verify(generate(spec), algorithm, bytes(32), signature)


@pytest.mark.parametrize(("spec", "algorithm"), _SIGNERS)
def test_signing_repeats_with_the_stream(spec: str, algorithm: str, keys: Keys, stream: Streams) -> None:
    """The same stream gives the same signature for every algorithm."""
    material = keys(spec)
    first = asymmetric.sign(material, algorithm, bytes(32), stream("a"))
    assert asymmetric.sign(material, algorithm, bytes(32), stream("a")) == first
    if algorithm in ("RSA_PSS_SHA_256", "SM2DSA"):
        assert asymmetric.sign(material, algorithm, bytes(32), stream("b")) != first


def test_pss_from_a_stream_always_fits_the_modulus(keys: Keys, stream: Streams) -> None:
    """Sixteen salts all give a PSS signature that verifies: the encoded number never outgrows the modulus."""
    for seed in "0123456789abcdef":
        signature = asymmetric.sign(keys("RSA_2048"), "RSA_PSS_SHA_256", bytes(32), stream(seed))
        assert asymmetric.verify(keys("RSA_2048"), "RSA_PSS_SHA_256", bytes(32), signature)


@pytest.mark.parametrize(
    ("spec", "algorithm"),
    [("RSA_2048", "RSA_PSS_SHA_256"), ("EC_P256", "ECDSA_SHA_256"), ("EC_SM2", "SM2DSA")],
)
def test_signatures_are_random_without_a_stream(spec: str, algorithm: str, keys: Keys) -> None:
    """Without a stream the randomised algorithms give another signature each time, as the service does."""
    material = keys(spec)
    assert asymmetric.sign(material, algorithm, bytes(32)) != asymmetric.sign(material, algorithm, bytes(32))


def test_rfc_6979_example() -> None:
    """ECDSA on P-256 with a stream gives the signature of RFC 6979 A.2.5 for SHA-256 and `sample`."""
    scalar = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721
    material = EcMaterial(KEY_SPECS["EC_P256"], derive_private_key(scalar, SECP256R1()))
    signature = asymmetric.sign(material, "ECDSA_SHA_256", hashlib.sha256(b"sample").digest(), bytes)
    assert decode_dss_signature(signature) == (
        0xEFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716,
        0xF7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8,
    )


def test_digest_lengths() -> None:
    """Every signature algorithm signs 32 bytes; other lengths and unknown names are refused."""
    for spec in KEY_SPECS.values():
        for algorithm in spec.signature_algorithms:
            assert asymmetric.digest_length(algorithm) == 32
    with pytest.raises(UnsupportedAlgorithm, match="RSA_PSS_SHA_512"):
        asymmetric.digest_length("RSA_PSS_SHA_512")


@pytest.mark.parametrize("length", [0, 20, 31, 33])
def test_digests_of_another_length(length: int, keys: Keys) -> None:
    """A digest that is not 32 bytes is refused by sign and by verify, with both numbers."""
    for refused in (
        lambda: asymmetric.sign(keys("EC_P256"), "ECDSA_SHA_256", bytes(length)),
        lambda: asymmetric.verify(keys("EC_P256"), "ECDSA_SHA_256", bytes(length), b""),
    ):
        with pytest.raises(ValueError, match=f"signs 32 bytes of digest, not {length}"):
            refused()


@pytest.mark.parametrize("spec", ["Aliyun_AES_256", "HMAC_SM3", "RSA_2048", "EC_P256", "EC_P256K", "EC_SM2"])
def test_algorithms_of_other_specs(spec: str, keys: Keys) -> None:
    """Every algorithm that a spec does not have is refused by all four operations."""
    material, own = keys(spec), KEY_SPECS[spec]
    names = {
        name for other in KEY_SPECS.values() for name in (*other.signature_algorithms, *other.encryption_algorithms)
    }
    for algorithm in {*names, "NONE", "RSAES_PKCS1_V1_5"} - {*own.signature_algorithms, *own.encryption_algorithms}:
        for refused in (
            lambda name: asymmetric.sign(material, name, bytes(32)),
            lambda name: asymmetric.verify(material, name, bytes(32), b""),
            lambda name: asymmetric.encrypt(material, name, b""),
            lambda name: asymmetric.decrypt(material, name, b""),
        ):
            with pytest.raises(UnsupportedAlgorithm, match=spec):
                refused(algorithm)


@pytest.mark.parametrize("seed", [None, "seed"])
@pytest.mark.parametrize(("spec", "algorithm"), _ENCRYPTIONS)
def test_openssl_decrypts_ours(
    *, spec: str, algorithm: str, seed: str | None, keys: Keys, openssl: OpenSsl, stream: Streams
) -> None:
    """`openssl pkeyutl -decrypt` opens what we encrypt, from the empty to the longest plaintext, and so do we."""
    material = keys(spec)
    limit = KEY_SPECS[spec].encryption(algorithm)
    assert limit is not None
    for plaintext in (b"", b"hello", b"m" * limit.max_plaintext):
        sealed = asymmetric.encrypt(material, algorithm, plaintext, stream(seed) if seed else None)
        assert asymmetric.decrypt(material, algorithm, sealed) == plaintext
        if spec != "EC_SM2":
            assert len(sealed) == limit.max_ciphertext
        command = f"pkeyutl -decrypt -inkey key -in sealed {_OPENSSL_PADDING[algorithm]}"
        assert openssl(command, key=_private_pem(material), sealed=sealed) == plaintext


@pytest.mark.parametrize(("spec", "algorithm"), _ENCRYPTIONS)
def test_we_decrypt_openssl(spec: str, algorithm: str, keys: Keys, openssl: OpenSsl) -> None:
    """What `openssl pkeyutl -encrypt` made with our public PEM opens."""
    material = keys(spec)
    command = f"pkeyutl -encrypt -pubin -inkey public -in plain {_OPENSSL_PADDING[algorithm]}"
    sealed = openssl(command, public=material.public_key_pem().encode(), plain=b"from outside")
    assert asymmetric.decrypt(material, algorithm, sealed) == b"from outside"


@pytest.mark.parametrize(("spec", "algorithm"), [(s, a.name) for s in KEY_SPECS for a in KEY_SPECS[s].encryptions])
def test_plaintext_limits(spec: str, algorithm: str, keys: Keys, stream: Streams) -> None:
    """One byte above the documented size is PlaintextTooLong, which knows both numbers; the limit itself works."""
    sizes = KEY_SPECS[spec].encryption(algorithm)
    assert sizes is not None
    limit = sizes.max_plaintext
    with pytest.raises(PlaintextTooLong, match=f"{limit + 1} bytes, {limit} are") as caught:
        asymmetric.encrypt(keys(spec), algorithm, bytes(limit + 1), stream("a"))
    assert (caught.value.length, caught.value.limit) == (limit + 1, limit)
    assert asymmetric.decrypt(keys(spec), algorithm, asymmetric.encrypt(keys(spec), algorithm, bytes(limit))) == bytes(
        limit
    )


@pytest.mark.parametrize(("spec", "algorithm"), _ENCRYPTIONS)
def test_encryption_repeats_with_the_stream_only(spec: str, algorithm: str, keys: Keys, stream: Streams) -> None:
    """The same stream gives the same ciphertext, another stream another one, and no stream a new one each time."""
    material = keys(spec)
    first = asymmetric.encrypt(material, algorithm, b"x", stream("a"))
    assert asymmetric.encrypt(material, algorithm, b"x", stream("a")) == first
    assert asymmetric.encrypt(material, algorithm, b"x", stream("b")) != first
    assert asymmetric.encrypt(material, algorithm, b"x") != asymmetric.encrypt(material, algorithm, b"x")


@pytest.mark.parametrize(("spec", "algorithm"), _ENCRYPTIONS)
def test_damaged_ciphertexts(spec: str, algorithm: str, keys: Keys) -> None:
    """A changed byte, a missing or added byte and nothing at all are InvalidCiphertext."""
    material = keys(spec)
    sealed = asymmetric.encrypt(material, algorithm, b"top secret")
    for broken in (sealed[:-1] + bytes([sealed[-1] ^ 1]), sealed[:-1], sealed + b"\0", b"", bytes(len(sealed))):
        with pytest.raises(InvalidCiphertext):
            asymmetric.decrypt(material, algorithm, broken)


def test_oaep_hashes_do_not_mix(keys: Keys) -> None:
    """A ciphertext of one OAEP hash does not open under the other."""
    sealed = asymmetric.encrypt(keys("RSA_2048"), "RSAES_OAEP_SHA_1", b"x")
    with pytest.raises(InvalidCiphertext):
        asymmetric.decrypt(keys("RSA_2048"), "RSAES_OAEP_SHA_256", sealed)


def test_sm2_key_is_only_of_sm2_material(keys: Keys) -> None:
    """Asking other material for its SM2 key is a TypeError that does not show the material."""
    with pytest.raises(TypeError, match="<EcMaterial EC_P256> is not an SM2 key"):
        sm2_key(keys("EC_P256"))
