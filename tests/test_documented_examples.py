"""The response examples of the API metadata: in the same situation the mock answers the same fields with the same types.

The examples are generated from the schema and its field examples: they show all fields at once, whether or not these can
occur together. What follows from that is listed in DIFFERENCES, one by one.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest

from kms_mock import KmsMock
from tests.support import pki, reference
from tests.support.calls import call
from tests.support.example_documents import (
    INSTANCE_DOCUMENT,
    INSTANCE_ID,
    INSTANCE_KEY,
    POLICIES,
    RULE_DOCUMENT,
    Call,
    Value,
)
from tests.support.examples import EXAMPLES, Example, example
from tests.support.reference import Shape, shape_of
from tests.support.registry import REGISTRY
from tests.support.secrets import KEY_ID
from tests.support.shapes import differences

DOCUMENTED: dict[str, Shape] = reference.read("examples.json")

WHOLE_INSTANCE = {
    "id": INSTANCE_ID,
    "vpc": "vpc-1",
    "zones": ["cn-hangzhou-k", "cn-hangzhou-j"],
    "vswitches": ["vsw-1"],
    "bound_vpcs": [{"vpc": "vpc-2", "vswitch": "vsw-2"}],
    "ca_certificate": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
    "started": "-30d",
    "ends": "+30d",
}
# A key that rotated, then was protected, then planned for deletion (its rotation is Suspended, and still shown).
WHOLE_KEY = {
    "id": KEY_ID,
    "description": "d",
    "instance": INSTANCE_ID,
    "rotation_interval": "365d",
    "state": "PendingDeletion",
    "deletion_date": "+7d",
    "deletion_protection": True,
    "deletion_protection_description": "in use",
}
# A secret of a managed type that rotates, and is planned for deletion where it says so.
ROTATING_SECRET: dict[str, Any] = {
    "name": "db",
    "type": "Rds",
    "description": "d",
    "extended_config": {"SecretSubType": "SingleUser", "DBInstanceId": "rm-1", "CustomData": {}},
    "value": '{"AccountName":"app","AccountPassword":"first"}',
    "rotation_interval": "7d",
    "last_rotation": "-1d",
    "tags": {"key1": "val1"},
    "instance": INSTANCE_ID,
    "encryption_key": KEY_ID,
}
DELETED_SECRET = {**INSTANCE_KEY, "secrets": [{**ROTATING_SECRET, "planned_delete": "+7d"}]}
EXTENDED_CONFIG = '{"SecretSubType":"SingleUser","DBInstanceId":"rm-1","CustomData":{"Key1":"v1"}}'


@cache
def authority() -> pki.Authority:
    return pki.root()


def imported_certificate(call: Call) -> Mapping[str, Value]:
    """Let a CA issue a certificate for a new request, import it with its chain and tag it."""
    made = call(
        "CreateCertificate",
        Subject="CN=userName,OU=aliyun,O=aliyun,C=CN",
        SubjectAlternativeNames='["test1.example.com","test2.example.com"]',
        KeySpec="EC_P256",
    )
    chosen = {"CertificateId": str(made["CertificateId"])}
    call(
        "UploadCertificate",
        **chosen,
        Certificate=authority().issue(made["Csr"]),
        CertificateChain=authority().pem,
    )
    call("TagResource", **chosen, Tags='[{"TagKey":"test","TagValue":"test"},{"TagKey":"test2","TagValue":"1"}]')
    return chosen


# The situation of an example, where it is not that of `tests/support/examples.py`.
SITUATIONS: Mapping[str, Example] = {
    "CreateApplicationAccessPoint": example(
        POLICIES, Name="new", Policies='["p1"]', AuthenticationMethod="ClientKey", Description="d"
    ),
    "CreateKey": example(
        INSTANCE_DOCUMENT,
        DKMSInstanceId=INSTANCE_ID,
        EnableAutomaticRotation="true",
        RotationInterval="365d",
        Description="d",
    ),
    "CreatePolicy": example(
        {**INSTANCE_DOCUMENT, **RULE_DOCUMENT},
        Name="new",
        KmsInstance=INSTANCE_ID,
        Permissions='["RbacPermission/Template/CryptoServiceKeyUser"]',
        Resources='["key/*"]',
        AccessControlRules='{"NetworkRules":["rule"]}',
        Description="d",
    ),
    "CreateSecret": example(
        INSTANCE_KEY,
        SecretName="mydbconninfo",
        SecretType="Rds",
        VersionId="v1",
        SecretData='{"Accounts":[{"AccountName":"app","AccountPassword":"first"}]}',
        ExtendedConfig=EXTENDED_CONFIG,
        EnableAutomaticRotation="true",
        RotationInterval="7d",
        DKMSInstanceId=INSTANCE_ID,
        EncryptionKeyId=KEY_ID,
    ),
    "DescribeCertificate": Example({}, imported_certificate),
    "DescribeKey": example({**INSTANCE_DOCUMENT, "keys": [WHOLE_KEY]}, KeyId=KEY_ID),
    "DescribePolicy": example(
        {
            **INSTANCE_DOCUMENT,
            **RULE_DOCUMENT,
            "access_policies": [{**POLICIES["access_policies"][0], "scope": INSTANCE_ID, "network_rules": ["rule"]}],
        },
        Name="p1",
    ),
    "DescribeSecret": example(DELETED_SECRET, SecretName="db", FetchTags="true"),
    "GetCertificate": Example({}, imported_certificate),
    "GetKmsInstance": example({"instances": [WHOLE_INSTANCE]}, KmsInstanceId=INSTANCE_ID),
    "GetSecretValue": example(
        {**INSTANCE_KEY, "secrets": [ROTATING_SECRET]}, SecretName="db", FetchExtendedConfig="true"
    ),
    "ListSecrets": example(DELETED_SECRET, FetchTags="true"),
}

# (operation, path of the field): why the answer does not have it as the example does.
_QUOTED = "the generator put the example of the whole list, as a JSON text, in the place of its one entry"
_BROKEN = "the text of the example is no JSON, its quotes are escaped twice; the field is documented as JSON"
_NAMELESS = "the generator made an object with a meaningless name of a list; the schema and the SDK say list of strings"
DIFFERENCES = {
    ("CreateSecret", "ExtendedConfig"): _BROKEN,
    ("DescribeCertificate", "SubjectAlternativeNames[]"): _QUOTED,
    ("DescribeCertificate", "Tags.test2"): "a tag's value is a string wherever else tags are documented",
    ("DescribePolicy", "Permissions[]"): _QUOTED,
    ("DescribePolicy", "Resources[]"): _QUOTED,
    ("DescribeSecret", "ExtendedConfig"): _BROKEN,
    ("GetKmsInstance", "KmsInstance.DeletionProtection"): "newer than the metadata: the SDK of 2026 has it",
    ("GetKmsInstance", "KmsInstance.VswitchIds"): _NAMELESS,
    ("GetKmsInstance", "KmsInstance.ZoneIds"): _NAMELESS,
    ("GetSecretValue", "ExtendedConfig"): _BROKEN,
    (
        "GetSecretValue",
        "SecretData",
    ): "the example is a Generic secret with the fields of managed ones, whose data is JSON",
    ("GetSecretValue", "VersionStages.VersionStage[]"): _QUOTED,
    ("ListSecretVersionIds", "VersionIds.VersionId[].VersionStages.VersionStage[]"): _QUOTED,
    ("PutSecretValue", "VersionStages.VersionStage[]"): _QUOTED,
}

# What has neither a situation nor a row in EXAMPLES is the failure of `test_every_operation_has_an_example` alone.
POSSIBLE = {*EXAMPLES, *SITUATIONS}
each_example = pytest.mark.parametrize("operation", [name for name in DOCUMENTED if name in POSSIBLE])
each_difference = pytest.mark.parametrize(("operation", "where"), [pair for pair in DIFFERENCES if pair[0] in POSSIBLE])


def answer_of(kms: KmsMock, operation: str) -> dict[str, Any]:
    """Bring the mock into the situation of an example, and ask."""
    situation = SITUATIONS.get(operation) or EXAMPLES[operation]
    client = kms.client()
    kms.load(situation.fixture)

    def ask(action: str, **parameters: str) -> dict[str, Any]:
        return call(client, action, **parameters)

    return ask(operation, **situation.parameters(ask))


@each_example
def test_the_answer_has_the_fields_of_the_documented_example(kms: KmsMock, operation: str) -> None:
    """In the situation of its example an operation answers the same fields with the same types."""
    found = differences(shape_of(answer_of(kms, operation)), DOCUMENTED[operation])
    assert {where: what for where, what in found if (operation, where) not in DIFFERENCES} == {}


@each_difference
def test_each_listed_difference_is_there(kms: KmsMock, operation: str, where: str) -> None:
    """No difference is listed that the answer does not have (any more)."""
    found = differences(shape_of(answer_of(kms, operation)), DOCUMENTED[operation])
    assert where in dict(found)


def test_every_operation_of_the_metadata_has_an_example() -> None:
    """The metadata shows an answer of 94 operations, all of them declared here; the SDK alone knows the other eight."""
    assert len(DOCUMENTED) == 94
    assert set(DOCUMENTED) < set(REGISTRY)
    assert set(SITUATIONS) < set(DOCUMENTED)


def test_a_difference_is_seen() -> None:
    """Another type, a missing and an added field are found, and a list with nothing in it is not like a full one."""
    example = shape_of({"A": {"B": [{"C": 1}]}, "D": True})
    assert list(differences(shape_of({"A": {"B": [{"C": 2}]}, "D": False}), example)) == []
    found = dict(differences(shape_of({"A": {"B": []}, "D": "true", "E": 1}), example))
    assert set(found) == {"A.B[]", "D", "E"}
