"""Requests that get an error from a server which started with nothing in it: what the page offers to try.

An error that is not here needs something in the store first, or never comes by itself: a fault answers it.
"""

from __future__ import annotations

from typing import TypedDict


class Provocation(TypedDict):
    """One request: an operation, which may be one that does not exist, and its parameters."""

    operation: str
    parameters: dict[str, str]


def _request(operation: str, **parameters: str) -> Provocation:
    return {"operation": operation, "parameters": parameters}


# Product, code -> request.
PROVOCATIONS: dict[tuple[str, str], Provocation] = {
    ("Kms", "MissingParameter"): _request("GetSecretValue"),
    ("Kms", "InvalidParameter"): _request("ListKeys", PageNumber="0"),
    ("Kms", "InvalidAction.NotFound"): _request("GetSecret", SecretName="db/password"),
    ("Kms", "InvalidVersion"): _request("GetSecretValue", SecretName="db/password", Version="2016-01-21"),
    ("Kms", "Forbidden.ResourceNotFound"): _request("GetSecretValue", SecretName="no/such/secret"),
    ("Kms", "Forbidden.KeyNotFound"): _request("DescribeKey", KeyId="no-such-key"),
    ("Kms", "Forbidden.AliasNotFound"): _request("DeleteAlias", AliasName="alias/none"),
    ("Kms", "Forbidden.DKMSInstanceNotFound"): _request("CreateKey", DKMSInstanceId="kst-none"),
    ("Kms", "DryRunOperationError"): _request("GenerateDataKey", KeyId="no-such-key", DryRun="true"),
    ("Kms", "ValidationError"): _request("GenerateDataKey", KeyId="x", NumberOfBytes="9999", DryRun="true"),
    ("Kms", "UnsupportedOperation"): _request("CreateKey", KeySpec="RSA_2048", EnableAutomaticRotation="true"),
    ("Kms", "CertificateNotFound"): _request("DescribeCertificate", CertificateId="none"),
    ("Sts", "MissingParameter"): _request("AssumeRole"),
    ("Sts", "EntityNotExist.Role"): _request(
        "AssumeRole", RoleArn="acs:ram::1234567890123456:role/none", RoleSessionName="session"
    ),
}
