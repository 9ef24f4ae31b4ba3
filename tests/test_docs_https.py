"""docs/https-and-proxy.md: its Python runs as printed, its options and names exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from kms_mock.server.hosts import Hosts, Place
from tests.support.cli import run_command

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs" / "https-and-proxy.md").read_text()


def test_the_python_of_the_page_runs() -> None:
    """Every Python block, each alone."""
    found = re.findall(r"^```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    assert found
    for block in found:
        subprocess.run([sys.executable, "-c", block], cwd=ROOT, check=True)


def test_the_options_of_the_page_exist() -> None:
    """Each `--option` that the page names is one of `serve` or `ca`, or curl's."""
    known = "".join(run_command(command, "--help")[0] for command in ("serve", "ca"))
    named = set(re.findall(r"--[a-z][a-z0-9-]+", TEXT)) - {"--cacert"}
    assert named
    assert {option for option in named if option not in known} == set()


def test_the_mirrors_of_the_page_are_tunnelled() -> None:
    """Each mirror that the page names is a host that the proxy leaves alone."""
    mirrors = re.findall(r"`((?:mirrors|maven)\.[a-z.]+)`", TEXT)
    assert len(mirrors) == 4
    hosts = Hosts(lambda _: False, "127.0.0.1")
    assert {hosts.place(mirror, 443) for mirror in mirrors} == {Place.ELSEWHERE}
