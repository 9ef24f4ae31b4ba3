"""AssumeRole: who may assume which role, for how long, with which rights (docs/sts.md)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.identities import ACCOUNT, ROLE, assume, policy_document, trust, with_session
from tests.support.in_process import START, InProcess

ASSUME = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}
SESSION = {"RoleArn": ROLE, "RoleSessionName": "alice"}
USER = f"acs:ram::{ACCOUNT}:user/ci"


@pytest.fixture
def start() -> Iterator[Any]:
    """Make servers from fixtures; they are closed at the end."""
    made: list[InProcess] = []

    def begin(fixture: dict[str, Any] | None = None) -> InProcess:
        made.append(InProcess(fixture))
        return made[-1]

    yield begin
    for server in made:
        server.close()


def user_with(*policies: Any, role: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return a fixture with role `app` and the user `ci`, whose AccessKey id is `CI`."""
    return {
        "roles": [{"name": "app", **(role or {})}],
        "users": [{"name": "ci", "policies": list(policies)}],
        "accounts": [{"id": ACCOUNT, "access_keys": [{"id": "CI", "user": "ci"}, {"id": "ROOT"}]}],
        "secrets": [{"name": "db", "value": "x"}, {"name": "other", "value": "y"}],
    }


def test_the_answer_has_what_the_document_shows(start: Any) -> None:
    """Credentials, their expiry in whole seconds UTC, and the session as a principal (STS, AssumeRole)."""
    server = start({"roles": [{"name": "app", "id": "344584339364951186"}]})
    code, body = server.call("AssumeRole", **SESSION, SourceIdentity="Alice")
    assert code == ""
    assert body["Credentials"]["AccessKeyId"].startswith("STS.")
    assert body["Credentials"]["Expiration"] == "2027-01-15T09:00:00Z"
    assert START == 1_800_000_000
    assert body["AssumedRoleUser"] == {
        "AssumedRoleId": "344584339364951186:alice",
        "Arn": f"acs:ram::{ACCOUNT}:role/app/alice",
    }
    assert body["SourceIdentity"] == "Alice"


def test_a_session_knows_who_it_is(start: Any) -> None:
    """GetCallerIdentity of a session: its assumed-role ARN, RoleId and PrincipalId, and no UserId."""
    server = start({"roles": [{"name": "app", "id": "33300"}]})
    session = assume(server.call)
    code, body = server.call("GetCallerIdentity", **with_session(session))
    del body["RequestId"]
    assert code == ""
    assert body == {
        "IdentityType": "AssumedRoleUser",
        "AccountId": ACCOUNT,
        "PrincipalId": "33300:alice",
        "RoleId": "33300",
        "Arn": f"acs:ram::{ACCOUNT}:assumed-role/app/alice",
    }


@pytest.mark.parametrize(
    ("access_key", "kind", "arn"), [("ROOT", "Account", "root"), ("CI", "RAMUser", "user/ci"), ("x", "Account", "root")]
)
def test_accounts_and_users_know_who_they_are(start: Any, access_key: str, kind: str, arn: str) -> None:
    """GetCallerIdentity of an account and of a user: UserId is the account's or the user's id, and there is no RoleId."""
    body = start(user_with()).call("GetCallerIdentity", AccessKeyId=access_key)[1]
    assert (body["IdentityType"], body["Arn"]) == (kind, f"acs:ram::{ACCOUNT}:{arn}")
    assert body["UserId"] == body["PrincipalId"]
    assert (body["UserId"] == ACCOUNT) is (kind == "Account")
    assert "RoleId" not in body


def test_a_role_that_is_nowhere_described_is_not_found(start: Any) -> None:
    """EntityNotExist.Role, also for a role of another account."""
    server = start(user_with("AliyunSTSAssumeRoleAccess"))
    for arn in (f"acs:ram::{ACCOUNT}:role/none", "acs:ram::77:role/app"):
        assert server.call("AssumeRole", **{**SESSION, "RoleArn": arn})[0] == "EntityNotExist.Role"


