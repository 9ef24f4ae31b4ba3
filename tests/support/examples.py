"""One valid request per operation: what `test_registry.py` starts from.

To add an operation put one entry into EXAMPLES: `"Name": example(fixture, Parameter="value", ...)`. `fixture` is a
fixture document with what the request needs (nothing: `{}`); names are spelled as on the wire, with `__` for the dot of
flattened ones (`ResourceId__1`). A value that only another operation can give (a ciphertext, a signature) is a function:
it gets `call(operation, **parameters)`, which sends a request to the same mock and gives the answer's tree. Where two
values must come from one answer, a function gives all parameters: `Example(fixture, function)`.

The request must give every required parameter, and must succeed. Times in a fixture are relative; the clock stands still.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.support.example_documents import (
    ACCESS_POINT,
    CERTIFICATE_ID,
    CIPHERTEXT,
    CLIENT_KEY_DOCUMENT,
    DATA_KEY,
    ENCRYPT,
    EXTERNAL_KEY,
    HMAC_KEY,
    INSTANCE_DOCUMENT,
    INSTANCE_ID,
    INSTANCE_KEY,
    INSTANCE_SECRET,
    ISSUED,
    KEY_DOCUMENT,
    KMS_PRODUCT,
    MAC,
    NEW_INSTANCE,
    OAEP,
    OPEN_POLICY,
    POLICIES,
    RDS_SECRET,
    RULE_DOCUMENT,
    SAML_DOCUMENT,
    SECRET_DOCUMENT,
    SECRET_OF_TWO,
    SESSION,
    SIGN,
    SIGNING,
    SUBSCRIPTION,
    TAGGED,
    VERSION_ID,
    WRAPPING,
    Call,
    Value,
    certificate_pem,
    certificates,
    from_answer,
    import_parameters,
    oidc_document,
    oidc_token,
)
from tests.support.identities import OIDC, ROLE, SAML, saml_response
from tests.support.known_keys import text64
from tests.support.secrets import KEY_ID


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
