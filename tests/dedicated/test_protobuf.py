"""The codec of flat messages, judged by the official protobuf library, and the declared messages by the documentation."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.message import DecodeError
from hypothesis import assume, example, given
from hypothesis import strategies as st

from kms_mock.kms.dedicated import API
from kms_mock.kms.dedicated.messages import layout_of
from kms_mock.kms.dedicated.protobuf import Field, Message
from tests.support.protobuf_messages import documented_fields, message

TYPES = {"": "string", "repeated": "repeated string"}
MESSAGES = {
    f"{name}{suffix}": fields
    for name, operation in API.operations.items()
    for suffix, fields in (("Request", layout_of(operation).request), ("Response", layout_of(operation).response))
}
# These have fields of all types that there are.
SECRET, RANDOM, VERIFIED = (
    MESSAGES["GetSecretValueResponse"],
    MESSAGES["GenerateRandomRequest"],
    MESSAGES["VerifyResponse"],
)
SAMPLES = [
    "GetSecretValueResponse",
    "GenerateRandomRequest",
    "VerifyResponse",
    "EncryptRequest",
    "GenerateDataKeyRequest",
]
VALUES = {
    "string": st.text(max_size=200),
    "bytes": st.binary(max_size=200),
    "int32": st.integers(-(2**31), 2**31 - 1),
    "bool": st.booleans(),
    "repeated string": st.lists(st.text(max_size=20), max_size=4),
}


def filled(message: Message) -> st.SearchStrategy[dict[str, Any]]:
    """Make values for some of the fields of a message."""
    return st.fixed_dictionaries({}, optional={name: VALUES[field.type] for name, field in message.fields.items()})


def test_messages_are_the_documented_ones() -> None:
    """Every message has the documented fields with their numbers and types, and no other (dedicated.md 3)."""
    documented = {
        name: {field: Field(number, TYPES.get(kind, kind)) for number, field, kind in fields}  # type: ignore[arg-type]
        for name, fields in documented_fields().items()
    }
    assert documented == {name: found.fields for name, found in MESSAGES.items()}
    assert len(API.operations) == 16


@pytest.mark.parametrize("name", SAMPLES)
@given(data=st.data())
def test_both_read_what_the_other_one_writes(name: str, data: st.DataObject) -> None:
    """The official library writes the same bytes, and each reads them back as what was written."""
    values = data.draw(filled(MESSAGES[name]))
    theirs = message(name)(**values)
    ours = MESSAGES[name].encode(values)
    assert message(name).FromString(ours) == theirs
    assert ours == theirs.SerializeToString(deterministic=True)
    read = MESSAGES[name].decode(ours)
    assert read == {field: value for field, value in values.items() if value not in (0, "", b"", [])}


@pytest.mark.parametrize("name", SAMPLES)
@given(body=st.binary(max_size=60))
@example(b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")
@example(b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")
@example(b"\x10\x80\x80\x80\x80\x80\x80\x80\x80\x80\x7f")
@example(b"\x0a\x05ab")
@example(b"\x0a\x02\xff\xfe")
@example(b"\xff\xff\xff\xff\x7f\x00")
@example(b"\x00\x00")
@example(b"\x2a\x01a\x2a\x01b")
def test_any_bytes_are_read_as_the_official_library_reads_them(name: str, body: bytes) -> None:
    """What one takes the other takes, with the same values; what one refuses the other refuses. Groups are refused."""
    try:
        read = MESSAGES[name].decode(body)
    except ValueError as error:
        assume("of no type" not in str(error))  # a group, which proto3 has not
        with pytest.raises(DecodeError):
            message(name).FromString(body)
        return
    theirs = message(name).FromString(body)
    values = {field: getattr(theirs, field) for field in MESSAGES[name].fields}
    expected = {field: list(value) if is_list(value) else value for field, value in values.items() if value}
    assert read == expected


def is_list(value: Any) -> bool:
    """Return whether a value of the official library is a repeated field."""
    return not isinstance(value, str | bytes | int)


def test_a_field_with_its_default_is_as_one_that_is_not_there() -> None:
    """An empty text or bytes, 0 and false, written out, tell nothing (proto3); after a value they take it back."""
    assert RANDOM.decode(b"\x08\x00") == VERIFIED.decode(b"\x10\x00") == SECRET.decode(b"\x0a\x00") == {}
    assert SECRET.decode(b"\x0a\x01x\x0a\x00\x12\x01y") == {"SecretType": "y"}


def test_unknown_fields_are_skipped_and_the_last_value_counts() -> None:
    """Fields of other numbers or wire types are skipped, whatever their length; of several values the last one counts."""
    later = b"\xfa\x3f\x02ab" + b"\x79" + bytes(8) + b"\x7d" + bytes(4) + b"\x08\x05" + b"\x10\x05"
    assert RANDOM.decode(b"\x08\x07" + later) == {"Length": 5}
    assert SECRET.decode(b"\x08\x07\x0a\x01x\x0a\x01y") == {"SecretName": "y"}
    assert VERIFIED.decode(b"\x10\x02") == {"Value": True}
