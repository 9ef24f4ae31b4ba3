"""The command `client-key`: the file that clients of a KMS instance read, from a running server."""

from __future__ import annotations

from pathlib import Path

import click

from kms_mock.cli.client import ask_json
from kms_mock.cli.options import url_option
from kms_mock.defaults import CLIENT_KEY_PASSWORD


@click.command("client-key")
@url_option
@click.option("--instance", help="Id of the KMS instance; without it the only one, or the default one.")
@click.option("--password", default=CLIENT_KEY_PASSWORD, show_default=True, help="Password of the file.")
@click.option(
    "--dir",
    "folder",
    default=Path(),
    show_default="here",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the files.",
)
def client_key(*, url: str, instance: str | None, password: str, folder: Path) -> None:
    """Write a client key for a KMS instance.

    The file clientKey_<id>.json, and its password; prints the paths of both.

    The key is one whose private key a fixture file has, the same in every run, else a new one.
    """
    from kms_mock.fixtures.client_keys import ClientKeyFile  # noqa: PLC0415 (--help must not wait for it)

    told = ask_json(url, "POST", "client-key", {"instance": instance, "password": password}, field="content")
    try:
        path, password_path = ClientKeyFile(**told).write(folder)
    except OSError as error:
        raise click.ClickException(f"cannot write to {folder}: {error.strerror}") from error
    click.echo(f"{path}\n{password_path}")
