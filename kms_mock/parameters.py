"""Every parameter type and constraint of the API, named once.

A type is an `Annotated` alias. `msgspec.Meta` carries length, range and pattern; the markers of `binding` carry the rest.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from kms_mock.binding import Blank, Foldable, Json, Parsed, Repeated, Sensitive, Wire
from kms_mock.crypto.specs import KeySpec
from kms_mock.model.access import MAX_POLICIES, Permission, check_resource, check_source
from kms_mock.model.certificate import CertificateSpec, DomainName
from kms_mock.model.key import spec_named
from kms_mock.model.times import parse_iso

# -- parsers ----------------------------------------------------------------------------------------------------------

_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_INTERVAL = re.compile(r"([0-9]{1,12})([dhms])")


def parse_interval(text: str) -> int:
    """Read `integer[unit]` as seconds; units are d, h, m, s (behaviour.md 7 and 9)."""
    match = _INTERVAL.fullmatch(text)
    if match is None:
        raise ValueError("the form is integer[unit], unit one of d, h, m, s")
    return int(match[1]) * _UNITS[match[2]]


# -- types: paging, flags ---------------------------------------------------------------------------------------------

PageNumber = Annotated[int, Meta(ge=1)]
PageSize = Annotated[int, Meta(ge=1, le=100)]
PageSizeFrom0To100 = Annotated[int, Meta(ge=0, le=100)]
PageSizeFrom0To101 = Annotated[int, Meta(ge=0, le=101)]
DryRun = Annotated[bool, Wire("DryRun")]
Interval = Annotated[int, Parsed(parse_interval)]
Description = Annotated[str, Meta(max_length=8192), Blank()]
InstanceId = Annotated[str, Wire("DKMSInstanceId")]


class Filter(msgspec.Struct):
    """One entry of a Filters parameter: any of the values matches (behaviour.md 5)."""

    Key: str
    Values: Annotated[list[str], Meta(max_length=10)] = []


Filters = Annotated[list[Filter], Meta(max_length=10), Json()]

# -- types: tags ------------------------------------------------------------------------------------------------------


class Tag(msgspec.Struct):
    """One tag as CreateKey, CreateSecret and TagResource take it."""

    TagKey: str
    TagValue: str = ""


class ResourceTag(msgspec.Struct):
    """One tag as TagResources and ListTagResources take it."""

    Key: str = ""
    Value: str | None = None


Tags = Annotated[list[Tag], Json()]
TagKeys = Annotated[list[Annotated[str, Meta(min_length=1, max_length=128)]], Json()]
ResourceIds = Annotated[list[str], Repeated(most=50), Wire("ResourceId")]
ResourceTags = Annotated[list[ResourceTag], Repeated(most=20), Wire("Tag")]
ResourceTagKeys = Annotated[list[str], Repeated(most=20), Wire("TagKey")]
ResourceType = Literal["key", "secret"]
RegionId = Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,64}\Z")]

# -- types: keys ------------------------------------------------------------------------------------------------------

KeyId = Annotated[str, Meta(max_length=512)]
NamedKeySpec = Annotated[KeySpec, Parsed(spec_named)]
PendingWindow = Annotated[int, Meta(ge=7, le=366)]
ProtectionDescription = Annotated[str, Meta(max_length=8192), Blank()]  # inferred: bounded like a key's description
ResourceArn = Annotated[str, Meta(max_length=512)]
# Letters, digits and /_- come from the alias page of the help center; 255 counts the prefix (api-docs CreateAlias).
AliasName = Annotated[str, Meta(pattern=r"^alias/[A-Za-z0-9/_-]{1,249}\Z")]
KeyVersionId = Annotated[str, Meta(max_length=64)]
WrappingKeySpec = Literal["RSA_2048", "EC_SM2"]
WrappingAlgorithm = Literal["RSAES_PKCS1_V1_5", "RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "SM2PKE"]
ImportTokenText = Annotated[str, Wire("ImportToken"), Meta(max_length=1024), Sensitive()]
EncryptedKeyMaterial = Annotated[bytes, Sensitive()]
KeyMaterialExpireUnix = Annotated[int, Meta(ge=0, le=253402300799)]  # up to the year 9999, the last one with a date

# -- types: what keys are used for ------------------------------------------------------------------------------------

EncryptionContext = Annotated[dict[str, str], Foldable(longest=8192)]
Plaintext = Annotated[str, Meta(max_length=6144), Sensitive()]
PlaintextBytes = Annotated[bytes, Wire("Plaintext"), Sensitive()]
NumberOfBytes = Annotated[int, Meta(ge=0, le=1024)]  # the document says 1 to 1024, the metadata's minimum is 0
SignatureAlgorithm = Literal["RSA_PKCS1_SHA_256", "RSA_PSS_SHA_256", "ECDSA_SHA_256", "SM2DSA"]
EncryptionAlgorithm = Literal["RSAES_OAEP_SHA_256", "RSAES_OAEP_SHA_1", "SM2PKE"]
MacAlgorithm = Literal["HMAC_SM3", "HMAC_SHA_224", "HMAC_SHA_256", "HMAC_SHA_384", "HMAC_SHA_512"]
MacMessage = Annotated[bytes, Sensitive()]
ExportKeySpec = Literal["RSA_2048", "EC_SM2"]
AdvanceAlgorithm = Literal["AES_GCM", "AES_CBC", "AES_CTR", "AES_ECB", "SM4_GCM", "SM4_CBC", "SM4_CTR", "SM4_ECB"]
PaddingMode = Literal["PKCS7_PADDING", "NO_PADDING"]
DataKeyName = Annotated[str, Meta(max_length=192)]

# -- types: certificates ----------------------------------------------------------------------------------------------

CertificateId = Annotated[str, Meta(max_length=512)]
CertificateSubject = Annotated[str, Meta(max_length=2048), Wire("Subject")]
CertificateKeySpec = Annotated[CertificateSpec, Wire("KeySpec")]
AlternativeNames = Annotated[list[DomainName], Meta(max_length=10), Json()]
CertificatePem = Annotated[str, Meta(max_length=65536)]  # inferred: no document bounds it
NewCertificateStatus = Literal["INACTIVE", "ACTIVE", "REVOKED"]
MessageType = Literal["RAW", "DIGEST"]
CertificateMessage = Annotated[bytes, Sensitive()]
CiphertextBytes = bytes

# -- types: policies --------------------------------------------------------------------------------------------------

PolicyName = str
PolicyText = str

# -- types: secrets ---------------------------------------------------------------------------------------------------

SecretName = Annotated[str, Meta(max_length=192, pattern=r"^(\$Auto|[A-Za-z0-9_/+=.@-]+)\Z")]
SecretNameOrArn = Annotated[str, Wire("SecretName")]
SecretType = Literal["Generic", "Rds", "Redis", "RAMCredentials", "ECS", "PolarDB"]
SecretDataType = Literal["text", "binary"]
# Generous: the 30720 bytes are counted in UTF-8, which a pattern cannot do.
SecretData = Annotated[str, Meta(max_length=30720), Sensitive()]
# inferred: control characters name nothing (XML could not carry them), and no document bounds a stage's name
_LABEL = r"^[^\x00-\x1f\x7f-\x9f\ufffe\uffff]+\Z"
VersionId = Annotated[str, Meta(max_length=64, pattern=_LABEL)]
VersionStage = Annotated[str, Meta(max_length=64, pattern=_LABEL)]
VersionStages = Annotated[list[VersionStage], Meta(min_length=1), Json()]  # more than 8: Rejected.LimitExceeded
ExtendedConfigText = Annotated[str, Meta(max_length=1024)]
CustomData = Annotated[dict[str, Any], Meta(max_length=10), Foldable(), Wire("ExtendedConfig.CustomData")]
RecoveryWindow = Annotated[int, Meta(ge=7, le=30)]
PasswordLength = Annotated[int, Meta(ge=8, le=128)]
Recipient = Annotated[str, Sensitive()]


class SecretRequest(msgspec.Struct):
    """One entry of BatchGetSecretValue's SecretsList."""

    SecretName: str
    VersionId: str | None = None
    VersionStage: str | None = None
    FetchExtendedConfig: bool | str | None = None


