"""Errors: how one is declared and raised, and those that every product of the RPC style answers.

Codes, statuses and messages are wire facts, typos included (behaviour.md 19 and 21). A product keeps its own in a
module of its own.
"""

from __future__ import annotations

from msgspec import Struct


class ApiError(Exception):
    """A refusal as the API words it, with a plain `reason` for the person who debugs (never sent in the body)."""

    def __init__(self, spec: ErrorSpec, reason: str, names: dict[str, str]) -> None:
        """Refuse with `spec`; `names` fills the placeholders of its message."""
        super().__init__(f"{spec.code}: {reason or spec.message}")
        self.spec = spec
        self.reason = reason
        self.names = names

    @property
    def message(self) -> str:
        """The service's text for this refusal."""
        return self.spec.text(self.names)


class ErrorSpec(Struct, frozen=True):
    """One row of the catalogue. Calling it makes the exception: `raise errors.KEY_NOT_FOUND(reason)`.

    `seen` says where a text was seen that no document has, `inferred` what of the row no source states; each is a
    sentence. `exact` marks the text of a missing permission that does not name the resource either where there is one.
    """

    status: int
    code: str
    message: str
    seen: str = ""
    inferred: str = ""
    exact: bool = False

    def __call__(self, reason: str = "", **names: str) -> ApiError:
        """Make the exception; `names` fills placeholders such as `{name}` in the message."""
        return ApiError(self, reason, names)

    def text(self, names: dict[str, str]) -> str:
        """Return the message with its placeholders filled (the parameter's name, the key's id)."""
        return self.message.format_map({name: names.get(name, "") for name in ("name", "key", "arn", "detail")})


