"""What a request means, whichever way a client writes it: the receiving half of clients.md 2, as bytes.

The numbers in the docstrings are those of clients.md 2.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest

from kms_mock import KmsMock
from kms_mock.defaults import DEFAULT_ACCOUNT
from tests.support.raw_http import VERSION, Answer, ask, http, request_parameters

SECRET = {"name": "db", "value": "one", "tags": {"team": "a"}}
GET = request_parameters("GetSecretValue", SecretName="db")
UNPARSED = (
    400,
    "ParseRequestParameterException",
    "Server parse parameters exception. Please check your input params.",
)


UNKNOWN = (404, "InvalidAction.NotFound", "Specified api is not found, please check your url and method.")


@pytest.fixture(scope="module")
def kms() -> Iterator[KmsMock]:
    with KmsMock([{"secrets": [SECRET]}]) as running:
        yield running


def value_of(answer: Answer) -> str:
    assert answer.status == 200, answer
    value: str = answer.tree["SecretData"]
    return value


def create_and_read_back(
    kms: KmsMock, data: str, query: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> None:
    """Create a secret with this raw request and read its value back."""
    created = ask(kms, http("POST", query, body=body, headers=headers))
    assert created.status == 200, created
    name = created.tree["SecretName"]
    try:
        assert value_of(ask(kms, http("GET", request_parameters("GetSecretValue", SecretName=name)))) == data
    finally:
        ask(kms, http("GET", request_parameters("DeleteSecret", SecretName=name, ForceDeleteWithoutRecovery="true")))


# -- action, version, path --------------------------------------------------------------------------------------------

SHAPES = {
    "GET": http("GET", GET),
    "POST, all in the query": http("POST", GET),
    "POST, all in the form and a bare path (pop-core, PHP)": http("POST", form=GET),
    "split: system in the query, API in the form (terraform)": http(
        "POST", {"Action": "GetSecretValue", "Version": VERSION}, form={"SecretName": "db"}
    ),
    "split the other way": http("POST", {"SecretName": "db"}, form={"Action": "GetSecretValue", "Version": VERSION}),
    "action and version in headers (V2)": http(
        "POST", {"SecretName": "db"}, headers={"x-acs-action": "GetSecretValue", "x-acs-version": VERSION}
    ),
    "action and version in both (V1)": http(
        "POST", GET, headers={"x-acs-action": "GetSecretValue", "x-acs-version": VERSION}
    ),
    "header names in any case": http(
        "GET", {"SecretName": "db"}, headers={"X-ACS-Action": "GetSecretValue", "X-Acs-VERSION": VERSION}
    ),
    "GET with a form": http("GET", form=GET),
    "through a proxy, absolute URL": http("GET", GET, path="http://kms.cn-hangzhou.aliyuncs.com/"),
    "through a proxy, absolute URL without a path": http("POST", GET, path="HTTP://127.0.0.1:80"),
    "POST with form type and Content-Length 0": http("POST", GET, form={}),
    "POST without Content-Type": http("POST", body=b"Action=GetSecretValue&Version=2016-01-20&SecretName=db"),
    "POST with Content-Length 0 and no Content-Type": http("POST", GET, headers={"Content-Length": "0"}),
    "POST with a charset behind the form type": http(
        "POST", form=GET, headers={"Content-Type": "Application/X-WWW-Form-Urlencoded; charset=UTF-8"}
    ),
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_every_shape_of_a_request_means_the_same(kms: KmsMock, shape: bytes) -> None:
    """1, 2, 3, 4: GET or POST, query or form or split, headers or parameters, via a proxy: the answer is the same."""
    answer = ask(kms, shape)
    assert value_of(answer) == "one"
    assert list(answer.tree) == list(ask(kms, http("GET", GET)).tree)


def test_the_action_header_wins_over_the_parameter(kms: KmsMock) -> None:
    """2: the action is the header x-acs-action, else the parameter Action; likewise the version."""
    request = http(
        "GET",
        {"Action": "NoSuch", "Version": "2000-01-01", "SecretName": "db"},
        headers={"x-acs-action": "GetSecretValue", "x-acs-version": VERSION},
    )
    assert value_of(ask(kms, request)) == "one"


def test_an_unknown_action_is_not_found(kms: KmsMock) -> None:
    """2: a name that is no operation answers 404 InvalidAction.NotFound (design.md 6); names are case-sensitive."""
    for name in ("NoSuchAction", "getsecretvalue", "ä", "GetSecretValue\n", "__init__"):
        assert ask(kms, http("GET", request_parameters(name))).refusal == UNKNOWN


@pytest.mark.parametrize("path", ["/x", "/index.html", "//", "/?", "/kms/"])
def test_an_unknown_path_is_not_found(kms: KmsMock, path: str) -> None:
    """1: the path of the API is always /; another path answers as an unknown action does, never HTML."""
    answer = ask(kms, http("GET", GET, path=path))
    if path == "/?":  # a second question mark belongs to the first parameter's name
        assert answer.refusal[1] in ("MissingParameter", "InvalidVersion")
    else:
        assert answer.refusal == UNKNOWN


@pytest.mark.parametrize("version", [None, "", "2015-01-01", "2016-01-20 ", "v1"])
def test_a_wrong_or_missing_version_is_refused(kms: KmsMock, version: str | None) -> None:
    """2: this API has one version (design.md 6)."""
    parameters = {"Action": "GetSecretValue", "SecretName": "db"} | ({} if version is None else {"Version": version})
    refusal = (400, "InvalidVersion", "Specified parameter Version is not valid.")
    assert ask(kms, http("GET", parameters)).refusal == refusal


def test_a_request_without_an_action_lacks_a_parameter(kms: KmsMock) -> None:
    """2: neither header nor parameter: MissingParameter, with two blanks on each side of the name."""
    refusal = (400, "MissingParameter", "The parameter  Action  needed but no provided.")
    assert ask(kms, http("GET")).refusal == refusal
    assert ask(kms, http("POST", {"Version": VERSION, "Action": ""})).refusal == refusal


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
def test_other_methods_are_refused_as_the_api_words_it(kms: KmsMock, method: str) -> None:
    """1: the RPC API takes GET and POST; anything else is UnsupportedHTTPMethod 403 (design.md 6)."""
    refusal = (403, "UnsupportedHTTPMethod", "This http method is not supported.")
    assert ask(kms, http(method, GET)).refusal == refusal


# -- parameters -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("blank", ["+", "%20"])
def test_a_blank_may_be_written_as_plus_or_percent(kms: KmsMock, blank: str) -> None:
    """8: `+` and `%20` both are blanks, in the query and in the form; `%2B` is a plus."""
    system = f"Action=CreateSecret&Version={VERSION}&SecretName=s&VersionId=v"
    create_and_read_back(kms, "a b+c", f"{system}&SecretData=a{blank}b%2Bc")
    create_and_read_back(kms, "a b+c", system, f"SecretData=a{blank}b%2Bc".encode())


def test_characters_that_node_leaves_unescaped_are_taken_as_they_are(kms: KmsMock) -> None:
    """8: `~ ! ' ( ) *` come unescaped from Node's encodeURIComponent; so do colons and slashes from sloppy clients."""
    odd = "~!'()*:/@,$[]{}|^"
    create_and_read_back(kms, odd, f"Action=CreateSecret&Version={VERSION}&SecretName=s&VersionId=v&SecretData={odd}")


