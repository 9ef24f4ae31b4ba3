"""The answers of STS, in the spelling of the wire."""

from typing import NotRequired, TypedDict


class Credentials(TypedDict):
    """The temporary AccessKey pair of a session, and the token that goes with it."""

    AccessKeyId: str
    AccessKeySecret: str
    SecurityToken: str
    Expiration: str


class AssumedRoleUser(TypedDict):
    """The session as a principal."""

    AssumedRoleId: str
    Arn: str


class AssumedRole(TypedDict):
    """The answer of AssumeRole."""

    Credentials: Credentials
    AssumedRoleUser: AssumedRoleUser
    SourceIdentity: NotRequired[str]


class OidcTokenInfo(TypedDict):
    """What the token of an OIDC provider said."""

    Subject: str
    Issuer: str
    ClientIds: str
    ExpirationTime: str
    IssuanceTime: NotRequired[str]
    VerificationInfo: str


class AssumedRoleWithOidc(AssumedRole):
    """The answer of AssumeRoleWithOIDC."""

    OIDCTokenInfo: OidcTokenInfo


class SamlAssertionInfo(TypedDict):
    """What the assertion of a SAML provider said."""

    SubjectType: str
    Subject: str
    Recipient: str
    Issuer: str


class AssumedRoleWithSaml(AssumedRole):
    """The answer of AssumeRoleWithSAML."""

    SAMLAssertionInfo: SamlAssertionInfo


class Identity(TypedDict):
    """The answer of GetCallerIdentity: UserId for accounts and users, RoleId for sessions of roles."""

    IdentityType: str
    AccountId: str
    PrincipalId: str
    UserId: NotRequired[str]
    Arn: str
    RoleId: NotRequired[str]
