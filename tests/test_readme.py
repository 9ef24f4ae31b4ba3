"""README.md: short, its two commands first, and readable on a package index. tests/test_docs_snippets.py runs its code."""

from __future__ import annotations

import re
import tomllib

from tests.support.blocks import ROOT, blocks_of

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_it_is_short() -> None:
    """At most 150 lines."""
    assert len(TEXT.splitlines()) <= 150


def test_the_two_commands_come_first() -> None:
    """Start the server, run the tests: alone in the first two blocks, as files that can be executed."""
    first, second, *_ = blocks_of("README.md", TEXT)
    assert (first.code, second.code) == ("scripts/serve --fixture fixtures/demo.yaml\n", "scripts/test\n")
    for name in ("scripts/serve", "scripts/test"):
        assert (ROOT / name).stat().st_mode & 0o111
    assert (ROOT / "fixtures/demo.yaml").is_file()


def test_every_script_that_it_names_exists() -> None:
    """`scripts/…` and `.ci/run`."""
    named = set(re.findall(r"`?((?:scripts|\.ci)/[\w-]+)", TEXT))
    assert len(named) >= 8
    assert {name for name in named if not (ROOT / name).is_file()} == set()


def test_put_secret_value_comes_first() -> None:
    """It is the first operation in it."""
    operations = re.findall(r"\b[A-Z][a-z]+(?:[A-Z][a-z]+)+(?=[&\"( ])", TEXT)
    assert operations[0] == "PutSecretValue"


def test_its_links_lead_somewhere() -> None:
    """Each is a page of the repository, and each page that a user needs has a door."""
    links = re.findall(r"\]\(([^)#]+)\)", TEXT)
    assert [link for link in links if not (ROOT / link).is_file()] == []
    assert len(links) == len(set(links)) >= 20


def test_an_index_shows_no_broken_link() -> None:
    """The package's description is README.md with no relative link: an index would make dead ones of them."""
    (rule,) = PROJECT["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]["substitutions"]
    shown = re.sub(rule["pattern"], rule["replacement"], TEXT)
    assert re.findall(r"\]\((?!https?://)[^)]*\)", shown) == []
    assert "| a first test, step by step | Tutorial |" in shown
