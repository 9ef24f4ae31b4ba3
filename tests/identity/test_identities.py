"""RAM identities of a fixture file: whose policies count, and what fails the load."""

from __future__ import annotations

from typing import Any

import pytest

from kms_mock import KmsMock
from kms_mock.fixtures import FixtureError
from kms_mock.identity.access import decide_access
from kms_mock.identity.accounts import AccessKey, Caller
from kms_mock.identity.conditions import Request
from kms_mock.identity.identities import derived_id
from kms_mock.identity.system_policies import SYSTEM_POLICIES, system_policy
from tests.support.identities import ACCOUNT, policy_document, trust
from tests.support.in_process import InProcess

READ = policy_document({"Effect": "Allow", "Action": "kms:GetSecretValue", "Resource": "*"})
NO_OTHER = policy_document({"Effect": "Deny", "Action": "kms:*", "Resource": "acs:kms:*:*:secret/other"})
FORBIDDEN = "Forbidden.NoPermission"


def asked(identities: dict[str, Any], *, operation: str = "GetSecretValue", secret: str = "db", key: Any = None) -> str:
    """Return the code that the user `ci` gets."""
    server = InProcess(
        {
            **identities,
            "accounts": [{"id": ACCOUNT, "access_keys": [{"id": "CI", "user": "ci", **(key or {})}]}],
            "secrets": [{"name": "db", "value": "x"}, {"name": "other", "value": "y"}],
        }
    )
    try:
        return server.call(operation, AccessKeyId="CI", SecretName=secret)[0]
    finally:
        server.close()


def user(*policies: Any) -> dict[str, Any]:
    return {"users": [{"name": "ci", "policies": list(policies)}]}


def test_a_user_may_do_what_one_of_his_policies_allows() -> None:
    """Several policies, by name and inline, count together; none at all allows nothing."""
    assert asked(user()) == FORBIDDEN
    assert asked(user(READ)) == ""
    assert asked(user("AliyunKMSReadOnlyAccess")) == FORBIDDEN
    assert asked(user("AliyunKMSReadOnlyAccess", READ)) == ""
    assert asked(user(READ), operation="DescribeSecret") == FORBIDDEN


def test_a_user_without_a_list_of_policies_is_not_limited() -> None:
    """What a fixture file does not say does not limit: a mock is permissive until told otherwise."""
    assert asked({"users": [{"name": "ci"}]}) == ""
    assert asked({}) == ""


def test_a_deny_of_any_policy_wins() -> None:
    """RAM, "How RAM evaluates policies"."""
    assert asked(user("AliyunKMSFullAccess", NO_OTHER)) == ""
    assert asked(user("AliyunKMSFullAccess", NO_OTHER), secret="other") == FORBIDDEN


def test_the_policies_of_groups_count_for_their_users() -> None:
    """A user has the policies of all groups that he is in, and of no other one."""
    group = {"name": "readers", "users": ["ci"], "policies": [READ]}
    assert asked({**user(), "groups": [group]}) == ""
    assert asked({"groups": [group]}, operation="DescribeSecret") == FORBIDDEN
    assert asked({**user(), "groups": [{**group, "users": ["someone"]}]}) == FORBIDDEN
    several = [group, {"name": "deniers", "users": ["ci"], "policies": [NO_OTHER]}, {"name": "free", "users": ["ci"]}]
    assert asked({"groups": several}) == ""
    assert asked({"groups": several}, secret="other") == FORBIDDEN


def test_the_policy_of_an_access_key_counts_with_those_of_its_user() -> None:
    """The form `access_keys: [{id, user, policy}]` stays as it was, and comes on top."""
    assert asked({}, key={"policy": READ}) == ""
    assert asked({}, key={"policy": READ}, operation="DescribeSecret") == FORBIDDEN
    assert asked(user("AliyunKMSSecretUserAccess"), key={"policy": NO_OTHER}) == ""
    assert asked(user("AliyunKMSSecretUserAccess"), key={"policy": NO_OTHER}, secret="other") == FORBIDDEN


def test_policies_of_the_account_have_names() -> None:
    """`ram_policies` are attached by name; what decides is told by that name."""
    server = InProcess(
        {
            "ram_policies": [{"name": "readers", "document": READ}],
            **user("readers"),
            "accounts": [{"id": ACCOUNT, "access_keys": [{"id": "CI", "user": "ci"}]}],
        }
    )
    answer = server.raw("ListKeys", AccessKeyId="CI")
    server.close()
    assert answer.code == FORBIDDEN
    assert "policy readers of user ci" in answer.reason


@pytest.mark.parametrize("name", list(SYSTEM_POLICIES))
def test_each_system_policy_can_be_evaluated(name: str) -> None:
    """All are valid documents, and allow something."""
    found = system_policy(name)
    assert found is not None
    assert {statement.Effect for statement in found.Statement} == {"Allow"}


