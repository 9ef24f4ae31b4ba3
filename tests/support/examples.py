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

from kms_mock.crypto import jwt
from tests.support.identities import ENTITY, OIDC, ROLE, SAML, idp_key, saml_provider, saml_response
from tests.support.known_keys import text64
from tests.support.secrets import KEY_ID, resource_policy

Call = Callable[..., dict[str, Any]]
Value = str | Callable[[Call], str]


@dataclass(frozen=True)
class Example:
    """A fixture document and the parameters of one valid request."""

    fixture: Mapping[str, Any]
    values: Mapping[str, Value] | Callable[[Call], Mapping[str, Value]]

    def parameters(self, call: Call) -> dict[str, str]:
        """Return the parameters; asks the mock for what only it can know."""
        values = self.values(call) if callable(self.values) else self.values
        return {
            name.replace("__", "."): value if isinstance(value, str) else value(call) for name, value in values.items()
        }


def example(fixture: Mapping[str, Any] | None = None, /, **values: Value) -> Example:
    return Example(fixture or {}, values)


# -- key material, made once per run: the same in every mock ----------------------------------------------------------


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def public_key_blob() -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return text64(idp_key().public_key().public_bytes(serialization.Encoding.DER, form))


@cache
def certificate_pem() -> str:
    """A self-signed certificate of `idp_key`."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "example.com")])
    # Valid whatever the clock of a test says.
    first, last = datetime(2020, 1, 1, tzinfo=UTC), datetime(2049, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, idp_key().public_key(), 7, first, last)
    return builder.sign(idp_key(), hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


# -- fixture documents ------------------------------------------------------------------------------------------------

VERSION_ID = "aaaaaaaa-2222-4333-8444-555555555555"
CERTIFICATE_ID = "cccccccc-2222-4333-8444-555555555555"
INSTANCE_ID = "kst-hzz000000000000000000"
DIGEST = text64(hashlib.sha256(b"message").digest())
KEY_DOCUMENT = {"keys": [{"id": KEY_ID, "aliases": ["alias/app"], "tags": {"team": "a"}}]}
HMAC_KEY = {"keys": [{"id": KEY_ID, "spec": "HMAC_SHA_256"}]}
EXTERNAL_KEY = {"keys": [{"id": KEY_ID, "origin": "EXTERNAL", "state": "PendingImport"}]}
SECRET_DOCUMENT = {"secrets": [{"name": "db", "value": "one", "tags": {"team": "a"}}]}
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
INSTANCE_DOCUMENT = {"instances": [{"id": INSTANCE_ID, "default": True, "backed_up": True}]}
INSTANCE_SECRET = {**INSTANCE_DOCUMENT, "secrets": [{"name": "db", "value": "one", "instance": INSTANCE_ID}]}
INSTANCE_KEY = {**INSTANCE_DOCUMENT, "keys": [{"id": KEY_ID, "instance": INSTANCE_ID}]}
NEW_INSTANCE = {"instances": [{"id": INSTANCE_ID, "status": "Uninitialized"}]}
DATA_KEY = {"managed_data_keys": [{"name": "dk", "versions": [{"id": VERSION_ID}]}]}
RULE_DOCUMENT = {"network_rules": [{"name": "rule", "sources": ["10.0.0.0/8"]}]}
POLICIES = {
    **RULE_DOCUMENT,
    "access_policies": [
        {"name": "p1", "permissions": ["RbacPermission/Template/CryptoServiceKeyUser"], "resources": ["key/*"]}
    ],
}
ACCESS_POINT = {**POLICIES, "access_points": [{"name": "aap", "policies": ["p1"]}]}

CLIENT_KEYS = [{"id": "KAAP.x", "certificate": certificate_pem(), "not_before": "-1d", "not_after": "+1d"}]
CLIENT_KEY_DOCUMENT = {**POLICIES, "access_points": [{"name": "aap", "policies": ["p1"], "client_keys": CLIENT_KEYS}]}


@cache
def asymmetric_key(usage: str) -> dict[str, Any]:
    versions = [{"id": VERSION_ID, "material": pem(idp_key())}]
    return {"keys": [{"id": KEY_ID, "spec": "RSA_2048", "usage": usage, "versions": versions}]}


@cache
def certificates(*, issued: bool) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": CERTIFICATE_ID,
        "spec": "RSA_2048",
        "subject": "CN=example.com,OU=unit,O=company,C=CN",
        "private_key": pem(idp_key()),
    }
    if issued:
        entry |= {"certificate": certificate_pem(), "status": "ACTIVE"}
    return {"certificates": [entry]}


SIGN = asymmetric_key("SIGN/VERIFY")
ENCRYPT = asymmetric_key("ENCRYPT/DECRYPT")
ISSUED = certificates(issued=True)
SIGNING = {"KeyId": KEY_ID, "KeyVersionId": VERSION_ID, "Algorithm": "RSA_PKCS1_SHA_256", "Digest": DIGEST}
OAEP = {"KeyId": KEY_ID, "KeyVersionId": VERSION_ID, "Algorithm": "RSAES_OAEP_SHA_256"}
WRAPPING = {
    "PublicKeyBlob": public_key_blob(),
    "WrappingKeySpec": "RSA_2048",
    "WrappingAlgorithm": "RSAES_OAEP_SHA_256",
}
MAC = {"KeyId": KEY_ID, "Algorithm": "HMAC_SHA_256", "Message": text64(b"message")}
OPEN_POLICY = json.dumps(resource_policy("kms:*", principal="acs:ram::1234567890123456:*"))
TAGGED = {"RegionId": "cn-hangzhou", "ResourceType": "secret"}


def from_answer(field: str, operation: str, **parameters: str) -> Callable[[Call], str]:
    """Return a value that is a field of another operation's answer."""
    return lambda call: str(call(operation, **parameters)[field])


