"""Policies of applications: what they may do, with which keys and secrets, from where."""

from typing import NotRequired, TypedDict

import msgspec
from msgspec.structs import replace

from kms_mock.kms import errors, inferred
from kms_mock.kms.context import Context
from kms_mock.kms.model.access import SHARED_GATEWAY, AccessPolicy, Permission, policies
from kms_mock.kms.model.instance import instances
from kms_mock.kms.operations.results import Empty, Page, page
from kms_mock.kms.parameters import (
    AccessControlRules,
    AccessPolicyName,
    AccessResources,
    Description,
    KmsInstanceId,
    PageNumber,
    PageSize,
    Permissions,
)
from kms_mock.rpc.api import operation


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
    if policy.access_control_rules is not None:
        fields["AccessControlRules"] = policy.access_control_rules
    return fields


_read_permissions = msgspec.json.Decoder(tuple[Permission, ...]).decode
_read_resources = msgspec.json.Decoder(tuple[str, ...]).decode

_TABLE = (*errors.USUAL_TABLE, errors.ACCESS_NOT_FOUND)


@operation(
    "CreatePolicy",
    errors=(*errors.USUAL_TABLE, errors.ACCESS_EXISTS, errors.INSTANCE_NOT_FOUND),
    inferred=(
        "A name that is taken is refused as that of an access point is.",
        "KmsInstance names an instance that exists, or is `shared` for the shared gateway.",
    ),
)
def create_policy(
    ctx: Context,
    *,
    name: AccessPolicyName,
    permissions: Permissions,
    resources: AccessResources,
    kms_instance: KmsInstanceId | None = None,
    access_control_rules: AccessControlRules | None = None,
    description: Description = "",
) -> CreatedPolicy:
    """Create a policy for an instance or the shared gateway; its name is unique in the region.

    Its answer has lists as the texts that were sent, DescribePolicy has them as lists (behaviour.md 12). Keys, secrets and network
    rules are named without a look whether they exist, as in the service (kms/model/access.py).
    """
    arn = ctx.arn(f"policy/{name}")
    ctx.authorize(arn)
    if name in ctx.partition[policies]:
        raise errors.ACCESS_EXISTS(f"There is a policy {name} already.")
    if kms_instance not in (None, SHARED_GATEWAY):
        ctx.partition[instances].find(kms_instance)
    policy = AccessPolicy(
        name=name,
        arn=arn,
        created=ctx.now,
        permissions=_read_permissions(permissions),
        resources=_read_resources(resources),
        scope=kms_instance,
        access_control_rules=access_control_rules,
        description=description,
    )
    ctx.partition[policies].put(policy)
    return {**_fields(policy), "Permissions": permissions, "Resources": resources}


@operation("DescribePolicy", errors=(errors.ACCESS_NOT_FOUND,))
def describe_policy(ctx: Context, *, name: AccessPolicyName) -> PolicyDetails:
    """Describe one policy."""
    policy = ctx.find(policies, name)
    return {**_fields(policy), "Permissions": list(policy.permissions), "Resources": list(policy.resources)}


@operation("ListPolicies", errors=errors.USUAL_TABLE, container="policy")
def list_policies(ctx: Context, *, page_number: PageNumber = 1, page_size: PageSize = 20) -> PolicyPage:
    """List the policies of this region in order of creation."""
    found, counts = page(ctx.partition[policies].values(), page_number, page_size)
    return {"Policies": {"Policy": [{"Name": policy.name} for policy in found]}, **counts}


@operation("UpdatePolicy", errors=_TABLE, inferred=(inferred.ACCESS_NOT_FOUND,))
def update_policy(
    ctx: Context,
    *,
    name: AccessPolicyName,
    permissions: Permissions | None = None,
    resources: AccessResources | None = None,
    access_control_rules: AccessControlRules | None = None,
    description: Description | None = None,
) -> Empty:
    """Change a policy, but for its name and instance; what the request leaves out stays."""
    policy = ctx.find(policies, name)
    if permissions is not None:
        policy = replace(policy, permissions=_read_permissions(permissions))
    if resources is not None:
        policy = replace(policy, resources=_read_resources(resources))
    if access_control_rules is not None:
        policy = replace(policy, access_control_rules=access_control_rules)
    if description is not None:
        policy = replace(policy, description=description)
    ctx.partition[policies].put(policy)
    return {}


@operation("DeletePolicy", errors=_TABLE, inferred=(inferred.ACCESS_NOT_FOUND, inferred.ACCESS_IN_USE))
def delete_policy(ctx: Context, *, name: AccessPolicyName) -> Empty:
    """Delete a policy; access points that are bound to it are bound to nothing from now on."""
    ctx.partition[policies].remove(ctx.find(policies, name))
    return {}
