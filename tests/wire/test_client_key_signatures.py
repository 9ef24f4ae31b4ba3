"""ClientKeys: SignatureMethod=SHA256withRSA, SignatureType=PRIVATEKEY over the usual RPC string (dedicated.md 5)."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from alibabacloud_kms20160120 import models
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import pkcs12

from kms_mock import KmsMock
from tests.support.access import CLIENT_KEY, POINT
from tests.support.raw_http import Answer, ask, http
from tests.support.signing import hmac_sha1, rpc_pairs

ROOT_SECRET = "of-the-root-of-222-0123456789ab"
PASSWORD = "passw0rd"
UNKNOWN = (404, "InvalidAccessKeyId.NotFound", "The Access Key ID provided does not exist in our records.")
INCOMPLETE = (400, "IncompleteSignature", "The request signature does not conform to Aliyun standards.")
METHOD = {"SignatureMethod": "SHA256withRSA", "SignatureType": "PRIVATEKEY", "Action": "GetSecretValue"}
SECRETS = {"name": "secrets", "permissions": ["RbacPermission/Template/SecretUser"], "resources": ["secret/*"]}
ACCESS: dict[str, Any] = {
    "access_policies": [SECRETS],
    "access_points": [{"name": "free", "policies": ["secrets"]}, {**POINT, "policies": ["secrets"]}],
}
ACCOUNT: dict[str, Any] = {
    "id": "222",
    "access_keys": [{"id": "ROOT", "secret": ROOT_SECRET}],
    "regions": [{"id": "cn-hangzhou", **ACCESS, "secrets": [{"name": "db", "value": "v"}]}],
}


@pytest.fixture
def strict() -> Iterator[KmsMock]:
    with KmsMock([{"authentication": {"signatures": "verify"}, "accounts": [ACCOUNT]}]) as running:
        yield running


def root_client(kms: KmsMock) -> Any:
    return kms.client(access_key_id="ROOT", access_key_secret=ROOT_SECRET)


def issued(kms: KmsMock) -> tuple[str, Callable[[str], str]]:
    """Create a client key; return its id and its signing function."""
    request = models.CreateClientKeyRequest(aap_name="free", password=PASSWORD)
    body = root_client(kms).create_client_key(request).body
    archive = base64.b64decode(body.private_key_data)
    key, _, _ = pkcs12.load_key_and_certificates(archive, PASSWORD.encode())
    assert isinstance(key, rsa.RSAPrivateKey)

    def sign(text: str) -> str:
        return base64.b64encode(key.sign(text.encode(), padding.PKCS1v15(), SHA256())).decode()

    return body.client_key_id, sign


def send(kms: KmsMock, sign: Callable[[str], str], access_key_id: str, **changes: str | None) -> Answer:
    pairs = rpc_pairs(sign, "GET", **{"AccessKeyId": access_key_id, **METHOD, **changes})
    return ask(kms, http("GET", urlencode(pairs)))


def test_a_request_signed_with_a_client_key_verifies(strict: KmsMock) -> None:
    """The key that CreateClientKey issued signs for its account; any change after signing is a mismatch."""
    client_key_id, sign = issued(strict)
    answer = send(strict, sign, client_key_id, SignatureNonce="n")
    assert answer.status == 200
    assert answer.tree["SecretData"] == "v"
    assert send(strict, sign, client_key_id, SignatureNonce="n").refusal[1] == "SignatureNonceUsed"
    pairs = rpc_pairs(sign, "GET", AccessKeyId=client_key_id, **METHOD)
    changed = ask(strict, http("GET", urlencode(pairs) + "&Format=json"))
    assert changed.refusal[:2] == (400, "SignatureDoesNotMatch")
    assert "server string to sign is:GET&%2F&AccessKeyId%3DKAAP." in changed.refusal[2]
    unsigned = http("GET", urlencode(pairs), headers={"x-acs-action": "DescribeSecret"})
    assert "Arn" not in ask(strict, unsigned).tree


def test_a_client_key_of_another_or_a_deleted_one_is_refused(strict: KmsMock) -> None:
    """Each id goes with its own key; after DeleteClientKey nothing verifies any more."""
    first, sign = issued(strict)
    second, other = issued(strict)
    for client_key_id, wrong in ((first, other), (second, sign)):
        answer = send(strict, wrong, client_key_id)
        assert answer.refusal[:2] == (400, "SignatureDoesNotMatch")
        assert f"private key is not that of ClientKey {client_key_id!r};" in answer.headers["x-kms-mock-reason"]
    assert send(strict, sign, "KAAP.00000000-0000-4000-8000-00000000abcd").refusal == UNKNOWN
    assert send(strict, sign, "ROOT").refusal == UNKNOWN  # an AccessKey has no public key
    root_client(strict).delete_client_key(models.DeleteClientKeyRequest(client_key_id=first))
    assert send(strict, sign, first).refusal == UNKNOWN
    assert send(strict, other, second).status == 200


def test_a_client_key_signs_in_no_other_way(strict: KmsMock) -> None:
    """With HMAC-SHA1 there is no secret that would fit, and the public certificate is none."""
    client_key_id, sign = issued(strict)
    for secret in ("", client_key_id):
        assert send(strict, hmac_sha1(secret), client_key_id, SignatureMethod="HMAC-SHA1").refusal == UNKNOWN
    assert send(strict, sign, client_key_id, SignatureMethod="SHA512withRSA").refusal == INCOMPLETE
    for kind in (None, "", "BEARERTOKEN", "privatekey"):
        assert send(strict, sign, client_key_id, SignatureType=kind).refusal == INCOMPLETE
    for nothing in ("", "?", "é", "AAAA"):
        assert send(strict, lambda _, text=nothing: text, client_key_id).status == 400  # type: ignore[misc]


def test_the_mistakes_of_rpc_signatures_are_recognised(strict: KmsMock) -> None:
    """The reason names the mistake though the server cannot make the signature itself."""
    client_key_id, sign = issued(strict)
    answer = send(strict, lambda text: sign(text.replace("GET", "POST", 1)), client_key_id)
    assert "the client signed the method POST" in answer.headers["x-kms-mock-reason"]


def test_a_certificate_in_a_fixture_file_that_holds_no_rsa_key_verifies_nothing(strict: KmsMock) -> None:
    """A ClientKey whose certificate cannot be read is known, but no signature fits it."""
    answer = send(strict, lambda _: base64.b64encode(bytes(256)).decode(), CLIENT_KEY["id"])
    assert answer.refusal[:2] == (400, "SignatureDoesNotMatch")


def test_without_verification_a_client_key_calls_for_its_own_account() -> None:
    """Signatures ignored, unknown AccessKeys refused: an issued id is a known one and belongs to its account."""
    document = {"authentication": {"unknown_access_keys": "refuse"}, "accounts": [ACCOUNT]}
    with KmsMock([document]) as kms:
        answer = send(kms, lambda _: "anything", CLIENT_KEY["id"])
        assert answer.tree["SecretData"] == "v"
        assert send(kms, lambda _: "anything", f"{CLIENT_KEY['id']}0").refusal == UNKNOWN
