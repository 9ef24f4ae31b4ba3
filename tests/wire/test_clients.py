"""Requests in the very shapes that real clients send (clients.md 1 and 4), and the official SDK itself.

The shapes are written from the recordings: which method, where parameters travel, which headers. Numbers are those of
clients.md 2; client numbers are those of its table.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import pytest
from alibabacloud_kms20160120 import models
from alibabacloud_kms20160120.client import Client
from Tea.exceptions import TeaException

from kms_mock import KmsMock
from tests.support.raw_http import FORM, JSON_TYPE, VERSION, XML_TYPE, Answer, Wire, ask, http

KEY = "08c33a6f-4e0a-4a1b-a3fa-7ddfa1d4fb73"
FIXTURE = {
    "secrets": [{"name": "db", "value": "one", "tags": {"team": "a"}}],
    "keys": [{"id": KEY, "aliases": ["alias/app"]}],
}


@pytest.fixture(scope="module")
def kms() -> Iterator[KmsMock]:
    with KmsMock([FIXTURE]) as running:
        yield running


def system(action: str, **more: str) -> dict[str, str]:
    """The system parameters of a request that is signed with HMAC-SHA1."""
    return {
        "Action": action,
        "Version": VERSION,
        "Format": "JSON",
        "AccessKeyId": "LTAI5tExample",
        "Timestamp": "2026-11-21T10:00:00Z",
        "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0",
        "SignatureNonce": "3ee8c1b8",
        "Signature": "OLeaidS1JvxuMvnyHOwuJ+uX5qY=",
        **more,
    }


def v2_headers(action: str, **more: str) -> dict[str, str]:
    """The headers of the V2 SDKs (client 1): no Action, Format or Version parameter at all."""
    return {
        "x-acs-version": VERSION,
        "x-acs-action": action,
        "user-agent": "AlibabaCloud (Linux; x86_64) Python/3.11 Core/0.4.6 TeaDSL/2",
        "x-acs-date": "2026-11-21T10:00:00Z",
        "x-acs-signature-nonce": "3ee8c1b8",
        "accept": "application/json",
        "x-acs-content-sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "x-acs-credentials-provider": "static_ak",
        "Authorization": "ACS3-HMAC-SHA256 Credential=LTAI5tExample,SignedHeaders=host;x-acs-date,Signature=0f",
        "Host": "http://127.0.0.1:4588",
        **more,
    }


GET_SECRET = {"SecretName": "db", "VersionStage": "ACSCurrent", "FetchExtendedConfig": "True"}
READS = {
    "1 V2 Python: header signing, query, form type with length 0": http(
        "POST", GET_SECRET, form={}, headers=v2_headers("GetSecretValue")
    ),
    "1 V2 Python, HMAC-SHA1 mode": http(
        "POST",
        {**system("GetSecretValue", Format="json"), **GET_SECRET},
        form={},
        headers={"x-acs-action": "GetSecretValue"},
    ),
    "2 V1 Python: POST, all in the query, empty body": http(
        "POST",
        system("GetSecretValue", RegionId="cn-hangzhou", SignatureType="", **GET_SECRET),
        headers={"Content-Length": "0"},
    ),
    "2 V1 Python do_action: Format=None": http("POST", system("GetSecretValue", **{**GET_SECRET, "Format": "None"})),
    "2b V1 CommonRequest: GET": http("GET", system("GetSecretValue", **GET_SECRET)),
    "8 pop-core GET": http("GET", system("GetSecretValue", **GET_SECRET)),
    "8 pop-core POST: everything in the form": http(
        "POST",
        form=system("GetSecretValue", **GET_SECRET),
        headers={"x-acs-action": "GetSecretValue", "x-acs-version": VERSION},
    ),
    "10 openapi-client: chunked form": http(
        "POST",
        {"SecretName": "db"},
        headers=v2_headers("GetSecretValue", **{"content-type": FORM, "Transfer-Encoding": "chunked"}),
    )
    + b"17\r\nVersionStage=ACSCurrent\r\n0\r\n\r\n",
    "11 kms-sdk: GET, no nonce, milliseconds": http(
        "GET",
        {
            name: value
            for name, value in system("GetSecretValue", Timestamp="2026-11-21T10:00:35.096Z", **GET_SECRET).items()
            if name != "SignatureNonce"
        },
    ),
    "13 V1 Go: form type and empty body": http("POST", system("GetSecretValue", **GET_SECRET), form={}),
    "15 terraform: system in the query, API in the form": http(
        "POST", system("GetSecretValue", SourceIp="10.0.0.1", SecureTransport="true"), form=GET_SECRET
    ),
    "25 PHP: everything in the form": http("POST", form=system("GetSecretValue", RegionId="cn-hangzhou", **GET_SECRET)),
}


@pytest.mark.parametrize("request_", READS.values(), ids=READS)
def test_each_client_reads_a_secret_in_its_own_shape(kms: KmsMock, request_: bytes) -> None:
    """1-4, 13, 29: GetSecretValue as each client sends it fills every field that the secret clients read."""
    answer = ask(kms, request_)
    assert answer.headers["content-type"] == JSON_TYPE
    tree = answer.tree
    assert tree["SecretName"] == "db"
    assert (tree["SecretData"], tree["SecretDataType"], tree["VersionId"]) == ("one", "text", "v1")
    assert tree["VersionStages"] == {"VersionStage": ["ACSCurrent"]}
    assert tree["CreateTime"].endswith("Z")
    assert "ExtendedConfig" not in tree  # only managed secrets have one


@pytest.mark.parametrize("request_", READS.values(), ids=READS)
def test_the_guard_against_web_pages_lets_every_client_pass(kms: KmsMock, request_: bytes) -> None:
    """7: with or without a scheme in Host, on this machine, in a compose file, in a cluster, behind a mapped host name."""
    hosts = ("127.0.0.1:4588", "localhost:4588", "kms-mock:4588", "host.docker.internal:4588", "kms.ci.svc:4588")
    for host in (*hosts, "kms.cn-hangzhou.aliyuncs.com", "kms-vpc.cn-hangzhou.aliyuncs.com"):
        for scheme in ("", "http://"):
            answer = ask(kms, re.sub(rb"\r\nHost: [^\r]*", f"\r\nHost: {scheme}{host}".encode(), request_, count=1))
            assert answer.tree["SecretData"] == "one"


@pytest.mark.parametrize("name", ["21 Java secretsmanager 1.4.1", "24 .NET"])
def test_java_and_net_read_xml(kms: KmsMock, name: str) -> None:
    """17, 18, 19: Format=XML is answered as text/xml, whose reader ignores the root's name."""
    found: Answer = ask(
        kms, http("POST", system("GetSecretValue", **{**GET_SECRET, "Format": "XML"}), headers={"User-Agent": name})
    )
    assert found.headers["content-type"] == XML_TYPE
    assert found.tree["SecretData"] == "one"
    missing = ask(kms, http("POST", system("GetSecretValue", Format="XML", SecretName="no")))
    assert missing.headers["content-type"] == XML_TYPE
    assert missing.refusal[1] == "Forbidden.ResourceNotFound"


