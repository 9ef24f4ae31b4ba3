"""What the holder of a client key may do: the policies of its access point as policies of an identity, and its dates.

Sources: KMS, "Overview of AAPs" (what each permission allows, that resources and network rules limit it) and "List of
operations by function" (the operations of the Instance API); api-docs CreatePolicy and CreateClientKey. In the RPC API
the operations that do what those of the Instance API do are allowed with them, which is inferred.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, lru_cache
from weakref import WeakKeyDictionary, ref

from msgspec.structs import replace

from kms_mock.identity.accounts import AccessKey, Caller
from kms_mock.identity.patterns import MAX_PATTERN
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
_LONGEST_BLOCK = 64  # characters; only the scope of an IPv6 address can be longer, and no client has such a one


class InstancePolicy(Policy, frozen=True, dict=True):
    """A policy about what is in one KMS instance, which an ARN does not tell."""

    instance_id: str
    is_inside: Callable[[str], bool]  # whether the resource with this ARN is in the instance

    @cached_property
    def _about_inside(self) -> dict[str, tuple[Numbered, ...]]:
        return {}

    def about(self, action: str) -> tuple[Numbered, ...]:
        """Return the statements about an action, with their numbers and Sids; found once for each action."""
        found = self._about_inside.get(action)
        if found is None:
            found = self._about_inside[action] = tuple(
                (number, sid, replace(statement, resources=_both(statement.resources, self.is_inside)))
                for number, sid, statement in super().about(action)
            )
        return found


def find_client_key(store: Store, client_key_id: str) -> tuple[Partition, AccessPoint, ClientKey] | None:
    """Return a client key of any account and region, with where it belongs; None for an unknown or deleted one."""
    for partition in store.partitions():
        point = partition[access_points].owner(CLIENT_KEYS, client_key_id)
        if point is not None:
            return partition, point, point.client_keys[client_key_id]
    return None


def client_key_caller(store: Store, client_key_id: str, now: float) -> Caller:
    """Return who signs with a client key. Raises INVALID_ACCESS_KEY_ID, ACCESS_KEY_INACTIVE outside its dates."""
    found = find_client_key(store, client_key_id)
    if found is None:
        raise errors.INVALID_ACCESS_KEY_ID(f"Client key {client_key_id[:60]!a} was deleted, or never existed.")
    return caller_of(*found, now)


def caller_of(partition: Partition, point: AccessPoint, client_key: ClientKey, now: float) -> Caller:
    """Return who signs with a client key that was found. Raises ACCESS_KEY_INACTIVE outside its dates."""
    if not client_key.not_before <= now <= client_key.not_after:
        raise errors.ACCESS_KEY_INACTIVE(
            f"Client key {client_key.id} is valid from {iso(client_key.not_before)} to {iso(client_key.not_after)}; "
            f"it is {iso(now)}."
        )
    return Caller(partition.account_id, AccessKey(client_key.id), _rights(partition, point), application=point.arn)


# Of each partition: access point -> the records that its rights follow from, and the rights. To make them anew costs
# every request as much as all else that asks for permission.
_MAX_KNOWN = 256
_known_rights: WeakKeyDictionary[Partition, dict[str, tuple[tuple[object, ...], tuple[NamedPolicy, ...]]]] = (
    WeakKeyDictionary()
)


def _rights(partition: Partition, point: AccessPoint) -> tuple[NamedPolicy, ...]:
    """Return the policies of an access point in the language of RAM."""
    known = _known_rights.setdefault(partition, {})
    found = list(map(partition[policies].get, point.policies))
    names = [name for policy in found if policy is not None for name in policy.network_rules or ()]
    records = (point, *found, *map(partition[network_rules].get, names))
    if point.name not in known or known[point.name][0] != records:
        if len(known) >= _MAX_KNOWN:
            known.clear()  # of access points that were deleted meanwhile
        known[point.name] = records, tuple(_named_policy(partition, point, name) for name in point.policies)
    return known[point.name][1]


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
    inside = _inside(partition, policy.scope)
    return f"{label} for instance {policy.scope}", InstancePolicy("1", translated.Statement, policy.scope, inside)


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


def _inside(partition: Partition, instance_id: str) -> Callable[[str], bool]:
    """Return whether the key or secret of a partition with this ARN is in an instance, as a function."""
    place = ref(partition)  # else what is remembered of a partition would keep it

    def is_inside(resource: str) -> bool:
        kind, _, name = resource.split(":", 4)[-1].partition("/")
        inside = place()
        assert inside is not None  # noqa: S101 (a request is using it)
        record = inside[keys].get(name) if kind == "key" else inside[secrets].get(name)
        return record is not None and record.instance_id == instance_id

    return is_inside


def _both(first: Callable[[str], bool], second: Callable[[str], bool]) -> Callable[[str], bool]:
    return lambda text: first(text) and second(text)
