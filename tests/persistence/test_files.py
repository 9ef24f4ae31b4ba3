"""The state file itself: who may use it, and what is no state file of kms-mock, or no good one."""

from __future__ import annotations

import os
import random
import shutil
import stat
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from alibabacloud_kms20160120 import models as m
from Tea.exceptions import TeaException

from kms_mock import KmsMock, StateError
from kms_mock.config import Config
from tests.support.cli import run_command, serving
from tests.support.state_files import contents, database, files_of, kept, opened

FIXTURE = {
    "secrets": [{"name": f"s{number}", "value": f"hunter2-{number}"} for number in range(40)],
    "keys": [{"id": "k"}],
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A state file that nobody uses."""
    file = tmp_path / "state" / "state.db"
    file.parent.mkdir()
    with opened(file, FIXTURE):
        pass
    return file


def write(kms: KmsMock, name: str) -> None:
    """Change something through the API."""
    kms.client().create_secret(m.CreateSecretRequest(secret_name=name, version_id="v1", secret_data="x"))


def refusal_reason(kms: KmsMock, name: str) -> str:
    """Try the same where it cannot be saved; return why. Nothing is changed, and the answer is the API's envelope."""
    before = contents(kms.store)
    with pytest.raises(TeaException) as caught:
        write(kms, name)
    assert (caught.value.statusCode, caught.value.code) == (500, "InternalFailure")
    assert contents(kms.store) == before
    call = kms.calls.last
    assert call is not None
    return call.reason


# -- what is no state file, or a damaged one ------------------------------------------------------------------------------


def a_foreign_text(path: Path) -> None:
    path.write_text("secrets: []\n" * 400)


def a_short_text(path: Path) -> None:
    path.write_text("x")


def a_foreign_database(path: Path) -> None:
    path.unlink()
    with database(path) as connection:
        connection.execute("CREATE TABLE mine (id INTEGER)")


def a_foreign_database_in_wal_mode(path: Path) -> None:
    a_foreign_database(path)
    with database(path) as connection:
        connection.execute("PRAGMA journal_mode=WAL")


def a_truncated_file(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def a_record_that_was_changed(path: Path) -> None:
    with database(path) as connection:
        connection.execute("UPDATE records SET data = zeroblob(length(data)) WHERE id = 's3'")


def a_record_that_was_moved(path: Path) -> None:
    with database(path) as connection:
        connection.execute("UPDATE records SET id = 'elsewhere' WHERE id = 's3'")


def a_record_that_is_there_twice(path: Path) -> None:
    with database(path) as connection:
        connection.execute(
            "INSERT INTO records SELECT 1000, account, region, kind, id, data, checksum FROM records WHERE id = 's3'"
        )


def a_record_of_another_form(path: Path) -> None:
    data = msgspec.msgpack.encode({"name": "hunter2-3"})
    with database(path) as connection:
        (row,) = connection.execute("SELECT account, region, kind, id FROM records WHERE id = 's3'")
        checksum = zlib.crc32(data, zlib.crc32("\0".join(row).encode()))
        connection.execute("UPDATE records SET data = ?, checksum = ? WHERE id = 's3'", (data, checksum))


def a_missing_table(path: Path) -> None:
    with database(path) as connection:
        connection.execute("DROP TABLE meta")


def a_missing_clock(path: Path) -> None:
    with database(path) as connection:
        connection.execute("DELETE FROM meta")


def a_newer_file(path: Path) -> None:
    with database(path) as connection:
        connection.execute("PRAGMA user_version=99")


def a_file_without_a_format(path: Path) -> None:
    with database(path) as connection:
        connection.execute("PRAGMA user_version=0")


UNUSABLE: dict[Callable[[Path], None], str] = {
    a_foreign_text: "is no state file of kms-mock",
    a_short_text: "is no state file of kms-mock",
    a_foreign_database: "is no state file of kms-mock",
    a_foreign_database_in_wal_mode: "is no state file of kms-mock",
    a_truncated_file: "is damaged",
    a_record_that_was_changed: "is damaged",
    a_record_that_was_moved: "is damaged",
    a_record_that_is_there_twice: "is damaged",
    a_record_of_another_form: r"is damaged \(a record \(Secret\) cannot be read\)",
    a_missing_table: "cannot open the state file|is damaged",
    a_missing_clock: "is damaged",
    a_file_without_a_format: "is damaged",
    a_newer_file: "was written by a newer kms-mock",
}


@pytest.mark.parametrize("spoil", UNUSABLE, ids=lambda spoil: spoil.__name__)
def test_what_cannot_be_used_is_refused_and_left_alone(path: Path, spoil: Callable[[Path], None]) -> None:
    """The start stops with a sentence that names the file; not a byte of the file changes, nor its mode."""
    spoil(path)
    path.chmod(0o644)
    before = files_of(path)
    with pytest.raises(StateError, match=UNUSABLE[spoil]) as caught:
        KmsMock(FIXTURE, state=path)
    assert str(path) in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert files_of(path) == before
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    _, complaint = run_command("serve", "--port", "0", "--state", str(path), code=1)
    assert complaint.startswith("Error: ")
    assert files_of(path) == before


def test_no_damage_goes_unnoticed(path: Path) -> None:
    """Any flipped byte of the pages either stops the start, or changes nothing of what is read."""
    expected, whole = kept(path), path.read_bytes()
    generator = random.Random(7)  # noqa: S311 (repeatable on purpose)
    stopped = 0
    for _ in range(200):
        place = generator.randrange(len(whole))
        damaged = bytearray(whole)
        damaged[place] ^= 1 << generator.randrange(8)
        path.write_bytes(damaged)
        try:
            found = kept(path)
        except StateError:
            stopped += 1
            assert path.read_bytes() == damaged
        else:
            assert found == expected, place
    assert stopped > 20


def test_a_damaged_file_with_a_log_of_changes_is_left_alone(path: Path) -> None:
    """After a kill there is a WAL beside the file; where the file is damaged, both stay as they are."""
    with serving(path.parent, "--port", "0", "--state", path.name) as server:
        run_command("state", "--add", "-", "--url", server.url, code=1)
        more = path.parent / "more.json"
        more.write_text('{"secrets": [{"name": "more", "value": "x"}]}')
        run_command("state", "--add", str(more), "--url", server.url)
        server.process.kill()
        server.process.wait()
    damaged = bytearray(path.read_bytes())
    damaged[5000:9000] = bytes(4000)
    path.write_bytes(damaged)
    before = files_of(path)
    assert "state.db-wal" in before
    with pytest.raises(StateError, match="is damaged"):
        KmsMock(state=path)
    assert files_of(path) == before


@pytest.mark.parametrize("name", ["folder", "nowhere/state.db", "file/state.db"])
def test_where_no_file_can_be(tmp_path: Path, name: str) -> None:
    """A folder, a folder that does not exist, a file in the place of a folder."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(StateError, match=str(tmp_path / name)):
        KmsMock(state=tmp_path / name)


def test_an_empty_file_is_like_none(tmp_path: Path) -> None:
    """As `mktemp` makes them; the mode becomes 0600. Nothing else is left in the folder."""
    path = tmp_path / "empty"
    path.touch(mode=0o644)
    with opened(path, FIXTURE) as kms:
        before = contents(kms.store)
    assert kept(path) == before
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [found.name for found in tmp_path.iterdir()] == ["empty"]


# -- who may use it -------------------------------------------------------------------------------------------------------


def test_its_mode(path: Path) -> None:
    """0600 always: made so, and made so again when somebody gave it to others; what is beside it, too."""
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o664)
    with opened(path) as kms:
        kms.load({"secrets": [{"name": "more", "value": "x"}]})
        for found in path.parent.iterdir():
            assert stat.S_IMODE(found.stat().st_mode) == 0o600, found


def test_a_second_server_is_refused_at_once(path: Path) -> None:
    """In this process and in another one, also through a symbolic link; the first one goes on."""
    link = path.with_name("link.db")
    link.symlink_to(path)
    with KmsMock(state=path) as kms:
        for name in (path, link):
            with pytest.raises(StateError, match="in use by another kms-mock"):
                KmsMock(state=name)
            _, complaint = run_command("serve", "--port", "0", "--state", str(name), code=1)
            assert "in use by another kms-mock" in complaint
        write(kms, "first")
        before = contents(kms.store)
    assert kept(path) == before


def test_two_that_start_together(tmp_path: Path) -> None:
    """Of processes that make the same file at the same time one gets it; the others end with a sentence."""
    script = "import sys; from kms_mock.cli import main; main(['serve', '--port', '0', '--state', 'new.db'])"
    started = [
        subprocess.Popen(
            [sys.executable, "-c", script], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    try:
        losers = 0
        for process in started:
            assert process.stdout is not None
            if not process.stdout.readline():
                losers += 1
                assert process.stderr is not None
                assert "another kms-mock" in process.stderr.read()
        assert losers == 2
    finally:
        for process in started:
            process.terminate()
            process.communicate()


# -- while it is in use ---------------------------------------------------------------------------------------------------


def test_a_file_that_is_removed_while_in_use(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Changes are refused and reads answered; the log says so once, and when it is over: with the file put back."""
    with KmsMock(state=path) as kms:
        for name in (path, path.with_name("state.db-wal")):
            away = path.with_name("away")
            name.rename(away)
            assert "was removed" in refusal_reason(kms, "lost")
            assert "was removed" in refusal_reason(kms, "lost/too")
            assert kms.client().get_secret_value(m.GetSecretValueRequest(secret_name="s1")).body.secret_data
            with pytest.raises(StateError, match="was removed"):
                kms.clock.advance("7d")
            before = contents(kms.store)
            with pytest.raises(StateError, match="was removed"):
                kms.reset()
            assert contents(kms.store) == before
            away.rename(name)
            write(kms, f"after {name.name}".replace(" ", "-"))
        before = contents(kms.store)
    assert kept(path) == before
    lines = [record.getMessage() for record in caplog.records if "changes are" in record.getMessage()]
    assert [line.partition(":")[0] for line in lines] == [
        "changes are refused",
        f"changes are saved again in {path}",
        "changes are refused",
        f"changes are saved again in {path}",
    ]


def test_another_file_in_its_place(path: Path) -> None:
    """One that was put there meanwhile is not touched."""
    with KmsMock(state=path) as kms:
        path.rename(path.with_name("away"))
        path.write_text("mine")
        assert "was removed, replaced" in refusal_reason(kms, "lost")
    assert path.read_text() == "mine"


def test_the_end_of_a_server_whose_file_was_replaced(path: Path) -> None:
    """A second server on a new file of the same name keeps what it wrote when the first one ends."""
    away = path.with_name("away")
    away.mkdir()
    with KmsMock(state=path) as first:
        write(first, "first")
        before = contents(first.store)
        for found in list(path.parent.glob("state.db*")):
            found.rename(away / found.name)
        script = f"""
import sys
from kms_mock import KmsMock
kms = KmsMock({{"secrets": [{{"name": "second", "value": "x"}}]}}, state={str(path)!r})
kms.load({{"secrets": [{{"name": "third", "value": "x"}}]}})
print("ready", flush=True)
sys.stdin.read()
"""
        second = subprocess.Popen(
            [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert second.stdout is not None
        assert second.stdout.readline() == "ready\n"
    second.kill()
    second.communicate()
    names = [name for (_, kind), records in kept(path).items() if kind == "Secret" for name, _ in records]
    assert names == ["second", "third"]
    copy = shutil.copytree(away, path.with_name("copy"))  # this process has the file open until its end
    assert kept(copy / path.name) == before


def test_a_read_only_file(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is served, and every change is refused; so it is when the file becomes read-only while in use."""
    path.chmod(0o400)
    before = files_of(path)
    with KmsMock(state=path) as kms:
        assert "read-only" in refusal_reason(kms, "lost")
        assert kms.client().get_secret_value(m.GetSecretValueRequest(secret_name="s1")).body.secret_data
    assert files_of(path) == before
    assert stat.S_IMODE(path.stat().st_mode) == 0o400
    assert f"the state file {path} is read-only: every change is refused" in caplog.messages
    path.chmod(0o600)
    with KmsMock(state=path) as kms:
        write(kms, "first")
        path.chmod(0o400)
        assert "read-only" in refusal_reason(kms, "lost")
        path.chmod(0o600)
        write(kms, "second")


# -- options --------------------------------------------------------------------------------------------------------------


def test_options_that_contradict_each_other(tmp_path: Path) -> None:
    """A passphrase without a file, a seed with one (it would make the ids that are there already), config and state."""
    with pytest.raises(ValueError, match="passphrase file is for a state file"):
        Config(state_passphrase_file=tmp_path)
    with pytest.raises(ValueError, match="a seed repeats the ids"):
        KmsMock(seed=1, state=tmp_path / "state.db")
    with pytest.raises(ValueError, match="pass either a config"):
        KmsMock(config=Config(port=1), state=tmp_path / "state.db")
    assert list(tmp_path.iterdir()) == []


def test_without_a_file_nothing_is_imported() -> None:
    """A server without a state file loads neither SQLite nor the package that keeps one."""
    script = (
        "import sys; from kms_mock import KmsMock\n"
        "with KmsMock() as kms: pass\n"
        "assert not {'sqlite3', 'kms_mock.persistence'} & sys.modules.keys()"
    )
    # coverage, which measures child processes too, has a database of its own.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    subprocess.run([sys.executable, "-c", script], env=environment, check=True)
