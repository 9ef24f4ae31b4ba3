"""Declared errors that no plain request can provoke, each with its reason. They can be had by fault injection."""

from __future__ import annotations

_BY_CODE = {
    "InternalFailure": "a failure inside the service",
    "ServiceUnavailableTemporary": "an outage of the service",
    "SerivceUnvailableTemporary": "an outage of the service",
    "Throttling": "flow control at the gateway: this server does not count requests per second",
    "Rejected.Throttling": "flow control at the gateway: this server does not count requests per second",
}

_BY_PAIR = {
    ("UpdateSecret", "Rejected.ResourceExist"): "UpdateSecret creates nothing that could exist already",
    ("SetSecretPolicy", "Rejected.ShareQuotaExceedLimit"): "setting a policy uses up no quota that is documented",
    ("DescribeSecret", "IllegalTimestamp"): "only with signatures verified; tests/wire/test_authentication.py",
}


def excuse(operation: str, code: str) -> str | None:
    """Give the reason why a pair is not provoked, or None."""
    return _BY_PAIR.get((operation, code)) or _BY_CODE.get(code)
