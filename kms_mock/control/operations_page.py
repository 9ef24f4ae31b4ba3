"""The page of operations, as Markdown: what holds for all of them once, then a section per resource.

No sentence stands there twice: an inferred rule is told at its operation, at the top of the section when several of its
operations share it, or at the top of the page when operations of several sections do.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator

from kms_mock.control.coverage import (
    NOTHING,
    ErrorEntry,
    OperationEntry,
    ParameterEntry,
    Settled,
    describe_error,
    describe_operation,
    seen_on,
)
from kms_mock.rpc.api import Api
from kms_mock.rpc.decode import SYSTEM_PARAMETERS

_TITLE = """\
# Operations

What this server offers, made by `scripts/reference-pages` from the declared operations; `kms-mock operations` prints the
same. Where the rules come from is in [behaviour.md](behaviour.md).

## How sure it is

- **documented** is everything without a mark: names, types and limits of parameters, and status, code and text of errors.
  The documents are the vendor's API metadata of 2025-12, the comments in the official Python SDK 3.3, the help pages, and
  the public documentation of 2018 to 2021; the newest counts where two differ.
- **seen** is what logs of real clients in public issues show, and no document says; and what was inferred until a
  comparison with the real service bore it out, with the date.
- **inferred** is what neither says, each rule as a sentence.
"""
_EVERY_REQUEST = """\
Besides its own parameters every request may carry the system parameters {names}; `Action` and `Version` are required.

