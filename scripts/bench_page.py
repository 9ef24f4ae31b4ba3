"""What an open page costs the server: a section of scripts/bench."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator

ROUNDS = 15
READER = """
import sys
from urllib.request import urlopen
with urlopen(sys.argv[1]) as stream:
    print(stream.readline(), flush=True)
    while stream.readline():
        pass
"""

Mock = Callable[..., contextlib.AbstractContextManager[int]]


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


def open_and_closed(  # noqa: PLR0917 (the tools of scripts/bench)
    mock: Mock,
    fixture: Callable[[], contextlib.AbstractContextManager[str]],
    request: Callable[..., bytes],
    load: Callable[..., float],
    compare: Callable[..., tuple[float, float, float]],
    report: Callable[[str, float, str, str], None],
) -> None:
    """Requests per second with an open page and without, at full load: then it shows as many calls as it ever does."""
    get = request("GetSecretValue", SecretName="app/secret-5")
    with fixture() as path, mock("--fixture", path) as watched, mock("--fixture", path) as alone, open_page(watched):
        ratio, ours, theirs = compare(lambda: load(watched, get), lambda: load(alone, get), ROUNDS)
    report("GetSecretValue, page open / closed, req/s", ratio, ">= 0.95", f"{ours:.0f} / {theirs:.0f} per second")
