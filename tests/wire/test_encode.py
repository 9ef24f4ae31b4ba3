"""What answers look like: the answering half of clients.md 2. Numbers are those of that section."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from kms_mock import KmsMock
from kms_mock.rpc.encode import decode_document, to_xml
from tests.support.raw_http import JSON_TYPE, VERSION, XML_TYPE, Answer, ask, http, request_parameters

NASTY = '<a href="x">&amp;\'\t line 1\r\nline 2\rline 3\n  é 中 😀 ]]> \u2028 '
SECRETS = [{"name": "db", "value": NASTY, "tags": {"team": "a", "env": "b"}}, {"name": "api", "value": "two"}]
GET = request_parameters("GetSecretValue", SecretName="db")
MISSING = request_parameters("GetSecretValue", SecretName="nothing")


@pytest.fixture(scope="module")
def kms() -> Iterator[KmsMock]:
    with KmsMock([{"secrets": SECRETS}]) as running:
        yield running


def root_of(answer: Answer) -> ET.Element:
    assert answer.headers["content-type"] == XML_TYPE
    return ET.fromstring(answer.body)  # noqa: S314 (this server's own answer)


def texts(root: ET.Element, path: str) -> list[str | None]:
    return [found.text for found in root.findall(path)]


# -- JSON or XML ------------------------------------------------------------------------------------------------------

FORMATS: list[tuple[dict[str, str], dict[str, str], str]] = [
    ({"Format": "JSON"}, {}, JSON_TYPE),
    ({"Format": "json"}, {}, JSON_TYPE),
    ({"Format": "Json"}, {"Accept": "text/xml"}, JSON_TYPE),
    ({"Format": "XML"}, {}, XML_TYPE),
    ({"Format": "xml"}, {"Accept": "application/json"}, XML_TYPE),
    ({"Format": "Xml"}, {}, XML_TYPE),
    ({"Format": "None"}, {}, JSON_TYPE),  # Python V1's do_action
    ({"Format": "None"}, {"Accept": "application/json"}, JSON_TYPE),
    ({"Format": ""}, {}, JSON_TYPE),
    ({"Format": "yaml"}, {"Accept": "text/xml"}, JSON_TYPE),
    ({}, {}, JSON_TYPE),
    ({}, {"Accept": "application/json"}, JSON_TYPE),
    ({}, {"Accept": "*/*"}, JSON_TYPE),
    ({}, {"Accept": "text/xml"}, XML_TYPE),
    ({}, {"Accept": "application/xml;q=0.9"}, XML_TYPE),
    ({}, {"Accept": "text/html,application/xml,application/json"}, JSON_TYPE),
]


@pytest.mark.parametrize(("parameters", "headers", "kind"), FORMATS)
@pytest.mark.parametrize(
    "query",
    [GET, MISSING, request_parameters("NoSuch"), {**GET, "Version": "1"}],
    ids=["ok", "404", "action", "version"],
)
def test_format_decides_then_accept_then_json(
    kms: KmsMock, query: dict[str, str], parameters: dict[str, str], headers: dict[str, str], kind: str
) -> None:
    """17, 18: Format in any case, without it Accept, else JSON; refusals likewise; the Content-Type is literal."""
    for request in (
        http("GET", {**query, **parameters}, headers=headers),
        http("POST", form={**query, **parameters}, headers=headers),
    ):
        answer = ask(kms, request)
        assert answer.headers["content-type"] == kind
        assert answer.tree["RequestId"] == answer.headers["x-acs-request-id"]


def test_a_refusal_before_decoding_keeps_to_the_format(kms: KmsMock) -> None:
    """17: a wrong method, or a body that cannot be read, is answered in the format asked for, too."""
    for request in (
        http("PUT", {**GET, "Format": "XML"}),
        http("POST", {"Format": "xml"}, body=b"a=\xff"),
        http("POST", body=b"Format=XML&a=\xff"),
        http("POST", body=b"a=%ff&Format=XML"),
        http("DELETE", GET, headers={"Accept": "text/xml"}),
    ):
        assert ask(kms, request).headers["content-type"] == XML_TYPE


# -- the envelope -----------------------------------------------------------------------------------------------------


def test_the_json_envelope_of_a_refusal(kms: KmsMock) -> None:
    """22, 23: a refusal is HttpStatus (a number), Code, Message, RequestId (strings), with the status in the status line."""
    answer = ask(kms, http("GET", MISSING))
    tree = json.loads(answer.body)
    assert tree == {
        "HttpStatus": 404,
        "Code": "Forbidden.ResourceNotFound",
        "Message": "Resource not found.",
        "RequestId": answer.headers["x-acs-request-id"],
    }
    assert answer.status == 404


def test_the_xml_envelope_of_a_refusal(kms: KmsMock) -> None:
    """23, design.md 6: in XML the same stands under <KMS>."""
    answer = ask(kms, http("GET", {**MISSING, "Format": "XML"}))
    root = root_of(answer)
    assert answer.status == 404
    assert root.tag == "KMS"
    assert [(child.tag, child.text) for child in root] == [
        ("HttpStatus", "404"),
        ("Code", "Forbidden.ResourceNotFound"),
        ("Message", "Resource not found."),
        ("RequestId", answer.headers["x-acs-request-id"]),
    ]


def test_every_answer_has_an_id_of_its_own(kms: KmsMock) -> None:
    """24: the header x-acs-request-id carries the body's RequestId, a lower-case UUID, another one for each request."""
    answers = [ask(kms, http("GET", query)) for query in (GET, GET, MISSING, request_parameters("NoSuch"), {})]
    ids = {answer.tree["RequestId"] for answer in answers}
    assert len(ids) == len(answers)
    assert all(len(one) == 36 and one == one.lower() and one.count("-") == 4 for one in ids)


