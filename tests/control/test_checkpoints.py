"""Checkpoints: everything comes back as it was, they nest, and what changed is said in words."""

from __future__ import annotations

import pytest
from alibabacloud_kms20160120.client import Client

from kms_mock import KmsMock
from tests.support.calls import call
from tests.support.keys import create_key, decrypt, describe, disable, encrypt, import_material, schedule
from tests.support.secrets import create, put, sdk, value


def test_everything_comes_back(kms: KmsMock, client: Client) -> None:
    """Created, changed and deleted things are as they were, and what was encrypted before still opens."""
    key_id = create_key(client).key_id
    blob = encrypt(client, key_id, "kept")
    create(client)
    before = kms.snapshot()
    with kms.checkpoint():
        create(client, "other")
        put(client, "v2", "two")
        create_key(client)
        schedule(client, key_id)
        sdk(client, "DeleteSecret", secret_name="db", force_delete_without_recovery="true")
        assert kms.snapshot() != before
    assert kms.snapshot() == before
    assert (value(client), decrypt(client, blob), describe(client, key_id).key_state) == ("one", "kept", "Enabled")


def test_an_exception_goes_back_too(kms: KmsMock, client: Client) -> None:
    """The block may fail: the state comes back, and the exception goes on."""

    def work() -> None:
        with kms.checkpoint():
            create(client)
            raise RuntimeError("test")

    with pytest.raises(RuntimeError, match="test"):
        work()
    assert sdk(client, "ListSecrets")["TotalCount"] == 0


def test_checkpoints_nest(kms: KmsMock, client: Client) -> None:
    """The inner one goes back to its own beginning, the outer one to before both."""
    with kms.checkpoint():
        create(client, "outer")
        with kms.checkpoint():
            create(client, "inner")
        assert [one["SecretName"] for one in sdk(client, "ListSecrets")["SecretList"]["Secret"]] == ["outer"]
        create(client, "inner")
    assert sdk(client, "ListSecrets")["TotalCount"] == 0


def test_a_checkpoint_can_be_restored_again(kms: KmsMock, client: Client) -> None:
    """Without `with`: go back as often as needed, later changes never reach the remembered state."""
    create(client)
    point = kms.checkpoint()
    for _ in range(3):
        put(client, "v2", "two")
        put(client, "v3", "three")
        point.restore()
        assert value(client) == "one"
        assert point.changes() == []


def test_the_order_of_lists_comes_back(kms: KmsMock, client: Client) -> None:
    """Lists are in order of creation, also after something was deleted and came back."""
    for name in ("a", "b", "c"):
        create(client, name)
    with kms.checkpoint():
        sdk(client, "DeleteSecret", secret_name="a", force_delete_without_recovery="true")
    assert [one["SecretName"] for one in sdk(client, "ListSecrets")["SecretList"]["Secret"]] == ["a", "b", "c"]


def test_what_is_due_comes_back_too(kms: KmsMock, client: Client) -> None:
    """A deletion that happened inside happens again outside, at the same date; one planned inside does not."""
    doomed, saved = (create_key(client).key_id for _ in range(2))
    schedule(client, doomed, 7)
    kms.clock.freeze()
    with kms.checkpoint():
        schedule(client, saved, 7)
        now = kms.clock.now()
        assert [event.kind for event in kms.clock.advance("8d")] == ["key deleted", "key deleted"]
    kms.clock.set(now)
    events = kms.clock.advance("8d")
    assert [event.resource.rpartition("/")[2] for event in events] == [doomed]
    assert describe(client, saved).key_state == "Enabled"


def test_partitions_that_came_inside_are_gone(kms: KmsMock) -> None:
    """Also what was made in another region by its first request."""
    before = kms.snapshot()
    with kms.checkpoint():
        call(kms.client(), "CreateKey", RegionId="cn-beijing")
        kms.load({"accounts": [{"id": "1000000000000009", "regions": [{"id": "cn-x", "keys": [{"id": "k"}]}]}]})
    assert kms.snapshot() == before


def test_clock_and_journal_go_on(kms: KmsMock, client: Client) -> None:
    """A checkpoint is of the store: what was called stays known, and time does not jump back."""
    kms.clock.freeze()
    with kms.checkpoint():
        create(client)
        kms.clock.advance("1d")
        later = kms.clock.now()
    assert kms.clock.now() == later
    kms.calls.assert_called("CreateSecret", times=1)


def test_the_changes_in_words(kms: KmsMock, client: Client) -> None:
    """What was made, changed and deleted since, one line for each effect; what came and went again is not there."""
    key_id = create_key(client).key_id
    create(client, "db/password")
    create(client, "old")
    point = kms.checkpoint()
    made = create_key(client).key_id
    disable(client, key_id)
    put(client, "v2", "two", "db/password")
    create(client, "brief")
    for name in ("old", "brief"):
        sdk(client, "DeleteSecret", secret_name=name, force_delete_without_recovery="true")
    sdk(client, "CreateAlias", key_id=made, alias_name="alias/app")
    assert sorted(point.changes()) == sorted(
        [
            f"disabled key {key_id}",
            f"created key {made}",
            "created alias alias/app",
            "secret db/password got version v2",
            "version v2 of secret db/password is ACSCurrent now",
            "version v1 of secret db/password is ACSPrevious now",
            "deleted secret old",
        ]
    )


def test_nothing_changed(kms: KmsMock, client: Client) -> None:
    """Reading changes nothing; a change that was undone is none."""
    key_id = create_key(client).key_id
    create(client)
    point = kms.checkpoint()
    value(client)
    disable(client, key_id)
    sdk(client, "EnableKey", key_id=key_id)
    assert point.changes() == []


def test_changes_across_accounts_and_imports(kms: KmsMock, client: Client) -> None:
    """The status of an account and imported material are changes; a token is named by its key."""
    kms.load({"accounts": [{"id": "1234567890123456", "status": "NotEnabled"}]})
    point = kms.checkpoint()
    client.open_kms_service()
    key_id = create_key(client, origin="EXTERNAL").key_id
    import_material(client, key_id)
    assert point.changes() == [
        "changed status of account 1234567890123456",
        f"created key {key_id}",
        f"created import token for key {key_id}",
    ]


def test_reset_goes_back_to_the_fixtures() -> None:
    """All that was loaded or made later is gone; what the fixture says is there again."""
    with KmsMock([{"secrets": [{"name": "db", "value": "first"}]}]) as kms:
        client = kms.client()
        before = kms.snapshot()
        put(client, "v2", "second")
        kms.load({"secrets": [{"name": "more", "value": "x"}]})
        kms.clock.advance("5d")
        kms.reset()
        assert (kms.snapshot(), value(client), kms.clock.tick_rate) == (before, "first", 1.0)
