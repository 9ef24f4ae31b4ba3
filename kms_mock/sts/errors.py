"""The error catalogue of STS: the tables of its operations, and codes of its page of error codes.

Sources: RAM, "AssumeRole", "AssumeRoleWithSAML", "GetCallerIdentity" and "Error codes" of STS 2015-04-01; Container
Service, "Use RRSA to authorize pods to access different cloud services" (its table of messages).
"""

from __future__ import annotations

from kms_mock.rpc.errors import ErrorSpec

_RRSA = "Container Service's page on RRSA has it in its table of messages."

INTERNAL_ERROR = ErrorSpec(500, "InternalError", "STS Server Internal Error happened, please send the RequestId to us.")
NO_PERMISSION = ErrorSpec(
    403, "NoPermission", "You are not authorized to do this action. You should be authorized by RAM."
)
ROOT_MAY_NOT_ASSUME = ErrorSpec(
    403,
    "NoPermission",
    "Roles may not be assumed by root accounts.",
    seen='OSS, "How to handle the common errors when you access OSS by using STS", has code and text.',
)
API_USERNAME = ErrorSpec(403, "AuthenticationFail.ApiUsername", "The specified api username is not legal.")
API_PASSWORD = ErrorSpec(403, "AuthenticationFail.ApiPassword", "The specified api password is not legal.")
ROLE_NOT_FOUND = ErrorSpec(404, "EntityNotExist.Role", "The specified Role not exists .")
OIDC_ROLE_NOT_FOUND = ErrorSpec(404, "EntityNotExist.Role", "The role not exists: {key}. ", seen=_RRSA)
SAML_ROLE_NOT_FOUND = ErrorSpec(404, "EntityNotExist.RoleArn", "The specified Role does not exists.")

# -- parameters -------------------------------------------------------------------------------------------------------
DURATION = ErrorSpec(400, "InvalidParameter.DurationSeconds", "The Min/Max value of DurationSeconds is 15min/1hr.")
EXTERNAL_ID = ErrorSpec(400, "InvalidParameter.ExternalId", "The parameter ExternalId is wrongly formed.")
ROLE_ARN = ErrorSpec(400, "InvalidParameter.RoleArn", "The parameter RoleArn is wrongly formed.")
SESSION_NAME = ErrorSpec(400, "InvalidParameter.RoleSessionName", "The parameter RoleSessionName is wrongly formed.")
SERIAL_NUMBER = ErrorSpec(400, "InvalidParameter.SerialNumber", "The parameter SerialNumber is wrongly formed.")
TOKEN_CODE = ErrorSpec(400, "InvalidParameter.TokenCode", "The parameter TokenCode is wrongly formed.")
POLICY_GRAMMAR = ErrorSpec(400, "InvalidParameter.PolicyGrammar", "The parameter Policy has not passed grammar check.")
POLICY_SIZE = ErrorSpec(400, "InvalidParameter.PolicySize", "The size of Policy must be smaller than 2048 bytes.")
CONTENT_TYPE = ErrorSpec(
    400,
    "InvalidParameter.ContentType",
    'The ContentType request header must be either "application/json" or "application/x-www-form-urlencoded".',
)
SAML_POLICY_GRAMMAR = ErrorSpec(400, "InvalidParameter.PolicyGrammar", "Invalid Policy.")
SAML_POLICY_SIZE = ErrorSpec(
    400,
    "InvalidParameter.PolicySize",
    "The max size of policy string is 2048.",
    inferred="The page of 2019 says 1024 in the text; the limit is 2048 since, and the text of today is not published.",
)
SAML_SESSION_NAME = ErrorSpec(400, "InvalidParameter.RoleSessionName", "The RoleSessionName is invalid.")
SAML_DURATION = ErrorSpec(400, "InvalidParameter.DurationSeconds", "The DurationSeconds is invalid.")
MISSING_SAML_ASSERTION = ErrorSpec(400, "MissingParameter.SAMLAssertion", "Parameter SAMLAssertion is required.")
MISSING_SAML_PROVIDER = ErrorSpec(400, "MissingParameter.SAMLProviderArn", "Parameter SAMLProviderArn is required.")
MISSING_ROLE_ARN = ErrorSpec(400, "MissingParameter.RoleArn", "Parameter RoleArn is required.")

# -- OIDC -------------------------------------------------------------------------------------------------------------
NO_TRUST = ErrorSpec(401, "AuthenticationFail.NoPermission", "There is no permission")
NO_SUCH_OIDC_PROVIDER = ErrorSpec(401, "AuthenticationFail.NoPermission", "No such OIDC Provider registered.")
OIDC_PROVIDER_ARN = ErrorSpec(
    401,
    "AuthenticationFail.NoPermission",
    "Parameter OIDCProviderArn is not valid",
    seen="The tests of the vendor's credentials library for C# expect code and text; the status is that of the others.",
)
OIDC_EXPIRED = ErrorSpec(401, "AuthenticationFail.OIDCToken.Expired", "This JsonWebToken is expired.")
OIDC_AUDIENCE = ErrorSpec(401, "AuthenticationFail.OIDCToken.AudienceNotMatch", "Invalid audience.")
OIDC_ISSUER = ErrorSpec(
    401,
    "AuthenticationFail.OIDCToken.IssuerNotMatch",
    "The issuer in the OIDC Token doesn't match the OIDC Provider registered.",
    seen=_RRSA,
)
OIDC_SIGNATURE = ErrorSpec(
    401, "AuthenticationFail.OIDCToken.InvalidSignature", "OIDC token validate failed: invalid signature."
)
OIDC_EMPTY = ErrorSpec(401, "AuthenticationFail.OIDCToken.Invalid", "The OIDCToken can not empty.")
OIDC_PARTS = ErrorSpec(
    401,
    "AuthenticationFail.OIDCToken.Invalid",
    "The number of Jwt field should be divided into 3 parts with '.' .",
)
OIDC_BASE64 = ErrorSpec(
    401, "AuthenticationFail.OIDCToken.Invalid", "Cannot decode base64 encoded response(format invalided)."
)
OIDC_ALGORITHM = ErrorSpec(
    401, "AuthenticationFail.OIDCToken.Invalid", "The algorithm {key} that be specified in Jwt header is unknown."
)
OIDC_CONTENT = ErrorSpec(
    401, "AuthenticationFail.OIDCToken.Invalid", "The Jwt content is invalid that cannot be recognized."
)
OIDC_URL = ErrorSpec(
    401,
    "AuthenticationFail.OIDCToken.HttpsUrlInvalid",
    "Invoke url failed due to certificate chain validation",
)

# -- SAML -------------------------------------------------------------------------------------------------------------
NO_SUCH_SAML_PROVIDER = ErrorSpec(404, "EntityNotExist.SAMLProvider", "Can not find SAML provider.")
SAML_METADATA = ErrorSpec(
    401, "AuthenticationFail.IDPMetadata.Invalid", "The IdP Metadata of your SAML Provider is invalid."
)
SAML_EXPIRED = ErrorSpec(401, "AuthenticationFail.SAMLAssertion.Expired", "The SAML Assertion is expired.")
SAML_INVALID = ErrorSpec(401, "AuthenticationFail.SAMLAssertion.Invalid", "The SAML Assertion is invalid.")
SAML_NO_TRUST = ErrorSpec(
    403,
    "NoPermission",
    "You are not authorized to do this action. You should be authorized by RAM.",
    inferred="No table of AssumeRoleWithSAML has a row for a role that does not trust the provider; AssumeRole's is used.",
)
