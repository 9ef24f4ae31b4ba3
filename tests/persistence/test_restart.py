"""What was done to a mock with a state file is still there after the next start."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener

import pytest
from alibabacloud_kms20160120 import models as m
from hypothesis import settings
from hypothesis.stateful import rule

from kms_mock import KmsMock, StateError
from kms_mock.store.times import DAY
from tests.machines.test_invariants import BEGINNING, Tools
from tests.support.control import control_request
from tests.support.state_files import contents, kept, opened

FIXTURE: dict[str, Any] = {
    "secrets": [{"name": "a", "value": "one"}, {"name": "b", "value": "two"}],
    "keys": [{"id": "k", "aliases": ["alias/k"]}],
    "roles": [{"name": "app"}],
}
OPENER = build_opener(ProxyHandler({}))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the state file shall be."""
    return tmp_path / "state.db"


def test_what_requests_did_is_there(path: Path) -> None:
    """New, changed and removed records; ciphertexts open; a second fixture counts only where there is no file."""
    with KmsMock(FIXTURE, state=path) as kms:
        client = kms.client()
        client.put_secret_value(m.PutSecretValueRequest(secret_name="a", version_id="v2", secret_data="new"))
        client.delete_secret(m.DeleteSecretRequest(secret_name="b", force_delete_without_recovery="true"))
        key = client.create_key(m.CreateKeyRequest()).body.key_metadata.key_id
        blob = client.encrypt(m.EncryptRequest(key_id=key, plaintext="aGVsbG8=")).body.ciphertext_blob
        before = contents(kms.store)
    with KmsMock({"secrets": [{"name": "other", "value": "x"}]}, state=path) as kms:
        client = kms.client()
        assert contents(kms.store) == before
        assert client.get_secret_value(m.GetSecretValueRequest(secret_name="a")).body.secret_data == "new"
        assert client.decrypt(m.DecryptRequest(ciphertext_blob=blob)).body.plaintext == "aGVsbG8="


def test_nothing_waits_for_an_orderly_end(path: Path) -> None:
    """A copy of the files, taken while the server runs, is what a kill would leave: every answered change is in it."""
    with KmsMock(FIXTURE, state=path) as kms:
        client = kms.client()
        for number in range(20):
            client.put_secret_value(
                m.PutSecretValueRequest(secret_name="a", version_id=f"n{number}", secret_data=f"value {number}")
            )
            copy = path.parent / str(number) / path.name
            copy.parent.mkdir()
            for found in path.parent.glob("state.db*"):
                shutil.copy(found, copy.parent)
            assert kept(copy) == contents(kms.store)


def test_what_time_did_is_saved_before_it_is_answered(path: Path) -> None:
    """A rotation that a read finds due makes a version: the same one after the next start."""
    with KmsMock({"keys": [{"id": "k", "rotation_interval": "7d"}]}, state=path) as kms:
        kms.clock.freeze()
        kms.clock.advance("6d")
        kms.store.open(kms.config.account, "cn-hangzhou", kms.clock.now() + 2 * DAY)  # as a request does
        primary = kms.client().describe_key(m.DescribeKeyRequest(key_id="k")).body.key_metadata.primary_key_version
        before = contents(kms.store)
        copy = path.with_name("copy.db")
        for found in path.parent.glob("state.db*"):
            shutil.copy(found, copy.with_name(found.name.replace("state", "copy")))
    assert kept(copy) == before
    with KmsMock(state=copy) as kms:
        described = kms.client().describe_key(m.DescribeKeyRequest(key_id="k"))
        assert described.body.key_metadata.primary_key_version == primary


def test_the_clock_goes_on(path: Path) -> None:
    """Its offset and rate survive, frozen or not, and what is due happens at its time."""
    with KmsMock({"secrets": [{"name": "a", "value": "x"}]}, state=path) as kms:
        kms.client().delete_secret(m.DeleteSecretRequest(secret_name="a", recovery_window_in_days="30"))
        kms.clock.advance("29d")
        kms.clock.freeze()
        frozen = kms.clock.now()
    with opened(path) as kms:
        assert kms.clock.frozen
        assert kms.clock.now() == frozen
        kms.clock.tick_rate = 2.0
    with opened(path) as kms:
        assert kms.clock.tick_rate == 2.0
        assert 0 <= kms.clock.now() - frozen < DAY
        assert [event.kind for event in kms.clock.advance("1d")] == ["secret purged"]
        kms.clock.reset()
    with opened(path) as kms:
        assert abs(kms.clock.now() - kms.sources.real_now()) < DAY
        assert not [name for (_, kind), records in contents(kms.store).items() if kind == "Secret" for name in records]


