"""Credentials of sessions: signed requests verify, the token must come along, and they expire by the mock's clock."""

from __future__ import annotations

import re
from typing import Any

import pytest
from Tea.exceptions import TeaException

from kms_mock import KmsMock
from kms_mock.identity.sessions import KEPT_SECONDS, Session, SessionOrder, issue_session, sessions
from tests.support.calls import call
from tests.support.identities import ACCOUNT, ROLE, assume, with_session
from tests.support.in_process import InProcess

FIXTURE: dict[str, Any] = {
    "roles": [{"name": "app"}],
    "secrets": [{"name": "db", "value": "x"}],
    "accounts": [{"id": ACCOUNT, "access_keys": [{"id": "CI", "secret": "s", "user": "ci"}]}],
    "authentication": {"signatures": "verify", "unknown_access_keys": "refuse"},
}


def credentials(kms: KmsMock) -> dict[str, str]:
    """Assume role `app` with the official SDK's signature."""
    client = kms.client(access_key_id="CI", access_key_secret="s")
    found: dict[str, str] = call(client, "AssumeRole", RoleArn=ROLE, RoleSessionName="alice")["Credentials"]
    return found


def session_client(kms: KmsMock, found: dict[str, str], **changes: Any) -> Any:
    options = {
        "access_key_id": found["AccessKeyId"],
        "access_key_secret": found["AccessKeySecret"],
        "security_token": found["SecurityToken"],
        "type": "sts",
        **changes,
    }
    return kms.client(**options)


def code_of(client: Any) -> str:
    with pytest.raises(TeaException) as caught:
        call(client, "GetSecretValue", SecretName="db")
    code: str = caught.value.code
    return code


def test_requests_signed_with_a_session_verify(kms: KmsMock) -> None:
    """The official SDK signs with a session's secret and sends its token: the request is answered."""
    kms.load(FIXTURE)
    client = session_client(kms, credentials(kms))
    assert call(client, "GetSecretValue", SecretName="db")["SecretData"] == "x"


def test_a_session_signs_with_its_own_secret_alone(kms: KmsMock) -> None:
    """A wrong secret is SignatureDoesNotMatch, an id that was never issued InvalidAccessKeyId.NotFound."""
    kms.load(FIXTURE)
    found = credentials(kms)
    assert code_of(session_client(kms, found, access_key_secret="wrong")) == "SignatureDoesNotMatch"
    assert code_of(session_client(kms, found, access_key_id="STS.never")) == "InvalidAccessKeyId.NotFound"


def test_credentials_expire_by_the_clock_of_the_mock(kms: KmsMock) -> None:
    """At the second of Expiration they are refused; new ones work."""
    kms.clock.freeze()
    kms.load(FIXTURE)
    client = session_client(kms, credentials(kms))
    kms.clock.advance("3599s")
    assert call(client, "GetSecretValue", SecretName="db")["SecretData"] == "x"
    kms.clock.advance("1s")
    assert code_of(client) == "InvalidSecurityToken.Expired"
    assert call(session_client(kms, credentials(kms)), "GetSecretValue", SecretName="db")["SecretData"] == "x"


@pytest.fixture
def server() -> Any:
    made = InProcess({"roles": [{"name": "app"}]})
    yield made
    made.close()


def test_the_token_must_come_along(server: InProcess) -> None:
    """Also where no signature counts: missing, of another session, and of no session each have their code."""
    first, second = assume(server.call), assume(server.call)
    key = {"AccessKeyId": first["AccessKeyId"]}
    assert server.call("ListKeys", **key)[0] == "MissingSecurityToken"
    other = server.call("ListKeys", **key, SecurityToken=second["SecurityToken"])
    assert other[0] == "InvalidSecurityToken.MismatchWithAccessKey"
    assert other[1]["Message"] == "Specified SecurityToken mismatch with the AccessKey."
    assert server.call("ListKeys", **key, SecurityToken="x")[0] == "InvalidSecurityToken.Malformed"
    assert server.call("ListKeys", **with_session(first))[0] == ""


