"""Secrets, their versions and version stages.

A stage marks exactly one version, so the stages are kept as one map from stage to version id: nothing else says what
is current. Records are frozen: what changes one returns a new one.
"""

from __future__ import annotations

import math
from operator import attrgetter
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from kms_mock.kms import errors
from kms_mock.kms.model import secret_types
from kms_mock.kms.model.rotation import Rotations
from kms_mock.kms.model.sealing import Sealed, seal, unseal
from kms_mock.kms.model.secret_types import SecretType, Values
from kms_mock.rpc.errors import ApiError
from kms_mock.store.changes import changed_fields
from kms_mock.store.events import Event, Settling
from kms_mock.store.partition import Partition
from kms_mock.store.resource import Resource

DataType = Literal["text", "binary"]

CURRENT = "ACSCurrent"
PREVIOUS = "ACSPrevious"
MAX_VERSIONS = 10
MAX_STAGES = 8
MAX_DATA_BYTES = 30720
_MOST_BYTES = 4  # of a character in UTF-8

_FIELDS_TOLD = {"planned_delete", "versions", "stages", "updated", "last_rotation", "next_rotation"}


class SecretVersion(Struct, frozen=True, gc=False):
    """One version of a secret; its value is kept encrypted."""

    id: str
    created: float
    data_type: DataType
    sealed: Sealed


class Secret(Struct, frozen=True, gc=False):
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
        """Return one version. Raises SECRET_NOT_FOUND."""
        found = self.versions.get(version_id)
        if found is None:
            raise errors.SECRET_NOT_FOUND(f"Secret {self.name} has no version {version_id[:64]}.")
        return found

    def staged(self, stage: str) -> SecretVersion:
        """Return the version that a stage marks. Raises SECRET_NOT_FOUND."""
        version_id = self.stages.get(stage)
        if version_id is None:
            raise errors.SECRET_NOT_FOUND(f"No version of secret {self.name} is marked {stage[:64]}.")
        return self.versions[version_id]

    def stages_of(self, version_id: str) -> list[str]:
        """Return the stages that mark a version."""
        found = []
        for stage, marked in self.stages.items():  # no comprehension: it is a call before Python 3.12, in every read
            if marked == version_id:
                found.append(stage)
        return found

    def value(self, partition: Partition, version: SecretVersion, *, at_rest: bool = False) -> bytes:
        """Return the decrypted value of a version. A disabled or deleted key refuses as it does in Decrypt."""
        return unseal(partition, self.name, version.id, version.sealed, self.encryption_key_id, at_rest=at_rest)

    def with_value(  # noqa: PLR0917 (a value with all that it comes with)
        self,
        partition: Partition,
        version_id: str,
        data: str,
        stages: list[str],
        at: float,
        data_type: DataType = "text",
    ) -> Secret:
        """Return the secret with one more version, encrypted and marked; see `with_version`."""
        sealed = seal(partition, self.name, version_id, data.encode(), self.encryption_key_id)
        return with_version(self, SecretVersion(version_id, at, data_type, sealed), stages)

    def rotated(self, partition: Partition, version_id: str, at: float) -> Secret:
        """Return a managed secret with a fresh current version; the former one becomes ACSPrevious."""
        current, *previous = (
            self.value(partition, self.staged(stage)).decode() for stage in (CURRENT, PREVIOUS) if stage in self.stages
        )
        values, config = Values(current, *previous), self.extended_config or {}
        data = secret_types.rotated_value(self.type, config, values, at, partition.sources.random_bytes)
        changed = self.with_value(partition, version_id, data, [CURRENT], at)
        return replace(changed, last_rotation=at, updated=at)

    def happen(self, partition: Partition, at: float, settling: Settling) -> Event:
        """Do what is due at this time: the purge at the end of the recovery window, or a rotation.

        Of many rotations, the first (it may fail) and the last ones happen: no more versions would be left of all.
        """
        table = partition[secrets]
        if self.planned_delete == at:
            table.remove(self)
            return Event(at, "secret purged", self.arn)
        version_id = partition.sources.new_id()
        try:
            rotated = self.rotated(partition, version_id, at)
        except ApiError as error:  # its key is disabled or deleted: the service calls such a rotation Invalid
            table.put(replace(self, next_rotation=None))
            return Event(at, "secret rotated", self.arn, f"failed: {error.spec.code}")
        rotations = Rotations(at, self.rotation_interval, settling.now, min(settling.most, MAX_VERSIONS))
        table.put(replace(rotated, next_rotation=rotations.following))
        return Event(at, "secret rotated", self.arn, rotations.describe(version_id), rotations.count)

    def changes_from(self, before: Secret) -> list[str]:
        """Return what changed since a former record of this secret, in words."""
        lines = []
        if before.planned_delete is None and self.planned_delete is not None:
            lines.append(f"planned the deletion of secret {self.name}")
        if before.planned_delete is not None and self.planned_delete is None:
            lines.append(f"restored secret {self.name}")
        added = [version for version in self.versions if version not in before.versions]
        removed = [version for version in before.versions if version not in self.versions]
        lines += [f"secret {self.name} got version {version}" for version in added]
        lines += [f"secret {self.name} lost version {version}" for version in removed]
        lines += [
            f"version {version} of secret {self.name} is {stage} now"
            for stage, version in self.stages.items()
            if before.stages.get(stage) != version
        ]
        lines += [f"secret {self.name} has no {stage} any more" for stage in before.stages if stage not in self.stages]
        return lines + changed_fields(f"secret {self.name}", before, self, _FIELDS_TOLD)


