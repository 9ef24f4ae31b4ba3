"""The least policy: what was used is allowed by it, and by nothing less."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from kms_mock import KmsMock
from kms_mock.config import Config
from kms_mock.control import uses
from kms_mock.control.minimal_policy import access_points
from kms_mock.rpc.decode import HttpRequest
from tests.support.access import CERTIFICATE
from tests.support.calls import call
from tests.support.control import control_request, exchange
from tests.support.identities import ROLE, policy_document
from tests.support.learning import (
    KEY_IDS,
    LEARNING_WORLD,
    NO_PERMISSION,
    USERS,
    Document,
    Run,
    Step,
    arn,
    kms_arn,
    pairs,
    taking,
)

STEPS: list[Step] = [
    *(
        taking("GetSecretValue", SecretName=name)
        for name in ("db", "app/db", "sealed", "missing", kms_arn("secret/db"))
    ),
    *(taking("DescribeSecret", SecretName=name) for name in ("db", "new", "missing")),
    taking("PutSecretValue", SecretName="db", SecretData="new", VersionId="v7"),
    taking("CreateSecret", SecretName="new", SecretData="x", VersionId="v1"),
    taking("DeleteSecret", SecretName="new", ForceDeleteWithoutRecovery="true"),
    taking("ListSecrets"),
    taking("ListKeys"),
    taking("CreateKey"),
    taking("BatchGetSecretValue", SecretsList='[{"SecretName":"db"},{"SecretName":"app/db"}]'),
    taking("ListAliases"),
    taking("DescribeKey", KeyId="missing"),
    taking("CreateAlias", KeyId=KEY_IDS[1], AliasName="alias/new"),
    taking("UpdateAlias", KeyId=KEY_IDS[1], AliasName="alias/app"),
    taking("DeleteAlias", AliasName="alias/new"),
    taking("DisableKey", KeyId=KEY_IDS[1]),
    taking("GetKeyPolicy", KeyId=KEY_IDS[0], PolicyName="default"),
    taking("Encrypt", KeyId="alias/app", Plaintext="eA=="),
    ("Encrypt", lambda run: {"KeyId": run.key, "Plaintext": "eA=="}),
    ("Decrypt", lambda run: {"CiphertextBlob": run.ciphertext}),
    ("ReEncrypt", lambda run: {"CiphertextBlob": run.ciphertext, "DestinationKeyId": KEY_IDS[1]}),
    ("TagResource", lambda run: {"KeyId": run.key, "Tags": '[{"TagKey":"a","TagValue":"b"}]'}),
    taking("AssumeRole", RoleArn=ROLE, RoleSessionName="alice"),
    taking("GetCallerIdentity"),
    taking("DescribeAccountKmsStatus"),
]
taken = st.lists(st.tuples(st.sampled_from([*USERS, "session"]), st.sampled_from(STEPS)), min_size=1, max_size=6)


def replay(
    steps: list[tuple[str, Step]], policies: dict[str, Document] | None, world: Document = LEARNING_WORLD
) -> list[str]:
    run = Run(policies, world)
    return [run.take(who, each) for who, each in steps]


def less(policies: dict[str, Document]) -> Iterator[dict[str, Document]]:
    """Return the policies without each statement, without each action, and without each resource."""
    for identity, document in policies.items():
        for index, statement in enumerate(document["Statement"]):
            shorter = copy.deepcopy(policies)
            del shorter[identity]["Statement"][index]
            yield shorter
            for element in ("Action", "Resource"):
                for place in range(len(statement[element]) if len(statement[element]) > 1 else 0):
                    shorter = copy.deepcopy(policies)
                    del shorter[identity]["Statement"][index][element][place]
                    yield shorter


def runnable(steps: list[tuple[str, Step]]) -> list[tuple[str, Step]]:
    """Return the steps without those of a session before there is one."""
    assumes = [number for number, (who, each) in enumerate(steps) if each[0] == "AssumeRole" and who != "session"]
    begun = min(assumes, default=len(steps))
    return [each for number, each in enumerate(steps) if each[0] != "session" or number > begun]


@given(taken)
def test_the_least_policies_allow_what_was_used_and_nothing_less_does(steps: list[tuple[str, Step]]) -> None:
    """Loaded as the only policies, the same steps get the same answers; without any part of them one is refused."""
    steps = runnable(steps)
    run = Run()
    codes = [run.take(who, each) for who, each in steps]
    policies = run.kms.minimal_policies()
    assert replay(steps, policies) == codes
    for shorter in less(policies):
        changed = [now for now, before in zip(replay(steps, shorter), codes, strict=True) if now != before]
        assert changed
        assert changed[0] in NO_PERMISSION


def used(*steps: Step, who: str = "robot", world: Document = LEARNING_WORLD) -> KmsMock:
    run = Run(None, world)
    for each in steps:
        run.take(who, each)
    return run.kms


def test_actions_with_the_same_resources_share_a_statement() -> None:
    """What the policy looks like: sorted, and nothing twice."""
    kms = used(
        taking("GetSecretValue", SecretName="db"),
        taking("DescribeSecret", SecretName="db"),
        taking("ListSecrets"),
        STEPS[0],
    )
    assert kms.minimal_policy("user/robot") == policy_document(
        {
            "Effect": "Allow",
            "Action": ["kms:DescribeSecret", "kms:GetSecretValue"],
            "Resource": [kms_arn("secret/db")],
        },
        {"Effect": "Allow", "Action": ["kms:ListSecrets"], "Resource": [kms_arn("secret")]},
    )


def test_a_name_that_the_server_chose_is_a_pattern() -> None:
    """The id of a key that was created meanwhile is another one next time; a secret's name is the program's."""
    kms = used(
        taking("CreateKey"),
        ("DescribeKey", lambda run: {"KeyId": run.key}),
        taking("CreateSecret", SecretName="new", SecretData="x", VersionId="v1"),
    )
    assert pairs(kms.minimal_policy()) == {
        ("kms:CreateKey", kms_arn("key")),
        ("kms:DescribeKey", kms_arn("key/*")),
        ("kms:CreateSecret", kms_arn("secret/new")),
    }


def test_what_a_pattern_covers_is_left_out() -> None:
    """A key of the fixture file beside one that was created: the pattern is enough; by itself it stays as it is."""
    encrypt = taking("Encrypt", KeyId=KEY_IDS[1], Plaintext="eA==")
    of_new_key = ("Encrypt", lambda run: {"KeyId": run.key, "Plaintext": "eA=="})
    for steps, resources in (
        ([encrypt], {kms_arn(f"key/{KEY_IDS[1]}")}),
        ([taking("CreateKey"), encrypt], {kms_arn(f"key/{KEY_IDS[1]}")}),
        ([taking("CreateKey"), encrypt, of_new_key], {kms_arn("key/*")}),
    ):
        found = pairs(used(*steps).minimal_policy())
        assert {resource for action, resource in found if action == "kms:Encrypt"} == resources


def test_what_ram_refused_counts_only_when_asked_for() -> None:
    """Without a permission the call would be refused again; with `include_refused` the policy permits it."""
    run = Run({})
    assert run.take("robot", STEPS[0]) == "Forbidden.NoPermission"
    assert run.take("robot", taking("ListKeys")) == "Forbidden.NoPermission"
    assert run.kms.minimal_policies() == {}
    assert run.kms.minimal_policy() == policy_document()
    found = run.kms.minimal_policies(include_refused=True)
    assert pairs(found[arn("user/robot")]) == {
        ("kms:GetSecretValue", kms_arn("secret/db")),
        ("kms:ListKeys", kms_arn("key")),
    }
    assert replay([("robot", STEPS[0]), ("robot", taking("ListKeys"))], found) == ["", ""]


def test_what_failed_for_another_reason_counts() -> None:
    """A program that asks whether a secret exists must be told so again, not that it may not ask."""
    kms = used(taking("DescribeSecret", SecretName="missing"), taking("DescribeKey", KeyId="a*"), taking("DescribeKey"))
    assert pairs(kms.minimal_policy()) == {("kms:DescribeSecret", kms_arn("secret/missing"))}


def test_what_ram_refused_of_two_actions_is_learnt_whole() -> None:
    """ReEncrypt needs two actions: `include_refused` reports both, though the first refusal ends the call."""
    ask = ("robot", ("ReEncrypt", lambda run: {"CiphertextBlob": run.ciphertext, "DestinationKeyId": KEY_IDS[1]}))
    run = Run({})
    assert run.take(*ask) == "Forbidden.NoPermission"
    found = run.kms.minimal_policies(include_refused=True)
    assert {action for action, _ in pairs(found[arn("user/robot")])} == {"kms:ReEncryptFrom", "kms:ReEncryptTo"}


@pytest.mark.parametrize(("effect", "code"), [("Allow", ""), ("Deny", "Forbidden.NoPermission")])
def test_what_the_policy_of_a_key_decides_needs_no_ram(effect: str, code: str) -> None:
    """Within the account the key's own policy is enough (KMS, "Key policy overview"), and its Deny is the last word."""
    statement = {"Effect": effect, "Principal": {"RAM": [arn("user/robot")]}, "Action": ["kms:*"], "Resource": ["*"]}
    world = {"keys": [{"id": KEY_IDS[0], "policy": policy_document(statement)}]}
    ask = ("robot", taking("DescribeKey", KeyId=KEY_IDS[0]))
    run = Run(None, world)
    assert run.take(*ask) == code
    for include_refused in (False, True):
        assert run.kms.minimal_policies(include_refused=include_refused) == {}
    assert replay([ask], {}, world) == [code]


