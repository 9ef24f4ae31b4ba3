"""From an answer tree to bytes, as JSON or XML (design.md 6; clients.md 2.17-2.24)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from kms_mock.rpc import errors
from kms_mock.rpc.decode import writable

JSON_TYPE = "application/json;charset=utf-8"
# V2 clients compare this whole string, without a blank after the semicolon.
XML_TYPE = "text/xml;charset=utf-8"

_NOT_XML = "[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"  # compiled when first used: it takes long
_json = msgspec.json.Encoder()


class HttpResponse(Struct, frozen=True, gc=False):
    """One answer, ready to send. `code` is the API's error code, "" for a success; `reason` explains it in words.

    `headers` are further ones. `delivery` is "" but for faults: `reset` the connection instead, `truncate` the body, or be
    `slow` over `seconds`.
    """

    status: int
    content_type: str
    request_id: str
    body: bytes
    code: str = ""
    reason: str = ""
    retry_after: int | None = None
    delivery: str = ""
    seconds: float = 0.0
    headers: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        return f"HttpResponse({self.status}, {self.code!r}, {self.request_id!r})"  # the body may hold a secret value


def encode_json(tree: Mapping[str, Any], request_id: str) -> HttpResponse:
    """Encode a result as JSON, bytes in it as Base64."""
    return HttpResponse(200, JSON_TYPE, request_id, _json.encode(tree))


def encode_xml(tree: Mapping[str, Any], request_id: str, root: str, *, changed: bool = False) -> HttpResponse:
    """Encode a result as XML. Raises ApiError when a value has characters that XML cannot carry.

    `changed` says that the request changed something: U+FFFD stands for them then, since a refusal would undo the change.
    """
    plain = msgspec.to_builtins(tree)  # bytes become Base64, as in JSON
    return HttpResponse(200, XML_TYPE, request_id, to_xml(_readable(plain) if changed else plain, root))


def _readable(tree: Any) -> Any:
    if isinstance(tree, Mapping):
        return {name: _readable(value) for name, value in tree.items()}
    if isinstance(tree, list):
        return [_readable(item) for item in tree]
    return re.sub(_NOT_XML, "\ufffd", tree) if isinstance(tree, str) else tree


def encode_error(error: errors.ApiError, *, xml: bool, root: str, request_id: str) -> HttpResponse:
    """Encode a refusal in the API's envelope, JSON or XML alike (behaviour.md 19)."""
    spec = error.spec
    message, reason = writable(error.message), writable(error.reason)
    tree = {"HttpStatus": spec.status, "Code": spec.code, "Message": message, "RequestId": request_id}
    body = to_xml(_readable(tree), root) if xml else _json.encode(tree)
    return HttpResponse(spec.status, XML_TYPE if xml else JSON_TYPE, request_id, body, spec.code, reason)


def to_xml(tree: Mapping[str, Any], root: str) -> bytes:
    """Write a tree below the root element of its product; a list is its key repeated, so `{"Keys": {"Key": [...]}}` nests as documented."""
    from xml.parsers.expat import ExpatError, ParserCreate  # noqa: PLC0415 (most servers never answer XML)

    import xmltodict  # noqa: PLC0415

    try:
        # Tags of certificates are an object: their keys become names, none of them an attribute's.
        text: str = xmltodict.unparse({root: tree}, attr_prefix="\0")
        ParserCreate(namespace_separator=" ").Parse(text.encode(), True)
        readable = re.search(_NOT_XML, text) is None
    except (ValueError, ExpatError):
        readable = False
    if not readable:
        raise errors.INVALID_PARAMETER("The answer has characters that XML cannot carry; ask for JSON.", name="Format")
    return text.replace("\r", "&#13;").encode()  # a bare one would reach the reader as a line feed


def decode_document(body: bytes) -> Mapping[str, Any]:
    """Read an answer's body, JSON or XML, back into its tree; of XML every value is text. Empty for anything else."""
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except ValueError:
        pass
    from xml.parsers.expat import ExpatError  # noqa: PLC0415 (see to_xml)

    import xmltodict  # noqa: PLC0415

    try:
        (tree,) = xmltodict.parse(body, strip_whitespace=False).values()
    except (ValueError, ExpatError, LookupError):
        return {}
    return tree if isinstance(tree, Mapping) and "RequestId" in tree else {}
