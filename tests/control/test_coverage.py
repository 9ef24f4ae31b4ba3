"""The coverage page: what is inferred is told, from the comments in the source."""

from __future__ import annotations

import json
import urllib.request

import kms_mock.gateway  # noqa: F401 (fills the registry)
from kms_mock import KmsMock
from kms_mock.control.coverage import OperationEntry, markdown, operations
from kms_mock.operation import REGISTRY
from tests.provoked import documented

ENTRIES: dict[str, OperationEntry] = {entry["name"]: entry for entry in operations()}


def test_every_operation_is_on_the_page_with_all_it_declares() -> None:
    """All 102 operations have a row with each of their parameters and codes, and the row has four columns."""
    rows = {line.split(":")[0].removeprefix("| "): line for line in markdown().splitlines() if line.startswith("| ")}
    assert len(ENTRIES) == 102
    for name, operation in REGISTRY.items():
        assert rows[name].replace(r"\|", "").count("|") == 5, rows[name]
        for word in [one.name for one in operation.parameters] + [row.code for row in operation.errors]:
            assert word in rows[name]


def test_a_rule_is_inferred_where_the_comments_say_so() -> None:
    """Comments of a handler, of a function that it calls, of a table and of a parameter's type are all quoted."""
    assert "A suspended one has it still." in ENTRIES["OpenKmsService"]["inferred"]
    assert "An alias never leaves its account." in ENTRIES["UpdateAlias"]["inferred"]
    assert any("terraform-provider-alicloud" in note for note in ENTRIES["DescribeNetworkRule"]["inferred"])
    assert "AccessName: no document bounds it" in ENTRIES["DescribePolicy"]["inferred"]
    assert ENTRIES["DeleteAlias"]["inferred"] == ENTRIES["TagResource"]["inferred"] == []


def test_a_row_is_as_sure_as_the_catalogue_says() -> None:
    """The code for a protected key is ours, the text of a missing parameter was seen, the rest is documented."""
    levels = {row["code"]: row["sureness"] for row in ENTRIES["ScheduleKeyDeletion"]["errors"]}
    assert levels.pop("Rejected.DeletionProtectionEnabled") == "inferred"
    assert set(levels.values()) == {"documented"}
    assert {row["code"]: row["sureness"] for row in ENTRIES["SetKeyPolicy"]["errors"]}["MissingParameter"] == "seen"
    assert "409 Rejected.DeletionProtectionEnabled (inferred)" in markdown()


def test_no_operation_hides_that_a_code_is_in_no_document() -> None:
    """Where a code of an operation's table is in no document, the row or the last column says that it is inferred."""
    known = documented()
    added = [
        (name, row) for name, entry in ENTRIES.items() for row in entry["errors"] if (name, row["code"]) not in known
    ]
    assert len(added) > 20
    for name, row in added:
        assert row["sureness"] == "inferred" or ENTRIES[name]["inferred"], (name, row["code"])


def test_the_page_says_what_is_not_offered() -> None:
    """The four operations with an attested recipient are named, as refused."""
    text = " ".join(markdown().split())
    assert "`Recipient` (AsymmetricDecrypt, Decrypt, GenerateDataKey, GetSecretValue) is refused" in text


def test_the_control_api_gives_the_same(kms: KmsMock) -> None:
    """GET /_kms_mock/operations gives what the page is made of."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{kms.url}/_kms_mock/operations") as answer:
        assert json.load(answer)["operations"] == list(ENTRIES.values())
