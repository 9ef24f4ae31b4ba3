"""What the tests of parity share: the SDK's configuration of a mock, and what a run left in one."""

from __future__ import annotations

from typing import Any

from alibabacloud_tea_openapi.models import Config

from kms_mock import KmsMock


def config_of(kms: KmsMock) -> Config:
    """Return the SDK's configuration for a mock that takes every AccessKey."""
    endpoint = kms.url.partition("://")[2]
    keys = {"access_key_id": "parity", "access_key_secret": "parity"}
    return Config(endpoint=endpoint, protocol="http", region_id="cn-hangzhou", **keys)


def left_behind(kms: KmsMock) -> dict[str, Any]:
    """Return the names in a mock, without keys that are planned for deletion."""
    regions = [region for account in kms.snapshot()["accounts"] for region in account.get("regions", [])]
    secrets = [secret["name"] for region in regions for secret in region.get("secrets", [])]
    keys = [key for region in regions for key in region.get("keys", [])]
    staying = [key["id"] for key in keys if key["state"] != "PendingDeletion"]
    return {"secrets": secrets, "keys": staying, "aliases": [name for key in keys for name in key.get("aliases", [])]}
