"""Conditions of policies: the operators of the RAM language over what is known of a request.

Sources, all of the Alibaba Cloud documentation:
- RAM, "Conditional operators": the operators, and which of them tell upper from lower case.
- RAM, "Permission policy elements", Condition: one of a key's values must match (of a negated operator: none); all
  keys of an operator and all operators must be met. The keys `acs:…`.
- RAM, "Validate policies": an unknown operator, a key that is not `<ram-code>:<name>` and a second Boolean are errors.
- KMS, "Policy condition keys" and "Use RAM to control access to KMS resources": `acs:SourceIp`, `acs:SourceVpc`,
  `acs:VpcSourceIp`, `kms:tag/<tag-key>`, `kms:EncryptionAlgorithm`.
- OSS, examples of RAM policies: `IpAddress` with `StringNotLike` on `acs:SourceVpc` admits requests from the internet,
  which have no VPC: a negated operator is met by a key that the request lacks, every other operator is not.
- RAM has neither `Null` nor `…IfExists` ("The condition operator 'IfExists/Null' is not supported"), and no page knows
  `ForAnyValue:` and `ForAllValues:`: every key here has one value.
"""

from __future__ import annotations

import ipaddress
import operator
import re
import socket
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

from msgspec import Struct

from kms_mock.identity.patterns import compile_patterns
from kms_mock.regex import regex
from kms_mock.store.times import iso, parse_iso
from kms_mock.suggestions import did_you_mean

