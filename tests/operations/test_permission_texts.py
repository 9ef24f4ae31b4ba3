"""The text of 403 Forbidden.NoPermission: it names the ARN where a request names a resource (behaviour.md 21)."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from Tea.exceptions import TeaException

from kms_mock import KmsMock
from kms_mock.defaults import DEFAULT_ACCOUNT
from tests.support.access import INSTANCE, WORLD
from tests.support.calls import call
from tests.support.raw_http import ask, http, request_parameters
from tests.support.secrets import KEY_ID, allow, ram_user

PREFIX = f"acs:kms:cn-hangzhou:{DEFAULT_ACCOUNT}:"
PLAIN = "This operation is forbidden by permission system"
FIXTURE = {
    **WORLD,
    "keys": [{"id": KEY_ID, "aliases": ["alias/app"]}],
    "secrets": [{"name": "db/password", "value": "one"}],
}
PUT = {"SecretName": "db/password", "VersionId": "v2", "SecretData": "two"}
TAGS = {"RegionId": "cn-hangzhou", "ResourceId.1": INSTANCE, "ResourceType": "instance"}

# A request, and the resource whose ARN its refusal names.
NAMED = [
    ("GetSecretValue", {"SecretName": "db/password"}, "secret/db/password"),
    ("DescribeSecret", {"SecretName": f"{PREFIX}secret/db/password"}, "secret/db/password"),
    ("UpdateSecret", {"SecretName": "db/password", "Description": "x"}, "secret/db/password"),
    ("CreateSecret", {"SecretName": "new", "VersionId": "v1", "SecretData": "x"}, "secret/new"),
    ("Encrypt", {"KeyId": KEY_ID, "Plaintext": "x"}, f"key/{KEY_ID}"),
    ("Encrypt", {"KeyId": "alias/app", "Plaintext": "x"}, f"key/{KEY_ID}"),
    ("DeleteAlias", {"AliasName": "alias/app"}, "alias/app"),
    ("GetKmsInstance", {"KmsInstanceId": INSTANCE}, f"keystore/{INSTANCE}"),
    ("DescribeNetworkRule", {"Name": "office"}, "network/office"),
    ("DescribePolicy", {"Name": "reader"}, "policy/reader"),
    ("DescribeApplicationAccessPoint", {"Name": "app"}, "applicationaccesspoint/app"),
    ("ListTagResources", TAGS, f"keystore/{INSTANCE}"),
]
# A request, and the text of its refusal: it names no resource, or its table has this text or another status.
EXACT = [
    ("ListSecrets", {}, 403, PLAIN),
    ("ListKeys", {}, 403, f"{PLAIN}."),
    ("GetRandomPassword", {}, 403, f"{PLAIN}."),
    ("PutSecretValue", PUT, 403, PLAIN),
    ("CreateKey", {}, 400, f"{PLAIN}."),
    ("GetKeyPolicy", {"KeyId": KEY_ID}, 400, f"{PLAIN}."),
]


@pytest.fixture(params=["nothing", "other resources"])
def limited(kms: KmsMock, request: pytest.FixtureRequest) -> KmsMock:
    """A mock with the user `limited`, who is refused before or after the resource is looked up."""
    kms.load(FIXTURE)
    resource = f"{PREFIX}*/only-this" if request.param == "other resources" else "acs:kms:*:*:none"
    kms.load(ram_user(allow("kms:*" if request.param == "other resources" else "kms:None", resource=resource)))
    return kms


def forbidden(kms: KmsMock, operation: str, parameters: dict[str, str]) -> tuple[int, str]:
    with pytest.raises(TeaException) as caught:
        call(kms.client(access_key_id="limited"), operation, **parameters)
    assert caught.value.code == "Forbidden.NoPermission"
    return caught.value.statusCode, caught.value.data["Message"]


@pytest.mark.parametrize(("operation", "parameters", "resource"), NAMED)
def test_a_refusal_names_the_arn_of_its_resource(
    limited: KmsMock, operation: str, parameters: dict[str, str], resource: str
) -> None:
    """The text names the ARN, whether the caller may do this with no resource at all or with others only."""
    expected = f"This operation for {PREFIX}{resource} is forbidden by permission system."
    assert forbidden(limited, operation, parameters) == (403, expected)


@pytest.mark.parametrize(("operation", "parameters", "status", "text"), EXACT)
def test_other_refusals_keep_the_text_of_their_table(
    limited: KmsMock, operation: str, parameters: dict[str, str], status: int, text: str
) -> None:
    """So does what names no resource, PutSecretValue to the letter of its page, and what is refused with 400."""
    assert forbidden(limited, operation, parameters) == (status, text)


def test_a_resource_that_is_not_there_is_named_too(kms: KmsMock) -> None:
    """Who may do nothing is refused before anything is looked up: the refusal tells nothing about what exists."""
    kms.load(ram_user(allow("kms:None")))
    expected = f"This operation for {PREFIX}secret/none is forbidden by permission system."
    assert forbidden(kms, "GetSecretValue", {"SecretName": "none"}) == (403, expected)


@pytest.mark.parametrize("name", ["a\x00b", "line\nbreak", "\ufffe", "x" * 513])
def test_a_name_that_no_resource_has_is_not_repeated(kms: KmsMock, name: str) -> None:
    """Names with control characters or beyond any length are left out, so that XML can carry the answer."""
    kms.load(ram_user(allow("kms:None")))
    parameters = request_parameters("GetSecretValue", SecretName=name, Format="XML", AccessKeyId="limited")
    answer = ask(kms, http("POST", parameters))
    assert answer.status == 403
    assert ET.fromstring(answer.body).findtext("Message") == f"{PLAIN}."  # noqa: S314 (this server's own answer)
