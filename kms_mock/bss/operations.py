"""QueryAvailableInstances, CreateInstance, ModifyInstance, RefundInstance, SetRenewal.

Sources: the models of alibabacloud-bssopenapi20171214 (names, types, what is required); terraform-provider-alicloud,
resource alicloud_kms_instance (which values it sends, and what it reads of the answers).
"""

import re
from typing import Annotated, Literal, NotRequired, TypedDict

from msgspec import Meta, Struct
from msgspec.structs import replace

from kms_mock.bss import errors
from kms_mock.bss.context import Context
from kms_mock.bss.goods import Goods, Sold
from kms_mock.bss.renewals import PeriodUnit, Renewal, RenewalStatus, renewals
from kms_mock.defaults import REGION
from kms_mock.rpc.api import operation
from kms_mock.rpc.binding import NamesResource, Repeated, Wire
from kms_mock.rpc.errors import INVALID_PARAMETER
from kms_mock.store.partition import Partition
from kms_mock.store.times import DAY, iso

_MONTH = 30 * DAY
_ORDER_BYTES = 7

ProductCode = Annotated[str, Meta(max_length=64)]
ProductType = Annotated[str, Meta(max_length=64)]
InstanceId = Annotated[str, NamesResource(), Meta(max_length=64)]
SubscriptionType = Literal["Subscription", "PayAsYouGo"]
Months = Annotated[int, Meta(ge=0, le=60)]
Number = Annotated[int, Meta(ge=1, le=100_000)]


class OrderParameter(Struct):
    """One parameter of an order as it travels: Parameter.1.Code, Parameter.1.Value."""

    Code: str
    Value: str = ""


Parameters = Annotated[list[OrderParameter], Wire("Parameter"), Repeated(100)]


class AvailableInstance(TypedDict):
    """One instance of QueryAvailableInstances."""

    InstanceID: str
    OwnerId: int
    ProductCode: str
    ProductType: str
    Region: str
    SubscriptionType: str
    Status: str
    SubStatus: str
    CreateTime: str
    EndTime: NotRequired[str]
    RenewStatus: str
    RenewalDuration: NotRequired[int]
    RenewalDurationUnit: NotRequired[str]


class AvailableInstances(TypedDict):
    """A page of instances."""

    InstanceList: list[AvailableInstance]
    PageNum: int
    PageSize: int
    TotalCount: int


class Done(TypedDict):
    """What every answer of BssOpenApi says."""

    Code: str
    Message: str
    Success: bool


class QueryAnswer(Done):
    """The answer of QueryAvailableInstances."""

    Data: AvailableInstances


class OrderedInstance(TypedDict):
    """The order, and the instance that it made."""

    InstanceId: str
    OrderId: str


class CreateAnswer(Done):
    """The answer of CreateInstance."""

    Data: OrderedInstance


class Order(TypedDict):
    """The order."""

    OrderId: str


class ModifyAnswer(Done):
    """The answer of ModifyInstance."""

    Data: Order


class RefundOrder(TypedDict):
    """The order, whose id is a number here."""

    OrderId: int


class RefundAnswer(Done):
    """The answer of RefundInstance."""

    Data: RefundOrder


def _done() -> Done:
    return {"Code": "Success", "Message": "Successful!", "Success": True}


@operation(
    "QueryAvailableInstances",
    container="*",
    inferred=("Of a product that is not for sale here there are no instances.",),
)
def query_available_instances(
    ctx: Context,
    *,
    region: str = "",
    product_code: ProductCode = "",
    product_type: ProductType = "",
    subscription_type: SubscriptionType | None = None,
    renew_status: RenewalStatus | None = None,
    instance_ids: Annotated[str, Wire("InstanceIDs"), NamesResource(), Meta(max_length=8000)] = "",
    page_num: Number = 1,
    page_size: Annotated[int, Meta(ge=1, le=300)] = 20,
) -> QueryAnswer:
    """List the account's instances, by product, region, kind of subscription and renewal."""
    wanted = set(instance_ids.split(",")) if instance_ids else None
    found: list[AvailableInstance] = []
    for code, goods in ctx.goods_by_code.items():
        if product_code not in ("", code) or (product_type and product_type not in goods.product_types):
            continue
        for partition, sold in ctx.sold(goods):
            entry = _entry(partition, sold, code, product_type or goods.product_types[0])
            if (
                region in ("", partition.region)
                and (wanted is None or sold.id in wanted)
                and subscription_type in (None, entry["SubscriptionType"])
                and renew_status in (None, entry["RenewStatus"])
            ):
                found.append(entry)
    start = (page_num - 1) * page_size
    page = found[start : start + page_size]
    data: AvailableInstances = {
        "InstanceList": page,
        "PageNum": page_num,
        "PageSize": page_size,
        "TotalCount": len(found),
    }
    return {**_done(), "Data": data}


@operation(
    "CreateInstance",
    container="*",
    errors=(errors.NOT_APPLICABLE,),
    inferred=("A month of a subscription has 30 days.",),
)
def create_instance(
    ctx: Context,
    *,
    product_code: ProductCode,
    subscription_type: SubscriptionType,
    product_type: ProductType = "",
    parameter: Parameters = [],  # noqa: B006 (read only)
    period: Months = 1,
    renewal_status: RenewalStatus = "ManualRenewal",
    renew_period: Months | None = None,
) -> CreateAnswer:
    """Order an instance of a product; it is there at once, and waits to be enabled."""
    goods = ctx.goods(product_code, product_type)
    if renewal_status == "AutoRenewal" and not renew_period:
        raise INVALID_PARAMETER("AutoRenewal needs a RenewPeriod.", name="RenewPeriod")
    numbers, region = _numbers(goods, parameter)
    home = ctx.store.open(ctx.caller.account, region or ctx.partition.region, ctx.now)
    ends = ctx.now + max(period, 1) * _MONTH if subscription_type == "Subscription" else None
    instance_id = goods.create(home, numbers, ends)
    if ends is not None:
        home[renewals].put(Renewal(instance_id, renewal_status, renew_period))
    return {**_done(), "Data": {"InstanceId": instance_id, "OrderId": str(_order_number(ctx))}}


