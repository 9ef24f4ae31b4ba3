"""KMS instances: enable, describe, list, quotas, further VPCs, release. They come from fixture files: no call buys one."""

from typing import NotRequired, TypedDict

from msgspec.structs import replace

from kms_mock import errors
from kms_mock.context import Context
from kms_mock.model.instance import BoundVpc, Instance, new_ca_certificate
from kms_mock.model.quotas import used_secrets, used_versions
from kms_mock.model.times import iso
from kms_mock.operation import operation
from kms_mock.operations.shapes import Empty, Page, grouped, page
from kms_mock.parameters import (
    BindVpcs,
    Filters,
    KmProvider,
    KmsInstanceId,
    NetworkId,
    NetworkIds,
    PageNumber,
    PageSize,
    QuotaType,
)

# inferred: no document says which keys Filters takes; these are what GetKmsInstance calls them
_FILTER_KEYS = ("InstanceId", "KmsInstanceId", "InstanceName", "Status", "ChargeType", "ProductVersion", "VpcId")
_ZONES = 2  # an instance stands in two zones (api-docs ConnectKmsInstance)
_PRODUCT_VERSION = {"software": "3", "hardware": "5"}  # terraform-provider-alicloud, product_version
_PRODUCT_TYPE = {"PREPAY": "kms_ddi_public_cn", "POSTPAY": "kms_ppi_public_cn"}  # SDK, GetKmsInstance


class BoundVpcEntry(TypedDict):
    RegionId: str
    VpcId: str
    VSwitchId: str
    VpcOwnerId: str


class BoundVpcList(TypedDict):
    BindVpc: list[BoundVpcEntry]


class InstanceDetails(TypedDict):
    InstanceId: str
    InstanceName: str
    Status: str
    CreateTime: str
    Spec: int
    KeyNum: NotRequired[int]
    SecretNum: NotRequired[str]
    VpcNum: int
    VpcId: NotRequired[str]
    ZoneIds: list[str]
    VswitchIds: list[str]
    StartDate: NotRequired[str]
    EndDate: NotRequired[str]
    CaCertificateChainPem: NotRequired[str]
    BindVpcs: BoundVpcList
    ChargeType: str
    ProductVersion: str
    ProductType: str
    SaleStatus: str
    Log: int
    LogStorage: int
    DeletionProtection: bool
    DeletionProtectionDescription: NotRequired[str]


class DescribedInstance(TypedDict):
    KmsInstance: InstanceDetails


class InstanceEntry(TypedDict):
    KmsInstanceArn: str
    KmsInstanceId: str


class InstanceEntries(TypedDict):
    KmsInstance: list[InstanceEntry]


class InstancePage(Page):
    KmsInstances: InstanceEntries


class DefaultInstance(TypedDict):
    DefaultKmsInstanceId: str


class QuotaEntry(TypedDict):
    ResourceType: str
    ResourceQuota: NotRequired[int]
    UsedQuantity: int


class QuotaInfos(TypedDict):
    KmsInstanceId: str
    KmsInstanceQuotaInfos: list[QuotaEntry]


def _instance(ctx: Context, instance_id: str, *, own: bool = False) -> Instance:
    """Find an instance that the caller may do this with; `own` is for what only its owner may do (`# inferred`)."""
    instance = ctx.partition.instance(instance_id)
    ctx.authorize(instance.arn)
    if own and instance.owner != ctx.partition.account.id:
        raise errors.NO_PERMISSION(f"KMS instance {instance_id} is shared by account {instance.owner}.")
    return instance


@operation(
    "ConnectKmsInstance",
    # inferred: no table is published
    errors=(
        errors.INVALID_PARAMETER_UNNAMED,
        errors.REJECTED_UNSUPPORTED,
        errors.INSTANCE_NOT_FOUND,
        errors.INSTANCE_STATE_INVALID,
    ),
)
def connect_kms_instance(
    ctx: Context,
    *,
    kms_instance_id: KmsInstanceId,
    vpc_id: NetworkId,
    zone_ids: NetworkIds,
    v_switch_ids: NetworkIds,
    km_provider: KmProvider,
) -> Empty:
    """Enable a software instance in a VPC.

    The service takes minutes, as Connecting; here it is Connected at once (`# inferred`: nothing else happens meanwhile
    that a client could see, and one that polls for Connected finds it).
    """
    if len(set(zone_ids)) != _ZONES:
        raise errors.INVALID_PARAMETER(f"An instance stands in {_ZONES} different zones.", name="ZoneIds")
    instance = _instance(ctx, kms_instance_id, own=True)
    if instance.kind != "software":
        raise errors.REJECTED_UNSUPPORTED("A hardware instance is not enabled by this call.")
    if instance.status != "Uninitialized":
        raise errors.INSTANCE_STATE_INVALID(f"KMS instance {instance.id} is {instance.status} already.")
    ctx.partition.instances[instance.id] = replace(
        instance,
        status="Connected",
        vpc=vpc_id,
        zones=tuple(zone_ids),
        vswitches=tuple(v_switch_ids),
        started=ctx.now,
        ca_certificate=new_ca_certificate(instance.id, ctx.now, ctx.sources),
    )
    return {}


