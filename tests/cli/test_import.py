"""`kms-mock import`: a fixture file from an account, which here is another mock's."""

from __future__ import annotations

import base64
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from alibabacloud_credentials.utils import auth_util
from alibabacloud_kms20160120.client import Client
from alibabacloud_kms20160120.models import CreateSecretRequest
from click.testing import CliRunner, Result

from kms_mock import KmsMock
from kms_mock.cli import main
from kms_mock.fixtures.writing import write_document, yaml_text
from tests.support.cli import run_command
from tests.support.secrets import sdk

KEY = "11111111-2222-4333-8444-555555555555"
OTHER = "22222222-2222-4333-8444-555555555555"
OLD, NEW = "33333333-2222-4333-8444-555555555555", "44444444-2222-4333-8444-555555555555"
ACCOUNT = "1234567890123456"
POLICY = {
    "Version": "1",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"RAM": [f"acs:ram::{ACCOUNT}:*", "acs:ram::9876543210987654:user/ops"]},
            "Action": ["kms:*"],
            "Resource": ["*"],
        }
    ],
}
SOURCE: dict[str, Any] = {
    "instances": [{"id": "kst-hzz62ca0c95ibqcvkzwvm"}],
    "keys": [
        {"id": KEY, "aliases": ["alias/app", "alias/old"], "tags": {"team": "a"}, "description": "of the app"},
        {
            "id": OTHER,
            "spec": "RSA_2048",
            "usage": "SIGN/VERIFY",
            "instance": "kst-hzz62ca0c95ibqcvkzwvm",
            "policy": POLICY,
        },
        {"id": "waiting", "origin": "EXTERNAL"},
        {"id": "disabled", "state": "Disabled", "rotation_interval": "365d"},
        {"id": "leaving", "state": "PendingDeletion", "deletion_date": "+7d", "deletion_protection": False},
        {
            "id": "rotated",
            "created": "-20d",
            "rotation_interval": "30d",
            "last_rotation": "-7d",
            "creator": "9876543210987654",
            "deletion_protection": True,
            "versions": [{"id": OLD, "created": "-20d"}, {"id": NEW, "created": "-7d"}],
        },
    ],
    "secrets": [
        {
            "name": "app/db",
            "encryption_key": KEY,
            "tags": {"env": "test"},
            "description": "the database",
            "versions": [
                {"id": "v1", "data": "an-old-passphrase-4711", "created": "-3d"},
                {"id": "v2", "data": "previous-Passphrase/0815", "stages": ["ACSPrevious"], "created": "-2d"},
                {
                    "id": "v3",
                    "data": '{"user": "schneider", "password": "Pa55-w0rd!x", "port": 5432, "tls": true, "ratio": 0.25}',
                    "stages": ["ACSCurrent", "blue"],
                    "created": "-1d",
                },
            ],
        },
        {
            "name": "app/key",
            "versions": [{"id": "v1", "data": "AAECAwQFBgcICQ==", "data_type": "binary", "stages": ["ACSCurrent"]}],
        },
        {"name": "gone", "value": "soon-deleted-value", "planned_delete": "+5d"},
        {
            "name": "rds",
            "type": "Rds",
            "extended_config": {"SecretSubType": "SingleUser", "DBInstanceId": "rm-1"},
            "value": '{"AccountName":"dbaccount","AccountPassword":"longpassword"}',
            "rotation_interval": "7d",
        },
        {
            "name": "acs/ram/user/alice",
            "type": "RAMCredentials",
            "extended_config": {"SecretSubType": "RamUserAccessKey", "UserName": "alice"},
            "value": '{"AccessKeyId":"LTAI5tRealRealReal","AccessKeySecret":"real-key-secret","GenerateTimestamp":"2026-01-01T00:00:00Z"}',
            "rotation_interval": "7d",
            "rotation_failed": True,
        },
    ],
}
VALUES = [
    "an-old-passphrase-4711",
    "previous-Passphrase/0815",
    "schneider",
    "Pa55-w0rd!x",
    "AAECAwQFBgcICQ==",
    "soon-deleted-value",
    "longpassword",
    "LTAI5tRealRealReal",
    "real-key-secret",
]


@pytest.fixture
def source(sdk_credentials: None) -> Any:  # noqa: ARG001 (it is for its effect)
    """The account to import."""
    with KmsMock([SOURCE]) as kms:
        yield kms


def run(source: KmsMock, output: Path, *options: str, **more: Any) -> Result:
    """Run the command."""
    arguments = ["import", "--region", "cn-hangzhou", "--endpoint", source.url, "-o", str(output), *options]
    return CliRunner().invoke(main, arguments, **more)