@operation("ModifyInstance", container="*", errors=(errors.NOT_APPLICABLE, errors.RESOURCE_NOT_EXISTS))
def modify_instance(
    ctx: Context,
    *,
    product_code: ProductCode,
    instance_id: InstanceId,
    modify_type: Literal["Upgrade", "Downgrade"],
    subscription_type: SubscriptionType,
    product_type: ProductType = "",
    parameter: Parameters = [],  # noqa: B006 (read only)
) -> ModifyAnswer:
    """Change the size of an instance."""
    goods = ctx.goods(product_code, product_type)
    home, _ = ctx.instance(goods, instance_id)
    goods.modify(home, instance_id, _numbers(goods, parameter)[0])
    return {**_done(), "Data": {"OrderId": str(_order_number(ctx))}}


@operation(
    "RefundInstance",
    container="*",
    errors=(errors.NOT_APPLICABLE, errors.RESOURCE_NOT_EXISTS),
    inferred=("A refunded instance is gone at once, whatever ImmediatelyRelease says.",),
)
def refund_instance(
    ctx: Context,
    *,
    instance_id: InstanceId,
    product_code: ProductCode,
    product_type: ProductType = "",
    immediately_release: Annotated[int, Meta(ge=0, le=1)] = 1,
) -> RefundAnswer:
    """Refund an instance, which is removed with everything in it."""
    goods = ctx.goods(product_code, product_type)
    home, _ = ctx.instance(goods, instance_id)
    goods.remove(home, instance_id)
    renewal = home[renewals].get(instance_id)
    if renewal is not None:
        home[renewals].remove(renewal)
    return {**_done(), "Data": {"OrderId": _order_number(ctx)}}


@operation(
    "SetRenewal",
    container="*",
    errors=(errors.NOT_APPLICABLE, errors.RESOURCE_NOT_EXISTS),
    inferred=("The renewal of an instance that is paid as it goes cannot be set: only subscriptions are renewed.",),
)
def set_renewal(
    ctx: Context,
    *,
    instance_ids: Annotated[str, Wire("InstanceIDs"), NamesResource(), Meta(max_length=8000)],
    renewal_status: RenewalStatus,
    product_code: ProductCode,
    product_type: ProductType = "",
    subscription_type: SubscriptionType = "Subscription",
    renewal_period: Months | None = None,
    renewal_period_unit: PeriodUnit = "M",
) -> Done:
    """Set how the subscriptions of instances are renewed."""
    goods = ctx.goods(product_code, product_type)
    if renewal_status == "AutoRenewal" and not renewal_period:
        raise INVALID_PARAMETER("AutoRenewal needs a RenewalPeriod.", name="RenewalPeriod")
    for instance_id in instance_ids.split(","):
        home, sold = ctx.instance(goods, instance_id)
        if not sold.prepaid:
            raise INVALID_PARAMETER(f"{instance_id[:60]} is no subscription.", name="InstanceIDs")
        former = home[renewals].get(instance_id) or Renewal(instance_id)
        period = renewal_period if renewal_status == "AutoRenewal" else former.period
        home[renewals].put(replace(former, status=renewal_status, period=period, unit=renewal_period_unit))
    return _done()


# -- what they share --------------------------------------------------------------------------------------------------


def _numbers(goods: Goods, parameters: list[OrderParameter]) -> tuple[dict[str, int], str]:
    """Return the numbers of an order by code, and its region. Raises INVALID_PARAMETER; unknown codes are ignored."""
    numbers, region = {}, ""
    for entry in parameters:
        code, value = entry.Code, entry.Value
        if code == "Region":
            if not re.fullmatch(REGION, value):
                raise INVALID_PARAMETER("Region is not a region's name.", name="Parameter")
            region = value
        elif code in goods.parameters:
            if not (value.isascii() and value.isdigit() and len(value) <= len(str(goods.parameters[code]))):
                raise INVALID_PARAMETER(f"{code} is a number.", name="Parameter")
            if int(value) > goods.parameters[code]:
                raise INVALID_PARAMETER(f"{code} is {goods.parameters[code]} at most.", name="Parameter")
            numbers[code] = int(value)
    return numbers, region


def _entry(partition: Partition, sold: Sold, code: str, product_type: str) -> AvailableInstance:
    renewal = partition[renewals].get(sold.id) or Renewal(sold.id)
    entry: AvailableInstance = {
        "InstanceID": sold.id,
        "OwnerId": int(sold.owner),
        "ProductCode": code,
        "ProductType": product_type,
        "Region": partition.region,
        "SubscriptionType": "Subscription" if sold.prepaid else "PayAsYouGo",
        "Status": "Normal",
        "SubStatus": "Normal",
        "CreateTime": iso(sold.created),
        "RenewStatus": renewal.status,
    }
    if sold.ends is not None:
        entry["EndTime"] = iso(sold.ends)
    if renewal.period is not None:
        entry["RenewalDuration"] = renewal.period
        entry["RenewalDurationUnit"] = renewal.unit
    return entry


def _order_number(ctx: Context) -> int:
    return 2 * 10**14 + int.from_bytes(ctx.sources.random_bytes(_ORDER_BYTES)) % 10**14
