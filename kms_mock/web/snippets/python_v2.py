"""Python, the official SDK alibabacloud-kms20160120."""

from __future__ import annotations

from typing import Any

from kms_mock.web.snippets.call import Value, WrittenCall, snake_case
from kms_mock.web.snippets.literals import block, python

TITLE = "Python V2"
_LINE = 100  # characters
_HEAD = """\
{imports}
client = Client(
    Config(
        access_key_id={key},
        access_key_secret={secret},
        endpoint={endpoint},
        protocol="http",
        region_id={region},
    )
)
"""
_IMPORTS = """\
from alibabacloud_kms20160120 import models
from alibabacloud_kms20160120.client import Client
from alibabacloud_tea_openapi.utils_models import Config
"""


def write(call: WrittenCall) -> str:
    """Return a script that waits for the answer."""
    return f"{_head(call, _IMPORTS)}{request(call)}print(client.{snake_case(call.name)}(request).body.to_map())\n"


def write_async(call: WrittenCall) -> str:
    """Return a script with `await`."""
    imports = f"import asyncio\n\n{_IMPORTS}"
    return (
        f"{_head(call, imports)}{request(call)}\n\nasync def main():\n"
        f"    response = await client.{snake_case(call.name)}_async(request)\n"
        "    print(response.body.to_map())\n\n\nasyncio.run(main())\n"
    )


def request(call: WrittenCall) -> str:
    """Return the line, or lines, that make the request."""
    arguments = [f"{value.snake}={_literal(call, value)}" for value in call.values]
    line = f"request = models.{call.name}Request({', '.join(arguments)})\n"
    if len(line) <= _LINE:
        return line
    lines = (f"request = models.{call.name}Request(", *(f"    {argument}," for argument in arguments), ")")
    return block(lines, 0)


def _head(call: WrittenCall, imports: str) -> str:
    return _HEAD.format(imports=imports, **call.client())


def _literal(call: WrittenCall, value: Value) -> str:
    name = f"{call.name}Request{value.name}"
    if value.kind == "struct":
        return _struct(name, value.value)
    if value.kind == "structs":
        return f"[{', '.join(_struct(name, item) for item in value.value)}]"
    return python(value.value)


def _struct(name: str, fields: dict[str, Any]) -> str:
    arguments = ", ".join(f"{snake_case(field)}={python(value)}" for field, value in fields.items())
    return f"models.{name}({arguments})"