def test_the_forms_are_those_of_the_samples(server: InProcess) -> None:
    """Ids are STS. and 25 letters and digits, secrets have 44, tokens begin with CAIS."""
    found = assume(server.call)
    assert re.fullmatch(r"STS\.[A-Za-z0-9]{25}", found["AccessKeyId"])
    assert re.fullmatch(r"[A-Za-z0-9]{44}", found["AccessKeySecret"])
    assert re.fullmatch(r"CAIS[A-Za-z0-9+/]{324}", found["SecurityToken"])


def test_an_expired_session_is_remembered_for_a_day(server: InProcess) -> None:
    """For a day its refusal says why; after that it is removed when another one is issued."""
    first = assume(server.call)
    server.now += 3600 + KEPT_SECONDS - 1
    assume(server.call)
    assert server.call("ListKeys", **with_session(first))[0] == "InvalidSecurityToken.Expired"
    server.now += 1
    second = assume(server.call)
    table = server.store.server[sessions]
    assert first["AccessKeyId"] not in table
    assert second["AccessKeyId"] in table


def test_there_are_never_too_many_sessions(server: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the limit the oldest session makes room."""
    monkeypatch.setattr("kms_mock.identity.sessions.MOST_SESSIONS", 3)
    made = [issue_session(server.store, SessionOrder("1", "app", "a", 900), server.now) for _ in range(5)]
    assert list(server.store.server[sessions].values()) == made[-3:]


def test_no_secret_is_in_the_words_for_a_session(server: InProcess) -> None:
    """Neither its representation nor the change that the journal tells has the secret or the token."""
    found = assume(server.call)
    session = server.store.server[sessions].find(found["AccessKeyId"])
    told = repr(session) + sessions.label(session)
    assert found["AccessKeySecret"] not in told
    assert found["SecurityToken"] not in told


def test_a_snapshot_keeps_sessions(kms: KmsMock) -> None:
    """What another server loads from a snapshot answers the same credentials."""
    kms.load(FIXTURE)
    found = credentials(kms)
    with KmsMock(kms.snapshot()) as other:
        assert other.snapshot() == kms.snapshot()
        assert call(session_client(other, found), "GetSecretValue", SecretName="db")["SecretData"] == "x"


def test_sessions_go_with_their_account(kms: KmsMock) -> None:
    """The end of a namespace removes the sessions of its account."""
    with kms.namespace({"roles": [{"name": "app"}]}) as space:
        client, arn = space.client(), f"acs:ram::{space.account}:role/app"
        session = _session(call, client, arn)
        assert session["AccessKeyId"] in kms.store.server[sessions]
    assert session["AccessKeyId"] not in kms.store.server[sessions]


def _session(ask: Any, client: Any, arn: str) -> dict[str, str]:
    found: dict[str, str] = ask(client, "AssumeRole", RoleArn=arn, RoleSessionName="alice")["Credentials"]
    return found


def test_sessions_are_equal_by_value() -> None:
    """Records are values: two of the same fields are one (a snapshot's round trip rests on it)."""
    one = Session("STS.a", "s", "t", "1", "app", "a", 1.0, 2.0)
    assert one == Session("STS.a", "s", "t", "1", "app", "a", 1.0, 2.0)


def test_a_fault_finds_the_key_of_a_session_by_any_name(kms: KmsMock) -> None:
    """A fault that names a key strikes a session's request by its alias, in the account of the session."""
    region = {"id": "cn-hangzhou", "keys": [{"id": "k", "aliases": ["alias/a"]}]}
    access_key = {"id": "CI77", "secret": "s", "user": "ci"}
    roles = [{"name": "app"}]
    kms.load({"accounts": [{"id": "77", "roles": roles, "access_keys": [access_key], "regions": [region]}]})
    client = kms.client(access_key_id="CI77", access_key_secret="s")
    found = call(client, "AssumeRole", RoleArn="acs:ram::77:role/app", RoleSessionName="alice")["Credentials"]
    kms.fail("DescribeKey", resource="k", code="Throttling")
    with pytest.raises(TeaException, match="Throttling"):
        call(session_client(kms, found), "DescribeKey", KeyId="alias/a")