CIPHERTEXT = from_answer("CiphertextBlob", "Encrypt", KeyId=KEY_ID, Plaintext="hello")


def import_parameters(call: Call) -> dict[str, Value]:
    """Return the parameters of ImportKeyMaterial: key and token belong to one answer of GetParametersForImport."""
    given = call(
        "GetParametersForImport", KeyId=KEY_ID, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048"
    )
    key = serialization.load_der_public_key(base64.b64decode(given["PublicKey"]))
    assert isinstance(key, rsa.RSAPublicKey)
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    wrapped = text64(key.encrypt(bytes(32), oaep))
    return {
        "KeyId": KEY_ID,
        "EncryptedKeyMaterial": wrapped,
        "ImportToken": given["ImportToken"],
        "KeyMaterialExpireUnix": "0",
    }


@cache
def oidc_document() -> dict[str, Any]:
    """A role, and an OIDC provider with an RSA key."""
    provider = {"name": "k8s", "issuer": ENTITY, "keys": [{"id": "1", "private_key": pem(idp_key())}]}
    return {"roles": [{"name": "app"}], "oidc_providers": [provider]}


def oidc_token(**claims: Any) -> str:
    """Return a token of the provider above, valid whatever the clock of a test says."""
    usual = {"iss": ENTITY, "sub": "app", "aud": "sts.aliyuncs.com", "iat": 1_700_000_000, "exp": 2_500_000_000}
    return jwt.sign(pem(idp_key()).encode(), "1", {**usual, **claims})


SAML_DOCUMENT = {"roles": [{"name": "app"}], "saml_providers": [saml_provider()]}
SESSION = {"RoleArn": ROLE, "RoleSessionName": "alice"}
KMS_PRODUCT = {"ProductCode": "kms", "ProductType": "kms_ddi_public_cn"}
SUBSCRIPTION = {"instances": [{"id": INSTANCE_ID, "charge_type": "PREPAY", "ends": "+30d"}]}

