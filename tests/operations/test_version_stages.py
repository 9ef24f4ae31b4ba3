"""UpdateSecretVersionStage, through the official SDK."""

from __future__ import annotations

from typing import Any

import pytest
from alibabacloud_kms20160120.client import Client

from kms_mock import KmsMock
from kms_mock.kms import errors
from tests.support.secrets import (
    allow,
    create,
    managed,
    put,
    ram_user,
    refuse,
    sdk,
    stages,
)


@pytest.fixture
def staged(client: Client) -> None:
    """Make a secret whose v1 is previous, v2 current and v3 blue."""
    create(client)
    put(client, "v2", "two")
    put(client, "v3", "three", version_stages='["blue"]')


def move(client: Client, stage: str, **fields: str) -> dict[str, Any]:
    """Call UpdateSecretVersionStage on `db`."""
    return sdk(client, "UpdateSecretVersionStage", secret_name="db", version_stage=stage, **fields)


@pytest.mark.parametrize(
    ("stage", "fields", "expected"),
    [
        ("green", {"move_to_version": "v1"}, {"v1": ["ACSPrevious", "green"], "v2": ["ACSCurrent"], "v3": ["blue"]}),
        ("blue", {"move_to_version": "v1"}, {"v1": ["ACSPrevious", "blue"], "v2": ["ACSCurrent"], "v3": []}),
        ("blue", {"remove_from_version": "v3"}, {"v1": ["ACSPrevious"], "v2": ["ACSCurrent"], "v3": []}),
        (
            "blue",
            {"remove_from_version": "v3", "move_to_version": "v2"},
            {"v1": ["ACSPrevious"], "v2": ["ACSCurrent", "blue"], "v3": []},
        ),
        (
            "ACSCurrent",
            {"remove_from_version": "v2", "move_to_version": "v3"},
            {"v1": ["ACSPrevious"], "v2": [], "v3": ["ACSCurrent", "blue"]},
        ),
        ("ACSCurrent", {"move_to_version": "v1"}, {"v1": ["ACSCurrent", "ACSPrevious"], "v2": [], "v3": ["blue"]}),
        ("ACSPrevious", {"move_to_version": "v3"}, {"v1": [], "v2": ["ACSCurrent"], "v3": ["ACSPrevious", "blue"]}),
    ],
    ids=["add", "add moves", "remove", "move", "move current", "current alone", "move previous"],
)
@pytest.mark.usefixtures("staged")
def test_stages_are_added_removed_and_moved(
    client: Client, stage: str, fields: dict[str, str], expected: dict[str, list[str]]
) -> None:
    """The three documented cases; only the named stage changes, and it marks one version."""
    assert set(move(client, stage, **fields)) == {"SecretName", "RequestId"}
    assert {name: sorted(marks) for name, marks in stages(client).items()} == expected


@pytest.mark.parametrize(
    ("stage", "fields", "error"),
    [
        ("blue", {}, errors.SECRET_INVALID_PARAMETER),
        ("x" * 65, {"move_to_version": "v1"}, errors.SECRET_INVALID_PARAMETER),
        ("blue", {"move_to_version": "v9"}, errors.SECRET_NOT_FOUND),
        ("blue", {"remove_from_version": "v9"}, errors.SECRET_NOT_FOUND),
        ("blue", {"remove_from_version": "v1"}, errors.SECRET_PARAM_MISMATCH),
        ("blue", {"remove_from_version": "v1", "move_to_version": "v2"}, errors.SECRET_PARAM_MISMATCH),
        ("green", {"remove_from_version": "v1"}, errors.SECRET_PARAM_MISMATCH),
        ("ACSCurrent", {"remove_from_version": "v2"}, errors.SECRET_STAGES_ABNORMAL),
        ("ACSPrevious", {"remove_from_version": "v1"}, errors.SECRET_STAGES_ABNORMAL),
    ],
)
@pytest.mark.usefixtures("staged")
def test_stage_refusals(
    kms: KmsMock, client: Client, stage: str, fields: dict[str, str], error: errors.ErrorSpec
) -> None:
    """Built-in stages cannot just be removed, both versions must exist, and the stage must be where it is taken from."""
    refuse(kms, client, error, "UpdateSecretVersionStage", secret_name="db", version_stage=stage, **fields)


def test_a_ninth_stage_is_refused(kms: KmsMock, client: Client) -> None:
    """A secret has at most eight stages in all; moving one of the eight is fine."""
    create(client)
    put(client, "v2", "two")
    for number in range(6):
        move(client, f"s{number}", move_to_version="v1")
    refuse(
        kms,
        client,
        errors.SECRET_LIMIT_EXCEEDED,
        "UpdateSecretVersionStage",
        secret_name="db",
        version_stage="s6",
        move_to_version="v1",
    )
    move(client, "s5", move_to_version="v2")


def test_stages_of_managed_and_deleted_secrets_are_fixed(kms: KmsMock, client: Client) -> None:
    """The operation is for generic secrets, and not within a recovery window."""
    managed(kms)
    kms.load({"secrets": [{"name": "gone", "value": "x", "planned_delete": "+7d"}]})
    operation = "UpdateSecretVersionStage"
    fields = {"version_stage": "blue", "move_to_version": "v1"}
    refuse(kms, client, errors.SECRET_STAGES_ABNORMAL, operation, secret_name="db", **fields)
    refuse(kms, client, errors.SECRET_IN_DELETE_WINDOW, operation, secret_name="gone", **fields)
    refuse(kms, client, errors.SECRET_NOT_FOUND, operation, secret_name="none", **fields)


def test_stages_need_the_permission(kms: KmsMock) -> None:
    """A RAM user without kms:UpdateSecretVersionStage is refused."""
    kms.load({**ram_user(allow("kms:PutSecretValue")), "secrets": [{"name": "db", "value": "x"}]})
    refuse(
        kms,
        kms.client(access_key_id="limited"),
        errors.NO_PERMISSION_ON,
        "UpdateSecretVersionStage",
        secret_name="db",
        version_stage="blue",
        move_to_version="v1",
    )
