"""The system policies that users of KMS attach, as the reference of system policies in the RAM documentation has them.

Each is a page named after its policy; the versions here are those that were current in July 2026.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import msgspec

from kms_mock.identity.policies import Policy

_TAG_ACTIONS = ["ecs:TagResources", "ecs:UntagResources", "ecs:ListTagResources"]
_TAGGED = ["acs:kms:*:*:key/*", "acs:kms:*:*:secret/*"]


def _allow(action: str | list[str], resource: str | list[str] = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def _linked_roles(*services: str) -> dict[str, Any]:
    condition = {"StringEquals": {"ram:ServiceName": list(services)}}
    return _allow("ram:CreateServiceLinkedRole", Condition=condition)


SYSTEM_POLICIES: Final[dict[str, list[dict[str, Any]]]] = {
    "AdministratorAccess": [_allow("*")],
    "AliyunKMSFullAccess": [
        _allow("kms:*"),
        _linked_roles("secretsmanager-rds.kms.aliyuncs.com", "keystore.kms.aliyuncs.com"),
    ],
    "AliyunKMSReadOnlyAccess": [
        _allow(
            [
                "kms:List*",
                "kms:Describe*",
                "kms:GetPublicKey",
                "kms:GetUploadBackupDataInfo",
                "kms:GetKmsInstanceSharedAccounts",
                "kms:GetKmsInstanceQuotaInfos",
                "kms:GetCheckAssociateResourceTaskResults",
                "kms:GetKeyPolicy",
                "kms:GetKeyDefaultPolicy",
                "kms:GetSecretPolicy",
                "kms:GetSecretDefaultPolicy",
                "kms:GetKmsInstance",
                "kms:GetDefaultKmsInstance",
            ]
        )
    ],
    "AliyunKMSCryptoAdminAccess": [
        _allow("kms:*", ["acs:kms:*:*:key*", "acs:kms:*:*:alias*"]),
        _allow(_TAG_ACTIONS, _TAGGED),
    ],
    "AliyunKMSCryptoUserAccess": [
        _allow(
            [
                "kms:Encrypt",
                "kms:Decrypt",
                "kms:GenerateDataKey",
                "kms:GenerateDataKeyWithoutPlaintext",
                "kms:AsymmetricDecrypt",
                "kms:AsymmetricEncrypt",
                "kms:AsymmetricSign",
                "kms:AsymmetricVerify",
                "kms:GetPublicKey",
                "kms:GenerateMac",
                "kms:VerifyMac",
            ]
        )
    ],
    "AliyunKMSSecretAdminAccess": [
        _allow("kms:*", "acs:kms:*:*:secret*"),
        _allow("kms:GetRandomPassword"),
        _allow(
            [
                "rds:DescribeDBInstances",
                "rds:DescribeDBInstanceAttribute",
                "rds:DescribeDatabases",
                "rds:DescribeAccounts",
                "rds:DescribeDBInstanceNetInfo",
                "rds:CreateAccount",
                "rds:GrantAccountPrivilege",
            ]
        ),
        _allow("ecs:DescribeInstances", "acs:ecs:*:*:instance/*"),
        _allow(_TAG_ACTIONS, _TAGGED),
        _linked_roles("secretsmanager-rds.kms.aliyuncs.com", "secretsmanager-ecs.kms.aliyuncs.com"),
    ],
    "AliyunKMSSecretUserAccess": [
        _allow("kms:GetSecretValue"),
        _allow(["kms:DescribeSecret", "kms:ListSecretVersionIds"]),
    ],
    "AliyunSTSAssumeRoleAccess": [_allow("sts:AssumeRole")],
}


@cache
def system_policy(name: str) -> Policy | None:
    """Return a system policy, None for a name that is none."""
    statements = SYSTEM_POLICIES.get(name)
    return None if statements is None else msgspec.convert({"Version": "1", "Statement": statements}, Policy)