EXAMPLES: dict[str, Example] = {
    # access points, policies, network rules, client keys
    "CreateApplicationAccessPoint": example(POLICIES, Name="new", Policies='["p1"]', AuthenticationMethod="ClientKey"),
    "DescribeApplicationAccessPoint": example(ACCESS_POINT, Name="aap"),
    "ListApplicationAccessPoints": example(ACCESS_POINT, PageNumber="1", PageSize="5"),
    "UpdateApplicationAccessPoint": example(ACCESS_POINT, Name="aap", Policies='["p1"]', Description="d"),
    "DeleteApplicationAccessPoint": example(ACCESS_POINT, Name="aap"),
    "CreateClientKey": example(ACCESS_POINT, AapName="aap", Password="Passw0rd!"),
    "GetClientKey": example(CLIENT_KEY_DOCUMENT, ClientKeyId="KAAP.x"),
    "ListClientKeys": example(CLIENT_KEY_DOCUMENT, AapName="aap"),
    "DeleteClientKey": example(CLIENT_KEY_DOCUMENT, ClientKeyId="KAAP.x"),
    "CreateNetworkRule": example(Name="new", Type="Private", SourcePrivateIp='["10.0.0.0/8"]', Description="d"),
    "DescribeNetworkRule": example(RULE_DOCUMENT, Name="rule"),
    "ListNetworkRules": example(RULE_DOCUMENT, PageNumber="1", PageSize="5"),
    "UpdateNetworkRule": example(RULE_DOCUMENT, Name="rule", SourcePrivateIp='["192.168.0.0/16"]', Description="d"),
    "DeleteNetworkRule": example(RULE_DOCUMENT, Name="rule"),
    "CreatePolicy": example(
        RULE_DOCUMENT,
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
    "CreateAlias": example(KEY_DOCUMENT, KeyId=KEY_ID, AliasName="alias/new"),
    "UpdateAlias": example(KEY_DOCUMENT, KeyId=KEY_ID, AliasName="alias/app"),
    "DeleteAlias": example(KEY_DOCUMENT, AliasName="alias/app"),
    "ListAliases": example(KEY_DOCUMENT, PageNumber="1", PageSize="5"),
    "ListAliasesByKeyId": example(KEY_DOCUMENT, KeyId=KEY_ID, PageNumber="1", PageSize="5"),
    # certificates
    "CreateCertificate": example(
        Subject="CN=example.com,OU=unit,O=company,C=CN",
        KeySpec="EC_P256",
        SubjectAlternativeNames='["example.com"]',
        ExportablePrivateKey="true",
    ),
    "UploadCertificate": example(
        certificates(issued=False), CertificateId=CERTIFICATE_ID, Certificate=certificate_pem()
    ),
    "GetCertificate": example(ISSUED, CertificateId=CERTIFICATE_ID),
    "DescribeCertificate": example(ISSUED, CertificateId=CERTIFICATE_ID),
    "UpdateCertificateStatus": example(ISSUED, CertificateId=CERTIFICATE_ID, Status="INACTIVE"),
    "DeleteCertificate": example(ISSUED, CertificateId=CERTIFICATE_ID),
    "CertificatePrivateKeySign": example(
        ISSUED,
        CertificateId=CERTIFICATE_ID,
        Algorithm="RSA_PKCS1_SHA_256",
        Message=text64(b"message"),
        MessageType="RAW",
    ),
    "CertificatePublicKeyVerify": example(
        ISSUED,
        CertificateId=CERTIFICATE_ID,
        Algorithm="RSA_PKCS1_SHA_256",
        Message=text64(b"message"),
        SignatureValue=from_answer(
            "SignatureValue",
            "CertificatePrivateKeySign",
            CertificateId=CERTIFICATE_ID,
            Algorithm="RSA_PKCS1_SHA_256",
            Message=text64(b"message"),
        ),
    ),
    "CertificatePublicKeyEncrypt": example(
        ISSUED, CertificateId=CERTIFICATE_ID, Algorithm="RSAES_OAEP_SHA_256", Plaintext=text64(b"hello")
    ),
    "CertificatePrivateKeyDecrypt": example(
        ISSUED,
        CertificateId=CERTIFICATE_ID,
        Algorithm="RSAES_OAEP_SHA_256",
        CiphertextBlob=from_answer(
            "CiphertextBlob",
            "CertificatePublicKeyEncrypt",
            CertificateId=CERTIFICATE_ID,
            Algorithm="RSAES_OAEP_SHA_256",
            Plaintext=text64(b"hello"),
        ),
    ),
    # ciphers and data keys
    "Encrypt": example(KEY_DOCUMENT, KeyId=KEY_ID, Plaintext="hello", EncryptionContext='{"a":"b"}'),
    "Decrypt": example(KEY_DOCUMENT, CiphertextBlob=CIPHERTEXT),
    "ReEncrypt": example(KEY_DOCUMENT, CiphertextBlob=CIPHERTEXT, DestinationKeyId="alias/app"),
    "AdvanceEncrypt": example(INSTANCE_KEY, KeyId=KEY_ID, Plaintext=text64(b"hello")),
    "GenerateDataKey": example(KEY_DOCUMENT, KeyId=KEY_ID, KeySpec="AES_128", NumberOfBytes="16"),
    "GenerateDataKeyWithoutPlaintext": example(KEY_DOCUMENT, KeyId="alias/app", KeySpec="AES_256"),
    "ExportDataKey": example(
        KEY_DOCUMENT, CiphertextBlob=from_answer("CiphertextBlob", "GenerateDataKey", KeyId=KEY_ID), **WRAPPING
    ),
    "GenerateAndExportDataKey": example(KEY_DOCUMENT, KeyId=KEY_ID, **WRAPPING),
    "GetManagedDataKey": example(DATA_KEY, DataKeyName="dk", DataKeyVersionId=VERSION_ID),
    "ListManagedDataKeyVersions": example(DATA_KEY, DataKeyName="dk", PageNumber="1", PageSize="5"),
    # instances
    "ConnectKmsInstance": example(
        NEW_INSTANCE,
        KmsInstanceId=INSTANCE_ID,
        VpcId="vpc-1",
        ZoneIds="cn-hangzhou-k,cn-hangzhou-j",
        VSwitchIds="vsw-1",
        KMProvider="Aliyun",
    ),
    "GetKmsInstance": example(INSTANCE_DOCUMENT, KmsInstanceId=INSTANCE_ID),
    "ListKmsInstances": example(INSTANCE_DOCUMENT, PageNumber="1", PageSize="5"),
    "GetDefaultKmsInstance": example(INSTANCE_DOCUMENT),
    "GetKmsInstanceQuotaInfos": example(INSTANCE_DOCUMENT, KmsInstanceId=INSTANCE_ID),
    "ReleaseKmsInstance": example(INSTANCE_DOCUMENT, KmsInstanceId=INSTANCE_ID, ForceDeleteWithoutBackup="true"),
    "UpdateKmsInstance": example(INSTANCE_DOCUMENT, KmsInstanceId=INSTANCE_ID, InstanceName="renamed"),
    "UpdateKmsInstanceBindVpc": example(INSTANCE_DOCUMENT, KmsInstanceId=INSTANCE_ID, BindVpcs="[]"),
    # imported key material
    "GetParametersForImport": example(
        EXTERNAL_KEY, KeyId=KEY_ID, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048"
    ),
    "ImportKeyMaterial": Example(EXTERNAL_KEY, import_parameters),
    "DeleteKeyMaterial": example(EXTERNAL_KEY, KeyId=KEY_ID),
    # keys, their policies and versions
    "GetKeyPolicy": example(INSTANCE_KEY, KeyId=KEY_ID, PolicyName="default"),
    "SetKeyPolicy": example(INSTANCE_KEY, KeyId=KEY_ID, Policy=OPEN_POLICY),
    "ListKeyVersions": example(KEY_DOCUMENT, KeyId=KEY_ID, PageNumber="1", PageSize="5"),
    "DescribeKeyVersion": example(SIGN, KeyId=KEY_ID, KeyVersionId=VERSION_ID),
    "CreateKeyVersion": example(INSTANCE_KEY, KeyId=KEY_ID),
    "UpdateRotationPolicy": example(
        KEY_DOCUMENT, KeyId=KEY_ID, EnableAutomaticRotation="true", RotationInterval="365d"
    ),
    "CreateKey": example(KeySpec="Aliyun_AES_256", Description="d", Tags='[{"TagKey":"k","TagValue":"v"}]'),
    "DescribeKey": example(KEY_DOCUMENT, KeyId="alias/app"),
    "ListKeys": example(KEY_DOCUMENT, Filters='[{"Key":"KeyState","Values":["Enabled"]}]', PageSize="5"),
    "UpdateKeyDescription": example(KEY_DOCUMENT, KeyId=KEY_ID, Description="d"),
    "EnableKey": example(KEY_DOCUMENT, KeyId=KEY_ID),
    "DisableKey": example(KEY_DOCUMENT, KeyId=KEY_ID),
    "ScheduleKeyDeletion": example(KEY_DOCUMENT, KeyId=KEY_ID, PendingWindowInDays="7"),
    "CancelKeyDeletion": example(
        {"keys": [{"id": KEY_ID, "state": "PendingDeletion", "deletion_date": "+7d"}]}, KeyId=KEY_ID
    ),
    "SetDeletionProtection": example(KEY_DOCUMENT, KeyId=KEY_ID, EnableDeletionProtection="true"),
    # secrets
    "PutSecretValue": example(
        SECRET_DOCUMENT, SecretName="db", VersionId="v2", SecretData="two", VersionStages='["ACSCurrent"]'
    ),
    "GetSecretValue": example(SECRET_DOCUMENT, SecretName="db", VersionStage="ACSCurrent", FetchExtendedConfig="true"),
    "BatchGetSecretValue": example(SECRET_DOCUMENT, SecretsList='[{"SecretName":"db"},{"SecretName":"no"}]'),
    "ListSecretVersionIds": example(SECRET_OF_TWO, SecretName="db", IncludeDeprecated="true"),
    "UpdateSecretVersionStage": example(
        SECRET_OF_TWO, SecretName="db", VersionStage="mine", RemoveFromVersion="v2", MoveToVersion="v1"
    ),
    "RotateSecret": example(RDS_SECRET, SecretName="db", VersionId="v2"),
    "GetRandomPassword": example(PasswordLength="16", ExcludePunctuation="true"),
    "CreateSecret": example(
        SecretName="new", VersionId="v1", SecretData="one", Tags='[{"TagKey":"k","TagValue":"v"}]', Description="d"
    ),
    "DescribeSecret": example(SECRET_DOCUMENT, SecretName="db", FetchTags="true"),
    "ListSecrets": example(SECRET_DOCUMENT, FetchTags="true", Filters='[{"Key":"SecretName","Values":["db"]}]'),
    "UpdateSecret": example(SECRET_DOCUMENT, SecretName="db", Description="d"),
    "DeleteSecret": example(SECRET_DOCUMENT, SecretName="db", RecoveryWindowInDays="7"),
    "RestoreSecret": example({"secrets": [{"name": "db", "value": "one", "planned_delete": "+7d"}]}, SecretName="db"),
    "UpdateSecretRotationPolicy": example(
        RDS_SECRET, SecretName="db", EnableAutomaticRotation="true", RotationInterval="30d"
    ),
    "GetSecretPolicy": example(INSTANCE_SECRET, SecretName="db", PolicyName="default"),
    "SetSecretPolicy": example(INSTANCE_SECRET, SecretName="db", Policy=OPEN_POLICY),
    # asymmetric keys and message authentication
    "AsymmetricSign": example(SIGN, **SIGNING),
    "AsymmetricVerify": example(SIGN, **SIGNING, Value=from_answer("Value", "AsymmetricSign", **SIGNING)),
    "AsymmetricEncrypt": example(ENCRYPT, **OAEP, Plaintext=text64(b"hello")),
    "AsymmetricDecrypt": example(
        ENCRYPT,
        **OAEP,
        CiphertextBlob=from_answer("CiphertextBlob", "AsymmetricEncrypt", **OAEP, Plaintext=text64(b"hello")),
    ),
    "GetPublicKey": example(SIGN, KeyId=KEY_ID, KeyVersionId=VERSION_ID),
    "GenerateMac": example(HMAC_KEY, **MAC),
    "VerifyMac": example(HMAC_KEY, **MAC, Mac=from_answer("Mac", "GenerateMac", **MAC)),
    # tags
    "TagResource": example(SECRET_DOCUMENT, SecretName="db", Tags='[{"TagKey":"k","TagValue":"v"}]'),
    "UntagResource": example(SECRET_DOCUMENT, SecretName="db", TagKeys='["team"]'),
    "ListResourceTags": example(KEY_DOCUMENT, KeyId=KEY_ID),
    "TagResources": example(SECRET_DOCUMENT, **TAGGED, ResourceId__1="db", Tag__1__Key="k", Tag__1__Value="v"),
    "UntagResources": example(SECRET_DOCUMENT, **TAGGED, ResourceId__1="db", TagKey__1="team"),
    "ListTagResources": example(SECRET_DOCUMENT, **TAGGED, ResourceId__1="db"),
    # STS
    "AssumeRole": example(
        {"roles": [{"name": "app"}]},
        **SESSION,
        DurationSeconds="900",
        Policy='{"Version":"1","Statement":[]}',
        ExternalId="abc",
        SourceIdentity="Alice",
    ),
    "AssumeRoleWithOIDC": example(oidc_document(), **SESSION, OIDCProviderArn=OIDC, OIDCToken=oidc_token()),
    "AssumeRoleWithSAML": example(
        SAML_DOCUMENT, RoleArn=ROLE, SAMLProviderArn=SAML, SAMLAssertion=saml_response(), DurationSeconds="900"
    ),
    "GetCallerIdentity": example(),
    # Location
    "DescribeEndpoint": example(Id="cn-hangzhou", ServiceCode="kms"),
    "DescribeEndpoints": example(Id="cn-hangzhou", ServiceCode="kms", Type="openAPI"),
    # BssOpenApi
    "CreateInstance": example(
        **KMS_PRODUCT,
        SubscriptionType="Subscription",
        Period="1",
        Parameter__1__Code="Region",
        Parameter__1__Value="cn-hangzhou",
        Parameter__2__Code="KeyNum",
        Parameter__2__Value="1000",
    ),
    "ModifyInstance": example(
        SUBSCRIPTION,
        **KMS_PRODUCT,
        InstanceId=INSTANCE_ID,
        ModifyType="Upgrade",
        SubscriptionType="Subscription",
        Parameter__1__Code="KeyNum",
        Parameter__1__Value="2000",
    ),
    "QueryAvailableInstances": example(SUBSCRIPTION, ProductCode="kms", Region="cn-hangzhou", PageSize="20"),
    "RefundInstance": example(SUBSCRIPTION, **KMS_PRODUCT, InstanceId=INSTANCE_ID, ImmediatelyRelease="1"),
    "SetRenewal": example(
        SUBSCRIPTION,
        **KMS_PRODUCT,
        InstanceIDs=INSTANCE_ID,
        RenewalStatus="AutoRenewal",
        RenewalPeriod="1",
        RenewalPeriodUnit="M",
    ),
}
