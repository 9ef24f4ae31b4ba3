"""Any bytes as a fixture file end in a document or a FixtureError, sought by Hypothesis, and no secret is quoted."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kms_mock import fixtures
from kms_mock.control.faults import FaultSpec
from kms_mock.fixtures import FixtureError, reader
from tests.support.in_process import InProcess
from tests.support.profile import rounds

PLANTED = "hunter2-s3cret"
MARKS = st.text("!&*%@`'\"{}[]|>:#,?-<=~ \t0x_.\\", max_size=4)
FIELDS = st.sampled_from(
    [
        "secrets:\n- name: db\n  value: {}\n",
        "secrets:\n- name: db\n  versions:\n  - id: v1\n    stages: [ACSCurrent]\n    data: {}\n",
        "keys:\n- id: k\n  material: {}\n",
        "keys:\n- id: k\n  versions:\n  - material: {}\n",
        "certificates:\n- id: c\n  private_key: {}\n  subject: CN=x\n",
        "managed_data_keys:\n- name: d\n  versions:\n  - material: {}\n",
        "accounts:\n- id: '1'\n  access_keys:\n  - id: a\n    secret: {}\n",
    ]
)
PIECES = st.sampled_from(
    ["{", "}", "[", "]", ":", ",", '"', "'", "-", "\n", " ", "  ", "&a ", "*a", "<<: ", "!!int ", "0x_", "9" * 70, "a",
     "secrets", "name", "value", "null", "\ufeff", "\x00", "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
     "%TAG ! x\n", "---\n", "? ", "|\n", "#", "\\ud800", "\t", "\r", "1e999", "NaN"]
)  # fmt: skip
BYTES = st.binary(max_size=60) | st.lists(PIECES, max_size=20).map(lambda pieces: "".join(pieces).encode())
MANY = settings(
    max_examples=rounds(quick=75, deep=1500), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def server() -> Iterator[InProcess]:
    server = InProcess()
    yield server
    server.close()


def attempt(server: InProcess, file: Path) -> FixtureError | None:
    """Load a file and take it back; return what refused it."""
    before = server.store.state()
    try:
        fixtures.load(server.store, file)
    except FixtureError as error:
        assert server.store.state() == before
        return error
    server.store.restore(before)
    return None


@MANY
@given(BYTES, st.sampled_from(["a.yaml", "a.json"]))
@example(b"a: &a [*a]", "a.yaml")
@example(b'{"secrets": [{"name": "a", "value": "\\ud800"}]}', "a.json")
def test_any_bytes_are_a_document_or_a_fixture_error(
    server: InProcess, tmp_path: Path, content: bytes, name: str
) -> None:
    """No text gets past the reader by another error, and the error has the file and a path."""
    file = tmp_path / name
    file.write_bytes(content)
    error = attempt(server, file)
    if error is not None:
        assert str(error).startswith(str(file))
        assert error.path.startswith("$")


@MANY
@given(BYTES)
def test_any_body_is_a_fault_or_a_fixture_error(content: bytes) -> None:
    """The control API's reader has no other error either."""
    with suppress(FixtureError):
        assert isinstance(reader.read_json(content, FaultSpec), FaultSpec)


@MANY
@given(FIELDS, MARKS, MARKS)
@example("secrets:\n- name: db\n  value: {}\n", "!", "")
@example("secrets:\n- name: db\n  value: {}\n", "{", ": x}")
@example("secrets:\n- name: db\n  value: {}\n", "*", "")
@example("keys:\n- id: k\n  material: {}\n", "!!int ", "")
def test_no_error_quotes_a_secret(server: InProcess, tmp_path: Path, field: str, before: str, after: str) -> None:
    """Whatever YAML makes of the marks around a secret value, neither the error nor its chain has the value in it."""
    file = tmp_path / "a.yaml"
    file.write_text(field.replace("{}", before + PLANTED + after), encoding="utf-8")
    error = attempt(server, file)
    if error is not None:
        assert PLANTED not in "".join(traceback.format_exception(error))


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(st.characters(codec="utf-8"), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=3), inner, max_size=3),
    max_leaves=12,
)  # fmt: skip


@MANY
@given(JSON_VALUES)
def test_json_is_read_as_json_reads_it(tmp_path: Path, value: Any) -> None:
    """A correct text has the values that Python's json finds."""
    file = tmp_path / "a.json"
    file.write_text(json.dumps(value), encoding="utf-8")
    assert reader.read(file).tree == ({} if value is None else value)
