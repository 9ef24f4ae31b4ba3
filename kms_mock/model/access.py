"""Who may use a KMS instance from an application: network rules, policies, application access points, client keys.

Policies name network rules and access points name policies by name only, and the service does not look whether these
exist: the vendor's own Terraform tests bind names that nobody created. So a name here may lead nowhere.
"""

from __future__ import annotations

from ipaddress import ip_network
from typing import Literal

from msgspec import Struct

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
LIFETIME_YEARS = 5  # of a client key, unless the request says otherwise (api-docs CreateClientKey)


class NetworkRule(Struct, frozen=True):
    """Addresses and blocks of addresses from which requests may come."""

    name: str
    arn: str
    created: float
    type: NetworkType = "Private"
    description: str = ""
    sources: tuple[str, ...] = ()


class AccessPolicy(Struct, frozen=True):
    """What an application may do, with what, from where. `scope` is an instance's id or `shared`."""

    name: str
    arn: str
    created: float
    permissions: tuple[Permission, ...]
    resources: tuple[str, ...]
    scope: str | None = None
    network_rules: tuple[str, ...] | None = None
    description: str = ""


class ClientKey(Struct, frozen=True):
    """The credential of an application: KMS keeps the certificate (PEM), never the private key."""

    id: str
    created: float
    certificate: str
    not_before: float
    not_after: float


class AccessPoint(Struct, frozen=True):
    """An application access point: the policies of one application, and its client keys in order of creation."""

    name: str
    arn: str
    created: float
    policies: tuple[str, ...]
    method: AuthenticationMethod = "ClientKey"
    description: str = ""
    client_keys: dict[str, ClientKey] = {}


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
