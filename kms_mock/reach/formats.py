"""Environment variables written so that shells, tools and CI systems read them back as they are."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path

Variables = Mapping[str, str | None]

_PLAIN = re.compile(r"[A-Za-z0-9_./:,@%+=|*\[\]-]*")  # characters that mean themselves to every reader of dotenv files


def _export(variables: Variables) -> str:
    return "".join(
        f"unset {name}\n" if value is None else f"export {name}={shlex.quote(value)}\n"
        for name, value in variables.items()
    )


def _powershell(variables: Variables) -> str:
    lines = []
    for name, value in variables.items():
        if value is None:
            lines.append(f"Remove-Item Env:{name} -ErrorAction SilentlyContinue\n")
        else:
            quoted = value.replace("'", "''")
            lines.append(f"$Env:{name} = '{quoted}'\n")
    return "".join(lines)


def _json(variables: Variables) -> str:
    return json.dumps(variables, indent=2) + "\n"


def _dotenv(variables: Variables) -> str:
    return "".join(f"{name}={_dotenv_value(value)}\n" for name, value in variables.items() if value is not None)


def _dotenv_value(value: str) -> str:
    """Return a value in single quotes, within which nothing is replaced; with one in it, in double quotes."""
    if _PLAIN.fullmatch(value):
        return value
    if "'" not in value and "\n" not in value:
        return f"'{value}'"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$").replace("\n", "\\n")
    return f'"{escaped}"'


def _github(variables: Variables) -> str:
    """Return the form of the file $GITHUB_ENV; a value of several lines ends with a line that is not in it."""
    texts = []
    for name, value in variables.items():
        if value is None:
            continue
        if "\n" not in value:
            texts.append(f"{name}={value}\n")
            continue
        end = "END"
        while end in value:
            end += "_"
        texts.append(f"{name}<<{end}\n{value}\n{end}\n")
    return "".join(texts)


def compose_service(variables: Variables, folder: Path, host: str | None) -> str:
    """Return what a service in a compose file needs, as YAML to be put below its name.

    The folder is that of the files, which the service sees at the same place; `host` is a name by which it is to reach
    the machine that it runs on, None for none.
    """
    lines = ["environment:"]
    lines += [f"  {name}: {_yaml(value)}" for name, value in variables.items() if value is not None]
    path = _yaml(str(folder))
    lines += ["volumes:", "  - type: bind", f"    source: {path}", f"    target: {path}", "    read_only: true"]
    if host is not None:
        lines += ["extra_hosts:", f"  - {_yaml(f'{host}:host-gateway')}"]
    return "\n".join(lines) + "\n"


def _yaml(text: str) -> str:
    """Return a text in double quotes, as JSON and YAML have it; compose replaces $NAME, but $$ by $."""
    return json.dumps(text.replace("$", "$$"), ensure_ascii=False)


# The formats that can tell that a variable must not be set.
UNSETTING_FORMATS = ("export", "powershell", "json")
FORMATS: Mapping[str, Callable[[Variables], str]] = {
    "export": _export,
    "json": _json,
    "dotenv": _dotenv,
    "github": _github,
    "powershell": _powershell,
}
