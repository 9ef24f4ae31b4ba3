"""A role for programs: what each way puts into the environment, and roles that a way does not lead to."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from kms_mock import KmsMock, mock_kms
from kms_mock.defaults import OIDC_SUBJECT, ROLE_WAYS
from kms_mock.reach.credentials import CREDENTIALS
from kms_mock.reach.roles import WAYS, RoleError, RoleOptions
from tests.support.calls import call
from tests.support.cli import run_command
from tests.support.identities import ACCOUNT, OIDC, ROLE, policy_document, trust
from tests.support.programs import FIXTURE, load

FREE: dict[str, Any] = {"roles": [{"name": "app"}]}
WITH_PROVIDER: dict[str, Any] = {**FREE, "oidc_providers": [{"name": "k8s"}]}


def role_environment(fixture: Mapping[str, Any], via: str) -> dict[str, str]:
    """Return what is in the environment that leads to credentials, but for the contents of files."""
    with mock_kms(fixture, role="app", via=via):
        return {name: os.environ[name] for name in CREDENTIALS if name in os.environ}


def problem(fixture: Mapping[str, Any], role: str = "app", **options: str) -> str:
    """Return why a role cannot be obtained."""
    with KmsMock(fixture) as kms, pytest.raises(RoleError) as caught:
        kms.intercept(role=role, **options)
    return str(caught.value)


def test_every_way_is_there() -> None:
    """The names that the command line offers are those that there are, in this order."""
    assert tuple(WAYS) == ROLE_WAYS


@pytest.mark.parametrize("via", ROLE_WAYS)
def test_nothing_leads_elsewhere(via: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What the environment had is gone meanwhile, and back afterwards; no profile in the user's home is read."""
    for name in CREDENTIALS:
        monkeypatch.setenv(name, "real")
    monkeypatch.setenv("HOME", str(tmp_path))
    before = dict(os.environ)
    found = role_environment(WITH_PROVIDER, via)
    assert "real" not in found.values()
    assert ("ALIBABA_CLOUD_ACCESS_KEY_ID" in found) == (via in {"sts", "keys"})
    assert ("ALIBABA_CLOUD_SECURITY_TOKEN" in found) == (via == "keys")
    assert (found.get("ALIBABA_CLOUD_CLI_PROFILE_DISABLED") == "true") == (via not in {"sts", "keys"})
    assert dict(os.environ) == before


def test_the_token_of_oidc_is_in_a_file() -> None:
    """As in Kubernetes; this user alone may read it, and it is gone at the end."""
    with mock_kms(WITH_PROVIDER, role="app", via="oidc"):
        file = Path(os.environ["ALIBABA_CLOUD_OIDC_TOKEN_FILE"])
        assert file.read_text().count(".") == 2
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert os.environ["ALIBABA_CLOUD_OIDC_PROVIDER_ARN"] == OIDC
        assert os.environ["ALIBABA_CLOUD_ROLE_ARN"] == ROLE
    assert not file.parent.exists()


def test_interceptions_with_files_end_in_any_order() -> None:
    """The outer one's file lives as long as the outer one; the environment is that of the one that is left."""
    with KmsMock(WITH_PROVIDER) as kms:
        outer, inner = kms.intercept(role="app", via="oidc").start(), kms.intercept(role="app", via="oidc")
        first = Path(os.environ["ALIBABA_CLOUD_OIDC_TOKEN_FILE"])
        with inner:
            second = Path(os.environ["ALIBABA_CLOUD_OIDC_TOKEN_FILE"])
            outer.stop()
            assert (first.exists(), second.exists()) == (False, True)
            assert os.environ["ALIBABA_CLOUD_OIDC_TOKEN_FILE"] == str(second)
        assert "ALIBABA_CLOUD_OIDC_TOKEN_FILE" not in os.environ