SecretsList = Annotated[list[SecretRequest], Meta(min_length=1, max_length=20), Json()]

# -- types: instances -------------------------------------------------------------------------------------------------


def parse_comma_list(text: str) -> list[str]:
    """Read names with commas between them."""
    names = [name.strip() for name in text.split(",")]
    if not all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name) for name in names):
        raise ValueError("the form is one or more ids with commas between them")
    return names


KmsInstanceId = Annotated[str, Meta(max_length=64)]
KmProvider = Annotated[Literal["Aliyun"], Wire("KMProvider")]
NetworkId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}\Z")]  # inferred: no document bounds it
NetworkIds = Annotated[list[str], Parsed(parse_comma_list)]
QuotaType = Annotated[Literal["key", "secret", "qps", "vpc"], Wire("ResourceType")]


class BindVpc(msgspec.Struct):
    """One entry of UpdateKmsInstanceBindVpc's BindVpcs."""

    VpcId: NetworkId
    VSwitchId: NetworkId
    RegionId: str | None = None
    VpcOwnerId: int | Annotated[str, Meta(pattern=r"^[0-9]{1,20}\Z")] | None = None


BindVpcs = Annotated[list[BindVpc], Json()]

# -- types: access of applications ------------------------------------------------------------------------------------

_CLASSES = (r"[0-9]", r"[A-Za-z]", r"[~!@#$%^&*?_-]")


