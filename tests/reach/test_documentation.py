"""The files that docs/interception.md shows for applications that are imported early work as printed.

The other code of the page runs in tests/test_docs_snippets.py.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TEXT = (Path(__file__).parents[2] / "docs" / "interception.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python ?(\S*)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
FILES = {name: text for name, text in BLOCKS if name}

# An application that has asked for its password before any test begins, and a test of it.
APPLICATION = """
    import json, urllib.request
    URL = "https://kms.cn-hangzhou.aliyuncs.com/?Action=GetSecretValue&Version=2016-01-20&SecretName=db/password"
    PASSWORD = json.load(urllib.request.urlopen(URL))["SecretData"]
"""
TEST = """
    from application import PASSWORD

    def test_password():
        assert PASSWORD == "hunter2"
"""


def test_an_application_imported_by_a_test_module(pytester: pytest.Pytester) -> None:
    """The mock of `pytest_configure` is there while pytest collects."""
    pytester.makepyfile(application=APPLICATION, test_application=TEST)
    pytester.makeconftest(FILES["conftest.py"])
    pytester.runpytest_subprocess("-q", "-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_an_application_imported_by_conftest(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mock of a plugin named by `-p` is there before conftest.py."""
    monkeypatch.setenv("PYTHONPATH", str(pytester.path))
    pytester.makepyfile(application=APPLICATION, test_application=TEST, kms_first=FILES["kms_first.py"])
    pytester.makeconftest("import application")
    pytester.runpytest_subprocess("-q", "-p", "no:cacheprovider", "-p", "kms_first").assert_outcomes(passed=1)
