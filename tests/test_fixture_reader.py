"""What every text and document goes through: duplicate keys, merges, places, and errors in words."""

from __future__ import annotations

import copy
import json
import pickle
import traceback
from pathlib import Path
from typing import Any

import pytest
import yaml

from kms_mock import KmsMock, fixtures
from kms_mock.control.faults import FaultSpec
from kms_mock.fixtures import FixtureError, json_files, limits, places, reader, yaml_files
from tests.support.fixture_files import PLANTED, file_tree, refused_file

# -- numbers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["9" * 5000, "9" * 30, "0x_", "0b_", "!!int SECRET", "!!int ''", "!!float ''", "!!bool x", ".inf", ".nan", "-.inf"],
)
def test_a_number_that_cannot_be_one_says_how_to_write_a_string(tmp_path: Path, text: str) -> None:
    """Numbers without digits, with too many, or with a wrong tag: line, column, path and "quotes", not the value."""
    error = refused_file(tmp_path, f"secrets:\n- name: db\n  value: {text}\n")
    assert (error.line, error.column, error.path) == (3, 10, "$.secrets[0].value")
    assert "put it in quotes" in error.problem
    assert text not in str(error)


@pytest.mark.parametrize("text", ["9" * 5000, "9" * 30, "-" + "9" * 30, "1e400", "NaN", "-Infinity", "0." + "1" * 5000])
def test_a_json_number_out_of_range_says_so(tmp_path: Path, text: str) -> None:
    """JSON numbers beyond 64 bits, infinite or of 5,000 digits have the same limit and words as in YAML."""
    error = refused_file(tmp_path, f'{{"instances": [\n {{"id": "kst", "max_keys": {text}}}]}}', "a.json")
    assert (error.line, error.column) == (2, 28)
    assert (error.path, error.problem) == ("$.instances[0].max_keys", limits.BAD_NUMBER)


# -- texts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "text"), [("a.yaml", "secrets: []"), ("a.json", '{"secrets": []}')])
def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path, name: str, text: str) -> None:
    """Editors of Windows write one; it is passed over in YAML, JSON and the bodies of requests."""
    assert file_tree(tmp_path, b"\xef\xbb\xbf" + text.encode(), name) == {"secrets": []}
    assert reader.read_json(b'\xef\xbb\xbf{"times": 2, "code": "x"}', FaultSpec).times == 2


def test_an_encoding_that_is_not_utf_8_is_named(tmp_path: Path) -> None:
    """What PowerShell writes (UTF-16) is called by its name; a byte of Latin-1 has a line and column."""
    assert "UTF-16" in refused_file(tmp_path, "secrets: []".encode("utf-16")).problem
    error = refused_file(tmp_path, b"a: b\nname: k\xe4se")
    assert (error.problem, error.line, error.column) == ("cannot be read: it is not UTF-8", 2, 8)


def test_half_of_a_surrogate_pair_is_refused(tmp_path: Path) -> None:
    """No text in UTF-8 can hold it, so no answer could; whole pairs are fine."""
    assert "surrogate" in refused_file(tmp_path, r'{"a": "\ud800"}', "a.json").problem
    assert file_tree(tmp_path, r'{"a": "\ud83d\ude00"}', "a.json") == {"a": "\U0001f600"}
    with pytest.raises(FixtureError, match="surrogate"):
        fixtures.read({"secrets": [{"name": "\ud800", "value": "x"}]})


def test_keys_of_yaml_are_strings_as_they_stand(tmp_path: Path) -> None:
    """The keys `on`, `80` and `2026-01-31` may be names of tags: they are no boolean, number or date."""
    assert file_tree(tmp_path, "&name a: 1\nb: *name\n") == {"a": 1, "b": "a"}
    assert file_tree(tmp_path, "on: 1\n80: 2\n2026-01-31: 3\n~: 4\n") == {"on": 1, "80": 2, "2026-01-31": 3, "~": 4}


