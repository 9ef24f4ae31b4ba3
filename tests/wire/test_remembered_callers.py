"""Who calls, and whether his account is open, is remembered from one request to the next: until a record says otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kms_mock import fixtures
from kms_mock.defaults import DEFAULT_ACCOUNT, DEFAULT_REGION
from kms_mock.identity.accounts import account_ids, remove_account
from kms_mock.identity.sessions import PREFIX
from kms_mock.rpc import authentication
from kms_mock.store.partition import Partition
from kms_mock.store.resource import Resource
from tests.support.in_process import InProcess

OTHER = "222"
USER = {"id": "AK-user", "user": "reader"}
DENIED = {"Version": "1", "Statement": [{"Effect": "Deny", "Action": "kms:*", "Resource": "*"}]}


@pytest.fixture
def server() -> Iterator[InProcess]:
    found = InProcess({})
    yield found
    found.close()


def account_of(server: InProcess, access_key_id: str) -> str:
    """Return the account that a request with an AccessKey id is for: the one in the ARN of what it makes."""
    code, body = server.call("CreateKey", AccessKeyId=access_key_id)
    return code or body["KeyMetadata"]["Arn"].split(":")[3]


def code_of(server: InProcess, access_key_id: str) -> str:
    return server.call("ListKeys", AccessKeyId=access_key_id)[0]


def load_account(server: InProcess, **account: Any) -> None:
    fixtures.load(server.store, {"accounts": [{"id": OTHER, **account}]})


@pytest.mark.parametrize("access_key_id", ["AK", f"{PREFIX}AK"])
def test_a_fixture_gives_an_id_that_was_seen_to_an_account(server: InProcess, access_key_id: str) -> None:
    """An id that nobody had was the default account's; from the fixture on it is that account's, and without it again not."""
    before = server.store.state()
    assert account_of(server, access_key_id) == account_of(server, access_key_id) == DEFAULT_ACCOUNT
    load_account(server, access_keys=[{"id": access_key_id}])
    assert account_of(server, access_key_id) == account_of(server, access_key_id) == OTHER
    remove_account(server.store, OTHER)
    assert account_of(server, access_key_id) == DEFAULT_ACCOUNT
    load_account(server, access_keys=[{"id": access_key_id}])
    assert account_of(server, access_key_id) == OTHER
    server.store.restore(before)
    assert account_of(server, access_key_id) == DEFAULT_ACCOUNT


def test_a_fixture_that_is_refused_leaves_the_caller(server: InProcess) -> None:
    """What is taken back is forgotten as well."""

    def load_and_fail() -> None:
        with server.store.all_or_nothing():
            load_account(server, access_keys=[{"id": "AK"}])
            assert account_of(server, "AK") == OTHER
            raise RuntimeError

    with pytest.raises(RuntimeError):
        load_and_fail()
    assert account_of(server, "AK") == DEFAULT_ACCOUNT
    assert OTHER not in account_ids(server.store)


@pytest.mark.parametrize("change", ["policy", "group"])
def test_the_policies_of_a_user_count_from_the_next_request(server: InProcess, change: str) -> None:
    """A caller is remembered with his policies, which belong to the user and to his groups."""
    load_account(server, access_keys=[USER], users=[{"name": "reader"}])
    assert code_of(server, "AK-user") == code_of(server, "AK-user") == ""
    before = server.store.state()
    if change == "policy":
        remove_account(server.store, OTHER)
        load_account(server, access_keys=[USER], users=[{"name": "reader", "policies": [DENIED]}])
    else:
        load_account(server, groups=[{"name": "all", "users": ["reader"], "policies": [DENIED]}])
    assert code_of(server, "AK-user") == "Forbidden.NoPermission"
    server.store.restore(before)
    assert code_of(server, "AK-user") == ""


@pytest.mark.parametrize("accounts", [None, [OTHER]])
def test_a_service_that_closes_refuses_the_next_request(server: InProcess, accounts: list[str] | None) -> None:
    """An account that was open is asked for again when its record changes, also by going back to a former state."""
    load_account(server, access_keys=[{"id": "AK"}])
    opened = server.store.state()
    assert code_of(server, "AK") == code_of(server, "AK") == ""
    load_account(server, status="InDebt")
    closed = server.store.state()
    refused = code_of(server, "AK")
    assert refused == code_of(server, "AK") != ""
    server.store.restore(opened, accounts)
    assert code_of(server, "AK") == ""
    server.store.restore(closed, accounts)
    assert code_of(server, "AK") == refused


@pytest.mark.parametrize(
    ("access_key_ids", "kept"),
    [
        (lambda number: f"AK-{number}", authentication.MOST_CALLERS),
        (lambda number: f"{number}" * 200, 0),
    ],
)
def test_remembered_callers_are_bounded(
    server: InProcess, monkeypatch: pytest.MonkeyPatch, access_key_ids: Callable[[int], str], kept: int
) -> None:
    """Clients choose their ids: neither many nor long ones stay."""
    monkeypatch.setattr(authentication, "MOST_CALLERS", 20)
    callers = server.gateway._authenticator._callers  # noqa: SLF001 (what grows is nowhere else to be seen)
    for number in range(50):
        assert code_of(server, access_key_ids(number)) == ""
        assert len(callers) <= min(kept, 20)
    assert bool(callers) == bool(kept)


def test_a_partition_is_itself() -> None:
    """It is a dict of tables, and yet no two are equal, and an empty one is not false: the store would make another."""
    store = InProcess().store
    first, second = Partition(store, ("1", DEFAULT_REGION)), Partition(store, ("1", DEFAULT_REGION))
    assert first != second
    assert first == first  # noqa: PLR0124 (that is the question)
    assert first
    assert first.empty
    assert len({first, second}) == 2
    notes = Resource(str, "note")
    assert first[notes] is first[notes]
    assert first.empty
