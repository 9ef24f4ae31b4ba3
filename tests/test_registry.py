"""What holds for every operation, derived from the registry: one valid request each (`tests/support/examples.py`), and variations.

Requests go through the whole gateway in process; that bytes on a socket mean the same is proved in `tests/wire`.
"""

from __future__ import annotations

import base64
import json
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from xml.etree import ElementTree as ET

import msgspec
import pytest

from kms_mock.kms import errors
from kms_mock.rpc.binding import Flattenable, Json, Parameter, Parsed, Repeated
from kms_mock.rpc.encode import JSON_TYPE, XML_TYPE
from tests.support.asking import Asked, as_form, as_get, as_split, without
from tests.support.examples import EXAMPLES
from tests.support.registry import (
    MISSING_EXAMPLES,
    REGISTRY,
    WITH_EXAMPLE,
    Operation,
    each_kms_operation,
    each_with_example,
)
from tests.support.shapes import declared_shape

with_required = [operation for operation in WITH_EXAMPLE if operation.required]
each_with_required = pytest.mark.parametrize("operation", with_required, ids=[entry.name for entry in with_required])


# -- success ----------------------------------------------------------------------------------------------------------


def test_every_operation_has_an_example() -> None:
    """`tests/support/examples.py` has one valid request for each declared operation, and for nothing else."""
    rows = ", ".join(f"{name!r}: example(...)" for name in MISSING_EXAMPLES)
    assert not MISSING_EXAMPLES, f"tests/support/examples.py: add to EXAMPLES {rows}"
    assert set(EXAMPLES) == set(REGISTRY)


@each_with_example
def test_the_example_succeeds_with_the_declared_fields(operation: Operation) -> None:
    """A valid request answers 200 with the fields that the result type declares, required ones always, and RequestId."""
    asked = Asked(operation)
    for parameter in operation.required:
        assert not parameter.absent(asked.parameters), f"the example lacks {parameter.name}"
    answer = asked.ask()
    tree = json.loads(answer.body)
    assert (answer.status, answer.content_type) == (200, JSON_TYPE), (tree, answer.reason)
    assert tree.pop("RequestId") == answer.request_id
    assert list(undeclared(tree, declared_shape(operation.response))) == []
    msgspec.convert(tree, operation.response)  # required fields are there, all types are right


@each_kms_operation
def test_no_answer_has_a_field_that_clients_take_for_a_failure(operation: Operation) -> None:
    """clients.md 2.21: neither a top-level Code nor Success may be in an answer that is none."""
    assert {"Code", "Success", "HttpStatus"}.isdisjoint(declared_shape(operation.response))


def undeclared(tree: Any, shape: Any, path: str = "") -> Iterator[str]:
    if isinstance(tree, dict):
        for name, value in tree.items():
            if name not in shape:
                yield f"{path}.{name}"
            else:
                yield from undeclared(value, shape[name], f"{path}.{name}")
    elif isinstance(tree, list):
        for value in tree:
            yield from undeclared(value, shape[0], f"{path}[]")


@each_with_example
def test_get_post_and_split_are_the_same(operation: Operation) -> None:
    """clients.md 2.1-2.3: the same request as GET, as POST with a form, or split gives the same bytes and the same store."""
    seen = []
    for write in (as_get, as_form, as_split):
        asked = Asked(operation)
        answer = asked.send(write(operation.name, asked.parameters))
        seen.append((answer, asked.kms.snapshot()))
    assert seen[0][0].status == 200
    assert seen[0] == seen[1] == seen[2]


@each_with_example
def test_xml_says_what_json_says(operation: Operation) -> None:
    """clients.md 2.17-2.19: the XML of a success and of a refusal has the same tree as the JSON."""
    json_asked, xml_asked = Asked(operation), Asked(operation)
    said, written = json_asked.ask(Format="JSON"), xml_asked.ask(Format="xml")
    assert (said.content_type, written.content_type) == (JSON_TYPE, XML_TYPE)
    assert said.status == written.status == 200
    assert json_asked.kms.snapshot() == xml_asked.kms.snapshot()
    same(json.loads(said.body), ET.fromstring(written.body))  # noqa: S314 (this server's own answer)
    # Refused for every operation, whatever its parameters, and without a trace.
    before = json_asked.kms.snapshot()
    said, written = (
        one.ask(RegionId="no region!", Format=kind) for one, kind in ((json_asked, "JSON"), (xml_asked, "xml"))
    )
    assert said.status == written.status == 400
    assert json_asked.kms.snapshot() == xml_asked.kms.snapshot() == before
    same(json.loads(said.body), ET.fromstring(written.body))  # noqa: S314 (this server's own answer)


def same(tree: Any, element: ET.Element) -> None:
    """An element says what a JSON value says: the same names in the same order, lists as repeated elements."""
    if not isinstance(tree, dict):
        text = tree if isinstance(tree, str) else json.dumps(tree)
        assert (element.text or "", len(element)) == (text, 0)
        return
    names = [name for name, value in tree.items() for _ in (value if isinstance(value, list) else [value])]
    assert [child.tag for child in element] == names
    values = [one for value in tree.values() for one in (value if isinstance(value, list) else [value])]
    for child, value in zip(element, values, strict=True):
        same(value, child)


