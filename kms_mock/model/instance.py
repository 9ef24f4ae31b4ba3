"""KMS instances: they come from fixture files; keys and secrets may belong to one."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from kms_mock.crypto import material as key_material
from kms_mock.crypto import pem
from kms_mock.model.times import years_later
from kms_mock.sources import Sources

InstanceStatus = Literal["Uninitialized", "Connecting", "Connected", "Disconnected", "Error"]
InstanceKind = Literal["software", "hardware"]
ChargeType = Literal["PREPAY", "POSTPAY"]

_CA_YEARS = 20  # inferred: no document says how long the CA of an instance lives


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

    @property
    def used_vpcs(self) -> int:
        """How much of `vpc_num` is used: its own VPC and the further ones (`# inferred`)."""
        return (self.vpc is not None) + len(self.bound_vpcs)


def new_ca_certificate(instance_id: str, at: float, sources: Sources) -> str:
    """Make the CA certificate (PEM) of an instance. Nobody keeps the private key: this server speaks plain HTTP."""
    from kms_mock.crypto.self_signed import self_signed  # noqa: PLC0415 (only servers with instances need X.509)

    pair = key_material.generate("EC_P256", sources.random_bytes if sources.deterministic else None)
    name = f"Private KMS CA of {instance_id}"
    validity = (at, years_later(at, _CA_YEARS))
    return pem.encode("CERTIFICATE", self_signed(pair, name, sources.random_bytes(16), validity, authority=True))
