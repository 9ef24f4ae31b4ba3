"""Java, the official SDK com.aliyun:kms20160120."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kms_mock.web.snippets.call import Value, WrittenCall
from kms_mock.web.snippets.literals import double_quoted

TITLE = "Java V2"
_TEMPLATE = """\
import com.aliyun.kms20160120.Client;
import com.aliyun.kms20160120.models.*;
import com.aliyun.teaopenapi.models.Config;

public class Call {{
  public static void main(String[] arguments) throws Exception {{
    Client client =
        new Client(
            new Config()
                .setAccessKeyId({key})
                .setAccessKeySecret({secret})
                .setEndpoint({endpoint})
                .setProtocol("http"));
    {operation}Request request = new {operation}Request(){parameters};
    System.out.println(client.{method}(request).getBody().toMap());
  }}
}}
"""


def write(call: WrittenCall) -> str:
    """Return a class with a main method."""
    return _TEMPLATE.format(
        key=double_quoted(call.access_key_id),
        secret=double_quoted(call.access_key_secret),
        endpoint=double_quoted(call.endpoint),
        operation=call.name,
        method=call.name[0].lower() + call.name[1:],
        parameters="".join(f"\n        .set{value.name}({_literal(call, value)})" for value in call.values),
    )


def _literal(call: WrittenCall, value: Value) -> str:
    if value.kind == "integer" and value.name == "KeyMaterialExpireUnix":
        return f"{value.value}L"
    kind = f"{call.name}Request.{call.name}Request{value.name}"
    if value.kind == "struct":
        return _struct(kind, value.value)
    if value.kind == "structs":
        return f"java.util.Arrays.asList({', '.join(_struct(kind, fields) for fields in value.value)})"
    return _plain(value.value)


def _struct(kind: str, fields: Mapping[str, Any]) -> str:
    literals = {name: _plain(item if isinstance(item, dict) else str(item)) for name, item in fields.items()}
    return f"new {kind}(){''.join(f'.set{name}({literal})' for name, literal in literals.items())}"


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        items = ", ".join(f"java.util.Map.entry({double_quoted(name)}, {_plain(item)})" for name, item in value.items())
        return f"java.util.Map.<String, Object>ofEntries({items})"
    if isinstance(value, list):
        return f"java.util.Arrays.asList({', '.join(map(_plain, value))})"
    if isinstance(value, bool):
        return str(value).lower()
    return double_quoted(value) if isinstance(value, str) else "null" if value is None else str(value)
