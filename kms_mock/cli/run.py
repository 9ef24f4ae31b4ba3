"""The commands `run` and `env`: an unchanged program, in any language, with the mock where Alibaba Cloud would be."""

from __future__ import annotations

import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from kms_mock import logs
from kms_mock.cli.client import ask_server, server_url
from kms_mock.config import DEFAULT_PORT, DEFAULT_REGION, Config
from kms_mock.reach.formats import FORMATS

if TYPE_CHECKING:
    from kms_mock.control.calls import Call
    from kms_mock.mock import KmsMock

# The options of `serve` that mean something for a mock which serves one program of this machine.
_SHARED = (
    "fixture",
    "region",
    "region_port",
    "account",
    "seed",
    "journal",
    "journal_bytes",
    "ca_dir",
    "state",
    "state_passphrase_file",
    "reveal_secrets",
)
_KEY = "mock"  # the id and secret of an AccessKey where no other is known
_PORT = click.IntRange(0, 65535)
_MAX_TEXT = 300


def make_run(serve: click.Command) -> click.Command:
    """Return the command `run`, which shares options with `serve`."""
    shared: list[click.Parameter] = [option for option in serve.params if option.name in _SHARED]
    run = click.command("run", context_settings={"allow_interspersed_args": False})(_run)
    run.params = [*shared, *run.params]
    return run


@click.option("--port", default=0, show_default=True, help="Port of the mock; 0 takes a free one.", type=_PORT)
@click.option("--report", is_flag=True, help="Print at the end, on stderr, which operations were used and refused.")
@click.option(
    "--log-level",
    default="error",
    show_default=True,
    help="How much the mock logs, on stderr.",
    type=click.Choice(["debug", "info", "warning", "error"]),
)
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def _run(
    *,
    command: tuple[str, ...],
    fixture: tuple[Path, ...],
    report: bool,
    log_level: str,
    region_port: tuple[tuple[str, int], ...],
    **options: Any,
) -> None:
    """Run an unchanged program with a mock of its own.

    The command and what it starts find the mock at the real endpoints of KMS; no other host of Alibaba Cloud is
    reached. Ends with the command's exit status.
    """
    from kms_mock.fixtures.errors import FixtureError  # noqa: PLC0415 (--help must not wait for it)
    from kms_mock.mock import KmsMock  # noqa: PLC0415
    from kms_mock.reach.running import CannotRunError, run_program  # noqa: PLC0415
    from kms_mock.server.authority_files import AuthorityError  # noqa: PLC0415
    from kms_mock.sources import Sources  # noqa: PLC0415
    from kms_mock.store.errors import StateError  # noqa: PLC0415

    logs.configure(log_level, Sources.system().now)
    try:
        config = Config(region_ports=region_port, **options)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    try:
        mock = KmsMock(fixture, config=config)
    except (FixtureError, AuthorityError, StateError) as error:
        raise click.ClickException(str(error)) from error
    usage = _Usage()
    mock.calls.watch(usage.add)
    try:
        with _started(mock), tempfile.TemporaryDirectory(prefix="kms-mock-run-") as folder:
            status = run_program(command, _environment(mock, Path(folder)))
    except CannotRunError as error:
        click.echo(f"kms-mock: {error}", err=True)
        status = error.status
    if report:
        click.echo("\n".join(usage.lines()), err=True)
    sys.exit(status)


@contextmanager
def _started(mock: KmsMock) -> Iterator[None]:
    try:
        mock.start()
    except OSError as error:
        raise click.ClickException(f"cannot listen on port {mock.config.port}: {error.strerror}") from error
    try:
        yield
    finally:
        mock.stop()


def _environment(mock: KmsMock, folder: Path) -> dict[str, str]:
    """Return the environment of the program; the files that it names are in the folder."""
    from kms_mock.reach.intercept import find_access_key  # noqa: PLC0415
    from kms_mock.reach.program import environment_of, write_files  # noqa: PLC0415

    files = write_files(folder, mock.url, mock.ca_pem, os.environ)
    keys = find_access_key(mock.store, None)
    changes = environment_of(mock.url, mock.config.default_region, *keys, files, os.environ)
    merged = {**os.environ, **changes}
    return {name: value for name, value in merged.items() if value is not None}


class _Usage:
    """Counts calls for the report."""

    def __init__(self) -> None:
        self._calls: Counter[tuple[str, str]] = Counter()
        self._refusals: Counter[str] = Counter()

    def add(self, call: Call) -> None:
        """Count one call."""
        if call.action:
            self._calls[call.action, call.code] += 1
        else:
            self._refusals[call.reason or call.code] += 1

    def lines(self) -> list[str]:
        """Return the lines of the report."""
        actions = sorted({action for action, _ in self._calls})
        lines = [f"kms-mock: {len(actions)} operations, {self._calls.total()} calls"]
        for action in actions:
            codes = {code: count for (name, code), count in sorted(self._calls.items()) if name == action}
            spelled = ", ".join(f"{code or 'ok'} {count}x" for code, count in codes.items())
            lines.append(f"  {logs.printable(action, _MAX_TEXT)}: {spelled}")
        refusals = sorted(self._refusals.items())
        return lines + [f"  refused {count}x: {logs.printable(reason, _MAX_TEXT)}" for reason, count in refusals]


@click.command()
@click.option(
    "--url",
    default=f"http://127.0.0.1:{DEFAULT_PORT}",
    envvar="KMS_MOCK_URL",
    show_default=True,
    show_envvar=True,
    help="The running server.",
)
@click.option("--format", "form", default="shell", show_default=True, type=click.Choice(list(FORMATS)), help="How.")
@click.option("--region", default=DEFAULT_REGION, show_default=True, help="Region of the clients.")
@click.option("--access-key-id", default=_KEY, show_default=True, help="AccessKey of the clients.")
@click.option("--access-key-secret", default=_KEY, show_default=True, help="Its secret.")
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the files that the variables name; without one, it is in the user's state folder.",
)
def env(*, url: str, form: str, region: str, access_key_id: str, access_key_secret: str, folder: Path | None) -> None:
    """Print the environment that leads programs to a server.

    eval "$(kms-mock env)"
    """
    from kms_mock.reach.program import environment_of, write_files  # noqa: PLC0415 (--help must not wait for it)
    from kms_mock.server.authority_files import default_folder  # noqa: PLC0415

    url = server_url(url, ("http",))  # as proxies are named
    ca_pem = _authority(url)
    target = (folder or default_folder().with_name("env") / str(urlsplit(url).port)).absolute()
    try:
        files = write_files(target, url, ca_pem, os.environ)
    except OSError as error:
        raise click.ClickException(f"cannot write to {target}: {error.strerror}") from error
    variables = environment_of(url, region, access_key_id, access_key_secret, files, os.environ)
    click.echo(FORMATS[form](variables), nl=False)


def _authority(url: str) -> str:
    """Return the certificate of a running server's authority."""
    text = ask_server(url, "GET", "ca.pem").decode("ascii", "replace")
    if not text.startswith("-----BEGIN CERTIFICATE-----"):
        raise click.ClickException(f"no kms-mock at {url}: it has no certificate")
    return text
