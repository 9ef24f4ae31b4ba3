"""How the subscriptions of instances are renewed."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from kms_mock.store.resource import Resource

RenewalStatus = Literal["AutoRenewal", "ManualRenewal", "NotRenewal"]
PeriodUnit = Literal["M", "Y"]


class Renewal(Struct, frozen=True):
    """The renewal of one instance: by itself for a period, by hand, or not at all."""

    instance_id: str
    status: RenewalStatus = "ManualRenewal"
    period: int | None = None
    unit: PeriodUnit = "M"


renewals = Resource(Renewal, "renewal", key=lambda renewal: renewal.instance_id)
