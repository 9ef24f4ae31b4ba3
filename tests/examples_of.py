"""One valid request per operation: what `test_registry.py` starts from.

To add an operation put one entry into EXAMPLES: `"Name": example(fixture, Parameter="value", ...)`. `fixture` is a
fixture document with what the request needs (nothing: `{}`); names are spelled as on the wire, with `__` for the dot of
flattened ones (`ResourceId__1`). A value that only another operation can give (a ciphertext, a signature) is a function:
it gets `call(operation, **parameters)`, which sends a request to the same mock and gives the answer's tree. Where two
values must come from one answer, a function gives all parameters: `Example(fixture, function)`.

The request must give every required parameter, and must succeed. Times in a fixture are relative; the clock stands still.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

Call = Callable[..., dict[str, Any]]
Value = str | Callable[[Call], str]


@dataclass(frozen=True)
class Example:
    """A fixture document and the parameters of one valid request."""

    fixture: Mapping[str, Any]
    values: Mapping[str, Value] | Callable[[Call], Mapping[str, Value]]

    def parameters(self, call: Call) -> dict[str, str]:
        """Give the parameters; asks the mock for what only it can know."""
        values = self.values(call) if callable(self.values) else self.values
        return {
            name.replace("__", "."): value if isinstance(value, str) else value(call) for name, value in values.items()
        }


def example(fixture: Mapping[str, Any] | None = None, /, **values: Value) -> Example:
    return Example(fixture or {}, values)


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


def policy(resource: str = "*") -> str:
    statement = {
        "Sid": "all",
        "Effect": "Allow",
        "Principal": {"RAM": ["acs:ram::1234567890123456:*"]},
        "Action": ["kms:*"],
        "Resource": [resource],
    }
    return json.dumps({"Version": "1", "Statement": [statement]})


# -- key material, made once per run: the same in every mock ----------------------------------------------------------


@cache
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def public_key_blob() -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return base64_of(rsa_key().public_key().public_bytes(serialization.Encoding.DER, form))


@cache
def certificate() -> str:
    """A self-signed certificate of `rsa_key`."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "example.com")])
    # Valid whatever the clock of a test says.
    first, last = datetime(2020, 1, 1, tzinfo=UTC), datetime(2049, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, rsa_key().public_key(), 7, first, last)
    return builder.sign(rsa_key(), hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


# -- fixture documents ------------------------------------------------------------------------------------------------

KEY = "11111111-2222-4333-8444-555555555555"
VERSION = "aaaaaaaa-2222-4333-8444-555555555555"
CERTIFICATE = "cccccccc-2222-4333-8444-555555555555"
INSTANCE = "kst-hzz000000000000000000"
DIGEST = base64_of(hashlib.sha256(b"message").digest())
KEY_DOCUMENT = {"keys": [{"id": KEY, "aliases": ["alias/app"], "tags": {"team": "a"}}]}
HMAC_KEY = {"keys": [{"id": KEY, "spec": "HMAC_SHA_256"}]}
EXTERNAL_KEY = {"keys": [{"id": KEY, "origin": "EXTERNAL", "state": "PendingImport"}]}
SECRET = {"secrets": [{"name": "db", "value": "one", "tags": {"team": "a"}}]}
SECRET_OF_TWO = {
    "secrets": [
        {
            "name": "db",
            "versions": [
                {"id": "v1", "data": "one", "stages": ["ACSPrevious"]},
                {"id": "v2", "data": "two", "stages": ["ACSCurrent", "mine"]},
            ],
        }
    ]
}
RDS_SECRET = {
    "secrets": [
        {
            "name": "db",
            "type": "Rds",
            "extended_config": {"SecretSubType": "SingleUser", "DBInstanceId": "rm-1"},
            "value": '{"AccountName":"app","AccountPassword":"first"}',
        }
    ]
}
INSTANCES = {"instances": [{"id": INSTANCE, "default": True, "backed_up": True}]}
INSTANCE_SECRET = {**INSTANCES, "secrets": [{"name": "db", "value": "one", "instance": INSTANCE}]}
INSTANCE_KEY = {**INSTANCES, "keys": [{"id": KEY, "instance": INSTANCE}]}
NEW_INSTANCE = {"instances": [{"id": INSTANCE, "status": "Uninitialized"}]}
DATA_KEY = {"managed_data_keys": [{"name": "dk", "versions": [{"id": VERSION}]}]}
RULE = {"network_rules": [{"name": "rule", "sources": ["10.0.0.0/8"]}]}
POLICIES = {
    **RULE,
    "access_policies": [
        {"name": "p1", "permissions": ["RbacPermission/Template/CryptoServiceKeyUser"], "resources": ["key/*"]}
    ],
}
ACCESS_POINT = {**POLICIES, "access_points": [{"name": "aap", "policies": ["p1"]}]}

CLIENT_KEYS = [{"id": "KAAP.x", "certificate": certificate(), "not_before": "-1d", "not_after": "+1d"}]
CLIENT_KEY = {**POLICIES, "access_points": [{"name": "aap", "policies": ["p1"], "client_keys": CLIENT_KEYS}]}


@cache
def asymmetric_key(usage: str) -> dict[str, Any]:
    versions = [{"id": VERSION, "material": pem(rsa_key())}]
    return {"keys": [{"id": KEY, "spec": "RSA_2048", "usage": usage, "versions": versions}]}


@cache
def certificates(*, issued: bool) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": CERTIFICATE,
        "spec": "RSA_2048",
        "subject": "CN=example.com,OU=unit,O=company,C=CN",
        "private_key": pem(rsa_key()),
    }
    if issued:
        entry |= {"certificate": certificate(), "status": "ACTIVE"}
    return {"certificates": [entry]}