def check_data_size(data: str) -> None:
    """Check the size of a secret value (behaviour.md 7). Raises INVALID_PARAMETER."""
    if len(data) > MAX_DATA_BYTES // _MOST_BYTES and len(data.encode()) > MAX_DATA_BYTES:
        raise errors.INVALID_PARAMETER(f"SecretData has more than {MAX_DATA_BYTES} bytes.", name="SecretData")


def with_version(secret: Secret, version: SecretVersion, stages: list[str]) -> Secret:
    """Add a version and mark it (behaviour.md 7, PutSecretValue).

    Marking it ACSCurrent makes the former current version ACSPrevious, unless the request places ACSPrevious itself.
    Beyond ten versions the earliest without a stage goes; with at most 8 stages there always is one (design.md 6).
    """
    marks = dict(secret.stages)
    former = marks.get(CURRENT)
    if CURRENT in stages and former is not None and PREVIOUS not in stages:
        marks[PREVIOUS] = former
    marks.update(dict.fromkeys(stages, version.id))
    if len(marks) > MAX_STAGES:
        raise errors.SECRET_LIMIT_EXCEEDED(
            f"Secret {secret.name} would have {len(marks)} stages, {MAX_STAGES} are allowed."
        )
    versions = {**secret.versions, version.id: version}
    staged = {*marks.values(), version.id}
    while len(versions) > MAX_VERSIONS:
        del versions[next(version_id for version_id in versions if version_id not in staged)]
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


class RecentRotations(Struct, frozen=True):
    """When RotateSecret was called within the last hour, in one partition: its calls are limited (behaviour.md 7)."""

    times: tuple[float, ...] = ()


secrets = Resource(
    Secret,
    "secret",
    key=attrgetter("name"),
    missing=errors.SECRET_NOT_FOUND,
    milestones=lambda secret: [f"stage {stage}" for stage in secret.stages],
)
recent_rotations = Resource(RecentRotations, "recent rotations", key=lambda _: "", logged=False)


def live_secret(partition: Partition, name: str) -> Secret:
    """Return a secret that may be changed. Raises SECRET_NOT_FOUND, SECRET_IN_DELETE_WINDOW (design.md 6)."""
    found = partition[secrets].find(name)
    if found.planned_delete is not None:
        raise errors.SECRET_IN_DELETE_WINDOW(f"Secret {name} is in its recovery window; RestoreSecret brings it back.")
    return found
