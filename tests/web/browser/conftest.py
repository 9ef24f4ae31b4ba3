"""The page in a real Chromium. `scripts/test-page` runs these tests: it installs what they need, and names the browser."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from kms_mock import KmsMock
from kms_mock.config import Config
from tests.support.browser import BROWSER_FIXTURE, Visit

CHROMIUM = os.environ.get("KMS_MOCK_CHROMIUM", "")
FOLDER = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip, with one reason, where nobody named a browser."""
    if not CHROMIUM:
        skip = pytest.mark.skip(reason="no Chromium: scripts/test-page runs the page's tests in one")
        for item in items:
            if item.path.parent == FOLDER:
                item.add_marker(skip)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 (an extra)

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM)
        yield found
        found.close()


@pytest.fixture
def kms() -> Iterator[KmsMock]:
    """A mock that may reveal its secrets."""
    with KmsMock([BROWSER_FIXTURE], config=Config(reveal_secrets=True)) as running:
        yield running


@pytest.fixture
def visit(browser: Any, kms: KmsMock) -> Iterator[Callable[..., Visit]]:
    """Open the page of a mock in a browser of its own; at the end nothing may have gone wrong in it."""
    visits: list[Visit] = []
    with ExitStack() as stack:

        def open_page(place: str = "#/explorer", *, at: KmsMock = kms, **options: Any) -> Visit:
            context = browser.new_context(
                **{"locale": "en-US", "viewport": {"width": 1280, "height": 800}, **options},
                permissions=["clipboard-read", "clipboard-write"],
            )
            stack.callback(context.close)
            context.set_default_timeout(10_000)
            visits.append(Visit(context.new_page(), at.url))
            visits[-1].watch()
            visits[-1].go(place)
            return visits[-1]

        yield open_page
        for found in visits:
            assert found.problems == []