PrincipalKind = Literal["RAM", "Service", "Federated"]
NOTHING: Final[Mapping[str, str]] = {}
_NUMBER = regex(r"[+-]?(\d{1,300}(\.\d{0,300})?|\.\d{1,300})([eE][+-]?\d{1,3})?", re.ASCII)
_DATE = regex(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?", re.ASCII)
_MAX_VALUE = 4096


class Request(Struct):
    """What policies are asked about: one action on one resource, by whom, and how it came.

    None, or a name that a mapping lacks, is a key that the request does not have. `resource` is an ARN; for an
    operation without a resource the ARN of the container of what it lists, such as `acs:kms:cn-hangzhou:1:secret`.
    `now` is in Unix seconds. `values` holds the keys that a product adds, under their full names.
    """

    action: str
    resource: str
    principal: str | None = None  # an ARN; of a role session the ARN of its role
    principal_kind: PrincipalKind = "RAM"
    now: float | None = None
    source_ip: str | None = None
    secure_transport: bool | None = None
    mfa_present: bool | None = None  # a request signed with a plain AccessKey has no such key
    source_vpc: str | None = None
    vpc_source_ip: str | None = None
    resource_tags: Mapping[str, str] = NOTHING
    request_tags: Mapping[str, str] = NOTHING
    values: Mapping[str, str] = NOTHING


Read = Callable[[Request], str | None]
Test = Callable[[Request], bool]


class Condition(Struct, frozen=True):
    """One operator with one key; `met` decides for a request."""

    operator: str
    key: str
    met: Test


def _time(request: Request) -> str | None:
    return None if request.now is None else iso(request.now)


def _flag(value: bool | None) -> str | None:
    return None if value is None else "true" if value else "false"


KEYS: Final[dict[str, Read]] = {
    "acs:CurrentTime": _time,
    "acs:SourceIp": lambda request: request.source_ip,
    "acs:SourceVpc": lambda request: request.source_vpc,
    "acs:VpcSourceIp": lambda request: request.vpc_source_ip,
    "acs:SecureTransport": lambda request: _flag(request.secure_transport),
    "acs:MFAPresent": lambda request: _flag(request.mfa_present),
    "acs:PrincipalARN": lambda request: request.principal,
    "acs:PrincipalArn": lambda request: request.principal,  # both spellings are in use
}
_VALUES: Final = (
    "kms:EncryptionAlgorithm",
    "sts:ExternalId",
    "sts:RoleSessionName",
    "sts:SourceIdentity",
    "oidc:iss",
    "oidc:aud",
    "oidc:sub",
    "saml:recipient",
    "acs:UserAgent",
    "acs:AccessId",
    "acs:PrincipalRDId",
    "acs:PrincipalRDPath",
)
_TAGS: Final[dict[str, Callable[[Request], Mapping[str, str]]]] = {
    "acs:ResourceTag/": lambda request: request.resource_tags,
    "acs:RequestTag/": lambda request: request.request_tags,
    "kms:tag/": lambda request: request.resource_tags,
}
_OWN_SERVICES: Final = frozenset({"acs", "kms", "sts", "oidc", "saml"})


def compile_condition(condition: Mapping[str, Any], services: frozenset[str]) -> tuple[Condition, ...]:
    """Compile the Condition of a statement. Raises ValueError that begins with the place, `Bool.acs:MFAPresent`.

    `services` are the services of the statement's actions. A key of a service that no product here answers for is taken
    in a statement about that service alone: no request here will ask it.
    """
    compiled: list[Condition] = []
    for name, keys in condition.items():
        if name not in OPERATORS:
            raise ValueError(f"Condition.{_shown(name)}: {_no_operator(name)}")
        if not isinstance(keys, Mapping) or not keys:
            raise ValueError(f"Condition.{name}: expected an object of condition keys")
        for key, value in keys.items():
            try:
                compiled.append(Condition(name, key, OPERATORS[name](_reader(key, services), key, _texts(value))))
            except ValueError as error:
                raise ValueError(f"Condition.{name}.{_shown(key)}: {error}") from None
    return tuple(compiled)


# -- keys -------------------------------------------------------------------------------------------------------------


def _reader(key: str, services: frozenset[str]) -> Read:
    """Return the function that reads a key from a request."""
    if key in KEYS:
        return KEYS[key]
    if key in _VALUES:
        return lambda request: request.values.get(key)
    service, colon, name = key.partition(":")
    if not colon or not service or not name:
        raise ValueError("a condition key has the form <ram-code>:<name>")
    for prefix, tags in _TAGS.items():
        if key.startswith(prefix):
            tag = key.removeprefix(prefix)
            if not tag:
                raise ValueError("the tag's key is missing")
            return lambda request: tags(request).get(tag)
    if service in _OWN_SERVICES or services != {service}:
        raise ValueError(
            f"there is no such condition key for a request to this service{did_you_mean(key, (*KEYS, *_VALUES, *_TAGS))}"
        )
    return lambda request: request.values.get(key)


# -- values -----------------------------------------------------------------------------------------------------------


def _texts(value: Any) -> list[str]:
    """Return a value, or a list of values, as texts. Raises ValueError."""
    values = value if isinstance(value, list) else [value]
    if not values:
        raise ValueError("expected one value or more")
    return [_text(each) for each in values]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if not isinstance(value, str):
        raise ValueError("expected a text, a number or a Boolean")  # noqa: TRY004 (a fault of the document, not of a type)
    if len(value) > _MAX_VALUE:
        raise ValueError(f"a value has at most {_MAX_VALUE} characters")
    return value


def _number(text: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise ValueError("expected a number")
    return float(text)


def _seconds(text: str) -> float:
    """Read an ISO 8601 time as Unix seconds; one without an offset is UTC."""
    if not _DATE.fullmatch(text):
        raise ValueError("expected a time such as 2019-08-12T17:00:00+08:00")
    try:
        return parse_iso(text)
    except ValueError:
        raise ValueError("there is no such time") from None


_MAPPED = bytes(10) + b"\xff\xff"
_Network = tuple[int, int, int]  # version, mask, masked address


def _network(text: str) -> _Network:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError("expected an IP address or a CIDR block") from None
    return network.version, int(network.netmask), int(network.network_address)


def _address(text: str) -> tuple[int, int]:
    """Return an address as its version and number; an IPv4 address inside IPv6 is the IPv4 address. Raises OSError."""
    if ":" not in text:
        return 4, int.from_bytes(socket.inet_pton(socket.AF_INET, text), "big")
    packed = socket.inet_pton(socket.AF_INET6, text.partition("%")[0])  # without the scope of a link-local address
    if packed.startswith(_MAPPED):
        return 4, int.from_bytes(packed[len(_MAPPED) :], "big")
    return 6, int.from_bytes(packed, "big")


# -- operators --------------------------------------------------------------------------------------------------------

Make = Callable[[Read, str, list[str]], Test]


def _met(read: Read, match: Callable[[str], bool], *, negated: bool) -> Test:
    """Return the test of a key: what the request lacks meets a negated operator only."""

    def positive(request: Request) -> bool:
        value = read(request)
        return value is not None and match(value)

    def negative(request: Request) -> bool:
        value = read(request)
        return value is None or not match(value)

    return negative if negated else positive


def _string(*, fold: bool = False, negated: bool = False) -> Make:
    def make(read: Read, _key: str, values: list[str]) -> Test:
        if fold:
            folded = frozenset(value.lower() for value in values)
            return _met(read, lambda text: text.lower() in folded, negated=negated)
        return _met(read, frozenset(values).__contains__, negated=negated)

    return make


def _like(*, negated: bool = False) -> Make:
    return lambda read, _key, values: _met(read, compile_patterns(values), negated=negated)


def _ordered(parse: Callable[[str], float], compare: Callable[[float, float], bool], *, negated: bool = False) -> Make:
    """Return the maker of a comparison; a request value that cannot be read matches nothing."""

    def make(read: Read, key: str, values: list[str]) -> Test:
        wanted = [parse(value) for value in values]
        if key == "acs:CurrentTime" and parse is _seconds:
            return _time_test(wanted, compare, negated=negated)

        def match(text: str) -> bool:
            try:
                number = parse(text)
            except ValueError:
                return False
            return any(compare(number, other) for other in wanted)

        return _met(read, match, negated=negated)

    return make


def _time_test(wanted: list[float], compare: Callable[[float, float], bool], *, negated: bool) -> Test:
    """Return the test of the request's own time, in whole seconds as RAM has it, without a detour over its text."""

    def test(request: Request) -> bool:
        if request.now is None:
            return negated
        now = int(request.now)
        return any(compare(now, other) for other in wanted) is not negated

    return test


def _bool(read: Read, _key: str, values: list[str]) -> Test:
    if len(values) != 1:
        raise ValueError("expected a single Boolean")
    wanted = values[0].lower()
    if wanted not in ("true", "false"):
        raise ValueError("expected true or false")
    return _met(read, lambda text: text.lower() == wanted, negated=False)


def _ip(*, negated: bool = False) -> Make:
    def make(read: Read, _key: str, values: list[str]) -> Test:
        networks = [_network(value) for value in values]

        def match(text: str) -> bool:
            try:
                version, number = _address(text)
            except (OSError, ValueError):
                return False
            for other, mask, network in networks:  # noqa: SIM110 (a generator costs twice as much)
                if version == other and number & mask == network:
                    return True
            return False

        return _met(read, match, negated=negated)

    return make


OPERATORS: Final[dict[str, Make]] = {
    "StringEquals": _string(),
    "StringNotEquals": _string(negated=True),
    "StringEqualsIgnoreCase": _string(fold=True),
    "StringNotEqualsIgnoreCase": _string(fold=True, negated=True),
    "StringLike": _like(),
    "StringNotLike": _like(negated=True),
    "Bool": _bool,
    "IpAddress": _ip(),
    "NotIpAddress": _ip(negated=True),
}
for _prefix, _parse in (("Numeric", _number), ("Date", _seconds)):
    OPERATORS[f"{_prefix}Equals"] = _ordered(_parse, operator.eq)
    OPERATORS[f"{_prefix}NotEquals"] = _ordered(_parse, operator.eq, negated=True)
    OPERATORS[f"{_prefix}LessThan"] = _ordered(_parse, operator.lt)
    OPERATORS[f"{_prefix}LessThanEquals"] = _ordered(_parse, operator.le)
    OPERATORS[f"{_prefix}GreaterThan"] = _ordered(_parse, operator.gt)
    OPERATORS[f"{_prefix}GreaterThanEquals"] = _ordered(_parse, operator.ge)


# -- words of errors --------------------------------------------------------------------------------------------------


def _no_operator(name: str) -> str:
    base = name.rpartition(":")[2].removesuffix("IfExists")
    if (base != name and base in OPERATORS) or base == "Null":
        return "RAM has no Null, IfExists, ForAnyValue and ForAllValues"
    return f"RAM has no such operator{did_you_mean(name, OPERATORS)}"


def _shown(name: str) -> str:
    return ascii(name[:60])[1:-1]