def test_percent_signs_that_escape_nothing_stay(kms: KmsMock) -> None:
    """8: `100%` is no escape: it stays as it is."""
    create_and_read_back(
        kms, "100%&%zz", f"Action=CreateSecret&Version={VERSION}&SecretName=s&VersionId=v&SecretData=100%%26%zz"
    )


def test_utf8_comes_through_in_query_and_form(kms: KmsMock) -> None:
    """8: text beyond ASCII is percent-encoded UTF-8; in a form it may also come as raw UTF-8."""
    text = "é中😀"
    system = f"Action=CreateSecret&Version={VERSION}&SecretName=s&VersionId=v"
    create_and_read_back(kms, text, f"{system}&SecretData={quote(text)}")
    create_and_read_back(kms, text, system, f"SecretData={quote(text)}".encode())
    create_and_read_back(kms, text, system, f"SecretData={text}".encode())


@pytest.mark.parametrize(
    "request_",
    [
        http("GET", f"Action=GetSecretValue&Version={VERSION}&SecretName=%ff%fe"),
        http("GET", f"Action=GetSecretValue&Version={VERSION}&%c3%28=x"),
        http("POST", f"Action=GetSecretValue&Version={VERSION}", body=b"SecretName=%ff"),
        http("POST", f"Action=GetSecretValue&Version={VERSION}", body=b"SecretName=\xff\xfe"),
        http("GET", f"Action=GetSecretValue&Version={VERSION}&SecretName=\xff"),
        http("GET", f"Action=GetSecretValue&Version={VERSION}&SecretName=%ed%a0%80"),  # half of a surrogate pair
    ],
)
def test_what_is_not_utf8_is_refused(kms: KmsMock, request_: bytes) -> None:
    """8: bytes that are not UTF-8, in query or form, escaped or not, answer ParseRequestParameterException."""
    assert ask(kms, request_).refusal == UNPARSED