def test_scalars_of_yaml(tmp_path: Path) -> None:
    """Numbers, booleans and null are those of YAML 1.1; times and everything in quotes or with !!str are strings."""
    text = 'a: 0x1F\nb: 1_000\nc: 1.5\nd: yes\ne: ~\nf: 2026-01-31\ng: "5"\nh: !!str 5\ni: !!int "7"\nj: =\nk: <<\nl: ! 5\n'
    assert file_tree(tmp_path, text) == {
        "a": 31,
        "b": 1000,
        "c": 1.5,
        "d": True,
        "e": None,
        "f": "2026-01-31",
        "g": "5",
        "h": "5",
        "i": 7,
        "j": "=",
        "k": "<<",
        "l": "5",
    }


# -- merges -----------------------------------------------------------------------------------------------------------

BASE = "a: &a {name: a, value: x}\nb: &b {name: b, type: Generic}\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("c: {<<: *a}", {"name": "a", "value": "x"}),
        ("c: {<<: *a, name: c}", {"name": "c", "value": "x"}),
        ("c: {name: c, <<: *a}", {"name": "c", "value": "x"}),
        ("c: {<<: [*a, *b]}", {"name": "a", "value": "x", "type": "Generic"}),
        ("c: {<<: [*b, *a], value: z}", {"name": "b", "value": "z", "type": "Generic"}),
        ("c: {<<: {name: inline}}", {"name": "inline"}),
        ("c: {<<: [{name: inline}, *a]}", {"name": "inline", "value": "x"}),
        ("c: {!!merge <<: *a}", {"name": "a", "value": "x"}),
        ("c: {<<: []}", {}),
        ("c: {'<<': x}", {"<<": "x"}),
        ("c: {<<: *a, '<<': x}", {"name": "a", "value": "x", "<<": "x"}),
        ("c: {'<<': x, <<: []}", {"<<": "x"}),
        ("d: &d {<<: *a, type: Rds}\nc: {<<: *d}", {"name": "a", "value": "x", "type": "Rds"}),
    ],
)
def test_merges(tmp_path: Path, text: str, expected: Any) -> None:
    """`<<` takes over a mapping or several: own keys win wherever they stand, then the earlier of a list."""
    assert file_tree(tmp_path, BASE + text)["c"] == expected


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("c: {<<: 5}", 3, 9, "expected a mapping"),
        ("c: {<<: [*a, 5]}", 3, 16, "expected a mapping"),
        ("c: {<<: *a, <<: *b}", 3, 13, "[*a, *b]"),
    ],
)
def test_wrong_merges(tmp_path: Path, text: str, line: int, column: int, words: str) -> None:
    """What is no mapping cannot be merged, and two merges of one mapping are a list."""
    error = refused_file(tmp_path, BASE + text)
    assert error.line == line
    assert error.column is not None
    assert words in error.problem
    assert column >= error.column >= 4


def test_secrets_may_share_by_merges(tmp_path: Path) -> None:
    """Merged parts are copies: what two secrets share is not one thing in the store."""
    (tmp_path / "a.yaml").write_text(
        "secrets:\n- &one {name: one, value: x, tags: {team: a}}\n- {<<: *one, name: two, description: second}\n"
    )
    document = KmsMock([tmp_path / "a.yaml"]).snapshot()
    found = {secret["name"]: secret for secret in document["accounts"][0]["regions"][0]["secrets"]}
    assert found["two"]["tags"] == found["one"]["tags"] == {"team": "a"}
    assert found["two"]["description"] == "second"


# -- syntax -----------------------------------------------------------------------------------------------------------

KEY_TWICE_OVER_DEPTH = '{"a": ' + "[" * 900 + "]" * 900 + ', "a": 1}'


