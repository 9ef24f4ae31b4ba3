"""What the dedicated gateway answers in words of its own (dedicated.md 2); the rest is the catalogue of KMS."""

from __future__ import annotations

from kms_mock.kms import errors
from kms_mock.kms.errors import ApiError, ErrorSpec

_CLIENT_KEY_DATES = "No page says how a client key outside its dates is refused: as in the RPC API."
_HTTP_METHOD = "No page says how another method than POST is refused: as in the RPC API."

INVALID_API_NAME = ErrorSpec(400, "InvalidApiName", 'The ApiName "{name}" is invalid.')
INVALID_API_VERSION = ErrorSpec(400, "InvalidApiVersion", 'The ApiVersion "{name}" is invalid.')
INVALID_PARAM = ErrorSpec(400, "InvalidParam", "The Param {name} is invalid.{detail}")
MISSING_PARAMETER = ErrorSpec(400, "MissingParameter", "Parameter {name} does not exist in http header or body.")
REQUEST_TIME_TOO_SKEWED = ErrorSpec(
    400, "RequestTimeTooSkewed", "Request time exceeds server time more than 15 minutes."
)
INVALID_PARAMETER = ErrorSpec(400, "InvalidParameter", "The specified parameter is not valid.")
UNSUPPORTED_OPERATION = ErrorSpec(400, "UnsupportedOperation", "Rejected.UnsupportedOperation")
SIGNATURE_NOT_MATCH = ErrorSpec(401, "SignatureNotMatch", "Signature is not matched.")
NO_PERMISSION = ErrorSpec(
    403, "Forbidden.NoPermission", 'This operation for "{arn}" is forbidden by permission system.', exact=True
)
CLIENT_KEY_INACTIVE = ErrorSpec(
    403, "Forbidden.AccessKey", "This AccessKey is not enabled.", inferred=_CLIENT_KEY_DATES
)
UNSUPPORTED_HTTP_METHOD = ErrorSpec(
    403, "UnsupportedHTTPMethod", "This http method is not supported.", inferred=_HTTP_METHOD
)
KEY_NOT_FOUND = ErrorSpec(404, "Forbidden.KeyNotFound", "The specified key does not exist.")
UNAUTHORIZED = ErrorSpec(404, "Unauthorized", 'The AccessKey ID "{name}" does not exist in our records.')
BODY_TOO_LARGE = ErrorSpec(
    413,
    "RequestEntityTooLarge",
    "The request body exceeds 3 MB.",
    inferred="The pages of operations have the status of a body that is too large, no page its code and text.",
)
INVALID_CONTENT_TYPE = ErrorSpec(415, "InvalidContentType", 'Content-Type "{name}" is unsupported.')
PARSE_REQUEST = ErrorSpec(
    400,
    "ParseRequestParameterException",
    "Server parse parameters exception. Please check your input params.",
    inferred="No page says how a damaged message is refused: as a damaged form in the RPC API.",
)

# What any operation may answer (help page "Common error codes" of the KMS Instance API).
COMMON_TABLE = (
    INVALID_API_NAME,
    INVALID_API_VERSION,
    INVALID_PARAM,
    MISSING_PARAMETER,
    REQUEST_TIME_TOO_SKEWED,
    INVALID_PARAMETER,
    PARSE_REQUEST,
    UNSUPPORTED_OPERATION,
    SIGNATURE_NOT_MATCH,
    NO_PERMISSION,
    CLIENT_KEY_INACTIVE,
    UNSUPPORTED_HTTP_METHOD,
    KEY_NOT_FOUND,
    UNAUTHORIZED,
    errors.KEY_PENDING_DELETION,
    errors.KEY_DISABLED,
    errors.KEY_PENDING_IMPORT,
    BODY_TOO_LARGE,
    INVALID_CONTENT_TYPE,
    errors.INTERNAL_FAILURE,
    errors.SERVICE_UNAVAILABLE,
)

# What the code that both gateways share raises -> how it is said here.
_SHARED = {
    errors.INVALID_ACTION: INVALID_API_NAME,
    errors.INVALID_VERSION: INVALID_API_VERSION,
    errors.MISSING_PARAMETER: MISSING_PARAMETER,
    errors.INVALID_PARAMETER: INVALID_PARAMETER,
    errors.INVALID_CIPHERTEXT: INVALID_PARAMETER,
    errors.UNSUPPORTED_OPERATION: UNSUPPORTED_OPERATION,
    errors.NO_PERMISSION: NO_PERMISSION,
    errors.NO_PERMISSION_ON: NO_PERMISSION,
    errors.KEY_NOT_FOUND: KEY_NOT_FOUND,
    errors.ALIAS_NOT_FOUND: KEY_NOT_FOUND,
    errors.PARSE_REQUEST_PARAMETER: PARSE_REQUEST,
}


def reworded(error: ApiError) -> ApiError:
    """Return a refusal in the words of this gateway; any other one, such as a fault's, stays as it is."""
    spec = _SHARED.get(error.spec)
    return error if spec is None else ApiError(spec, error.reason, error.names)