@pytest.mark.parametrize("seconds", ["899", "3601", "0", "-1", "x"])
def test_a_session_lasts_900_seconds_to_the_maximum_of_the_role(start: Any, seconds: str) -> None:
    """Anything else is InvalidParameter.DurationSeconds (STS, AssumeRole: 900 to MaxSessionDuration, which is 3600)."""
    code, body = start(user_with()).call("AssumeRole", **SESSION, DurationSeconds=seconds)
    assert code == "InvalidParameter.DurationSeconds"
    assert body["Message"] == "The Min/Max value of DurationSeconds is 15min/1hr."


def test_a_role_may_allow_longer_sessions(start: Any) -> None:
    """`max_session` of the fixture file is MaxSessionDuration."""
    server = start(user_with(role={"max_session": 43200}))
    assert assume(server.call, DurationSeconds="43200")["Expiration"] == "2027-01-15T20:00:00Z"


@pytest.mark.parametrize(
    ("parameter", "value", "code"),
    [
        ("RoleArn", "acs:ram::1:user/x", "InvalidParameter.RoleArn"),
        ("RoleSessionName", "a", "InvalidParameter.RoleSessionName"),
        ("RoleSessionName", "a b", "InvalidParameter.RoleSessionName"),
        ("RoleSessionName", "a" * 65, "InvalidParameter.RoleSessionName"),
        ("ExternalId", "a", "InvalidParameter.ExternalId"),
        ("ExternalId", "a b", "InvalidParameter.ExternalId"),
        ("SourceIdentity", "acs:x", "InvalidParameter"),
        ("Policy", "{", "InvalidParameter.PolicyGrammar"),
        ("Policy", json.dumps(trust(RAM="*")), "InvalidParameter.PolicyGrammar"),
        ("Policy", " " * 2049, "InvalidParameter.PolicySize"),
    ],
)
def test_each_parameter_has_its_own_code(start: Any, parameter: str, value: str, code: str) -> None:
    """Malformed parameters are refused with the codes of the table of AssumeRole."""
    assert start(user_with()).call("AssumeRole", **{**SESSION, parameter: value})[0] == code


def test_the_account_itself_may_not_assume_roles(start: Any) -> None:
    """A known AccessKey pair without a user is refused as the service refuses root accounts."""
    code, body = start(user_with()).call("AssumeRole", **SESSION, AccessKeyId="ROOT")
    assert (code, body["Message"]) == ("NoPermission", "Roles may not be assumed by root accounts.")


def test_a_user_needs_the_permission(start: Any) -> None:
    """Without sts:AssumeRole on the role a user is refused, with AliyunSTSAssumeRoleAccess he is not."""
    other = {**ASSUME, "Resource": f"acs:ram::{ACCOUNT}:role/other"}
    code, body = start(user_with(policy_document(other))).call("AssumeRole", **SESSION, AccessKeyId="CI")
    assert (code, body["Message"]) == (
        "NoPermission",
        "You are not authorized to do this action. You should be authorized by RAM.",
    )
    assert assume(start(user_with("AliyunSTSAssumeRoleAccess")).call, AccessKeyId="CI")


@pytest.mark.parametrize(
    ("trusted", "allowed"),
    [
        (USER, True),
        (f"acs:ram::{ACCOUNT}:root", True),
        (f"acs:ram::{ACCOUNT}:user/other", False),
        ("acs:ram::77:root", False),
    ],
)
def test_a_role_must_trust_the_caller(start: Any, trusted: str, allowed: bool) -> None:
    """Both are needed: the permission of the user, and the trust of the role (RAM, "Edit the trust policy")."""
    server = start(user_with("AliyunSTSAssumeRoleAccess", role={"trust": trust(RAM=[trusted])}))
    code, _ = server.call("AssumeRole", **SESSION, AccessKeyId="CI")
    assert code == ("" if allowed else "NoPermission")