@pytest.mark.parametrize(
    ("name", "text", "place", "path", "words"),
    [
        ("a.yaml", "secrets:\n  - name: a\n    name: b\n", (3, 5), "$.secrets[0]", ("'name'", "twice")),
        ("a.yaml", "a: 1\nb: 2\na: 3\n", (3, 1), "$", ("'a'", "twice")),
        ("a.yaml", "secrets: [\n", (2, 1), "$", ("not YAML",)),
        ("a.yaml", "a: !!python/object:os.system x\n", (1, 4), "$.a", ("!!str", "quotes")),
        ("a.yaml", "a: !!binary aGk=\n", (1, 4), "$.a", ("!!str",)),
        ("a.yaml", "a: !!set {x}\n", (1, 4), "$.a", ("!!map",)),
        ("a.yaml", "a:\n? [1, 2]\n: x\n", (2, 3), "$", ("a string as a key",)),
        ("a.yaml", "a: &x y\n*x : z\n", (2, 1), "$", ("a string as a key",)),
        ("a.yaml", "a: &x [*x]\n", (1, 8), "$.a[0]", ("anchor", "quotes")),
        ("a.yaml", "a: x\n---\nb: y\n", (2, 1), "$", ("one document",)),
        ("a.yaml", "a: b\nc: \x00\n", (2, 4), "$", ("not YAML", "control character")),
        ("a.json", "{", (1, 2), "$", ("not JSON",)),
        ("a.json", "", (1, 1), "$", ("not JSON",)),
        ("a.json", "secrets: []", (1, 1), "$", ("not JSON",)),
        ("a.json", '{"a": 1,\n "b": \x01}', (2, 7), "$", ("not JSON",)),
        ("a.json", '{"a": 1} x', (1, 10), "$", ("not JSON",)),
        ("a.json", '{"a": 1, "b": 2,\n "a": 3}', (2, 2), "$", ("'a'", "twice")),
        ("a.json", '{"a": [{}, {"b": [1], "c": {"d": 1,\n "d" : 2}}]}', (2, 2), "$.a[1].c", ("'d'", "twice")),
        ("a.json", '{"secrets": [{"a b": {"x": 1, "x": 2}}]}', (1, 31), '$.secrets[0]["a b"]', ("'x'", "twice")),
        ("a.json", KEY_TWICE_OVER_DEPTH, (1, KEY_TWICE_OVER_DEPTH.rindex('"') - 1), "$", ("'a'", "twice")),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_text_that_cannot_be_parsed_says_where(  # noqa: PLR0917 (the table has so many columns)
    tmp_path: Path, name: str, text: str, place: tuple[int, int], path: str, words: tuple[str, ...]
) -> None:
    """Syntax errors and keys that come twice name the file, line, column and, inside the document, the path."""
    error = refused_file(tmp_path, text, name)
    assert (error.line, error.column) == place
    assert error.path == path
    where = "" if path == "$" else f"{path}: "
    assert str(error) == f"{tmp_path / name}:{error.line}:{error.column}: {where}{error.problem}"
    assert all(word in error.problem for word in words), error.problem


def test_without_libyaml_the_text_is_not_quoted_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PyYAML's own parser names what it found in its messages; they are left out."""
    monkeypatch.setattr(yaml_files, "_Loader", yaml.SafeLoader)
    monkeypatch.setattr(yaml_files, "_FIXED_MESSAGES", False)
    assert file_tree(tmp_path, BASE + "c: {<<: *a}")["c"] == {"name": "a", "value": "x"}
    for text in (f"a: !{PLANTED}!x y", f"a: *{PLANTED}", f"a: '{PLANTED}", "a: \x00", f"a: @{PLANTED}"):
        assert refused_file(tmp_path, text).line == 1


# -- places -----------------------------------------------------------------------------------------------------------

DOCUMENT = {
    "secrets": [{"name": "a", "tags": {"x.y": "1", 'q"': ["2"], "é": {}}}, {"name": "b\n", "versions": [{}, []]}]
}


def paths(value: Any, path: places.Path = ()) -> list[places.Path]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, child in children for found in paths(child, (*path, key)))]


@pytest.mark.parametrize("indent", [None, 1])
def test_every_value_has_its_place_in_both_formats(indent: int | None) -> None:
    """For each path, line and column lead to the text of the value; JSON is read as YAML and as JSON."""
    text = json.dumps(DOCUMENT, indent=indent)
    for path in paths(DOCUMENT):
        value: Any = DOCUMENT
        for key in path:
            value = value[key]
        place = json_files.locate(text, path)
        assert place == yaml_files.locate(text, path), path
        line, column = place
        rest = "\n".join(text.split("\n")[line - 1 :])[column - 1 :]
        assert json.JSONDecoder().raw_decode(rest)[0] == value
        assert places.parse(places.spell(path)) == path or not places.spell(path).isascii()
        if path and isinstance(path[-1], str):
            line, column = json_files.locate(text, path, of_key=True)
            assert (line, column) == yaml_files.locate(text, path, of_key=True)
            assert "\n".join(text.split("\n")[line - 1 :])[column - 1 :].startswith(json.dumps(path[-1]))


