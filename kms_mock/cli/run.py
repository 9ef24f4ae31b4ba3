"""The command `run`: an unchanged program, in any language, with a mock where Alibaba Cloud would be."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kms_mock import logs
from kms_mock.cli.authorities import no_authorities
from kms_mock.cli.options import MAX_PORT
from kms_mock.cli.output import check_folder
from kms_mock.cli.serve import serve
from kms_mock.cli.usage import Usage
from kms_mock.defaults import OIDC_SUBJECT, ROLE_WAYS

if TYPE_CHECKING:
    from kms_mock.cli.record import Record
    from kms_mock.mock import KmsMock
    from kms_mock.reach.credentials import Credentials

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
_SILENT_LEVELS = ("warning", "error")  # of the log, without a line for each call
_SHARED_OPTIONS: list[click.Parameter] = [option for option in serve.params if option.name in _SHARED]


@click.command(params=_SHARED_OPTIONS, context_settings={"allow_interspersed_args": False})
@click.option(
    "--port",
    default=0,
    show_default=True,
    help="Port of the mock; 0 takes a free one.",
    type=click.IntRange(0, MAX_PORT),
)
@click.option("--role", help="Give the program this RAM role of the fixture files.")
@click.option("--via", help=f"How it gets the role; by default {ROLE_WAYS[0]}.", type=click.Choice(ROLE_WAYS))
@click.option("--oidc-subject", help=f"Subject of the token of --via oidc; by default {OIDC_SUBJECT}.")
@click.option(
    "--report",
    is_flag=True,
    help="Print at the end, on stderr, which operations were used, and which calls were refused, and why.",
)
@click.option(
    "--record",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Load this fixture file if it exists, and write into it what the program asked for and did not find.",
)
@click.option(
    "--log-level",
    default="error",
    show_default=True,
    help="How much the mock logs, on stderr.",
    type=click.Choice(["debug", "info", "warning", "error"]),
)
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def run(
    *,
    command: tuple[str, ...],
    fixture: tuple[Path, ...],
    report: bool,
    record: Path | None,
    role: str | None,
    via: str | None,
    oidc_subject: str | None,
    log_level: str,
    region_port: tuple[tuple[str, int], ...],
    **options: Any,
) -> None:
    """Run an unchanged program with a mock of its own.

    The command and what it starts find the mock at the real endpoints of KMS; no other host of Alibaba Cloud is
    reached. Ends with the command's exit status.
    """
    from kms_mock.reach.running import CannotRunError, run_program  # noqa: PLC0415 (--help must not wait for it)
    from kms_mock.sources import Sources  # noqa: PLC0415

    logs.configure(log_level, Sources.system().now)
    mock, recorded = _make_mock(fixture, record, region_ports=region_port, **options)
    usage = Usage()
    mock.calls.watch(usage.add)
    try:
        with _running(mock), tempfile.TemporaryDirectory(prefix="kms-mock-run-") as folder:
            found = _credentials(mock, role=role, via=via, oidc_subject=oidc_subject)
            status = run_program(command, _environment(mock, Path(folder), found))
    except CannotRunError as error:
        click.echo(f"kms-mock: {error}", err=True)
        status = error.status
    for line in usage.report() if report else _unreported(usage, status, log_level):
        click.echo(line, err=True)
    if recorded is not None and not recorded.write():
        status = status or 1
    sys.exit(status)


def _unreported(usage: Usage, status: int, log_level: str) -> list[str]:
    """Return why calls were refused, where the command failed and no log had it: the mock is gone afterwards."""
    return usage.refusals() if status != 0 and log_level in _SILENT_LEVELS else []


def _make_mock(fixture: tuple[Path, ...], record: Path | None, **options: Any) -> tuple[KmsMock, Record | None]:
    """Return the mock, and what records for `--record`. Raises ClickException for what cannot be used."""
    with no_authorities():
        from kms_mock.mock import KmsMock  # noqa: PLC0415 (as above)
    from kms_mock.config import Config  # noqa: PLC0415
    from kms_mock.fixtures.errors import FixtureError  # noqa: PLC0415
    from kms_mock.server.authority_files import AuthorityError  # noqa: PLC0415
    from kms_mock.store.errors import StateError  # noqa: PLC0415

    if record is not None and options["state"] is not None:
        raise click.UsageError("--record needs fixtures, which --state reads only the first time")
    if record is not None:
        check_folder(record)
    try:
        config = Config(**options)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    files = (*fixture, record) if record is not None and record.exists() else fixture
    try:
        mock = KmsMock(files, config=config)
    except (FixtureError, AuthorityError, StateError) as error:
        raise click.ClickException(str(error)) from error
    if record is None:
        return mock, None
    from kms_mock.cli.record import Record  # noqa: PLC0415 (few ask for it)

    return mock, Record(record, fixture, mock)


@contextmanager
def _running(mock: KmsMock) -> Iterator[None]:
    try:
        mock.start()
    except OSError as error:
        raise click.ClickException(f"cannot listen on port {mock.config.port}: {error.strerror}") from error
    try:
        yield
    finally:
        mock.stop()


def _environment(mock: KmsMock, folder: Path, credentials: Credentials) -> dict[str, str]:
    """Return the environment of the program; the files that it names are in the folder."""
    from kms_mock.reach.program import environment_of, write_files  # noqa: PLC0415

    files = write_files(folder, mock.url, mock.ca_pem, os.environ)
    variables = {**credentials.variables}
    for file in credentials.files:
        variables |= file.write(folder)
    changes = environment_of(mock.url, mock.config.default_region, variables, files, os.environ)
    merged = {**os.environ, **changes}
    return {name: value for name, value in merged.items() if value is not None}


def _credentials(mock: KmsMock, **options: str | None) -> Credentials:
    given: Any = {name: value for name, value in options.items() if value is not None}
    try:
        return mock.credentials(**given)
    except ValueError as error:  # a role that this way does not lead to, an AccessKey without a secret
        raise click.ClickException(str(error)) from error
