"""DescribeEndpoint and DescribeEndpoints.

Sources: the models of alibabacloud-location20150612 (the spelling `SerivceCode` is theirs), and how the vendor's SDK for
Python of the first generation reads the answer (`aliyunsdkcore`, `location_service_endpoint_resolver`).
"""

import re
from typing import Annotated, TypedDict

from msgspec import Meta

from kms_mock.rpc.api import operation
from kms_mock.rpc.binding import Wire
from kms_mock.rpc.context import Context
from kms_mock.rpc.errors import ErrorSpec

_SDK = "The vendor's SDK for Python of the first generation compares code and text; the status is inferred."
UNKNOWN_REGION = ErrorSpec(404, "InvalidRegionId", "The specified region does not exist.", seen=_SDK)
UNKNOWN_SERVICE = ErrorSpec(400, "Illegal Parameter", "Please check the parameters", seen=_SDK)

_REGION = re.compile(r"[a-z]{2}(-[a-z0-9]+)+")
_TYPES = ("openAPI", "innerAPI")
# The public host names of the products here; `{}` is the region.
_HOSTS = {"kms": "kms.{}.aliyuncs.com", "sts": "sts.{}.aliyuncs.com", "location": "location-readonly.aliyuncs.com"}

Region = Annotated[str, Wire("Id"), Meta(max_length=64)]
ServiceCode = Annotated[str, Meta(max_length=64)]
EndpointType = Annotated[str, Wire("Type"), Meta(max_length=64)]


class ProtocolList(TypedDict):
    """The protocols of an endpoint."""

    Protocols: list[str]


class Endpoint(TypedDict):
    """One endpoint of a product."""

    Endpoint: str
    Id: str
    Namespace: str
    Protocols: ProtocolList
    SerivceCode: str
    Type: str


class EndpointList(TypedDict):
    """The endpoints of a product in a region."""

    Endpoint: list[Endpoint]


class Endpoints(TypedDict):
    """The answer of DescribeEndpoints."""

    Endpoints: EndpointList
    Success: bool


@operation("DescribeEndpoints", needs_permission=False, errors=(UNKNOWN_REGION, UNKNOWN_SERVICE))
def describe_endpoints(
    ctx: Context, *, region: Region, service_code: ServiceCode, endpoint_type: EndpointType = "openAPI"
) -> Endpoints:
    """List the endpoints of a product in a region: this server as it was asked, or the public name behind interception."""
    found = _endpoint(ctx, region, service_code, endpoint_type)
    return {"Endpoints": {"Endpoint": [found] if endpoint_type in _TYPES else []}, "Success": True}


@operation("DescribeEndpoint", needs_permission=False, errors=(UNKNOWN_REGION, UNKNOWN_SERVICE))
def describe_endpoint(ctx: Context, *, region: Region, service_code: ServiceCode) -> Endpoint:
    """Return the endpoint of a product in a region."""
    return _endpoint(ctx, region, service_code, _TYPES[0])


def _endpoint(ctx: Context, region: str, service_code: str, endpoint_type: str) -> Endpoint:
    if _REGION.fullmatch(region) is None:
        raise UNKNOWN_REGION("Id is not the name of a region.")
    public = _HOSTS.get(service_code.lower())
    if public is None:
        raise UNKNOWN_SERVICE(f"Known service codes are {', '.join(_HOSTS)}.")
    host = ctx.http.headers.get("Host", "")
    return {
        "Endpoint": public.format(region) if "aliyuncs" in host or not host else host,
        "Id": region,
        "Namespace": "",
        "Protocols": {"Protocols": ["HTTP", "HTTPS"]},
        "SerivceCode": service_code,
        "Type": endpoint_type,
    }