def test_a_path_that_is_not_in_the_text_leads_to_what_is_above_it() -> None:
    """The place of a field with its default is that of the mapping; of a merged one, that of the mapping too."""
    assert json_files.locate('{"a":\n{"b": 1}}', ("a", "c", 5)) == (2, 1)
    assert yaml_files.locate("a:\n  b: 1\n", ("a", "c", 5)) == (2, 3)
    assert yaml_files.locate("x: &x {v: 1}\na:\n- <<: *x\n  w: 1\n", ("a", 0, "v")) == (3, 3)
    assert yaml_files.locate("a: {b: 1}\nc: {d: 1}\n", ("a", "x")) == (1, 4)
    assert json_files.locate('{"a": 1}', ("a", "b")) == yaml_files.locate('{"a": 1}', ("a", "b")) == (1, 7)
    assert yaml_files.locate("", ("a",)) is None


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("a.yaml", "secrets:\n- {name: a, value: x}\n- name: a\n  value: y\n", (3, 9)),
        ("a.json", '{"secrets": [\n{"name": "a", "value": "x"},\n{"value": "y", "name": "a"}]}', (3, 24)),
    ],
)
def test_what_loading_refuses_has_a_place_too(tmp_path: Path, name: str, text: str, place: tuple[int, int]) -> None:
    """What fits the format and cannot be loaded names line and column as well, and shows no chain of errors."""
    (tmp_path / name).write_text(text)
    with pytest.raises(FixtureError) as caught:
        KmsMock([tmp_path / name])
    assert (caught.value.line, caught.value.column) == place
    assert caught.value.path == "$.secrets[1].name"
    assert "Traceback" in (shown := "".join(traceback.format_exception(caught.value)))
    assert "exception" not in shown, "one traceback, not a chain"


def test_an_alias_belongs_to_one_key(tmp_path: Path) -> None:
    """The second key that has it is refused, with line and column."""
    (tmp_path / "a.yaml").write_text("keys:\n- {id: a, aliases: [alias/x]}\n- {id: b, aliases: [alias/y, alias/x]}\n")
    with pytest.raises(FixtureError, match=r"\$\.keys\[1\]\.aliases\[1\]: .*alias/x") as caught:
        KmsMock([tmp_path / "a.yaml"])
    assert (caught.value.line, caught.value.column) == (3, 30)


# -- words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "place", "problem"),
    [
        ("value: 12345", (3, 10), "expected a string, got an integer: put it in quotes"),
        ("value: 1.5", (3, 10), "expected a string, got a number: put it in quotes"),
        ("value: yes", (3, 10), "expected a string, got a boolean: put it in quotes"),
        ("value: {hunter2: 1}", (3, 10), "expected a string, got a mapping: a JSON text goes in quotes, as '…'"),
        ("value: [hunter2]", (3, 10), "expected a string, got a list: a JSON text goes in quotes, as '…'"),
        ("description: [x]", (3, 16), "expected a string, got a list"),
        ("value: {hunter2: 1, hunter2: 2}", (3, 23), "a key is there twice"),
        ("value: {<<: hunter2}", (3, 15), "expected a mapping or a list of mappings after <<"),
        ("type: [Rds]", (3, 9), "expected one of ECS, Generic, PolarDB, RAMCredentials, Rds, Redis, got a list"),
        ("tags:\n    port: 80", (4, 11), "expected a string, got an integer: put it in quotes"),
        ("rotation_failed: 1", (3, 20), "expected true or false, got an integer"),
        ("versions: [{id: ''}]", (3, 19), "expected a string of at least 1 characters, got 0"),
        ("created: tomorrow", (3, 12), "expected ISO 8601, or relative to the moment of loading: -3d, +12h, now, got 'tomorrow'"),
    ],
)  # fmt: skip
def test_what_is_expected_is_said_in_words(tmp_path: Path, text: str, place: tuple[int, int], problem: str) -> None:
    """The types of the format are named as YAML's users know them; a number in place of a string says what to do."""
    error = refused_file(tmp_path, f"secrets:\n- name: db\n  {text}\n")
    assert (error.line, error.column) == place
    assert error.problem == problem


