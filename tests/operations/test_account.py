"""The account: regions, status, opening KMS, challenges; and what an account that may not use KMS is told."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from alibabacloud_kms20160120 import models
from alibabacloud_kms20160120.client import Client
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA384

from kms_mock import KmsMock
from kms_mock.crypto.keypairs import RsaMaterial
from kms_mock.defaults import DEFAULT_ACCOUNT
from kms_mock.kms import errors
from kms_mock.kms.errors import ErrorSpec
from kms_mock.kms.model.attestation import challenge_keys
from tests.support.access import VALID, WORLD
from tests.support.calls import call, refused
from tests.support.secrets import NO_SUCH_KEYS, OTHER_ACCOUNT, allow, ram_user, refuse, sdk

REFUSED_STATUSES = {
    "NotEnabled": errors.SERVICE_NOT_ENABLED,
    "InDebt": errors.IN_DEBT,
    "InDebtOverdue": errors.IN_DEBT_OVERDUE,
    "RiskControl": errors.RISK_CONTROL,
    "UbsmsInvalidUserid": errors.UBSMS_INVALID_USER,
    "UbsmsInvalidBid": errors.UBSMS_INVALID_BID,
}
WITHOUT_SERVICE = ("DescribeRegions", "DescribeAccountKmsStatus", "OpenKmsService")
CALLS: dict[str, Callable[[Client], Any]] = {
    "GetSecretValue": lambda client: sdk(client, "GetSecretValue", secret_name="db"),
    "CreateSecret": lambda client: sdk(client, "CreateSecret", secret_name="new", version_id="v1", secret_data="x"),
    "ListSecrets": lambda client: sdk(client, "ListSecrets"),
    "ListKmsInstances": lambda client: sdk(client, "ListKmsInstances"),
    "CreateNetworkRule": lambda client: sdk(client, "CreateNetworkRule", name="new", type="Private"),
    "GetChallenge": lambda client: client.get_challenge(models.GetChallengeRequest()),
    "TagResource": lambda client: sdk(client, "TagResource", secret_name="db", tags="[]"),
}


def account(kms: KmsMock, **more: Any) -> None:
    kms.load({"accounts": [{"id": DEFAULT_ACCOUNT, **more}]})


def status(client: Client) -> str:
    return str(client.describe_account_kms_status().body.account_status)


# -- DescribeRegions --------------------------------------------------------------------------------------------------


def test_the_regions_are_those_with_an_endpoint(client: Client) -> None:
    """DescribeRegions gives the 36 regions of the vendor's list, each once."""
    regions = [one.region_id for one in client.describe_regions().body.regions.region]
    assert len(regions) == len(set(regions)) == 36
    assert {"cn-hangzhou", "cn-beijing", "ap-southeast-1", "eu-central-1", "cn-shanghai-finance-1"} <= set(regions)


# -- DescribeAccountKmsStatus, OpenKmsService -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kept", "told"),
    [
        ("Enabled", "Enabled"),
        ("NotEnabled", "NotEnabled"),
        ("InDebt", "InDebt"),
        ("InDebtOverdue", "Suspended"),
        ("RiskControl", "Suspended"),
        ("UbsmsInvalidUserid", "NotEnabled"),
        ("UbsmsInvalidBid", "NotEnabled"),
    ],
)
def test_the_status_is_one_of_the_four_documented_ones(kms: KmsMock, client: Client, kept: str, told: str) -> None:
    """DescribeAccountKmsStatus works whatever the account's status is, and tells it."""
    account(kms, status=kept)
    assert status(client) == told


def test_opening_kms_makes_it_work(kms: KmsMock, client: Client) -> None:
    """A NotEnabled account is refused until OpenKmsService; then it is Enabled, in every region, for good."""
    account(kms, status="NotEnabled", regions=[{"id": "cn-hangzhou", "secrets": [{"name": "db", "value": "one"}]}])
    refuse(kms, client, errors.SERVICE_NOT_ENABLED, "GetSecretValue", secret_name="db")
    client.open_kms_service()
    assert status(client) == "Enabled"
    assert sdk(client, "GetSecretValue", secret_name="db")["SecretData"] == "one"
    assert call(client, "ListSecrets", RegionId="cn-beijing")["TotalCount"] == 0
    refused(kms, errors.SERVICE_OPENED, client.open_kms_service)


@pytest.mark.parametrize("kept", ["Enabled", "InDebt", "InDebtOverdue", "RiskControl"])
def test_kms_is_opened_once(kms: KmsMock, client: Client, kept: str) -> None:
    """OpenKmsService of an account that has KMS, suspended or not, answers Forbidden.Opened."""
    account(kms, status=kept)
    refused(kms, errors.SERVICE_OPENED, client.open_kms_service)


@pytest.mark.parametrize(
    ("flag", "spec"),
    [({"real_name": False}, errors.NO_REAL_NAME), ({"orders_fail": True}, errors.CREATE_ORDER_FAILED)],
)
def test_opening_can_be_refused(kms: KmsMock, client: Client, flag: dict[str, bool], spec: ErrorSpec) -> None:
    """Without real-name authentication and when the order fails KMS stays closed; a snapshot remembers why."""
    account(kms, status="NotEnabled", **flag)
    refused(kms, spec, client.open_kms_service)
    assert status(client) == "NotEnabled"
    with KmsMock(fixtures=[kms.snapshot()]) as other:
        refused(other, spec, other.client().open_kms_service)


# -- an account that may not use KMS ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kept", REFUSED_STATUSES)
@pytest.mark.parametrize("operation", CALLS)
def test_an_account_that_may_not_use_kms_is_told_why(kms: KmsMock, client: Client, operation: str, kept: str) -> None:
    """Every status but Enabled answers its documented 403 to calls of every family."""
    kms.load({"secrets": [{"name": "db", "value": "one"}]})
    account(kms, status=kept)
    refused(kms, REFUSED_STATUSES[kept], CALLS[operation], client)


