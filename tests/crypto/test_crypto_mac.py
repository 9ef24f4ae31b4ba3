from __future__ import annotations

import pytest

from kms_mock.crypto import mac
from kms_mock.crypto.errors import UnsupportedAlgorithm
from kms_mock.crypto.material import generate, load
from kms_mock.crypto.specs import KEY_SPECS
from tests.support.calls import OpenSsl

_ALGORITHMS = [name for name, spec in KEY_SPECS.items() if spec.kind == "hmac"]


@pytest.mark.parametrize(
    ("key", "message", "expected"),
    [
        (
            b"\x0b" * 20,
            b"Hi There",
            {
                "HMAC_SHA_224": "896fb1128abbdf196832107cd49df33f47b4b1169912ba4f53684b22",
                "HMAC_SHA_256": "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
                "HMAC_SHA_384": "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59c"
                "faea9ea9076ede7f4af152e8b2fa9cb6",
                "HMAC_SHA_512": "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
                "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854",
            },
        ),
        (
            b"Jefe",
            b"what do ya want for nothing?",
            {
                "HMAC_SHA_224": "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44",
                "HMAC_SHA_256": "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
                "HMAC_SHA_384": "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
                "8e2240ca5e69e2c78b3239ecfab21649",
                "HMAC_SHA_512": "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
                "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
            },
        ),
    ],
)
def test_rfc_4231_examples(key: bytes, message: bytes, expected: dict[str, str]) -> None:
    """Test cases 1 and 2 of RFC 4231 come out for all four SHA-2 hashes."""
    assert {algorithm: mac.hmac(key, algorithm, message).hex() for algorithm in expected} == expected


def test_hmac_sm3_example() -> None:
    """The HMAC-SM3 example of GB/T 15852.2 comes out."""
    message = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq" * 2
    found = mac.generate(load("HMAC_SM3", bytes(range(1, 33))), "HMAC_SM3", message)
    assert found.hex() == "ca05e144ed05d1857840d1f318a4a8669e559fc8391f414485bfdf7bb408963a"


@pytest.mark.parametrize("algorithm", _ALGORITHMS)
def test_openssl_agrees(algorithm: str, openssl: OpenSsl) -> None:
    """`openssl dgst -mac HMAC` computes the same, and the MAC is as long as the key of its spec."""
    material = generate(algorithm)
    found = mac.generate(material, algorithm, b"message")
    name = algorithm.removeprefix("HMAC_").replace("_", "").lower()
    command = f"dgst -{name} -mac HMAC -macopt hexkey:{material.to_bytes().hex()} -binary message"
    assert openssl(command, message=b"message") == found
    assert len(found) == KEY_SPECS[algorithm].material_length


@pytest.mark.parametrize("algorithm", _ALGORITHMS)
def test_verify(algorithm: str) -> None:
    """Only the very MAC of the very message under the very key verifies."""
    material = generate(algorithm)
    found = mac.generate(material, algorithm, b"message")
    assert mac.verify(material, algorithm, b"message", found)
    assert not mac.verify(material, algorithm, b"other", found)
    assert not mac.verify(generate(algorithm), algorithm, b"message", found)
    for wrong in (b"", found[:-1], found + b"\0", found[:-1] + bytes([found[-1] ^ 1])):
        assert not mac.verify(material, algorithm, b"message", wrong)


@pytest.mark.parametrize(("spec", "algorithm"), [("HMAC_SM3", "HMAC_SHA_256"), ("Aliyun_AES_256", "HMAC_SHA_256")])
def test_algorithms_of_other_specs(spec: str, algorithm: str) -> None:
    """A key makes MACs of its own algorithm only."""
    with pytest.raises(UnsupportedAlgorithm, match=spec):
        mac.generate(generate(spec), algorithm, b"")
    with pytest.raises(UnsupportedAlgorithm, match=spec):
        mac.verify(generate(spec), algorithm, b"", b"")


def test_unknown_algorithm() -> None:
    """A MAC algorithm that does not exist is refused by name."""
    with pytest.raises(UnsupportedAlgorithm, match="HMAC_MD5"):
        mac.hmac(b"", "HMAC_MD5", b"")