def test_unknown_fields_and_values_have_a_near_name(tmp_path: Path) -> None:
    """A field that is not known is pointed at, with the nearest one and all that there are; a state lists the states."""
    error = refused_file(tmp_path, "secrets:\n- name: db\n  Valu: x\n")
    assert (error.line, error.column, error.path) == (3, 3, "$.secrets[0]")
    assert error.problem.startswith("unknown field 'Valu'; did you mean 'value'? (known are name, value, versions, ")
    error = refused_file(tmp_path, "keys:\n- id: k\n  state: disabled\n")
    states = "Disabled, Enabled, PendingDeletion, PendingImport"
    assert error.problem == f"expected one of {states}, got 'disabled'; did you mean 'Disabled'?"


@pytest.mark.parametrize(
    ("document", "path", "words"),
    [
        ({"secrets": [{"name": "a", "value": b"hunter2"}]}, "$.secrets[0].value", "a Python object of type bytes"),
        ({1: 2}, "$", "a string as a key"),
        ([], "$", "expected a mapping, got a list"),
        (None, "$", "expected a mapping, got null"),
        ({"secrets": ({"name": "a", "value": 1},)}, "$.secrets[0].value", "quotes"),
        ({"secrets": [{"name": "a", "value": object()}]}, "$.secrets[0].value", "type object"),
    ],
)
def test_documents_of_python_are_refused_in_words(document: Any, path: str, words: str) -> None:
    """What only Python has in its documents is named by its type; something that is no document is refused too."""
    with pytest.raises(FixtureError) as caught:
        fixtures.read(document)
    assert caught.value.path == path
    assert words in caught.value.problem
    assert PLANTED not in str(caught.value)


def test_a_document_is_named_by_the_test_or_by_its_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    """The source is never just "fixture": it is the running test, or what the caller says."""
    with pytest.raises(
        FixtureError, match=r"^fixture document of \S*test_fixture_reader\.py::test_a_document_is_named"
    ):
        KmsMock([{"secrets": 5}])
    with pytest.raises(FixtureError, match=r"^marker of test_x: \$\.secrets: "):
        fixtures.load(KmsMock().store, {"secrets": 5}, source="marker of test_x")
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    with pytest.raises(FixtureError, match=r"^fixture document: \$\.secrets: "):
        fixtures.read({"secrets": 5})


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b'{"effect": "rest"}', "request body:1:12: $.effect: expected one of malformed, reset, slow, truncate, got 'rest'; did you mean 'reset'?"),
        (b'{"times": 0}', "request body:1:11: $.times: expected an integer of at least 1, got 0"),
        (b'{"latency": "x"}', "request body:1:13: $.latency: expected a number or a list, got a string"),
        (b'{"times": 1, "times": 2}', "request body:1:14: the key 'times' is there twice"),
        (b"[]", "request body:1:1: expected a mapping, got a list"),
        (b"", "request body:1:1: not JSON: Expecting value"),
        (b"[" * 5000, f"request body: {limits.TOO_DEEP}"),
    ],
)  # fmt: skip
def test_bodies_of_control_requests_are_read_by_the_same_reader(body: bytes, problem: str) -> None:
    """`read_json` has the limits and words of fixture files, for any type."""
    with pytest.raises(FixtureError) as caught:
        reader.read_json(body, FaultSpec)
    assert str(caught.value) == problem


def test_a_fixture_error_survives_copies() -> None:
    """Test runners send errors between processes."""
    error = FixtureError("a.yaml", "$.secrets", "wrong", 3, 4)
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):  # noqa: S301 (our own bytes)
        assert str(again) == "a.yaml:3:4: $.secrets: wrong"
        assert (again.source, again.path, again.problem, again.line, again.column) == (
            error.source, error.path, error.problem, 3, 4,
        )  # fmt: skip
