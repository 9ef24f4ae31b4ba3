"""Network rules: from which addresses an application may come."""

from typing import TypedDict

import msgspec
from msgspec.structs import replace

from kms_mock import errors
from kms_mock.context import Context
from kms_mock.model.access import NetworkRule, NetworkType
from kms_mock.operation import operation
from kms_mock.operations.shapes import Empty, Page, page
from kms_mock.parameters import AccessName, Description, PageNumber, PageSize, Sources


class NetworkRuleDetails(TypedDict):
    Arn: str
    Type: str
    Description: str
    SourcePrivateIp: str


class CreatedNetworkRule(NetworkRuleDetails):
    Name: str


class NetworkRuleEntry(TypedDict):
    Name: str
    Type: str


class NetworkRuleEntries(TypedDict):
    NetworkRule: list[NetworkRuleEntry]


class NetworkRulePage(Page):
    NetworkRules: NetworkRuleEntries


def _details(rule: NetworkRule) -> NetworkRuleDetails:
    return {
        "Arn": rule.arn,
        "Type": rule.type,
        "Description": rule.description,
        "SourcePrivateIp": msgspec.json.encode(rule.sources).decode(),  # a JSON text, out as in (behaviour.md 12)
    }


def _found(ctx: Context, name: str) -> NetworkRule:
    rule = ctx.partition.network_rule(name)
    ctx.authorize(rule.arn)
    return rule


# inferred: the code for a missing one is what terraform-provider-alicloud expects; its text is from secrets
_TABLE = (*errors.USUAL_TABLE, errors.RESOURCE_NOT_FOUND_DOT)


@operation("CreateNetworkRule", errors=(errors.INVALID_PARAMETER_UNNAMED, errors.RESOURCE_EXISTS))  # inferred: no table
def create_network_rule(
    ctx: Context,
    *,
    name: AccessName,
    type: NetworkType,  # noqa: A002 (the API's name)
    description: Description = "",
    source_private_ip: Sources | None = None,
) -> CreatedNetworkRule:
    """Create a network rule; its name is the only one in this region."""
    arn = ctx.partition.arn(f"network/{name}")
    ctx.authorize(arn)
    if name in ctx.partition.network_rules:
        raise errors.RESOURCE_EXISTS(f"There is a network rule {name} already.")
    rule = NetworkRule(name, arn, ctx.now, type, description, tuple(source_private_ip or ()))
    ctx.partition.network_rules[name] = rule
    return {"Name": name, **_details(rule)}


@operation("DescribeNetworkRule", errors=_TABLE)
def describe_network_rule(ctx: Context, *, name: AccessName) -> NetworkRuleDetails:
    """Describe one network rule."""
    return _details(_found(ctx, name))


@operation("ListNetworkRules", errors=(errors.INVALID_PARAMETER_INVALID, errors.INVALID_ACCESS_KEY_ID))
def list_network_rules(ctx: Context, *, page_number: PageNumber = 1, page_size: PageSize = 20) -> NetworkRulePage:
    """List the network rules of this region in order of creation."""
    found, counts = page(ctx.partition.network_rules.values(), page_number, page_size)
    return {"NetworkRules": {"NetworkRule": [{"Name": one.name, "Type": one.type} for one in found]}, **counts}


@operation("UpdateNetworkRule", errors=_TABLE)
def update_network_rule(
    ctx: Context,
    *,
    name: AccessName,
    description: Description | None = None,
    source_private_ip: Sources | None = None,
) -> Empty:
    """Change the description or the addresses; what is not given stays."""
    rule = _found(ctx, name)
    if description is not None:
        rule = replace(rule, description=description)
    if source_private_ip is not None:
        rule = replace(rule, sources=tuple(source_private_ip))
    ctx.partition.network_rules[name] = rule
    return {}


@operation("DeleteNetworkRule", errors=(*_TABLE, errors.ACCESS_RESOURCE_IN_USE))
def delete_network_rule(ctx: Context, *, name: AccessName) -> Empty:
    """Delete a network rule that no policy names."""
    _found(ctx, name)
    user = next((one.name for one in ctx.partition.policies.values() if name in (one.network_rules or ())), None)
    if user is not None:
        raise errors.ACCESS_RESOURCE_IN_USE(f"Policy {user} names network rule {name}.")
    del ctx.partition.network_rules[name]
    return {}
