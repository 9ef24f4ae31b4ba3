"""How commands print: tables and lines for people, JSON and YAML for programs.

Whatever a client or a file may have written is made printable. Colours are for terminals only, and not with NO_COLOR.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from kms_mock.logs import printable

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

F = TypeVar("F", bound=Callable[..., Any])

_MAX_CELL = 2000  # characters
_LEAST_WIDTH = 8
_UNLIMITED = 100_000  # columns of what is no terminal: there is nothing to wrap for


def form_options(command: F) -> F:
    """Declare --json and --yaml, which decide the argument `form`: None for people."""
    command = click.option("--yaml", "form", flag_value="yaml", help="Print YAML.")(command)
    return click.option("--json", "form", flag_value="json", default=None, help="Print JSON.")(command)


def show(document: Any, form: str | None, render: Callable[[Any], Iterable[RenderableType]]) -> None:
    """Print a document in a form; `render` returns what a person reads of it."""
    if form == "json":
        click.echo(json_text(document))
    elif form == "yaml":
        from kms_mock.fixtures.writing import yaml_text  # noqa: PLC0415 (--help must not wait for it)

        click.echo(yaml_text(document), nl=False)
    else:
        terminal = console()
        for each in render(document):
            terminal.print(each, soft_wrap=isinstance(each, str))


def check_folder(file: Path) -> None:
    """Raise UsageError where the folder of a file to write is missing: before the work, not after it."""
    folder = file.absolute().parent
    if not folder.is_dir():
        raise click.UsageError(f"there is no folder {folder}")


def json_text(document: Any, indent: int | None = 2) -> str:
    """Write JSON for a terminal: what is not printable, such as control characters and marks of direction, is escaped."""
    text = json.dumps(document, indent=indent, ensure_ascii=False)
    if text.replace("\n", "").isprintable():
        return text
    return "".join(each if each.isprintable() or each == "\n" else json.dumps(each)[1:-1] for each in text)


def console() -> Console:
    """Return where to print for people."""
    from rich.console import Console  # noqa: PLC0415 (--help must not wait for it)

    terminal = Console(highlight=False, markup=False, emoji=False)
    return terminal if terminal.is_terminal else Console(highlight=False, markup=False, emoji=False, width=_UNLIMITED)


def table(headings: Sequence[str], rows: Iterable[Sequence[Any]], *, wrapped: Sequence[str] = ()) -> RenderableType:
    """Return a table. A cell is a value or a pair of a value and its style; columns in `wrapped` may take several lines."""
    from rich.table import Table  # noqa: PLC0415 (see above)

    made = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold underline")
    for heading in headings:
        made.add_column(heading, no_wrap=heading not in wrapped, overflow="fold" if heading in wrapped else "ellipsis")
    for row in rows:
        made.add_row(*(styled(*cell) if isinstance(cell, tuple) else styled(cell) for cell in row))
    return made


def noted_rows(
    headings: Sequence[str], rows: Sequence[Sequence[Any]], notes: Sequence[str]
) -> Iterator[RenderableType]:
    """Yield the rows of a table, each with a note: behind it where there is room, else below it."""
    from rich.padding import Padding  # noqa: PLC0415 (see above)
    from rich.text import Text  # noqa: PLC0415

    cells = [[styled(*cell) if isinstance(cell, tuple) else styled(cell) for cell in row] for row in rows]
    columns = [[Text(heading, "bold underline"), *(row[at] for row in cells)] for at, heading in enumerate(headings)]
    widths = [max(cell.cell_len for cell in column) for column in columns]
    free = console().width - sum(widths) - 2 * (len(widths) - 1)
    if free < 0:  # the widest column is shortened
        widest = widths.index(max(widths))
        widths[widest] = max(widths[widest] + free, _LEAST_WIDTH)
    for number, line in enumerate(zip(*columns, strict=True)):
        for cell, width in zip(line, widths, strict=True):
            cell.truncate(width, overflow="ellipsis", pad=True)
        joined = Text("  ").join(line)
        note = styled(notes[number - 1] if number else "")
        if note.cell_len + 2 <= free:
            joined.append("  ").append(note)
        joined.rstrip()
        yield joined
        if note.cell_len + 2 > max(free, 2):
            yield Padding(note, (0, 0, 0, widths[0] + 2))


def styled(value: Any, style: str = "") -> Text:
    """Return a value as text with a style of rich, made printable."""
    from rich.text import Text  # noqa: PLC0415 (see above)

    return Text(shown(value), style)


def counted(count: int, noun: str, plural: str = "") -> str:
    """Return `1 call` or `2 calls`; `plural` is for a noun that takes more than an s."""
    return f"{count} {noun if count == 1 else plural or f'{noun}s'}"


def shown(value: Any) -> str:
    """Return a value as one line of printable text, "" for None."""
    return "" if value is None else printable(str(value), _MAX_CELL)