def test_the_control_api_is_saved(path: Path) -> None:
    """Clock, state, checkpoints and reset over HTTP."""
    with KmsMock(FIXTURE, state=path) as kms:
        beginning = contents(kms.store)
        control_request(kms, "PUT", "clock", {"advance": "3d", "freeze": True})
        moment = kms.clock.now()
        control_request(kms, "POST", "checkpoints")
        control_request(kms, "POST", "state", {"secrets": [{"name": "more", "value": "x"}]})
        added = contents(kms.store)
        control_request(kms, "PUT", "state", {"secrets": [{"name": "only", "value": "x"}]})
    with KmsMock(FIXTURE, state=path) as kms:
        assert [name for name, _ in contents(kms.store)[(kms.config.account, "cn-hangzhou"), "Secret"]] == ["only"]
        assert kms.clock.now() == moment
        assert len(added[(kms.config.account, "cn-hangzhou"), "Secret"]) == 3
        control_request(kms, "POST", "reset")
        assert not kms.clock.frozen
        first = contents(kms.store)
    assert beginning.keys() == first.keys()
    assert kept(path) == first


def test_checkpoints_and_reset_are_changes(path: Path) -> None:
    """Going back brings removed records back in their old order; the file has them in that order too."""
    with opened(path, FIXTURE) as kms:
        before = contents(kms.store)
        with kms.checkpoint():
            kms.load({"secrets": [{"name": "c", "value": "x"}]})
            kms.reset()
        assert contents(kms.store) == before
    assert kept(path) == before
    with opened(path, FIXTURE) as kms:
        with kms.checkpoint():
            kms.controls.replace({"secrets": [{"name": "b", "value": "x"}, {"name": "z", "value": "y"}]})
            assert kms.store.unsaved == []
        assert contents(kms.store) == before
    assert kept(path) == before


def test_namespaces_come_and_go(path: Path) -> None:
    """A namespace is in the file while it exists, and leaves nothing behind."""
    with opened(path, FIXTURE) as kms:
        before = contents(kms.store)
        namespace = kms.namespace({"secrets": [{"name": "mine", "value": "x"}]})
        inside = contents(kms.store)
        assert any(place[0] == namespace.account for place, _ in inside)
    assert kept(path) == inside
    with opened(path, FIXTURE) as kms:
        kms.reset()
        with kms.namespace({"secrets": [{"name": "mine", "value": "x"}]}):
            pass
        assert contents(kms.store).keys() == before.keys()
    assert kept(path).keys() == before.keys()


def test_sessions_of_roles_survive(path: Path) -> None:
    """The credentials that the credentials URI hands out are good after the next start."""
    with KmsMock(FIXTURE, state=path) as kms, OPENER.open(f"{kms.url}/_kms_mock/credentials?role=app") as answer:
        issued = json.loads(answer.read())
    with KmsMock(FIXTURE, state=path) as kms, OPENER.open(f"{kms.url}/_kms_mock/credentials?role=app") as answer:
        assert json.loads(answer.read())["AccessKeyId"] == issued["AccessKeyId"]


def test_what_is_over_in_a_second_is_not_written(path: Path) -> None:
    """Requests of an account with rates are counted, the counts are in no file, and reading writes nothing."""
    account = {"id": "1234567890123456", "quotas": {"rates": {"GetSecretValue": 1000}}}
    document: dict[str, Any] = {**FIXTURE, "accounts": [account]}
    with KmsMock(document, state=path) as kms:
        client = kms.client()
        before = path.with_name("state.db-wal").read_bytes()
        for _ in range(3):
            client.get_secret_value(m.GetSecretValueRequest(secret_name="a"))
        place = (kms.config.account, "")
        assert contents(kms.store)[place, "RequestCount"][0][1].count == 3
        assert path.with_name("state.db-wal").read_bytes() == before
        kms.reset()
        client.put_secret_value(m.PutSecretValueRequest(secret_name="a", version_id="v2", secret_data="new"))
    assert (place, "RequestCount") not in kept(path)


def test_any_integer_of_a_request_can_be_saved(path: Path) -> None:
    """CustomData is JSON of the client, whose integers may have more than 64 bits."""
    custom = {"big": 10**30, "small": -(10**25), "list": [1, {"deep": 2**64}], "usual": 2**63}
    config = {"SecretSubType": "SingleUser", "DBInstanceId": "rm-1", "CustomData": custom}
    with KmsMock(state=path) as kms:
        kms.client().create_secret(
            m.CreateSecretRequest(
                secret_name="rds",
                version_id="v1",
                secret_type="Rds",
                secret_data='{"Accounts":[{"AccountName":"u","AccountPassword":"p"}]}',
                extended_config=json.loads(json.dumps(config)),
            )
        )
        before = contents(kms.store)
    assert before[(kms.config.account, "cn-hangzhou"), "Secret"][0][1].extended_config["CustomData"] == custom
    assert kept(path) == before


