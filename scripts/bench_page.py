"""What an open page costs the server: a section of scripts/bench."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator

from bench_tools import GET, compare_rates, fixture, load, mock, secrets

READER = """
import sys
from urllib.request import urlopen
with urlopen(sys.argv[1]) as stream:
    print(stream.readline(), flush=True)
    while stream.readline():
        pass
"""


@contextlib.contextmanager
def open_page(port: int) -> Iterator[None]:
    """Read the events of a server in a process of its own, as an open page does."""
    url = f"http://127.0.0.1:{port}/_kms_mock/events"
    reader = subprocess.Popen([sys.executable, "-c", READER, url], stdout=subprocess.PIPE)
    try:
        assert reader.stdout is not None  # noqa: S101 (it is a pipe)
        reader.stdout.readline()
        yield
    finally:
        reader.terminate()
        reader.wait()


def main() -> None:
    """Requests per second with an open page and without, at full load: then it shows as many calls as it ever does."""
    with (
        fixture(secrets(10)) as path,
        mock("--fixture", path) as watched,
        mock("--fixture", path) as alone,
        open_page(watched),
    ):
        compare_rates(
            "GetSecretValue, page open / closed, req/s",
            ">= 0.95",
            lambda: load(watched, GET),
            lambda: load(alone, GET),
        )
