from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kms_mock.crypto import envelope, symmetric
from kms_mock.crypto.errors import InvalidCiphertext
from kms_mock.crypto.material import generate

_ID = "86a9efd9-3d16-4894-bd4f-1fc43f3f2abf"
_TEXTS = st.text(max_size=6) | st.text(st.sampled_from("&=ab\0"), max_size=9)
_CONTEXTS = st.dictionaries(_TEXTS, _TEXTS, max_size=4)


def test_layout() -> None:
    """A blob is id, nonce, ciphertext and tag in that order, as the documented sample `ODZhOWVmZDkt` shows in Base64."""
    raw = envelope.pack(_ID, b"N" * 12, b"cipher" + b"T" * 16)
    assert base64.b64encode(raw).startswith(b"ODZhOWVmZDkt")
    assert raw == _ID.encode() + b"N" * 12 + b"cipher" + b"T" * 16


def test_documented_length() -> None:
    """The Base64 text of a 256-bit data key makes a blob of 144 characters, as long as the documented sample."""
    material = generate("Aliyun_AES_256")
    sealed = symmetric.seal(material, bytes(12), base64.b64encode(bytes(32)))
    assert len(base64.b64encode(envelope.pack(_ID, bytes(12), sealed))) == 144


@settings(max_examples=50)
@given(
    identifier=st.uuids().map(str),
    nonce=st.binary(min_size=12, max_size=12),
    sealed=st.binary(min_size=16, max_size=99),
)
def test_unpack_reverses_pack(identifier: str, nonce: bytes, sealed: bytes) -> None:
    """All three parts come back, and the result takes no assignment."""
    blob = envelope.unpack(envelope.pack(identifier, nonce, sealed))
    assert blob == envelope.Blob(identifier, nonce, sealed)
    with pytest.raises(AttributeError):
        blob.nonce = b""  # type: ignore[misc]


@pytest.mark.parametrize("spec", ["Aliyun_AES_256", "Aliyun_SM4"])
def test_every_flipped_bit_is_refused(spec: str) -> None:
    """A blob with any one bit changed is malformed, names another key version, or does not open."""
    material, nonce = generate(spec), bytes(range(12))
    raw = envelope.pack(_ID, nonce, symmetric.seal(material, nonce, b"top secret"))
    refused = 0
    for bit in range(len(raw) * 8):
        changed = bytearray(raw)
        changed[bit // 8] ^= 1 << bit % 8
        try:
            blob = envelope.unpack(bytes(changed))
            if blob.key_version_id == _ID:
                symmetric.unseal(material, blob.nonce, blob.sealed)
                pytest.fail(f"bit {bit} was not noticed")
        except InvalidCiphertext:
            pass
        refused += 1
    assert refused == len(raw) * 8


@pytest.mark.parametrize("raw", [b"", _ID.encode() + bytes(27), b"x" * 36 + bytes(28)])
def test_malformed_blobs(raw: bytes) -> None:
    """What is too short, or has no key version id, is InvalidCiphertext."""
    with pytest.raises(InvalidCiphertext):
        envelope.unpack(raw)


@pytest.mark.parametrize(
    ("identifier", "nonce", "sealed"),
    [
        ("short", bytes(12), bytes(16)),
        ("é" * 36, bytes(12), bytes(16)),
        (_ID, bytes(11), bytes(16)),
        (_ID, bytes(12), b""),
    ],
)
def test_pack_refuses_what_unpack_would(identifier: str, nonce: bytes, sealed: bytes) -> None:
    """A blob that could not be read again is never made."""
    with pytest.raises(ValueError, match="a ciphertext blob needs"):
        envelope.pack(identifier, nonce, sealed)


def test_no_context_means_no_associated_data() -> None:
    """An absent and an empty context are the same: no associated data."""
    assert envelope.context_aad(None) is None
    assert envelope.context_aad({}) is None


def test_a_context_has_the_associated_data_of_the_transfer_sdk() -> None:
    """It is SHA-256 over the UTF-8 of `k1=v1&k2=v2`, keys sorted, nothing escaped (dedicated.md 4)."""
    assert envelope.context_aad({"é": "22", "a": "1"}) == hashlib.sha256("a=1&é=22".encode()).digest()
    assert envelope.context_aad({"": ""}) == hashlib.sha256(b"=").digest()


@pytest.mark.parametrize("context", [{"a": "1&b=2"}, {"a=1&b": "2"}, {"&": ""}, {"": "="}])
def test_a_context_with_separators_has_a_form_of_its_own(context: dict[str, str]) -> None:
    """Where a key or value holds & or =, it is SHA-256 over & and lengths and texts: blobs stay readable for good."""
    (pair,) = context.items()
    expected = b"&" + b"".join(len(text).to_bytes(8, "big") + text.encode() for text in pair)
    assert envelope.context_aad(context) == hashlib.sha256(expected).digest()


def test_the_two_forms_never_meet() -> None:
    """A context whose plain text is what the other form hashes would need a key that starts with &, which has none."""
    other = {"a": "b=c"}
    hashed = "&" + "".join(f"{chr(0) * 7}{chr(len(text))}{text}" for pair in other.items() for text in pair)
    key, _, value = hashed.partition("=")
    assert envelope.context_aad({key: value}) != envelope.context_aad(other)
    assert envelope.context_aad({key[1:]: value}) != envelope.context_aad(other)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ({"ab": "c"}, {"a": "bc"}),
        ({"a": "1&b=2"}, {"a": "1", "b": "2"}),
        ({"a": "b=c"}, {"a=b": "c"}),
        ({"a": "&b=c"}, {"a": "", "b": "c"}),
        ({"a": "b", "c": "d"}, {"a": "bcd"}),
        ({"": "ab"}, {"ab": ""}),
    ],
)
def test_contexts_that_look_alike_differ(left: dict[str, str], right: dict[str, str]) -> None:
    """Contexts that are equal when simply joined have different associated data."""
    assert envelope.context_aad(left) != envelope.context_aad(right)


@settings(max_examples=100)
@given(left=_CONTEXTS, right=_CONTEXTS)
def test_contexts_agree_only_when_equal(left: dict[str, str], right: dict[str, str]) -> None:
    """Associated data is equal exactly when the contexts are, whatever the order of their pairs."""
    assert (envelope.context_aad(left) == envelope.context_aad(right)) == (left == right)
    assert envelope.context_aad(dict(reversed(left.items()))) == envelope.context_aad(left)


def test_lone_surrogates_are_taken() -> None:
    """A context with half a character, which JSON can carry, has associated data like any other."""
    assert envelope.context_aad({"a": "\ud800"}) != envelope.context_aad({"a": "\udfff"})