# -- the official SDK -------------------------------------------------------------------------------------------------


def test_the_sdk_takes_the_endpoint_with_and_without_a_scheme(kms: KmsMock) -> None:
    """7: with `http://host:port` as endpoint the SDK sends that as Host; both ways work."""
    for endpoint in (kms.endpoint, kms.url):
        client = kms.client(endpoint=endpoint)
        assert client.get_secret_value(models.GetSecretValueRequest(secret_name="db")).body.secret_data == "one"


def test_the_sdk_sends_secret_data_in_the_form_and_all_else_in_the_query(kms: KmsMock) -> None:
    """3: CreateSecret through the SDK: SecretData travels in the body; a value of 30 KB works."""
    client = kms.client()
    data = "é+&=% " * 4000
    client.create_secret(models.CreateSecretRequest(secret_name="sdk", version_id="v", secret_data=data))
    assert client.get_secret_value(models.GetSecretValueRequest(secret_name="sdk")).body.secret_data == data


async def test_the_asynchronous_sdk_in_parallel(kms: KmsMock) -> None:
    """16: twenty requests at once through the SDK's asynchronous methods, each on a session of its own."""
    client: Client = kms.client()
    request = models.GetSecretValueRequest(secret_name="db")
    answers = await asyncio.gather(*(client.get_secret_value_async(request) for _ in range(20)))
    assert {answer.body.secret_data for answer in answers} == {"one"}
    assert len({answer.body.request_id for answer in answers}) == 20


@pytest.mark.parametrize(
    "mode", [{}, {"signature_version": "v4"}, {"signature_algorithm": "v2"}], ids=["ACS3", "ACS4", "v2"]
)
def test_the_sdk_raises_what_the_service_would_make_it_raise(kms: KmsMock, mode: dict[str, str]) -> None:
    """23, 24: every signing mode gives code, status, text and RequestId of a refusal to its caller."""
    with pytest.raises(TeaException) as caught:
        kms.client(**mode).describe_secret(models.DescribeSecretRequest(secret_name="no"))
    error: Any = caught.value
    assert (error.code, error.statusCode) == ("Forbidden.ResourceNotFound", 404)
    assert error.data["Message"] == "Resource not found"
    assert len(error.data["RequestId"]) == 36


# -- keys -------------------------------------------------------------------------------------------------------------


def crypto(kms: KmsMock, action: str, **parameters: str) -> dict[str, Any]:
    answer = ask(kms, http("POST", system(action, **parameters)))
    assert answer.status == 200, answer
    return answer.tree


@pytest.mark.parametrize("other", ['{"b": "2", "a":"1"}', '\n{ "b":"2","a":"1" }\n', '{"\\u0061":"1","b":"2"}'])
def test_an_encryption_context_is_compared_as_an_object(kms: KmsMock, other: str) -> None:
    """11, 30: key order, whitespace and escapes do not matter; Decrypt takes only the blob and the context."""
    sealed = crypto(kms, "Encrypt", KeyId=KEY, Plaintext="hello", EncryptionContext='{"a":"1","b":"2"}')
    assert sealed["CiphertextBlob"].isascii()
    opened = crypto(kms, "Decrypt", CiphertextBlob=sealed["CiphertextBlob"], EncryptionContext=other)
    assert (opened["Plaintext"], opened["KeyId"]) == ("hello", KEY)


