"""The journal: what was asked for, what was answered, what that changed; secrets masked, assertions that help."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from sys import getsizeof

import pytest
from alibabacloud_kms20160120.client import Client

from kms_mock import KmsMock
from kms_mock.config import Config
from kms_mock.control.calls import MASK
from kms_mock.rpc.decode import HttpRequest
from kms_mock.store.times import iso
from tests.support import raw_http
from tests.support.calls import last_call
from tests.support.control import SECRET_FIXTURE
from tests.support.keys import create_key, disable, import_material, schedule
from tests.support.secrets import create, put, sdk, value

DATA = "correct horse battery"


@pytest.fixture
def small() -> Iterator[KmsMock]:
    """A mock that remembers three calls."""
    with KmsMock([SECRET_FIXTURE], config=Config(journal=3)) as running:
        yield running


# -- what is kept -----------------------------------------------------------------------------------------------------


def test_a_call_is_kept_whole(kms: KmsMock) -> None:
    """Action, parameters without the system ones, caller, time, status, duration, request id, and what it changed."""
    kms.clock.freeze()
    client = kms.client(access_key_id="LTAI-alice")
    answer = create(client, description="of the shop")
    call = last_call(kms)
    assert (call.number, call.action, call.access_key_id, call.status, call.code, call.reason) == (
        1,
        "CreateSecret",
        "LTAI-alice",
        200,
        "",
        "",
    )
    assert call.parameters == {
        "SecretName": "db",
        "VersionId": "v1",
        "SecretData": MASK,
        "Description": "of the shop",
    }
    assert (iso(call.at), call.request_id) == (iso(kms.clock.now()), answer["RequestId"])
    assert 0 < call.milliseconds < 1000
    assert call.changes == ["created secret db"]


def test_a_refused_call_is_kept_with_its_reason(kms: KmsMock) -> None:
    """Status, code and the plain reason of the header; it changed nothing."""
    answer = raw_http.ask(kms, raw_http.http(query=raw_http.request_parameters("GetSecretValue", SecretName="none")))
    call = last_call(kms)
    assert (call.status, call.code, call.changes) == (404, "Forbidden.ResourceNotFound", [])
    assert call.reason == answer.headers["x-kms-mock-reason"]


def test_what_is_no_operation_is_kept_too(kms: KmsMock) -> None:
    """A misspelled action, and a request without any; of both nothing is known, so every parameter is masked."""
    raw_http.ask(kms, raw_http.http(query=raw_http.request_parameters("GetSecretValu", SecretName="db", Format="JSON")))
    raw_http.ask(kms, raw_http.http(query="SecretName=db"))
    first, second = kms.calls
    assert (first.action, first.code, first.parameters) == (
        "GetSecretValu",
        "InvalidAction.NotFound",
        {"SecretName": MASK},
    )
    assert (second.action, second.code) == ("", "MissingParameter")


def test_the_newest_are_kept_and_evictions_are_counted(small: KmsMock) -> None:
    """The size is settable; what had to go is counted."""
    client = small.client()
    for number in range(5):
        create(client, f"s{number}")
    assert [call.parameters["SecretName"] for call in small.calls] == ["s2", "s3", "s4"]
    assert (len(small.calls), small.calls.size, small.calls.evicted, last_call(small).number) == (3, 3, 2, 5)


def test_clear_forgets_without_counting_as_eviction(small: KmsMock) -> None:
    """After `clear` the journal is empty, and can be sure of what was not called since; numbers go on."""
    client = small.client()
    for _ in range(5):
        value(client)
    small.calls.clear()
    assert (len(small.calls), small.calls.evicted, small.calls.last) == (0, 0, None)
    small.calls.assert_not_called("GetSecretValue")
    value(client)
    assert (last_call(small).number, small.calls.evicted) == (6, 0)


def test_a_journal_of_size_zero_keeps_nothing() -> None:
    """It counts, and refuses to say what was not called."""
    with KmsMock([SECRET_FIXTURE], config=Config(journal=0)) as silent:
        value(silent.client())
        assert (list(silent.calls), silent.calls.evicted) == ([], 1)
        with pytest.raises(AssertionError, match="cannot tell"):
            silent.calls.assert_not_called("DeleteSecret")


def test_the_journal_has_a_budget_of_bytes() -> None:
    """Calls of 200 KB in a journal of 1 MB: the oldest go, are counted, and refused calls count like others.

    1,000 calls of 1 MB took 3.9 GB when only their number was bounded.
    """
    with KmsMock(config=Config(journal_bytes=1_000_000)) as kms:
        for number in range(20):
            form = raw_http.request_parameters("PutSecretValue", SecretName=f"s{number}", SecretData="x" * 200_000)
            assert raw_http.ask(kms, raw_http.http("POST", form=form)).status >= 400
        kept = list(kms.calls)
        assert [call.parameters["SecretName"] for call in kept] == ["s16", "s17", "s18", "s19"]
        assert (kms.calls.evicted, last_call(kms).number) == (16, 20)
        assert sum(len(call.form) for call in kept) < kms.calls.used_bytes <= kms.calls.max_bytes == 1_000_000
        with pytest.raises(AssertionError, match="cannot tell whether DeleteSecret was called: 16 older calls"):
            kms.calls.assert_not_called("DeleteSecret")
        kms.calls.clear()
        assert kms.calls.used_bytes == 0


def test_the_budget_counts_bytes_of_memory(kms: KmsMock) -> None:
    """A Chinese character takes the 3 bytes of its UTF-8, escaped 9, as it came; as Python text it would take 4 or 36."""
    form = raw_http.request_parameters("PutSecretValue", SecretName="s", SecretData="汉" * 100_000)
    raw_http.ask(
        kms,
        raw_http.http(
            "POST",
            body="&".join(f"{k}={v}" for k, v in form.items()).encode("utf-8"),
            headers={"Content-Type": raw_http.FORM},
        ),
    )
    assert isinstance(last_call(kms).form, bytes)
    assert 300_000 < kms.calls.used_bytes < 310_000
    assert last_call(kms).unmasked_parameters["SecretData"] == "汉" * 100_000


@pytest.mark.parametrize("character", ["x", "汉", "\U0001f511"])
def test_the_budget_counts_a_query_as_it_is_kept(character: str) -> None:
    """In UTF-8: should a parser let characters through that are not escaped, each may take 4 bytes."""
    mock = KmsMock()
    target = f"/?Action=ListKeys&Version=2016-01-20&Unknown={character * 10_000}"
    assert asyncio.run(mock.gateway.answer(HttpRequest("GET", target, {}))).status == 200
    query = last_call(mock).query
    assert getsizeof(query) < mock.calls.used_bytes < getsizeof(query) + 1000


def test_what_only_the_journal_keeps_counts(kms: KmsMock, client: Client) -> None:
    """A short DeleteSecret keeps ten values of a secret that is gone alive, in its changes."""
    create(client, value="x" * 20_000)
    for number in range(2, 6):
        put(client, f"v{number}", "y" * 20_000)
    kms.calls.clear()
    sdk(client, "UpdateSecret", secret_name="db", description="new")
    assert kms.calls.used_bytes < 5_000, "the values are still the secret's"
    sdk(client, "DeleteSecret", secret_name="db", force_delete_without_recovery="true")
    assert kms.calls.used_bytes > 100_000


def test_a_call_larger_than_the_budget_is_not_kept() -> None:
    """It is evicted at once, with all before it; the journal goes on."""
    with KmsMock(config=Config(journal_bytes=20_000)) as kms:
        client = kms.client()
        sdk(client, "ListKeys")
        create(client, value="x" * 30_000)
        assert (list(kms.calls), kms.calls.used_bytes, kms.calls.evicted) == ([], 0, 2)
        sdk(client, "ListKeys")
        assert [call.number for call in kms.calls] == [3]


def test_reset_forgets_the_calls(kms: KmsMock, client: Client) -> None:
    """`reset` makes everything as it was at the start."""
    create(client)
    kms.reset()
    assert (list(kms.calls), kms.calls.evicted) == ([], 0)


# -- secrets ----------------------------------------------------------------------------------------------------------


def test_secret_values_are_masked_but_for_an_explicit_call(kms: KmsMock, client: Client) -> None:
    """Not in parameters, repr, str nor the document; in `unmasked_parameters` they are as they were sent."""
    create(client, value=DATA)
    sdk(client, "Encrypt", key_id=create_key(client).key_id, plaintext=DATA)
    for action, name in (("CreateSecret", "SecretData"), ("Encrypt", "Plaintext")):
        call = kms.calls.filter(action)[0]
        assert DATA not in f"{call!r} {call} {call.parameters} {call.document()}"
        assert (call.parameters[name], call.unmasked_parameters[name]) == (MASK, DATA)


def test_failed_assertions_show_no_secret(kms: KmsMock, client: Client) -> None:
    """Neither what was expected nor what came is printed in clear."""
    create(client, value=DATA)
    with pytest.raises(AssertionError) as caught:
        kms.calls.assert_called("CreateSecret", SecretData="another secret text")
    assert DATA not in str(caught.value)
    assert "another secret text" not in str(caught.value)
    kms.calls.assert_called("CreateSecret", SecretData=DATA)


# -- what changed, in words -------------------------------------------------------------------------------------------


def test_changes_of_secrets_in_words(kms: KmsMock, client: Client) -> None:
    """Versions, stages, deletion and restoration, each said as a sentence."""
    create(client)
    put(client, "v2", "two")
    assert last_call(kms).changes == [
        "secret db got version v2",
        "version v2 of secret db is ACSCurrent now",
        "version v1 of secret db is ACSPrevious now",
    ]
    sdk(client, "UpdateSecret", secret_name="db", description="new")
    assert last_call(kms).changes == ["changed description of secret db"]
    sdk(client, "DeleteSecret", secret_name="db")
    assert last_call(kms).changes == ["planned the deletion of secret db"]
    sdk(client, "RestoreSecret", secret_name="db")
    assert last_call(kms).changes == ["restored secret db"]
    sdk(client, "DeleteSecret", secret_name="db", force_delete_without_recovery="true")
    assert last_call(kms).changes == ["deleted secret db"]


def test_changes_of_keys_in_words(kms: KmsMock, client: Client) -> None:
    """States, aliases and versions."""
    key_id = create_key(client).key_id
    assert last_call(kms).changes == [f"created key {key_id}"]
    sdk(client, "CreateAlias", key_id=key_id, alias_name="alias/app")
    assert last_call(kms).changes == ["created alias alias/app"]
    disable(client, key_id)
    assert last_call(kms).changes == [f"disabled key {key_id}"]
    sdk(client, "EnableKey", key_id=key_id)
    assert last_call(kms).changes == [f"enabled key {key_id}"]
    schedule(client, key_id)
    assert last_call(kms).changes == [f"scheduled key {key_id} for deletion"]
    sdk(client, "CancelKeyDeletion", key_id=key_id)
    assert last_call(kms).changes == [f"cancelled the deletion of key {key_id}"]
    sdk(client, "TagResource", key_id=key_id, tags='[{"TagKey":"a","TagValue":"b"}]')
    assert last_call(kms).changes == [f"changed tags of key {key_id}"]
    sdk(client, "DeleteAlias", alias_name="alias/app")
    assert last_call(kms).changes == ["deleted alias alias/app"]


def test_changes_of_imported_keys_in_words(kms: KmsMock, client: Client) -> None:
    """Material comes and goes; a token is not spelled out; a cancelled deletion is one even without material."""
    key_id = create_key(client, origin="EXTERNAL").key_id
    schedule(client, key_id)
    sdk(client, "CancelKeyDeletion", key_id=key_id)
    assert last_call(kms).changes == [f"cancelled the deletion of key {key_id}"]
    import_material(client, key_id)
    assert kms.calls.filter("GetParametersForImport")[0].changes == [f"created import token for key {key_id}"]
    assert last_call(kms).changes == [f"imported material into key {key_id}"]
    sdk(client, "DeleteKeyMaterial", key_id=key_id)
    assert last_call(kms).changes == [f"removed the material of key {key_id}"]


def test_a_change_of_the_account_in_words(kms: KmsMock, client: Client) -> None:
    """OpenKmsService changes no resource but the account."""
    kms.load({"accounts": [{"id": "1234567890123456", "status": "NotEnabled"}]})
    client.open_kms_service()
    assert last_call(kms).changes == ["changed status of account 1234567890123456"]


@pytest.mark.parametrize("operation", ["GetSecretValue", "DescribeSecret", "ListSecrets", "ListKeys", "ListAliases"])
def test_reading_changes_nothing(small: KmsMock, operation: str) -> None:
    """A call that only reads has no changes."""
    fields = {"secret_name": "db"} if operation.endswith(("Value", "Secret")) else {}
    sdk(small.client(), operation, **fields)
    assert last_call(small).effects == ()
