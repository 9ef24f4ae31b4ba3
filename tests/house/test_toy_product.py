"""A product is a value: a toy of two operations, declared in `notes.py`, is served beside KMS by a real server."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any, TypedDict
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import pytest

from kms_mock import KmsMock
from kms_mock.products import APIS
from kms_mock.rpc.api import Api, operation
from kms_mock.rpc.context import Context
from tests.house import notes
from tests.support.calls import last_call
from tests.support.raw_http import JSON_TYPE, XML_TYPE, Answer, ask, http
from tests.support.raw_http import VERSION as KMS_VERSION

VERSION = "2026-01-01"
NO_ACTION = (404, "InvalidAction.NotFound")


@pytest.fixture
def api() -> Api:
    """The toy's API, new for each test: some add operations to it."""
    return Api("Notes", VERSION, modules=[notes.__name__], resources=[notes.notes], xml_root="NotesResponse")


@pytest.fixture
def kms(api: Api) -> Iterator[KmsMock]:
    """A mock that listens and serves the toy beside the products that it usually has."""
    with KmsMock(apis=(*APIS, api)) as running:
        yield running


def asked(kms: KmsMock, action: str, *, version: str = VERSION, host: str = "127.0.0.1", **parameters: str) -> Answer:
    """Send one request."""
    return ask(kms, http("POST", form={"Action": action, "Version": version, **parameters}, host=host))


def answered(kms: KmsMock, action: str, **parameters: str) -> dict[str, Any]:
    """Send one request that succeeds; return the answer without its RequestId."""
    answer = asked(kms, action, **parameters)
    assert answer.status == 200, answer.tree
    return {name: value for name, value in answer.tree.items() if name != "RequestId"}


def xml_of(answer: Answer) -> tuple[str, dict[str, str | None]]:
    """Return the root's name and the children of an XML answer."""
    assert answer.headers["content-type"] == XML_TYPE
    root = ET.fromstring(answer.body)  # noqa: S314 (this server's own answer)
    return root.tag, {child.tag: child.text for child in root}


def test_json_and_xml_with_the_products_own_root(kms: KmsMock) -> None:
    """A product's operations answer JSON and XML, XML under the product's own root element."""
    assert answered(kms, "SaveNote", NoteId="a", Text="hello") == {"NoteId": "a"}
    plain = asked(kms, "GetNote", NoteId="a")
    assert plain.headers["content-type"] == JSON_TYPE
    assert (plain.tree["NoteId"], plain.tree["Text"]) == ("a", "hello")
    root, tree = xml_of(asked(kms, "GetNote", NoteId="a", Format="XML"))
    assert (root, tree["NoteId"], tree["Text"]) == ("NotesResponse", "a", "hello")


def test_it_answers_headers_and_get_too(kms: KmsMock) -> None:
    """The name of action and version may travel in headers, as clients of signature version 3 send them."""
    query = urlencode({"NoteId": "a", "Text": "x"})
    answer = ask(kms, http("GET", query, headers={"x-acs-action": "SaveNote", "x-acs-version": VERSION}))
    assert (answer.status, answer.tree["NoteId"]) == (200, "a")


def test_kms_works_beside_it(kms: KmsMock) -> None:
    """Both products answer on one port, with one store and one account."""
    key = answered(kms, "CreateKey", version=KMS_VERSION)["KeyMetadata"]
    answered(kms, "SaveNote", NoteId="a", Text=key["KeyId"])
    found = answered(kms, "DescribeKey", version=KMS_VERSION, KeyId=answered(kms, "GetNote", NoteId="a")["Text"])
    assert found["KeyMetadata"]["KeyId"] == key["KeyId"]
    assert xml_of(asked(kms, "DescribeRegions", version=KMS_VERSION, Format="XML"))[0] == "KMS"


def test_its_own_error_and_those_of_every_product(kms: KmsMock) -> None:
    """A missing record is the product's own error; missing and invalid parameters are those of every product."""
    assert asked(kms, "GetNote", NoteId="a").refusal == (404, "Note.NotFound", "The note is not found.")
    missing = asked(kms, "SaveNote", NoteId="a").refusal
    assert missing == (400, "MissingParameter", "The parameter  Text  needed but no provided.")
    invalid = asked(kms, "SaveNote", NoteId="a" * 9, Text="x").refusal
    assert invalid == (400, "InvalidParameter", "The specified parameter NoteId is not valid.")
    root, tree = xml_of(asked(kms, "GetNote", NoteId="a", Format="XML"))
    assert (root, tree["Code"]) == ("NotesResponse", "Note.NotFound")


@pytest.mark.parametrize(
    ("action", "version", "refusal", "root", "reason"),
    [
        ("NoSuchThing", VERSION, NO_ACTION, "NotesResponse", "There is no operation 'NoSuchThing' in version 2026"),
        ("DescribeRegions", VERSION, NO_ACTION, "NotesResponse", "There is no operation 'DescribeRegions'"),
        ("GetNote", KMS_VERSION, NO_ACTION, "KMS", "There is no operation 'GetNote' in version 2016-01-20."),
        ("GetNote", "2020-02-20", (400, "InvalidVersion"), "KMS", "or 2026-01-01 (Notes), not"),
    ],
)
def test_an_operation_is_found_by_action_and_version(
    kms: KmsMock, *, action: str, version: str, refusal: tuple[int, str], root: str, reason: str
) -> None:
    """An action belongs to the version of its product; a refusal has the root of the product that the version names."""
    answer = asked(kms, action, version=version, NoteId="a")
    assert answer.refusal[:2] == refusal
    found, tree = xml_of(asked(kms, action, version=version, NoteId="a", Format="XML"))
    assert (found, tree["Code"]) == (root, refusal[1])
    assert reason in last_call(kms).reason


