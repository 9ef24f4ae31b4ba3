"""Application access points: which policies hold for an application."""

from typing import TypedDict

import msgspec
from msgspec.structs import replace

from kms_mock import errors
from kms_mock.context import Context
from kms_mock.model.access import AccessPoint, AuthenticationMethod
from kms_mock.operation import operation
from kms_mock.operations.shapes import Empty, Page, page
from kms_mock.parameters import AccessName, Description, PageNumber, PageSize, PolicyNames


class AccessPointDetails(TypedDict):
    Arn: str
    Name: str
    Description: str
    AuthenticationMethod: str
    Policies: str


class AccessPointEntry(TypedDict):
    Name: str
    AuthenticationMethod: str


class AccessPointEntries(TypedDict):
    ApplicationAccessPoint: list[AccessPointEntry]


class AccessPointPage(Page):
    ApplicationAccessPoints: AccessPointEntries


def _details(point: AccessPoint) -> AccessPointDetails:
    return {
        "Arn": point.arn,
        "Name": point.name,
        "Description": point.description,
        "AuthenticationMethod": point.method,
        "Policies": msgspec.json.encode(point.policies).decode(),
    }


def _found(ctx: Context, name: str) -> AccessPoint:
    point = ctx.partition.access_point(name)
    ctx.authorize(point.arn)
    return point


# inferred: the code for a missing one is what terraform-provider-alicloud expects; its text is from secrets
_TABLE = (*errors.USUAL_TABLE, errors.RESOURCE_NOT_FOUND_DOT)


@operation("CreateApplicationAccessPoint", errors=(errors.RESOURCE_EXISTS,))
def create_application_access_point(
    ctx: Context,
    *,
    name: AccessName,
    policies: PolicyNames,
    authentication_method: AuthenticationMethod = "ClientKey",
    description: Description = "",
) -> AccessPointDetails:
    """Create an access point with one to three policies; its name is the only one in this region.

    The policies are named without a look whether they exist, as in the service (model/access.py).
    """
    arn = ctx.partition.arn(f"applicationaccesspoint/{name}")
    ctx.authorize(arn)
    if name in ctx.partition.access_points:
        raise errors.RESOURCE_EXISTS(f"There is an application access point {name} already.")
    point = AccessPoint(name, arn, ctx.now, tuple(policies), authentication_method, description)
    ctx.partition.put_access_point(point)
    return _details(point)


@operation("DescribeApplicationAccessPoint", errors=_TABLE)
def describe_application_access_point(ctx: Context, *, name: AccessName) -> AccessPointDetails:
    """Describe one access point."""
    return _details(_found(ctx, name))


@operation("ListApplicationAccessPoints", errors=errors.USUAL_TABLE)
def list_application_access_points(
    ctx: Context, *, page_number: PageNumber = 1, page_size: PageSize = 20
) -> AccessPointPage:
    """List the access points of this region in order of creation."""
    found, counts = page(ctx.partition.access_points.values(), page_number, page_size)
    entries: list[AccessPointEntry] = [{"Name": one.name, "AuthenticationMethod": one.method} for one in found]
    return {"ApplicationAccessPoints": {"ApplicationAccessPoint": entries}, **counts}


@operation("UpdateApplicationAccessPoint", errors=(errors.INVALID_PARAMETER_INVALID, errors.RESOURCE_NOT_FOUND_DOT))
def update_application_access_point(
    ctx: Context, *, name: AccessName, policies: PolicyNames | None = None, description: Description | None = None
) -> Empty:
    """Change the policies or the description; what is not given stays."""
    point = _found(ctx, name)
    if policies is not None:
        point = replace(point, policies=tuple(policies))
    if description is not None:
        point = replace(point, description=description)
    ctx.partition.put_access_point(point)
    return {}


@operation("DeleteApplicationAccessPoint", errors=_TABLE)
def delete_application_access_point(ctx: Context, *, name: AccessName) -> Empty:
    """Delete an access point together with its client keys (help page "manage-aaps")."""
    ctx.partition.remove_access_point(_found(ctx, name))
    return {}