@pytest.mark.parametrize(
    ("name", "allowed", "refused"),
    [
        ("AliyunKMSFullAccess", {"GetSecretValue", "CreateKey", "DeleteSecret"}, set()),
        ("AliyunKMSReadOnlyAccess", {"ListKeys", "DescribeSecret", "GetPublicKey"}, {"GetSecretValue", "Decrypt"}),
        ("AliyunKMSCryptoUserAccess", {"Encrypt", "GenerateMac"}, {"DescribeKey", "GetSecretValue"}),
        ("AliyunKMSSecretUserAccess", {"GetSecretValue", "ListSecretVersionIds"}, {"ListSecrets", "PutSecretValue"}),
        ("AliyunKMSCryptoAdminAccess", {"ScheduleKeyDeletion", "Encrypt"}, set()),
        ("AliyunKMSSecretAdminAccess", set(), {"Encrypt", "DescribeKey"}),
        ("AdministratorAccess", {"Encrypt", "GetSecretValue"}, set()),
        ("AliyunSTSAssumeRoleAccess", set(), {"Encrypt", "GetSecretValue"}),
    ],
)
def test_system_policies_allow_what_their_pages_say(name: str, allowed: set[str], refused: set[str]) -> None:
    """RAM, the pages of the system policies; asked about a key."""
    found = system_policy(name)
    assert found is not None
    caller = Caller(ACCOUNT, AccessKey("CI", user="ci"), policies=((name, found),))
    for action in allowed | refused:
        request = Request(f"kms:{action}", f"acs:kms:cn-hangzhou:{ACCOUNT}:key/1", caller.principal)
        assert decide_access(caller, request, ACCOUNT, None).allowed is (action in allowed), action


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (
            {"users": [{"name": "a", "policies": ["AliyunKMSReadOnlyAcces"]}]},
            r"users\[0\]\.policies\[0\].*AliyunKMSReadOnlyAccess",
        ),
        ({"users": [{"name": "a", "policies": [trust(RAM=["*"])]}]}, r"users\[0\]\.policies\[0\].*Principal"),
        ({"users": [{"name": "a"}, {"name": "a"}]}, r"users\[1\]\.name.*exists already"),
        ({"groups": [{"name": "a"}, {"name": "a"}]}, r"groups\[1\]\.name.*exists already"),
        ({"roles": [{"name": "a"}, {"name": "a"}]}, r"roles\[1\]\.name.*exists already"),
        ({"roles": [{"name": "a", "trust": READ}]}, r"roles\[0\]\.trust.*Principal"),
        ({"roles": [{"name": "a", "max_session": 900}]}, r"roles\[0\]\.max_session.*3600"),
        ({"roles": [{"name": "a b"}]}, r"roles\[0\]\.name.*letters"),
        (
            {"ram_policies": [{"name": "AliyunKMSFullAccess", "document": READ}]},
            r"ram_policies\[0\]\.name.*system policy",
        ),
        ({"ram_policies": [{"name": "a", "document": READ}] * 2}, r"ram_policies\[1\]\.name.*exists already"),
        ({"oidc_providers": [{"name": "a"}] * 2}, r"oidc_providers\[1\]\.name.*exists already"),
        ({"saml_providers": [{"name": "a", "entity_id": "e"}] * 2}, r"saml_providers\[1\]\.name.*exists already"),
        (
            {"accounts": [{"id": "7", "users": [{"name": "a", "policies": ["x"]}]}]},
            r"accounts\[0\]\.users\[0\]\.policies\[0\]",
        ),
    ],
)
def test_a_wrong_identity_fails_the_load(document: dict[str, Any], words: str) -> None:
    """The error has the place and what is allowed there; a policy's name that none has is never ignored."""
    with pytest.raises(FixtureError, match=words):
        InProcess(document)


def test_a_snapshot_loads_to_the_same_identities() -> None:
    """Every kind, with ids, policies by name and inline, and keys; at the top of a document and in an account."""
    identities: dict[str, Any] = {
        "ram_policies": [{"name": "mine", "document": READ}],
        "users": [{"name": "a", "id": "2001", "policies": ["mine", "AliyunKMSFullAccess", NO_OTHER]}, {"name": "b"}],
        "groups": [{"name": "g", "users": ["a", "b"], "policies": []}],
        "roles": [{"name": "r", "trust": trust(RAM=["*"]), "policies": ["mine"], "max_session": 7200}],
        "oidc_providers": [{"name": "o", "client_ids": ["x"]}],
        "saml_providers": [{"name": "s", "entity_id": "e"}],
    }
    document: dict[str, Any] = {**identities, "accounts": [{"id": "77", **identities}]}
    with KmsMock(document) as kms:
        first = kms.snapshot()
        with KmsMock(first) as other:
            assert other.snapshot() == first
    described = {account["id"]: account for account in first["accounts"]}
    assert set(described) == {ACCOUNT, "77"}
    for account in described.values():
        for name in ("ram_policies", "users", "groups", "roles", "saml_providers"):
            assert account[name] == identities[name], name
        assert account["oidc_providers"][0]["keys"][0]["private_key"]


def test_ids_follow_from_names() -> None:
    """A user or role without an id has one of 18 digits, the same in every run."""
    assert derived_id(ACCOUNT, "role", "app") == derived_id(ACCOUNT, "role", "app")
    assert len({derived_id(ACCOUNT, kind, name) for kind in ("user", "role") for name in ("a", "b")}) == 4
    assert all(len(derived_id(ACCOUNT, "user", str(number))) == 18 for number in range(100))


def test_identities_of_a_namespace_are_its_own(kms: KmsMock) -> None:
    """What stands at the top of a namespace's fixture belongs to its account."""
    with kms.namespace({"roles": [{"name": "app"}]}) as space:
        described = {account["id"]: account for account in kms.snapshot()["accounts"]}
        assert described[space.account]["roles"] == [{"name": "app"}]
        assert ACCOUNT not in described