def test_a_role_without_a_trust_policy_trusts_its_account_alone(start: Any) -> None:
    """A fixture file that says nothing about trust lets in the role's own account, and no other one."""
    fixture = user_with()
    fixture["accounts"].append({"id": "77", "access_keys": [{"id": "FAR", "user": "u"}]})
    server = start(fixture)
    assert server.call("AssumeRole", **SESSION, AccessKeyId="CI")[0] == "NoPermission"  # no policy at all
    assert server.call("AssumeRole", **SESSION, AccessKeyId="FAR")[0] == "NoPermission"
    assert server.call("AssumeRole", **SESSION, AccessKeyId="unknown")[0] == ""


def test_a_trust_policy_may_ask_for_an_external_id(start: Any) -> None:
    """sts:ExternalId is a condition key of the trust policy (RAM, "Use external IDs")."""
    condition = {"StringEquals": {"sts:ExternalId": "abcd1234"}}
    server = start(user_with("AliyunSTSAssumeRoleAccess", role={"trust": trust(condition, RAM=[USER])}))
    for external_id, code in (("abcd1234", ""), ("other", "NoPermission"), ("", "NoPermission")):
        assert server.call("AssumeRole", **SESSION, AccessKeyId="CI", ExternalId=external_id)[0] == code


def test_rights_are_those_of_the_role_within_the_policy_of_the_session(start: Any) -> None:
    """A session may do what the role's policies and its own policy both allow (STS, AssumeRole, Policy)."""
    server = start(user_with(role={"policies": ["AliyunKMSSecretUserAccess"]}))
    one = policy_document({"Effect": "Allow", "Action": "kms:*", "Resource": "acs:kms:*:*:secret/db"})
    whole, part = assume(server.call), assume(server.call, Policy=json.dumps(one))
    forbidden = "Forbidden.NoPermission"
    for session, name, operation, expected in (
        (whole, "db", "GetSecretValue", ""),
        (whole, "other", "GetSecretValue", ""),
        (whole, "db", "DeleteSecret", forbidden),
        (part, "db", "GetSecretValue", ""),
        (part, "other", "GetSecretValue", forbidden),
        (part, "db", "DeleteSecret", forbidden),
    ):
        assert server.call(operation, SecretName=name, **with_session(session))[0] == expected, (name, operation)


def test_a_session_policy_limits_a_role_that_nothing_else_limits(start: Any) -> None:
    """A role without a list of policies may do everything; the policy of the session still counts."""
    server = start(user_with())
    session = assume(server.call, Policy=json.dumps(policy_document()))
    assert server.call("GetSecretValue", SecretName="db", **with_session(session))[0] == "Forbidden.NoPermission"
    assert server.call("ListKeys", **with_session(session))[0] == "Forbidden.NoPermission"
    assert server.call("GetSecretValue", SecretName="db", **with_session(assume(server.call)))[0] == ""


def test_a_session_may_assume_a_role_that_trusts_its_role(start: Any) -> None:
    """Chains of roles: the principal is the role, and the source identity stays as it was."""
    fixture = user_with(role={"policies": ["AliyunSTSAssumeRoleAccess"]})
    fixture["roles"].append({"name": "next", "trust": trust(RAM=[ROLE])})
    fixture["roles"].append({"name": "closed", "trust": trust(RAM=[USER])})
    server = start(fixture)
    first = with_session(assume(server.call, SourceIdentity="Alice"))
    arn = ROLE.replace("app", "next")
    code, body = server.call("AssumeRole", **{**SESSION, **first, "RoleArn": arn, "SourceIdentity": "Bob"})
    assert (code, body["SourceIdentity"]) == ("", "Alice")
    closed = ROLE.replace("app", "closed")
    assert server.call("AssumeRole", **{**SESSION, **first, "RoleArn": closed})[0] == "NoPermission"


def test_the_xml_of_an_answer_has_the_documented_root(start: Any) -> None:
    """The root element is AssumeRoleResponse, as the page's XML example has it."""
    server = start(user_with())
    answer = server.raw("AssumeRole", **SESSION, Format="XML")
    assert b"<AssumeRoleResponse><Credentials><AccessKeyId>STS." in answer.body
