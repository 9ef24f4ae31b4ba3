"""Who may use a KMS instance from an application: network rules, policies, application access points, client keys.

Policies name network rules and access points name policies by name only, and the service does not look whether these
exist: the vendor's own Terraform tests bind names that nobody created. So a name here may lead nowhere.

What the API answers as the text of a JSON document is kept as it was sent: clients compare it with what they sent.
"""

from __future__ import annotations

from ipaddress import ip_network
from typing import Literal

import msgspec
from msgspec import Struct

from kms_mock.crypto import pem
from kms_mock.crypto.material import KeyMaterial
from kms_mock.kms import errors
from kms_mock.store.partition import Partition
from kms_mock.store.resource import Index, Resource

NetworkType = Literal["Private"]
AuthenticationMethod = Literal["ClientKey"]
Permission = Literal[
    "RbacPermission/Template/CryptoServiceKeyUser",
    "RbacPermission/Template/CryptoServiceSecretUser",
    # help page "aap-overview": GetSecretValue through the shared gateway; not in api-docs CreatePolicy
    "RbacPermission/Template/SecretUser",
]

SHARED_GATEWAY = "shared"  # the scope of a policy that is about no instance (terraform-provider-alicloud)
MAX_POLICIES = 3  # of an access point (api-docs CreateApplicationAccessPoint)
MAX_CLIENT_KEYS = 3  # of an access point (help page "aap-overview")
CLIENT_KEY_SPEC = "RSA_2048"
LIFETIME_YEARS = 5  # of a client key, unless the request says otherwise (api-docs CreateClientKey)


class AccessControl(Struct, frozen=True):
    """The document in a policy's AccessControlRules: names of network rules."""

    NetworkRules: tuple[str, ...] = ()


_read_names = msgspec.json.Decoder(tuple[str, ...]).decode
_read_rules = msgspec.json.Decoder(AccessControl).decode


class NetworkRule(Struct, frozen=True):
    """Addresses and blocks of addresses from which requests may come; `source_private_ip` is a JSON list of them."""

    name: str
    arn: str
    created: float
    type: NetworkType = "Private"
    description: str = ""
    source_private_ip: str = "[]"

    @property
    def sources(self) -> tuple[str, ...]:
        """The addresses and blocks."""
        return _read_names(self.source_private_ip)


class AccessPolicy(Struct, frozen=True):
    """What an application may do, with what, from where. `scope` is an instance's id or `shared`.

    `access_control_rules` is the text of an `AccessControl` document, None for no limit.
    """

    name: str
    arn: str
    created: float
    permissions: tuple[Permission, ...]
    resources: tuple[str, ...]
    scope: str | None = None
    access_control_rules: str | None = None
    description: str = ""

    @property
    def network_rules(self) -> tuple[str, ...] | None:
        """The names of its network rules; None where it has no rules at all."""
        return None if self.access_control_rules is None else _read_rules(self.access_control_rules).NetworkRules


class ClientKey(Struct, frozen=True):
    """The credential of an application: KMS keeps the certificate (PEM), never the private key.

    `material` is the whole key pair of one that came from a fixture file with it: what this server can hand out.
    """

    id: str
    created: float
    certificate: str
    not_before: float
    not_after: float
    material: KeyMaterial | None = None


class AccessPoint(Struct, frozen=True):
    """An application access point: the policies of one application, and its client keys in order of creation.

    `policies_text` is a JSON list of the policies' names.
    """

    name: str
    arn: str
    created: float
    policies_text: str
    method: AuthenticationMethod = "ClientKey"
    description: str = ""
    client_keys: dict[str, ClientKey] = {}

    @property
    def policies(self) -> tuple[str, ...]:
        """The names of its policies."""
        return _read_names(self.policies_text)


network_rules = Resource(
    NetworkRule,
    "network rule",
    key=lambda rule: rule.name,
    missing=errors.ACCESS_NOT_FOUND,
    decide_callers=True,
)
policies = Resource(
    AccessPolicy,
    "policy",
    key=lambda policy: policy.name,
    missing=errors.ACCESS_NOT_FOUND,
    decide_callers=True,
)
CLIENT_KEYS = Index[AccessPoint](lambda point: point.client_keys, unique=True)
access_points = Resource(
    AccessPoint,
    "access point",
    key=lambda point: point.name,
    missing=errors.ACCESS_NOT_FOUND,
    indexes=(CLIENT_KEYS,),
    decide_callers=True,
)


def certificate_of_client_key(
    client_key_id: str, pair: KeyMaterial, serial: bytes, validity: tuple[float, float]
) -> str:
    """Make the certificate (PEM) of a client key; it follows from the arguments alone."""
    from kms_mock.crypto.self_signed import self_signed  # noqa: PLC0415 (X.509 takes 30 ms to load, and few runs need it)

    return pem.encode("CERTIFICATE", self_signed(pair, client_key_id, serial, validity))


def find_client_key(partition: Partition, client_key_id: str) -> tuple[AccessPoint, ClientKey]:
    """Return a client key and its access point. Raises ACCESS_NOT_FOUND."""
    point = partition[access_points].owner(CLIENT_KEYS, client_key_id)
    if point is None:
        raise errors.ACCESS_NOT_FOUND(f"There is no client key {client_key_id[:80]} in {partition.region}.")
    return point, point.client_keys[client_key_id]


def check_sources(text: str) -> None:
    """Check a JSON list of IP addresses and blocks of them. Raises ValueError."""
    for entry in _read_names(text):
        check_source(entry)


def check_resources(text: str) -> None:
    """Check a JSON list of what a policy says may be used. Raises ValueError."""
    for entry in _read_names(text):
        check_resource(entry)


def check_policy_names(text: str) -> None:
    """Check a JSON list of policies' names. Raises ValueError."""
    _read_names(text)


def check_access_control(text: str) -> None:
    """Check the text of an `AccessControl` document. Raises ValueError."""
    _read_rules(text)


def check_source(text: str) -> None:
    """Check an address or a block of addresses; bits beyond its mask do not matter. Raises ValueError."""
    try:
        ip_network(text, strict=False)
    except ValueError as error:
        raise ValueError("an entry is an IP address or a block such as 192.168.0.0/16") from error


def check_resource(text: str) -> None:
    """Check what a policy says may be used: `key/<id>`, `secret/<name>`, also with `*`. Raises ValueError."""
    kind, _, name = text.partition("/")
    if kind not in ("key", "secret") or not name:
        raise ValueError("an entry is key/<id> or secret/<name>; * stands for any")
