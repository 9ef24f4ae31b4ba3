"""KMS instances: enable, describe, list, rename, quotas, further VPCs, release."""

from typing import NotRequired, TypedDict

from msgspec.structs import replace

from kms_mock.kms import errors, inferred
from kms_mock.kms.context import Context
from kms_mock.kms.model.instance import (
    BoundVpc,
    Instance,
    default_instance,
    instance_or_default,
    instances,
    new_ca_certificate,
)
from kms_mock.kms.model.quotas import used_secrets, used_versions
from kms_mock.kms.operations.results import Attributes, Empty, Page, filtered, page
from kms_mock.kms.parameters import (
    BindVpcs,
    Filters,
    InstanceName,
    KmProvider,
    KmsInstanceId,
    NetworkId,
    NetworkIds,
    PageNumber,
    PageSize,
    QuotaType,
)
from kms_mock.rpc.api import operation
from kms_mock.store.times import iso

_ZONES = 2  # an instance stands in two zones (api-docs ConnectKmsInstance)
_PRODUCT_VERSION = {"software": "3", "hardware": "5"}  # terraform-provider-alicloud, product_version
_PRODUCT_TYPE = {"PREPAY": "kms_ddi_public_cn", "POSTPAY": "kms_ppi_public_cn"}  # SDK, GetKmsInstance
_FILTERS: Attributes[Instance] = {
    "InstanceId": lambda instance: (instance.id,),
    "KmsInstanceId": lambda instance: (instance.id,),
    "InstanceName": lambda instance: (instance.name,),
    "Status": lambda instance: (instance.status,),
    "ChargeType": lambda instance: (instance.charge_type,),
    "ProductVersion": lambda instance: (_PRODUCT_VERSION[instance.kind],),
    "VpcId": lambda instance: (instance.vpc or "",),
}


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


_NO_INSTANCE: InstanceDetails = {
    "InstanceId": "",
    "InstanceName": "",
    "Status": "",
    "CreateTime": "",
    "Spec": 0,
    "VpcNum": 0,
    "ZoneIds": [],
    "VswitchIds": [],
    "BindVpcs": {"BindVpc": []},
    "ChargeType": "",
    "ProductVersion": "",
    "ProductType": "",
    "SaleStatus": "",
    "Log": 0,
    "LogStorage": 0,
    "DeletionProtection": False,
}


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


def _owned_instance(ctx: Context, instance_id: str) -> Instance:
    """Return an instance that the caller may do this with as its owner. Raises INSTANCE_NOT_FOUND, NO_PERMISSION_ON."""
    instance = ctx.instance(instance_id)
    if instance.owner != ctx.partition.account_id:
        raise errors.NO_PERMISSION_ON(
            f"KMS instance {instance.id} is shared by account {instance.owner}.", arn=instance.arn
        )
    return instance


