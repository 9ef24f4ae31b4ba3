"""Commands that need no server: `validate`, `operations`."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def validate(files: tuple[Path, ...]) -> None:
    """Check that each fixture file loads by itself."""
    from kms_mock.fixtures.errors import FixtureError  # noqa: PLC0415
    from kms_mock.mock import KmsMock  # noqa: PLC0415

    failed = False
    for file in files:
        try:
            KmsMock([file])
        except FixtureError as error:
            failed = True
            click.echo(f"error: {error}", err=True)
        else:
            click.echo(f"{file}: ok")
    if failed:
        sys.exit(1)


@click.command()
@click.argument("name", required=False)
def operations(name: str | None) -> None:
    """List the operations with their parameters and errors, or show the one called NAME, as Markdown."""
    from kms_mock.control.operations_page import markdown, markdown_of  # noqa: PLC0415
    from kms_mock.products import APIS  # noqa: PLC0415
    from kms_mock.suggestions import did_you_mean  # noqa: PLC0415

    if name is None:
        click.echo(markdown(APIS), nl=False)
        return
    page = markdown_of(APIS, name)
    if page is None:
        known = [known for api in APIS for known in api.operations]
        raise click.ClickException(f"there is no operation {name[:60]!r}{did_you_mean(name, known) or '.'}")
    click.echo(page, nl=False)
