"""What the examples of operations are made of: key material, fixture documents, values that another operation gives."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from kms_mock.crypto import jwt
from tests.support.identities import ENTITY, ROLE, idp_key, saml_provider
from tests.support.known_keys import text64
from tests.support.secrets import KEY_ID, resource_policy

Call = Callable[..., dict[str, Any]]
Value = str | Callable[[Call], str]

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
