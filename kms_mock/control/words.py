"""Changes of the store in words: what a request did, what a test did since a checkpoint."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kms_mock.model.account import Account
from kms_mock.model.key import Key
from kms_mock.model.secret import Secret
from kms_mock.model.table import Change

_SINGULAR = {"aliases": "alias", "policies": "policy", "secrets": "secret", "keys": "key"}
_STATES = {
    ("Enabled", "Disabled"): "disabled",
    ("Disabled", "Enabled"): "enabled",
    ("PendingDeletion", "Enabled"): "cancelled the deletion of",
    ("PendingDeletion", "PendingImport"): "cancelled the deletion of",
}


def describe(changes: Iterable[Change]) -> list[str]:
    """Say what the changes did, one line for each effect."""
    return [line for change in changes for line in _lines(change)]


def difference(before: dict[str, Any], after: dict[str, Any]) -> list[Change]:
    """Compare two states of a store (`Store.state`); give the changes that lead from one to the other."""
    accounts = {name: before["accounts"].get(name, Account(name)) for name in after["accounts"]}
    changes = [Change("accounts", name, accounts[name], account) for name, account in after["accounts"].items()]
    changes = [change for change in changes if change.before != change.after]
    places = dict.fromkeys([*before["partitions"], *after["partitions"]])
    for place in places:
        old, new = before["partitions"].get(place, {}), after["partitions"].get(place, {})
        for table in [name for name in (new or old) if isinstance((new or old)[name], dict)]:
            changes += _table_difference(table, old.get(table, {}), new.get(table, {}))
    return changes


def _table_difference(table: str, old: dict[str, Any], new: dict[str, Any]) -> list[Change]:
    if not hasattr(next(iter({**old, **new}.values()), None), "__struct_fields__"):
        return []  # an index, not a table of records
    changes = [Change(table, key, old.get(key), record) for key, record in new.items() if old.get(key) is not record]
    changes += [Change(table, key, record, None) for key, record in old.items() if key not in new]
    return [change for change in changes if change.before != change.after]


def _lines(change: Change) -> list[str]:
    kind = _SINGULAR.get(change.table, change.table.removesuffix("s").replace("_", " "))
    before, after = change.before, change.after
    # The id of an import token is the token.
    name = f"for key {(after or before).key_id}" if change.table == "import_tokens" else change.id
    if before is None:
        return [f"created {kind} {name}"]
    if after is None:
        return [f"deleted {kind} {name}"]
    if isinstance(after, Key):
        return _key_lines(before, after)
    if isinstance(after, Secret):
        return _secret_lines(before, after)
    return _other_fields(kind, name, before, after, set())


def _key_lines(before: Key, after: Key) -> list[str]:
    lines = []
    if before.state != after.state:
        verb = _STATES.get((before.state, after.state))
        if after.state == "PendingDeletion":
            lines.append(f"scheduled key {after.id} for deletion")
        elif verb:
            lines.append(f"{verb} key {after.id}")
    if before.has_material != after.has_material:
        lines.append(f"{'imported material into' if after.has_material else 'removed the material of'} key {after.id}")
    lines += [f"key {after.id} got version {version}" for version in after.versions if version not in before.versions]
    known = {
        "state",
        "versions",
        "primary_version",
        "deletion_date",
        "last_rotation",
        "next_rotation",
        "former_digest",
    }
    return lines + _other_fields("key", after.id, before, after, known)


def _secret_lines(before: Secret, after: Secret) -> list[str]:
    lines = []
    if before.planned_delete is None and after.planned_delete is not None:
        lines.append(f"planned the deletion of secret {after.name}")
    if before.planned_delete is not None and after.planned_delete is None:
        lines.append(f"restored secret {after.name}")
    lines += [
        f"secret {after.name} got version {version}" for version in after.versions if version not in before.versions
    ]
    lines += [
        f"secret {after.name} lost version {version}" for version in before.versions if version not in after.versions
    ]
    for stage, version in after.stages.items():
        if before.stages.get(stage) != version:
            lines.append(f"version {version} of secret {after.name} is {stage} now")
    lines += [f"secret {after.name} has no {stage} any more" for stage in before.stages if stage not in after.stages]
    known = {"planned_delete", "versions", "stages", "updated", "last_rotation", "next_rotation"}
    return lines + _other_fields("secret", after.name, before, after, known)


def _other_fields(kind: str, name: str, before: Any, after: Any, known: set[str]) -> list[str]:
    changed = [
        field.replace("_", " ")
        for field in after.__struct_fields__
        if field not in known and getattr(before, field) != getattr(after, field)
    ]
    return [f"changed {', '.join(changed)} of {kind} {name}"] if changed else []