# -- what every product answers ---------------------------------------------------------------------------------------
INVALID_ACTION = ErrorSpec(
    404, "InvalidAction.NotFound", "Specified api is not found, please check your url and method."
)
INVALID_VERSION = ErrorSpec(400, "InvalidVersion", "Specified parameter Version is not valid.")
FOREIGN_REQUEST = ErrorSpec(
    403,
    "Forbidden.ForeignRequest",
    "kms-mock refuses this request: {detail}",
    inferred="The service has no such refusal: it protects a mock on this machine from web pages.",
)
HOST_NOT_MOCKED = ErrorSpec(
    403,
    "KmsMock.HostNotMocked",
    "{detail}",
    inferred="The service has no such refusal: it keeps requests for other products on this machine.",
)
UNSUPPORTED_HTTP_METHOD = ErrorSpec(403, "UnsupportedHTTPMethod", "This http method is not supported.")
PARSE_REQUEST_PARAMETER = ErrorSpec(
    400, "ParseRequestParameterException", "Server parse parameters exception. Please check your input params."
)
MISSING_PARAMETER = ErrorSpec(
    400,
    "MissingParameter",
    "The parameter  {name}  needed but no provided.",
    seen="The text has two blanks on each side of the name on the wire (behaviour.md 21).",
)
INVALID_PARAMETER = ErrorSpec(400, "InvalidParameter", "The specified parameter {name} is not valid.")
INVALID_ACCESS_KEY_ID_PARAMETER = ErrorSpec(
    400,
    "InvalidParameter",
    "The specified parameter AccessKeyId is not valid",
    seen="The answer to an AccessKey id with blanks around it (external-secrets#2619).",
)
_DRY_RUN_INFERRED = "Only the code is known; status and text are ours."
DRY_RUN = ErrorSpec(
    400,
    "DryRunOperationError",
    "Request would have succeeded, but DryRun flag is set.",
    inferred=_DRY_RUN_INFERRED,
)
DRY_RUN_ACCESS_DENIED = ErrorSpec(
    403, "AccessDeniedError", "You are not authorized to perform this operation.", inferred=_DRY_RUN_INFERRED
)
DRY_RUN_VALIDATION = ErrorSpec(
    400, "ValidationError", "The specified parameter {name} is not valid.", inferred=_DRY_RUN_INFERRED
)
INTERNAL_FAILURE = ErrorSpec(500, "InternalFailure", "Internal Failure.")
SERVICE_UNAVAILABLE = ErrorSpec(503, "ServiceUnavailableTemporary", "Service Unavailable Temporary.")
THROTTLING = ErrorSpec(400, "Throttling", "Request was denied due to request throttling.")
INVALID_ACCESS_KEY_ID = ErrorSpec(
    404, "InvalidAccessKeyId.NotFound", "The Access Key ID provided does not exist in our records."
)
ACCESS_KEY_INACTIVE = ErrorSpec(403, "Forbidden.AccessKey", "This AccessKey is not enabled.")
INCOMPLETE_SIGNATURE = ErrorSpec(
    400, "IncompleteSignature", "The request signature does not conform to Aliyun standards."
)
# Python SDK V1 splits this message at its colon (clients.md 2.25).
SIGNATURE_DOES_NOT_MATCH = ErrorSpec(
    400,
    "SignatureDoesNotMatch",
    "Specified signature is not matched with our calculation. server string to sign is:{detail}",
)
ILLEGAL_TIMESTAMP = ErrorSpec(
    400,
    "IllegalTimestamp",
    "The input parameter Timestamp that is mandatory for processing this request is not supplied.",
)
TIMESTAMP_EXPIRED = ErrorSpec(400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.")
MISSING_SECURITY_TOKEN = ErrorSpec(400, "MissingSecurityToken", "SecurityToken is mandatory for this action.")
_NOT_SEEN = "status and text: no payload of KMS with this code was seen"
SECURITY_TOKEN_EXPIRED = ErrorSpec(
    400, "InvalidSecurityToken.Expired", "Specified SecurityToken is expired.", inferred=_NOT_SEEN
)
SECURITY_TOKEN_MALFORMED = ErrorSpec(
    400, "InvalidSecurityToken.Malformed", "Specified SecurityToken is malformed.", inferred=_NOT_SEEN
)
SECURITY_TOKEN_MISMATCH = ErrorSpec(
    400,
    "InvalidSecurityToken.MismatchWithAccessKey",
    "Specified SecurityToken mismatch with the AccessKey.",
    inferred=_NOT_SEEN,
)
SIGNATURE_NONCE_USED = ErrorSpec(400, "SignatureNonceUsed", "Specified signature nonce was used already.")
NO_PERMISSION = ErrorSpec(403, "Forbidden.NoPermission", "This operation is forbidden by permission system.")
NO_PERMISSION_ON = ErrorSpec(
    403,
    "Forbidden.NoPermission",
    "This operation for {arn} is forbidden by permission system.",
    seen="Where a request names a resource, the text names its ARN, whatever the operation's table says (behaviour.md 21).",
)

# What any operation of any product may answer.
COMMON_ERRORS = (
    PARSE_REQUEST_PARAMETER,
    UNSUPPORTED_HTTP_METHOD,
    INVALID_VERSION,
    INVALID_ACTION,
    INVALID_ACCESS_KEY_ID,
    INVALID_ACCESS_KEY_ID_PARAMETER,
    ACCESS_KEY_INACTIVE,
    INCOMPLETE_SIGNATURE,
    SIGNATURE_DOES_NOT_MATCH,
    ILLEGAL_TIMESTAMP,
    TIMESTAMP_EXPIRED,
    MISSING_SECURITY_TOKEN,
    SECURITY_TOKEN_EXPIRED,
    SECURITY_TOKEN_MALFORMED,
    SECURITY_TOKEN_MISMATCH,
    SIGNATURE_NONCE_USED,
    MISSING_PARAMETER,
    INVALID_PARAMETER,
    NO_PERMISSION,
    NO_PERMISSION_ON,
    THROTTLING,
    INTERNAL_FAILURE,
    SERVICE_UNAVAILABLE,
    DRY_RUN,
    DRY_RUN_ACCESS_DENIED,
    DRY_RUN_VALIDATION,
)

# -- what the gateway in front of every product answers ---------------------------------------------------------------
# Faults answer these; no request gets them otherwise. Codes are those that clients test for; where no payload was seen,
# the text is that of Alibaba Cloud's page "Common error codes".
_GATEWAY = (
    ErrorSpec(400, "Throttling.User", "Request was denied due to user flow control.", inferred=_NOT_SEEN),
    ErrorSpec(400, "Throttling.Api", "Request was denied due to api flow control.", inferred=_NOT_SEEN),
    ErrorSpec(400, "InvalidAccessKeyId.Inactive", "Specified access key is disabled.", inferred="the status"),
    ErrorSpec(
        403,
        "Forbidden.RAM",
        "User not authorized to operate on the specified resource, or this API doesn't support RAM.",
        inferred=_NOT_SEEN,
    ),
    ErrorSpec(
        503,
        "ServiceUnavailable",
        "The request has failed due to a temporary failure of the server.",
        inferred=_NOT_SEEN,
    ),
    ErrorSpec(
        500,
        "InternalError",
        "The request processing has failed due to some unknown error, exception or failure.",
        inferred=_NOT_SEEN,
    ),
)
GATEWAY_ERRORS = {row.code: row for row in _GATEWAY}
