"""Commands that ask a running server's control API: `health`, `reset`, `state`, `clock`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import click

from kms_mock import logs
from kms_mock.cli.client import MAX_TEXT, ask_json
from kms_mock.cli.help import Command
from kms_mock.cli.options import url_option
from kms_mock.cli.output import form_options, show, shown, table
from kms_mock.cli.state_file import state_file_options

if TYPE_CHECKING:
    from rich.console import RenderableType

Document = dict[str, Any]


def _document(file: Path) -> Any:
    """Read a fixture file, JSON or YAML, for sending it."""
    import msgspec  # noqa: PLC0415 (--help must not wait for it)

    from kms_mock import fixtures  # noqa: PLC0415

    try:
        _, document = fixtures.read(file)
    except fixtures.FixtureError as error:
        raise click.ClickException(logs.printable(str(error), MAX_TEXT)) from error
    return msgspec.to_builtins(document)


@click.command()
@url_option
@form_options
def health(url: str, form: str | None) -> None:
    """Check whether the server works."""
    found = ask_json(url, "GET", "health", field="version")
    show(found, form, lambda told: [f"{told['status']}: kms-mock {told['version']} at {url}, its clock: {told['now']}"])


@click.command()
@url_option
@form_options
def reset(url: str, form: str | None) -> None:
    """Go back to the fixture files.

    In everything: resources, clock, faults and calls.
    """
    show(ask_json(url, "POST", "reset"), form, lambda _: ["everything is as the fixture files describe it"])


@click.command(
    cls=Command,
    examples=["kms-mock state", "kms-mock state --yaml > fixture.yaml", "kms-mock state --replace fixture.yaml"],
)
@url_option
@form_options
@click.option("--replace", type=click.Path(path_type=Path), help="Replace everything by this fixture file.")
@click.option("--add", type=click.Path(path_type=Path), help="Add this fixture file.")
@state_file_options
def state(url: str, form: str | None, replace: Path | None, add: Path | None) -> None:
    """Show what there is, or change it.

    With --replace and --add everything happens, or nothing. --yaml and --json print a fixture document; for one with
    secret values, start the server with --reveal-secrets. --export and --import work on a state file, without a server.
    """
    files = [file for file in (replace, add) if file is not None]
    if files:
        documents = [_document(file) for file in files]
        sources = urlencode({f"source.{number}": str(file) for number, file in enumerate(files, 1)})
        changed = ask_json(url, "POST" if replace is None else "PUT", f"state?{sources}", documents)
        show(changed, form, lambda _: ["loaded: " + ", ".join(map(shown, files))])
        return
    found = ask_json(url, "GET", "state")
    if form is not None and found.get("masked"):
        hint = "note: secret values are masked, so this does not load; start the server with --reveal-secrets for them"
        click.echo(hint, err=True)
    from kms_mock.cli.state_tables import state_tables  # noqa: PLC0415 (--help must not wait for it)

    show(found, form, state_tables)


@click.command(
    cls=Command, examples=["kms-mock clock --advance 7d", "kms-mock clock --set 2030-01-01T00:00:00Z --freeze"]
)
@url_option
@form_options
@click.option("--set", "moment", help="Go to this moment (ISO 8601).")
@click.option("--advance", help="Move on by this step, such as 7d or 12h.")
@click.option("--freeze/--unfreeze", default=None, help="Let time stand still, or run on.")
@click.option("--tick-rate", type=float, help="Let this many seconds pass in one.")
def clock(
    *, url: str, form: str | None, moment: str | None, advance: str | None, freeze: bool | None, tick_rate: float | None
) -> None:
    """Show or move the clock, and what became due."""
    wanted = {"set": moment, "advance": advance, "freeze": freeze, "tick_rate": tick_rate}
    given = {name: value for name, value in wanted.items() if value is not None}
    show(ask_json(url, "PUT" if given else "GET", "clock", given or None, field="tick_rate"), form, _clock)


def _clock(document: Document) -> Iterator[RenderableType]:
    speed = "frozen" if document["frozen"] else f"{document['tick_rate']:g} seconds in one"
    yield f"{shown(document['now'])} ({'running' if document['tick_rate'] == 1 else speed})"
    if document["events"]:
        rows = [(event["at"], event["kind"], event["resource"], event["detail"]) for event in document["events"]]
        yield table(("at", "what", "resource", "detail"), rows, wrapped=("resource", "detail"))
