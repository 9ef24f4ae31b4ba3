"""What the holder of a client key may do: the policies of its access point as policies of an identity, and its dates.

Sources: KMS, "Overview of AAPs" (what each permission allows, that resources and network rules limit it) and "List of
operations by function" (the operations of the Instance API); api-docs CreatePolicy and CreateClientKey. In the RPC API
the operations that do what those of the Instance API do are allowed with them, which is inferred.
"""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import NamedTuple
from weakref import ref

from msgspec.structs import replace

from kms_mock.identity.accounts import AccessKey, Caller
from kms_mock.identity.patterns import MAX_PATTERN, Match
from kms_mock.identity.policies import NamedPolicy, Numbered, Policy, Statement
from kms_mock.kms import errors
from kms_mock.kms.model.access import (
    CLIENT_KEYS,
    SHARED_GATEWAY,
    AccessPoint,
    AccessPolicy,
    ClientKey,
    Permission,
    access_points,
    network_rules,
    policies,
)
from kms_mock.kms.model.arns import arn
from kms_mock.kms.model.key import keys
from kms_mock.kms.model.secret import secrets
from kms_mock.store.partition import Partition
from kms_mock.store.store import Store
from kms_mock.store.times import iso

_USE_OF_KEYS = [
    "kms:AdvanceDecrypt",
    "kms:AdvanceEncrypt",
    "kms:AdvanceGenerateDataKey",
    "kms:AdvanceGenerateDataKeyPair",
    "kms:AdvanceGenerateDataKeyPairWithoutPlaintext",
    "kms:AsymmetricDecrypt",
    "kms:AsymmetricEncrypt",
    "kms:AsymmetricSign",
    "kms:AsymmetricVerify",
    "kms:Decrypt",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyPair",
    "kms:GenerateDataKeyPairWithoutPlaintext",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:GetPublicKey",
    "kms:Hmac",
    "kms:Sign",
    "kms:Verify",
]
_USE_OF_SECRETS = ["kms:GetSecretValue"]

# Of each permission: on which kind of resource it allows which actions.
ALLOWED: dict[Permission, tuple[str, list[str]]] = {
    "RbacPermission/Template/CryptoServiceKeyUser": ("key/", _USE_OF_KEYS),
    "RbacPermission/Template/CryptoServiceSecretUser": ("secret/", _USE_OF_SECRETS),
    "RbacPermission/Template/SecretUser": ("secret/", _USE_OF_SECRETS),
}
MOST_KNOWN = 256  # client keys that are remembered
_LONGEST_BLOCK = 64  # characters; only the scope of an IPv6 address can be longer, and no client has such a one


class InstancePolicy(Policy, frozen=True, dict=True):
    """A policy about what is in one KMS instance, which an ARN does not tell."""

    instance_id: str
    partition: ref[Partition]  # else who keeps a caller would keep it

    @cached_property
    def _about_inside(self) -> dict[str, tuple[Numbered, ...]]:
        return {}

    def about(self, action: str) -> tuple[Numbered, ...]:
        """Return the statements about an action, with their numbers and Sids; found once for each action."""
        found = self._about_inside.get(action)
        if found is None:
            found = self._about_inside[action] = tuple(
                (number, sid, replace(statement, resources=self._inside(statement.resources)))
                for number, sid, statement in super().about(action)
            )
        return found

    def _inside(self, match: Match) -> Match:
        """Return whether an ARN matches, and is that of a key or secret in the instance, as a function."""

        def match_inside(resource: str) -> bool:
            if not match(resource):
                return False
            kind, _, name = resource.split(":", 4)[-1].partition("/")
            partition = self.partition()
            assert partition is not None  # noqa: S101 (a request is using it)
            record = partition[keys].get(name) if kind == "key" else partition[secrets].get(name)
            return record is not None and record.instance_id == self.instance_id

        return match_inside


class KnownClientKey(NamedTuple):
    """A client key with where it belongs, and who signs with it."""

    partition: Partition
    client_key: ClientKey
    caller: Caller


