"""What every test file uses: a running mock, the official SDK's client, and the record of what was provoked."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alibabacloud_credentials.utils import auth_util
from alibabacloud_kms20160120.client import Client
from hypothesis import settings

from kms_mock import KmsMock
from tests.support import provoked
from tests.support.calls import OpenSsl, run_openssl

pytest_plugins = ["pytester"]

# In the background of a script SIGINT is ignored, under nohup SIGHUP, and would be in all that the tests start.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:  # nohup
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

# HYPOTHESIS_PROFILE=deep takes minutes; the default one is part of every run. CI tries the same examples every time: what
# it says of a change must be about that change.
settings.register_profile("default", max_examples=50, stateful_step_count=30, deadline=None)
settings.register_profile("ci", settings.get_profile("default"), derandomize=True, database=None)
settings.register_profile("deep", max_examples=2000, stateful_step_count=50, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if "CI" in os.environ else "default"))


def pytest_sessionfinish() -> None:
    """Save what was covered: a worker that takes long to end is killed, and what it measured would be lost."""
    if "coverage" in sys.modules:
        from coverage import Coverage  # noqa: PLC0415 (as it says)

        if (measuring := Coverage.current()) is not None:
            measuring.save()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the SDK off any proxy: it honours HTTP_PROXY and ignores NO_PROXY (clients.md 4.1)."""
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def kms() -> Iterator[KmsMock]:
    """An empty mock that listens."""
    with KmsMock() as running:
        yield running


@pytest.fixture
def client(kms: KmsMock) -> Client:
    """The official SDK's client, pointed at `kms`."""
    return kms.client()


@pytest.fixture
def sdk_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """The AccessKey that the vendor's default chain finds: it keeps what it read of the environment when it was imported."""
    monkeypatch.setattr(auth_util, "environment_access_key_id", "import")
    monkeypatch.setattr(auth_util, "environment_access_key_secret", "import")


@pytest.fixture
def openssl(tmp_path: Path) -> OpenSsl:
    """Run `openssl` with files given by name; its standard output comes back, a failure is an AssertionError."""

    def run(command: str, **files: bytes) -> bytes:
        return run_openssl(tmp_path, command, **files).stdout

    return run


def pytest_configure(config: pytest.Config) -> None:
    # The request log is on as in a standalone server, so that tests on leaks see its lines too.
    logging.getLogger("kms_mock").setLevel(logging.INFO)
    config.pluginmanager.register(provoked.Recorder(config), "provoked")