def test_stop_and_start_again(path: Path) -> None:
    """While stopped the file is free, and changes are refused; `start` has what the file holds by then."""
    kms = KmsMock(FIXTURE, state=path)
    with kms:
        pass
    before = contents(kms.store)
    with pytest.raises(StateError, match="closed"):
        kms.load({"secrets": [{"name": "lost", "value": "x"}]})
    with pytest.raises(StateError, match="closed"):
        kms.clock.advance("1d")
    assert contents(kms.store) == before
    with opened(path) as other:
        other.load({"secrets": [{"name": "meanwhile", "value": "x"}]})
        after = contents(other.store)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StateError, match="damaged"):
        kms.start()
    assert contents(kms.store) == before
    with pytest.raises(StateError, match="closed"):
        kms.load({"secrets": [{"name": "lost", "value": "x"}]})
    path.write_bytes(whole)
    with kms:
        assert contents(kms.store) == after
        assert kms.client().get_secret_value(m.GetSecretValueRequest(secret_name="meanwhile")).body.secret_data == "x"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
def test_a_fork_leaves_the_file_to_its_parent(path: Path) -> None:
    """A child that ends as Python usually does, having stopped the mock, neither closes nor changes the parent's file."""
    script = f"""
import os, sys
from kms_mock import KmsMock
with KmsMock({{"secrets": [{{"name": "a", "value": "x"}}]}}, state={str(path)!r}) as kms:
    if child := os.fork():
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
        kms.load({{"secrets": [{{"name": "b", "value": "y"}}]}})
        os._exit(9)  # as a kill would
sys.exit(3)
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert ended.returncode == 9, ended.stderr
    names = [name for (_, kind), records in kept(path).items() if kind == "Secret" for name, _ in records]
    assert names == ["a", "b"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
def test_a_fork_can_use_no_file(path: Path) -> None:
    """In the child of a fork a file that is open in the parent is closed: changes are refused, and nothing is lost."""
    read_only = path.with_name("read-only.db")
    with opened(read_only, FIXTURE):
        read_only.chmod(0o400)
    script = f"""
import os
from kms_mock import KmsMock, StateError
stopped = KmsMock(state={str(path.with_name("stopped.db"))!r})
stopped.stop()
stopped.stop()  # once more does no harm
kept = KmsMock(state={str(read_only)!r})
kms = KmsMock({{"secrets": [{{"name": "a", "value": "x"}}]}}, state={str(path)!r})
if child := os.fork():
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    kms.load({{"secrets": [{{"name": "b", "value": "y"}}]}})
    kms.stop()
    raise SystemExit
told = []
for mock in (kms, kept, stopped):
    try:
        mock.load({{"secrets": [{{"name": "lost", "value": "x"}}]}})
    except StateError as error:
        told.append(str(error))
assert [text.split(" is ")[-1] for text in told] == ["closed", "read-only", "closed: start the mock again"], told
assert len(kms.snapshot()["accounts"][0]["regions"][0]["secrets"]) == 1
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    names = [name for (_, kind), records in kept(path).items() if kind == "Secret" for name, _ in records]
    assert names == ["a", "b"]


def test_what_time_did_meanwhile_is_saved_at_the_end(path: Path) -> None:
    """A rotation that only a look at the state found due: the same version after the next start."""
    with KmsMock({"keys": [{"id": "k", "rotation_interval": "7d"}]}, state=path) as kms:
        kms.clock.freeze()
        kms.clock.advance("6d")
        kms.store.open(kms.config.account, "cn-hangzhou", kms.clock.now() + 2 * DAY)  # as whatever looks at it does
        before = contents(kms.store)
    assert kept(path) == before


class Restarted(Tools):
    """The machine of all the tools, with a state file and restarts."""

    def make_mock(self) -> KmsMock:
        self.folder = tempfile.TemporaryDirectory()
        return KmsMock([BEGINNING], state=Path(self.folder.name, "state.db"))

    def teardown(self) -> None:
        super().teardown()
        self.restart()
        self.kms.stop()
        self.folder.cleanup()

    @rule()
    def restart(self) -> None:
        """Everything is there, in the same order, and the clock stands where it stood."""
        before, now = contents(self.store), self.kms.clock.now()
        self.kms.stop()
        self.kms = KmsMock([BEGINNING], state=Path(self.folder.name, "state.db"))
        self.store = self.kms.store
        self.checkpoints.clear()
        assert contents(self.store) == before
        assert self.kms.clock.now() == now


TestRestarted = Restarted.TestCase
TestRestarted.settings = settings(max_examples=max(1, settings().max_examples // 4))