def test_the_reason_is_in_a_header_and_not_in_the_body(kms: KmsMock) -> None:
    """design.md 5: what helps a person goes to x-kms-mock-reason, one printable line whatever the client sent."""
    answer = ask(
        kms, http("GET", request_parameters("GetSecretValue", SecretName="no\r\nSet-Cookie: x\x00é" + "y" * 5000))
    )
    assert answer.refusal[2] == "Resource not found."
    reason = answer.headers["x-kms-mock-reason"]
    assert reason.startswith("There is no secret no??Set-Cookie: x??y")
    assert len(reason) <= 1000
    assert "set-cookie" not in answer.headers
    assert "x-kms-mock-reason" not in ask(kms, http("GET", GET)).headers


def test_an_operation_that_gives_nothing_still_answers_a_body(kms: KmsMock) -> None:
    """22: the body is never empty: at least the RequestId."""
    request = request_parameters(
        "TagResources",
        RegionId="cn-hangzhou",
        ResourceType="secret",
        ResourceId__1="db",
        Tag__1__Key="team",
        Tag__1__Value="a",
    )
    answer = ask(kms, http("POST", request))
    assert answer.status == 200
    assert list(answer.tree) == ["RequestId"]
    xml = ask(kms, http("POST", {**request, "Format": "XML"}))
    assert [child.tag for child in root_of(xml)] == ["RequestId"]


# -- lists and values -------------------------------------------------------------------------------------------------


def test_lists_are_wrapped_and_stay_lists(kms: KmsMock) -> None:
    """20: a list is an object with one array, also when it has one entry or none."""
    listed = ask(kms, http("GET", request_parameters("ListSecrets", FetchTags="true"))).tree
    assert [one["SecretName"] for one in listed["SecretList"]["Secret"]] == ["db", "api"]
    assert listed["SecretList"]["Secret"][1]["Tags"] == {"Tag": []}
    assert ask(kms, http("GET", request_parameters("ListSecrets", PageNumber="9"))).tree["SecretList"] == {"Secret": []}
    assert ask(kms, http("GET", GET)).tree["VersionStages"] == {"VersionStage": ["ACSCurrent"]}
    versions = ask(kms, http("GET", request_parameters("ListSecretVersionIds", SecretName="db"))).tree["VersionIds"]
    assert versions["VersionId"][0]["VersionStages"] == {"VersionStage": ["ACSCurrent"]}
    rows = ask(
        kms, http("GET", request_parameters("ListTagResources", RegionId="cn-hangzhou", ResourceType="key"))
    ).tree["TagResources"]
    assert rows == {"TagResource": []}


def test_xml_lists_are_wrapper_and_repeated_item(kms: KmsMock) -> None:
    """19: `<VersionStages><VersionStage>…</VersionStage></VersionStages>`; an empty list leaves its wrapper."""
    root = root_of(ask(kms, http("GET", request_parameters("ListSecrets", FetchTags="true", Format="XML"))))
    assert texts(root, "SecretList/Secret/SecretName") == ["db", "api"]
    assert texts(root, "SecretList/Secret/Tags/Tag/TagKey") == ["team", "env"]
    assert texts(root, "TotalCount") == ["2"]
    assert [len(tags) for tags in root.findall("SecretList/Secret/Tags")] == [2, 0]
    stages = root_of(ask(kms, http("GET", {**GET, "Format": "XML"})))
    assert texts(stages, "VersionStages/VersionStage") == ["ACSCurrent"]
    empty = root_of(ask(kms, http("GET", request_parameters("ListSecrets", PageNumber="9", Format="XML"))))
    assert [len(found) for found in empty.findall("SecretList")] == [0]