def test_a_header_that_is_not_utf8_does_no_harm(kms: KmsMock) -> None:
    """2, 8: the action header may hold any byte; it is then no operation."""
    request = http("GET", {"SecretName": "db"}, headers={"x-acs-action": "\xff\xfe", "x-acs-version": VERSION})
    assert ask(kms, request).refusal == UNKNOWN


def test_blank_values_are_kept_and_count_as_not_given(kms: KmsMock) -> None:
    """8: `SignatureType=`, `VersionStage=` and the like are normal: an empty optional parameter is none at all."""
    query = {
        **GET,
        "SignatureType": "",
        "VersionStage": "",
        "VersionId": "",
        "FetchExtendedConfig": "",
        "Recipient": "",
    }
    assert value_of(ask(kms, http("GET", query))) == "one"
    assert value_of(ask(kms, http("POST", form=query))) == "one"


def test_a_blank_required_parameter_is_missing(kms: KmsMock) -> None:
    """8: an empty required parameter is reported as missing, not as a resource without a name."""
    refusal = (400, "MissingParameter", "The parameter  SecretName  needed but no provided.")
    assert ask(kms, http("GET", request_parameters("GetSecretValue", SecretName=""))).refusal == refusal


def test_of_two_parameters_of_one_name_the_first_counts(kms: KmsMock) -> None:
    """3: the query comes before the form, and within each the first: the same one that a signature is checked with."""
    query = f"Action=GetSecretValue&Version={VERSION}&SecretName=db&SecretName=other"
    assert value_of(ask(kms, http("GET", query))) == "one"
    assert value_of(ask(kms, http("POST", query, form={"SecretName": "other"}))) == "one"


@pytest.mark.parametrize("word", ["True", "true", "TRUE", "1"])
def test_booleans_are_read_in_any_case(kms: KmsMock, word: str) -> None:
    """9: Python sends True, Go, PHP and Terraform true."""
    assert ask(kms, http("GET", request_parameters("DescribeSecret", SecretName="db", FetchTags=word))).tree[
        "Tags"
    ] == {"Tag": [{"TagKey": "team", "TagValue": "a"}]}
    for no in ("False", "false", "FALSE", "0"):
        assert (
            "Tags"
            not in ask(kms, http("GET", request_parameters("DescribeSecret", SecretName="db", FetchTags=no))).tree
        )


def test_integers_come_as_strings(kms: KmsMock) -> None:
    """9: numbers are read from their digits and answered as numbers."""
    answer = ask(kms, http("GET", request_parameters("ListSecrets", PageNumber="1", PageSize="7")))
    assert (answer.tree["PageNumber"], answer.tree["PageSize"], answer.tree["TotalCount"]) == (1, 7, 1)


@pytest.mark.parametrize(
    "number", ["99999999999999999999", "9" * 5000, "-1", "1.5", "0x10", "\u0661", "1e3", "NaN", " 1"]
)
def test_odd_numbers_are_refused_or_read_never_a_failure(kms: KmsMock, number: str) -> None:
    """9: what is no integer in range is InvalidParameter; no number makes the server fail."""
    answer = ask(kms, http("GET", request_parameters("ListSecrets", PageSize=number)))
    assert answer.refusal[:2] == (400, "InvalidParameter")
    later = ask(kms, http("GET", request_parameters("ListSecrets", PageNumber=number)))
    assert later.status == 200 or later.refusal[:2] == (400, "InvalidParameter")


# -- what must not matter ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "more",
    [
        {"Timestamp": "2026-01-01T00:00:35.096Z"},
        {"Timestamp": "yesterday"},
        {"SignatureNonce": "same"},
        {"SignatureType": ""},
        {"SignatureMethod": "HMAC-SHA1", "SignatureVersion": "1.0", "Signature": "wrong"},
        {"RegionId": "cn-hangzhou", "SourceIp": "10.0.0.1", "SecureTransport": "true", "ClientToken": "t"},
        {"SecurityToken": "sts"},
        {"Nothing.1.Such": "x", "": "y"},
    ],
)
def test_unknown_parameters_and_odd_signatures_are_ignored(kms: KmsMock, more: dict[str, str]) -> None:
    """13: no nonce is needed, milliseconds in Timestamp are fine, and what no operation knows is ignored."""
    for _ in range(2):  # the same nonce twice
        assert value_of(ask(kms, http("GET", {**GET, **more}))) == "one"


CREDENTIALS = {
    "ACS3": {"Authorization": "ACS3-HMAC-SHA256 Credential=AK2,SignedHeaders=host,Signature=00"},
    "ACS4": {
        "Authorization": "ACS4-HMAC-SHA256 Credential=AK2/20260101/cn-hangzhou/Kms/aliyun_v4_request,Signature=00"
    },
    "header x-acs-accesskey-id": {"x-acs-accesskey-id": "AK2", "x-acs-security-token": "sts"},
}


