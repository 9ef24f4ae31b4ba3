"""The catalogue of KMS errors: one row per text the service is known to answer.

Codes, statuses and messages are wire facts, typos included; they come from the vendor's API metadata of
2025-12, help pages, and texts seen by users (behaviour.md 23). A row with `inferred` has no source for what that says.
The same code has several texts, named by where they are used: an operation lists the rows of its own table, and
`Operation.reworded` picks among them.
"""

from __future__ import annotations

from kms_mock.rpc.errors import (
    ACCESS_KEY_INACTIVE,
    DRY_RUN,
    DRY_RUN_ACCESS_DENIED,
    DRY_RUN_VALIDATION,
    ILLEGAL_TIMESTAMP,
    INCOMPLETE_SIGNATURE,
    INTERNAL_FAILURE,
    INVALID_ACCESS_KEY_ID,
    INVALID_ACCESS_KEY_ID_PARAMETER,
    INVALID_ACTION,
    INVALID_PARAMETER,
    INVALID_VERSION,
    MISSING_PARAMETER,
    MISSING_SECURITY_TOKEN,
    NO_PERMISSION,
    NO_PERMISSION_ON,
    PARSE_REQUEST_PARAMETER,
    SERVICE_UNAVAILABLE,
    SIGNATURE_DOES_NOT_MATCH,
    SIGNATURE_NONCE_USED,
    THROTTLING,
    TIMESTAMP_EXPIRED,
    UNSUPPORTED_HTTP_METHOD,
    ApiError,
    ErrorSpec,
)

__all__ = [
    "ACCESS_KEY_INACTIVE",
    "DRY_RUN",
    "DRY_RUN_ACCESS_DENIED",
    "DRY_RUN_VALIDATION",
    "ILLEGAL_TIMESTAMP",
    "INCOMPLETE_SIGNATURE",
    "INTERNAL_FAILURE",
    "INVALID_ACCESS_KEY_ID",
    "INVALID_ACCESS_KEY_ID_PARAMETER",
    "INVALID_ACTION",
    "INVALID_PARAMETER",
    "INVALID_VERSION",
    "MISSING_PARAMETER",
    "MISSING_SECURITY_TOKEN",
    "NO_PERMISSION",
    "NO_PERMISSION_ON",
    "PARSE_REQUEST_PARAMETER",
    "SERVICE_UNAVAILABLE",
    "SIGNATURE_DOES_NOT_MATCH",
    "SIGNATURE_NONCE_USED",
    "THROTTLING",
    "TIMESTAMP_EXPIRED",
    "UNSUPPORTED_HTTP_METHOD",
    "ApiError",
    "ErrorSpec",
]

# -- the request as such, in the words of KMS alone -------------------------------------------------------------------
KMS_INVALID_PARAMETER = ErrorSpec(400, "InvalidParameter", "The specified parameter is not valid.")
ENCRYPT_INVALID_PARAMETER = ErrorSpec(400, "InvalidParameter", "The specified parameter is invalid.")
SECRET_INVALID_PARAMETER = ErrorSpec(400, "InvalidParameter", 'some of the specified parameters "\\" is not valid')
SECRET_INTERNAL_FAILURE = ErrorSpec(500, "InternalFailure", "Internal Failure")
CREATE_INTERNAL_FAILURE = ErrorSpec(500, "InternalFailure", "Internal  Failure")
EXPORT_INTERNAL_FAILURE = ErrorSpec(500, "InternalFailure", "InternalFailure")
OLD_CREATE_SECRET_INTERNAL_FAILURE = ErrorSpec(500, "InternalFailure", "An internal error occurred.")
KMS_SERVICE_UNAVAILABLE = ErrorSpec(503, "SerivceUnvailableTemporary", "Service Unvailable Temporary")
REJECTED_THROTTLING = ErrorSpec(429, "Rejected.Throttling", "QPS Limit Exceeded")
CREATE_SECRET_THROTTLING = ErrorSpec(429, "Rejected.Throttling", "The QPS upper limit is exceeded.")
CERTIFICATE_INVALID_ACCESS_KEY_ID = ErrorSpec(
    404, "InvalidAccessKeyId.NotFound", "The specified AccessKey ID does not exist."
)
SECRET_NO_PERMISSION = ErrorSpec(403, "Forbidden.NoPermission", "This operation is forbidden by permission system")
PUT_SECRET_VALUE_NO_PERMISSION = ErrorSpec(
    403, "Forbidden.NoPermission", "This operation is forbidden by permission system", exact=True
)
POLICY_NO_PERMISSION = ErrorSpec(400, "Forbidden.NoPermission", "This operation is forbidden by permission system.")
DESCRIBE_SECRET_NO_PERMISSION = ErrorSpec(
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

# What any operation may answer while the account has not opened KMS or may not use it, or sends too many requests.
ACCOUNT_TABLE = (
    SERVICE_NOT_ENABLED,
    IN_DEBT,
    IN_DEBT_OVERDUE,
    RISK_CONTROL,
    UBSMS_INVALID_USER,
    UBSMS_INVALID_BID,
    REJECTED_THROTTLING,
)

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
    "The request was rejected because deletion protection is enabled.",
    inferred="That a protected resource is refused is documented; status, code and text are ours (design.md 6).",
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
SECRET_NOT_FOUND = ErrorSpec(404, "Forbidden.ResourceNotFound", "Resource not found")
ACCESS_NOT_FOUND = ErrorSpec(404, "Forbidden.ResourceNotFound", "Resource not found.")
CREATE_SECRET_KEY_NOT_FOUND = ErrorSpec(404, "Forbidden.ResourceNotFound", "The resource is not found.")
SECRET_EXISTS = ErrorSpec(409, "Rejected.ResourceExist", "The resource already exists.")
SECRET_VERSION_EXISTS = ErrorSpec(409, "Rejected.ResourceExist", "The request was rejected becasue key already exsit")
ACCESS_EXISTS = ErrorSpec(
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
INSTANCE_UNINITIALIZED = ErrorSpec(
    400,
    "Rejected.Uninitialized",
    "The KMS instance is not initialized.",
    inferred="terraform-provider-alicloud handles the code; status and text are ours.",
)
INSTANCE_IN_UPGRADE = ErrorSpec(
    409,
    "Forbidden.KMSInstanceInUpgrade",
    "The KMS instance is being upgraded.",
    inferred="terraform-provider-alicloud handles the code; status and text are ours.",
)
RAM_ROLE_NOT_FOUND = ErrorSpec(
    404,
    "Forbidden.RamRoleNotFound",
    "The RAM role is not found.",
    inferred="terraform-provider-alicloud handles the code; status and text are ours.",
)
INSTANCE_NO_BACKUP = ErrorSpec(403, "Forbidden.NoBackup", "this kms instance no backup, forbidden delete.")

# -- tables that operations share -------------------------------------------------------------------------------------
# The error tables of most secret operations, and of most others, begin with these rows.
SECRET_TABLE = (SECRET_INVALID_PARAMETER, SECRET_NO_PERMISSION, SECRET_NOT_FOUND, SECRET_INTERNAL_FAILURE)
USUAL_TABLE = (KMS_INVALID_PARAMETER, INVALID_ACCESS_KEY_ID)
