"""Help texts: commands with examples, and a group that lists its commands under headings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any

import click


class Command(click.Command):
    """A command whose help ends with examples, a line each."""

    def __init__(self, *arguments: Any, examples: Iterable[str], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.examples = tuple(examples)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples."""
        super().format_epilog(ctx, formatter)
        with formatter.section("Examples"):
            formatter.write("".join(f"{'':{formatter.current_indent}}{line}\n" for line in self.examples))


class Group(Command, click.Group):
    """A group of commands with examples."""


class Headings(Group):
    """A group that lists its commands under headings, in order. A command's module is imported when it is asked for."""

    def __init__(self, *arguments: Any, package: str, places: Mapping[str, Mapping[str, str]], **options: Any) -> None:
        """`places` are, of each heading, the names of its commands, each with where it is: its module in a package, its name there."""
        super().__init__(*arguments, **options)
        self._package = package
        self._headings = {heading: list(listed) for heading, listed in places.items()}
        self._places = {name: place for listed in places.values() for name, place in listed.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        """Return the names of the commands, in the order of the headings."""
        return list(self._places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, None for a name that none has."""
        wanted = [cmd_name] if cmd_name in self._places else list(self._places)  # click suggests one that is there
        for name in wanted:
            if name not in self.commands:
                module, _, attribute = self._places[name].partition(".")
                self.add_command(getattr(import_module(f"{self._package}.{module}"), attribute), name)
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands, each with the first sentence of its help."""
        limit = formatter.width - 6 - max(map(len, self._places))
        for heading, names in self._headings.items():
            with formatter.section(heading):
                commands = [(name, self.get_command(ctx, name)) for name in names]
                formatter.write_dl([(name, found.get_short_help_str(limit)) for name, found in commands if found])
