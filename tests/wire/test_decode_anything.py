"""Any bytes at all: what cannot be read is refused in the API's own words."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from urllib.parse import parse_qsl, quote
from xml.etree import ElementTree as ET

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from multidict import CIMultiDict

from kms_mock import KmsMock
from kms_mock.kms.errors import ApiError
from kms_mock.rpc.decode import HttpRequest, decode, parse_parameters, signed_request
from kms_mock.rpc.encode import JSON_TYPE, XML_TYPE
from tests.support.profile import rounds
from tests.support.raw_http import VERSION

SECRET = {"name": "db", "value": "one", "tags": {"team": "a"}}


# -- anything at all --------------------------------------------------------------------------------------------------

TARGETS = st.one_of(
    st.text(max_size=60),
    st.binary(max_size=60).map(lambda data: "/?" + data.decode("utf-8", "surrogateescape")),
    st.dictionaries(
        st.sampled_from(["Action", "Version", "Format", "SecretName", "Tag.1", "Tag.1.Key", "RegionId", "AccessKeyId"])
        | st.text(max_size=8),
        st.sampled_from(["GetSecretValue", "TagResources", "CreateSecret", VERSION, "XML", "db", "[", ""])
        | st.text(max_size=20),
        max_size=8,
    ).map(lambda pairs: "/?" + "&".join(f"{quote(k, safe='')}={quote(v, safe='')}" for k, v in pairs.items())),
)
REQUESTS = st.builds(
    HttpRequest,
    method=st.sampled_from(["GET", "POST", "HEAD", "PUT", ""]),
    target=TARGETS,
    headers=st.dictionaries(
        st.sampled_from(["x-acs-action", "x-acs-version", "Content-Type", "Accept", "Authorization", "Host", "x-y"]),
        st.sampled_from([VERSION, "ListSecrets", "application/x-www-form-urlencoded", "text/xml", "Credential=a,b"])
        | st.text(max_size=20),
        max_size=5,
    ).map(CIMultiDict),
    body=st.binary(max_size=80),
)


@given(REQUESTS)
@settings(max_examples=rounds(quick=150, deep=4000), deadline=None)
def test_decode_gives_a_request_or_an_error_of_the_api_whatever_comes(request_: HttpRequest) -> None:
    """Any method, target, headers and body: `decode` answers or raises ApiError, and never fails otherwise."""
    with suppress(ApiError):
        decoded = decode(request_)
        assert decoded.action
        assert signed_request(request_).body == request_.body  # what decodes can be verified too


ACTIONS = st.sampled_from(["", "GetSecretValue", "TagResources", "ListSecrets", "CreateSecret", "ListTagResources"])


@given(st.lists(st.tuples(REQUESTS, ACTIONS), max_size=5))
@settings(max_examples=rounds(quick=100, deep=2000), deadline=None)
def test_the_gateway_answers_with_an_envelope_whatever_comes(requests: list[tuple[HttpRequest, str]]) -> None:
    """Any sequence of requests: each answer is JSON or XML with the RequestId of its header, and no internal failure."""

    async def run() -> None:
        gateway = KmsMock([{"secrets": [SECRET]}]).gateway
        for request, action in requests:
            named = {"x-acs-action": action, "x-acs-version": VERSION} if action else {}
            answer = await gateway.answer(replace(request, headers=CIMultiDict({**request.headers, **named})))
            assert 200 <= answer.status < 500
            assert answer.content_type in (JSON_TYPE, XML_TYPE)
            if answer.content_type == JSON_TYPE:
                found = json.loads(answer.body)["RequestId"]
            else:
                found = ET.fromstring(answer.body).findtext("RequestId")  # noqa: S314 (this server's own answer)
            assert found == answer.request_id

    asyncio.run(run())


@given(st.text(alphabet="aZ0%2BFDbf+=&/ é\u4e2d\\xnN5C\n", max_size=60))
@example("a=%2F%2f%2F%2F\\x41\\\\%5Cx41%\\")
@example("a=%41%42%43%4")
@example("a=%e4%b8%ad%E4%B8%AD%zz\\u4e2d\\\n")
def test_parameters_are_read_as_the_standard_library_reads_them(text: str) -> None:
    """The parser of our own agrees with urllib.parse.parse_qsl, with double and broken escapes too."""
    try:
        expected = parse_qsl(text, keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        with pytest.raises(ApiError):
            parse_parameters(text)
    else:
        assert parse_parameters(text) == expected
