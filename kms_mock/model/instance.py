"""KMS instances: they come from fixture files; keys and secrets may belong to one."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

InstanceStatus = Literal["Uninitialized", "Connecting", "Connected", "Disconnected", "Error"]
InstanceKind = Literal["software", "hardware"]


class Instance(Struct, frozen=True):
    """One KMS instance.

    `owner` is the account that bought it: in another account's partition it is a shared one. `max_keys` and
    `max_secrets` are its quotas, None for none.
    """

    id: str
    arn: str
    owner: str
    created: float
    kind: InstanceKind = "software"
    status: InstanceStatus = "Connected"
    max_keys: int | None = None
    max_secrets: int | None = None
