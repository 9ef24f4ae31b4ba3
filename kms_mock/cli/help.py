"""Help texts: commands with examples, and a group that lists its commands under headings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click


class Command(click.Command):
    """A command whose help ends with examples, a line each."""

    def __init__(self, *arguments: Any, examples: Iterable[str] = (), **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.examples = tuple(examples)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples."""
        super().format_epilog(ctx, formatter)
        if self.examples:
            with formatter.section("Examples"):
                formatter.write("".join(f"{'':{formatter.current_indent}}{line}\n" for line in self.examples))


class Group(Command, click.Group):
    """A group of commands with examples."""


class Headings(Group):
    """A group that lists its commands under headings, in order."""

    def __init__(self, *arguments: Any, commands: Mapping[str, Sequence[click.Command]], **options: Any) -> None:
        """`commands` are those of each heading."""
        super().__init__(*arguments, **options)
        self.headings = commands
        for listed in commands.values():
            for command in listed:
                self.add_command(command)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        """Return the names of the commands, in the order of the headings."""
        return [str(command.name) for listed in self.headings.values() for command in listed]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands, each with the first sentence of its help."""
        for heading, listed in self.headings.items():
            with formatter.section(heading):
                limit = formatter.width - 6 - max(len(name) for name in self.list_commands(ctx))
                formatter.write_dl([(str(command.name), command.get_short_help_str(limit)) for command in listed])