def test_a_session_counts_for_its_role() -> None:
    """Whatever its name and its own policy, and however many there were."""
    run = Run()
    for name in ("alice", "bob"):
        assert run.take("robot", taking("AssumeRole", RoleArn=ROLE, RoleSessionName=name)) == ""
        assert run.take("session", STEPS[0]) == ""
    assert {identity: pairs(document) for identity, document in run.kms.minimal_policies().items()} == {
        arn("user/robot"): {("sts:AssumeRole", ROLE)},
        ROLE: {("kms:GetSecretValue", kms_arn("secret/db"))},
    }
    assert pairs(run.kms.minimal_policy(ROLE)) == pairs(run.kms.minimal_policy("role/app"))


def test_one_of_several_identities_is_named() -> None:
    """An ARN or its end; who used nothing is an error that says who did."""
    run = Run()
    run.take("robot", STEPS[0])
    assert run.kms.minimal_policy() == run.kms.minimal_policy("user/robot")
    run.take("admin", STEPS[0])
    with pytest.raises(ValueError, match=r"several identities used something, name one: .*user/admin, .*user/robot"):
        run.kms.minimal_policy()
    with pytest.raises(ValueError, match=r"user/bot used nothing, only .*user/admin, .*user/robot"):
        run.kms.minimal_policy("user/bot")
    with pytest.raises(ValueError, match="nobody used anything"):
        KmsMock().minimal_policy("root")


