"""Declared errors that no plain request can provoke, each with its reason. They can be had by fault injection."""

from __future__ import annotations

BY_CODE = {
    "InternalFailure": "a failure inside the service",
    "SerivceUnvailableTemporary": "an outage of the service",
    "Throttling": "flow control of 2020: requests a second are refused as later documents say, Rejected.Throttling",
}

BY_PAIR = {
    **{
        (name, "InternalError"): "a failure inside the service"
        for name in ("AssumeRole", "AssumeRoleWithOIDC", "AssumeRoleWithSAML", "GetCallerIdentity")
    },
    ("AssumeRole", "InvalidParameter.SerialNumber"): "no published parameter carries the number of an MFA device",
    ("AssumeRole", "InvalidParameter.TokenCode"): "no published parameter carries the code of an MFA device",
    ("AssumeRole", "InvalidParameter.ContentType"): "another body is ParseRequestParameterException at the gateway",
    ("AssumeRole", "AuthenticationFail.ApiUsername"): "callers sign with AccessKeys, not with a name",
    ("AssumeRole", "AuthenticationFail.ApiPassword"): "callers sign with AccessKeys, not with a password",
    (
        "AssumeRoleWithOIDC",
        "AuthenticationFail.OIDCToken.HttpsUrlInvalid",
    ): "keys are in the fixture file, not at a URL",
    ("UpdateSecret", "Rejected.ResourceExist"): "UpdateSecret creates nothing that could exist already",
    ("Decrypt", "Forbidden.AliasNotFound"): "Decrypt takes no key, so no alias either",
    ("ListSecrets", "Forbidden.ResourceNotFound"): "ListSecrets names no resource",
    ("GetSecretValue", "Forbidden.DKMSInstanceNotFound"): "an instance goes only together with the secrets in it",
    ("SetSecretPolicy", "Rejected.ShareQuotaExceedLimit"): "setting a policy uses up no quota that is documented",
    ("ConnectKmsInstance", "Forbidden.RamRoleNotFound"): "no document tells which RAM role an instance needs",
    ("GetKmsInstance", "Forbidden.DKMSInstanceNotFound"): "a missing instance is described with an empty id",
    ("GetKmsInstance", "Rejected.Uninitialized"): "an instance is described in every status",
    ("UpdateKmsInstanceBindVpc", "Forbidden.KMSInstanceInUpgrade"): "no instance is ever upgraded here",
    ("SetKeyPolicy", "Rejected.ShareQuotaExceedLimit"): "setting a policy uses up no quota that is documented",
}


def excuse(operation: str, code: str) -> str | None:
    """Return the reason why a pair is not provoked, or None."""
    return BY_PAIR.get((operation, code)) or BY_CODE.get(code)
