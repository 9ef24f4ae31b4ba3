"""The README's code runs as printed."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
import yaml

from kms_mock import KmsMock

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def test_the_tests_in_the_readme_pass(pytester: pytest.Pytester) -> None:
    """Every Python block that holds a test passes as a test file of its own."""
    tests = [block for block in blocks("python") if "def test_" in block]
    assert len(tests) >= 7
    for number, block in enumerate(tests):
        pytester.path.joinpath(f"test_readme_{number}.py").write_text(block)
    result = pytester.runpytest_subprocess("-q", "-o", "asyncio_mode=auto", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=len(tests))


def test_the_scripts_in_the_readme_run() -> None:
    """Every other Python block runs from the top of the checkout."""
    scripts = [block for block in blocks("python") if "def test_" not in block]
    assert scripts
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    for block in scripts:
        subprocess.run([sys.executable, "-c", block], cwd=ROOT, env=environment, check=True)


def test_the_examples_in_the_readme_are_those_of_the_suite() -> None:
    """Every excerpt names a file under tests/examples/ and stands in it to the letter."""
    excerpts = blocks("py")
    assert len(excerpts) == 4
    for excerpt in excerpts:
        first, _, rest = excerpt.partition("\n")
        assert rest in (ROOT / first.removeprefix("# ")).read_text() + "\n", first


def test_the_fixture_in_the_readme_loads() -> None:
    """The YAML block is a fixture file."""
    for block in blocks("yaml"):
        assert KmsMock([yaml.safe_load(block)]).snapshot()["accounts"]


def as_request(command: str, base: str) -> urllib.request.Request:
    """Read a curl line with -X, -H, -d and a URL, since a machine that only has Python has no curl."""
    words = shlex.split(command)[1:]
    method, headers, data, url = None, {}, None, ""
    while words:
        word = words.pop(0)
        if word == "-X":
            method = words.pop(0)
        elif word == "-H":
            name, _, value = words.pop(0).partition(": ")
            headers[name] = value
        elif word == "-d":
            data = words.pop(0).encode()
        else:
            url = word
    return urllib.request.Request(url.replace("http://127.0.0.1:4588", base), data, headers, method=method)  # noqa: S310 (http only)


def test_the_curl_commands_in_the_readme_are_answered() -> None:
    """Every curl line of the README is answered without an error by a mock with the demo fixture."""
    commands = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("curl ")]
    assert len(commands) >= 8
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with KmsMock([ROOT / "fixtures/demo.yaml"]) as kms:
        for command in commands:
            with opener.open(as_request(command, kms.url)) as answer:
                assert answer.status == 200, command