def test_bare_lists_are_repeated_elements_in_xml(kms: KmsMock) -> None:
    """19: an array without a wrapper (BatchGetSecretValue) is its name repeated."""
    request = request_parameters(
        "BatchGetSecretValue", SecretsList='[{"SecretName":"db"},{"SecretName":"api"},{"SecretName":"no"}]'
    )
    root = root_of(ask(kms, http("GET", {**request, "Format": "XML"})))
    assert texts(root, "SecretValues/SecretName") == ["db", "api"]
    assert texts(root, "Errors/Code") == ["Forbidden.ResourceNotFound"]


def test_a_value_survives_json_and_xml_to_the_letter(kms: KmsMock) -> None:
    """18, 19: markup, quotes, blanks at the ends, carriage returns and characters beyond ASCII come back unchanged."""
    assert ask(kms, http("GET", GET)).tree["SecretData"] == NASTY
    assert ask(kms, http("GET", {**GET, "Format": "XML"})).tree["SecretData"] == NASTY


def test_what_xml_cannot_carry_is_refused_there_and_only_there(kms: KmsMock) -> None:
    """19: XML 1.0 has no form for control characters: such a value is InvalidParameter in XML and fine in JSON."""
    created = request_parameters("CreateSecret", SecretName="control", VersionId="v", SecretData="a\x00b\x1b\ufffe")
    assert ask(kms, http("POST", form=created)).status == 200
    request = request_parameters("GetSecretValue", SecretName="control")
    assert ask(kms, http("GET", request)).tree["SecretData"] == "a\x00b\x1b\ufffe"
    refused = ask(kms, http("GET", {**request, "Format": "XML"}))
    assert refused.refusal[:2] == (400, "InvalidParameter")
    assert "XML" in refused.headers["x-kms-mock-reason"]
    ask(kms, http("POST", request_parameters("DeleteSecret", SecretName="control", ForceDeleteWithoutRecovery="true")))


def test_a_change_is_not_refused_after_it_was_made(kms: KmsMock) -> None:
    """What XML cannot carry is U+FFFD in the answer of a request that changed something: it has happened, and says so."""
    made = ask(kms, http("POST", form=request_parameters("CreateKey", Description="a\x00b", Format="XML")))
    assert made.status == 200
    assert texts(root_of(made), "KeyMetadata/Description") == ["a\ufffdb"]
    key_id = root_of(made).findtext("KeyMetadata/KeyId", "")
    described = ask(kms, http("POST", form=request_parameters("DescribeKey", KeyId=key_id)))
    assert described.tree["KeyMetadata"]["Description"] == "a\x00b"


@pytest.mark.parametrize(
    ("tree", "xml"),
    [
        ({"A": "x"}, "<KMS><A>x</A></KMS>"),
        ({"A": 1, "B": True, "C": False}, "<KMS><A>1</A><B>true</B><C>false</C></KMS>"),
        ({"A": {"B": ["x", "y"]}}, "<KMS><A><B>x</B><B>y</B></A></KMS>"),
        ({"A": {"B": []}}, "<KMS><A></A></KMS>"),
        ({"A": []}, "<KMS></KMS>"),
        ({"A": ""}, "<KMS><A></A></KMS>"),
        ({"A": {"B": [{"C": "1"}, {"C": "2"}]}}, "<KMS><A><B><C>1</C></B><B><C>2</C></B></A></KMS>"),
        ({"A": "<&>\r\n"}, "<KMS><A>&lt;&amp;&gt;&#13;\n</A></KMS>"),
    ],
)
def test_trees_and_their_xml(tree: dict[str, Any], xml: str) -> None:
    """19: how each kind of value is written."""
    assert to_xml(tree, "KMS").decode().partition("?>\n")[2] == xml


def test_json_is_utf8_without_escapes_for_readable_text(kms: KmsMock) -> None:
    """18: the body is UTF-8, as its Content-Type says."""
    assert "é 中 😀".encode() in ask(kms, http("GET", GET)).body
    assert "é 中 😀".encode() in ask(kms, http("GET", {**GET, "Format": "XML"})).body


def test_no_answer_names_a_success_code(kms: KmsMock) -> None:
    """21: pop-core and terraform take any top-level Code or Success of an answer for a failure."""
    for query in (
        GET,
        request_parameters("ListSecrets"),
        request_parameters("DescribeSecret", SecretName="db"),
        {**GET, "Version": VERSION},
    ):
        assert {"Code", "Success"}.isdisjoint(ask(kms, http("GET", query)).tree)


def test_an_answer_reads_back_from_either_form(kms: KmsMock) -> None:
    """The journal keeps bodies: JSON gives its document, XML the same texts, anything else that a fault sent nothing."""
    for form in ("JSON", "XML"):
        answer = ask(kms, http(query=request_parameters("GetSecretValue", SecretName="db", Format=form)))
        assert decode_document(answer.body)["SecretData"] == NASTY
    for other in (b"", b"<html>", b"<html><body>502</body></html>", b"[1, 2]", b"<KMS/>", b'{"half": ', b"\xff\xfe"):
        assert decode_document(other) == {}
