"""Answers without what differs from account to account and from run to run: ids, names, times, ciphertexts."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

from kms_mock.service_client import Answer

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?Z")
UUID = re.compile(r"\b[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b")
_ARN_PLACE = re.compile(r"\bacs:([a-z0-9]+):[a-z0-9-]*:[0-9]{5,20}(?=[:/])")
_ACCOUNT = re.compile(r"(?<![0-9])[0-9]{14,20}(?![0-9])")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{16,}={0,2}")
_PEM = re.compile(r"-----BEGIN ([A-Z ]+)-----.*?-----END \1-----\n?", re.DOTALL)
_LEFT_OUT = frozenset({"RequestId", "HostId"})


def sanitised(answer: Answer, variables: Mapping[str, str], expected: Any = None) -> dict[str, Any]:
    """Return an answer that two services give alike, if they behave alike.

    `expected` is what a step expects of its body: a field of which only the form is expected is that form.
    """
    if answer.code:
        return {"status": answer.status, "code": answer.code, "text": _text(answer.text, variables)}
    return {"status": answer.status, "body": _tree(answer.body, variables, expected)}


def _tree(tree: Any, variables: Mapping[str, str], expected: Any) -> Any:
    if expected == "<any>":
        return expected
    if isinstance(tree, dict):
        forms = expected if isinstance(expected, dict) else {}
        names = [name for name in sorted(tree) if name not in _LEFT_OUT]
        return {name: _tree(tree[name], variables, forms.get(name)) for name in names}
    if isinstance(tree, list):
        forms_of_items = expected if isinstance(expected, list) and len(expected) == len(tree) else [None] * len(tree)
        return [_tree(item, variables, form) for item, form in zip(tree, forms_of_items, strict=True)]
    if expected == "<base64>" and isinstance(tree, str):
        return f"<base64 of {base64_size(tree)} bytes>"
    return _text(tree, variables) if isinstance(tree, str) else tree


def _text(text: str, variables: Mapping[str, str]) -> str:
    """Replace what a case knows by its variable's name, and what it does not know by its form."""
    for name, value in sorted(variables.items(), key=lambda item: -len(item[1])):
        if len(value) >= 8:  # noqa: PLR2004 (a short one may be a part of a word)
            text = text.replace(value, f"<{name}>")
    text = _PEM.sub(lambda match: f"<PEM {match[1]}>", text)
    text = _ARN_PLACE.sub(r"acs:\1:<region>:<account>", text)
    text = UUID.sub("<uuid>", TIME.sub("<time>", text))
    if _BASE64.fullmatch(text) and (size := base64_size(text)) is not None:
        return f"<base64 of {size} bytes>"
    return _ACCOUNT.sub("<account>", text)


def base64_size(text: str) -> int | None:
    """Return how many bytes a Base64 text holds, None for any other text."""
    try:
        return len(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        return None
