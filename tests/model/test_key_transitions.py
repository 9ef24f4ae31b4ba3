"""The table of key states: total, and obeyed by the records; and what happens to keys when time passes."""

from __future__ import annotations

import math
from typing import get_args

import pytest
from msgspec.structs import replace

from kms_mock.crypto.material import generate
from kms_mock.kms.errors import ApiError, ErrorSpec
from kms_mock.kms.model.import_token import ImportToken, import_tokens, token_text, unknown_token
from kms_mock.kms.model.key import Alias, Key, KeyVersion, aliases, keys
from kms_mock.kms.model.key_states import STATES, TRANSITIONS, KeyEvent, KeyState, next_state
from kms_mock.sources import Sources
from kms_mock.store.partition import Partition
from kms_mock.store.store import Store

DAY = 86400.0
EVENTS: tuple[KeyEvent, ...] = get_args(KeyEvent)
PAIR = generate("Aliyun_AES_128", bytes)
ARN = "acs:kms:r:1:key/k"


def key(**fields: object) -> Key:
    version = KeyVersion("v1", 0.0, generate("Aliyun_AES_256"))
    return replace(
        Key("k", ARN, "Aliyun_AES_256", "ENCRYPT/DECRYPT", 0.0, "1"),
        **{"versions": {"v1": version}, "primary_version": "v1", **fields},
    )


@pytest.fixture
def partition() -> Partition:
    return Store(Sources.seeded(1), "1", "r").partition("1", "r")


# -- the table --------------------------------------------------------------------------------------------------------


def test_the_table_is_total() -> None:
    """Every event in every state has an outcome: a state, or a refusal with status 409."""
    assert get_args(KeyState) == STATES
    assert set(TRANSITIONS) == {(event, state) for event in EVENTS for state in STATES}
    for outcome in TRANSITIONS.values():
        assert outcome in STATES or (isinstance(outcome, ErrorSpec) and outcome.status == 409)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("event", EVENTS)
def test_a_key_does_what_the_table_says(event: KeyEvent, state: KeyState) -> None:
    """`Key.after` gives the key in its next state, with nothing else changed, or raises and changes nothing."""
    before = key(state=state)
    outcome = TRANSITIONS[event, state]
    if isinstance(outcome, ErrorSpec):
        with pytest.raises(ApiError) as caught:
            before.after(event)
        assert caught.value.spec is outcome
        assert state in caught.value.reason
        assert before.id in caught.value.reason
        assert before.state == state
    else:
        assert before.after(event) == replace(before, state=outcome)
        assert next_state(event, state, "k") == outcome


@pytest.mark.parametrize("state", STATES)
def test_only_an_enabled_key_gives_its_material_for_use(state: KeyState) -> None:
    """`Key.material` is for use and asks for the state, `stored_material` is not; a key without any has none."""
    full = key(state=state)
    assert full.stored_material() is full.versions["v1"].material
    if state == "Enabled":
        assert full.material() is full.stored_material()
    else:
        with pytest.raises(ApiError):
            full.material()
    empty = key(versions={"v1": KeyVersion("v1", 0.0)})
    with pytest.raises(ApiError, match="PendingImport"):
        empty.material()


# -- dates ------------------------------------------------------------------------------------------------------------


def test_what_is_due_next() -> None:
    """The next date of a key is the earliest of deletion, expiry and rotation; rotation counts only while Enabled."""
    dates = {"deletion_date": 3.0, "material_expires": 2.0, "next_rotation": 1.0}
    assert key().due == math.inf
    assert key(**dates).due == 1.0
    assert key(**dates, state="Disabled").due == 2.0
    assert key(deletion_date=3.0, next_rotation=1.0, state="PendingDeletion").due == 3.0