def imported(source: KmsMock, output: Path, *options: str) -> KmsMock:
    """Run the command, and return a mock of what it wrote."""
    result = run(source, output, *options)
    assert result.exit_code == 0, result.output
    return KmsMock([output])


def described(client: Client, operation: str, **fields: Any) -> dict[str, Any]:
    """Return an answer without what differs from call to call."""
    answer = sdk(client, operation, **fields)
    return {name: value for name, value in answer.items() if name != "RequestId"}


QUESTIONS: list[tuple[str, dict[str, Any]]] = [
    ("ListKeys", {"page_size": 100}),
    ("ListAliases", {"page_size": 100}),
    ("ListSecrets", {"page_size": 100, "fetch_tags": "true"}),
    ("ListResourceTags", {"key_id": KEY}),
    ("GetKeyPolicy", {"key_id": OTHER, "policy_name": "default"}),
    *[("DescribeKey", {"key_id": key["id"]}) for key in SOURCE["keys"]],
    *[("DescribeSecret", {"secret_name": secret["name"], "fetch_tags": "true"}) for secret in SOURCE["secrets"]],
    *[
        ("ListSecretVersionIds", {"secret_name": secret["name"], "include_deprecated": "true"})
        for secret in SOURCE["secrets"]
    ],
]


def test_everything_but_values_is_the_same(source: KmsMock, tmp_path: Path) -> None:
    """Names, ids, states, stages, tags, policies and dates answer alike; the values are others, and no value was read."""
    with imported(source, tmp_path / "f.yaml") as copy:
        for operation, fields in QUESTIONS:
            before, after = (described(kms.client(), operation, **fields) for kms in (source, copy))
            assert after == before, operation
        assert sdk(copy.client(), "GetSecretValue", secret_name="app/db")["VersionStages"]["VersionStage"] == [
            "ACSCurrent",
            "blue",
        ]
    source.calls.assert_not_called("GetSecretValue")
    actions = {call.action for call in source.calls}
    assert all(action.startswith(("List", "Describe")) or action.endswith("Policy") for action in actions)
    text = (tmp_path / "f.yaml").read_text(encoding="utf-8")
    assert not [value for value in VALUES if value in text]


def test_with_values_the_shapes_are_the_same(source: KmsMock, tmp_path: Path) -> None:
    """JSON keeps its keys and the kinds of its values, text its length and pattern; nothing of a value is there."""
    with imported(source, tmp_path / "f.yaml", "--with-values", "--yes") as copy:
        client = copy.client()
        made = json.loads(sdk(client, "GetSecretValue", secret_name="app/db")["SecretData"])
        assert {name: type(value) for name, value in made.items()} == {
            "user": str,
            "password": str,
            "port": int,
            "tls": bool,
            "ratio": float,
        }
        assert (len(made["user"]), len(made["password"]), len(str(made["port"]))) == (9, 11, 4)
        previous = sdk(client, "GetSecretValue", secret_name="app/db", version_stage="ACSPrevious")["SecretData"]
        assert (len(previous), previous[8], previous[19]) == (len("previous-Passphrase/0815"), "-", "/")
        assert sdk(client, "GetSecretValue", secret_name="app/key")["SecretDataType"] == "binary"
    text = (tmp_path / "f.yaml").read_text(encoding="utf-8")
    assert not [value for value in VALUES if value in text]


PEM = "-----BEGIN PRIVATE KEY-----\nMIIBVWIBADANBG\n-----END PRIVATE KEY-----\n"


@pytest.mark.usefixtures("sdk_credentials")
@pytest.mark.parametrize(
    ("value", "form"),
    [
        ("4711", "[0-9]{4}"),
        ('["one", {"port": 80}]', r'\["[a-z]{3}", \{"port": 9[0-9]\}\]'),
        ('{"a":null,"b":"","c":"1","d":-0.5}', r'\{"a":null,"b":"","c":"[0-9]","d":9\.[0-9]\}'),
        ("- / -", "[a-z]{5}"),  # nothing in it can be another character
        ("Grüße, 汉字!", "[A-Z][a-z]{4}, [a-z]{3}"),
        (PEM, "-----BEGIN PRIVATE KEY-----\n[A-Z]{14}\n-----END PRIVATE KEY-----\n"),
    ],
)
def test_a_made_up_value_has_the_shape_of_the_real_one(value: str, form: str, kms: KmsMock, tmp_path: Path) -> None:
    """Kinds, lengths, spaces in JSON and the frame of PEM stay; letters and digits are others."""
    kms.load({"secrets": [{"name": "s", "value": value}]})
    with imported(kms, tmp_path / "f.yaml", "--with-values", "--yes") as copy:
        made = sdk(copy.client(), "GetSecretValue", secret_name="s")["SecretData"]
    assert re.fullmatch(form, made), made
    assert made != value