SIGN = asymmetric_key("SIGN/VERIFY")
ENCRYPT = asymmetric_key("ENCRYPT/DECRYPT")
ISSUED = certificates(issued=True)
SIGNING = {"KeyId": KEY, "KeyVersionId": VERSION, "Algorithm": "RSA_PKCS1_SHA_256", "Digest": DIGEST}
OAEP = {"KeyId": KEY, "KeyVersionId": VERSION, "Algorithm": "RSAES_OAEP_SHA_256"}
WRAPPING = {
    "PublicKeyBlob": public_key_blob(),
    "WrappingKeySpec": "RSA_2048",
    "WrappingAlgorithm": "RSAES_OAEP_SHA_256",
}
MAC = {"KeyId": KEY, "Algorithm": "HMAC_SHA_256", "Message": base64_of(b"message")}
TAGGED = {"RegionId": "cn-hangzhou", "ResourceType": "secret"}


def answer_of(field: str, operation: str, **parameters: str) -> Callable[[Call], str]:
    """Give a value that is a field of another operation's answer."""
    return lambda call: str(call(operation, **parameters)[field])


CIPHERTEXT = answer_of("CiphertextBlob", "Encrypt", KeyId=KEY, Plaintext="hello")


def import_request(call: Call) -> dict[str, Value]:
    """Give the parameters of ImportKeyMaterial: key and token belong to one answer of GetParametersForImport."""
    given = call(
        "GetParametersForImport", KeyId=KEY, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048"
    )
    key = serialization.load_der_public_key(base64.b64decode(given["PublicKey"]))
    assert isinstance(key, rsa.RSAPublicKey)
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    wrapped = base64_of(key.encrypt(bytes(32), oaep))
    return {
        "KeyId": KEY,
        "EncryptedKeyMaterial": wrapped,
        "ImportToken": given["ImportToken"],
        "KeyMaterialExpireUnix": "0",
    }


