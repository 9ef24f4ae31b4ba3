"""The command `serve`: a server until it is stopped."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import re
import signal
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kms_mock import logs
from kms_mock.cli.authorities import no_authorities
from kms_mock.cli.options import MAX_PORT, option
from kms_mock.collector import collector_paused
from kms_mock.defaults import DEFAULT_ACCOUNT, DEFAULT_PORT, DEFAULT_REGION, JOURNAL_BYTES
from kms_mock.version import VERSION

if TYPE_CHECKING:
    from kms_mock.config import Config
    from kms_mock.mock import KmsMock

_FIXTURE_SUFFIXES = (".yaml", ".yml", ".json")
_MAX_LINE = 2000  # characters


@click.command()
@option("--host", "127.0.0.1", "Address to listen on.")
@option("--port", DEFAULT_PORT, "Port to listen on; 0 takes a free one.", type=click.IntRange(0, MAX_PORT))
@option(
    "--fixture",
    (),
    "Fixture file (YAML or JSON) to start with, or a folder of them; may be given more than once. "
    f"In the environment variable several are joined by {os.pathsep!r}.",
    multiple=True,
    type=click.Path(path_type=Path),
    callback=lambda _context, _parameter, paths: tuple(file for path in paths for file in _fixture_files(path)),
)
@option(
    "--region",
    None,
    f"Be the endpoint of this region, whatever region a request names. Without it requests choose theirs; those that "
    f"name none are in {DEFAULT_REGION}.",
)
@option(
    "--region-port",
    (),
    "Listen on a further port as the endpoint of a region, for clients that name none; 0 takes a free one. May be "
    "given more than once. In the environment variable several are separated by blanks.",
    multiple=True,
    metavar="REGION=PORT",
    callback=lambda _context, _parameter, values: tuple(map(_region_port, values)),
)
@option("--account", DEFAULT_ACCOUNT, "Account of AccessKeys that no fixture file names.")
@option("--seed", None, "Make ids, key material and nonces repeat from run to run.", type=int)
@option("--journal", 1000, "How many calls to remember for the control API.", type=click.IntRange(0))
@option("--journal-bytes", JOURNAL_BYTES, "How many bytes of memory they may take together.", type=click.IntRange(0))
@option("--control-remote", False, "Let other machines use the control API.", is_flag=True)
@option(
    "--control-host",
    (),
    "Let the control API answer to this host name, too. May be given more than once. In the environment variable "
    "several are separated by blanks.",
    multiple=True,
    metavar="NAME",
)
@option(
    "--allow-host",
    (),
    "Let the API answer to this host name, although it might be a web page's. May be given more than once. In the "
    "environment variable several are separated by blanks.",
    multiple=True,
    metavar="NAME",
)
@option(
    "--tls-cert",
    None,
    "Certificate (PEM) for https, with what it takes to verify it; without one the mock issues its own.",
    type=click.Path(path_type=Path, dir_okay=False),
)
@option("--tls-key", None, "Key (PEM) of --tls-cert.", type=click.Path(path_type=Path, dir_okay=False))
@option(
    "--ca-dir",
    None,
    "Folder of the authority that issues the mock's certificates; without one, it is in the user's state folder.",
    type=click.Path(path_type=Path, file_okay=False),
)
@option(
    "--state",
    None,
    "File that keeps the state: what was answered is still there after the next start, however this one ends. Where "
    "there is none, it is made from the fixture files.",
    type=click.Path(path_type=Path, dir_okay=False),
)
@option(
    "--state-passphrase-file",
    None,
    "File with the passphrase under which the records in the state file are encrypted.",
    type=click.Path(path_type=Path, dir_okay=False),
)
@option("--proxy-remote", False, "Let other machines use the proxy.", is_flag=True)
@option("--reveal-secrets", False, "Let the control API show secret values and key material.", is_flag=True)
@option("--log-level", "info", "How much to log.", type=click.Choice(["debug", "info", "warning", "error"]))
def serve(
    *,
    fixture: tuple[Path, ...],
    log_level: str,
    region_port: tuple[tuple[str, int], ...],
    allow_host: tuple[str, ...],
    control_host: tuple[str, ...],
    **options: Any,
) -> None:
    """Start a server, until SIGINT or SIGTERM.

    Prints a line for each port when all of them accept, then what it holds and how to use it.
    """
    from kms_mock.config import Config  # noqa: PLC0415 (--help must not wait for msgspec)

    try:
        config = Config(
            region_ports=region_port, allow_hosts=allow_host, control_hosts=control_host, keep_ca=True, **options
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from error

    with collector_paused():  # it would walk again and again through what is imported and loaded
        _run(config, fixture, log_level)


def _run(config: Config, fixture: tuple[Path, ...], log_level: str) -> None:
    with no_authorities():
        from kms_mock.mock import KmsMock  # noqa: PLC0415 (--help must not wait for aiohttp)
    from kms_mock.fixtures.errors import FixtureError  # noqa: PLC0415
    from kms_mock.server.authority_files import AuthorityError  # noqa: PLC0415
    from kms_mock.server.loop import ServerLoop  # noqa: PLC0415
    from kms_mock.sources import Sources  # noqa: PLC0415
    from kms_mock.store.errors import StateError  # noqa: PLC0415

    log_handler = logs.configure(log_level, Sources.system().now)
    fast = logging.getLogger("kms_mock").isEnabledFor(logging.INFO)
    try:
        mock = KmsMock(fixture, config=config, log_request=log_handler.log_request if fast else logs.log_request)
    except (FixtureError, AuthorityError, StateError) as error:
        raise click.ClickException(str(error)) from error
    try:
        with asyncio.Runner(loop_factory=lambda: ServerLoop(polls=True)) as runner:
            runner.run(_serve(mock, fixture, log_handler))
    except OSError as error:
        # asyncio wraps the system's message in its own; a failed name look-up has a negative number.
        number = error.errno or 0
        problem = os.strerror(number) if number > 0 else error.strerror or error
        raise click.ClickException(f"cannot listen on {error.filename}: {problem}") from error
    finally:
        mock.stop()


def _fixture_files(path: Path) -> list[Path]:
    """Return the fixture files in a folder, by name; a file is itself. Raises BadParameter."""
    if path.suffix not in _FIXTURE_SUFFIXES and path.is_dir():
        found = sorted(file for file in path.iterdir() if file.suffix in _FIXTURE_SUFFIXES)
        return [_fixture_file(file) for file in found if not file.name.endswith("schema.json")]
    return [_fixture_file(path)]


def _fixture_file(path: Path) -> Path:
    """Return the path of a fixture file. Raises BadParameter for a folder in its place."""
    if path.is_dir():
        raise click.BadParameter(
            f"{path} is a folder, though it is named like a fixture file: Docker makes one where the file to mount is missing"
        )
    return path


def _region_port(text: str) -> tuple[str, int]:
    """Read `cn-shanghai=4589`. Raises BadParameter."""
    region, _, port = text.partition("=")
    if not (re.fullmatch("[0-9]{1,5}", port) and int(port) <= MAX_PORT):
        raise click.BadParameter(f"{text!r}: write it like cn-shanghai=4589")
    return region, int(port)


async def _serve(mock: KmsMock, fixture: Iterable[Path], log_handler: logs.BufferedHandler) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows has no signal handlers on its loop
            loop.add_signal_handler(number, stopped.set)
    with log_handler.buffering(loop.call_later):
        mock.controls.keep_calls_later()
        server = mock.http_server()
        server.start()
        # Everything allocated so far lives until the end, maybe 100,000 secrets: keep the collector from scanning it.
        gc.freeze()
        gc.enable()
        click.echo(f"kms-mock listening on http://{mock.config.endpoint(server.port)}")
        for region, _ in mock.config.region_ports:
            click.echo(f"kms-mock listening on http://{mock.config.endpoint(server.ports[region])} for {region}")
        sys.stdout.flush()
        click.echo("\n".join(_welcome(mock, fixture, server.port)))
        await stopped.wait()
        await server.stop()


def _welcome(mock: KmsMock, fixture: Iterable[Path], port: int) -> Iterator[str]:
    """Yield what a person wants to know of a server that has started."""
    is_any = mock.config.host in ("0.0.0.0", "::", "")  # noqa: S104 (no client connects to that)
    url = f"http://127.0.0.1:{port}" if is_any else f"http://{mock.config.endpoint(port)}"
    files = ", ".join(map(str, fixture)) or "no fixture file"
    found = ", ".join(_counts(mock)) or "nothing"
    where = "" if mock.config.port == DEFAULT_PORT else f" --url {url}"
    yield logs.printable(f"kms-mock {VERSION} with {files}: {found}", _MAX_LINE)
    yield f"page and control API: {url}/_kms_mock/ (kms-mock tail{where})"
    yield f'lead programs here: eval "$(kms-mock env{where})"; or run one with a mock of its own: kms-mock run -- COMMAND'


def _counts(mock: KmsMock) -> Iterator[str]:
    """Yield how many resources there are of each kind."""
    from kms_mock.fixtures.documents import SECTIONS  # noqa: PLC0415 (see above)

    for section in SECTIONS:
        count = sum(len(partition[section.resource]) for partition in mock.store.partitions())
        if count:
            yield f"{count} {section.name.replace('_', ' ') if count > 1 else section.resource.name}"