@pytest.mark.parametrize("via", ["ecs", "oidc"])
def test_the_secrets_client_has_the_role(via: str) -> None:
    """It reads variables of its own (`credentials_type`), of which it knows these two ways."""
    with mock_kms(FIXTURE, role="app", via=via) as kms:
        assert load("secrets_client").main() == "hunter2"
        last = kms.calls.last
        assert last is not None
        assert last.access_key_id.startswith("STS.")


def test_a_role_that_does_not_exist() -> None:
    """The near name is told, and those that there are."""
    text = problem({"roles": [{"name": "app"}, {"name": "reader"}]}, "reder")
    assert text == (
        f"there is no role 'reder' of account {ACCOUNT} in the fixture files; did you mean 'reader'? (there is app, reader)"
    )
    assert problem({}, "x").endswith("(there is none)")


def test_a_way_that_does_not_exist() -> None:
    """The near name is told, and those that there are."""
    text = problem(FREE, via="oicd")
    assert text == "a role is obtained via ecs, oidc, uri, sts, profile, keys, not 'oicd'; did you mean 'oidc'?"


def test_a_role_that_no_instance_may_have() -> None:
    """Via ecs the role must trust ECS; the reason of the decision is told."""
    text = problem({"roles": [{"name": "app", "trust": trust(RAM=["*"])}]}, via="ecs")
    assert text.startswith("role app cannot be obtained via ecs: ")
    assert "the trust policy of role app" in text


def test_a_role_without_a_provider_that_it_trusts() -> None:
    """Via oidc there must be a provider whose tokens can be made, and the role must trust it for the subject."""
    assert "no OIDC provider of the fixture files can make tokens" in problem(FREE, via="oidc")
    condition = {"StringEquals": {"oidc:sub": "system:serviceaccount:prod:app"}}
    provider = {"oidc_providers": [{"name": "other"}, {"name": "k8s"}]}
    fixture = {"roles": [{"name": "app", "trust": trust(condition, Federated=[OIDC])}], **provider}
    assert f"for the subject {OIDC_SUBJECT}: " in problem(fixture, via="oidc")
    with mock_kms(fixture, role="app", via="oidc", oidc_subject="system:serviceaccount:prod:app"):
        assert os.environ["ALIBABA_CLOUD_OIDC_PROVIDER_ARN"] == OIDC


def account(*keys: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"accounts": [{"id": ACCOUNT, "access_keys": [*keys], "roles": [{"name": "app"}], **more}]}


@pytest.mark.parametrize("via", ["sts", "profile"])
def test_nobody_who_may_assume_the_role(via: str) -> None:
    """The account itself may not, nor an inactive pair, nor a user without the right: each reason is told."""
    keys = (
        {"id": "root"},
        {"id": "old", "user": "ci", "active": False},
        {"id": "weak", "user": "weak"},
    )
    text = problem(account(*keys, users=[{"name": "weak", "policies": ["AliyunKMSReadOnlyAccess"]}]), via=via)
    assert text.startswith(
        f"role app cannot be obtained via {via}: no AccessKey pair of account {ACCOUNT} may assume it (root: "
    )
    assert "give it a `user`" in text
    assert "old: it is inactive" in text
    assert "weak: " in text
    refusing = {"authentication": {"unknown_access_keys": "refuse"}, **FREE}
    assert "the account has none in the fixture files" in problem(refusing, via=via)


def test_which_pair_assumes_the_role() -> None:
    """The first that may, or the one that is named; without any the dummy, which may as long as unknown pairs may."""
    keys = ({"id": "root"}, {"id": "one", "secret": "1", "user": "a"}, {"id": "two", "user": "b"})
    with KmsMock(account(*keys)) as kms:
        for wanted, expected in ((None, ("one", "1")), ("two", ("two", "mock"))):
            found = kms.credentials(role="app", via="sts", access_key_id=wanted).variables
            assert (found["ALIBABA_CLOUD_ACCESS_KEY_ID"], found["ALIBABA_CLOUD_ACCESS_KEY_SECRET"]) == expected
        named = kms.credentials(role="app", via="profile", access_key_id="two", access_key_secret="own")
        assert "access_key_id = two\naccess_key_secret = own\n" in named.files[0].text
        with pytest.raises(RoleError, match="root: it is the account's own"):
            kms.credentials(role="app", via="sts", access_key_id="root")
    assert role_environment(FREE, "sts")["ALIBABA_CLOUD_ACCESS_KEY_ID"] == "mock"
    assert "assumes the role only via sts and profile" in problem(FREE, via="ecs", access_key_id="x")