EXAMPLES: dict[str, Example] = {
    # access points, policies, network rules, client keys
    "CreateApplicationAccessPoint": example(POLICIES, Name="new", Policies='["p1"]', AuthenticationMethod="ClientKey"),
    "DescribeApplicationAccessPoint": example(ACCESS_POINT, Name="aap"),
    "ListApplicationAccessPoints": example(ACCESS_POINT, PageNumber="1", PageSize="5"),
    "UpdateApplicationAccessPoint": example(ACCESS_POINT, Name="aap", Policies='["p1"]', Description="d"),
    "DeleteApplicationAccessPoint": example(ACCESS_POINT, Name="aap"),
    "CreateClientKey": example(ACCESS_POINT, AapName="aap", Password="Passw0rd!"),
    "GetClientKey": example(CLIENT_KEY, ClientKeyId="KAAP.x"),
    "ListClientKeys": example(CLIENT_KEY, AapName="aap"),
    "DeleteClientKey": example(CLIENT_KEY, ClientKeyId="KAAP.x"),
    "CreateNetworkRule": example(Name="new", Type="Private", SourcePrivateIp='["10.0.0.0/8"]', Description="d"),
    "DescribeNetworkRule": example(RULE, Name="rule"),
    "ListNetworkRules": example(RULE, PageNumber="1", PageSize="5"),
    "UpdateNetworkRule": example(RULE, Name="rule", SourcePrivateIp='["192.168.0.0/16"]', Description="d"),
    "DeleteNetworkRule": example(RULE, Name="rule"),
    "CreatePolicy": example(
        RULE,
        Name="new",
        Permissions='["RbacPermission/Template/CryptoServiceKeyUser"]',
        Resources='["key/*"]',
        AccessControlRules='{"NetworkRules":["rule"]}',
        Description="d",
    ),
    "DescribePolicy": example(POLICIES, Name="p1"),
    "ListPolicies": example(POLICIES, PageNumber="1", PageSize="5"),
    "UpdatePolicy": example(
        POLICIES, Name="p1", Permissions='["RbacPermission/Template/CryptoServiceSecretUser"]', Resources='["secret/*"]'
    ),
    "DeletePolicy": example(POLICIES, Name="p1"),
    # the account
    "DescribeRegions": example(),
    "DescribeAccountKmsStatus": example(),
    "OpenKmsService": example({"accounts": [{"id": "1234567890123456", "status": "NotEnabled"}]}),
    "GetChallenge": example(),
    # aliases
    "CreateAlias": example(KEY_DOCUMENT, KeyId=KEY, AliasName="alias/new"),
    "UpdateAlias": example(KEY_DOCUMENT, KeyId=KEY, AliasName="alias/app"),
    "DeleteAlias": example(KEY_DOCUMENT, AliasName="alias/app"),
    "ListAliases": example(KEY_DOCUMENT, PageNumber="1", PageSize="5"),
    "ListAliasesByKeyId": example(KEY_DOCUMENT, KeyId=KEY, PageNumber="1", PageSize="5"),
    # certificates
    "CreateCertificate": example(
        Subject="CN=example.com,OU=unit,O=company,C=CN",
        KeySpec="EC_P256",
        SubjectAlternativeNames='["example.com"]',
        ExportablePrivateKey="true",
    ),
    "UploadCertificate": example(certificates(issued=False), CertificateId=CERTIFICATE, Certificate=certificate()),
    "GetCertificate": example(ISSUED, CertificateId=CERTIFICATE),
    "DescribeCertificate": example(ISSUED, CertificateId=CERTIFICATE),
    "UpdateCertificateStatus": example(ISSUED, CertificateId=CERTIFICATE, Status="INACTIVE"),
    "DeleteCertificate": example(ISSUED, CertificateId=CERTIFICATE),
    "CertificatePrivateKeySign": example(
        ISSUED,
        CertificateId=CERTIFICATE,
        Algorithm="RSA_PKCS1_SHA_256",
        Message=base64_of(b"message"),
        MessageType="RAW",
    ),
    "CertificatePublicKeyVerify": example(
        ISSUED,
        CertificateId=CERTIFICATE,
        Algorithm="RSA_PKCS1_SHA_256",
        Message=base64_of(b"message"),
        SignatureValue=answer_of(
            "SignatureValue",
            "CertificatePrivateKeySign",
            CertificateId=CERTIFICATE,
            Algorithm="RSA_PKCS1_SHA_256",
            Message=base64_of(b"message"),
        ),
    ),
    "CertificatePublicKeyEncrypt": example(
        ISSUED, CertificateId=CERTIFICATE, Algorithm="RSAES_OAEP_SHA_256", Plaintext=base64_of(b"hello")
    ),
    "CertificatePrivateKeyDecrypt": example(
        ISSUED,
        CertificateId=CERTIFICATE,
        Algorithm="RSAES_OAEP_SHA_256",
        CiphertextBlob=answer_of(
            "CiphertextBlob",
            "CertificatePublicKeyEncrypt",
            CertificateId=CERTIFICATE,
            Algorithm="RSAES_OAEP_SHA_256",
            Plaintext=base64_of(b"hello"),
        ),
    ),
    # ciphers and data keys
    "Encrypt": example(KEY_DOCUMENT, KeyId=KEY, Plaintext="hello", EncryptionContext='{"a":"b"}'),
    "Decrypt": example(KEY_DOCUMENT, CiphertextBlob=CIPHERTEXT),
    "ReEncrypt": example(KEY_DOCUMENT, CiphertextBlob=CIPHERTEXT, DestinationKeyId="alias/app"),
    "AdvanceEncrypt": example(INSTANCE_KEY, KeyId=KEY, Plaintext=base64_of(b"hello")),
    "GenerateDataKey": example(KEY_DOCUMENT, KeyId=KEY, KeySpec="AES_128", NumberOfBytes="16"),
    "GenerateDataKeyWithoutPlaintext": example(KEY_DOCUMENT, KeyId="alias/app", KeySpec="AES_256"),
    "ExportDataKey": example(
        KEY_DOCUMENT, CiphertextBlob=answer_of("CiphertextBlob", "GenerateDataKey", KeyId=KEY), **WRAPPING
    ),
    "GenerateAndExportDataKey": example(KEY_DOCUMENT, KeyId=KEY, **WRAPPING),
    "GetManagedDataKey": example(DATA_KEY, DataKeyName="dk", DataKeyVersionId=VERSION),
    "ListManagedDataKeyVersions": example(DATA_KEY, DataKeyName="dk", PageNumber="1", PageSize="5"),
    # instances
    "ConnectKmsInstance": example(
        NEW_INSTANCE,
        KmsInstanceId=INSTANCE,
        VpcId="vpc-1",
        ZoneIds="cn-hangzhou-k,cn-hangzhou-j",
        VSwitchIds="vsw-1",
        KMProvider="Aliyun",
    ),
    "GetKmsInstance": example(INSTANCES, KmsInstanceId=INSTANCE),
    "ListKmsInstances": example(INSTANCES, PageNumber="1", PageSize="5"),
    "GetDefaultKmsInstance": example(INSTANCES),
    "GetKmsInstanceQuotaInfos": example(INSTANCES, KmsInstanceId=INSTANCE),
    "ReleaseKmsInstance": example(INSTANCES, KmsInstanceId=INSTANCE, ForceDeleteWithoutBackup="true"),
    "UpdateKmsInstanceBindVpc": example(INSTANCES, KmsInstanceId=INSTANCE, BindVpcs="[]"),
    # imported key material
    "GetParametersForImport": example(
        EXTERNAL_KEY, KeyId=KEY, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048"
    ),
    "ImportKeyMaterial": Example(EXTERNAL_KEY, import_request),
    "DeleteKeyMaterial": example(EXTERNAL_KEY, KeyId=KEY),
    # keys, their policies and versions
    "GetKeyPolicy": example(INSTANCE_KEY, KeyId=KEY, PolicyName="default"),
    "SetKeyPolicy": example(INSTANCE_KEY, KeyId=KEY, Policy=policy()),
    "ListKeyVersions": example(KEY_DOCUMENT, KeyId=KEY, PageNumber="1", PageSize="5"),
    "DescribeKeyVersion": example(SIGN, KeyId=KEY, KeyVersionId=VERSION),
    "CreateKeyVersion": example(INSTANCE_KEY, KeyId=KEY),
    "UpdateRotationPolicy": example(KEY_DOCUMENT, KeyId=KEY, EnableAutomaticRotation="true", RotationInterval="365d"),
    "CreateKey": example(KeySpec="Aliyun_AES_256", Description="d", Tags='[{"TagKey":"k","TagValue":"v"}]'),
    "DescribeKey": example(KEY_DOCUMENT, KeyId="alias/app"),
    "ListKeys": example(KEY_DOCUMENT, Filters='[{"Key":"KeyState","Values":["Enabled"]}]', PageSize="5"),
    "UpdateKeyDescription": example(KEY_DOCUMENT, KeyId=KEY, Description="d"),
    "EnableKey": example(KEY_DOCUMENT, KeyId=KEY),
    "DisableKey": example(KEY_DOCUMENT, KeyId=KEY),
    "ScheduleKeyDeletion": example(KEY_DOCUMENT, KeyId=KEY, PendingWindowInDays="7"),
    "CancelKeyDeletion": example(
        {"keys": [{"id": KEY, "state": "PendingDeletion", "deletion_date": "+7d"}]}, KeyId=KEY
    ),
    "SetDeletionProtection": example(KEY_DOCUMENT, KeyId=KEY, EnableDeletionProtection="true"),
    # secrets
    "PutSecretValue": example(
        SECRET, SecretName="db", VersionId="v2", SecretData="two", VersionStages='["ACSCurrent"]'
    ),
    "GetSecretValue": example(SECRET, SecretName="db", VersionStage="ACSCurrent", FetchExtendedConfig="true"),
    "BatchGetSecretValue": example(SECRET, SecretsList='[{"SecretName":"db"},{"SecretName":"no"}]'),
    "ListSecretVersionIds": example(SECRET_OF_TWO, SecretName="db", IncludeDeprecated="true"),
    "UpdateSecretVersionStage": example(
        SECRET_OF_TWO, SecretName="db", VersionStage="mine", RemoveFromVersion="v2", MoveToVersion="v1"
    ),
    "RotateSecret": example(RDS_SECRET, SecretName="db", VersionId="v2"),
    "GetRandomPassword": example(PasswordLength="16", ExcludePunctuation="true"),
    "CreateSecret": example(
        SecretName="new", VersionId="v1", SecretData="one", Tags='[{"TagKey":"k","TagValue":"v"}]', Description="d"
    ),
    "DescribeSecret": example(SECRET, SecretName="db", FetchTags="true"),
    "ListSecrets": example(SECRET, FetchTags="true", Filters='[{"Key":"SecretName","Values":["db"]}]'),
    "UpdateSecret": example(SECRET, SecretName="db", Description="d"),
    "DeleteSecret": example(SECRET, SecretName="db", RecoveryWindowInDays="7"),
    "RestoreSecret": example({"secrets": [{"name": "db", "value": "one", "planned_delete": "+7d"}]}, SecretName="db"),
    "UpdateSecretRotationPolicy": example(
        RDS_SECRET, SecretName="db", EnableAutomaticRotation="true", RotationInterval="30d"
    ),
    "GetSecretPolicy": example(INSTANCE_SECRET, SecretName="db", PolicyName="default"),
    "SetSecretPolicy": example(INSTANCE_SECRET, SecretName="db", Policy=policy()),
    # asymmetric keys and message authentication
    "AsymmetricSign": example(SIGN, **SIGNING),
    "AsymmetricVerify": example(SIGN, **SIGNING, Value=answer_of("Value", "AsymmetricSign", **SIGNING)),
    "AsymmetricEncrypt": example(ENCRYPT, **OAEP, Plaintext=base64_of(b"hello")),
    "AsymmetricDecrypt": example(
        ENCRYPT,
        **OAEP,
        CiphertextBlob=answer_of("CiphertextBlob", "AsymmetricEncrypt", **OAEP, Plaintext=base64_of(b"hello")),
    ),
    "GetPublicKey": example(SIGN, KeyId=KEY, KeyVersionId=VERSION),
    "GenerateMac": example(HMAC_KEY, **MAC),
    "VerifyMac": example(HMAC_KEY, **MAC, Mac=answer_of("Mac", "GenerateMac", **MAC)),
    # tags
    "TagResource": example(SECRET, SecretName="db", Tags='[{"TagKey":"k","TagValue":"v"}]'),
    "UntagResource": example(SECRET, SecretName="db", TagKeys='["team"]'),
    "ListResourceTags": example(KEY_DOCUMENT, KeyId=KEY),
    "TagResources": example(SECRET, **TAGGED, ResourceId__1="db", Tag__1__Key="k", Tag__1__Value="v"),
    "UntagResources": example(SECRET, **TAGGED, ResourceId__1="db", TagKey__1="team"),
    "ListTagResources": example(SECRET, **TAGGED, ResourceId__1="db"),
}