@pytest.mark.usefixtures("sdk_credentials")
def test_binary_data_that_is_no_base64(kms: KmsMock, tmp_path: Path) -> None:
    """The service takes any text for it; the made-up value is Base64 of as many bytes."""
    kms.client().create_secret(
        CreateSecretRequest(secret_name="s", version_id="v1", secret_data="no base64!", secret_data_type="binary")
    )
    with imported(kms, tmp_path / "f.yaml", "--with-values", "--yes") as copy:
        made = sdk(copy.client(), "GetSecretValue", secret_name="s")
    assert (len(base64.b64decode(made["SecretData"], validate=True)), made["SecretDataType"]) == (10, "binary")


def test_a_run_repeats(source: KmsMock, tmp_path: Path) -> None:
    """The same account and seed make the same file, whichever thread read what first; another seed makes another."""
    one, again, other = (tmp_path / f"{name}.yaml" for name in ("one", "again", "other"))
    for output, options in ((one, ()), (again, ("--threads", "1")), (other, ("--seed", "1"))):
        assert run(source, output, "--secrets", "app/*", *options).exit_code == 0
    assert one.read_text(encoding="utf-8") == again.read_text(encoding="utf-8") != other.read_text(encoding="utf-8")


def test_selected_secrets_bring_their_keys(source: KmsMock, tmp_path: Path) -> None:
    """--secrets selects secrets and the keys that protect them, --keys keys by id or alias."""
    with imported(source, tmp_path / "s.yaml", "--secrets", "app/*") as copy:
        snapshot = copy.snapshot()["accounts"][0]["regions"][0]
    assert [secret["name"] for secret in snapshot["secrets"]] == ["app/db", "app/key"]
    assert [key["id"] for key in snapshot["keys"]] == [KEY]
    with imported(source, tmp_path / "k.json", "--keys", "ol*") as copy:
        snapshot = copy.snapshot()["accounts"][0]["regions"][0]
    assert [key["id"] for key in snapshot["keys"]] == [KEY]
    assert "secrets" not in snapshot


def test_account_ids_are_replaced(source: KmsMock, tmp_path: Path) -> None:
    """With --pseudonymise no account id is left, and one id is always replaced by the same other one."""
    assert run(source, tmp_path / "f.yaml", "--pseudonymise").exit_code == 0
    text = (tmp_path / "f.yaml").read_text(encoding="utf-8")
    assert source.config.account not in text
    assert ACCOUNT not in text
    assert "9876543210987654" not in text
    with KmsMock([tmp_path / "f.yaml"]) as copy:
        policy = sdk(copy.client(), "GetKeyPolicy", key_id=OTHER, policy_name="default")["Policy"]
    first, second = json.loads(policy)["Statement"][0]["Principal"]["RAM"]
    assert first.split(":")[3] != second.split(":")[3]


def test_without_account_ids_nothing_is_replaced(source: KmsMock, tmp_path: Path) -> None:
    """A secret without a policy names no account: the file is the same with --pseudonymise."""
    plain, other = tmp_path / "plain.json", tmp_path / "other.json"
    assert run(source, plain, "--secrets", "app/key").exit_code == 0
    assert run(source, other, "--secrets", "app/key", "--pseudonymise").exit_code == 0
    assert plain.read_bytes() == other.read_bytes()


def test_what_is_deleted_meanwhile_is_left_out_with_a_warning(source: KmsMock, tmp_path: Path) -> None:
    """A secret or a key that is gone when it is read; a secret whose key is gone comes without it."""
    source.fail("DescribeSecret", code="Forbidden.ResourceNotFound", resource="app/key")
    source.fail("DescribeKey", code="Forbidden.KeyNotFound", resource=KEY)
    result = run(source, tmp_path / "f.json", "--secrets", "app/*")
    assert result.exit_code == 0, result.output
    assert "warning: app/key was deleted meanwhile; left out\n" in result.output
    assert f"warning: {KEY} was deleted meanwhile; left out\n" in result.output
    assert f"warning: app/db: its key {KEY} was deleted; left out\n" in result.output
    document = json.loads((tmp_path / "f.json").read_text(encoding="utf-8"))
    assert [secret["name"] for secret in document["secrets"]] == ["app/db"]
    assert "keys" not in document


def test_throttled_calls_are_repeated(source: KmsMock, tmp_path: Path) -> None:
    """Throttling makes the import wait, not fail, and the summary says how often."""
    source.fail("DescribeSecret", code="Rejected.Throttling", times=3)
    source.fail("ListSecrets", code="Rejected.Throttling", times=1)
    result = run(source, tmp_path / "f.yaml")
    assert result.exit_code == 0
    assert "4 calls had to wait" in result.output


