"""Commands that ask a running server's control API: `health`, `reset`, `state`, `clock`, `requests`, `faults`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import click

from kms_mock import logs
from kms_mock.cli.client import MAX_TEXT, ask_server
from kms_mock.cli.options import url_option
from kms_mock.cli.state_file import state_file_options


def _ask(url: str, method: str, path: str, document: Any = None) -> None:
    """Call the control API and print its answer."""
    try:
        told = json.loads(ask_server(url, method, path, document))
    except ValueError as error:
        raise click.ClickException(f"no kms-mock at {url}: it does not answer in JSON") from error
    click.echo(_terminal_json(told))


def _terminal_json(document: Any) -> str:
    """Write JSON for a terminal: what is not printable, such as control characters and marks of direction, is escaped."""
    text = json.dumps(document, indent=2, ensure_ascii=False)
    if text.replace("\n", "").isprintable():
        return text
    return "".join(
        character if character.isprintable() or character == "\n" else json.dumps(character)[1:-1] for character in text
    )


def _document(file: Path) -> Any:
    """Read a fixture file, JSON or YAML, for sending it."""
    import msgspec  # noqa: PLC0415

    from kms_mock import fixtures  # noqa: PLC0415

    try:
        _, document = fixtures.read(file)
    except fixtures.FixtureError as error:
        raise click.ClickException(logs.printable(str(error), MAX_TEXT)) from error
    return msgspec.to_builtins(document)


@click.command()
@url_option
def health(url: str) -> None:
    """Check whether the server works."""
    _ask(url, "GET", "health")


@click.command()
@url_option
def reset(url: str) -> None:
    """Go back to the fixture files."""
    _ask(url, "POST", "reset")


@click.command()
@url_option
@click.option("--replace", type=click.Path(path_type=Path), help="Replace everything by this fixture file.")
@click.option("--add", type=click.Path(path_type=Path), help="Add this fixture file.")
@state_file_options
def state(url: str, replace: Path | None, add: Path | None) -> None:
    """Show the store as a fixture document, or change it. With both options everything happens, or nothing."""
    files = [file for file in (replace, add) if file is not None]
    if not files:
        _ask(url, "GET", "state")
        return
    documents = [_document(file) for file in files]
    sources = urlencode({f"source.{number}": str(file) for number, file in enumerate(files, 1)})
    _ask(url, "POST" if replace is None else "PUT", f"state?{sources}", documents)


@click.command()
@url_option
@click.option("--set", "moment", help="Go to this moment (ISO 8601).")
@click.option("--advance", help="Move on by this step, such as 7d or 12h.")
@click.option("--freeze/--unfreeze", default=None, help="Let time stand still, or run on.")
@click.option("--tick-rate", type=float, help="Let this many seconds pass in one.")
def clock(url: str, moment: str | None, advance: str | None, freeze: bool | None, tick_rate: float | None) -> None:
    """Show or move the clock; prints what became due."""
    wanted = {"set": moment, "advance": advance, "freeze": freeze, "tick_rate": tick_rate}
    given = {name: value for name, value in wanted.items() if value is not None}
    _ask(url, "PUT" if given else "GET", "clock", given or None)


@click.command("requests")
@url_option
@click.option("--action", help="Only calls of this operation.")
@click.option("--clear", is_flag=True, help="Forget all calls instead.")
def requests(url: str, action: str | None, clear: bool) -> None:
    """Show the remembered calls, secrets masked."""
    query = f"?action={quote(action)}" if action else ""
    _ask(url, "DELETE" if clear else "GET", "requests" if clear else f"requests{query}")


@click.command()
@url_option
@click.argument("fault", required=False)
@click.option("--clear", is_flag=True, help="Take all faults back.")
def faults(url: str, fault: str | None, clear: bool) -> None:
    """Show the faults, or ask for one: '{"operation": "GetSecretValue", "code": "Rejected.Throttling", "times": 2}'."""
    if clear:
        _ask(url, "DELETE", "faults")
    elif fault is None:
        _ask(url, "GET", "faults")
    else:
        try:
            document = json.loads(fault)
        except ValueError as error:
            raise click.BadParameter(f"not JSON: {error}", param_hint="FAULT") from error
        _ask(url, "POST", "faults", document)
