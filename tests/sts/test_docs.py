"""docs/sts.md: its examples run, and the lists in it are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from kms_mock import KmsMock
from kms_mock.identity.system_policies import SYSTEM_POLICIES
from tests.support.calls import call
from tests.support.identities import ACCOUNT, ROLE

PAGE = (Path(__file__).parents[2] / "docs/sts.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    """Return the only example in a language."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


def test_the_example_runs_and_its_token_is_taken() -> None:
    """The Python example; a request with what it made follows, within the block of its server."""
    check = """
    from tests.support.calls import call
    arn = "acs:ram::1234567890123456:"
    answer = call(
        kms.client(), "AssumeRoleWithOIDC", RoleArn=arn + "role/app", RoleSessionName="alice",
        OIDCProviderArn=arn + "oidc-provider/k8s", OIDCToken=token,
    )
    found = answer["OIDCTokenInfo"]["Subject"], uri
"""
    names: dict[str, tuple[str, str]] = {}
    exec(block("python") + check, names)  # noqa: S102 (the example of this project's own page)
    assert names["found"][0] == "system:serviceaccount:default:app"
    assert names["found"][1].endswith("/_kms_mock/credentials?role=app")


def test_the_fixture_of_the_page_loads_and_works() -> None:
    """User `ci` may assume role `app`, whose session reads the secret."""
    document = yaml.safe_load(block("yaml"))
    with KmsMock(document) as kms:
        kms.load({"secrets": [{"name": "db", "value": "x"}]})
        client = kms.client(access_key_id="LTAI-ci")
        found = call(client, "AssumeRole", RoleArn=ROLE, RoleSessionName="alice", DurationSeconds="7200")["Credentials"]
        session = kms.client(
            access_key_id=found["AccessKeyId"],
            access_key_secret=found["AccessKeySecret"],
            security_token=found["SecurityToken"],
            type="sts",
        )
        assert call(session, "GetSecretValue", SecretName="db")["SecretData"] == "x"
        assert call(session, "GetCallerIdentity")["AccountId"] == ACCOUNT


def test_the_page_names_every_system_policy() -> None:
    """The list in section 1 is complete, and in the order of the code."""
    (listed,) = re.findall(r"System policies: ([A-Za-z,\s]+)\.", PAGE)
    assert re.split(r",\s+", listed) == list(SYSTEM_POLICIES)
