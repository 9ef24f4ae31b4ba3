"""From an answer tree to bytes, as JSON or XML (DESIGN 6; clients.md 2.17-2.24)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from kms_mock import errors

JSON_TYPE = "application/json;charset=utf-8"
# V2 clients compare this whole string, without a blank after the semicolon.
XML_TYPE = "text/xml;charset=utf-8"

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_json = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """One answer, ready to send."""

    status: int
    content_type: str
    request_id: str
    body: bytes
    reason: str = ""


def encode(tree: Mapping[str, Any], *, status: int, xml: bool, request_id: str, reason: str = "") -> HttpResponse:
    """Encode an answer. Raises ApiError when XML is asked for and a value has characters that XML cannot carry."""
    if not xml:
        return HttpResponse(status, JSON_TYPE, request_id, _json.encode(tree), reason)
    return HttpResponse(status, XML_TYPE, request_id, to_xml(tree), reason)


def encode_error(error: errors.ApiError, *, xml: bool, request_id: str) -> HttpResponse:
    """Encode a refusal in the API's envelope, JSON or XML alike (behaviour.md 19)."""
    spec = error.spec
    tree = {
        "HttpStatus": spec.status,
        "Code": spec.code,
        "Message": error.message,
        "RequestId": request_id,
    }
    return encode(tree, status=spec.status, xml=xml, request_id=request_id, reason=error.reason)


def to_xml(tree: Mapping[str, Any]) -> bytes:
    """Write a tree below `<KMS>`; a list is its key repeated, so `{"Keys": {"Key": [...]}}` nests as documented."""
    import xmltodict  # noqa: PLC0415 (most servers never answer XML)

    text: str = xmltodict.unparse({"KMS": tree})
    if _NOT_XML.search(text):
        raise errors.INVALID_PARAMETER("The answer has characters that XML cannot carry; ask for JSON.", name="Format")
    return text.encode()
