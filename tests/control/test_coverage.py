"""The page of operations, and the same in the control API: types in words, errors, and what is inferred, once each."""

from __future__ import annotations

import json
import re
import typing
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest
from msgspec import Meta, Struct

from kms_mock import KmsMock
from kms_mock.control.coverage import OperationEntry, operations
from kms_mock.control.operations_page import markdown
from kms_mock.kms.errors import DELETION_PROTECTED
from kms_mock.products import APIS
from kms_mock.rpc.api import Api, operation
from kms_mock.rpc.binding import Flattenable, Inferred, Json, Parsed, Repeated, Sensitive
from tests.support.provoked import documented
from tests.support.registry import REGISTRY, Operation, each_operation

ROOT = Path(__file__).parents[2]
ALL_ENTRIES: list[OperationEntry] = operations(APIS)
# Of a name that several APIs have, the entry of the first one.
ENTRIES: dict[str, OperationEntry] = {entry["name"]: entry for entry in reversed(ALL_ENTRIES)}
PAGE = markdown(APIS)


def section(name: str) -> str:
    """Return what the page says of one operation."""
    product = ENTRIES[name]["product"]
    heading = name if product == "Kms" else f"{name} ({product})"
    return PAGE.partition(f"\n#### {heading}\n")[2].partition("\n#### ")[0].partition("\n### ")[0]


def sentences() -> set[str]:
    """Return every inferred rule of the APIs."""
    common = {sentence for api in APIS for sentence in api.inferred}
    return common | {sentence for entry in ALL_ENTRIES for sentence in entry["inferred"]}


# -- the page ---------------------------------------------------------------------------------------------------------


@each_operation
def test_every_operation_is_on_the_page_with_all_it_declares(operation: Operation) -> None:
    """Each parameter and each error of an operation is a row of its tables, with all columns."""
    text = section(operation.name)
    for parameter in operation.parameters:
        row = rf"^\| `{re.escape(parameter.name)}` \| [^|]+ \| {'yes' if parameter.required else ''} \|$"
        assert re.search(row, text, re.MULTILINE), parameter.name
    for error in operation.errors:
        assert re.search(rf"^\| {error.status} \| {re.escape(error.code)}[^|]* \| `", text, re.MULTILINE), error.code
        assert f"`{error.message}`" in text


def test_every_link_leads_to_a_heading() -> None:
    """The contents and the rules link to headings of the page, each of which is there once."""
    headings = [
        re.sub("[()]", "", heading.lower().replace(" ", "-"))
        for heading in re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)
    ]
    links = re.findall(r"\]\(#([^)]+)\)", PAGE)
    assert len(links) > len(REGISTRY)
    assert set(links) <= set(headings)
    assert len(set(headings)) == len(headings)


def test_no_inferred_rule_is_told_twice() -> None:
    """Each inferred rule of an API is there once: at its operation, on top of its section, or on top of all."""
    for api in APIS:
        rules = [line.removeprefix("- ") for line in markdown([api]).splitlines() if line.startswith("- ")]
        own = {sentence for entry in operations([api]) for sentence in entry["inferred"]}.union(api.inferred)
        for sentence in own:
            cited = re.sub(r"\b(([a-z]+\.md) [0-9]+)", r"[\1](\2)", sentence)
            assert sum(rule.startswith(cited) for rule in rules) == 1, sentence


def test_inferred_rules_are_sentences() -> None:
    """A rule reads as a sentence: it begins with a capital, ends with a full stop, and quotes no code of the package."""
    wrong = [
        text for text in sentences() if not re.fullmatch(r"[A-Z][^\n]+[.]", text) or re.search(r"errors\.|ctx\.", text)
    ]
    assert wrong == []


