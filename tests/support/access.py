"""What the tests of instances, access and account share: a fixture document, and one valid request per operation."""

from __future__ import annotations

import json
from typing import Any

INSTANCE = "kst-test"
NEW = "kst-new"  # not enabled yet
RULE = {"name": "office", "description": "where we sit", "sources": ["192.168.0.0/16"]}
ACCESS_POLICY = {
    "name": "reader",
    "permissions": ["RbacPermission/Template/CryptoServiceSecretUser"],
    "resources": ["secret/*"],
    "scope": INSTANCE,
    "network_rules": ["office"],
}
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
CLIENT_KEY = {
    "id": "KAAP.00000000-0000-4000-8000-000000000001",
    "certificate": CERTIFICATE,
    "not_before": "2023-08-31T17:14:33Z",
    "not_after": "2028-08-31T17:14:33Z",
    "created": "2023-08-31T09:14:38Z",
}
POINT = {"name": "app", "policies": ["reader"], "client_keys": [CLIENT_KEY]}
FREE = {"name": "free", "policies": ["nobody-made-this"]}

WORLD: dict[str, Any] = {
    "instances": [{"id": INSTANCE, "vpc": "vpc-1", "default": True}, {"id": NEW, "status": "Uninitialized"}],
    "network_rules": [RULE, {"name": "unused"}],
    "access_policies": [ACCESS_POLICY, {**ACCESS_POLICY, "name": "spare"}],
    "access_points": [POINT, FREE],
}

_CONNECT = {
    "KmsInstanceId": NEW,
    "VpcId": "vpc-2",
    "ZoneIds": "cn-hangzhou-k,cn-hangzhou-j",
    "VSwitchIds": "vsw-1",
    "KMProvider": "Aliyun",
}
_NEW_POLICY = {
    "Name": "new",
    "Permissions": json.dumps(ACCESS_POLICY["permissions"]),
    "Resources": '["secret/db","key/*"]',
}

# A request for each operation that succeeds in WORLD.
VALID: dict[str, dict[str, str]] = {
    "ConnectKmsInstance": _CONNECT,
    "GetKmsInstance": {"KmsInstanceId": INSTANCE},
    "ListKmsInstances": {},
    "GetDefaultKmsInstance": {},
    "GetKmsInstanceQuotaInfos": {"KmsInstanceId": INSTANCE},
    "ReleaseKmsInstance": {"KmsInstanceId": INSTANCE, "ForceDeleteWithoutBackup": "true"},
    "UpdateKmsInstance": {"KmsInstanceId": INSTANCE, "InstanceName": "renamed"},
    "UpdateKmsInstanceBindVpc": {"KmsInstanceId": INSTANCE, "BindVpcs": "[]"},
    "CreateNetworkRule": {"Name": "new", "Type": "Private", "SourcePrivateIp": '["10.0.0.1"]'},
    "DescribeNetworkRule": {"Name": "office"},
    "ListNetworkRules": {},
    "UpdateNetworkRule": {"Name": "office", "SourcePrivateIp": '["10.0.0.1"]'},
    "DeleteNetworkRule": {"Name": "unused"},
    "CreatePolicy": _NEW_POLICY,
    "DescribePolicy": {"Name": "reader"},
    "ListPolicies": {},
    "UpdatePolicy": {"Name": "reader", "Description": "x"},
    "DeletePolicy": {"Name": "spare"},
    "CreateApplicationAccessPoint": {"Name": "new", "Policies": '["reader"]'},
    "DescribeApplicationAccessPoint": {"Name": "app"},
    "ListApplicationAccessPoints": {},
    "UpdateApplicationAccessPoint": {"Name": "app", "Policies": '["spare"]'},
    "DeleteApplicationAccessPoint": {"Name": "app"},
    "CreateClientKey": {"AapName": "free", "Password": "passw0rd"},
    "GetClientKey": {"ClientKeyId": CLIENT_KEY["id"]},
    "ListClientKeys": {"AapName": "app"},
    "DeleteClientKey": {"ClientKeyId": CLIENT_KEY["id"]},
    "DescribeRegions": {},
    "DescribeAccountKmsStatus": {},
    "GetChallenge": {},
}
