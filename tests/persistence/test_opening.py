"""What stands in the way when a state file is made or opened: others that use it, file systems that lack something."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from kms_mock import KmsMock, StateError
from kms_mock.persistence.database import Batch, Reader, Writer
from tests.support.cli import plain_call, run_command, serving
from tests.support.state_files import contents, database, files_of, kept, mounted, opened

FIXTURE = {"secrets": [{"name": "a", "value": "one"}]}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A state file that nobody uses."""
    with opened(tmp_path / "state.db", FIXTURE):
        return tmp_path / "state.db"


def test_a_file_system_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As some network file systems: a new file appears whole all the same, and nothing is left beside it."""

    def refuse(*_: Any) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    with opened(tmp_path / "new.db", FIXTURE) as kms:
        before = contents(kms.store)
    assert kept(tmp_path / "new.db") == before
    assert [found.name for found in tmp_path.iterdir()] == ["new.db"]


def test_another_process_is_first(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two make the same file, and the other one's is in place at the last moment: what it holds counts."""
    new, link = path.with_name("new.db"), os.link

    def late(source: Path, target: Path) -> None:
        shutil.copy(path, target)
        link(source, target)

    monkeypatch.setattr(os, "link", late)
    with opened(new, {"secrets": [{"name": "mine", "value": "x"}]}) as kms:
        assert [secret["name"] for secret in kms.snapshot()["accounts"][0]["regions"][0]["secrets"]] == ["a"]
    assert sorted(found.name for found in path.parent.iterdir()) == ["new.db", "state.db"]


def test_a_folder_in_which_the_file_cannot_get_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told with the system's reason, and what was made for it is gone."""

    def refuse(*_: Any) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(StateError, match=r"cannot make .*new\.db: Read-only file system"):
        KmsMock(FIXTURE, state=tmp_path / "new.db")
    assert not list(tmp_path.iterdir())


def test_a_file_that_another_program_reads(path: Path) -> None:
    """Such as the command line of SQLite: the start is refused, and works when that is over."""
    before = files_of(path)
    with database(path) as connection:
        connection.execute("SELECT * FROM records").fetchall()
        with pytest.raises(StateError, match="in use by another kms-mock"):
            KmsMock(state=path)
    assert files_of(path) == before
    assert kept(path)


def test_a_file_that_changed_between_reading_and_opening(path: Path) -> None:
    """Whoever wrote meanwhile would be overwritten with what was there before: the start is refused."""
    with closing(Reader(path)) as reader:
        stamp = reader.stamp
    other = Writer(path, stamp)
    batch = Batch()
    batch.meta["other"] = b"x" * 5000
    other.write(batch)
    other.close()
    with pytest.raises(StateError, match="changed while it was read"):
        Writer(path, stamp)
    assert Reader(path).meta()["other"] == b"x" * 5000


READ_ONLY_FOLDER = """
import os, pathlib, shutil, sys
from kms_mock import KmsMock, StateError
folder = pathlib.Path(sys.argv[1])
path, killed = folder / "state.db", folder / "killed.db"
kms = KmsMock(state=path)
kms.load({"secrets": [{"name": "a", "value": "x"}]})
for ending in "", "-wal":  # what a kill leaves
    shutil.copy(f"{path}{ending}", f"{killed}{ending}")
kms.stop()
if os.geteuid() == 0:  # root may write everywhere
    for found in (folder, *folder.iterdir()):
        os.chown(found, 65534, 65534)
    os.seteuid(65534)
folder.chmod(0o500)
for file in path, killed:
    try:
        KmsMock(state=file)
    except StateError as error:
        print(error)
os.seteuid(os.getuid())
"""


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="this system has other permissions")
def test_a_folder_that_cannot_be_written() -> None:
    """SQLite needs a file beside the state file, also after a kill: both are told with a sentence."""
    with tempfile.TemporaryDirectory() as folder:  # which another user can reach
        command = [sys.executable, "-c", READ_ONLY_FOLDER, folder]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        Path(folder).chmod(0o700)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines() == [
        f"cannot open the state file {folder}/{name}: "
        "nothing can be written in its folder, where SQLite has a file beside it"
        for name in ("state.db", "killed.db")
    ]


def test_a_read_only_file_system_after_a_kill(tmp_path: Path) -> None:
    """What SQLite has beside the file cannot be written: a sentence; without it the file is served, read-only."""
    folder = tmp_path / "mounted"
    if not mounted(folder, "8m"):
        pytest.skip("this user cannot mount a file system")
    try:
        with serving(tmp_path, "--port", "0", "--state", "mounted/state.db") as server:
            assert plain_call(server.url, "CreateSecret", SecretName="s", VersionId="v", SecretData="x")[0] == 200
            server.process.kill()
            server.process.wait()
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        complaint = run_command("serve", "--port", "0", "--state", "mounted/state.db", folder=tmp_path, code=1)[1]
        assert complaint.startswith("Error: cannot open the state file ")
        assert "in its folder, where SQLite has a file beside it" in complaint
        subprocess.run(["mount", "-o", "remount,rw", str(folder)], check=True)
        assert len(kept(folder / "state.db")) > 0
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        with serving(tmp_path, "--port", "0", "--state", "mounted/state.db") as server:
            assert plain_call(server.url, "GetSecretValue", SecretName="s")[0] == 200
            assert plain_call(server.url, "DeleteSecret", SecretName="s")[0] == 500
    finally:
        subprocess.run(["umount", str(folder)], check=True)
