from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES, SM4
from cryptography.hazmat.primitives.padding import PKCS7
from hypothesis import given, settings
from hypothesis import strategies as st

from kms_mock.crypto import symmetric
from kms_mock.crypto.errors import InvalidCiphertext
from kms_mock.crypto.material import generate, load
from tests.support.calls import OpenSsl

_GCM_PLAINTEXT = (
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
)
_GCM_AAD = "feedfacedeadbeeffeedfacedeadbeefabaddad2"


@pytest.mark.parametrize(
    ("spec", "key", "nonce", "plaintext", "ciphertext", "tag"),
    [
        (
            "Aliyun_AES_128",
            "feffe9928665731c6d6a8f9467308308",
            "cafebabefacedbaddecaf888",
            _GCM_PLAINTEXT,
            (
                "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
                "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091"
            ),
            "5bc94fbc3221a5db94fae95ae7121a47",
        ),
        (
            "Aliyun_AES_192",
            "feffe9928665731c6d6a8f9467308308feffe9928665731c",
            "cafebabefacedbaddecaf888",
            _GCM_PLAINTEXT,
            (
                "3980ca0b3c00e841eb06fac4872a2757859e1ceaa6efd984628593b40ca1e19c"
                "7d773d00c144c525ac619d18c84a3f4718e2448b2fe324d9ccda2710"
            ),
            "2519498e80f1478f37ba55bd6d27618c",
        ),
        (
            "Aliyun_AES_256",
            "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
            "cafebabefacedbaddecaf888",
            _GCM_PLAINTEXT,
            (
                "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
                "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
            ),
            "76fc6ece0f4e1768cddf8853bb2d551b",
        ),
        (
            "Aliyun_SM4",
            "0123456789abcdeffedcba9876543210",
            "00001234567800000000abcd",
            (
                "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd"
                "eeeeeeeeeeeeeeeeffffffffffffffffeeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa"
            ),
            (
                "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735"
                "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d"
            ),
            "83de3541e4c2b58177e065a9bf7b62ec",
        ),
    ],
)
def test_published_gcm_vectors(*, spec: str, key: str, nonce: str, plaintext: str, ciphertext: str, tag: str) -> None:
    """Test cases 4, 10 and 16 of the GCM specification submitted to NIST, and RFC 8998 A.1, come out to the bit."""
    material = load(spec, bytes.fromhex(key))
    sealed = symmetric.seal(material, bytes.fromhex(nonce), bytes.fromhex(plaintext), bytes.fromhex(_GCM_AAD))
    assert sealed.hex() == ciphertext + tag
    assert symmetric.unseal(material, bytes.fromhex(nonce), sealed, bytes.fromhex(_GCM_AAD)).hex() == plaintext


@pytest.mark.parametrize("spec", ["Aliyun_AES_128", "Aliyun_AES_192", "Aliyun_AES_256", "Aliyun_SM4"])
@settings(max_examples=25, deadline=None)
@given(
    plaintext=st.binary(max_size=200), aad=st.none() | st.binary(max_size=40), nonce=st.binary(min_size=12, max_size=12)
)
def test_unseal_reverses_seal(spec: str, plaintext: bytes, aad: bytes | None, nonce: bytes) -> None:
    """Whatever was sealed comes back under the same nonce and associated data, 16 bytes shorter."""
    material = generate(spec)
    sealed = symmetric.seal(material, nonce, plaintext, aad)
    assert len(sealed) == len(plaintext) + 16
    assert symmetric.unseal(material, nonce, sealed, aad) == plaintext


@pytest.mark.parametrize("spec", ["Aliyun_AES_256", "Aliyun_SM4"])
def test_everything_is_authenticated(spec: str) -> None:
    """Another key, nonce or associated data, a missing tag and nothing at all are all refused."""
    material, nonce = generate(spec), bytes(12)
    sealed = symmetric.seal(material, nonce, b"secret", b"aad")
    for key, number, data, aad in (
        (generate(spec), nonce, sealed, b"aad"),
        (material, bytes(11) + b"1", sealed, b"aad"),
        (material, nonce, sealed, b"other"),
        (material, nonce, sealed, None),
        (material, nonce, sealed[:-1], b"aad"),
        (material, nonce, sealed[:15], b"aad"),
        (material, nonce, b"", b"aad"),
    ):
        with pytest.raises(InvalidCiphertext):
            symmetric.unseal(key, number, data, aad)


@pytest.mark.parametrize("spec", ["HMAC_SHA_256", "EC_P256", "EC_SM2"])
def test_other_kinds_do_not_seal(spec: str) -> None:
    """A key that is neither AES nor SM4 neither seals nor has block modes."""
    material = generate(spec)
    with pytest.raises(ValueError, match="does not encrypt symmetrically"):
        symmetric.seal(material, bytes(12), b"")
    with pytest.raises(ValueError, match="has no block modes"):
        symmetric.encrypt_blocks(material, "ECB", bytes(16))