@pytest.mark.parametrize("operation", sorted(set(VALID) - set(WITHOUT_SERVICE)))
def test_instances_and_access_need_an_open_service(kms: KmsMock, client: Client, operation: str) -> None:
    """Requests that succeed otherwise answer Forbidden.KmsServiceNotEnabled while KMS is not open."""
    kms.load(WORLD)
    account(kms, status="NotEnabled")
    refused(kms, errors.SERVICE_NOT_ENABLED, lambda: call(client, operation, **VALID[operation]))


def test_the_status_of_one_account_is_not_that_of_another(kms: KmsMock, client: Client) -> None:
    """While one account is in debt, another goes on."""
    debtor = {"id": OTHER_ACCOUNT, "status": "InDebt", "access_keys": [{"id": "debtor"}]}
    kms.load({"accounts": [debtor]})
    assert sdk(client, "ListSecrets")["TotalCount"] == 0
    refuse(kms, kms.client(access_key_id="debtor"), errors.IN_DEBT, "ListSecrets")


# -- callers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", VALID)
def test_each_request_succeeds_for_a_caller_who_may(kms: KmsMock, client: Client, operation: str) -> None:
    """The requests that the next tests see refused succeed as they are."""
    kms.load(WORLD)
    assert call(client, operation, **VALID[operation])["RequestId"]


@pytest.mark.parametrize("operation", VALID)
def test_an_unknown_access_key_is_refused(kms: KmsMock, client: Client, operation: str) -> None:
    """Where only the pairs of the fixture files count, another AccessKey answers InvalidAccessKeyId.NotFound."""
    kms.load({**WORLD, **NO_SUCH_KEYS})
    refused(kms, errors.INVALID_ACCESS_KEY_ID, lambda: call(client, operation, **VALID[operation]))


@pytest.mark.parametrize("operation", sorted(VALID.keys() - {"DescribeRegions"}))
def test_ram_can_forbid_each_operation(kms: KmsMock, operation: str) -> None:
    """A RAM user who may do something else only answers Forbidden.NoPermission; DescribeRegions needs no permission."""
    kms.load(WORLD)
    kms.load(ram_user(allow("kms:Encrypt")))
    limited = kms.client(access_key_id="limited")
    named = any(VALID[operation].get(name) for name in ("KmsInstanceId", "Name", "AapName"))
    spec = errors.NO_PERMISSION_ON if named else errors.NO_PERMISSION
    refused(kms, spec, lambda: call(limited, operation, **VALID[operation]))


@pytest.mark.parametrize("operation", ["DescribeRegions", "DescribeAccountKmsStatus"])
def test_blanks_around_an_access_key_id_are_refused(kms: KmsMock, operation: str) -> None:
    """An AccessKey id with a blank answers InvalidParameter, also where there is no other parameter."""
    blank = kms.client(access_key_id="mock ")
    refused(kms, errors.KMS_INVALID_PARAMETER, lambda: call(blank, operation))


# -- GetChallenge -----------------------------------------------------------------------------------------------------


def challenge(client: Client) -> tuple[str, str]:
    body = client.get_challenge(models.GetChallengeRequest()).body
    return body.nonce, body.challenge_token


def part(text: str) -> Any:
    """Read one part of a JSON Web Token: base64url without padding (RFC 7515)."""
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def test_a_challenge_is_a_nonce_and_a_token_of_it(client: Client) -> None:
    """GetChallenge gives 32 random bytes as Base64, and a JSON Web Token (RS384) of them for five minutes."""
    nonce, token = challenge(client)
    assert len(base64.b64decode(nonce, validate=True)) == 32
    header, claims, signature = token.split(".")
    assert header == "eyJhbGciOiJSUzM4NCIsInR5cCI6IkpXVCJ9"  # as in the sample of the Java SDK
    assert part(header) == {"alg": "RS384", "typ": "JWT"}
    assert list(part(claims)) == ["nonce", "iat", "exp"]
    assert part(claims)["nonce"] == nonce
    assert part(claims)["exp"] - part(claims)["iat"] == 300
    assert len(signature) == 342  # 256 bytes of RSA_2048


def test_each_challenge_is_another(client: Client) -> None:
    """No nonce comes twice."""
    assert len({challenge(client)[0] for _ in range(5)}) == 5


def test_the_tokens_of_a_server_are_signed_with_one_key(kms: KmsMock, client: Client) -> None:
    """The signatures are good under the key of this server: RSASSA-PKCS1-v1_5 with SHA-384 (RFC 7518, 3.3)."""
    tokens = [challenge(client)[1] for _ in range(2)]
    key = kms.store.server[challenge_keys].find("").material
    assert isinstance(key, RsaMaterial)
    for token in tokens:
        text, _, signature = token.rpartition(".")
        raw = base64.urlsafe_b64decode(signature + "==")
        key.public_key.verify(raw, text.encode(), padding.PKCS1v15(), SHA384())


def test_a_challenge_leaves_no_trace(kms: KmsMock, client: Client) -> None:
    """GetChallenge keeps nothing: the token carries all there is to know."""
    before = kms.snapshot()
    challenge(client)
    assert kms.snapshot() == before


def test_challenges_of_a_seeded_run_repeat() -> None:
    """With the same seed the first nonce is the same, and the key that signs its token."""
    runs = []
    for _ in range(2):
        with KmsMock(seed=7) as kms:
            nonce, _ = challenge(kms.client())
            runs.append((nonce, kms.store.server[challenge_keys].find("")))
    assert runs[0] == runs[1]
