"""What an editor needs to know of fixture files: the JSON Schema, and settings of VS Code that name it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeGuard

SCHEMA = ".vscode/kms-mock.schema.json"
SETTINGS = ".vscode/settings.json"


class SettingsError(Exception):
    """Settings that cannot be changed without losing something in them: comments, schemas in a form that VS Code ignores."""


def schema_text() -> str:
    """Return the JSON Schema of fixture files."""
    from kms_mock import fixtures  # noqa: PLC0415 (--help must not wait for it)

    return json.dumps(fixtures.schema(), indent=2)


def wire_vscode(folder: Path, patterns: Sequence[str]) -> list[Path]:
    """Write the schema, and add it to the settings of a folder for files with these patterns; return what was written.

    Raises SettingsError, OSError.
    """
    settings = folder / SETTINGS
    found = _read(settings)
    wanted = _with_schema(found, patterns)
    schema = folder / SCHEMA
    schema.parent.mkdir(exist_ok=True)
    schema.write_text(f"{schema_text()}\n", encoding="utf-8")
    if wanted == found:
        return [schema]
    settings.write_text(f"{json.dumps(wanted, indent=2, ensure_ascii=False)}\n", encoding="utf-8")
    return [schema, settings]


def _read(settings: Path) -> dict[str, Any]:
    try:
        found = json.loads(settings.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError:  # comments, which VS Code allows
        found = None
    if not _can_take_schema(found):
        wanted = json.dumps({"yaml.schemas": {f"./{SCHEMA}": ["kms-mock*.yaml"]}})
        raise SettingsError(
            f"{settings} is not the plain JSON that VS Code writes, so it stays as it is; add to it by hand: {wanted}"
        )
    return found


def _can_take_schema(settings: Any) -> TypeGuard[dict[str, Any]]:
    if not isinstance(settings, dict):
        return False
    entries = settings.get("json.schemas", [])
    return (
        isinstance(settings.get("yaml.schemas", {}), dict)
        and isinstance(entries, list)
        and all(isinstance(entry, dict) for entry in entries)
    )


def _with_schema(settings: dict[str, Any], patterns: Sequence[str]) -> dict[str, Any]:
    """Return settings in which the YAML extension and VS Code itself use the schema."""
    url = f"./{SCHEMA}"
    yaml = {**settings.get("yaml.schemas", {}), url: list(patterns)}
    others = [entry for entry in settings.get("json.schemas", []) if entry.get("url") != url]
    as_json = [pattern.removesuffix(".yaml") + ".json" for pattern in patterns if pattern.endswith(".yaml")]
    return {**settings, "yaml.schemas": yaml, "json.schemas": [*others, {"fileMatch": as_json, "url": url}]}
