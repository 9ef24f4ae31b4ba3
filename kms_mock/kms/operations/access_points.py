"""Application access points: which policies hold for an application."""

from typing import TypedDict

from msgspec.structs import replace

from kms_mock.kms import errors, inferred
from kms_mock.kms.context import Context
from kms_mock.kms.model.access import AccessPoint, AuthenticationMethod, access_points
from kms_mock.kms.operations.results import Empty, Page, page
from kms_mock.kms.parameters import AccessPointName, Description, PageNumber, PageSize, PolicyNames
from kms_mock.rpc.api import operation


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
        "Policies": point.policies_text,
    }


_TABLE = (*errors.USUAL_TABLE, errors.ACCESS_NOT_FOUND)


@operation("CreateApplicationAccessPoint", errors=(errors.ACCESS_EXISTS,))
def create_application_access_point(
    ctx: Context,
    *,
    name: AccessPointName,
    policies: PolicyNames,
    authentication_method: AuthenticationMethod = "ClientKey",
    description: Description = "",
) -> AccessPointDetails:
    """Create an access point with one to three policies; its name is unique in the region.

    The policies are named without a look whether they exist, as in the service (kms/model/access.py).
    """
    arn = ctx.arn(f"applicationaccesspoint/{name}")
    ctx.authorize(arn)
    if name in ctx.partition[access_points]:
        raise errors.ACCESS_EXISTS(f"There is an application access point {name} already.")
    point = AccessPoint(name, arn, ctx.now, policies, authentication_method, description)
    ctx.partition[access_points].put(point)
    return _details(point)


@operation("DescribeApplicationAccessPoint", errors=_TABLE, inferred=(inferred.ACCESS_NOT_FOUND,))
def describe_application_access_point(ctx: Context, *, name: AccessPointName) -> AccessPointDetails:
    """Describe one access point."""
    return _details(ctx.find(access_points, name))


@operation("ListApplicationAccessPoints", errors=errors.USUAL_TABLE, container="applicationaccesspoint")
def list_application_access_points(
    ctx: Context, *, page_number: PageNumber = 1, page_size: PageSize = 20
) -> AccessPointPage:
    """List the access points of this region in order of creation."""
    found, counts = page(ctx.partition[access_points].values(), page_number, page_size)
    entries: list[AccessPointEntry] = [{"Name": point.name, "AuthenticationMethod": point.method} for point in found]
    return {"ApplicationAccessPoints": {"ApplicationAccessPoint": entries}, **counts}


@operation("UpdateApplicationAccessPoint", errors=(errors.ENCRYPT_INVALID_PARAMETER, errors.ACCESS_NOT_FOUND))
def update_application_access_point(
    ctx: Context, *, name: AccessPointName, policies: PolicyNames | None = None, description: Description | None = None
) -> Empty:
    """Change the policies or the description; what the request leaves out stays."""
    point = ctx.find(access_points, name)
    if policies is not None:
        point = replace(point, policies_text=policies)
    if description is not None:
        point = replace(point, description=description)
    ctx.partition[access_points].put(point)
    return {}


@operation("DeleteApplicationAccessPoint", errors=_TABLE, inferred=(inferred.ACCESS_NOT_FOUND,))
def delete_application_access_point(ctx: Context, *, name: AccessPointName) -> Empty:
    """Delete an access point together with its client keys (help page "manage-aaps")."""
    ctx.partition[access_points].remove(ctx.find(access_points, name))
    return {}