def test_client_keys_are_held_to_their_access_point() -> None:
    """RAM has no part in what an application does, so that no policy of RAM is learnt from it."""
    point = {
        "name": "app",
        "policies": ["reader"],
        "client_keys": [{"id": "KAAP.one", "certificate": CERTIFICATE, "not_before": "-1d", "not_after": "+365d"}],
    }
    permission = ["RbacPermission/Template/SecretUser"]
    world = {
        **LEARNING_WORLD,
        "access_policies": [{"name": "reader", "permissions": permission, "resources": ["secret/*"]}],
        "access_points": [point],
    }
    kms = used(STEPS[0], who="KAAP.one", world=world)
    assert kms.calls.last is not None
    assert kms.calls.last.code == ""
    assert kms.minimal_policies(include_refused=True) == {}
    assert access_points(kms.calls.uses.since(0)) == [kms_arn("applicationaccesspoint/app")]


def test_a_resource_of_another_account_is_named_with_its_own() -> None:
    """Across accounts the caller needs RAM's permission besides that of the key's policy."""
    statement = {"Effect": "Allow", "Principal": {"RAM": [arn("user/robot")]}, "Action": ["kms:*"], "Resource": ["*"]}
    shared = {"id": KEY_IDS[0], "policy": policy_document(statement)}
    world = {
        "accounts": [{"id": "222", "regions": [{"id": "cn-hangzhou", "keys": [shared]}]}],
        "keys": LEARNING_WORLD["keys"][1:],
    }
    foreign = f"acs:kms:cn-hangzhou:222:key/{KEY_IDS[0]}"
    ask = ("robot", taking("DescribeKey", KeyId=foreign))
    run = Run(None, world)
    assert run.take(*ask) == ""
    found = run.kms.minimal_policies()
    assert pairs(found[arn("user/robot")]) == {("kms:DescribeKey", foreign)}
    assert replay([ask], found, world) == [""]
    assert replay([ask], {}, world) == ["Forbidden.NoPermission"]


