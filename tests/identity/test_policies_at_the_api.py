"""Policies at the API: a Deny holds on every operation, reasons are given, conditions see the mock's clock and tags."""

from __future__ import annotations

from typing import Any

import pytest
from Tea.exceptions import TeaException

from kms_mock import KmsMock
from kms_mock.kms import API, errors
from tests.support.calls import call
from tests.support.registry import KMS_REGISTRY
from tests.support.secrets import allow, ram_user, refuse, value

CONTAINERS = {name: found.container for name, found in KMS_REGISTRY.items() if found.container is not None}
FREE = {name for name, found in KMS_REGISTRY.items() if not found.needs_permission}
DENY_ALL = {"Effect": "Deny", "Action": "kms:*", "Resource": "acs:kms:*:*:*"}


def forbidden(kms: KmsMock, operation: str, **parameters: str) -> str:
    """Make a call as the limited user that must be answered Forbidden.NoPermission; give the reason in the journal."""
    with pytest.raises(TeaException) as caught:
        call(kms.client(access_key_id="limited"), operation, **parameters)
    assert caught.value.code == errors.NO_PERMISSION.code
    last = kms.calls.last
    assert last is not None
    return last.reason


@pytest.mark.parametrize("operation", sorted(KMS_REGISTRY.keys() - FREE))
def test_a_deny_on_every_kms_resource_holds_for_every_operation(kms: KmsMock, operation: str) -> None:
    """Allow kms:* on * with Deny kms:* on acs:kms:*:*:* refuses all, ListKeys and GetRandomPassword included."""
    kms.load(ram_user(allow("kms:*"), DENY_ALL))
    assert "denies kms:" in forbidden(kms, operation)


@pytest.mark.parametrize(("operation", "container"), sorted(CONTAINERS.items()))
def test_what_names_no_resource_needs_its_container(kms: KmsMock, operation: str, container: str) -> None:
    """A Deny on the container alone refuses it, and only it (KMS: Use RAM to control access to KMS resources)."""
    kms.load(ram_user(allow("kms:*"), {**DENY_ALL, "Resource": f"acs:kms:cn-hangzhou:*:{container}"}))
    assert f":{container}" in forbidden(kms, operation)
    other = "ListKeys" if container != "key" else "ListSecrets"
    if container != "*":
        assert call(kms.client(access_key_id="limited"), other)["RequestId"]


@pytest.mark.parametrize(("kind", "container"), [("key", "key"), ("secret", "secret"), ("instance", "keystore")])
def test_listing_the_tags_of_all_resources_needs_their_container(kms: KmsMock, kind: str, container: str) -> None:
    """ListTagResources without ResourceId names no resource; with one it needs that one."""
    kms.load(ram_user(allow("kms:*"), {**DENY_ALL, "Resource": f"acs:kms:*:*:{container}"}))
    assert f":{container}" in forbidden(kms, "ListTagResources", RegionId="cn-hangzhou", ResourceType=kind)


def test_describe_regions_needs_no_permission(kms: KmsMock) -> None:
    """It alone works even for a user whom everything is denied ("requires no access control", the same page)."""
    assert sorted(FREE) == ["DescribeRegions"]
    kms.load(ram_user(DENY_ALL))
    assert call(kms.client(access_key_id="limited"), "DescribeRegions")["Regions"]


def test_what_has_a_container_must_name_no_resource() -> None:
    """No operation that needs its permission on a container has a required parameter."""
    assert len(CONTAINERS) >= 12
    assert not any(KMS_REGISTRY[name].required for name in CONTAINERS)


def test_a_condition_sees_the_clock_of_the_mock(kms: KmsMock) -> None:
    """A permission that ends on a day ends when the mock's clock gets there."""
    statement = {**allow("kms:*"), "Condition": {"DateLessThan": {"acs:CurrentTime": "2090-01-01T00:00:00Z"}}}
    kms.load({**_secret(), **ram_user(statement)})
    kms.clock.set("2089-12-31T12:00:00Z")
    limited = kms.client(access_key_id="limited")
    assert value(limited) == "x"
    kms.clock.set("2090-01-01T00:00:00Z")
    refuse(kms, limited, errors.NO_PERMISSION_ON, "GetSecretValue", secret_name="db")


def test_a_condition_sees_the_tags_of_the_resource(kms: KmsMock) -> None:
    """acs:ResourceTag is the secret's own tag, whichever operation asks."""
    statement = {**allow("kms:*"), "Condition": {"StringEquals": {"acs:ResourceTag/team": "dev"}}}
    kms.load({**_secret(tags={"team": "dev"}), **ram_user(statement)})
    kms.load({"secrets": [{"name": "other", "value": "y", "tags": {"team": "ops"}}]})
    limited = kms.client(access_key_id="limited")
    assert value(limited) == "x"
    refuse(kms, limited, errors.NO_PERMISSION_ON, "GetSecretValue", secret_name="other")


def test_the_reason_names_the_statement(kms: KmsMock) -> None:
    """The journal says which statement of which policy refused a request."""
    kms.load({**_secret(), **ram_user(allow("kms:*"), {**DENY_ALL, "Sid": "shut", "Resource": "acs:kms:*:*:secret/*"})})
    reason = forbidden(kms, "GetSecretValue", SecretName="db")
    assert reason.startswith("Statement 2 (shut) of the RAM policy of acs:ram::")
    assert "denies kms:GetSecretValue on acs:kms:cn-hangzhou:" in reason


def test_what_ram_allows_does_not_look_at_every_resource(kms: KmsMock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether a resource has a policy of its own is asked where RAM allows nothing, not at each request."""
    asked: list[object] = []

    def has_policies(partition: object) -> bool:
        asked.append(partition)
        return False

    monkeypatch.setattr(API, "has_policies", has_policies)
    kms.load({**_secret(), **ram_user(allow("kms:GetSecretValue"))})
    assert value(kms.client(access_key_id="limited")) == "x"
    assert asked == []
    forbidden(kms, "ListSecrets")
    assert asked


def test_the_reason_names_the_resource_when_no_statement_is_about_the_action(kms: KmsMock) -> None:
    """What it would take is the action on the resource that the request names, not on every one."""
    kms.load(ram_user(allow("kms:GetSecretValue")))
    reason = forbidden(kms, "PutSecretValue", SecretName="db", VersionId="v2", SecretData="new")
    assert '"Action":"kms:PutSecretValue","Resource":"acs:kms:cn-hangzhou:' in reason
    assert ':secret/db"}' in reason


def test_the_reason_says_what_would_allow_it(kms: KmsMock) -> None:
    """Where no statement allows a request, the reason has the one that would."""
    kms.load({**_secret(), **ram_user(allow("kms:*", resource="acs:kms:*:*:secret/other"))})
    reason = forbidden(kms, "GetSecretValue", SecretName="db")
    assert "would, but for its resource" in reason
    assert '"Action":"kms:GetSecretValue","Resource":"acs:kms:cn-hangzhou:' in reason


def test_a_policy_that_cannot_be_evaluated_is_refused_at_load(kms: KmsMock) -> None:
    """An unknown operator in a fixture file fails the load and names its place, instead of denying in silence."""
    statement = {**allow("kms:*"), "Condition": {"StringEqual": {"acs:SourceIp": "x"}}}
    with pytest.raises(Exception, match=r"access_keys\[0\]\.policy\.Statement\[0\].*StringEqual.*StringEquals"):
        kms.load(ram_user(statement))


def _secret(**fields: Any) -> dict[str, Any]:
    return {"secrets": [{"name": "db", "value": "x", **fields}]}
