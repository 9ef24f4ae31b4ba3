"""PHP, the official SDK alibabacloud/kms-20160120."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kms_mock.web.snippets.call import Value, WrittenCall
from kms_mock.web.snippets.literals import php

TITLE = "PHP"
_TEMPLATE = """\
<?php
require 'vendor/autoload.php';

use AlibabaCloud\\SDK\\Kms\\V20160120\\Kms;
use AlibabaCloud\\SDK\\Kms\\V20160120\\Models\\{operation}Request;
use Darabonba\\OpenApi\\Models\\Config;

$client = new Kms(new Config([
    'accessKeyId' => {key},
    'accessKeySecret' => {secret},
    'endpoint' => {endpoint},
    'protocol' => 'http',
]));
$request = new {operation}Request([
{parameters}]);
print_r($client->{method}($request)->body->toMap());
"""


def write(call: WrittenCall) -> str:
    """Return a script."""
    return _TEMPLATE.format(
        operation=call.name,
        method=call.name[0].lower() + call.name[1:],
        **call.client(php),
        parameters="".join(f"    '{_field(value.name)}' => {_literal(call, value)},\n" for value in call.values),
    )


def _literal(call: WrittenCall, value: Value) -> str:
    name = value.name[0].lower() + value.name[1:]
    kind = f"\\AlibabaCloud\\SDK\\Kms\\V20160120\\Models\\{call.name}Request\\{name}"
    if value.kind == "struct":
        return _struct(kind, value.value)
    if value.kind == "structs":
        return f"[{', '.join(_struct(kind, fields) for fields in value.value)}]"
    return php(value.value)


def _struct(kind: str, fields: Mapping[str, Any]) -> str:
    return f"new {kind}({php({_field(name): item for name, item in fields.items()})})"


def _field(name: str) -> str:
    """Return the SDK's name of a field: an acronym at the beginning stays."""
    return name if name[:2].isupper() and name != "VSwitchIds" else name[0].lower() + name[1:]
