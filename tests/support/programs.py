"""The programs that are tested unchanged, and what they need to find."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.support.identities import ACCOUNT, OIDC, policy_document, trust

FOLDER = Path(__file__).parents[1] / "programs" / "applications"

SERVICE_ACCOUNT = "system:serviceaccount:default:app"
# Whom role `app` trusts: an ECS instance, a user, and one service account of Kubernetes.
APP_TRUST = policy_document(
    *trust(Service=["ecs.aliyuncs.com"])["Statement"],
    *trust(RAM=[f"acs:ram::{ACCOUNT}:user/ci"])["Statement"],
    *trust({"StringEquals": {"oidc:sub": SERVICE_ACCOUNT}}, Federated=[OIDC])["Statement"],
)

# Every signature is verified: with the AccessKey that interception puts into the environment.
FIXTURE: dict[str, Any] = {
    "authentication": {"signatures": "verify", "unknown_access_keys": "refuse"},
    "secrets": [{"name": "db/password", "value": "hunter2"}],
    "keys": [{"id": "11111111-2222-4333-8444-555555555555", "aliases": ["alias/cards"]}],
    "accounts": [
        {
            "id": ACCOUNT,
            "access_keys": [
                {"id": "LTAI-test", "secret": "signs"},
                {"id": "LTAI-ci", "secret": "assumes", "user": "ci"},
            ],
            "users": [{"name": "ci", "policies": ["AliyunSTSAssumeRoleAccess"]}],
            "roles": [{"name": "app", "policies": ["AliyunKMSSecretUserAccess"], "trust": APP_TRUST}],
            "oidc_providers": [{"name": "k8s"}],
        }
    ],
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
    return load_file(FOLDER / f"{name}.py")


def load_file(path: Path) -> ModuleType:
    """Import a file that is in no package; it finds its neighbours, as when Python runs it."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.parent))
    return module
