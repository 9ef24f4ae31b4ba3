"""What the tests of secrets share: short calls through the official SDK, and fixture documents."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import partial
from typing import Any

from alibabacloud_kms20160120 import models
from alibabacloud_kms20160120.client import Client
from Tea.exceptions import TeaException

from kms_mock import KmsMock
from kms_mock.defaults import DEFAULT_ACCOUNT
from kms_mock.kms.errors import ErrorSpec
from tests.support.calls import refused

OTHER_ACCOUNT = "9999999999999999"
KEY_ID = "11111111-2222-4333-8444-555555555555"
UNKNOWN_KEY_ID = "99999999-2222-4333-8444-555555555555"
ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

RDS = {"SecretSubType": "SingleUser", "DBInstanceId": "rm-1"}
RDS_VALUE = '{"AccountName":"app","AccountPassword":"first"}'
NO_SUCH_KEYS = {"authentication": {"unknown_access_keys": "refuse"}}


def sdk(client: Client, operation: str, **fields: Any) -> dict[str, Any]:
    """Call an operation through the official SDK's own method and models; give the body in wire spelling."""
    request = getattr(models, f"{operation}Request")(**fields)
    method = re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower()
    body: dict[str, Any] = getattr(client, method)(request).body.to_map()
    return body


def refuse(
    kms: KmsMock, client: Client, spec: ErrorSpec, operation: str, *, message: str | None = None, **fields: Any
) -> TeaException:
    """Call an operation that must be refused; see `refused`."""
    return refused(kms, spec, partial(sdk, client, operation, **fields), message=message)


def create(client: Client, name: str = "db", value: str = "one", **more: Any) -> dict[str, Any]:
    """Create a secret with a first version v1."""
    return sdk(client, "CreateSecret", **{"secret_name": name, "version_id": "v1", "secret_data": value, **more})


def put(client: Client, version_id: str, value: str, name: str = "db", **more: Any) -> dict[str, Any]:
    """Store a version."""
    return sdk(client, "PutSecretValue", secret_name=name, version_id=version_id, secret_data=value, **more)


def value(client: Client, name: str = "db", **more: Any) -> str:
    """Get a value."""
    return str(sdk(client, "GetSecretValue", secret_name=name, **more)["SecretData"])


def stages(client: Client, name: str = "db") -> dict[str, list[str]]:
    """Return every version with its stages."""
    listed = sdk(client, "ListSecretVersionIds", secret_name=name, include_deprecated="true", page_size=100)
    return {one["VersionId"]: one["VersionStages"]["VersionStage"] for one in listed["VersionIds"]["VersionId"]}


def moment(text: str) -> datetime:
    """Return a time of the API."""
    assert ISO.fullmatch(text)
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def names(listed: dict[str, Any]) -> list[str]:
    """Return the names of a page."""
    return [one["SecretName"] for one in listed["SecretList"]["Secret"]]


def all_secret_names(kms: KmsMock) -> list[str]:
    """The names of all secrets of the default partition, as a client sees them."""
    return names(sdk(kms.client(), "ListSecrets", page_size=100))


def stored_names(kms: KmsMock) -> list[str]:
    """The names of all secrets of the only partition there is, by the snapshot."""
    (account,) = kms.snapshot()["accounts"]
    (region,) = account["regions"]
    return [one["name"] for one in region["secrets"]]


def ram_user(*statements: dict[str, Any], key: str = "limited", account: str = DEFAULT_ACCOUNT) -> dict[str, Any]:
    """Return a fixture document with one RAM user and what RAM permits it."""
    policy = {"Version": "1", "Statement": list(statements)}
    return {"accounts": [{"id": account, "access_keys": [{"id": key, "user": key, "policy": policy}]}]}


def allow(*actions: str, resource: str = "*") -> dict[str, Any]:
    """Return a RAM statement."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource}


def resource_policy(*actions: str, principal: str, effect: str = "Allow") -> dict[str, Any]:
    """Return the policy of a secret or key with one statement."""
    statement = {"Effect": effect, "Principal": {"RAM": [principal]}, "Action": list(actions), "Resource": ["*"]}
    return {"Version": "1", "Statement": [statement]}


def in_instance(status: str = "Connected", **secret: Any) -> dict[str, Any]:
    """Return a fixture document with a secret `vault` in a KMS instance."""
    return {
        "instances": [{"id": "kst-1", "status": status}],
        "secrets": [{"name": "vault", "value": "one", "instance": "kst-1", **secret}],
    }


def managed(kms: KmsMock) -> None:
    """Load a managed secret with three versions."""
    versions = [
        {"id": "old", "data": RDS_VALUE.replace("first", "zeroth")},
        {"id": "v1", "data": RDS_VALUE, "stages": ["ACSPrevious"]},
        {"id": "v2", "data": RDS_VALUE.replace("first", "second"), "stages": ["ACSCurrent"]},
    ]
    kms.load({"secrets": [{"name": "db", "type": "Rds", "extended_config": RDS, "versions": versions}]})