@pytest.mark.parametrize("via", ["sts", "profile"])
def test_a_pair_without_a_secret_assumes_no_role_where_signatures_are_verified(via: str) -> None:
    """It is told before the program runs; the dummy of an account without pairs is refused as any unknown one."""
    verified = {"authentication": {"signatures": "verify"}}
    with (
        KmsMock([verified, account({"id": "one", "user": "a"})]) as kms,
        pytest.raises(ValueError, match="AccessKey one has no secret in the fixture files"),
    ):
        kms.credentials(role="app", via=via)
    with KmsMock([verified, account()]) as kms:
        assert kms.credentials(role="app", via=via)


def test_a_trust_policy_decides_who_assumes() -> None:
    """A user whom the role does not trust is passed over."""
    trusting = {"name": "app", "trust": trust(RAM=[f"acs:ram::{ACCOUNT}:user/b"])}
    keys = ({"id": "one", "user": "a"}, {"id": "two", "user": "b"})
    with KmsMock(account(*keys, roles=[trusting])) as kms:
        found = kms.credentials(role="app", via="sts").variables
        assert found["ALIBABA_CLOUD_ACCESS_KEY_ID"] == "two"


def test_options_that_mean_nothing() -> None:
    """A way without a role, and a subject where there is no token, are refused."""
    with KmsMock(FREE) as kms:
        for options in ({"via": "oidc"}, {"oidc_subject": "x"}):
            with pytest.raises(RoleError, match="are about a role: name one"):
                kms.credentials(**options)
    assert "a token has a subject only via oidc" in problem(FREE, via="ecs", oidc_subject="x")


def test_secrets_are_not_in_representations() -> None:
    """What holds secrets does not show them in a traceback."""
    with KmsMock(WITH_PROVIDER) as kms:
        for via in ROLE_WAYS:
            found = kms.credentials(role="app", via=via)
            secrets = [value for name, value in found.variables.items() if "SECRET" in name or "TOKEN" in name]
            for secret in [*secrets, *(file.text for file in found.files)]:
                assert secret not in repr(found)
    assert "s3cret" not in repr(RoleOptions("app", "sts", OIDC_SUBJECT, "id", "s3cret"))


def test_a_session_of_keys_lasts_as_long_as_the_role_allows() -> None:
    """The session is the fixture's `max_session`, and the journal has no change that nobody asked for."""
    with KmsMock({"roles": [{"name": "app", "max_session": 7200}]}) as kms:
        found = kms.credentials(role="app", via="keys").variables
        (session,) = kms.snapshot()["accounts"][0]["sessions"]
        assert session["id"] == found["ALIBABA_CLOUD_ACCESS_KEY_ID"]
        call(kms.client(), "ListKeys")
        last = kms.calls.last
        assert last is not None
        assert last.changes == []


def test_run_tells_why_a_role_cannot_be_had(tmp_path: Path) -> None:
    """In a sentence, with exit status 1; nothing is run."""
    fixture = tmp_path / "fixture.json"
    fixture.write_text(json.dumps({"roles": [{"name": "app", "trust": policy_document()}]}))
    options = ("run", "--fixture", str(fixture), "--role")
    assert "did you mean 'app'?" in run_command(*options, "apq", "--", "echo", code=1)[1]
    assert "cannot be obtained via ecs" in run_command(*options, "app", "--", "echo", code=1)[1]
    assert "are about a role: name one" in run_command(*options[:-1], "--via", "sts", "--", "echo", code=1)[1]
    assert "'wrong' is not one of 'ecs', 'oidc'" in run_command(*options, "app", "--via", "wrong", "echo", code=2)[1]