def test_no_comment_says_inferred() -> None:
    """What is inferred is data (design.md 3): a comment would not reach the page."""
    comments = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in sorted((ROOT / "kms_mock").rglob("*.py"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(r"# ?inferred", line)
    ]
    assert comments == []


def test_the_page_says_what_is_not_offered() -> None:
    """The four operations with an attested recipient are named, as refused."""
    line = next(line for line in PAGE.splitlines() if line.startswith("- `Recipient` of "))
    for name in ("AsymmetricDecrypt", "Decrypt", "GenerateDataKey", "GetSecretValue"):
        assert f"[{name}](#{name.lower()})" in line
        assert "not offered" in section(name)
    assert line.endswith("It is refused as an unsupported operation.")


# -- what is inferred -------------------------------------------------------------------------------------------------


def test_a_rule_is_inferred_where_it_is_declared() -> None:
    """Rules of an operation, those that operations share, and those of a parameter's type are all told."""
    assert (
        "An account whose service is suspended still has it: it is refused as open already."
        in (ENTRIES["OpenKmsService"]["inferred"])
    )
    assert any("never leaves its account" in rule for rule in ENTRIES["UpdateAlias"]["inferred"])
    assert any("terraform-provider-alicloud" in rule for rule in ENTRIES["DescribeNetworkRule"]["inferred"])
    assert any("no document bounds them" in rule for rule in ENTRIES["DescribePolicy"]["inferred"])
    assert ENTRIES["DeleteAlias"]["inferred"] == ENTRIES["TagResource"]["inferred"] == []


def test_a_row_is_as_sure_as_the_catalogue_says() -> None:
    """The code for a protected key is ours, the text of a missing parameter was seen, the rest is documented."""
    levels = {row["code"]: row["sureness"] for row in ENTRIES["ScheduleKeyDeletion"]["errors"]}
    assert levels.pop("Rejected.DeletionProtectionEnabled") == "inferred"
    assert set(levels.values()) == {"documented"}
    assert {row["code"]: row["sureness"] for row in ENTRIES["SetKeyPolicy"]["errors"]}["MissingParameter"] == "seen"
    assert "| 409 | Rejected.DeletionProtectionEnabled (inferred) |" in section("ScheduleKeyDeletion")
    assert f"- {DELETION_PROTECTED.code} (inferred): " in PAGE


def test_no_operation_hides_that_a_code_is_in_no_document() -> None:
    """Where a code of an operation's table is in no document, the row or the operation says that it is inferred."""
    known = documented()
    added = [
        (name, row)
        for name, entry in ENTRIES.items()
        for row in entry["errors"]
        if entry["product"] == "Kms" and (name, row["code"]) not in known
    ]
    assert len(added) > 20
    for name, row in added:
        assert row["sureness"] == "inferred" or ENTRIES[name]["inferred"], (name, row["code"])


# -- types in words ---------------------------------------------------------------------------------------------------


def undescribed(hint: Any) -> Iterator[Any]:
    """Yield what in a type has a form that no words describe: a parser, or a pattern."""
    metas: list[Meta] = []
    markers: list[Any] = []
    while typing.get_origin(hint) is Annotated:
        metas += [mark for mark in hint.__metadata__ if isinstance(mark, Meta)]
        markers += hint.__metadata__
        hint = typing.get_args(hint)[0]
    described = any(meta.description for meta in metas)
    if not described and any(isinstance(mark, Parsed) or getattr(mark, "pattern", None) for mark in markers):
        yield hint
    if any(isinstance(mark, Parsed) for mark in markers):
        return
    if isinstance(hint, type) and issubclass(hint, Struct):
        for field in msgspec.structs.fields(hint):
            yield from undescribed(field.type)
    for member in typing.get_args(hint):
        yield from undescribed(member)


@each_operation
def test_every_form_of_a_parameter_is_described_in_words(operation: Operation) -> None:
    """A pattern or a parser has a description, since the page shows neither."""
    wrong = [parameter.name for parameter in operation.parameters if list(undescribed(parameter.type))]
    assert wrong == []


class _Pair(Struct):
    Key: str
    Value: str | None = None


@operation("Toy", inferred=("Toys are toys.",))
def _toy(
    ctx: object,
    *,
    size: Annotated[int, Meta(ge=1, le=100)] = 10,
    names: Annotated[list[str], Meta(min_length=1), Json()] | None = None,
    pair: Annotated[list[_Pair], Repeated(most=2), Inferred("Pairs are few.")],
    context: Annotated[dict[str, str], Flattenable(longest=9)] | None = None,
    secret: Annotated[bytes, Sensitive()] | None = None,
    loud: bool = False,
) -> dict[str, Any]:
    """Play."""
    return {"Arguments": [ctx, size, names, pair, context, secret, loud]}


@pytest.mark.parametrize(
    ("name", "words", "default"),
    [
        ("Size", "integer, 1 to 100", "10"),
        ("Names", "JSON list, not empty; each string", None),
        (
            "Pair",
            "list of up to 2, as `Pair.1` and so on or as JSON; each object with `Key` (string), `Value` (optional string)",
            None,
        ),
        ("Context", "JSON object of strings, at most 9 characters; also sent as `Context.key`", None),
        ("Secret", "Base64", None),
        ("Loud", "`true` or `false`", "false"),
    ],
)
def test_types_in_words(name: str, words: str, default: str | None) -> None:
    """Ranges, lengths, lists, objects and defaults are told as a reader understands them."""
    api = Api("Toys", "2026-01-01")
    api.add(_toy)
    (entry,) = operations([api])
    parameter = next(parameter for parameter in entry["parameters"] if parameter["name"] == name)
    assert (parameter["type"], parameter["default"]) == (words, default)
    assert parameter["required"] == (name == "Pair")
    assert parameter["sensitive"] == (name == "Secret")
    assert entry["inferred"] == ["Toys are toys.", "Pairs are few."]


def test_several_apis_share_a_page() -> None:
    """Each API has its own part of the page, with its own operations and common errors."""
    api = Api("Toys", "2026-01-01", inferred=("Nobody wrote down the rules of toys.",))
    api.add(_toy)
    page = markdown([*APIS, api])
    before, _, part = page.partition("\n## Toys 2026-01-01\n")
    assert before.strip() == PAGE.strip()
    assert "- Nobody wrote down the rules of toys." in part
    assert "\n#### Toy (Toys)\n\nPlay.\n" in part
    assert "[Toy](#toy-toys)" in part
    assert "Not offered" not in part


# -- the control API --------------------------------------------------------------------------------------------------


def test_the_control_api_returns_the_same(kms: KmsMock) -> None:
    """GET /_kms_mock/operations returns what the page is made of."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{kms.url}/_kms_mock/operations") as answer:
        assert json.load(answer)["operations"] == ALL_ENTRIES
