"""The command `faults`: errors, delays and broken answers that a running server is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from kms_mock.cli.client import ask_json
from kms_mock.cli.help import Command, Group
from kms_mock.cli.options import url_option
from kms_mock.cli.output import form_options, show, table

if TYPE_CHECKING:
    from msgspec.inspect import Type
    from rich.console import RenderableType

Document = dict[str, Any]
_COUNTS = ("id", "matched", "struck", "spent", "phase")
_AIMS = ("operation", "resource", "caller")


@click.group(
    cls=Group,
    examples=[
        "kms-mock faults add --operation GetSecretValue --code Rejected.Throttling --times 2",
        "kms-mock faults remove 1",
    ],
    invoke_without_command=True,
)
@url_option
@form_options
@click.pass_context
def faults(context: click.Context, url: str, form: str | None) -> None:
    """Show the faults, add or remove some."""
    if context.invoked_subcommand is None:
        show(ask_json(url, "GET", "faults", field="faults"), form, lambda document: _table(document["faults"]))


class _AddCommand(Command):
    """A command with an option for each field of a fault, made when it runs: --help of others must not wait for it."""

    _fields: list[click.Parameter] | None = None

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return the options."""
        if self._fields is None:
            self._fields = list(_fault_options())
        return [*self._fields, *super().get_params(ctx)]


@faults.command(
    cls=_AddCommand,
    examples=[
        "kms-mock faults add --operation GetSecretValue --code Rejected.Throttling --times 2",
        "kms-mock faults add --resource 'app/*' --latency 0.1,0.5",
        "kms-mock faults add --operation CreateSecret --code InternalFailure --phase after",
    ],
)
@url_option
@form_options
def add(url: str, form: str | None, **fields: Any) -> None:
    """Ask for a fault: a code, a latency or an effect."""
    given = {name: value for name, value in fields.items() if value is not None}
    show(ask_json(url, "POST", "faults", given, field="struck"), form, lambda document: _table([document]))


@faults.command()
@url_option
@form_options
@click.argument("numbers", nargs=-1, type=int)
@click.option("--all", "everything", is_flag=True, help="Remove all of them.")
def remove(url: str, form: str | None, numbers: tuple[int, ...], everything: bool) -> None:
    """Remove the faults with these numbers, or all."""
    if everything == bool(numbers):
        raise click.UsageError("name the numbers of faults, or --all")
    known = {fault["id"] for fault in ask_json(url, "GET", "faults", field="faults")["faults"]}
    if missing := [str(number) for number in numbers if number not in known]:  # before any other one is removed
        raise click.ClickException(f"there is no fault {', '.join(missing)}")
    for path in ["faults"] if everything else [f"faults/{number}" for number in dict.fromkeys(numbers)]:
        ask_json(url, "DELETE", path)
    show(ask_json(url, "GET", "faults", field="faults"), form, lambda document: _table(document["faults"]))


def _table(found: list[Document]) -> Iterator[RenderableType]:
    if not found:
        yield "there are no faults"
        return
    rows = [
        (
            fault["id"],
            _spelled(fault, _AIMS) or "everything",
            (_spelled(fault, [name for name in fault if name not in (*_COUNTS, *_AIMS)]), "magenta"),
            fault["phase"],
            f"{fault['struck']} of {fault.get('times', 'any number')}{', spent' if fault['spent'] else ''}",
            fault["matched"],
        )
        for fault in found
    ]
    yield table(("id", "strikes", "with", "phase", "struck", "matched"), rows, wrapped=("strikes", "with"))


def _spelled(fault: Mapping[str, Any], names: Any) -> str:
    return ", ".join(f"{name}={fault[name]}" for name in names if name in fault and name != "times")


def _seconds(_context: click.Context, _parameter: click.Parameter, text: str | None) -> float | list[float] | None:
    """Read `0.5`, or `0.1,0.5` for any time between. Raises BadParameter."""
    if text is None:
        return None
    try:
        numbers = [float(each) for each in text.split(",")]
    except ValueError:
        raise click.BadParameter("write seconds like 0.5, or 0.1,0.5 for any time between") from None
    return numbers[0] if len(numbers) == 1 else numbers


def _fault_options() -> Iterator[click.Option]:
    """Yield an option for each field of a fault, with its type and description."""
    from msgspec.inspect import StructType, type_info  # noqa: PLC0415 (see _AddCommand)

    from kms_mock.control.faults import FaultSpec  # noqa: PLC0415
    from kms_mock.field_docs import field_docs  # noqa: PLC0415

    kind = type_info(FaultSpec)
    assert isinstance(kind, StructType)  # noqa: S101 (for the type checker)
    docs = field_docs(FaultSpec)
    for field in kind.fields:
        described = docs[field.name]
        if field.default not in (None, "*"):
            described = f"{described.removesuffix('.')}; by default {field.default}."
        name = f"--{field.name.replace('_', '-')}"
        yield click.Option([name, field.name], help=described, **_option_type(field.type))


def _option_type(kind: Type) -> dict[str, Any]:
    """Return how an option is declared that takes what a field takes."""
    from msgspec import inspect  # noqa: PLC0415 (see _AddCommand)

    kinds = [each for each in getattr(kind, "types", [kind]) if not isinstance(each, inspect.NoneType)]
    if len(kinds) > 1:
        return {"callback": _seconds, "metavar": "SECONDS[,MOST]"}
    (single,) = kinds
    if isinstance(single, inspect.LiteralType):
        return {"type": click.Choice([str(value) for value in single.values])}
    if isinstance(single, inspect.IntType):
        bounded = single.ge is not None or single.le is not None
        return {"type": click.IntRange(single.ge, single.le) if bounded else int}
    if isinstance(single, inspect.FloatType):
        least = single.ge if single.gt is None else single.gt
        return {"type": click.FloatRange(least, single.le, min_open=single.gt is not None)}
    return {"type": str}
