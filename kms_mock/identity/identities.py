"""What RAM knows in an account besides AccessKey pairs: users, groups, roles, policies, and identity providers.

Everything here is in the partition of the account that has no region.
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from kms_mock.identity.policies import NamedPolicy, Policy
from kms_mock.store.resource import Index, Resource

if TYPE_CHECKING:
    from kms_mock.store.partition import Partition
    from kms_mock.store.store import Store

DEFAULT_MAX_SESSION: Final = 3600  # seconds; RAM, CreateRole: MaxSessionDuration is 3600 to 43200
_FIRST_DIGIT: Final = {"user": 2, "role": 3}


class AttachedPolicy(Struct, frozen=True):
    """A policy of an identity: a system policy or one of the account by its name, or one of its own (`inline`)."""

    name: str
    policy: Policy
    inline: bool = False


class User(Struct, frozen=True, dict=True):
    """A RAM user. Without policies of his own or of a group (None) nothing limits him; with none at all he may do nothing."""

    name: str
    id: str
    policies: tuple[AttachedPolicy, ...] | None = None

    @cached_property
    def named_policies(self) -> tuple[NamedPolicy, ...] | None:
        """Return the policies with what decisions call them."""
        return _named(f"user {self.name}", self.policies)


class Group(Struct, frozen=True, dict=True):
    """A group of RAM users, whose policies count for each of them."""

    name: str
    users: tuple[str, ...] = ()
    policies: tuple[AttachedPolicy, ...] | None = None

    @cached_property
    def named_policies(self) -> tuple[NamedPolicy, ...] | None:
        """Return the policies with what decisions call them."""
        return _named(f"group {self.name}", self.policies)


class Role(Struct, frozen=True, dict=True):
    """A RAM role. `max_session` is in seconds.

    Without a trust policy (None) every identity and identity provider of the account may assume it; without policies
    (None) nothing limits its sessions.
    """

    name: str
    id: str
    trust: Policy | None = None
    policies: tuple[AttachedPolicy, ...] | None = None
    max_session: int = DEFAULT_MAX_SESSION

    @cached_property
    def named_policies(self) -> tuple[NamedPolicy, ...] | None:
        """Return the policies with what decisions call them."""
        return _named(f"role {self.name}", self.policies)


class RamPolicy(Struct, frozen=True):
    """A policy that an account made, which its identities attach by name."""

    name: str
    policy: Policy


class OidcKey(Struct, frozen=True):
    """A key of an OIDC provider as PEM: the public half, or the private key, with which this server can make tokens."""

    id: str
    pem: str
    private: bool = False

    def __repr__(self) -> str:
        return f"OidcKey({self.id!r})"


class OidcProvider(Struct, frozen=True):
    """An identity provider whose tokens (OpenID Connect) are taken for `client_ids`."""

    name: str
    issuer: str
    client_ids: tuple[str, ...]
    keys: tuple[OidcKey, ...]


class SamlProvider(Struct, frozen=True):
    """An identity provider whose assertions (SAML 2.0) are taken; `certificates` are PEM."""

    name: str
    entity_id: str
    certificates: tuple[str, ...]


def _by_name(record: User | Group | Role | RamPolicy | OidcProvider | SamlProvider) -> str:
    return record.name


USERS_OF_GROUPS = Index[Group](lambda group: group.users)
users = Resource(User, "RAM user", key=_by_name)
groups = Resource(Group, "RAM group", key=_by_name, indexes=(USERS_OF_GROUPS,))
roles = Resource(Role, "RAM role", key=_by_name)
ram_policies = Resource(RamPolicy, "RAM policy", key=_by_name)
oidc_providers = Resource(OidcProvider, "OIDC provider", key=_by_name)
saml_providers = Resource(SamlProvider, "SAML provider", key=_by_name)


def user_policies(home: Partition, name: str) -> tuple[NamedPolicy, ...] | None:
    """Return the policies of a user and of his groups; None where neither has any list of policies."""
    user = home[users].get(name)
    found = None if user is None else user.named_policies
    for group_name in home[groups].ids(USERS_OF_GROUPS, name):
        of_group = home[groups].find(group_name).named_policies
        if of_group is not None:
            found = (*(found or ()), *of_group)
    return found


def find_role(store: Store, account: str, name: str) -> Role | None:
    """Return a role of an account, or None."""
    return store.account_record(roles, account, name)


def role_arn(account: str, name: str) -> str:
    """Return the ARN of a role."""
    return f"acs:ram::{account}:role/{name}"


def derived_id(account: str, kind: str, name: str) -> str:
    """Return the id (18 digits) of a user or role that the fixture file gives none: the same for the same name."""
    digest = hashlib.sha256(f"{account}:{kind}/{name}".encode()).digest()
    return str(_FIRST_DIGIT[kind] * 10**17 + int.from_bytes(digest[:8], "big") % 10**17)


def _named(owner: str, attached: tuple[AttachedPolicy, ...] | None) -> tuple[NamedPolicy, ...] | None:
    if attached is None:
        return None
    return tuple((f"{'' if each.inline else 'policy '}{each.name} of {owner}", each.policy) for each in attached)
