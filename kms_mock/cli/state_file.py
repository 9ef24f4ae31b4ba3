"""The state file from the command line: `kms-mock state --export` and `--import`, without a server."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from kms_mock.cli.options import option
from kms_mock.defaults import DEFAULT_ACCOUNT, DEFAULT_REGION

if TYPE_CHECKING:
    from kms_mock.config import Config

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "--export",
        "exported",
        type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
        help="Write what is in the state file into this fixture file (.json or .yaml), values and key material included; no "
        "server may use the state file meanwhile. - is the terminal.",
    ),
    click.option(
        "--import",
        "imported",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Make the state file, which must not exist, from this fixture file.",
    ),
    option(
        "--state",
        None,
        "The state file to export or import.",
        type=click.Path(path_type=Path, dir_okay=False),
    ),
    option(
        "--state-passphrase-file",
        None,
        "File with the passphrase of the state file.",
        type=click.Path(path_type=Path, dir_okay=False),
    ),
    option("--account", DEFAULT_ACCOUNT, "Account of what the imported file names at its top."),
    option("--region", DEFAULT_REGION, "Region of what the imported file names at its top."),
)


def state_file_options(command: F) -> F:
    """Add the options to a command with which it exports or imports a state file instead of what it does."""

    @wraps(command)
    def run(*, exported: Path | None, imported: Path | None, **options: Any) -> None:
        names = ("state", "state_passphrase_file", "account", "region")
        of_file = {name: options.pop(name) for name in names}
        if exported is None and imported is None:
            command(**options)
        elif exported is not None and imported is not None:
            raise click.UsageError("name either --export or --import")
        elif of_file["state"] is None:
            raise click.UsageError("name the state file with --state")
        else:
            from kms_mock.config import Config  # noqa: PLC0415 (--help must not wait for msgspec)

            try:
                config = Config(**of_file)
            except ValueError as error:
                raise click.UsageError(str(error)) from error
            _convert(config, exported, imported)

    found: Any = run
    for add in reversed(_OPTIONS):
        found = add(found)
    return found  # type: ignore[no-any-return]


def _convert(config: Config, exported: Path | None, imported: Path | None) -> None:
    from kms_mock.fixtures.errors import FixtureError  # noqa: PLC0415 (--help must not wait for it)
    from kms_mock.mock import KmsMock  # noqa: PLC0415
    from kms_mock.store.errors import StateError  # noqa: PLC0415

    path = config.state
    there = path is not None and path.exists() and path.stat().st_size > 0
    if exported is not None and not there:
        raise click.ClickException(f"there is no state file {path}")
    if imported is not None and there:
        raise click.ClickException(f"{path} exists: remove it first, or name another one")
    try:
        mock = KmsMock([] if imported is None else [imported], config=config)
    except (FixtureError, StateError) as error:
        raise click.ClickException(str(error)) from error
    try:
        if exported is not None:
            _write(exported, mock.snapshot())
    finally:
        mock.stop()


def _write(path: Path, document: Mapping[str, Any]) -> None:
    """Write a fixture file with secret values, which its owner alone may read."""
    from kms_mock.fixtures.writing import json_text, write_document  # noqa: PLC0415

    if str(path) == "-":
        click.echo(json_text(document), nl=False)
        return
    mask = os.umask(0o077)
    try:
        write_document(path, document)
    except OSError as error:
        raise click.ClickException(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        os.umask(mask)
