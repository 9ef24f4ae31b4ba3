"""Secrets, their versions and version stages.

A stage marks exactly one version, so the stages are kept as one map from stage to version id: it is the only truth
about what is current. All functions here give a new record and leave the old one as it was.
"""

from __future__ import annotations

import math
import re
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from kms_mock import errors

SecretType = Literal["Generic", "Rds", "Redis", "RAMCredentials", "ECS", "PolarDB"]
DataType = Literal["text", "binary"]

CURRENT = "ACSCurrent"
PREVIOUS = "ACSPrevious"
NAME = re.compile(r"[A-Za-z0-9_/+=.@-]+")
MAX_NAME_LENGTH = 192
MAX_VERSIONS = 10
MAX_STAGES = 8
MAX_DATA_BYTES = 30720
MAX_INTERVAL_HOURS = 365 * 24


class Sealed(Struct, frozen=True):
    """An encrypted secret value, under a version of the secret's key or under the partition's own service key."""

    nonce: bytes
    body: bytes
    key_version_id: str | None = None


class SecretVersion(Struct, frozen=True):
    """One version of a secret; its value is kept encrypted."""

    id: str
    created: float
    data_type: DataType
    sealed: Sealed


class Secret(Struct, frozen=True):
    """One secret. Times are seconds since 1970 UTC; `versions` is in order of creation."""

    name: str
    arn: str
    type: SecretType
    created: float
    updated: float
    creator: str
    versions: dict[str, SecretVersion] = {}
    stages: dict[str, str] = {}
    description: str = ""
    tags: dict[str, str] = {}
    policy: str | None = None
    encryption_key_id: str | None = None
    instance_id: str | None = None
    extended_config: dict[str, Any] | None = None
    rotation_interval: int | None = None
    last_rotation: float | None = None
    next_rotation: float | None = None
    planned_delete: float | None = None
    owning_service: str = ""

    @property
    def due(self) -> float:
        """When the next thing happens to this secret by itself; infinity for never."""
        if self.planned_delete is not None:  # a secret in its recovery window does not rotate
            return self.planned_delete
        return math.inf if self.next_rotation is None else self.next_rotation

    @property
    def managed(self) -> bool:
        """Whether KMS manages the value: every type but Generic."""
        return self.type != "Generic"

    def version(self, version_id: str) -> SecretVersion:
        """Give one version. Raises RESOURCE_NOT_FOUND."""
        found = self.versions.get(version_id)
        if found is None:
            raise errors.RESOURCE_NOT_FOUND(f"Secret {self.name} has no version {version_id[:64]}.")
        return found

    def staged(self, stage: str) -> SecretVersion:
        """Give the version that a stage marks. Raises RESOURCE_NOT_FOUND."""
        version_id = self.stages.get(stage)
        if version_id is None:
            raise errors.RESOURCE_NOT_FOUND(f"No version of secret {self.name} is marked {stage[:64]}.")
        return self.versions[version_id]

    def stages_of(self, version_id: str) -> list[str]:
        """Give the stages that mark a version."""
        return [stage for stage, marked in self.stages.items() if marked == version_id]


def check_data(data: str) -> None:
    """Check the size of a secret value (behaviour.md 7). Raises INVALID_PARAMETER."""
    if len(data.encode()) > MAX_DATA_BYTES:
        raise errors.INVALID_PARAMETER(f"SecretData has more than {MAX_DATA_BYTES} bytes.", name="SecretData")


def checked_interval(interval: int | None, least_hours: int) -> int:
    """Check the interval of automatic rotation, at most 365 days (behaviour.md 7). Raises INVALID_PARAMETER."""
    if interval is None:
        raise errors.INVALID_PARAMETER("Automatic rotation needs a RotationInterval.", name="RotationInterval")
    if not least_hours * 3600 <= interval <= MAX_INTERVAL_HOURS * 3600:
        raise errors.INVALID_PARAMETER(
            f"RotationInterval is {least_hours} to {MAX_INTERVAL_HOURS} hours.", name="RotationInterval"
        )
    return interval


def with_version(secret: Secret, version: SecretVersion, stages: list[str]) -> Secret:
    """Add a version and mark it (behaviour.md 7, PutSecretValue).

    Marking it ACSCurrent makes the former current version ACSPrevious, unless the request places ACSPrevious itself.
    Beyond ten versions the earliest goes, stages or not, except the current one (DESIGN 6).
    """
    marks = dict(secret.stages)
    former = marks.get(CURRENT)
    if CURRENT in stages and former is not None and PREVIOUS not in stages:
        marks[PREVIOUS] = former
    marks.update(dict.fromkeys(stages, version.id))
    versions = {**secret.versions, version.id: version}
    while len(versions) > MAX_VERSIONS:
        oldest = next(version_id for version_id in versions if version_id not in (marks[CURRENT], version.id))
        del versions[oldest]
        marks = {stage: marked for stage, marked in marks.items() if marked != oldest}
    if len(marks) > MAX_STAGES:
        raise errors.SECRET_LIMIT_EXCEEDED(
            f"Secret {secret.name} would have {len(marks)} stages, {MAX_STAGES} are allowed."
        )
    return replace(secret, versions=versions, stages=marks)


def with_stage_moved(secret: Secret, stage: str, remove_from: str | None, move_to: str | None) -> Secret:
    """Add, remove or move one stage (behaviour.md 7, UpdateSecretVersionStage). Only the named stage changes."""
    for version_id in (remove_from, move_to):
        if version_id is not None:
            secret.version(version_id)
    if remove_from is not None and secret.stages.get(stage) != remove_from:
        raise errors.SECRET_PARAM_MISMATCH(f"{stage[:64]} does not mark the version that RemoveFromVersion names.")
    marks = dict(secret.stages)
    if move_to is not None:
        marks[stage] = move_to
    elif stage in (CURRENT, PREVIOUS):
        raise errors.SECRET_STAGES_ABNORMAL(f"{stage} cannot just be removed: name the version to move it to.")
    else:
        del marks[stage]
    if len(marks) > MAX_STAGES:
        raise errors.SECRET_LIMIT_EXCEEDED(
            f"Secret {secret.name} would have {len(marks)} stages, {MAX_STAGES} are allowed."
        )
    return replace(secret, stages=marks)
