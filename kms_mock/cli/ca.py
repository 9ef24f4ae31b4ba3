"""The command `ca`: the certificate that clients must trust to use https."""

from __future__ import annotations

from pathlib import Path

import click

_folder = click.option(
    "--ca-dir",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="KMS_MOCK_CA_DIR",
    show_envvar=True,
    help="Folder of the certificate authority; without one, it is in the user's state folder.",
)


@click.command()
@_folder
@click.option("--pem", is_flag=True, help="Print the certificate itself.")
@click.option(
    "--p12", type=click.Path(path_type=Path, dir_okay=False), help="Write a PKCS#12 trust store for Java to this file."
)
@click.option("--password", default="changeit", show_default=True, help="Password of the trust store.")
def ca(ca_dir: Path | None, pem: bool, p12: Path | None, password: str) -> None:
    """Print where the certificate is that https needs.

    Clients must trust it; it is made if there is none.
    """
    from kms_mock.server import authority_files  # noqa: PLC0415 (--help must not wait for it)

    folder = ca_dir or authority_files.default_folder()
    try:
        authority = authority_files.load_or_make(folder)
    except authority_files.AuthorityError as error:
        raise click.ClickException(str(error)) from error
    if p12 is not None:
        try:
            p12.write_bytes(authority.trust_store(password))
        except OSError as error:
            raise click.ClickException(f"cannot write {p12}: {error.strerror}") from error
    if pem:
        click.echo(authority.pem.decode(), nl=False)
    else:
        click.echo(p12 or folder / authority_files.CERTIFICATE)