def known_client_key(store: Store, client_key_id: str) -> KnownClientKey | None:
    """Return a client key of any account and region; None for an unknown or deleted one.

    It is remembered until an access point, a policy or a network rule changes: its rights take long to find.
    """
    known: dict[str, KnownClientKey] = store.known_signers
    found = known.get(client_key_id)
    if found is None:
        found = _find_client_key(store, client_key_id)
        if found is not None:
            if len(known) >= MOST_KNOWN:
                known.clear()
            known[client_key_id] = found
    return found


def client_key_caller(store: Store, client_key_id: str, now: float) -> Caller:
    """Return who signs with a client key. Raises INVALID_ACCESS_KEY_ID, ACCESS_KEY_INACTIVE outside its dates."""
    found = known_client_key(store, client_key_id)
    if found is None:
        raise errors.INVALID_ACCESS_KEY_ID(f"Client key {client_key_id[:60]!a} was deleted, or never existed.")
    check_dates(found.client_key, now)
    return found.caller


def check_dates(client_key: ClientKey, now: float) -> None:
    """Check that a client key is valid at a time. Raises ACCESS_KEY_INACTIVE."""
    if not client_key.not_before <= now <= client_key.not_after:
        raise errors.ACCESS_KEY_INACTIVE(
            f"Client key {client_key.id} is valid from {iso(client_key.not_before)} to {iso(client_key.not_after)}; "
            f"it is {iso(now)}."
        )


def _find_client_key(store: Store, client_key_id: str) -> KnownClientKey | None:
    home = store.existing(store.default_account, store.default_region)
    for partition in filter(None, (home, *store.partitions())):
        point = partition[access_points].owner(CLIENT_KEYS, client_key_id)
        if point is not None:
            rights = tuple(_named_policy(partition, point, name) for name in point.policies)
            caller = Caller(partition.account_id, AccessKey(client_key_id), rights, application=point.arn)
            return KnownClientKey(partition, point.client_keys[client_key_id], caller)
    return None


def _named_policy(partition: Partition, point: AccessPoint, name: str) -> NamedPolicy:
    """Return a policy of an access point; its name tells where nothing can come of it."""
    label, policy = f"policy {name} of access point {point.name}", partition[policies].get(name)
    if policy is None:
        return f"{label}, which does not exist,", Policy("1", [])
    sources = _sources(partition, policy)
    if sources == ():
        return f"{label}, whose network rules have no address,", Policy("1", [])
    translated = _translated(arn(partition, ""), policy, sources)
    if policy.scope in (None, SHARED_GATEWAY):
        return label, translated
    limited = InstancePolicy("1", translated.Statement, policy.scope, ref(partition))
    return f"{label} for instance {policy.scope}", limited


@lru_cache(maxsize=256)
def _translated(prefix: str, policy: AccessPolicy, sources: tuple[str, ...] | None) -> Policy:
    """Return a policy of applications in the language of RAM; `prefix` is what the ARNs of its resources start with."""
    statements = []
    for permission in policy.permissions:
        kind, actions = ALLOWED[permission]
        resources = [prefix + name for name in policy.resources if name.startswith(kind)]
        resources = [resource for resource in resources if len(resource) <= MAX_PATTERN]
        if resources:
            condition = None if sources is None else {"IpAddress": {"acs:SourceIp": list(sources)}}
            sid = permission.rpartition("/")[2]
            statements.append(Statement("Allow", list(actions), resources, sid, Condition=condition))
    return Policy("1", statements)


def _sources(partition: Partition, policy: AccessPolicy) -> tuple[str, ...] | None:
    """Return from which addresses a policy admits requests; None for any.

    A policy without network rules admits any; a rule that does not exist, or without an address, admits none.
    """
    if not policy.network_rules:
        return None
    rules = map(partition[network_rules].get, policy.network_rules)
    return tuple(block for rule in rules if rule for block in rule.sources if len(block) <= _LONGEST_BLOCK)
