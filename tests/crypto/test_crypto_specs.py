from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from kms_mock.crypto import symmetric
from kms_mock.crypto.material import SymmetricMaterial, generate
from kms_mock.crypto.specs import KEY_SPECS


def test_every_spec_is_found_under_its_own_name() -> None:
    """The table holds the documented specs, the three later ones and five for HMAC, each under its own name."""
    assert list(KEY_SPECS) == [spec.name for spec in KEY_SPECS.values()]
    assert {name for name in KEY_SPECS if not name.startswith("HMAC")} == {
        *("Aliyun_AES_128", "Aliyun_AES_192", "Aliyun_AES_256", "Aliyun_SM4"),
        *("RSA_2048", "RSA_3072", "RSA_4096", "EC_P256", "EC_P256K", "EC_SM2"),
    }
    assert len(KEY_SPECS) == 15


@pytest.mark.parametrize(
    ("spec", "algorithm", "plaintext", "ciphertext"),
    [
        ("RSA_2048", "RSAES_OAEP_SHA_256", 190, 256),
        ("RSA_2048", "RSAES_OAEP_SHA_1", 214, 256),
        ("RSA_3072", "RSAES_OAEP_SHA_256", 318, 384),
        ("RSA_3072", "RSAES_OAEP_SHA_1", 342, 384),
        ("RSA_4096", "RSAES_OAEP_SHA_256", 446, 512),
        ("RSA_4096", "RSAES_OAEP_SHA_1", 470, 512),
        ("EC_SM2", "SM2PKE", 6047, 6144),
    ],
)
def test_documented_sizes(spec: str, algorithm: str, plaintext: int, ciphertext: int) -> None:
    """The sizes of the documents' table of public-key encryption are those of the specs (behaviour.md 2)."""
    found = KEY_SPECS[spec].encryption(algorithm)
    assert found is not None
    assert (found.max_plaintext, found.max_ciphertext) == (plaintext, ciphertext)
    assert algorithm in KEY_SPECS[spec].encryption_algorithms


@pytest.mark.parametrize("spec", KEY_SPECS)
def test_default_usage(spec: str) -> None:
    """The default usage is SIGN/VERIFY exactly where the spec has a signature algorithm."""
    found = KEY_SPECS[spec]
    assert (found.default_usage == "SIGN/VERIFY") == bool(found.signature_algorithms)
    assert ("GENERATE/VERIFY_MAC" in found.usages) == bool(found.mac_algorithms)
    assert ("ENCRYPT/DECRYPT" in found.usages) == (found.kind in ("aes", "sm4", "rsa", "sm2"))
    assert found.symmetric == (found.kind in ("aes", "sm4", "hmac"))
    assert found.encrypts_symmetrically == (found.kind in ("aes", "sm4"))


def test_sign_only_specs_have_no_encryption() -> None:
    """A spec answers None for an encryption algorithm that it does not have."""
    assert KEY_SPECS["EC_P256"].encryption("SM2PKE") is None
    assert KEY_SPECS["RSA_2048"].encryption("SM2PKE") is None


def test_specs_cannot_be_changed() -> None:
    """Neither a spec nor the table takes an assignment."""
    with pytest.raises(AttributeError):
        KEY_SPECS["RSA_2048"].name = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        KEY_SPECS["RSA_2048"] = KEY_SPECS["RSA_3072"]  # type: ignore[index]


@pytest.mark.parametrize("source", [None, bytes])
def test_a_third_curve_is_an_error(source: Any) -> None:
    """A spec on a curve that is not in the table makes no key; it does not silently become secp256k1."""
    spec = replace(KEY_SPECS["EC_P256"], name="EC_P384", curve="secp384r1")
    with pytest.raises(ValueError, match="the curve secp384r1 of spec EC_P384 is not implemented"):
        generate(spec, source)


def test_an_unknown_kind_is_an_error() -> None:
    """A kind of key without a row in the tables gets no key pair, cipher or block mode of another kind."""
    spec = replace(KEY_SPECS["Aliyun_SM4"], name="CAMELLIA", kind="camellia")
    material = SymmetricMaterial(spec, bytes(16))
    for use in (
        lambda: generate(spec),
        lambda: material.aead,
        lambda: symmetric.encrypt_blocks(material, "CBC", bytes(16), iv=bytes(16)),
    ):
        with pytest.raises(ValueError, match="CAMELLIA"):
            use()