_AES_KEY, _BLOCK = "2b7e151628aed2a6abf7158809cf4f3c", "6bc1bee22e409f96e93d7e117393172a"
_SM4_KEY = "0123456789abcdeffedcba9876543210"


@pytest.mark.parametrize(
    ("spec", "mode", "key", "iv", "plaintext", "ciphertext"),
    [
        ("Aliyun_AES_128", "ECB", _AES_KEY, None, _BLOCK, "3ad77bb40d7a3660a89ecaf32466ef97"),
        ("Aliyun_AES_128", "CBC", _AES_KEY, bytes(range(16)).hex(), _BLOCK, "7649abac8119b246cee98e9b12e9197d"),
        ("Aliyun_AES_128", "CTR", _AES_KEY, bytes(range(240, 256)).hex(), _BLOCK, "874d6191b620e3261bef6864990db6ce"),
        ("Aliyun_SM4", "ECB", _SM4_KEY, None, _SM4_KEY, "681edf34d206965e86b3e94f536e4246"),
    ],
)
def test_published_block_modes(
    *, spec: str, mode: symmetric.Mode, key: str, iv: str | None, plaintext: str, ciphertext: str
) -> None:
    """The first blocks of NIST SP 800-38A F.1.1, F.2.1 and F.5.1 and of GM/T 0002 A.1 come out to the bit."""
    material, start = load(spec, bytes.fromhex(key)), bytes.fromhex(iv) if iv else None
    assert symmetric.encrypt_blocks(material, mode, bytes.fromhex(plaintext), iv=start).hex() == ciphertext


@pytest.mark.parametrize("spec", ["Aliyun_AES_256", "Aliyun_SM4"])
@pytest.mark.parametrize("mode", ["CBC", "CTR", "ECB"])
@settings(max_examples=20, deadline=None)
@given(plaintext=st.binary(max_size=70))
def test_padding_makes_any_length_work(spec: str, mode: symmetric.Mode, plaintext: bytes) -> None:
    """With PKCS7 every length comes back; blocks grow to the next multiple of 16, the stream mode does not grow."""
    material, iv = generate(spec), None if mode == "ECB" else bytes(16)
    sealed = symmetric.encrypt_blocks(material, mode, plaintext, iv=iv, padding="PKCS7")
    assert len(sealed) == (len(plaintext) if mode == "CTR" else len(plaintext) // 16 * 16 + 16)
    cipher = (AES if spec == "Aliyun_AES_256" else SM4)(material.to_bytes())
    modes_of: dict[str, Any] = {"CBC": modes.CBC(bytes(16)), "CTR": modes.CTR(bytes(16)), "ECB": modes.ECB()}  # noqa: S305 (asked for)
    decryptor = Cipher(cipher, modes_of[mode]).decryptor()
    opened = decryptor.update(sealed) + decryptor.finalize()
    if mode != "CTR":
        remover = PKCS7(128).unpadder()
        opened = remover.update(opened) + remover.finalize()
    assert opened == plaintext


def test_openssl_reads_padded_blocks(openssl: OpenSsl) -> None:
    """`openssl enc` decrypts what AES-CBC and SM4-CBC with PKCS7 made."""
    for spec, cipher in (("Aliyun_AES_256", "aes-256-cbc"), ("Aliyun_SM4", "sm4-cbc")):
        material, iv = generate(spec), bytes(range(16))
        sealed = symmetric.encrypt_blocks(material, "CBC", b"twenty-one characters", iv=iv, padding="PKCS7")
        command = f"enc -d -{cipher} -K {material.to_bytes().hex()} -iv {iv.hex()} -in sealed"
        assert openssl(command, sealed=sealed) == b"twenty-one characters"


def test_block_modes_refuse_what_does_not_fit() -> None:
    """A missing, short or needless iv and a broken block are refused by name when encrypting."""
    material = generate("Aliyun_AES_128")
    for mode, iv in (("CBC", None), ("CTR", bytes(12)), ("ECB", bytes(16))):
        with pytest.raises(ValueError, match=r"iv"):
            symmetric.encrypt_blocks(material, mode, bytes(16), iv=iv)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="multiple of 16"):
        symmetric.encrypt_blocks(material, "ECB", bytes(15))


def test_the_symmetric_half_loads_nothing_asymmetric() -> None:
    """A run that only seals and opens blobs never loads OpenSSL's key pairs, which take most of the time to import."""
    code = (
        "import sys; from kms_mock.crypto import envelope, mac, material, symmetric, asymmetric, wrapping;"
        "assert 'cryptography' not in sys.modules;"
        "symmetric.seal(material.generate('Aliyun_AES_256'), bytes(12), b'x');"
        "assert 'cryptography' in sys.modules;"
        "assert 'cryptography.hazmat.primitives.asymmetric.rsa' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
