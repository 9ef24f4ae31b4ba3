"""The commands on docs/state.md work as printed."""

from __future__ import annotations

import shlex
from pathlib import Path

from tests.support.cli import run_command, secret_names, serving
from tests.test_docs_snippets import blocks_of

PAGE = (Path(__file__).parents[2] / "docs" / "state.md").read_text("utf-8")


def test_the_commands_of_the_page(tmp_path: Path) -> None:
    """One after the other, servers on a free port; the passphrase needs a file of its own."""
    commands = []
    for block in blocks_of("state.md", PAGE):
        if block.file is not None:
            (tmp_path / block.file).write_text(block.code)
        if block.language == "sh":
            commands += [shlex.split(line) for line in block.code.splitlines()]
    assert [command[1] for command in commands] == ["serve", "serve", "state", "state"]
    (tmp_path / "passphrase").write_text("correct horse\n")
    for name, verb, *options in commands:
        assert name == "kms-mock"
        if verb != "serve":
            run_command(verb, *options, folder=tmp_path)
            continue
        with serving(tmp_path, "--port", "0", *options) as server:
            assert secret_names(server.url) == ([] if "sealed.db" in options else ["db/password"])
    with serving(tmp_path, "--port", "0", "--state", "copy.db") as server:
        assert secret_names(server.url) == ["db/password"]