def test_an_encryption_context_may_come_flattened(kms: KmsMock) -> None:
    """11: npm kms20160120 1.2.0 (client 9) sends `EncryptionContext.a=b`."""
    sealed = crypto(
        kms, "Encrypt", KeyId=KEY, Plaintext="hello", **{"EncryptionContext.é": "ü", "EncryptionContext.n": "1"}
    )
    opened = crypto(kms, "Decrypt", CiphertextBlob=sealed["CiphertextBlob"], EncryptionContext='{"n":"1","é":"ü"}')
    assert opened["Plaintext"] == "hello"


def test_oss2_sends_an_empty_context_and_both_sizes(kms: KmsMock) -> None:
    """8, 12: oss2 (client 3) sends KeySpec and NumberOfBytes together, and `EncryptionContext=` for no context."""
    made = crypto(kms, "GenerateDataKey", KeyId=KEY, KeySpec="AES_256", NumberOfBytes="32", EncryptionContext="")
    opened = crypto(kms, "Decrypt", CiphertextBlob=made["CiphertextBlob"], EncryptionContext="")
    assert opened["Plaintext"] == made["Plaintext"]
    assert crypto(kms, "Decrypt", CiphertextBlob=made["CiphertextBlob"])["Plaintext"] == made["Plaintext"]


def test_vault_unseals(kms: KmsMock) -> None:
    """30: Vault (client 14) reads KeyMetadata.KeyId, encrypts, and later decrypts what it kept as bytes."""
    assert crypto(kms, "DescribeKey", KeyId="alias/app")["KeyMetadata"]["KeyId"] == KEY
    blob = crypto(kms, "Encrypt", KeyId=KEY, Plaintext="dW5zZWFs")["CiphertextBlob"].encode().decode()
    assert crypto(kms, "Decrypt", CiphertextBlob=blob)["Plaintext"] == "dW5zZWFs"


def test_the_encryption_sdk_reads_the_arn(kms: KmsMock) -> None:
    """29: the encryption SDKs take region and key id out of KeyMetadata.Arn; its texts are strings."""
    metadata = crypto(kms, "DescribeKey", KeyId=KEY)["KeyMetadata"]
    assert metadata["Arn"] == f"acs:kms:cn-hangzhou:{kms.config.account}:key/{KEY}"
    assert all(isinstance(metadata[name], str) for name in ("KeyId", "KeyState", "Arn", "Creator", "CreationDate"))


@pytest.mark.parametrize(
    ("action", "parameters", "code"),
    [
        ("DescribeSecret", {"SecretName": "no"}, "Forbidden.ResourceNotFound"),
        ("GetSecretValue", {"SecretName": "no"}, "Forbidden.ResourceNotFound"),
        ("DescribeKey", {"KeyId": "00000000-0000-0000-0000-000000000000"}, "Forbidden.KeyNotFound"),
        ("DescribeKey", {"KeyId": "alias/none"}, "Forbidden.AliasNotFound"),
        ("DeleteAlias", {"AliasName": "alias/none"}, "Forbidden.AliasNotFound"),
    ],
)
def test_not_found_has_the_codes_that_clients_test_for(
    kms: KmsMock, action: str, parameters: dict[str, str], code: str
) -> None:
    """26: terraform and the encryption SDKs recognise a missing resource by these codes, with status 404."""
    assert ask(kms, http("POST", system(action, **parameters))).refusal[:2] == (404, code)


def test_terraform_finds_its_wrappers(kms: KmsMock) -> None:
    """10, 20: terraform reads `$.TagResources.TagResource`, `$.Keys.Key`, `$.SecretList.Secret`, and fails without them."""
    tags = ask(
        kms,
        http(
            "POST",
            system("ListTagResources", RegionId="cn-hangzhou"),
            form={"ResourceType": "secret", "ResourceId.1": "db"},
        ),
    ).tree
    assert [row["TagKey"] for row in tags["TagResources"]["TagResource"]] == ["team"]
    assert [key["KeyId"] for key in crypto(kms, "ListKeys")["Keys"]["Key"]] == [KEY]
    assert crypto(kms, "ListAliases")["Aliases"]["Alias"][0]["AliasName"] == "alias/app"
    assert crypto(kms, "ListSecretVersionIds", SecretName="db")["VersionIds"]["VersionId"][0]["VersionId"] == "v1"


def test_one_client_keeps_one_connection_for_everything(kms: KmsMock) -> None:
    """16: reads, writes, refusals and XML on one connection, as connection pools do."""
    with Wire(kms) as wire:
        for request in (
            *READS.values(),
            http("GET", system("NoSuch")),
            http("POST", form=system("ListKeys", Format="XML")),
        ):
            answer = wire.send(request).receive()
            assert answer.tree["RequestId"]
            assert "connection" not in answer.headers
