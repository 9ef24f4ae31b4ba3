"""The instance of `fixtures/instance.yaml`, and clients of its gateway."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from kms_mock import KmsMock, fixtures
from kms_mock.config import CLIENT_KEY_PASSWORD
from kms_mock.fixtures.client_keys import file_of
from kms_mock.kms.model.access import find_client_key

FIXTURE = Path(__file__).parents[2] / "fixtures" / "instance.yaml"
INSTANCE, HARDWARE = "kst-hzz65f0c1a2demo000000", "kst-hzz65f0c1a2demohsm000"
GOOD, EXPIRED = "KAAP.00000000-1111-4000-8000-000000000001", "KAAP.00000000-1111-4000-8000-000000000002"


def client_key_contents() -> dict[str, str]:
    """Return the texts of client key files: a good and an expired one, another's private key, an unknown id."""
    kms = KmsMock([FIXTURE])
    partition = next(found for found in kms.store.partitions() if found.region == kms.config.default_region)
    good, expired = (
        file_of(find_client_key(partition, key)[1], CLIENT_KEY_PASSWORD).content for key in (GOOD, EXPIRED)
    )
    unknown = json.dumps({**json.loads(good), "KeyId": "KAAP.unknown"})
    wrong = json.dumps({**json.loads(expired), "KeyId": GOOD})
    return {"good": good, "expired": expired, "wrong": wrong, "unknown": unknown}


def write_client_keys(folder: Path) -> None:
    """Write these files, for programs in other languages."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in client_key_contents().items():
        (folder / f"{name}.json").write_text(content, "utf-8")


def document() -> Any:
    """Return the fixture document."""
    return fixtures.read(FIXTURE)[1]


if __name__ == "__main__":
    write_client_keys(Path(sys.argv[1]))