A parameter that an operation does not know is ignored. An empty value counts as missing, unless its limits allow it.
"""
_CITATION = re.compile(r"\b(([a-z]+\.md) [0-9]+)")
_EVERY_OPERATION = "Every operation"
_COMMON_ERRORS = """\
Besides the errors in its own table any operation may answer these; where both have a code, the text of its own table
counts. `{name}`, `{key}`, `{arn}` and `{detail}` stand for the parameter, the key, the ARN, and the text to sign.
"""


def markdown(apis: Iterable[Api], settled: Settled = NOTHING) -> str:
    """Return the page of operations."""
    pages = [_ApiPage(api, f" ({api.product})" if number else "", settled) for number, api in enumerate(apis)]
    page = "\n\n".join("\n".join(part.lines()).rstrip("\n") for part in pages)
    page = f"{_TITLE}\n{page}"
    return _CITATION.sub(r"[\1](\2)", page).rstrip("\n") + "\n"


def markdown_of(apis: Iterable[Api], name: str, settled: Settled = NOTHING) -> str | None:
    """Return what the page has about the operation of one name, in one API or several; None for an unknown one."""
    found = [api for api in apis if name in api.operations]
    pages = [_ApiPage(api, f" ({api.product})" if number else "", settled) for number, api in enumerate(found)]
    return "\n\n".join("\n".join(page.about(name)).strip("\n") for page in pages) + "\n" if pages else None


class _ApiPage:
    """The part of the page for one API. `suffix` tells its headings from those of other APIs."""

    def __init__(self, api: Api, suffix: str, settled: Settled) -> None:
        self.api = api
        self.suffix = suffix
        self.settled = settled
        self.sections: dict[str, list[OperationEntry]] = {}
        self.introductions: dict[str, str] = {}
        self.users: dict[str, list[OperationEntry]] = {}  # the operations that an inferred rule is of
        for operation in sorted(api.operations.values(), key=lambda operation: operation.handler.__module__):
            entry = describe_operation(api, operation, settled)
            title = _title(entry["module"])
            self.sections.setdefault(title, []).append(entry)
            module = inspect.getmodule(operation.handler)
            self.introductions[title] = (inspect.getdoc(module) or "").partition("\n")[0]
            for sentence in (*entry["inferred"], *entry["seen"]):
                self.users.setdefault(sentence, []).append(entry)

    def lines(self) -> Iterator[str]:
        """Yield the lines: contents, what is common, the sections."""
        yield f"## {self.api.product} {self.api.version}\n"
        yield f"{len(self.api.operations)} operations in {len(self.sections)} sections.\n"
        for title, entries in self.sections.items():
            yield f"- {self._link(title)}: {self._links(entries)}"
        yield from self._common()
        for title, entries in self.sections.items():
            yield f"\n### {title}{self.suffix}\n"
            yield self.introductions[title]
            yield from self._rules(", for several of these operations", self._shared(title))
            for entry in entries:
                yield from self._operation(entry)

    def _common(self) -> Iterator[str]:
        yield f"\n### {_EVERY_OPERATION}{self.suffix}\n"
        names = ", ".join(f"`{name}`" for name in sorted(SYSTEM_PARAMETERS))
        form = self.api.wire_form
        yield _EVERY_REQUEST.format(names=names) if form is None else f"{form.description}\n"
        yield _COMMON_ERRORS
        rows = [describe_error(row, self.settled) for row in self.api.common_errors]
        yield from _error_table(rows)
        entries = [entry for section in self.sections.values() for entry in section]
        noted = {
            row["note"]: row for row in [*rows, *(row for entry in entries for row in entry["errors"])] if row["note"]
        }
        yield from _list(
            "Errors that are not documented",
            [f"{row['code']} ({row['sureness']}): {note}" for note, row in noted.items()],
        )
        yield from self._rules(", for every operation", ((rule, "") for rule in self.api.inferred))
        yield from self._rules(", for operations of several sections", self._shared(""))
        refused = [
            f"`{parameter['name']}` of {self._links(users)}. {parameter['not_offered']}"
            for parameter, users in self._not_offered(entries)
        ]
        yield from _list("Not offered", refused)

    def _shared(self, place: str) -> Iterator[tuple[str, str]]:
        """Yield the rules that are told at the top of a section, or of the page (""), each with its operations."""
        for sentence, users in self.users.items():
            if len(users) > 1 and self._place(sentence) == place:
                yield sentence, f" ({self._links(users)})"

    def _rules(self, of: str, rules: Iterable[tuple[str, str]]) -> Iterator[str]:
        """Yield the list of what is inferred, and of what was inferred until it was compared; after each rule a text."""
        rules = list(rules)
        yield from _list(f"Inferred{of}", [rule + after for rule, after in rules if rule not in self.settled])
        compared = [f"{rule}{after} ({seen_on(self.settled[rule])})" for rule, after in rules if rule in self.settled]
        yield from _list(f"Seen{of}", compared)

    def about(self, name: str) -> Iterator[str]:
        """Yield the lines about one operation, with the inferred rules that it shares with others."""
        entry = next(entry for entries in self.sections.values() for entry in entries if entry["name"] == name)
        yield from self._operation(entry)
        shared = [(rule, "") for rule in (*entry["inferred"], *entry["seen"]) if len(self.users[rule]) > 1]
        yield from self._rules(", for other operations too", shared)

    def _operation(self, entry: OperationEntry) -> Iterator[str]:
        yield f"\n#### {entry['name']}{self.suffix}\n\n{entry['description']}\n"
        if entry["parameters"]:
            yield "| parameter | type and limits | required |"
            yield "| --- | --- | --- |"
            for parameter in entry["parameters"]:
                yield f"| `{parameter['name']}` | {self._limits(parameter)} | {'yes' if parameter['required'] else ''} |"
        else:
            yield "No parameters."
        yield ""
        if entry["errors"]:
            yield from _error_table(entry["errors"])
        else:
            yield "No errors are documented."
        alone = [(rule, "") for rule in (*entry["inferred"], *entry["seen"]) if len(self.users[rule]) == 1]
        yield from self._rules("", alone)

    def _place(self, sentence: str) -> str:
        """Return the title of the section that an inferred rule is told in, "" for the top of the page."""
        modules = {entry["module"] for entry in self.users[sentence]}
        return _title(modules.pop()) if len(modules) == 1 else ""

    def _link(self, title: str) -> str:
        heading = title + self.suffix
        anchor = heading.lower().replace(" ", "-").replace("(", "").replace(")", "")  # as GitHub makes them
        return f"[{title}](#{anchor})"

    def _links(self, entries: Iterable[OperationEntry]) -> str:
        return ", ".join(self._link(entry["name"]) for entry in entries)

    def _limits(self, parameter: ParameterEntry) -> str:
        words = [parameter["type"]]
        if parameter["default"] is not None:
            words.append(f"default `{parameter['default']}`")
        if parameter["sensitive"]:
            words.append("secret")
        if parameter["not_offered"]:
            words.append(f"not offered ({self._link(_EVERY_OPERATION)})")
        return "; ".join(words).replace("|", r"\|")

    @staticmethod
    def _not_offered(entries: list[OperationEntry]) -> list[tuple[ParameterEntry, list[OperationEntry]]]:
        """Return each parameter that is refused, with the operations that have it."""
        found: dict[str, tuple[ParameterEntry, list[OperationEntry]]] = {}
        for entry in entries:
            for parameter in entry["parameters"]:
                if parameter["not_offered"]:
                    found.setdefault(parameter["name"], (parameter, []))[1].append(entry)
        return list(found.values())


def _title(module: str) -> str:
    return module.replace("_", " ").capitalize()


def _list(title: str, items: Iterable[str]) -> Iterator[str]:
    """Yield a titled list; nothing for no items."""
    lines = [f"- {item}" for item in items]
    if lines:
        yield f"\n{title}:\n"
        yield from lines


def _error_table(rows: Iterable[ErrorEntry]) -> Iterator[str]:
    yield "| status | error | text |"
    yield "| --- | --- | --- |"
    for row in rows:
        mark = "" if row["sureness"] == "documented" else f" ({row['sureness']})"
        yield f"| {row['status']} | {row['code']}{mark} | `{row['message']}` |".replace(r"\|", "|")
