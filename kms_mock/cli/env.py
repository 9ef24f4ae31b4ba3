"""The command `env`: the environment in which programs find a running server."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

import click

from kms_mock.cli.client import ask_server, server_url
from kms_mock.cli.options import url_option
from kms_mock.defaults import DEFAULT_REGION, DUMMY
from kms_mock.reach.formats import FORMATS, UNSETTING_FORMATS, compose_service

_COMPOSE = "compose"
_OWN_HOST = "host.docker.internal"  # what containers call the machine that they run on


@click.command()
@url_option
@click.option(
    "--service-url",
    help="The server as the programs reach it, where that is by another URL. With --format compose it is by default "
    f"http://{_OWN_HOST}:PORT.",
)
@click.option(
    "--format",
    "form",
    default="export",
    show_default=True,
    type=click.Choice([*FORMATS, _COMPOSE]),
    help="How to write it.",
)
@click.option("--region", default=DEFAULT_REGION, show_default=True, help="Region of the clients.")
@click.option("--access-key-id", default=DUMMY, show_default=True, help="AccessKey of the clients.")
@click.option("--access-key-secret", default=DUMMY, show_default=True, help="Its secret.")
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the files that the variables name; without one, it is in the user's state folder.",
)
@click.option("--unset", is_flag=True, help="Take back what this command set in the environment; no server is needed.")
def env(
    *,
    url: str,
    service_url: str | None,
    form: str,
    region: str,
    access_key_id: str,
    access_key_secret: str,
    folder: Path | None,
    unset: bool,
) -> None:
    """Print the environment that leads programs to a server.

    eval "$(kms-mock env)", and eval "$(kms-mock env --unset)" for the way back.
    """
    if unset:
        click.echo(_undone(form), nl=False)
        return
    from kms_mock.reach.credentials import of_access_key  # noqa: PLC0415 (--help must not wait for it)
    from kms_mock.reach.program import environment_of, write_files  # noqa: PLC0415

    url = server_url(url, ("http",))  # as proxies are named
    if service_url is None:
        service_url = f"http://{_OWN_HOST}:{urlsplit(url).port}" if form == _COMPOSE else url
    service_url = server_url(service_url, ("http",), "--service-url")
    ca_pem = _authority(url)
    target = (folder or _default_folder(url, service_url)).absolute()
    # Lists of options are continued where there are some already, but a container's are not this shell's.
    inherited = {} if form == _COMPOSE else os.environ
    try:
        files = write_files(target, service_url, ca_pem, os.environ)
    except OSError as error:
        raise click.ClickException(f"cannot write to {target}: {error.strerror}") from error
    credentials = of_access_key(access_key_id, access_key_secret).variables
    variables = environment_of(service_url, region, credentials, files, inherited)
    if form == _COMPOSE:
        host = urlsplit(service_url).hostname
        text = compose_service(variables, target, host if host == _OWN_HOST else None)
    else:
        text = FORMATS[form](variables)
    click.echo(text, nl=False)


def _undone(form: str) -> str:
    """Return what takes this process's environment back, in a format. Raises UsageError and ClickException."""
    from kms_mock.reach.program import undone_environment  # noqa: PLC0415 (as above)

    if form not in UNSETTING_FORMATS:
        raise click.UsageError(f"the format {form} cannot unset a variable: take {', '.join(UNSETTING_FORMATS)}")
    try:
        return FORMATS[form](undone_environment(os.environ))
    except KeyError as error:
        raise click.ClickException(f"there is nothing to take back: {error.args[0]} is not set here") from error


def _default_folder(url: str, service_url: str) -> Path:
    """Return a folder for the files of a server; programs that reach it by another URL have one of their own."""
    from kms_mock.server.authority_files import default_folder  # noqa: PLC0415 (imports cryptography)

    name = str(urlsplit(url).port)
    if service_url != url:
        name = f"{name}-{urlsplit(service_url).netloc.replace(':', '-')}"
    return default_folder().with_name("env") / name


def _authority(url: str) -> str:
    """Return the certificate of a running server's authority."""
    text = ask_server(url, "GET", "ca.pem").decode("ascii", "replace")
    if not text.startswith("-----BEGIN CERTIFICATE-----"):
        raise click.ClickException(f"no kms-mock at {url}: it has no certificate")
    return text
