"""Every parameter type and constraint of the API, named once.

A type is an `Annotated` alias. `msgspec.Meta` carries length, range and pattern, and describes in words what a pattern
or a parser takes; the markers of `binding` carry the rest.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta

from kms_mock.crypto.specs import KEY_SPECS, KeySpec
from kms_mock.defaults import REGION
from kms_mock.kms.model.access import (
    MAX_POLICIES,
    Permission,
    check_access_control,
    check_resources,
    check_sources,
)
from kms_mock.kms.model.certificate import CertificateSpec, DomainName
from kms_mock.kms.model.key import spec_named
from kms_mock.kms.model.secret_types import MAX_NAME_LENGTH, NAME_CHARACTERS
from kms_mock.rpc.binding import (
    EmptyAllowed,
    Flattenable,
    Inferred,
    Json,
    NamesResource,
    NotOffered,
    Parsed,
    Repeated,
    Sensitive,
    Wire,
)
from kms_mock.store.times import FUTURE, VALIDITY, parse_interval, parse_iso

# -- types: paging, flags ---------------------------------------------------------------------------------------------

PageNumber = Annotated[int, Meta(ge=1)]
PageSize = Annotated[int, Meta(ge=1, le=100)]
PageSizeFrom0To100 = Annotated[int, Meta(ge=0, le=100)]
PageSizeFrom0To101 = Annotated[int, Meta(ge=0, le=101)]
Interval = Annotated[int, Parsed(parse_interval), Meta(description="a whole number with the unit d, h, m or s")]
Description = Annotated[str, Meta(max_length=8192), EmptyAllowed()]
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
ResourceIds = Annotated[list[str], Repeated(most=50), Wire("ResourceId"), NamesResource()]
ResourceTags = Annotated[list[ResourceTag], Repeated(most=20), Wire("Tag")]
ResourceTagKeys = Annotated[list[str], Repeated(most=20), Wire("TagKey")]
ResourceType = Literal["key", "secret", "instance"]
RegionId = Annotated[str, Meta(pattern=rf"^{REGION}\Z", description="the name of a region")]

# -- types: keys ------------------------------------------------------------------------------------------------------

KeyId = Annotated[str, Meta(max_length=512), NamesResource("key")]
NamedKeySpec = Annotated[
    KeySpec, Parsed(spec_named), Meta(description=f"one of {', '.join(f'`{name}`' for name in KEY_SPECS)}")
]
PendingWindow = Annotated[int, Meta(ge=7, le=366)]
ProtectionDescription = Annotated[
    str,
    Meta(max_length=8192),
    EmptyAllowed(),
    Inferred("DeletionProtectionDescription is bounded like the description of a key; no document says how."),
]
ResourceArn = Annotated[str, Meta(max_length=512), NamesResource()]
# Letters, digits and /_- come from the alias page of the help center; 255 counts the prefix (api-docs CreateAlias).
AliasName = Annotated[
    str,
    Meta(
        pattern=r"^alias/[A-Za-z0-9/_-]{1,249}\Z",
        description="made of `alias/` and 1 to 249 letters, digits, slashes, underscores or hyphens",
    ),
    NamesResource("alias"),
]
KeyVersionId = Annotated[str, Meta(max_length=64)]
WrappingKeySpec = Literal["RSA_2048", "EC_SM2"]
WrappingAlgorithm = Literal["RSAES_PKCS1_V1_5", "RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "SM2PKE"]
ImportTokenText = Annotated[str, Wire("ImportToken"), Meta(max_length=1024), Sensitive()]
EncryptedKeyMaterial = Annotated[bytes, Sensitive()]
KeyMaterialExpireUnix = Annotated[int, Meta(ge=0, le=int(FUTURE.last))]  # the year 9999 is the last one with a date

# -- types: what keys are used for ------------------------------------------------------------------------------------

EncryptionContext = Annotated[dict[str, str], Flattenable(longest=8192)]
Plaintext = Annotated[str, Meta(max_length=6144), Sensitive()]
PlaintextBytes = Annotated[bytes, Wire("Plaintext"), Sensitive()]
NumberOfBytes = Annotated[int, Meta(ge=0, le=1024)]  # the document says 1 to 1024, the metadata's minimum is 0
SignatureAlgorithm = Literal["RSA_PKCS1_SHA_256", "RSA_PSS_SHA_256", "ECDSA_SHA_256", "SM2DSA"]
EncryptionAlgorithm = Literal["RSAES_OAEP_SHA_256", "RSAES_OAEP_SHA_1", "SM2PKE"]
MacAlgorithm = Literal["HMAC_SM3", "HMAC_SHA_224", "HMAC_SHA_256", "HMAC_SHA_384", "HMAC_SHA_512"]
MacMessage = Annotated[bytes, Sensitive()]
ExportKeySpec = Literal["RSA_2048", "EC_SM2"]
DataKeyName = Annotated[str, Meta(max_length=192), NamesResource("datakey")]

# -- types: certificates ----------------------------------------------------------------------------------------------

CertificateId = Annotated[str, Meta(max_length=512), NamesResource("certificate")]
CertificateSubject = Annotated[str, Meta(max_length=2048), Wire("Subject")]
CertificateKeySpec = Annotated[CertificateSpec, Wire("KeySpec")]
AlternativeNames = Annotated[
    list[Annotated[DomainName, Meta(description="a domain name, also with `*.` in front")]], Meta(max_length=10), Json()
]
CertificatePem = Annotated[
    str,
    Meta(max_length=65536),
    Inferred("A certificate and its chain have at most 65536 characters each: no document bounds them."),
]
MessageType = Literal["RAW", "DIGEST"]
CertificateMessage = Annotated[bytes, Sensitive()]
CiphertextBytes = bytes

# -- types: policies --------------------------------------------------------------------------------------------------

PolicyName = Annotated[str, NamesResource()]
PolicyText = str

# -- types: secrets ---------------------------------------------------------------------------------------------------

SecretName = Annotated[
    str,
    Meta(
        max_length=MAX_NAME_LENGTH,
        pattern=rf"^(\$Auto|{NAME_CHARACTERS})\Z",
        description="only letters, digits and the marks `_/+=.@-`, or `$Auto`",
    ),
    NamesResource("secret"),
]
SecretNameOrArn = Annotated[str, Wire("SecretName"), NamesResource("secret")]
# Generous: the 30720 bytes are counted in UTF-8, which a pattern cannot do.
SecretData = Annotated[str, Meta(max_length=30720), Sensitive()]
_LABEL = r"^[^\x00-\x1f\x7f-\x9f\ufffe\uffff]+\Z"
_LABEL_DESCRIPTION = "no control characters"
VersionId = Annotated[
    str,
    Meta(max_length=64, pattern=_LABEL, description=_LABEL_DESCRIPTION),
    Inferred("Version ids with control characters are refused: XML answers could not carry them."),
]
VersionStage = Annotated[
    str,
    Meta(max_length=64, pattern=_LABEL, description=_LABEL_DESCRIPTION),
    Inferred(
        "The name of a version stage has at most 64 characters and no control characters: no document bounds it, and "
        "XML answers could not carry them."
    ),
]
VersionStages = Annotated[list[VersionStage], Meta(min_length=1), Json()]  # more than 8: Rejected.LimitExceeded
ExtendedConfigText = Annotated[str, Meta(max_length=1024)]
CustomData = Annotated[dict[str, Any], Meta(max_length=10), Flattenable(), Wire("ExtendedConfig.CustomData")]
RecoveryWindow = Annotated[int, Meta(ge=7, le=30)]
PasswordLength = Annotated[int, Meta(ge=8, le=128)]
Recipient = Annotated[
    str,
    Sensitive(),
    NotOffered(
        "The SDK has the parameter, with names as in the attestation of AWS Nitro enclaves; no public document describes "
        "the envelope that the answer would hold for the enclave (`CiphertextForRecipient`), which attestations the "
        "service trusts, or its errors. It is refused as an unsupported operation."
    ),
]


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


ProtectedInstanceId = Annotated[str, NamesResource("keystore")]
KmsInstanceId = Annotated[str, Meta(max_length=64), NamesResource("keystore")]
InstanceName = Annotated[
    str,
    Meta(max_length=128, pattern=_LABEL, description=_LABEL_DESCRIPTION),
    Inferred(
        "The name of a KMS instance has at most 128 characters and no control characters: no document bounds it, and XML "
        "answers could not carry them."
    ),
]
KmProvider = Annotated[Literal["Aliyun"], Wire("KMProvider")]
_NETWORK_IDS_INFERRED = Inferred(
    "The ids of VPCs, zones and vSwitches have 1 to 64 characters: no document bounds them."
)
NetworkId = Annotated[
    str,
    Meta(pattern=r"^[A-Za-z0-9_-]{1,64}\Z", description="1 to 64 letters, digits, underscores or hyphens"),
    _NETWORK_IDS_INFERRED,
]
NetworkIds = Annotated[
    list[str], Parsed(parse_comma_list), Meta(description="ids with commas between them"), _NETWORK_IDS_INFERRED
]
QuotaType = Annotated[Literal["key", "secret", "qps", "vpc"], Wire("ResourceType")]


class BindVpc(msgspec.Struct):
    """One entry of UpdateKmsInstanceBindVpc's BindVpcs."""

    VpcId: NetworkId
    VSwitchId: NetworkId
    RegionId: str | None = None
    VpcOwnerId: int | Annotated[str, Meta(pattern=r"^[0-9]{1,20}\Z", description="1 to 20 digits")] | None = None


