"""Namespaces: several tests on one server, none of which sees the others."""

from __future__ import annotations

import pytest

from kms_mock import FixtureError, KmsMock
from kms_mock.config import Config
from tests.support.calls import call
from tests.support.control import SECRET_FIXTURE
from tests.support.keys import create_key, describe
from tests.support.secrets import create, sdk, value


def test_two_namespaces_share_nothing(kms: KmsMock) -> None:
    """The same name is another secret in each, and neither lists the other's; the default account sees none."""
    first, second = kms.namespace(), kms.namespace()
    create(first.client(), value="one")
    create(second.client(), value="two")
    create(second.client(), "more")
    assert (value(first.client()), value(second.client())) == ("one", "two")
    totals = [sdk(client, "ListSecrets")["TotalCount"] for client in (first.client(), second.client(), kms.client())]
    assert totals == [1, 2, 0]


def test_a_namespace_is_an_account(kms: KmsMock) -> None:
    """ARNs in it carry its number of 16 digits; a key of one is not to be had from another, even by its ARN."""
    first, second = kms.namespace(), kms.namespace()
    key = create_key(first.client())
    assert key.arn == f"acs:kms:cn-hangzhou:{first.account}:key/{key.key_id}"
    assert len(first.account) == 16
    with pytest.raises(Exception, match=r"Forbidden\.NoPermission"):
        describe(second.client(), key.arn)


def test_a_namespace_has_its_own_fixtures(kms: KmsMock) -> None:
    """What stands at the top of a fixture belongs to the namespace."""
    with kms.namespace([SECRET_FIXTURE]) as namespace:
        assert value(namespace.client()) == "hunter2hunter2"
    assert sdk(kms.client(), "ListSecrets")["TotalCount"] == 0


def test_everything_goes_at_the_end(kms: KmsMock) -> None:
    """Afterwards the server is as it was, in every region, also what a fixture said of other accounts."""
    other = {"accounts": [{"id": "1000000000000009", "access_keys": [{"id": "bob"}]}]}
    before = kms.snapshot()
    for _ in range(2):
        with kms.namespace([SECRET_FIXTURE, other]) as namespace:
            create(namespace.client(), "more")
            call(namespace.client(), "CreateKey", RegionId="cn-beijing")
            namespace.fail(code="InternalFailure")
            assert kms.snapshot() != before
        assert kms.snapshot() == before
        assert list(kms.faults) == []


def test_a_wrong_fixture_leaves_nothing(kms: KmsMock) -> None:
    """A namespace that cannot be made is not there."""
    before = kms.snapshot()
    with pytest.raises(FixtureError, match="nonsense"):
        kms.namespace([SECRET_FIXTURE, {"nonsense": []}])
    assert kms.snapshot() == before


def test_its_calls_are_its_own(kms: KmsMock) -> None:
    """`calls` can all that the journal can, and knows only this namespace's."""
    first, second = kms.namespace(), kms.namespace()
    create(first.client())
    create(second.client())
    value(second.client())
    first.calls.assert_called("CreateSecret", SecretName="db", times=1)
    first.calls.assert_not_called("GetSecretValue")
    assert [one.action for one in second.calls] == ["CreateSecret", "GetSecretValue"]
    last = second.calls.last
    assert last is not None
    assert (len(second.calls), last.action, kms.namespace().calls.last) == (2, "GetSecretValue", None)
    second.calls.clear()
    assert (list(second.calls), len(first.calls)) == ([], 1)
    with pytest.raises(AssertionError, match="There was no call at all"):
        second.calls.assert_called("CreateSecret")


def test_calls_before_its_time_do_not_make_it_unsure() -> None:
    """On a server that has forgotten many calls, a new namespace still knows what it did not call; an old one not."""
    with KmsMock(config=Config(journal=2)) as server:
        old = server.namespace()
        for number in range(5):
            create(old.client(), f"s{number}")
        new = server.namespace()
        create(new.client())
        new.calls.assert_not_called("DeleteSecret")
        with pytest.raises(AssertionError, match="cannot tell"):
            old.calls.assert_not_called("DeleteSecret")


def test_forgotten_calls_are_not_evicted_ones() -> None:
    """What the server's journal forgot when it was cleared was not dropped for newer calls."""
    with KmsMock(config=Config(journal=5)) as server:
        namespace = server.namespace()
        for number in range(10):
            if number == 4:
                server.calls.clear()
            create(namespace.client(), f"s{number}")
        assert (server.calls.evicted, namespace.calls.evicted) == (1, 1)