@pytest.mark.parametrize("headers", CREDENTIALS.values(), ids=CREDENTIALS)
def test_the_access_key_is_found_wherever_a_client_puts_it(headers: dict[str, str]) -> None:
    """14: ACS3, ACS4, STS headers and the parameter AccessKeyId all say whose request it is."""
    account = {"id": "222", "access_keys": [{"id": "AK2"}], "regions": [{"id": "cn-hangzhou", "secrets": [SECRET]}]}
    with KmsMock([{"accounts": [account]}]) as kms:
        assert value_of(ask(kms, http("POST", GET, headers=headers))) == "one"
        assert value_of(ask(kms, http("GET", {**GET, "AccessKeyId": "AK2"}))) == "one"
        assert value_of(ask(kms, http("POST", form={**GET, "AccessKeyId": "AK2"}))) == "one"
        assert ask(kms, http("GET", GET)).refusal[0] == 404  # anonymous: the default account, which has no such secret


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "x"}, {"x-acs-bearer-token": "t"}, {"Authorization": "Bearer t"}]
)
def test_any_caller_is_the_default_account(kms: KmsMock, headers: dict[str, str]) -> None:
    """14: any AccessKey, none, or a bearer token: without a fixture that says otherwise it is the default account."""
    arn = ask(kms, http("GET", request_parameters("DescribeSecret", SecretName="db"), headers=headers)).tree["Arn"]
    assert arn == f"acs:kms:cn-hangzhou:{DEFAULT_ACCOUNT}:secret/db"


def test_the_region_comes_from_the_parameter_or_a_public_host() -> None:
    """13: RegionId (V1, Go, Java, PHP) or the host kms.<region>.aliyuncs.com picks the region; else the server's own."""
    regions = [{"id": "cn-beijing", "secrets": [{"name": "db", "value": "from Beijing"}]}]
    with KmsMock([{"accounts": [{"id": DEFAULT_ACCOUNT, "regions": regions}]}]) as kms:
        assert value_of(ask(kms, http("GET", {**GET, "RegionId": "cn-beijing"}))) == "from Beijing"
        for host in ("kms.cn-beijing.aliyuncs.com", "kms-vpc.cn-beijing.aliyuncs.com:80"):
            assert value_of(ask(kms, http("GET", GET, host=host))) == "from Beijing"
        assert ask(kms, http("GET", GET)).refusal[0] == 404
        assert ask(kms, http("GET", {**GET, "RegionId": "../etc"})).refusal[:2] == (400, "InvalidParameter")


@pytest.mark.parametrize("host", ["http://127.0.0.1:4588", "https://127.0.0.1", "[::1]:1", "", "a b", "x" * 5000])
def test_any_host_header_is_fine(kms: KmsMock, host: str) -> None:
    """7: clients that are given `http://127.0.0.1:PORT` as endpoint put the scheme into the Host header."""
    assert value_of(ask(kms, http("GET", GET, host=host))) == "one"


# -- other bodies -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x", "text/xml", "image/png"])
def test_a_body_that_is_no_form_is_refused(kms: KmsMock, kind: str) -> None:
    """3: parameters travel in the query or in a form; another body is refused with its type in the reason."""
    answer = ask(kms, http("POST", GET, body=b'{"SecretName":"db"}', headers={"Content-Type": kind}))
    assert answer.refusal == UNPARSED
    assert kind.partition(";")[0] in answer.headers["x-kms-mock-reason"]


def test_an_empty_body_of_any_type_is_none(kms: KmsMock) -> None:
    """4: a Content-Type without a body says nothing."""
    headers = {"Content-Type": "application/json", "Content-Length": "0"}
    assert value_of(ask(kms, http("POST", GET, headers=headers))) == "one"


@pytest.mark.parametrize(
    ("kind", "body"),
    [("application/x-amz-json-1.1", b'{"SecretId":"db"}'), ("application/x-amz-json-1.0", b""), (None, b"")],
)
def test_a_request_to_aws_is_recognised(kms: KmsMock, kind: str | None, body: bytes) -> None:
    """A client of AWS that was pointed here by mistake is told so: by the type of its body, or its signature."""
    headers = {"X-Amz-Target": "secretsmanager.GetSecretValue", "Authorization": "AWS4-HMAC-SHA256 Credential=a/b"}
    answer = ask(kms, http("POST", body=body, headers=headers | ({"Content-Type": kind} if kind else {})))
    assert answer.status == 400
    assert "looks like a request to AWS" in answer.headers["x-kms-mock-reason"]
