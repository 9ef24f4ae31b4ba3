"""The pytest plugin: a mock KMS for every test that asks for one.

Only pytest is imported here. The server is imported when the first test asks for a fixture, so that a run which needs
none pays nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from alibabacloud_kms20160120.client import Client

    from kms_mock.mock import KmsMock

_PROXIES = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the ini option."""
    parser.addini(
        "kms_mock_fixtures",
        "fixture files that every mock KMS starts with, relative to the ini file",
        type="paths",
        default=[],
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line(
        "markers",
        "kms_mock(fixture=..., fixtures=[...], seed=..., region=..., account=...): what this test's mock KMS starts with; "
        "a fixture is a document, or a file relative to the test file",
    )


@pytest.fixture
def kms_mock_options(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The keyword arguments that `kms_mock` makes its KmsMock with. Override it to change them for many tests."""
    options: dict[str, Any] = {"fixtures": list(request.config.getini("kms_mock_fixtures"))}
    # From the module's marker to the test's own: the nearest has the last word, fixtures add up.
    for mark in reversed(list(request.node.iter_markers("kms_mock"))):
        given = dict(mark.kwargs)
        added = [*given.pop("fixtures", []), *([given.pop("fixture")] if "fixture" in given else []), *mark.args]
        options["fixtures"] += [
            request.path.parent / fixture if isinstance(fixture, str) else fixture for fixture in added
        ]
        options.update(given)
    return options


@pytest.fixture
def kms_mock(kms_mock_options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[KmsMock]:
    """A mock KMS of this test's own, listening at `kms_mock.url`, with nothing in it but its fixture files."""
    from kms_mock.mock import KmsMock  # noqa: PLC0415 (the point of this module)

    for name in _PROXIES:  # the official SDK sends even localhost to a proxy, and ignores NO_PROXY
        monkeypatch.delenv(name, raising=False)
    with KmsMock(**kms_mock_options) as mock:
        yield mock


@pytest.fixture
def kms_client(kms_mock: KmsMock) -> Client:
    """A client of the official SDK (alibabacloud-kms20160120) that talks to `kms_mock`; its async methods work too."""
    return kms_mock.client()
