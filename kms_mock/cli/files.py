"""Commands that need no server: `validate`, `schema`, `operations`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from kms_mock import logs
from kms_mock.cli.client import MAX_TEXT
from kms_mock.cli.help import Command

PATTERNS = ("kms-mock*.yaml", "**/kms-mock/*.yaml")  # what fixture files are called, for an editor


@click.command(cls=Command, examples=["kms-mock validate fixtures/*.yaml"])
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def validate(files: tuple[Path, ...]) -> None:
    """Check that each fixture file loads by itself."""
    from kms_mock.fixtures.errors import FixtureError  # noqa: PLC0415 (--help must not wait for it)
    from kms_mock.mock import KmsMock  # noqa: PLC0415

    failed = False
    for file in files:
        try:
            KmsMock([file])
        except FixtureError as error:
            failed = True
            click.ClickException(logs.printable(str(error), MAX_TEXT)).show()
        else:
            click.echo(f"{file}: ok")
    if failed:
        sys.exit(1)


@click.command(cls=Command, examples=["kms-mock schema > kms-mock.schema.json", "kms-mock schema --vscode"])
@click.option("--vscode", is_flag=True, help="Write it to .vscode here, and name it in the settings.")
@click.option(
    "--files",
    "patterns",
    multiple=True,
    metavar="PATTERN",
    default=PATTERNS,
    show_default=True,
    help="With --vscode: which files are fixture files. May be given more than once.",
)
def schema(vscode: bool, patterns: tuple[str, ...]) -> None:
    """Print the JSON Schema of fixture files."""
    from kms_mock.cli import editor  # noqa: PLC0415 (--help must not wait for it)

    if not vscode:
        click.echo(editor.schema_text())
        return
    try:
        written = editor.wire_vscode(Path(), patterns)
    except editor.SettingsError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"cannot write {error.filename}: {error.strerror}") from error
    for path in written:
        click.echo(f"wrote {path}")


@click.command(cls=Command, examples=["kms-mock operations GetSecretValue"])
@click.argument("name", required=False)
def operations(name: str | None) -> None:
    """List the operations, or show one.

    With parameters, errors and rules, as Markdown.
    """
    from kms_mock.control.operations_page import markdown, markdown_of  # noqa: PLC0415
    from kms_mock.parity.results import settled_rules  # noqa: PLC0415
    from kms_mock.products import APIS  # noqa: PLC0415
    from kms_mock.suggestions import did_you_mean  # noqa: PLC0415

    if name is None:
        click.echo(markdown(APIS, settled_rules()), nl=False)
        return
    page = markdown_of(APIS, name, settled_rules())
    if page is None:
        known = [known for api in APIS for known in api.operations]
        raise click.ClickException(f"there is no operation {name[:60]!r}{did_you_mean(name, known) or '.'}")
    click.echo(page, nl=False)
