"""RAM identities for tests: roles, providers, and what their providers say."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

ACCOUNT = "1234567890123456"
ROLE = f"acs:ram::{ACCOUNT}:role/app"
OIDC = f"acs:ram::{ACCOUNT}:oidc-provider/k8s"
SAML = f"acs:ram::{ACCOUNT}:saml-provider/idp"
ENTITY = "https://idp.example.com/metadata"
RECIPIENT = "https://signin.aliyun.com/saml-role/sso"


InProcessCall = Callable[..., tuple[str, dict[str, Any]]]  # `InProcess.call`


def policy_document(*statements: dict[str, Any]) -> dict[str, Any]:
    """Return a policy document."""
    return {"Version": "1", "Statement": list(statements)}


def trust(condition: dict[str, Any] | None = None, **principal: str | list[str]) -> dict[str, Any]:
    """Return a trust policy with one statement."""
    more = {} if condition is None else {"Condition": condition}
    return policy_document({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal, **more})


@cache
def idp_key() -> rsa.RSAPrivateKey:
    """Return the key of a SAML provider, made once per run."""
    return rsa.generate_private_key(65537, 2048)


@cache
def idp_certificate() -> str:
    """Return the certificate of `idp_key`, valid whatever the clock of a test says."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp")])
    first, last = datetime(2020, 1, 1, tzinfo=UTC), datetime(2049, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, idp_key().public_key(), 7, first, last)
    return builder.sign(idp_key(), hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def saml_provider(**changes: Any) -> dict[str, Any]:
    """Return the fixture entry of the SAML provider."""
    return {"name": "idp", "entity_id": ENTITY, "certificates": [idp_certificate()], **changes}


def saml_response(**changes: str) -> str:
    """Return a signed SAML response (Base64) that asserts `ROLE`; `changes` replaces parts of it.

    The assertion is written here in the exclusive canonical form, by hand, as the specification says; what is sent has
    the same elements in another form (declarations of namespaces elsewhere, other quotes and order of attributes).
    """
    wanted = {
        "issuer": ENTITY,
        "subject": "alice@example.com",
        "recipient": RECIPIENT,
        "until": "2049-01-01T00:00:00Z",
        "since": "2020-01-01T00:00:00Z",
        "audience": "urn:alibaba:cloudcomputing",
        "role": f"{ROLE},{SAML}",
        "session": "alice",
        "more": "",
        "method": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        "confirmation": "bearer",
        **changes,
    }
    wanted.setdefault("data", f'NotOnOrAfter="{wanted["until"]}" Recipient="{wanted["recipient"]}"')
    attribute = (
        '<saml:Attribute Name="https://www.aliyun.com/SAML-Role/Attributes/{}">'
        "<saml:AttributeValue>{}</saml:AttributeValue></saml:Attribute>"
    )
    head = '<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="a1" Version="2.0">'
    issuer = "<saml:Issuer>{issuer}</saml:Issuer>".format(**wanted)
    rest = (
        '<saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">{subject}</saml:NameID>'
        '<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:{confirmation}">'
        "<saml:SubjectConfirmationData {data}></saml:SubjectConfirmationData>"
        "</saml:SubjectConfirmation></saml:Subject>"
        '<saml:Conditions NotBefore="{since}" NotOnOrAfter="{until}"><saml:AudienceRestriction>'
        "<saml:Audience>{audience}</saml:Audience></saml:AudienceRestriction></saml:Conditions>"
    ).format(**wanted)
    attributes = attribute.format("Role", wanted["role"]) + attribute.format("RoleSessionName", wanted["session"])
    statement = f"<saml:AttributeStatement>{attributes}{wanted['more']}</saml:AttributeStatement></saml:Assertion>"
    digest = hashes.Hash(hashes.SHA256())
    digest.update((head + issuer + rest + statement).encode())
    value = base64.b64encode(digest.finalize()).decode()
    info = (
        '<ds:SignedInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">'
        '<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"></ds:CanonicalizationMethod>'
        f'<ds:SignatureMethod Algorithm="{wanted["method"]}"></ds:SignatureMethod><ds:Reference URI="#a1">'
        '<ds:Transforms><ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"></ds:Transform>'
        '<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"></ds:Transform></ds:Transforms>'
        '<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"></ds:DigestMethod>'
        f"<ds:DigestValue>{value}</ds:DigestValue></ds:Reference></ds:SignedInfo>"
    )
    signed = base64.b64encode(idp_key().sign(info.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()
    bare = info.replace(' xmlns:ds="http://www.w3.org/2000/09/xmldsig#"', "")
    signature = f"<ds:Signature>{bare}<ds:SignatureValue>{signed}</ds:SignatureValue></ds:Signature>"
    response = (
        "<samlp:Response xmlns:samlp='urn:oasis:names:tc:SAML:2.0:protocol' ID='r1' xmlns:unused='urn:x' "
        "xmlns:ds='http://www.w3.org/2000/09/xmldsig#' xmlns:saml='urn:oasis:names:tc:SAML:2.0:assertion'>"
        f"<saml:Assertion Version='2.0' ID='a1'>{issuer}{signature}<!-- a comment -->{rest}{statement}</samlp:Response>"
    )
    return base64.b64encode(response.encode()).decode()


def assume(call: InProcessCall, **parameters: str) -> dict[str, str]:
    """Assume role `app` and return the credentials."""
    code, body = call("AssumeRole", **{"RoleArn": ROLE, "RoleSessionName": "alice", **parameters})
    assert not code, body
    credentials: dict[str, str] = body["Credentials"]
    return credentials


def with_session(credentials: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters with which a request comes from a session."""
    return {"AccessKeyId": credentials["AccessKeyId"], "SecurityToken": credentials["SecurityToken"]}