BindVpcs = Annotated[list[BindVpc], Json(), _NETWORK_IDS_INFERRED]

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
    moment = parse_iso(text) if re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", text, re.ASCII) else -math.inf
    if not VALIDITY.first <= moment <= VALIDITY.last:
        raise ValueError("the form is yyyy-MM-ddTHH:mm:ssZ, not before 1950")
    return moment


def _as_sent(check: Callable[[str], object]) -> Parsed:
    """Return the reader of a JSON text that the API answers as it was sent; `check` raises ValueError."""

    def parse(text: str) -> str:
        check(text)
        return text

    return Parsed(parse)


AccessName = Annotated[
    str,
    Meta(max_length=255, pattern=_LABEL, description=_LABEL_DESCRIPTION),
    NamesResource(),
    Inferred(
        "The names of access points, policies and network rules, and the ids of client keys, have at most 255 characters "
        "and no control characters: no document bounds them, and XML answers could not carry control characters."
    ),
]
NetworkRuleName = Annotated[AccessName, NamesResource("network")]
AccessPolicyName = Annotated[AccessName, NamesResource("policy")]
AccessPointName = Annotated[AccessName, NamesResource("applicationaccesspoint")]
Sources = Annotated[
    str,
    _as_sent(check_sources),
    Meta(description="a JSON list of IP addresses and blocks such as `192.168.0.0/16`"),
    Wire("SourcePrivateIp"),
]
Permissions = Annotated[
    str,
    _as_sent(msgspec.json.Decoder(list[Permission]).decode),
    Meta(description=f"a JSON list of {', '.join(f'`{name}`' for name in get_args(Permission))}"),
]
AccessResources = Annotated[
    str,
    _as_sent(check_resources),
    Meta(description="a JSON list of `key/<id>` and `secret/<name>`, where `*` stands for any text"),
    Wire("Resources"),
]
AccessControlRules = Annotated[
    str,
    _as_sent(check_access_control),
    Meta(description='a JSON document such as `{"NetworkRules":["<name>"]}`'),
]
_POLICY_NAME = Annotated[str, Meta(max_length=255, pattern=_LABEL)]
_POLICY_NAMES = Annotated[list[_POLICY_NAME], Meta(min_length=1, max_length=MAX_POLICIES)]
PolicyNames = Annotated[
    str,
    _as_sent(msgspec.json.Decoder(_POLICY_NAMES).decode),
    Meta(description=f"a JSON list of 1 to {MAX_POLICIES} names"),
    Wire("Policies"),
]
ClientKeyPassword = Annotated[
    str,
    Parsed(parse_client_key_password),
    Meta(description="8 to 64 characters of at least two kinds: digits, letters, and the marks `~!@#$%^&*?_-`"),
    Sensitive(),
    Wire("Password"),
]
UtcTime = Annotated[
    float, Parsed(parse_utc), Meta(description="a UTC time of the form `yyyy-MM-ddTHH:mm:ssZ`, not before 1950")
]
