"""Java, the official SDK com.aliyun:kms20160120."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kms_mock.web.snippets.call import Value, WrittenCall
from kms_mock.web.snippets.literals import Syntax

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

_SYNTAX = Syntax(
    pair="java.util.Map.entry({key}, {value})",
    mapping="java.util.Map.<String, Object>ofEntries({items})",
    sequence="java.util.Arrays.asList({items})",
)


def write(call: WrittenCall) -> str:
    """Return a class with a main method."""
    return _TEMPLATE.format(
        **call.client(),
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
    return _SYNTAX.write(value.value)


def _struct(kind: str, fields: Mapping[str, Any]) -> str:
    literals = {name: _SYNTAX.write(item if isinstance(item, dict) else str(item)) for name, item in fields.items()}
    return f"new {kind}(){''.join(f'.set{name}({literal})' for name, literal in literals.items())}"