def test_what_was_used_is_kept_beyond_the_journal_and_over_checkpoints() -> None:
    """Since the start: neither evicted calls nor a state that comes back make anybody need less."""
    kms = KmsMock(LEARNING_WORLD, config=Config(journal=0))
    asked = HttpRequest("GET", "/?Action=GetSecretValue&SecretName=db&Version=2016-01-20", CIMultiDict())
    with kms.checkpoint():
        asyncio.run(kms.gateway.answer(asked))
    assert pairs(kms.minimal_policy("root")) == {("kms:GetSecretValue", kms_arn("secret/db"))}
    kms.reset()
    assert kms.minimal_policies() == {}


def test_to_forget_the_calls_is_to_begin_anew() -> None:
    """`calls.clear()` is how a test learns of a part of itself, and how tests that share a server are told apart.

    What was created before has a name of the server's all the same.
    """
    run = Run()
    run.take("admin", taking("CreateKey"))
    run.kms.calls.clear()
    run.take("robot", ("DescribeKey", lambda run: {"KeyId": run.key}))
    assert pairs(run.kms.minimal_policy()) == {("kms:DescribeKey", kms_arn("key/*"))}


def test_a_namespace_learns_of_itself() -> None:
    """Only of its own account, since its own `calls.clear()`; when it goes, what it used is forgotten."""
    with KmsMock(LEARNING_WORLD) as kms, kms.namespace(LEARNING_WORLD) as namespace:
        call(kms.client(), "GetSecretValue", SecretName="db")
        call(namespace.client(), "ListKeys")
        namespace.calls.clear()
        assert namespace.minimal_policies() == {}
        call(namespace.client(), "GetSecretValue", SecretName="db")
        own = f"acs:kms:cn-hangzhou:{namespace.account}:secret/db"
        assert pairs(namespace.minimal_policy()) == {("kms:GetSecretValue", own)}
        assert len(kms.minimal_policies()) == 2
        namespace.remove()
        assert list(kms.minimal_policies()) == [arn("root")]


def test_uses_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """One too many is not left out in silence; what was seen before still counts, and to forget makes room."""
    monkeypatch.setattr(uses, "MOST_USES", 2)
    run = Run()
    for number in (0, 1, 0):
        run.take("robot", STEPS[number])
    assert len(pairs(run.kms.minimal_policy())) == 2
    run.take("robot", taking("ListKeys"))
    with pytest.raises(ValueError, match="more than 2 different uses"):
        run.kms.minimal_policy()
    run.kms.calls.clear()
    for _ in range(3):
        run.take("robot", taking("CreateKey"))
    run.take("robot", ("DescribeKey", lambda run: {"KeyId": run.key}))
    assert ("kms:DescribeKey", kms_arn("key/*")) in pairs(
        run.kms.minimal_policies(include_refused=True)[arn("user/robot")]
    )


def test_the_control_api_returns_the_policies() -> None:
    """All, or those of one identity; a wrong option or identity is an error."""
    with KmsMock(LEARNING_WORLD) as kms:
        call(kms.client(), "GetSecretValue", SecretName="db")
        found = control_request(kms, "GET", "policies")
        assert found == {"policies": kms.minimal_policies(), "access_points": []}
        assert control_request(kms, "GET", "policies?identity=root") == found
        for query, problem in (
            ("identity=user/x", f"user/x used nothing, only {arn('root')}"),
            ("identiti=root", "policies have no option 'identiti'; did you mean 'identity'?"),
        ):
            status, _, answer = exchange(kms, "GET", f"policies?{query}")
            assert (status, answer) == (400, {"error": problem})
