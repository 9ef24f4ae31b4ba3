"""Leak checks: whether a secret value that went over the wire shows up where it should not, such as a log."""

from __future__ import annotations

import base64
import json
import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from kms_mock.control.calls import Call

# A shorter value would be found in any text by chance.
MIN_LENGTH = 6

SECRET_FIELDS = frozenset(
    {
        "AccessKeySecret",
        "Plaintext",
        "PrivateKeyData",
        "PrivateKeyPlaintext",
        "RandomPassword",
        "SecretData",
        "SecurityToken",
    }
)
_SECRET_NAME = re.compile(r"password|secret|token|privatekey|passphrase", re.IGNORECASE)


def assert_no_leaks(calls: Iterable[Call], subject: Any) -> None:
    """Assert that no secret value of these calls is in a text, in bytes, in a log record, or in several of them."""
    text = "\n".join(_texts(subject))
    found = list(leaks(calls, text))
    if found:
        raise AssertionError("secret values leaked:" + "".join(f"\n  {leak}" for leak in found))


def leaks(calls: Iterable[Call], text: str) -> Iterator[str]:
    """Yield a line for each secret value in a text: where it comes from and where it is, never the value itself."""
    seen: set[str] = set()
    for call in calls:
        for label, value in _secrets(call):
            if value in seen or len(value) < MIN_LENGTH:
                continue
            seen.add(value)
            for form, written in _forms(value):
                place = text.find(written)
                if place >= 0:
                    line = text.count("\n", 0, place) + 1
                    yield f"{label} of {call.action} (call #{call.number}) is in line {line}{form}"
                    break


def _secrets(call: Call) -> Iterator[tuple[str, str]]:
    """Yield each secret that a call carried, in either direction, after a label."""
    sent = call.sent
    for parameter in () if call.operation is None else call.operation.parameters:
        if parameter.sensitive and parameter.name in sent:
            yield from _with_nested(parameter.name, sent[parameter.name])
    yield from _in_answer(call.answered)


def _in_answer(tree: Any) -> Iterator[tuple[str, str]]:
    if isinstance(tree, Mapping):
        for name, value in tree.items():
            if name in SECRET_FIELDS and isinstance(value, str):
                label = f"{name} of {tree['SecretName']}" if "SecretName" in tree else name
                yield from _with_nested(label, value)
            else:
                yield from _in_answer(value)
    elif isinstance(tree, list):
        for item in tree:
            yield from _in_answer(item)


def _with_nested(label: str, value: str) -> Iterator[tuple[str, str]]:
    """Yield a value and, of a JSON document, the values in it that are named like secrets, each after a label."""
    yield label, value
    if value.startswith("{"):
        try:
            yield from list(_secrets_within(label, json.loads(value)))
        except (ValueError, RecursionError):  # no document, or one that nobody could read
            return


def _secrets_within(label: str, tree: Any) -> Iterator[tuple[str, str]]:
    if isinstance(tree, dict):
        for name, value in tree.items():
            if isinstance(value, str) and _SECRET_NAME.search(name):
                yield f"{name} in {label}", value
            else:
                yield from _secrets_within(label, value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _secrets_within(label, value)


def _forms(value: str) -> Iterator[tuple[str, str]]:
    """Yield the ways in which a value may be written, each after a note on it."""
    yield "", value
    yield ", escaped as JSON", json.dumps(value)[1:-1]
    yield ", escaped as a Python string", repr(value)[1:-1]
    yield ", escaped as in a URL", quote(value, safe="")
    yield ", as Base64", base64.b64encode(value.encode()).decode().rstrip("=")
    try:
        text = base64.b64decode(value, validate=True).decode()
    except ValueError:
        return
    if len(text) >= MIN_LENGTH:
        yield ", decoded from Base64", text


def _texts(subject: Any) -> Iterator[str]:
    if isinstance(subject, str):
        yield subject
    elif isinstance(subject, bytes):
        yield subject.decode("utf-8", "replace")
    elif isinstance(subject, logging.LogRecord):
        yield subject.getMessage()
        if subject.exc_info:
            yield logging.Formatter().formatException(subject.exc_info)
        # Structured logging puts values into attributes of the record.
        yield repr({name: value for name, value in vars(subject).items() if name not in ("msg", "args", "exc_info")})
    else:
        for item in subject:
            yield from _texts(item)
