"""Requests that get an error from a server which started with nothing in it: what the page offers to try.

An error that is not here needs something in the store first, or never comes by itself: a fault answers it.
"""

from __future__ import annotations

from typing import TypedDict


class Provocation(TypedDict):
    """One request: an operation, which may be one that does not exist, in a version, and its parameters."""

    operation: str
    version: str
    parameters: dict[str, str]


def _request(operation: str, *, version: str = "2016-01-20", **parameters: str) -> Provocation:
    return {"operation": operation, "version": version, "parameters": parameters}


# Code -> request.
PROVOCATIONS: dict[str, Provocation] = {
    "Certificate.NotFound": _request("DescribeCertificate", CertificateId="none"),
    "EntityNotExist.Role": _request(
        "AssumeRole",
        version="2015-04-01",
        RoleArn="acs:ram::1234567890123456:role/none",
        RoleSessionName="session",
    ),
    "Forbidden.AliasNotFound": _request("DescribeKey", KeyId="alias/none"),
    "Forbidden.DKMSInstanceNotFound": _request("CreateKey", DKMSInstanceId="kst-none"),
    "Forbidden.KeyNotFound": _request("DescribeKey", KeyId="no-such-key"),
    "Forbidden.ResourceNotFound": _request("GetSecretValue", SecretName="no/such/secret"),
    "InvalidAction.NotFound": _request("GetSecret", SecretName="db/password"),
    "InvalidParameter": _request("ListKeys", PageNumber="0"),
    "InvalidVersion": _request("GetSecretValue", version="2016-01-21", SecretName="db/password"),
    "MissingParameter": _request("GetSecretValue"),
    "ValidationError": _request("GenerateDataKey", KeyId="x", NumberOfBytes="9999", DryRun="true"),
}
