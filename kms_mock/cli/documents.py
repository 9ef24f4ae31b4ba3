"""The command `docs`: the documentation, for reading without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from kms_mock import shipped
from kms_mock.cli.help import Command
from kms_mock.suggestions import did_you_mean


@click.command(cls=Command, examples=["kms-mock docs run", "kms-mock docs run | grep -A 9 JAVA"])
@click.argument("topic", required=False)
def docs(topic: str | None) -> None:
    """List the pages of the documentation, or show one.

    As Markdown, unless it goes to a terminal.
    """
    folder = shipped.folder("docs")
    pages = {page.relative_to(folder).with_suffix("").as_posix(): page for page in sorted(folder.rglob("*.md"))}
    if topic is None:
        from kms_mock.cli.output import console, table  # noqa: PLC0415 (--help must not wait for it)

        console().print(table(("topic", "page"), [(name, _title(page)) for name, page in pages.items()]))
        return
    wanted = topic.removesuffix(".md").removeprefix("docs/")
    if wanted not in pages:
        raise click.ClickException(f"there is no page {topic[:60]!r}{did_you_mean(wanted, pages) or '.'}")
    _show(pages[wanted].read_text("utf-8"))


def _title(page: Path) -> str:
    with page.open(encoding="utf-8") as file:
        return next((line.lstrip("# ").strip() for line in file if line.startswith("# ")), "")


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