@operation("GetKmsInstance", errors=(errors.ILLEGAL_TIMESTAMP, errors.INSTANCE_NOT_FOUND))
def get_kms_instance(ctx: Context, *, kms_instance_id: KmsInstanceId) -> DescribedInstance:
    """Describe one instance, whatever its status."""
    instance = _instance(ctx, kms_instance_id)
    details: InstanceDetails = {
        "InstanceId": instance.id,
        "InstanceName": instance.name,
        "Status": instance.status,
        "CreateTime": iso(instance.created),
        "Spec": instance.spec,
        "VpcNum": instance.vpc_num,
        "ZoneIds": list(instance.zones),
        "VswitchIds": list(instance.vswitches),
        "BindVpcs": {"BindVpc": [_bound_vpc(one) for one in instance.bound_vpcs]},
        "ChargeType": instance.charge_type,
        "ProductVersion": _PRODUCT_VERSION[instance.kind],
        "ProductType": _PRODUCT_TYPE[instance.charge_type],
        "SaleStatus": "Normal",  # inferred: no document names a value
        "Log": int(instance.log_storage > 0),
        "LogStorage": instance.log_storage,
        "DeletionProtection": instance.deletion_protection,
    }
    if instance.deletion_protection:
        details["DeletionProtectionDescription"] = instance.deletion_protection_description
    if instance.max_keys is not None:
        details["KeyNum"] = instance.max_keys
    if instance.max_secrets is not None:
        details["SecretNum"] = str(instance.max_secrets)  # a string on the wire, unlike KeyNum (behaviour.md 12)
    if instance.vpc is not None:
        details["VpcId"] = instance.vpc
    if instance.started is not None:
        details["StartDate"] = iso(instance.started)
    if instance.ends is not None:
        details["EndDate"] = iso(instance.ends)
    if instance.ca_certificate is not None:
        details["CaCertificateChainPem"] = instance.ca_certificate
    return {"KmsInstance": details}


def _bound_vpc(bound: BoundVpc) -> BoundVpcEntry:
    return {"RegionId": bound.region, "VpcId": bound.vpc, "VSwitchId": bound.vswitch, "VpcOwnerId": bound.owner}


@operation("ListKmsInstances", errors=(errors.ILLEGAL_TIMESTAMP, errors.INVALID_PARAMETER))
def list_kms_instances(
    ctx: Context, *, page_number: PageNumber = 1, page_size: PageSize = 20, filters: Filters | None = None
) -> InstancePage:
    """List the instances of this region in order of creation."""
    wanted = grouped(filters or [], _FILTER_KEYS)
    instances = [one for one in ctx.partition.instances.values() if _matches(one, wanted)]
    found, counts = page(instances, page_number, page_size)
    entries: list[InstanceEntry] = [{"KmsInstanceArn": one.arn, "KmsInstanceId": one.id} for one in found]
    return {"KmsInstances": {"KmsInstance": entries}, **counts}


def _matches(instance: Instance, wanted: dict[str, set[str]]) -> bool:
    has = {
        "InstanceId": instance.id,
        "KmsInstanceId": instance.id,
        "InstanceName": instance.name,
        "Status": instance.status,
        "ChargeType": instance.charge_type,
        "ProductVersion": _PRODUCT_VERSION[instance.kind],
        "VpcId": instance.vpc or "",
    }
    return all(has[key] in values for key, values in wanted.items())


@operation("GetDefaultKmsInstance")
def get_default_kms_instance(ctx: Context) -> DefaultInstance:
    """Name the default instance, which accounts have that came from KMS 1.0; "" for none (`# inferred`)."""
    default = ctx.partition.default_instance
    return {"DefaultKmsInstanceId": default.id if default is not None else ""}


