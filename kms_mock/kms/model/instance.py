"""KMS instances: made by fixture files and by orders; keys and secrets may belong to one."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from kms_mock.crypto import material as key_material
from kms_mock.crypto import pem
from kms_mock.kms import errors
from kms_mock.kms.model.instance_states import InstanceEvent, InstanceStatus, next_status
from kms_mock.kms.model.key import keys
from kms_mock.kms.model.secret import secrets
from kms_mock.sources import Sources
from kms_mock.store.partition import Partition
from kms_mock.store.resource import Resource
from kms_mock.store.times import years_later

InstanceKind = Literal["software", "hardware"]
ChargeType = Literal["PREPAY", "POSTPAY"]

_CA_YEARS = 20


class BoundVpc(Struct, frozen=True):
    """One further VPC from which an instance can be reached."""

    vpc: str
    vswitch: str
    region: str
    owner: str


class Instance(Struct, frozen=True):
    """One KMS instance. Times are seconds since 1970 UTC.

    `owner` is the account that bought it: in another account's partition it is a shared one. `max_keys` and
    `max_secrets` are its quotas, None for none; `spec` is its performance in requests per second. `is_default` marks
    the instance that GetDefaultKmsInstance names. `ca_certificate` is PEM and there once it was enabled.
    """

    id: str
    arn: str
    owner: str
    created: float
    kind: InstanceKind = "software"
    status: InstanceStatus = "Connected"
    max_keys: int | None = 1000
    max_secrets: int | None = 1000
    deletion_protection: bool = False
    deletion_protection_description: str = ""
    name: str = ""
    spec: int = 1000
    vpc_num: int = 5
    vpc: str | None = None
    zones: tuple[str, ...] = ()
    vswitches: tuple[str, ...] = ()
    bound_vpcs: tuple[BoundVpc, ...] = ()
    charge_type: ChargeType = "POSTPAY"
    log_storage: int = 0
    started: float | None = None
    ends: float | None = None
    is_default: bool = False
    backed_up: bool = False
    ca_certificate: str | None = None
    tags: dict[str, str] = {}

    @property
    def used_vpcs(self) -> int:
        """How much of `vpc_num` is used: its own VPC and the further ones."""
        return (self.vpc is not None) + len(self.bound_vpcs)

    def after(self, event: InstanceEvent) -> Instance:
        """Return the instance as it is after an event; raise the refusal if its status does not allow the event."""
        status = next_status(event, self.status, self.id)
        return self if status == self.status else replace(self, status=status)


def _remove_contents(partition: Partition, instance: Instance) -> None:
    """Remove the keys, their aliases and the secrets of an instance that is removed (api-docs ReleaseKmsInstance)."""
    for key in [key for key in partition[keys].values() if key.instance_id == instance.id]:
        partition[keys].remove(key)
    for secret in [secret for secret in partition[secrets].values() if secret.instance_id == instance.id]:
        partition[secrets].remove(secret)


instances = Resource(Instance, "instance", missing=errors.INSTANCE_NOT_FOUND, on_remove=_remove_contents)


def default_instance(partition: Partition) -> Instance | None:
    """Return the instance that is meant when a request names none, or None (api-docs GetDefaultKmsInstance)."""
    return next((instance for instance in partition[instances].values() if instance.is_default), None)


def instance_or_default(partition: Partition, instance_id: str | None) -> str | None:
    """Return the id of the instance that a new key or secret goes into, None for none."""
    if instance_id is None and partition[instances]:
        default = default_instance(partition)
        return None if default is None else default.id
    return instance_id


def connected_instance(partition: Partition, instance_id: str) -> Instance:
    """Return an instance that works. Raises INSTANCE_NOT_FOUND, INSTANCE_STATE_INVALID."""
    return partition[instances].find(instance_id).after("use")


def new_ca_certificate(instance_id: str, at: float, sources: Sources) -> str:
    """Make the CA certificate (PEM) of an instance. Nobody keeps the private key: this server speaks plain HTTP."""
    from kms_mock.crypto.self_signed import self_signed  # noqa: PLC0415 (only servers with instances need X.509)

    pair = key_material.generate("EC_P256", sources.random_bytes if sources.deterministic else None)
    name = f"Private KMS CA of {instance_id}"
    validity = (at, years_later(at, _CA_YEARS))
    return pem.encode("CERTIFICATE", self_signed(pair, name, sources.random_bytes(16), validity, authority=True))