def test_its_faults_strike_nobody_else(kms: KmsMock) -> None:
    """`fail` of a namespace is aimed at its AccessKey; the unused ones are known."""
    first, second = kms.namespace([SECRET_FIXTURE]), kms.namespace([SECRET_FIXTURE])
    first.fail("GetSecretValue", code="InternalFailure", times=1)
    never = first.fail("Encrypt", code="InternalFailure")
    assert value(second.client()) == "hunter2hunter2"
    with pytest.raises(Exception, match="InternalFailure"):
        value(first.client())
    assert (first.unused_faults, second.unused_faults) == ([never], [])


def test_its_leaks_are_its_own(kms: KmsMock) -> None:
    """A value of one namespace in the output of another test is chance, not a leak."""
    first, second = kms.namespace(), kms.namespace()
    create(first.client(), value="a secret value")
    second.assert_no_leaks("a secret value")
    with pytest.raises(AssertionError, match="SecretData of CreateSecret"):
        first.assert_no_leaks("a secret value")


def test_it_works_where_signatures_are_verified() -> None:
    """The pair that a namespace hands out is a real one: the server knows its secret."""
    strict = {"authentication": {"unknown_access_keys": "refuse", "signatures": "verify"}}
    with KmsMock([strict]) as kms, kms.namespace([SECRET_FIXTURE]) as namespace:
        assert value(namespace.client()) == "hunter2hunter2"
        with pytest.raises(Exception, match="InvalidAccessKeyId"):
            value(kms.client())


def test_a_namespace_does_not_change_the_whole_server(kms: KmsMock) -> None:
    """How callers are checked is the server's: a namespace's fixture that says something of it is refused whole."""
    before = kms.snapshot()
    with pytest.raises(FixtureError, match="authentication"):
        kms.namespace([{**SECRET_FIXTURE, "authentication": {"unknown_access_keys": "refuse"}}])
    assert kms.snapshot() == before


def test_a_checkpoint_of_a_namespace_restores_it_alone(kms: KmsMock) -> None:
    """Whatever others did meanwhile stays, in other namespaces and in the default account."""
    first, second = kms.namespace([SECRET_FIXTURE]), kms.namespace([SECRET_FIXTURE])
    with first.checkpoint() as before:
        create(first.client(), "new")
        sdk(first.client(), "DeleteSecret", secret_name="db", force_delete_without_recovery="true")
        call(first.client(), "CreateKey", RegionId="cn-beijing")
        create(second.client(), "kept")
        create(kms.client(), "kept")
        assert sorted(before.changes())[1:] == ["created secret new", "deleted secret db"]
    assert before.changes() == []
    assert value(first.client()) == "hunter2hunter2"
    assert sdk(first.client(), "ListSecrets")["TotalCount"] == 1
    assert call(first.client(), "ListKeys", RegionId="cn-beijing")["TotalCount"] == 0
    assert (value(second.client(), "kept"), value(kms.client(), "kept")) == ("one", "one")


def test_a_checkpoint_of_an_empty_namespace(kms: KmsMock) -> None:
    """It goes back to nothing, and can be restored again; the namespace itself stays."""
    namespace = kms.namespace()
    empty = namespace.checkpoint()
    for _ in range(2):
        create(namespace.client())
        empty.restore()
        assert sdk(namespace.client(), "ListSecrets")["TotalCount"] == 0


def test_a_reason_names_namespaces(kms: KmsMock) -> None:
    """A request with another AccessKey is told where it looked, and in which namespace there is such a secret."""
    with kms.namespace([SECRET_FIXTURE]) as namespace:
        with pytest.raises(Exception, match="ResourceNotFound"):
            value(kms.client())
        last = kms.calls.last
        assert last is not None
        assert last.reason.endswith(
            f"account 1234567890123456; there is one in cn-hangzhou of namespace {namespace.access_key_id}."
        )
        with pytest.raises(Exception, match="ResourceNotFound"):
            value(namespace.client(), "none")
        last = kms.calls.last
        assert last is not None
        assert last.reason == f"There is no secret none in cn-hangzhou of namespace {namespace.access_key_id}."
    assert kms.store.account_names == {}
