"""The pages that are made from the code: fresh, complete, and compared by `scripts/reference-pages --check`."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import click
import pytest

from kms_mock.cli import main as command_line
from kms_mock.control.coverage import operations
from kms_mock.products import APIS
from tests.support.programs import load_file

ROOT = Path(__file__).parents[2]
GENERATOR = load_file(ROOT / "scripts/reference_pages.py")


@pytest.mark.parametrize("name", GENERATOR.PAGES)
def test_the_page_is_what_the_code_says(name: str) -> None:
    """`scripts/reference-pages` renews it."""
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == GENERATOR.PAGES[name]()


def test_the_check_fails_for_a_stale_page_and_says_how_to_renew_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And shows what differs; without `--check` the page is written."""
    for folder in ("fixtures", "docs"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    page = tmp_path / "docs/reference-pytest.md"
    page.write_text("# pytest\n\nold\n")
    monkeypatch.setattr(GENERATOR, "ROOT", tmp_path)
    monkeypatch.setattr(sys, "argv", ["reference_pages.py", "--check"])
    with pytest.raises(SystemExit, match=r"^docs/reference-pytest\.md: out of date, run scripts/reference-pages$"):
        GENERATOR.main()
    assert "\n-old\n" in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", ["reference_pages.py"])
    GENERATOR.main()
    assert capsys.readouterr().out == "wrote docs/reference-pytest.md\n"
    assert page.read_text() == (ROOT / "docs/reference-pytest.md").read_text()


def test_every_command_and_option_is_on_its_page() -> None:
    """A command that click knows has a section, with each of its options."""
    text = GENERATOR.commands_page()
    context = click.Context(command_line)
    for name in command_line.list_commands(context):
        command = command_line.get_command(context, name)
        assert command is not None
        assert f"\n## kms-mock {name}" in text
        for option in command.params:
            assert all(f"`{name}" in text or f", {name}`" in text for name in option.opts if name.startswith("--"))


def test_every_error_code_is_on_its_page() -> None:
    """Each code of an operation's table begins a row."""
    rows = set(re.findall(r"^\| ([\w. ]+) \|", GENERATOR.errors_page(), re.MULTILINE))
    assert {error["code"] for entry in operations(APIS) for error in entry["errors"]} <= rows
