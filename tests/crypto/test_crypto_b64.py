"""Base64: only the one text of some bytes is read back."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kms_mock.crypto import b64

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


@given(st.binary(max_size=100))
def test_what_is_encoded_is_read_back(data: bytes) -> None:
    """The text is that of RFC 4648, padded and in one line, and stands for the bytes."""
    text = b64.encode(data)
    assert text == base64.b64encode(data).decode()
    assert b64.decode_canonical(text) == data


@given(
    st.text(_ALPHABET + "=", max_size=12)
    | st.text(_ALPHABET, min_size=1, max_size=9).map(lambda text: text + "=" * (-len(text) % 4))
    | st.text(_ALPHABET + "=-_ \n\t\0é\ud800", max_size=9)
)
def test_no_two_texts_stand_for_the_same_bytes(text: str) -> None:
    """Whatever is read is the text that encoding writes; all else is a ValueError."""
    try:
        data = b64.decode_canonical(text)
    except ValueError:
        with pytest.raises(ValueError, match=r".*"):
            _reference(text)
    else:
        assert base64.b64encode(data).decode() == text


def _reference(text: str) -> bytes:
    """Read Base64 as the standard library does, strictly. Raises ValueError for what is not canonical."""
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data).decode() != text:
        raise ValueError
    return data


@pytest.mark.parametrize("length", [16, 17, 18])
def test_every_flipped_bit_of_a_text_is_noticed(length: int) -> None:
    """A change of one bit in the text is refused or gives other bytes: never does it go unnoticed."""
    text = b64.encode(bytes(length))
    for bit in range(len(text) * 8):
        changed = bytearray(text.encode())
        changed[bit // 8] ^= 1 << bit % 8
        try:
            assert b64.decode_canonical(changed.decode("latin-1")) != bytes(length)
        except ValueError:
            continue


@pytest.mark.parametrize(
    "text", ["not base64", "QQ==QQ==", "QQ=", "QQ", "QR==", "QUJ=", "QQ==\n", "é" * 8, "Q-==", "===="]
)
def test_malformed_texts(text: str) -> None:
    """What is no Base64, or not the canonical one, is a ValueError."""
    with pytest.raises(ValueError, match="it is not"):
        b64.decode_canonical(text)
