""".NET, the official SDK AlibabaCloud.SDK.Kms20160120."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kms_mock.web.snippets.call import Value, WrittenCall
from kms_mock.web.snippets.literals import double_quoted

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


def write(call: WrittenCall) -> str:
    """Return a program."""
    return _TEMPLATE.format(
        key=double_quoted(call.access_key_id),
        secret=double_quoted(call.access_key_secret),
        endpoint=double_quoted(call.endpoint),
        operation=call.name,
        parameters="".join(f"    {value.name} = {_literal(call, value)},\n" for value in call.values),
    )


def _literal(call: WrittenCall, value: Value) -> str:
    kind = f"{call.name}Request.{call.name}Request{value.name}"
    if value.kind == "struct":
        return _struct(kind, value.value)
    if value.kind == "structs":
        return f"new List<{kind}> {{ {', '.join(_struct(kind, fields) for fields in value.value)} }}"
    return _plain(value.value)


def _struct(kind: str, fields: Mapping[str, Any]) -> str:
    literals = {name: _plain(item if isinstance(item, dict) else str(item)) for name, item in fields.items()}
    return f"new {kind} {{ {', '.join(f'{name} = {literal}' for name, literal in literals.items())} }}"


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        items = ", ".join(f"[{double_quoted(name)}] = {_plain(item)}" for name, item in value.items())
        return f"new Dictionary<string, object> {{ {items} }}"
    if isinstance(value, list):
        return f"new List<string> {{ {', '.join(map(_plain, value))} }}"
    if isinstance(value, bool):
        return str(value).lower()
    return double_quoted(value) if isinstance(value, str) else "null" if value is None else str(value)
