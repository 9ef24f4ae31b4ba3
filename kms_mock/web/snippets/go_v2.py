"""Go, the official SDK github.com/alibabacloud-go/kms-20160120."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kms_mock.web.snippets.call import Value, WrittenCall
from kms_mock.web.snippets.literals import Syntax, double_quoted

TITLE = "Go V2"
_TEMPLATE = """\
package main

import (
	"fmt"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	kms "github.com/alibabacloud-go/kms-20160120/v3/client"
	"github.com/alibabacloud-go/tea/tea"
)

func main() {{
	client, err := kms.NewClient(&openapi.Config{{
		AccessKeyId:     tea.String({key}),
		AccessKeySecret: tea.String({secret}),
		Endpoint:        tea.String({endpoint}),
		Protocol:        tea.String("http"),
	}})
	if err != nil {{
		panic(err)
	}}
	answer, err := client.{operation}(&kms.{operation}Request{{{parameters}}})
	if err != nil {{
		panic(err)
	}}
	fmt.Println(answer.Body)
}}
"""

_SYNTAX = Syntax(
    pair="{key}: {value}",
    mapping="map[string]interface{{}}{{{items}}}",
    sequence="[]interface{{}}{{{items}}}",
    null="nil",
)


def write(call: WrittenCall) -> str:
    """Return a program."""
    lines = "".join(f"\t\t{value.name}: {_literal(call, value)},\n" for value in call.values)
    return _TEMPLATE.format(**call.client(), operation=call.name, parameters=f"\n{lines}\t" if lines else "")


def _literal(call: WrittenCall, value: Value) -> str:
    match value.kind:
        case "integer":
            return f"tea.Int{64 if value.name == 'KeyMaterialExpireUnix' else 32}({value.value})"
        case "boolean":
            return f"tea.Bool({str(value.value).lower()})"
        case "list":
            return f"tea.StringSlice([]string{{{', '.join(double_quoted(str(item)) for item in value.value)}}})"
        case "struct" | "structs":
            return _structs(f"kms.{call.name}Request{value.name}", value)
        case "object":
            return _SYNTAX.write(value.value)
        case _:
            return f"tea.String({double_quoted(value.value)})"


def _structs(kind: str, value: Value) -> str:
    if value.kind == "struct":
        return f"&{kind}{_fields(value.value)}"
    return f"[]*{kind}{{{', '.join(map(_fields, value.value))}}}"


def _fields(fields: Mapping[str, Any]) -> str:
    """Return the fields of a struct, in braces: texts are pointers."""
    literals = {
        name: _SYNTAX.write(item) if isinstance(item, dict) else f"tea.String({double_quoted(str(item))})"
        for name, item in fields.items()
    }
    return "{" + ", ".join(f"{name}: {literal}" for name, literal in literals.items()) + "}"
