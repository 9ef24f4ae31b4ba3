"""Rotation of managed secrets, by request and by itself, through the official SDK."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from alibabacloud_kms20160120.client import Client
from cryptography.hazmat.primitives import serialization

from kms_mock import KmsMock
from kms_mock.kms import errors
from tests.support.calls import outside
from tests.support.managed_secrets import (
    create_managed,
    current,
    double_users,
)
from tests.support.secrets import (
    ISO,
    KEY_ID,
    NO_SUCH_KEYS,
    RDS,
    RDS_VALUE,
    allow,
    create,
    ram_user,
    refuse,
    sdk,
    stages,
    value,
)


def rotate(client: Client, name: str, version_id: str = "v2") -> dict[str, Any]:
    """Rotate a secret now."""
    return sdk(client, "RotateSecret", secret_name=name, version_id=version_id)


def test_rotation_makes_a_new_current_version(client: Client) -> None:
    """RotateSecret answers Arn, SecretName and VersionId; the former current version becomes previous."""
    arn = create_managed(client, "rds single")["Arn"]
    answer = rotate(client, "db")
    assert {key: answer[key] for key in ("Arn", "SecretName", "VersionId")} == {
        "Arn": arn,
        "SecretName": "db",
        "VersionId": "v2",
    }
    assert stages(client, "db") == {"v1": ["ACSPrevious"], "v2": ["ACSCurrent"]}
    assert ISO.fullmatch(sdk(client, "DescribeSecret", secret_name="db")["LastRotationDate"])
    assert ISO.fullmatch(sdk(client, "GetSecretValue", secret_name="db")["LastRotationDate"])


def test_a_single_account_gets_a_new_password(client: Client) -> None:
    """SingleUser: the same account, another password of 32 characters; the old one stays as ACSPrevious."""
    create_managed(client, "rds single")
    rotate(client, "db")
    now = current(client, "db")
    assert now["AccountName"] == "app"
    assert len(now["AccountPassword"]) == 32
    assert current(client, "db", "ACSPrevious") == {"AccountName": "app", "AccountPassword": "first-app"}


@double_users
def test_double_users_swap(client: Client, kind: str, name: str, users: tuple[str, str]) -> None:
    """DoubleUsers: the previous account gets a new password and becomes current, the current one becomes previous."""
    create_managed(client, kind)
    first, second = current(client, name), current(client, name, "ACSPrevious")
    rotate(client, name, "r1")
    assert current(client, name)["AccountName"] == users[1]
    assert current(client, name)["AccountPassword"] != second["AccountPassword"]
    assert current(client, name, "ACSPrevious") == first
    middle = current(client, name)
    rotate(client, name, "r2")
    assert current(client, name)["AccountName"] == users[0]
    assert current(client, name)["AccountPassword"] != first["AccountPassword"]
    assert current(client, name, "ACSPrevious") == middle


def test_a_ram_secret_gets_a_new_access_key(client: Client) -> None:
    """RAMCredentials: a new AccessKey pair in the documented form, with the time of its making."""
    create_managed(client, "ram")
    rotate(client, "acs/ram/user/robot")
    now = current(client, "acs/ram/user/robot")
    assert list(now) == ["AccessKeyId", "AccessKeySecret", "GenerateTimestamp"]
    assert now["AccessKeyId"].startswith("LTAI")
    assert (len(now["AccessKeyId"]), len(now["AccessKeySecret"])) == (24, 30)
    assert now["GenerateTimestamp"] == sdk(client, "DescribeSecret", secret_name="acs/ram/user/robot")["UpdateTime"]
    assert current(client, "acs/ram/user/robot", "ACSPrevious")["AccessKeyId"] == "LTAI1"


def test_an_ecs_password_is_renewed(client: Client) -> None:
    """ECS Password: the same user, another password."""
    create_managed(client, "ecs password")
    rotate(client, "acs/ecs/web")
    now = current(client, "acs/ecs/web")
    assert now["UserName"] == "ecs-user"
    assert now["Password"] != "first"
    assert len(now["Password"]) == 32


def test_an_ecs_key_pair_is_renewed_and_fits(client: Client, tmp_path: Path) -> None:
    """ECS SSHKey: the private key is PEM that OpenSSH reads, and the public key is its other half."""
    create_managed(client, "ecs ssh")
    rotate(client, "acs/ecs/web")
    now = current(client, "acs/ecs/web")
    assert list(now) == ["UserName", "PublicKey", "PrivateKey"]
    assert now["PublicKey"].endswith(" imported-openssh-key")
    private = serialization.load_pem_private_key(now["PrivateKey"].encode(), None)
    line = private.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    assert now["PublicKey"].rpartition(" ")[0] == line.decode()
    file = tmp_path / "key"
    file.write_text(now["PrivateKey"])
    file.chmod(0o600)
    try:
        shown = subprocess.run(
            [outside("ssh-keygen"), "-y", "-f", file], capture_output=True, text=True, check=True
        ).stdout
    except FileNotFoundError:  # no OpenSSH here: the check above is the same one
        return
    assert shown.split()[:2] == now["PublicKey"].split()[:2]


def test_an_existing_version_id_is_ignored(kms: KmsMock, client: Client) -> None:
    """RotateSecret with a version id that exists succeeds and does nothing: a retry does not rotate twice."""
    create_managed(client, "rds single")
    rotate(client, "db")
    before = kms.snapshot()
    assert rotate(client, "db")["VersionId"] == "v2"
    assert rotate(client, "db", "v1")["VersionId"] == "v1"
    assert kms.snapshot() == before


def test_an_eleventh_rotation_rolls_off_the_earliest(client: Client) -> None:
    """A managed secret keeps ten versions too, and never loses current and previous."""
    create_managed(client, "rds double")
    for number in range(12):
        rotate(client, "db", f"r{number}")
    marks = stages(client, "db")
    assert list(marks) == [f"r{number}" for number in range(2, 12)]
    assert (marks["r11"], marks["r10"]) == (["ACSCurrent"], ["ACSPrevious"])


def test_rotation_refusals(kms: KmsMock, client: Client) -> None:
    """Not for generic secrets, not in the recovery window, and both parameters are required."""
    create(client, "generic")
    create_managed(client, "rds single")
    kms.load(
        {"secrets": [{"name": "x", "type": "Rds", "extended_config": RDS, "value": RDS_VALUE, "planned_delete": "+7d"}]}
    )
    operation = "RotateSecret"
    refuse(kms, client, errors.KMS_INVALID_PARAMETER, operation, secret_name="generic", version_id="v2")
    refuse(kms, client, errors.SECRET_IN_DELETE_WINDOW, operation, secret_name="x", version_id="v2")
    refuse(kms, client, errors.SECRET_NOT_FOUND, operation, secret_name="none", version_id="v2")
    missing = "The parameter  VersionId  needed but no provided."
    refuse(kms, client, errors.MISSING_PARAMETER, operation, message=missing, secret_name="db")


def test_fifty_rotations_an_hour(kms: KmsMock, client: Client) -> None:
    """An account may rotate 50 times an hour; a retry of a rotation that happened does not count."""
    create_managed(client, "rds single")
    create_managed(client, "ecs password")
    for number in range(50):
        rotate(client, ("db", "acs/ecs/web")[number % 2], f"r{number}")
    fields = {"secret_name": "db", "version_id": "r50"}
    refuse(kms, client, errors.REJECTED_THROTTLING, "RotateSecret", **fields)
    assert rotate(client, "db", "r48")["VersionId"] == "r48"


def test_rotation_by_hand_moves_the_next_date(kms: KmsMock, client: Client) -> None:
    """After RotateSecret the next automatic rotation is one interval later."""
    secret = {"name": "db", "type": "Rds", "extended_config": RDS, "value": RDS_VALUE, "rotation_interval": "7d"}
    kms.load({"secrets": [{**secret, "created": "-6d"}]})
    before = sdk(client, "DescribeSecret", secret_name="db")
    rotate(client, "db")
    after = sdk(client, "DescribeSecret", secret_name="db")
    assert after["NextRotationDate"] > before["NextRotationDate"]


# -- automatic rotation -----------------------------------------------------------------------------------------------


def due(kms: KmsMock, **more: Any) -> None:
    """Load an Rds secret that rotates every seven days."""
    secret = {"name": "db", "type": "Rds", "extended_config": RDS, "value": RDS_VALUE, "rotation_interval": "7d"}
    kms.load({"secrets": [{**secret, **more}]})


def test_a_due_rotation_happens_by_itself(kms: KmsMock, client: Client) -> None:
    """At its date the secret rotates: a new current version, made at that date, and the next date one interval on."""
    due(kms, created="2026-01-01T00:00:00Z", next_rotation="-1h")
    described = sdk(client, "DescribeSecret", secret_name="db")
    assert described["AutomaticRotation"] == "Enabled"
    assert described["LastRotationDate"] == described["UpdateTime"]
    marks = stages(client)
    assert len(marks) == 2
    assert marks["v1"] == ["ACSPrevious"]
    assert current(client, "db")["AccountPassword"] != "first"
    assert described["NextRotationDate"] > described["LastRotationDate"]


def test_missed_rotations_are_made_up_for(kms: KmsMock, client: Client) -> None:
    """A secret that was not looked at for three intervals has rotated three times, a week apart."""
    due(kms, created="-29d", last_rotation="-22d")
    versions = sdk(client, "ListSecretVersionIds", secret_name="db", include_deprecated="true")["VersionIds"]
    times = [one["CreateTime"] for one in versions["VersionId"]]
    assert len(times) == 4
    assert times == sorted(times)
    assert len(set(times)) == 4


def test_nothing_rotates_before_its_time(kms: KmsMock, client: Client) -> None:
    """Before its date a secret keeps its value."""
    due(kms, next_rotation="+1h")
    assert current(client, "db")["AccountPassword"] == "first"


def test_a_secret_in_its_recovery_window_does_not_rotate(kms: KmsMock, client: Client) -> None:
    """Rotation waits while the secret is planned for deletion, and is made up for when it is restored."""
    due(kms, next_rotation="-1h", planned_delete="+7d")
    assert list(stages(client)) == ["v1"]
    sdk(client, "RestoreSecret", secret_name="db")
    assert len(stages(client)) == 2


def test_a_rotation_whose_key_is_disabled_makes_it_invalid(kms: KmsMock, client: Client) -> None:
    """AutomaticRotation reads Invalid when KMS could not rotate; the value stays, no next date is given."""
    kms.load({"keys": [{"id": KEY_ID, "state": "Disabled"}]})
    due(kms, next_rotation="-1h", encryption_key=KEY_ID)
    described = sdk(client, "DescribeSecret", secret_name="db")
    assert (described["AutomaticRotation"], described["RotationInterval"]) == ("Invalid", "604800s")
    assert "NextRotationDate" not in described
    assert list(stages(client)) == ["v1"]
    with KmsMock([kms.snapshot()]) as later:  # and stays so in a snapshot
        assert sdk(later.client(), "DescribeSecret", secret_name="db")["AutomaticRotation"] == "Invalid"


def policy(client: Client, *, enable: bool | None, interval: str | None = None) -> dict[str, Any]:
    """Call UpdateSecretRotationPolicy on `db`."""
    fields = {"enable_automatic_rotation": enable, "rotation_interval": interval}
    return sdk(client, "UpdateSecretRotationPolicy", secret_name="db", **fields)


def test_rotation_is_switched_on_and_off(client: Client) -> None:
    """UpdateSecretRotationPolicy switches automatic rotation; when off, interval and date are gone."""
    create_managed(client, "rds single")
    assert set(policy(client, enable=True, interval="30d")) == {"SecretName", "RequestId"}
    described = sdk(client, "DescribeSecret", secret_name="db")
    assert (described["AutomaticRotation"], described["RotationInterval"]) == ("Enabled", "2592000s")
    policy(client, enable=False, interval="30d")  # ignored: the interval matters only with true
    described = sdk(client, "DescribeSecret", secret_name="db")
    assert described["AutomaticRotation"] == "Disabled"
    assert not {"RotationInterval", "NextRotationDate"} & set(described)


def test_the_first_rotation_is_one_interval_after_the_last_one(kms: KmsMock, client: Client) -> None:
    """The first automatic rotation is at the last rotation plus the interval."""
    due(kms, last_rotation="2100-01-01T00:00:00Z")
    policy(client, enable=True, interval="10d")
    assert sdk(client, "DescribeSecret", secret_name="db")["NextRotationDate"] == "2100-01-11T00:00:00Z"


def test_an_overdue_first_rotation_happens_at_once(kms: KmsMock, client: Client) -> None:
    """If that date has passed already the secret rotates at once."""
    kms.load(
        {"secrets": [{"name": "db", "type": "Rds", "extended_config": RDS, "value": RDS_VALUE, "created": "-30d"}]}
    )
    policy(client, enable=True, interval="7d")
    assert len(stages(client)) == 2
    described = sdk(client, "DescribeSecret", secret_name="db")
    assert described["LastRotationDate"] == described["UpdateTime"]


@pytest.mark.parametrize("interval", [None, "6h", "167h", "604799s", "366d", "8761h", "7", "d", "7 d", "7w"], ids=repr)
def test_the_policy_takes_7_to_365_days(kms: KmsMock, client: Client, interval: str | None) -> None:
    """An interval is required, in the form integer[unit], and between 168 and 8,760 hours."""
    create_managed(client, "rds single")
    fields = {"enable_automatic_rotation": True, "rotation_interval": interval}
    message = "The specified parameter RotationInterval is not valid."
    error = errors.INVALID_PARAMETER
    refuse(kms, client, error, "UpdateSecretRotationPolicy", message=message, secret_name="db", **fields)


def test_policy_refusals(kms: KmsMock, client: Client) -> None:
    """Not for generic, deleted or unknown secrets; the switch itself is required."""
    create(client, "generic")
    kms.load(
        {"secrets": [{"name": "x", "type": "Rds", "extended_config": RDS, "value": RDS_VALUE, "planned_delete": "+7d"}]}
    )
    fields: dict[str, Any] = {"enable_automatic_rotation": True, "rotation_interval": "7d"}
    operation = "UpdateSecretRotationPolicy"
    message = "The specified parameter SecretName is not valid."
    refuse(kms, client, errors.INVALID_PARAMETER, operation, message=message, secret_name="generic", **fields)
    refuse(kms, client, errors.SECRET_IN_DELETE_WINDOW, operation, secret_name="x", **fields)
    refuse(kms, client, errors.SECRET_NOT_FOUND, operation, secret_name="none", **fields)
    missing = "The parameter  EnableAutomaticRotation  needed but no provided."
    refuse(kms, client, errors.MISSING_PARAMETER, operation, message=missing, secret_name="generic")


def test_rotation_needs_the_permission(kms: KmsMock, client: Client) -> None:
    """A RAM user without kms:RotateSecret is refused, as is an unknown AccessKey when the fixture says so."""
    kms.load(ram_user(allow("kms:Get*")))
    create_managed(client, "rds single")
    limited = kms.client(access_key_id="limited")
    fields = {"secret_name": "db", "version_id": "v2"}
    refuse(kms, limited, errors.NO_PERMISSION_ON, "RotateSecret", **fields)
    kms.load(NO_SUCH_KEYS)
    refuse(kms, client, errors.INVALID_ACCESS_KEY_ID, "RotateSecret", **fields)


def test_a_seeded_server_rotates_the_same_way_every_time() -> None:
    """With a seed the rotated values repeat, key pairs included."""
    found = []
    for _ in range(2):
        with KmsMock(seed=3) as kms:
            client = kms.client()
            create_managed(client, "ecs ssh")
            rotate(client, "acs/ecs/web")
            found.append(value(client, "acs/ecs/web"))
    assert found[0] == found[1]