@each_with_example
def test_unknown_parameters_are_ignored(operation: Operation) -> None:
    """clients.md 2.13: parameters that the operation does not know change nothing (design.md 6)."""
    plain, more = Asked(operation), Asked(operation)
    extra = {**more.parameters, "Nonsense": "x", "Nonsense.1": "y", "SourceIp": "10.0.0.1", "ClientToken": "", "é": "ü"}
    assert plain.ask() == more.ask(extra)
    assert plain.kms.snapshot() == more.kms.snapshot()


@each_with_example
def test_an_unknown_access_key_is_refused(operation: Operation) -> None:
    """Where the fixture file says so, a caller that nobody knows is refused by every operation, in its own words."""
    asked = Asked(operation)
    asked.kms.load({"authentication": {"unknown_access_keys": "refuse"}})
    parameters = {**asked.parameters, "AccessKeyId": "nobody"}
    if operation.anonymous:  # takes no AccessKey at all
        assert asked.ask(parameters).status == 200
        return
    asked.refused(errors.INVALID_ACCESS_KEY_ID, parameters, "AccessKeyId")


# -- missing parameters -----------------------------------------------------------------------------------------------


@each_with_required
def test_each_required_parameter_that_is_dropped_is_missing(operation: Operation) -> None:
    """Without a required parameter, or with a blank one, the answer is MissingParameter with its name, literally."""
    asked = Asked(operation)
    for parameter in operation.required:
        dropped = without(asked.parameters, parameter)
        own = operation.reworded(errors.MISSING_PARAMETER("", name=parameter.name))
        if own.spec.code == "MissingParameter":  # AssumeRoleWithSAML has codes for single parameters
            assert own.message == f"The parameter  {parameter.name}  needed but no provided."
        asked.refused(errors.MISSING_PARAMETER, dropped, parameter.name)
        if not parameter.empty_allowed:
            asked.refused(errors.MISSING_PARAMETER, {**dropped, parameter.name: ""}, parameter.name)


@each_with_required
def test_missing_ones_come_before_invalid_ones(operation: Operation) -> None:
    """Any missing parameter is told before any invalid one, and the first declared before later ones (design.md 6)."""
    asked = Asked(operation)
    spoiled = dict(asked.parameters)
    for parameter in operation.parameters:
        bad = next(bad_values(parameter), None)
        if bad is not None:
            spoiled = {**without(spoiled, parameter), **bad.parameters}
    for parameter in operation.required:
        asked.refused(errors.MISSING_PARAMETER, without(spoiled, parameter), parameter.name)
    asked.refused(errors.MISSING_PARAMETER, {}, operation.required[0].name)


# -- invalid parameters -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bad:
    """Parameters that break one constraint."""

    why: str
    parameters: dict[str, str]


def bad_values(parameter: Parameter) -> Iterator[Bad]:
    """Return values that break each constraint that a parameter's type declares, one at a time."""
    hint, marks, metas = parameter.type, [], []
    while typing.get_origin(hint) is Annotated:
        marks += [mark for mark in hint.__metadata__ if not isinstance(mark, msgspec.Meta)]
        metas += [mark for mark in hint.__metadata__ if isinstance(mark, msgspec.Meta)]
        hint = typing.get_args(hint)[0]
    name = parameter.name
    repeated = next((mark for mark in marks if isinstance(mark, Repeated)), None)
    if repeated is not None:
        fields = typing.get_args(hint)[0] is not str
        last = repeated.most + 1
        flat = {f"{name}.{number}{'.Key' if fields else ''}": f"k{number}" for number in range(1, last + 1)}
        yield Bad(f"{last} entries", flat)
        yield Bad("not JSON", {name: "["})
    elif any(isinstance(mark, Json | Flattenable) for mark in marks):
        wrong = "{}" if typing.get_origin(hint) is list else "[]"
        for why, text in (
            ("not JSON", "{"),
            ("another kind of JSON", wrong),
            ("null", "null"),
            ("deep", "[" * 50_000),
        ):
            yield Bad(why, {name: text})
    elif any(isinstance(mark, Parsed) for mark in marks):
        yield Bad("not of its form", {name: "no such thing!"})
    elif typing.get_origin(hint) is Literal:
        options = typing.get_args(hint)
        yield Bad("none of its values", {name: "NoSuchValue"})
        yield Bad("a value in another case", {name: str(options[0]).swapcase()})
        yield Bad("null", {name: "null"})
    elif hint in (int, bool, bytes):
        yield Bad(f"no {hint.__name__}", {name: "%%%"})
        yield Bad("null", {name: "nil" if hint is bytes else "null"})
    for meta in metas:
        yield from broken(name, meta, hint)


