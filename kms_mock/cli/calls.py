"""The commands `requests` and `tail`: the calls that a running server remembers, and those that come in."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode

import click

from kms_mock.cli.client import ask_json
from kms_mock.cli.help import Command
from kms_mock.cli.options import url_option
from kms_mock.cli.output import console, counted, form_options, json_text, noted_rows, show, shown, table

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

F = TypeVar("F", bound=Callable[..., Any])
Document = dict[str, Any]

_PAUSE_SECONDS = 0.3
_FIRST_ERROR = 400  # the lowest status of a refusal
_COLUMNS = (("action", 22), ("resource", 24))  # of a line of `tail`, with their widths


def filter_options(command: F) -> F:
    """Declare the options that choose calls."""
    options = (
        click.option("--action", help="Only calls of this operation."),
        click.option("--code", help='Only calls with this error code; "" for successes.'),
        click.option("--caller", help="Only calls with this AccessKey id."),
        click.option("--text", help="Only calls that show this text: in a parameter, the reason, a change."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command(
    cls=Command,
    examples=[
        "kms-mock requests --code Forbidden.ResourceNotFound",
        "kms-mock requests --text app/db --json",
        "kms-mock requests 2",
    ],
)
@click.argument("number", type=click.IntRange(1), required=False)
@url_option
@filter_options
@form_options
@click.option("--clear", is_flag=True, help="Forget all calls instead.")
def requests(
    *, number: int | None, url: str, form: str | None, clear: bool, text: str | None, **filters: str | None
) -> None:
    """Show the remembered calls, secrets masked.

    With a NUMBER, the first column, show the whole of one call: everything that was sent and answered.
    """
    if number is not None:
        if clear or text is not None or any(value is not None for value in filters.values()):
            raise click.UsageError("a number chooses one call: leave out --clear and the filters")
        show(ask_json(url, "GET", f"requests/{number}", field="call"), form, _exchange_tables)
        return
    if clear:
        show(ask_json(url, "DELETE", "requests"), form, lambda _: ["all calls are forgotten"])
        return
    document = _ask(url, 0, filters)
    document["requests"] = [call for call in document["requests"] if _has(call, text)]
    show(document, form, _calls_table)


@click.command(cls=Command, examples=["kms-mock tail", "kms-mock tail --code Forbidden.NoPermission"])
@url_option
@filter_options
@click.option("--json", "is_json", is_flag=True, help="Print each call as a line of JSON.")
@click.option("-n", "--lines", default=10, show_default=True, type=click.IntRange(0), help="How many earlier calls.")
def tail(url: str, is_json: bool, lines: int, text: str | None, **filters: str | None) -> None:
    """Show calls as they come in.

    A line for each: what was asked for, what was answered, and why. Ctrl+C ends it.
    """
    terminal = console()

    def write(calls: list[Document]) -> None:
        for call in calls:
            if is_json:
                click.echo(json_text(call, indent=None))
            else:
                terminal.print(call_line(call), soft_wrap=True)

    matching = [call for call in _ask(url, 0, filters)["requests"] if _has(call, text)]
    write(matching[len(matching) - min(lines, len(matching)) :])
    try:
        for calls in _news(url, filters, matching[-1] if matching else None):  # pragma: no branch (it never ends)
            write([call for call in calls if _has(call, text)])
    except KeyboardInterrupt:
        return


def _news(url: str, filters: Mapping[str, str | None], last: Document | None) -> Iterator[list[Document]]:
    """Yield the calls after the last one that was seen, again and again; waits for a server that is started anew."""
    is_gone = False
    while True:
        time.sleep(_PAUSE_SECONDS)
        try:
            calls = _ask(url, 0 if last is None else last["number"] - 1, filters)["requests"]
            if last is not None and not any(call["request_id"] == last["request_id"] for call in calls[:1]):
                calls = _ask(url, 0, filters)["requests"]  # the journal was cleared, or the server started anew
        except click.ClickException as error:
            if not is_gone:
                click.echo(f"{error.message}; waiting for it", err=True)
            is_gone = True
            continue
        is_gone = False
        if last is not None and calls and calls[-1]["number"] >= last["number"]:
            calls = [call for call in calls if call["number"] > last["number"]]
        last = calls[-1] if calls else last
        yield calls


def _ask(url: str, since: int, filters: Mapping[str, str | None]) -> Document:
    names = {"caller": "access_key_id"}
    query = {names.get(name, name): value for name, value in filters.items() if value is not None}
    found: Document = ask_json(url, "GET", f"requests?{urlencode({**query, 'since': str(since)})}", field="requests")
    return found


def _has(call: Document, text: str | None) -> bool:
    """Return whether a call shows a text, in capitals or not."""
    if text is None:
        return True
    names = ("action", "code", "reason", "fault", "access_key_id")
    texts = [*(call[name] for name in names), *call["parameters"].values(), *call["changes"]]
    return any(text.lower() in each.lower() for each in texts)


def _calls_table(document: Document) -> Iterator[RenderableType]:
    calls = document["requests"]
    if calls:
        rows = [
            (call["number"], call["at"][11:19], call["action"] or "-", call["resource"], (answer(call), style(call)))
            for call in calls
        ]
        yield from noted_rows(("#", "time", "operation", "resource", "answer"), rows, [why(call) for call in calls])
    evicted = f", {counted(document['evicted'], 'older one')} evicted" if document["evicted"] else ""
    yield f"{counted(len(calls), 'call')}{evicted}"


def _exchange_tables(document: Document) -> Iterator[RenderableType]:
    """Yield tables of one call: what the server knows of it, what was sent, what was answered."""
    call = {**document["call"], "changes": ", ".join(document["call"]["changes"])}
    known = {name.replace("_", " "): value for name, value in call.items() if name != "parameters" and value != ""}
    for heading, fields in (("call", known), ("sent", document["sent"]), ("answer", document["answer"])):
        rows = [
            (name, value if isinstance(value, str) else json_text(value, indent=None)) for name, value in fields.items()
        ]
        yield table((heading, ""), rows, wrapped=("",))


def call_line(call: Document) -> Text:
    """Return a call as one line: time, operation, resource, status and code, why."""
    from rich.text import Text  # noqa: PLC0415 (--help must not wait for it)

    line = Text().append(f"{call['at'][11:19]} ", "dim")
    for name, width in _COLUMNS:
        line.append(f"{shown(call[name]) or '-':<{width}} ", "bold" if name == "action" else None)
    line.append(answer(call), style(call))
    return line.append(f"  {shown(text)}") if (text := why(call)) else line


def answer(call: Document) -> str:
    """Return status and code."""
    return f"{call['status']} {shown(call['code']) or 'ok'}"


def why(call: Document) -> str:
    """Return why a call was refused, which fault struck it, or what it changed."""
    fault = f"fault: {call['fault']}" if call["fault"] else ""
    return fault or call["reason"] or ", ".join(call["changes"])


def style(call: Document) -> str:
    """Return the style of an answer: green, red for a refusal, magenta for a fault."""
    return "magenta" if call["fault"] else "green" if call["status"] < _FIRST_ERROR else "red"
