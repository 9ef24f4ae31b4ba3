"""The programs that are tested unchanged, and what they need to find."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

FOLDER = Path(__file__).parents[1] / "programs" / "applications"

# Every signature is verified: with the AccessKey that interception puts into the environment.
FIXTURE: dict[str, Any] = {
    "authentication": {"signatures": "verify", "unknown_access_keys": "refuse"},
    "secrets": [{"name": "db/password", "value": "hunter2"}],
    "keys": [{"id": "11111111-2222-4333-8444-555555555555", "aliases": ["alias/cards"]}],
    "accounts": [{"id": "1234567890123456", "access_keys": [{"id": "LTAI-test", "secret": "signs"}]}],
}

# Program -> what its `main` returns.
PROGRAMS = {
    "v2": "hunter2 4111 1111",
    "v1": "hunter2 4111 1111",
    "oss2_provider": "4111 1111",
    "secrets_client": "hunter2",
}
ASYNC_PROGRAMS = {"v2_async": "hunter2 4111 1111"}


def load(name: str) -> ModuleType:
    """Import a program."""
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