@operation(
    "ConnectKmsInstance",
    errors=(
        errors.KMS_INVALID_PARAMETER,
        errors.REJECTED_UNSUPPORTED,
        errors.INSTANCE_NOT_FOUND,
        errors.INSTANCE_STATE_INVALID,
        errors.RAM_ROLE_NOT_FOUND,
    ),
    inferred=(
        inferred.NO_TABLE,
        inferred.INSTANCE_OWNER,
        inferred.INSTANCE_CA,
        (
            "The service takes minutes, as Connecting; here the instance is Connected at once: nothing else happens meanwhile "
            "that a client could see, and one that polls for Connected finds it."
        ),
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
    """Enable a software instance in a VPC; it is Connected at once."""
    if len(set(zone_ids)) != _ZONES:
        raise errors.INVALID_PARAMETER(f"An instance stands in {_ZONES} different zones.", name="ZoneIds")
    instance = _owned_instance(ctx, kms_instance_id)
    if instance.kind != "software":
        raise errors.REJECTED_UNSUPPORTED("A hardware instance is not enabled by this call.")
    ctx.partition[instances].put(
        replace(
            instance.after("connect"),
            vpc=vpc_id,
            zones=tuple(zone_ids),
            vswitches=tuple(v_switch_ids),
            started=ctx.now,
            ca_certificate=new_ca_certificate(instance.id, ctx.now, ctx.sources),
        )
    )
    return {}


@operation(
    "GetKmsInstance",
    errors=(errors.ILLEGAL_TIMESTAMP, errors.INSTANCE_NOT_FOUND, errors.INSTANCE_UNINITIALIZED),
    inferred=(
        "SaleStatus is always Normal: no document names a value.",
        "Of a missing instance every field is empty: Terraform's provider knows it by an empty InstanceId, and by no code.",
        inferred.INSTANCE_CA,
    ),
)
def get_kms_instance(ctx: Context, *, kms_instance_id: KmsInstanceId) -> DescribedInstance:
    """Describe one instance, whatever its status; a missing one with an empty id."""
    instance = ctx.maybe_instance(kms_instance_id)
    if instance is None:
        return {"KmsInstance": _NO_INSTANCE}
    details: InstanceDetails = {
        "InstanceId": instance.id,
        "InstanceName": instance.name,
        "Status": instance.status,
        "CreateTime": iso(instance.created),
        "Spec": instance.spec,
        "VpcNum": instance.vpc_num,
        "ZoneIds": list(instance.zones),
        "VswitchIds": list(instance.vswitches),
        "BindVpcs": {"BindVpc": [_bound_vpc(bound) for bound in instance.bound_vpcs]},
        "ChargeType": instance.charge_type,
        "ProductVersion": _PRODUCT_VERSION[instance.kind],
        "ProductType": _PRODUCT_TYPE[instance.charge_type],
        "SaleStatus": "Normal",
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


@operation(
    "ListKmsInstances",
    errors=(errors.ILLEGAL_TIMESTAMP, errors.INVALID_PARAMETER),
    inferred=(
        f"No document says which keys Filters takes: {', '.join(_FILTERS)}, as GetKmsInstance names the fields.",
    ),
    container="keystore",
)
def list_kms_instances(
    ctx: Context, *, page_number: PageNumber = 1, page_size: PageSize = 20, filters: Filters | None = None
) -> InstancePage:
    """List the instances of this region in order of creation."""
    matching = filtered(ctx.partition[instances].values(), filters, _FILTERS)
    found, counts = page(matching, page_number, page_size)
    entries: list[InstanceEntry] = [
        {"KmsInstanceArn": instance.arn, "KmsInstanceId": instance.id} for instance in found
    ]
    return {"KmsInstances": {"KmsInstance": entries}, **counts}


@operation(
    "GetDefaultKmsInstance",
    inferred=("Only accounts that came from KMS 1.0 have a default instance; the id is empty for others.",),
    container="keystore",
)
def get_default_kms_instance(ctx: Context) -> DefaultInstance:
    """Return the id of the default instance, "" for none."""
    default = default_instance(ctx.partition)
    return {"DefaultKmsInstanceId": default.id if default is not None else ""}


@operation(
    "GetKmsInstanceQuotaInfos",
    errors=(errors.KMS_INVALID_PARAMETER, errors.INSTANCE_STATE_INVALID, errors.INSTANCE_NOT_FOUND),
    inferred=(
        "Without KmsInstanceId the answer is about the default instance: it has room for a single one.",
        inferred.INSTANCE_VPCS,
    ),
)
def get_kms_instance_quota_infos(
    ctx: Context, *, kms_instance_id: KmsInstanceId | None = None, resource_type: QuotaType | None = None
) -> QuotaInfos:
    """Return what an instance may hold and holds: of one kind of resource, or of all.

    A quota that the fixture file lifts is left out. Requests per second are not counted here.
    """
    instance_id = instance_or_default(ctx.partition, kms_instance_id)
    if instance_id is None:
        raise errors.INSTANCE_NOT_FOUND("There is no default KMS instance; KmsInstanceId names another.")
    instance = ctx.instance(instance_id).after("use")
    entries = _quotas(ctx, instance)
    return {
        "KmsInstanceId": instance.id,
        "KmsInstanceQuotaInfos": [entry for entry in entries if resource_type in (None, entry["ResourceType"])],
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
        errors.KMS_INVALID_PARAMETER,
        errors.REJECTED_UNSUPPORTED,
        errors.INSTANCE_NOT_FOUND,
        errors.INSTANCE_NO_BACKUP,
        errors.KMS_SERVICE_UNAVAILABLE,
        errors.DELETION_PROTECTED,  # not in its table: the prose says only that protection has to go first
    ),
    inferred=(inferred.INSTANCE_OWNER,),
)
def release_kms_instance(
    ctx: Context, *, kms_instance_id: KmsInstanceId, force_delete_without_backup: bool = False
) -> Empty:
    """Release a pay-as-you-go instance, with all that is in it; without a backup only by force."""
    instance = _owned_instance(ctx, kms_instance_id)
    if instance.charge_type == "PREPAY":
        raise errors.REJECTED_UNSUPPORTED("A subscription instance cannot be released.")
    if instance.deletion_protection:
        raise errors.DELETION_PROTECTED(f"KMS instance {instance.id} is protected from deletion.")
    if not instance.backed_up and not force_delete_without_backup:
        raise errors.INSTANCE_NO_BACKUP(
            "The instance has no backup (`backed_up` in the fixture file); ForceDeleteWithoutBackup releases it anyway."
        )
    ctx.partition[instances].remove(instance)
    return {}


@operation(
    "UpdateKmsInstance",
    errors=(errors.KMS_INVALID_PARAMETER, errors.INSTANCE_NOT_FOUND),
    inferred=(
        (
            "Terraform's provider alone shows this operation: that its parameters are required and that it works in every "
            "status of the instance is ours."
        ),
        inferred.NO_TABLE,
        inferred.INSTANCE_OWNER,
    ),
)
def update_kms_instance(ctx: Context, *, kms_instance_id: KmsInstanceId, instance_name: InstanceName) -> Empty:
    """Rename an instance."""
    ctx.partition[instances].put(replace(_owned_instance(ctx, kms_instance_id), name=instance_name))
    return {}


@operation(
    "UpdateKmsInstanceBindVpc",
    errors=(
        errors.KMS_INVALID_PARAMETER,
        errors.LIMIT_EXCEEDED,
        errors.INSTANCE_NOT_FOUND,
        errors.INSTANCE_STATE_INVALID,
        errors.INSTANCE_IN_UPGRADE,
    ),
    inferred=(
        inferred.NO_TABLE,
        inferred.INSTANCE_OWNER,
        inferred.INSTANCE_VPCS,
        "A VPC that is named twice is refused.",
    ),
)
def update_kms_instance_bind_vpc(ctx: Context, *, kms_instance_id: KmsInstanceId, bind_vpcs: BindVpcs) -> Empty:
    """Replace the further VPCs from which an instance can be reached; an empty list takes them all away."""
    home = ctx.partition
    if any(entry.RegionId and entry.RegionId != home.region for entry in bind_vpcs):
        raise errors.INVALID_PARAMETER("The VPCs are in the region of the instance.", name="BindVpcs")
    if len({entry.VpcId for entry in bind_vpcs}) < len(bind_vpcs):
        raise errors.INVALID_PARAMETER("A VPC is bound twice.", name="BindVpcs")
    instance = _owned_instance(ctx, kms_instance_id).after("use")
    bound = tuple(
        BoundVpc(entry.VpcId, entry.VSwitchId, home.region, str(entry.VpcOwnerId or home.account_id))
        for entry in bind_vpcs
    )
    changed = replace(instance, bound_vpcs=bound)
    if changed.used_vpcs > instance.vpc_num:
        raise errors.LIMIT_EXCEEDED(f"KMS instance {instance.id} may be bound to {instance.vpc_num} VPCs in all.")
    ctx.partition[instances].put(changed)
    return {}