def test_what_may_not_be_read_is_left_out_with_a_warning(source: KmsMock, tmp_path: Path) -> None:
    """A policy that the caller may not read is a warning, told once; any other refusal names its resource."""
    source.fail("GetSecretPolicy", code="Forbidden.NoPermission")
    result = run(source, tmp_path / "f.yaml")
    assert result.exit_code == 0
    assert result.output.count("GetSecretPolicy was refused with Forbidden.NoPermission; left out") == 1
    source.fail("DescribeSecret", code="Forbidden.NoPermission", resource="app/db")
    result = run(source, tmp_path / "g.yaml")
    assert result.exit_code == 1
    assert "app/db: DescribeSecret was refused with Forbidden.NoPermission" in result.output
    assert not (tmp_path / "g.yaml").exists()
    source.reset()
    source.fail("ListResourceTags", code="InvalidParameter", resource=KEY)
    result = run(source, tmp_path / "g.yaml")
    assert result.exit_code == 1
    assert f"{KEY}: ListResourceTags was refused with InvalidParameter" in result.output


def test_without_credentials_it_stops_at_once(source: KmsMock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No call is tried, and none repeated, where the vendor's chain finds no credentials."""
    monkeypatch.setattr(auth_util, "environment_access_key_id", "")
    monkeypatch.setattr(auth_util, "environment_ecs_metadata_disabled", "true")
    result = run(source, tmp_path / "f.yaml")
    assert result.exit_code == 1
    assert "no credentials" in result.output
    assert not list(source.calls)


def test_without_the_sdk_it_names_what_to_install(
    source: KmsMock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SDK is an extra."""
    monkeypatch.setitem(sys.modules, "alibabacloud_tea_openapi.models", None)  # it is not installed
    result = run(source, tmp_path / "f.yaml")
    assert result.exit_code == 1
    assert 'pip install "kms-mock[sdk]"' in result.output


def test_a_profile_of_the_vendors_files(kms: KmsMock, tmp_path: Path) -> None:
    """--profile chooses whose AccessKey asks."""
    names = {"default": "LTAIdefault", "other": "LTAIother"}
    profiles = [
        {"name": name, "mode": "AK", "access_key_id": key_id, "access_key_secret": "x"}
        for name, key_id in names.items()
    ]
    (tmp_path / ".aliyun").mkdir()
    (tmp_path / ".aliyun" / "config.json").write_text(json.dumps({"current": "default", "profiles": profiles}))
    arguments = ["import", "--region", "cn-hangzhou", "--endpoint", kms.url, "--force", "-o", str(tmp_path / "f.yaml")]
    for options in ([], ["--profile", "other"]):
        run_command(*arguments, *options, environment={"HOME": str(tmp_path)})
    assert list(dict.fromkeys(call.access_key_id for call in kms.calls)) == list(names.values())


def test_nothing_is_overwritten_and_values_are_asked_for(source: KmsMock, tmp_path: Path) -> None:
    """A file that exists stays, and without an answer no value is read."""
    output = tmp_path / "f.yaml"
    output.write_text("mine", encoding="utf-8")
    assert "--force replaces it" in run(source, output).output
    assert output.read_text(encoding="utf-8") == "mine"
    assert run(source, tmp_path / "g.yaml", "--with-values", input="n\n").exit_code == 1
    assert not (tmp_path / "g.yaml").exists()
    assert not list(source.calls)


def test_a_file_that_cannot_be_written(source: KmsMock, tmp_path: Path) -> None:
    """A missing folder is told before anything is read; what the file system refuses at the end, with its reason."""
    result = run(source, tmp_path / "missing" / "f.yaml")
    assert (result.exit_code, result.output.splitlines()[-1]) == (
        2,
        f"Error: there is no folder {tmp_path / 'missing'}",
    )
    assert not list(source.calls)
    longest = tmp_path / ("x" * 255)  # the unfinished file beside it has a longer name
    result = run(source, longest)
    assert (result.exit_code, result.output) == (1, f"Error: cannot write {longest}: File name too long\n")
    assert not list(tmp_path.iterdir())


def test_a_file_is_written_whole_or_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that fails leaves what was there, and nothing beside it."""
    output = tmp_path / "f.yaml"
    write_document(output, {"secrets": [{"name": "a", "value": "b"}]}, "one\ntwo")
    before = output.read_text(encoding="utf-8")
    assert before == "# one\n# two\n" + yaml_text({"secrets": [{"name": "a", "value": "b"}]})

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write_document(output, {})
    assert output.read_text(encoding="utf-8") == before
    assert [file.name for file in tmp_path.iterdir()] == ["f.yaml"]
