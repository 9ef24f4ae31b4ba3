"""What a campaign looks for: how a finding is told, and how answers and documents are looked at."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as ET

from kms_mock.kms.model.rates import request_counts
from kms_mock.rpc.encode import XML_TYPE
from kms_mock.store.store import StoreState
from tests.fuzz.values import PLANTED, PLANTED_BASE64

_SECRET_FIELDS = frozenset({"value", "data", "material", "private_key", "secret"})


def is_for_proxy(sent: bytes) -> bool:
    """Return whether bytes may ask for another host, which cannot be reached from here: the proxy answers 502."""
    return b"CONNECT" in sent or b"://" in sent


class Finding(Exception):  # noqa: N818 (what a campaign looks for)
    """Something that must not be. `kind` is the same for the same fault."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(f"{kind}\n{detail}")
        self.kind = kind
        self.detail = detail


def require(holds: object, kind: str, detail: object = "") -> None:
    """Raise a Finding unless something holds."""
    if not holds:
        raise Finding(kind, repr(detail)[:2000])


def document_of(content_type: str, body: bytes) -> Mapping[str, Any]:
    """Read the document of an answer. Raises Finding."""
    try:
        if content_type == XML_TYPE:
            return {child.tag: child.text for child in ET.fromstring(body)}  # noqa: S314 (this server's own answer)
        found: dict[str, Any] = json.loads(body)
    except (ValueError, ET.ParseError) as error:
        raise Finding("an answer cannot be read", f"{error}: {body[:1000]!r}") from error
    return found


def has_planted(text: str) -> bool:
    """Return whether a text has the planted value, as it is or in Base64."""
    return PLANTED in text or PLANTED_BASE64[:24] in text


def exposed(document: bytes, answer: str) -> bool:
    """Return whether an answer has a value that only fields of secret values of a document have."""
    if PLANTED not in answer:
        return False
    try:
        tree = json.loads(document)
    except ValueError:
        return False  # which field it is in cannot be told
    return not _elsewhere(tree, secret=False)


def is_misplaced(document: bytes) -> bool:
    """Return whether the planted value stands in a document where no secret value belongs, or where that cannot be told."""
    if PLANTED.encode() not in document and PLANTED_BASE64[:24].encode() not in document:
        return False
    try:
        tree = json.loads(document)
    except ValueError:
        return True
    return _elsewhere(tree, secret=False)


def _elsewhere(tree: Any, *, secret: bool) -> bool:
    """Return whether the planted value stands where no secret value belongs."""
    if isinstance(tree, dict):
        return any(PLANTED in key or _elsewhere(value, secret=key in _SECRET_FIELDS) for key, value in tree.items())
    if isinstance(tree, list):
        return any(_elsewhere(item, secret=secret) for item in tree)
    return isinstance(tree, str) and PLANTED in tree and not secret


def last_line(errors: list[str]) -> str:
    """Return the exception of a traceback in the log, and where it was raised."""
    lines = [line.strip() for line in errors[-1].splitlines()] if errors else []
    places = [line for line in lines if line.startswith("File ") and "kms_mock" in line]
    return f"{lines[-1] if lines else ''} {places[-1].rpartition('kms_mock')[2] if places else ''}"


def words(body: bytes) -> str:
    """Return the letters and blanks at the start of an answer."""
    text = body[:80].decode(errors="replace")
    return "".join(letter for letter in text if letter.isalpha() or letter == " ")[:40]


def first_difference(left: Any, right: Any, path: str = "$") -> str:
    """Return where two documents differ first, with what they have there."""
    if isinstance(left, dict) and isinstance(right, dict):
        for key in [*left, *right]:
            if left.get(key) != right.get(key):
                return first_difference(left.get(key), right.get(key), f"{path}.{key}")
    if isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for number, (one, other) in enumerate(zip(left, right, strict=True)):
            if one != other:
                return first_difference(one, other, f"{path}[{number}]")
    return f"{path}: {left!r:.200} and {right!r:.200}"


def without_counts(state: StoreState) -> dict[Any, Any]:
    """Return a state without the counts of requests, which those that are refused change too."""
    tables = {
        place: {resource: table for resource, table in partition.tables.items() if resource is not request_counts}
        for place, partition in state.partitions.items()
    }
    return {place: (found, state.partitions[place].due) for place, found in tables.items() if found}