def parse_client_key_password(text: str) -> str:
    """Check the password of a client key (api-docs CreateClientKey)."""
    kinds = sum(bool(re.search(kind, text)) for kind in _CLASSES)
    if not re.fullmatch(r"[0-9A-Za-z~!@#$%^&*?_-]{8,64}", text) or kinds < 2:  # noqa: PLR2004 (two of the three classes)
        raise ValueError("8 to 64 characters of two kinds: digits, letters, ~!@#$%^&*?_-")
    return text


def parse_utc(text: str) -> float:
    """Read a time as `yyyy-MM-ddTHH:mm:ssZ`, from 1950 on, before which certificates know no time."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", text, re.ASCII) or text < "1950":
        raise ValueError("the form is yyyy-MM-ddTHH:mm:ssZ, not before 1950")
    return parse_iso(text)


def parse_sources(text: str) -> list[str]:
    """Read a JSON list of IP addresses and blocks of them."""
    found = msgspec.json.decode(text, type=list[str])
    for entry in found:
        check_source(entry)
    return found


def parse_resources(text: str) -> list[str]:
    """Read a JSON list of `key/<id>` and `secret/<name>`."""
    found = msgspec.json.decode(text, type=list[str])
    for entry in found:
        check_resource(entry)
    return found


class AccessControl(msgspec.Struct):
    """A policy's AccessControlRules: names of network rules."""

    NetworkRules: list[str] = []


AccessName = Annotated[str, Meta(max_length=255, pattern=_LABEL)]  # inferred: no document bounds it
Sources = Annotated[list[str], Parsed(parse_sources), Wire("SourcePrivateIp")]
Permissions = Annotated[list[Permission], Json()]
AccessResources = Annotated[list[str], Parsed(parse_resources), Wire("Resources")]
AccessControlRules = Annotated[AccessControl, Json()]
PolicyNames = Annotated[list[AccessName], Meta(min_length=1, max_length=MAX_POLICIES), Json(), Wire("Policies")]
ClientKeyPassword = Annotated[str, Parsed(parse_client_key_password), Sensitive(), Wire("Password")]
UtcTime = Annotated[float, Parsed(parse_utc)]
