""".NET, the official SDK AlibabaCloud.SDK.Kms20160120."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kms_mock.web.snippets.call import Value, WrittenCall
from kms_mock.web.snippets.literals import Syntax

TITLE = ".NET"
_TEMPLATE = """\
using AlibabaCloud.OpenApiClient.Models;
using AlibabaCloud.SDK.Kms20160120;
using AlibabaCloud.SDK.Kms20160120.Models;

var client = new Client(new Config
{{
    AccessKeyId = {key},
    AccessKeySecret = {secret},
    Endpoint = {endpoint},
    Protocol = "http",
}});
var request = new {operation}Request
{{
{parameters}}};
foreach (var field in client.{operation}(request).Body.ToMap())
{{
    Console.WriteLine($"{{field.Key}}: {{field.Value}}");
}}
"""

_SYNTAX = Syntax(
    pair="[{key}] = {value}",
    mapping="new Dictionary<string, object> {{ {items} }}",
    sequence="new List<string> {{ {items} }}",
)


def write(call: WrittenCall) -> str:
    """Return a program."""
    return _TEMPLATE.format(
        **call.client(),
        operation=call.name,
        parameters="".join(f"    {value.name} = {_literal(call, value)},\n" for value in call.values),
    )


def _literal(call: WrittenCall, value: Value) -> str:
    kind = f"{call.name}Request.{call.name}Request{value.name}"
    if value.kind == "struct":
        return _struct(kind, value.value)
    if value.kind == "structs":
        return f"new List<{kind}> {{ {', '.join(_struct(kind, fields) for fields in value.value)} }}"
    return _SYNTAX.write(value.value)


def _struct(kind: str, fields: Mapping[str, Any]) -> str:
    literals = {name: _SYNTAX.write(item if isinstance(item, dict) else str(item)) for name, item in fields.items()}
    return f"new {kind} {{ {', '.join(f'{name} = {literal}' for name, literal in literals.items())} }}"
