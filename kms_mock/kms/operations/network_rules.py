"""Network rules: from which addresses an application may come."""

from typing import TypedDict

from msgspec.structs import replace

from kms_mock.kms import errors, inferred
from kms_mock.kms.context import Context
from kms_mock.kms.model.access import NetworkRule, NetworkType, network_rules
from kms_mock.kms.operations.results import Empty, Page, page
from kms_mock.kms.parameters import Description, NetworkRuleName, PageNumber, PageSize, Sources
from kms_mock.rpc.api import operation


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
        "SourcePrivateIp": rule.source_private_ip,
    }


_TABLE = (*errors.USUAL_TABLE, errors.ACCESS_NOT_FOUND)


@operation(
    "CreateNetworkRule",
    errors=(errors.KMS_INVALID_PARAMETER, errors.ACCESS_EXISTS),
    inferred=(inferred.NO_TABLE,),
)
def create_network_rule(
    ctx: Context,
    *,
    name: NetworkRuleName,
    type: NetworkType,  # noqa: A002 (the API's name)
    description: Description = "",
    source_private_ip: Sources = "[]",
) -> CreatedNetworkRule:
    """Create a network rule; its name is unique in the region."""
    arn = ctx.arn(f"network/{name}")
    ctx.authorize(arn)
    if name in ctx.partition[network_rules]:
        raise errors.ACCESS_EXISTS(f"There is a network rule {name} already.")
    rule = NetworkRule(name, arn, ctx.now, type, description, source_private_ip)
    ctx.partition[network_rules].put(rule)
    return {"Name": name, **_details(rule)}


@operation("DescribeNetworkRule", errors=_TABLE, inferred=(inferred.ACCESS_NOT_FOUND,))
def describe_network_rule(ctx: Context, *, name: NetworkRuleName) -> NetworkRuleDetails:
    """Describe one network rule."""
    return _details(ctx.find(network_rules, name))


@operation(
    "ListNetworkRules", errors=(errors.ENCRYPT_INVALID_PARAMETER, errors.INVALID_ACCESS_KEY_ID), container="network"
)
def list_network_rules(ctx: Context, *, page_number: PageNumber = 1, page_size: PageSize = 20) -> NetworkRulePage:
    """List the network rules of this region in order of creation."""
    found, counts = page(ctx.partition[network_rules].values(), page_number, page_size)
    return {"NetworkRules": {"NetworkRule": [{"Name": rule.name, "Type": rule.type} for rule in found]}, **counts}


@operation("UpdateNetworkRule", errors=_TABLE, inferred=(inferred.ACCESS_NOT_FOUND,))
def update_network_rule(
    ctx: Context,
    *,
    name: NetworkRuleName,
    description: Description | None = None,
    source_private_ip: Sources | None = None,
) -> Empty:
    """Change the description or the addresses; what the request leaves out stays."""
    rule = ctx.find(network_rules, name)
    if description is not None:
        rule = replace(rule, description=description)
    if source_private_ip is not None:
        rule = replace(rule, source_private_ip=source_private_ip)
    ctx.partition[network_rules].put(rule)
    return {}


@operation("DeleteNetworkRule", errors=_TABLE, inferred=(inferred.ACCESS_NOT_FOUND, inferred.ACCESS_IN_USE))
def delete_network_rule(ctx: Context, *, name: NetworkRuleName) -> Empty:
    """Delete a network rule; policies that name it name nothing from now on."""
    ctx.partition[network_rules].remove(ctx.find(network_rules, name))
    return {}
