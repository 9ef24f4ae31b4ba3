"""The command `docs`: the documentation, for reading without a network."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from kms_mock import shipped
from kms_mock.cli.help import Command
from kms_mock.suggestions import did_you_mean

_LINES = re.MULTILINE


@click.command(cls=Command, examples=["kms-mock docs run", "kms-mock docs run | grep -A 9 JAVA"])
@click.argument("topic", required=False)
def docs(topic: str | None) -> None:
    """List the pages of the documentation, or show one.

    As Markdown, unless it goes to a terminal. Of a word that is no topic it names the pages that have it in a heading.
    """
    folder = shipped.folder("docs")
    pages = {page.relative_to(folder).with_suffix("").as_posix(): page for page in sorted(folder.rglob("*.md"))}
    if topic is None:
        from kms_mock.cli.output import console, table  # noqa: PLC0415 (--help must not wait for it)

        console().print(table(("topic", "page"), [(name, _title(page)) for name, page in pages.items()]))
        click.echo("\nkms-mock docs TOPIC shows a page; of another word it names the pages that have it in a heading.")
        return
    wanted = topic.removesuffix(".md").removeprefix("docs/")
    if wanted not in pages:
        near = did_you_mean(wanted, pages) + _pages_about(wanted, pages)
        raise click.ClickException(f"there is no page {topic[:60]!r}{near or ': kms-mock docs lists them'}")
    _show(pages[wanted].read_text("utf-8"))


def _title(page: Path) -> str:
    with page.open(encoding="utf-8") as file:
        return next((line.lstrip("# ").strip() for line in file if line.startswith("# ")), "")


def _pages_about(word: str, pages: Mapping[str, Path]) -> str:
    """Return the pages with a word in a heading or a tab, for the end of a message; nothing if there is none."""
    is_about = re.compile(rf"\b{re.escape(word)}s?\b", re.IGNORECASE)
    found = [name for name, page in pages.items() if any(map(is_about.search, _headings(page.read_text("utf-8"))))]
    return f"; it is in headings of: {', '.join(found)}" if found else ""


def _headings(text: str) -> list[str]:
    """Return the title, headings and tabs of a page, without comments in its code."""
    return re.findall(r"^(?:#+|===) (.+)$", re.sub(r"^ *```.*?^ *```$", "", text, flags=_LINES | re.DOTALL), _LINES)


def _show(text: str) -> None:
    from kms_mock.cli.output import console  # noqa: PLC0415 (see above)

    terminal = console()
    if not terminal.is_terminal:
        click.echo(text, nl=False)
        return
    from rich.markdown import Markdown  # noqa: PLC0415

    pager: Any = terminal.pager(styles=True)
    with pager:
        terminal.print(Markdown(text))
