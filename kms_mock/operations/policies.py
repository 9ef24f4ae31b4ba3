"""Policies of applications: what they may do, with which keys and secrets, from where."""

from typing import NotRequired, TypedDict

import msgspec
from msgspec.structs import replace

from kms_mock import errors
from kms_mock.context import Context
from kms_mock.model.access import SHARED_GATEWAY, AccessPolicy
from kms_mock.operation import operation
from kms_mock.operations.shapes import Empty, Page, page
from kms_mock.parameters import (
    AccessControlRules,
    AccessName,
    AccessResources,
    Description,
    KmsInstanceId,
    PageNumber,
    PageSize,
    Permissions,
)


class PolicyFields(TypedDict):
    Arn: str
    Name: str
    Description: str
    KmsInstance: NotRequired[str]
    AccessControlRules: NotRequired[str]


class CreatedPolicy(PolicyFields):
    Permissions: str
    Resources: str


class PolicyDetails(PolicyFields):
    Permissions: list[str]
    Resources: list[str]


class PolicyEntry(TypedDict):
    Name: str


class PolicyEntries(TypedDict):
    Policy: list[PolicyEntry]


class PolicyPage(Page):
    Policies: PolicyEntries


def _fields(policy: AccessPolicy) -> PolicyFields:
    fields: PolicyFields = {"Arn": policy.arn, "Name": policy.name, "Description": policy.description}
    if policy.scope is not None:
        fields["KmsInstance"] = policy.scope
    if policy.network_rules is not None:
        fields["AccessControlRules"] = _json({"NetworkRules": policy.network_rules})
    return fields


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _found(ctx: Context, name: str) -> AccessPolicy:
    policy = ctx.partition.policy(name)
    ctx.authorize(policy.arn)
    return policy


def _rules(rules: AccessControlRules | None) -> tuple[str, ...] | None:
    return None if rules is None else tuple(rules.NetworkRules)


# inferred: the code for a missing one is what terraform-provider-alicloud expects; its text is from secrets
_TABLE = (*errors.USUAL_TABLE, errors.RESOURCE_NOT_FOUND_DOT)


@operation("CreatePolicy", errors=(*errors.USUAL_TABLE, errors.RESOURCE_EXISTS, errors.INSTANCE_NOT_FOUND))
def create_policy(
    ctx: Context,
    *,
    name: AccessName,
    permissions: Permissions,
    resources: AccessResources,
    kms_instance: KmsInstanceId | None = None,
    access_control_rules: AccessControlRules | None = None,
    description: Description = "",
) -> CreatedPolicy:
    """Create a policy for an instance or the shared gateway; its name is the only one in this region.

    Its answer has lists as JSON texts, DescribePolicy has them as lists (behaviour.md 12). Keys, secrets and network
    rules are named without a look whether they exist, as in the service (model/access.py).
    """
    arn = ctx.partition.arn(f"policy/{name}")
    ctx.authorize(arn)
    if name in ctx.partition.policies:
        raise errors.RESOURCE_EXISTS(f"There is a policy {name} already.")  # inferred: as for access points
    if kms_instance not in (None, SHARED_GATEWAY):
        ctx.partition.instance(kms_instance)  # inferred
    policy = AccessPolicy(
        name=name,
        arn=arn,
        created=ctx.now,
        permissions=tuple(permissions),
        resources=tuple(resources),
        scope=kms_instance,
        network_rules=_rules(access_control_rules),
        description=description,
    )
    ctx.partition.policies[name] = policy
    return {**_fields(policy), "Permissions": _json(policy.permissions), "Resources": _json(policy.resources)}


@operation("DescribePolicy", errors=(errors.RESOURCE_NOT_FOUND_DOT,))
def describe_policy(ctx: Context, *, name: AccessName) -> PolicyDetails:
    """Describe one policy."""
    policy = _found(ctx, name)
    return {**_fields(policy), "Permissions": list(policy.permissions), "Resources": list(policy.resources)}


@operation("ListPolicies", errors=errors.USUAL_TABLE)
def list_policies(ctx: Context, *, page_number: PageNumber = 1, page_size: PageSize = 20) -> PolicyPage:
    """List the policies of this region in order of creation."""
    found, counts = page(ctx.partition.policies.values(), page_number, page_size)
    return {"Policies": {"Policy": [{"Name": one.name} for one in found]}, **counts}


@operation("UpdatePolicy", errors=_TABLE)
def update_policy(
    ctx: Context,
    *,
    name: AccessName,
    permissions: Permissions | None = None,
    resources: AccessResources | None = None,
    access_control_rules: AccessControlRules | None = None,
    description: Description | None = None,
) -> Empty:
    """Change a policy, but for its name and instance; what is not given stays."""
    policy = _found(ctx, name)
    if permissions is not None:
        policy = replace(policy, permissions=tuple(permissions))
    if resources is not None:
        policy = replace(policy, resources=tuple(resources))
    if access_control_rules is not None:
        policy = replace(policy, network_rules=_rules(access_control_rules))
    if description is not None:
        policy = replace(policy, description=description)
    ctx.partition.policies[name] = policy
    return {}


@operation("DeletePolicy", errors=(*_TABLE, errors.ACCESS_RESOURCE_IN_USE))
def delete_policy(ctx: Context, *, name: AccessName) -> Empty:
    """Delete a policy that no application access point is bound to."""
    _found(ctx, name)
    user = next((one.name for one in ctx.partition.access_points.values() if name in one.policies), None)
    if user is not None:
        raise errors.ACCESS_RESOURCE_IN_USE(f"Application access point {user} is bound to policy {name}.")
    del ctx.partition.policies[name]
    return {}
