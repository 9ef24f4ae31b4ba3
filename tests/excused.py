"""Declared errors that no plain request can provoke, each with its reason. They can be had by fault injection."""

from __future__ import annotations

BY_CODE = {
    "InternalFailure": "a failure inside the service",
    "SerivceUnvailableTemporary": "an outage of the service",
    "Throttling": "flow control at the gateway: this server does not count requests per second",
    "Rejected.Throttling": "flow control at the gateway: this server does not count requests per second",
}

BY_PAIR = {
    ("UpdateSecret", "Rejected.ResourceExist"): "UpdateSecret creates nothing that could exist already",
    ("Decrypt", "Forbidden.AliasNotFound"): "Decrypt takes no key, so no alias either",
    ("ListSecrets", "Forbidden.ResourceNotFound"): "ListSecrets names no resource",
    ("GetSecretValue", "Forbidden.DKMSInstanceNotFound"): "an instance goes only together with the secrets in it",
    ("SetSecretPolicy", "Rejected.ShareQuotaExceedLimit"): "setting a policy uses up no quota that is documented",
    ("SetKeyPolicy", "Rejected.ShareQuotaExceedLimit"): "setting a policy uses up no quota that is documented",
}


def excuse(operation: str, code: str) -> str | None:
    """Give the reason why a pair is not provoked, or None."""
    return BY_PAIR.get((operation, code)) or BY_CODE.get(code)


# Documented codes whose status and text are published nowhere (terraform-provider-alicloud names the code alone): no
# operation declares them, and a fault cannot answer them either.
_TERRAFORM = "terraform-provider-alicloud handles this code near the call; status and text are published nowhere"
IMPOSSIBLE = {
    ("ConnectKmsInstance", "Forbidden.RamRoleNotFound"): _TERRAFORM,
    ("GetKmsInstance", "Rejected.Uninitialized"): _TERRAFORM,
    ("UpdateKmsInstanceBindVpc", "Forbidden.KMSInstanceInUpgrade"): _TERRAFORM,
}