def test_everything_due_happens_in_order_of_time(partition: Partition) -> None:
    """One call lets all due things happen, each at its own date: rotations, then expiry, then deletion."""
    partition[keys].put(key(rotation_interval=10 * DAY, next_rotation=10 * DAY))
    external = key(id="e", arn="e", origin="EXTERNAL", material_expires=15 * DAY)
    partition[keys].put(external)
    doomed = key(id="d", arn="d", state="PendingDeletion", deletion_date=20 * DAY)
    partition[keys].put(doomed)
    partition[aliases].put(Alias("alias/d", "a", "d"))
    events = partition.settle(35 * DAY)
    assert [(event.at / DAY, event.kind, event.resource) for event in events] == [
        (10, "key rotated", ARN),
        (15, "key material expired", "e"),
        (20, "key deleted", "d"),  # of the same moment: by kind and id
        (20, "key rotated", ARN),
        (30, "key rotated", ARN),
    ]
    assert [version.created / DAY for version in partition[keys].find("k").versions.values()] == [0, 10, 20, 30]
    assert partition[keys].find("k").next_rotation == 40 * DAY
    assert (partition[keys].find("e").state, partition[keys].find("e").has_material) == ("PendingImport", False)
    assert "d" not in partition[keys]
    assert len(partition[aliases]) == 0
    assert partition.next_due == 40 * DAY


def test_nothing_happens_before_its_time_or_twice(partition: Partition) -> None:
    """Nothing happens a moment before its date, and nothing again after it."""
    partition[keys].put(key(state="PendingDeletion", deletion_date=7 * DAY))
    assert partition.settle(7 * DAY - 0.001) == []
    assert len(partition.settle(7 * DAY)) == 1
    assert partition.settle(8 * DAY) == []


def test_a_suspended_rotation_is_due_at_once_when_resumed() -> None:
    """A rotation that fell due while the key could not be used is due when it can be; a later one keeps its date."""
    assert key(rotation_interval=5, next_rotation=1.0).resumed(9.0).next_rotation == 9.0
    assert key(rotation_interval=5, next_rotation=10.0).resumed(9.0).next_rotation == 10.0
    assert key().resumed(9.0).next_rotation is None


# -- import tokens ----------------------------------------------------------------------------------------------------


def test_a_token_is_purged_and_still_known_as_expired(partition: Partition) -> None:
    """At its expiry a token leaves the store; its text says, for its own key alone, that it was one."""
    text = token_text(ARN, DAY, partition.sources)
    partition[import_tokens].put(ImportToken(text, "k", ARN, PAIR, "RSAES_OAEP_SHA_1", DAY))
    assert partition.settle(DAY - 1) == []
    assert [event.kind for event in partition.settle(DAY)] == ["import token expired"]
    assert len(partition[import_tokens]) == 0
    assert unknown_token(text, ARN, DAY).spec.code == "ExpiredImportToken"
    assert unknown_token(text, ARN, DAY - 1).spec.code == "InvalidImportToken"
    assert unknown_token(text, ARN + "x", DAY).spec.code == "InvalidImportToken"


def test_a_checkpoint_holds_tokens(partition: Partition) -> None:
    """Going back to a checkpoint brings a token back, with its date."""
    token = ImportToken("t", "k", ARN, PAIR, "RSAES_OAEP_SHA_1", DAY)
    partition[import_tokens].put(token)
    before = partition.state()
    partition.settle(DAY)
    partition.restore(before)
    assert list(partition[import_tokens].values()) == [token]
    assert len(partition.settle(DAY)) == 1


def test_what_a_record_shows_of_material() -> None:
    """The text form of keys and tokens carries no material."""
    secret = generate("Aliyun_AES_256", lambda length: b"S" * length)
    shown = repr(key(versions={"v1": KeyVersion("v1", 0.0, secret)}))
    shown += repr(ImportToken("t", "k", ARN, secret, "RSAES_OAEP_SHA_1", DAY))
    assert shown.count("SymmetricMaterial Aliyun_AES_256") == 2
    assert "SSSS" not in shown
