"""The catalogue of errors: one line per text the service is known to answer.

Codes, statuses and messages are wire facts, typos included; they come from `reference/errors.json` (the vendor's API
metadata of 2025-12, help pages, and texts seen by users). A row marked `inferred` has no source for what it says.
The same code has several texts: an operation lists the rows of its own table, and `Operation.own` picks among them.
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
    """One row of the catalogue. Calling it makes the exception: `raise errors.KEY_NOT_FOUND(reason)`."""

    status: int
    code: str
    message: str

    def __call__(self, reason: str = "", **names: str) -> ApiError:
        """Make the exception; `names` fills placeholders such as `{name}` in the message."""
        return ApiError(self, reason, names)

    def text(self, names: dict[str, str]) -> str:
        """Give the message with its placeholders filled (the parameter's name, the key's id)."""
        return self.message.format(name=names.get("name", ""), key=names.get("key", ""), detail=names.get("detail", ""))


# -- the request as such: gateway, envelope, caller -------------------------------------------------------------------
INVALID_ACTION = ErrorSpec(
    404, "InvalidAction.NotFound", "Specified api is not found, please check your url and method."
)
INVALID_VERSION = ErrorSpec(400, "InvalidVersion", "Specified parameter Version is not valid.")
UNSUPPORTED_HTTP_METHOD = ErrorSpec(403, "UnsupportedHTTPMethod", "This http method is not supported.")
PARSE_REQUEST_PARAMETER = ErrorSpec(
    400, "ParseRequestParameterException", "Server parse parameters exception. Please check your input params."
)
# Two blanks on each side of the name: seen on the wire (behaviour.md 21).
MISSING_PARAMETER = ErrorSpec(400, "MissingParameter", "The parameter  {name}  needed but no provided.")
INVALID_PARAMETER = ErrorSpec(400, "InvalidParameter", "The specified parameter {name} is not valid.")
INVALID_PARAMETER_UNNAMED = ErrorSpec(400, "InvalidParameter", "The specified parameter is not valid.")
INVALID_PARAMETER_INVALID = ErrorSpec(400, "InvalidParameter", "The specified parameter is invalid.")
INVALID_PARAMETER_SECRET = ErrorSpec(400, "InvalidParameter", 'some of the specified parameters "\\" is not valid')
INVALID_ACCESS_KEY_ID_PARAMETER = ErrorSpec(
    400, "InvalidParameter", "The specified parameter AccessKeyId is not valid"
)  # seen for a blank-padded id (external-secrets#2619)
DRY_RUN = ErrorSpec(
    400,
    "DryRunOperationError",
    "Request would have succeeded, but DryRun flag is set.",  # inferred: only the code is known
)
INTERNAL_FAILURE = ErrorSpec(500, "InternalFailure", "Internal Failure.")
INTERNAL_FAILURE_PLAIN = ErrorSpec(500, "InternalFailure", "Internal Failure")
INTERNAL_FAILURE_WIDE = ErrorSpec(500, "InternalFailure", "Internal  Failure")
INTERNAL_FAILURE_JOINED = ErrorSpec(500, "InternalFailure", "InternalFailure")
INTERNAL_FAILURE_AN_ERROR = ErrorSpec(500, "InternalFailure", "An internal error occurred.")
SERVICE_UNAVAILABLE = ErrorSpec(503, "ServiceUnavailableTemporary", "Service Unavailable Temporary.")
SERVICE_UNVAILABLE = ErrorSpec(503, "SerivceUnvailableTemporary", "Service Unvailable Temporary")
THROTTLING = ErrorSpec(400, "Throttling", "Request was denied due to request throttling.")
REJECTED_THROTTLING = ErrorSpec(429, "Rejected.Throttling", "QPS Limit Exceeded")
REJECTED_THROTTLING_SECRET = ErrorSpec(429, "Rejected.Throttling", "The QPS upper limit is exceeded.")

INVALID_ACCESS_KEY_ID = ErrorSpec(
    404, "InvalidAccessKeyId.NotFound", "The Access Key ID provided does not exist in our records."
)
INVALID_ACCESS_KEY_ID_CERTIFICATE = ErrorSpec(
    404, "InvalidAccessKeyId.NotFound", "The specified AccessKey ID does not exist."
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
SIGNATURE_NONCE_USED = ErrorSpec(400, "SignatureNonceUsed", "Specified signature nonce was used already.")
NO_PERMISSION = ErrorSpec(403, "Forbidden.NoPermission", "This operation is forbidden by permission system.")
NO_PERMISSION_PLAIN = ErrorSpec(403, "Forbidden.NoPermission", "This operation is forbidden by permission system")
NO_PERMISSION_400 = ErrorSpec(400, "Forbidden.NoPermission", "This operation is forbidden by permission system.")
NO_PERMISSION_UNAUTHORIZED = ErrorSpec(
    403, "Forbidden.NoPermission", "You are not authorized to perform the operation."
)
NO_PERMISSION_FOR_KEY = ErrorSpec(
    403, "Forbidden.NoPermission", "This operation for {key} is forbidden by permission system"
)

# -- the account ------------------------------------------------------------------------------------------------------
SERVICE_NOT_ENABLED = ErrorSpec(
    403,
    "Forbidden.KmsServiceNotEnabled",
    "Kms service is not Enabled for current user. Please get access permission first.",
)
IN_DEBT = ErrorSpec(403, "Forbidden.InDebt", "Current user is indebted.")
IN_DEBT_OVERDUE = ErrorSpec(403, "Forbidden.InDebtOverdue", "Current user is indebted Overdue.")
RISK_CONTROL = ErrorSpec(403, "Forbidden.ProhibitedByRiskControl", "Current user is Prohibited By Risk Control.")
UBSMS_INVALID_USER = ErrorSpec(403, "Forbidden.UbsmsInvalidUserid", "Userid Invalid For Ubsms.")
UBSMS_INVALID_BID = ErrorSpec(403, "Forbidden.UbsmsInvalidBid", "Your account partner does not have KMS Service.")
CREATE_ORDER_FAILED = ErrorSpec(400, "CreateLXOrderFailed", "Create order failed.")
NO_REAL_NAME = ErrorSpec(400, "Forbidden.NoRealNameAuthentication", "Real name authentication is needed.")
SERVICE_OPENED = ErrorSpec(400, "Forbidden.Opened", "Your kms service has been opened.")

# -- keys, key versions, key material, aliases ------------------------------------------------------------------------
KEY_NOT_FOUND = ErrorSpec(404, "Forbidden.KeyNotFound", "The specified Key is not found.")
KEY_VERSION_NOT_FOUND = ErrorSpec(404, "Forbidden.KeyVersionNotFound", "The specified Key version is not found.")
ALIAS_NOT_FOUND = ErrorSpec(404, "Forbidden.AliasNotFound", "The specified Alias is not found.")
ALIAS_EXISTS = ErrorSpec(400, "AliasAlreadyExists", "AliasName Already Exists.")
UNSUPPORTED_ALIAS = ErrorSpec(400, "Unsupported.Alias", "Alias is not valid for this api.")
UNSUPPORTED_ORIGIN = ErrorSpec(400, "Unsupported.Origin", "This key origin is not valid for this api")
UNSUPPORTED_PROTECTION_LEVEL = ErrorSpec(
    400, "Unsupported.ProtectionLevel", "This protection level is not valid for this region"
)
UNSUPPORTED_OPERATION = ErrorSpec(400, "UnsupportedOperation", "This action is not supported.")
REJECTED_UNSUPPORTED = ErrorSpec(400, "Rejected.UnsupportedOperation", "Unsupported operation.")
KEY_DISABLED = ErrorSpec(409, "Rejected.Disabled", "The request was rejected because the key state is Disabled.")
KEY_UNAVAILABLE = ErrorSpec(
    409, "Rejected.Unavailable", "The request was rejected because the key state is Unavailable."
)
KEY_PENDING_DELETION = ErrorSpec(
    409, "Rejected.PendingDeletion", "The request was rejected because the key state is PendingDeletion."
)
KEY_PENDING_IMPORT = ErrorSpec(
    409, "Rejected.PendingImport", "The request was rejected because the key state is PendingImport."
)
KEY_STATE_NOT_MODIFIED = ErrorSpec(409, "Rejected.StateModifiedFailed", "Keystate modified failed.")
DELETION_PROTECTED = ErrorSpec(
    409,
    "Rejected.DeletionProtectionEnabled",
    "The request was rejected because deletion protection is enabled.",  # inferred: code and text are ours (DESIGN 6)
)
INVALID_KEY_MATERIAL = ErrorSpec(400, "InvalidKeyMaterial", "key material is invalid")
INVALID_IMPORT_TOKEN = ErrorSpec(400, "InvalidImportToken", "import token is invalid")
EXPIRED_IMPORT_TOKEN = ErrorSpec(400, "ExpiredImportToken", "import token is expired")
INVALID_CIPHERTEXT = ErrorSpec(400, "InvalidParameter", "The parameter  {name}  is invalid.")
INVALID_KEY_SPEC = ErrorSpec(400, "InvalidParameter", "The specified parameter KeySpec is not valid.")
LIMIT_EXCEEDED = ErrorSpec(
    400, "Rejected.LimitExceeded", "The request was rejected because user create resource limit was exceeded"
)
SHARE_QUOTA_EXCEEDED = ErrorSpec(400, "Rejected.ShareQuotaExceedLimit", "Instance Share Quota Exceed Limit.")

# -- policies of keys and secrets -------------------------------------------------------------------------------------
POLICY_UNSUPPORTED = ErrorSpec(400, "Forbidden.KeyPolicyUnSupported", "The specified key does not support key policy.")
POLICY_NOT_FOUND = ErrorSpec(404, "Forbidden.ResourceNotFound", "Policy not found.")

# -- secrets ----------------------------------------------------------------------------------------------------------
RESOURCE_NOT_FOUND = ErrorSpec(404, "Forbidden.ResourceNotFound", "Resource not found")
RESOURCE_NOT_FOUND_DOT = ErrorSpec(404, "Forbidden.ResourceNotFound", "Resource not found.")
RESOURCE_NOT_FOUND_CREATE = ErrorSpec(404, "Forbidden.ResourceNotFound", "The resource is not found.")
SECRET_EXISTS = ErrorSpec(409, "Rejected.ResourceExist", "The resource already exists.")
SECRET_VERSION_EXISTS = ErrorSpec(409, "Rejected.ResourceExist", "The request was rejected becasue key already exsit")
RESOURCE_EXISTS = ErrorSpec(
    409, "Rejected.ResourceExist", "The request was rejected because the resource already exists."
)
SECRET_IN_DELETE_WINDOW = ErrorSpec(409, "Rejected.ResourceInDeleteWindow", "secret in delete peroid")
SECRET_NAME_IN_DELETE_WINDOW = ErrorSpec(409, "Rejected.ResourceInDeleteWindow", "The secret is planned to be deleted.")
SECRET_NOT_DELETED = ErrorSpec(409, "Rejected.ResourceInUse", "restore normal secret")
SECRET_LIMIT_EXCEEDED = ErrorSpec(400, "Rejected.LimitExceeded", "exceed secret limits error")
SECRET_QUOTA_EXCEEDED = ErrorSpec(400, "Rejected.LimitExceeded", "The secret quota is exceeded.")
SECRET_PARAM_MISMATCH = ErrorSpec(400, "Rejected.InvalidRequest", "param mismatch")
SECRET_STAGES_ABNORMAL = ErrorSpec(400, "Rejected.UnsupportedOperation", "secret stages in unnormal status")

# -- tags -------------------------------------------------------------------------------------------------------------
INVALID_RESOURCE_ID = ErrorSpec(404, "InvalidResourceId.NotFound", "The specified ResourceId is not found.")
DUPLICATE_TAG_KEY = ErrorSpec(400, "Duplicate.TagKey", "The specified tagKey is duplicate.")
INVALID_TAG_KEY = ErrorSpec(400, "InvalidParameter.TagKey", "The specified parameter is not valid.")
INVALID_TAG_VALUE = ErrorSpec(400, "InvalidParameter.TagValue", "The specified parameter is not valid.")

# -- certificates, instances ------------------------------------------------------------------------------------------
CERTIFICATE_NOT_FOUND = ErrorSpec(404, "Certificate.NotFound", "The specified certificate is not found.")
INSTANCE_NOT_FOUND = ErrorSpec(403, "Forbidden.DKMSInstanceNotFound", "The specified DKMS Instance is not found.")
INSTANCE_STATE_INVALID = ErrorSpec(403, "Forbidden.DKMSInstanceStateInvalid", "The DKMS instance state is invalid.")
INSTANCE_NO_BACKUP = ErrorSpec(403, "Forbidden.NoBackup", "this kms instance no backup, forbidden delete.")

# -- access of applications -------------------------------------------------------------------------------------------
ACCESS_RESOURCE_IN_USE = ErrorSpec(
    409,
    "Rejected.ResourceInUse",
    "The request was rejected because the resource is in use.",  # inferred: the code is of secrets, the text is ours
)

# -- tables that operations share -------------------------------------------------------------------------------------
# The error tables of most secret operations, and of most others, begin with these rows.
SECRET_TABLE = (INVALID_PARAMETER_SECRET, NO_PERMISSION_PLAIN, RESOURCE_NOT_FOUND, INTERNAL_FAILURE_PLAIN)
USUAL_TABLE = (INVALID_PARAMETER_UNNAMED, INVALID_ACCESS_KEY_ID)
