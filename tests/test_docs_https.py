"""docs/https-and-proxy.md: its options and names exist. tests/test_docs_snippets.py runs its code."""

from __future__ import annotations

import re
from pathlib import Path

from kms_mock.server.hosts import Hosts, Place
from tests.support.cli import run_command

TEXT = (Path(__file__).parents[1] / "docs/https-and-proxy.md").read_text(encoding="utf-8")


def test_the_options_of_the_page_exist() -> None:
    """Each `--option` that the page names is one of `serve`, `ca` or `env`, or curl's."""
    known = "".join(run_command(command, "--help")[0] for command in ("serve", "ca", "env"))
    named = set(re.findall(r"--[a-z][a-z0-9-]+", TEXT)) - {"--cacert"}
    assert named
    assert {option for option in named if option not in known} == set()


def test_the_mirrors_of_the_page_are_tunnelled() -> None:
    """Each mirror that the page names is a host that the proxy leaves alone."""
    mirrors = re.findall(r"`((?:mirrors|maven)\.[a-z.]+)`", TEXT)
    assert len(mirrors) == 4
    hosts = Hosts(lambda _: False, "127.0.0.1")
    assert {hosts.place(mirror, 443) for mirror in mirrors} == {Place.ELSEWHERE}