def broken(name: str, meta: msgspec.Meta, hint: Any) -> Iterator[Bad]:
    if meta.ge is not None:
        yield Bad("too small", {name: str(int(meta.ge) - 1)})
    if meta.le is not None:
        yield Bad("too large", {name: str(int(meta.le) + 1)})
        yield Bad("much too large", {name: "9" * 40})
    if meta.max_length is not None and hint is str:
        yield Bad("too long", {name: "a" * (meta.max_length + 1)})
    if meta.pattern is not None:
        yield Bad("not of its pattern", {name: "\x00"})
        yield Bad("with a line feed at the end", {name: "alias/a\n"})


INVALID = [
    pytest.param(operation, parameter, bad, id=f"{operation.name}-{parameter.name}-{bad.why}")
    for operation in WITH_EXAMPLE
    for parameter in operation.parameters
    for bad in bad_values(parameter)
]


@pytest.fixture(scope="module")
def asked_of() -> dict[str, Asked]:
    """One mock per operation: a refused request leaves it as it was, so that the next can use it."""
    return {}


@pytest.mark.parametrize(("operation", "parameter", "bad"), INVALID)
def test_each_constraint_that_is_broken_is_an_invalid_parameter(
    operation: Operation, parameter: Parameter, bad: Bad, asked_of: dict[str, Asked]
) -> None:
    """A value out of its range, length, pattern, list of values or form is InvalidParameter in the operation's words."""
    asked = asked_of.setdefault(operation.name, None) or Asked(operation)  # type: ignore[arg-type]
    asked_of[operation.name] = asked
    asked.refused(errors.INVALID_PARAMETER, {**without(asked.parameters, parameter), **bad.parameters}, parameter.name)


ODD = (
    *("null", "true", "0", "-1", "1e999", "9" * 400, "[]", "{}", '[""]', "[null]", "[{}]", '{"":""}', '{"a":{}}', '""'),
    *("\x00", "\n", " ", ".", "/", "*", "%", "alias/", "acs:kms:::", "acs:kms:cn-hangzhou:1:key/x", "key/*", "😀" * 60),
    *("[" * 900, '{"a":' * 170, "[" * 20_000, '{"Version":"1","Statement":[{"Condition":' + '{"a":' * 6000),
    *(
        "A===",
        base64.b64encode(bytes(400)).decode(),
        "a" * 40_000,
        "0s",
        "999999999999d",
        "2026-13-45T00:00:00Z",
        "$Auto",
    ),
)


@each_with_example
def test_no_value_of_a_parameter_makes_an_operation_fail(operation: Operation) -> None:
    """Odd values, one parameter at a time, are answered or refused: never a 500, and a refusal changes nothing."""
    asked = Asked(operation, seed=None)  # makes key pairs many times faster
    state = asked.kms.store.state()
    before = state.partitions
    for parameter in operation.parameters:
        rest = without(asked.parameters, parameter)
        names = [parameter.name, *([f"{parameter.name}.1", f"{parameter.name}.1.Key"] if parameter.flattened else [])]
        for name in names:
            for value in ODD:
                answer = asked.ask({**rest, name: value})
                assert answer.status < 500, (name, value[:80])
                if answer.status != 200:
                    after = asked.kms.store.state().partitions
                    assert {place: after[place] for place in before} == before, (name, value[:80])
                asked.kms.store.restore(state)


def test_there_are_many_constraints_to_break() -> None:
    """The derivation above finds constraints of every kind (or the test above would prove nothing)."""
    assert len(INVALID) > 150
    kinds = {param.values[2].why for param in INVALID}  # type: ignore[union-attr]
    assert {"too long", "too small", "too large", "none of its values", "not JSON", "51 entries", "no bool"} <= kinds


# -- the tools of this file -------------------------------------------------------------------------------------------


def test_a_difference_between_json_and_xml_is_seen() -> None:
    """`same` sees another text, another number of entries, a missing name and a wrong nesting."""
    tree = {"A": {"B": [1, 2]}, "C": True, "D": ""}
    same(tree, ET.fromstring("<KMS><A><B>1</B><B>2</B></A><C>true</C><D></D></KMS>"))  # noqa: S314 (a constant)
    for wrong in (
        "<KMS><A><B>1</B></A><C>true</C><D/></KMS>",
        "<KMS><A><B>1</B><B>3</B></A><C>true</C><D/></KMS>",
        "<KMS><A><B>1</B><B>2</B></A><C>True</C><D/></KMS>",
        "<KMS><A><B>1</B><B>2</B></A><C>true</C></KMS>",
        "<KMS><A><B><x/></B><B>2</B></A><C>true</C><D/></KMS>",
    ):
        with pytest.raises(AssertionError):
            same(tree, ET.fromstring(wrong))  # noqa: S314 (a constant)


def test_undeclared_fields_are_seen() -> None:
    """`undeclared` finds a field at any depth that the result type does not have."""
    shape = {"A": [{"B": "string"}]}
    assert list(undeclared({"A": [{"B": "x"}]}, shape)) == []
    assert list(undeclared({"A": [{"B": "x", "C": "y"}], "D": 1}, shape)) == [".A[].C", ".D"]