def test_faults_strike_it(kms: KmsMock) -> None:
    """A fault takes the errors of the product's own table and those of every product, and strikes by name."""
    kms.fail("GetNote", code="Note.NotFound", times=1)
    kms.fail("*Note", code="Throttling", times=1)
    answered(kms, "CreateKey", version=KMS_VERSION)
    assert asked(kms, "GetNote", NoteId="a").refusal[:2] == (404, "Note.NotFound")
    assert asked(kms, "SaveNote", NoteId="a", Text="x").refusal[:2] == (400, "Throttling")
    assert last_call(kms).fault
    assert answered(kms, "SaveNote", NoteId="a", Text="x") == {"NoteId": "a"}


def test_a_fault_strikes_only_products_that_have_its_error(kms: KmsMock) -> None:
    """A fault at every operation with an error of one product leaves the other products alone."""
    with pytest.raises(ValueError, match=r"Notes has no error code 'Forbidden\.KeyNotFound'"):
        kms.fail("GetNote", code="Forbidden.KeyNotFound")
    kms.fail(code="Note.NotFound")
    answered(kms, "DescribeRegions", version=KMS_VERSION)
    assert asked(kms, "SaveNote", NoteId="a", Text="x").refusal[:2] == (404, "Note.NotFound")


def test_the_journal_tells_what_it_did(kms: KmsMock) -> None:
    """The journal has the product's calls with their parameters and effects; a checkpoint holds its records."""
    with kms.checkpoint():
        answered(kms, "SaveNote", NoteId="a", Text="x")
        assert last_call(kms).changes == ["created note a"]
        answered(kms, "SaveNote", NoteId="a", Text="y")
        assert last_call(kms).changes == ["changed text of note a"]
        kms.calls.assert_called("SaveNote", NoteId="a", Text="x")
    assert asked(kms, "GetNote", NoteId="a").status == 404
    assert "There is no note a in cn-hangzhou" in last_call(kms).reason


def test_accounts_regions_and_permissions_hold_for_it(kms: KmsMock) -> None:
    """A record belongs to an account and a region; RAM knows the product's actions and ARNs by its name."""
    policy = {
        "Version": "1",
        "Statement": [{"Effect": "Allow", "Action": "notes:GetNote", "Resource": "acs:notes:*:*:note/a"}],
    }
    user = {"id": "LTAI", "user": "reader", "policy": policy}
    kms.load({"accounts": [{"id": kms.config.account, "access_keys": [user]}]})
    for name in ("a", "b"):
        answered(kms, "SaveNote", NoteId=name, Text="x")
    assert answered(kms, "GetNote", NoteId="a", AccessKeyId="LTAI") == {"NoteId": "a", "Text": "x"}
    assert asked(kms, "GetNote", NoteId="b", AccessKeyId="LTAI").refusal[:2] == (403, "Forbidden.NoPermission")
    assert asked(kms, "SaveNote", NoteId="a", Text="y", AccessKeyId="LTAI").refusal[0] == 403
    assert asked(kms, "GetNote", NoteId="a", host="notes.cn-beijing.aliyuncs.com").status == 404
    kms.load({"accounts": [{"id": kms.config.account, "status": "InDebt"}]})
    assert asked(kms, "DescribeKey", version=KMS_VERSION, KeyId="k").refusal[1] == "Forbidden.InDebt"
    assert answered(kms, "GetNote", NoteId="a") == {"NoteId": "a", "Text": "x"}


class Count(TypedDict):
    Count: int


def test_an_operation_declared_later_works_at_once(kms: KmsMock, api: Api, caplog: pytest.LogCaptureFixture) -> None:
    """What is added to an `Api` while it is served is found, journalled and struck by faults; a name is taken once."""
    assert asked(kms, "CountNotes").refusal[1] == "InvalidAction.NotFound"

    @operation("CountNotes")
    def count_notes(ctx: Context) -> Count:
        return {"Count": len(ctx.partition[notes.notes])}

    added = api.add(count_notes)
    answered(kms, "SaveNote", NoteId="a", Text="x")
    assert answered(kms, "CountNotes") == {"Count": 1}
    assert last_call(kms).operation is added
    kms.fail("CountNotes", code="Throttling")
    assert asked(kms, "CountNotes").refusal[1] == "Throttling"
    with pytest.raises(ValueError, match="CountNotes is declared twice"):
        api.add(count_notes)
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
    listed = json.loads(ask(kms, http("GET", path="/_kms_mock/operations")).body)["operations"]
    assert {"CountNotes", "GetNote", "CreateKey"} <= {entry["name"] for entry in listed}
