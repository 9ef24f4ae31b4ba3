import pytest

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
