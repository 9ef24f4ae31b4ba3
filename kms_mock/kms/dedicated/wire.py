"""The wire form of the dedicated gateway: the operation in a header, messages in the bodies (dedicated.md 1 and 2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from kms_mock.kms.dedicated import errors
from kms_mock.kms.dedicated.authentication import CLIENT_KEY_ID, authenticate
from kms_mock.kms.dedicated.messages import layout_of, read_answer, read_parameters
from kms_mock.kms.dedicated.protobuf import Field, Message
from kms_mock.kms.model.client_key_rights import known_client_key
from kms_mock.rpc.api import Operation
from kms_mock.rpc.decode import ApiRequest, HttpRequest, writable
from kms_mock.rpc.encode import HttpResponse
from kms_mock.rpc.errors import ApiError
from kms_mock.rpc.wire_form import WireForm
from kms_mock.store.store import Store

MEDIA_TYPE = "application/x-protobuf"
# Help pages Encrypt, Decrypt, Sign, Verify and those of their Advance forms: 3 MB, else the status is 413.
MAX_BODY_BYTES = 3 * 1024 * 1024
API_NAME, API_VERSION = "x-kms-apiname", "x-kms-apiversion"
KEY_VERSION_ID = "x-kms-migrationkeyversionid"
_ERROR = Message(
    {
        "StatusCode": Field(1, "int32"),
        "ErrorCode": Field(2, "string"),
        "ErrorMessage": Field(3, "string"),
        "RequestId": Field(4, "string"),
    }
)


def is_dedicated(http: HttpRequest) -> bool:
    """Return whether a request is one of the dedicated gateway."""
    headers = http.headers
    return API_NAME in headers or ("content-type" in headers and "protobuf" in headers["content-type"].lower())


def decode(http: HttpRequest, operations: Mapping[str, Operation], store: Store) -> ApiRequest:
    """Read one request. Raises UNSUPPORTED_HTTP_METHOD, INVALID_CONTENT_TYPE, PARSE_REQUEST.

    The region is that of the client key, which belongs to one.
    """
    headers, body = http.headers, http.body
    if http.method != "POST":
        raise errors.UNSUPPORTED_HTTP_METHOD("The dedicated gateway takes POST, no other method.")
    kind = headers.get("content-type", "")
    if body and kind != MEDIA_TYPE and kind.partition(";")[0].strip().lower() != MEDIA_TYPE:
        raise errors.INVALID_CONTENT_TYPE(f"The body of such a request is {MEDIA_TYPE}.", name=kind[:80])
    action, version, access_key_id = headers.get(API_NAME, ""), headers.get(API_VERSION), headers.get(CLIENT_KEY_ID, "")
    if not f"{action}{version}{access_key_id}".isascii():
        action, version, access_key_id = writable(action), version and writable(version), writable(access_key_id)
    operation = operations.get(action)
    parameters: dict[str, Any] = {}
    query = ""
    if operation is not None:
        try:
            parameters = layout_of(operation).request.decode(body)
        except ValueError as error:
            reason = "a text is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
            raise errors.PARSE_REQUEST(f"The body is no message {operation.name}Request: {reason}.") from None
        if version_id := headers.get(KEY_VERSION_ID):
            parameters["KeyVersionId"] = version_id = writable(version_id)
            query = urlencode({"KeyVersionId": version_id})
    found = known_client_key(store, access_key_id)
    return ApiRequest(
        action=action,
        version=version,
        xml=False,
        access_key_id=access_key_id,
        region=http.listener_region if found is None else found.partition.region,
        parameters=parameters,
        query=query,
        form="",
        http=http,
        signer=found,
    )


def encode(operation: Operation, result: Mapping[str, Any]) -> HttpResponse:
    """Write the answer to a request; the version of the key that was used travels in a header."""
    body = layout_of(operation).response.encode(result)
    version_id = result.get("KeyVersionId")
    headers = ((KEY_VERSION_ID, version_id),) if version_id else ()
    return HttpResponse(200, MEDIA_TYPE, result["RequestId"], body, headers=headers)


def encode_error(error: ApiError, request_id: str) -> HttpResponse:
    """Write a refusal: the message `Error`."""
    error = errors.reworded(error)
    spec = error.spec
    values = {
        "StatusCode": spec.status,
        "ErrorCode": spec.code,
        "ErrorMessage": writable(error.message),
        "RequestId": request_id,
    }
    body = _ERROR.encode(values)
    return HttpResponse(spec.status, MEDIA_TYPE, request_id, body, spec.code, writable(error.reason))


WIRE_FORM = WireForm(
    matches=is_dedicated,
    decode=decode,
    authenticate=authenticate,
    encode=encode,
    encode_error=encode_error,
    read_parameters=read_parameters,
    read_answer=read_answer,
    common_errors=errors.COMMON_TABLE,
    max_body=MAX_BODY_BYTES,
    too_large=errors.BODY_TOO_LARGE,
    description=(
        "The parameters are the fields of a protobuf message, numbered in this order, and their bytes are raw where this "
        "page says Base64; `KeyVersionId` travels in the header `x-kms-migrationkeyversionid`. Every request is signed "
        "with a client key (dedicated.md 1). A field that is not known is ignored; an empty one counts as missing."
    ),
)