@operation(
    "GetKmsInstanceQuotaInfos",
    errors=(errors.INVALID_PARAMETER_UNNAMED, errors.INSTANCE_STATE_INVALID, errors.INSTANCE_NOT_FOUND),
)
def get_kms_instance_quota_infos(
    ctx: Context, *, kms_instance_id: KmsInstanceId | None = None, resource_type: QuotaType | None = None
) -> QuotaInfos:
    """Say what an instance may hold and holds: of one kind of resource, or of all.

    Without an id it is about the default instance (`# inferred`: the answer has room for one). A quota that the
    fixture file lifts is left out. Requests per second are not counted here.
    """
    default = ctx.partition.default_instance
    if kms_instance_id is None and default is None:
        raise errors.INSTANCE_NOT_FOUND("There is no default KMS instance; KmsInstanceId names another.")
    instance_id = kms_instance_id or (default.id if default is not None else "")
    instance = _instance(ctx, instance_id)
    ctx.partition.connected_instance(instance.id)
    entries = _quotas(ctx, instance)
    return {
        "KmsInstanceId": instance.id,
        "KmsInstanceQuotaInfos": [one for one in entries if resource_type in (None, one["ResourceType"])],
    }


def _quotas(ctx: Context, instance: Instance) -> list[QuotaEntry]:
    rows: tuple[tuple[str, int | None, int], ...] = (
        ("key", instance.max_keys, used_versions(ctx.partition, instance.id)),
        ("secret", instance.max_secrets, used_secrets(ctx.partition, instance.id)),
        ("qps", instance.spec, 0),
        ("vpc", instance.vpc_num, instance.used_vpcs),
    )
    entries: list[QuotaEntry] = []
    for kind, quota, used in rows:
        entry: QuotaEntry = {"ResourceType": kind, "UsedQuantity": used}
        if quota is not None:
            entry["ResourceQuota"] = quota
        entries.append(entry)
    return entries


@operation(
    "ReleaseKmsInstance",
    errors=(
        errors.INVALID_PARAMETER_UNNAMED,
        errors.REJECTED_UNSUPPORTED,
        errors.INSTANCE_NOT_FOUND,
        errors.INSTANCE_NO_BACKUP,
        errors.SERVICE_UNVAILABLE,
        errors.DELETION_PROTECTED,  # not in its table: the prose says only that protection has to go first
    ),
)
def release_kms_instance(
    ctx: Context, *, kms_instance_id: KmsInstanceId, force_delete_without_backup: bool = False
) -> Empty:
    """Release a pay-as-you-go instance, with all that is in it; without a backup only by force."""
    instance = _instance(ctx, kms_instance_id, own=True)
    if instance.charge_type == "PREPAY":
        raise errors.REJECTED_UNSUPPORTED("A subscription instance cannot be released.")
    if instance.deletion_protection:
        raise errors.DELETION_PROTECTED(f"KMS instance {instance.id} is protected from deletion.")
    if not instance.backed_up and not force_delete_without_backup:
        raise errors.INSTANCE_NO_BACKUP(
            "The instance has no backup (`backed_up` in the fixture file); ForceDeleteWithoutBackup releases it anyway."
        )
    ctx.partition.remove_instance(instance)
    return {}


@operation(
    "UpdateKmsInstanceBindVpc",
    # inferred: no table is published
    errors=(
        errors.INVALID_PARAMETER_UNNAMED,
        errors.LIMIT_EXCEEDED,
        errors.INSTANCE_NOT_FOUND,
        errors.INSTANCE_STATE_INVALID,
    ),
)
def update_kms_instance_bind_vpc(ctx: Context, *, kms_instance_id: KmsInstanceId, bind_vpcs: BindVpcs) -> Empty:
    """Replace the further VPCs from which an instance can be reached; an empty list takes them all away."""
    home = ctx.partition
    if any(one.RegionId not in (None, home.region) for one in bind_vpcs):
        raise errors.INVALID_PARAMETER("The VPCs are in the region of the instance.", name="BindVpcs")
    if len({one.VpcId for one in bind_vpcs}) < len(bind_vpcs):  # inferred
        raise errors.INVALID_PARAMETER("A VPC is bound twice.", name="BindVpcs")
    instance = _instance(ctx, kms_instance_id, own=True)
    home.connected_instance(instance.id)
    bound = tuple(
        BoundVpc(one.VpcId, one.VSwitchId, home.region, str(one.VpcOwnerId or home.account.id)) for one in bind_vpcs
    )
    changed = replace(instance, bound_vpcs=bound)
    if changed.used_vpcs > instance.vpc_num:
        raise errors.LIMIT_EXCEEDED(f"KMS instance {instance.id} may be bound to {instance.vpc_num} VPCs in all.")
    home.instances[instance.id] = changed
    return {}
