"""Fixture files: what they may say, what is refused and how, and that nothing is loaded by halves."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest

from kms_mock import KmsMock, fixtures
from kms_mock.crypto.specs import KEY_SPECS
from kms_mock.defaults import DEFAULT_ACCOUNT, DEFAULT_REGION
from kms_mock.fixtures import FixtureError, yaml_files
from kms_mock.identity.accounts import account_of_access_key
from kms_mock.kms.model.key_states import KeyState
from kms_mock.kms.model.secret import secrets
from kms_mock.kms.model.subscription import subscription_of
from tests.support.in_process import START, InProcess
from tests.support.secrets import KEY_ID, RDS, RDS_VALUE, UNKNOWN_KEY_ID, sdk, value

FOLDER = Path(__file__).parents[1] / "fixtures"
RENEW = "kms-mock schema > fixtures/schema.json"
SECRET = {"name": "db", "value": "one"}
MANAGED = {"name": "rds", "type": "Rds", "extended_config": RDS, "value": RDS_VALUE}


def loaded(*documents: Any) -> InProcess:
    """Return a server with these fixtures."""
    server = InProcess()
    try:
        for document in documents:
            fixtures.load(server.store, document)
    finally:
        server.close()
    return server


def snapshot(server: InProcess) -> dict[str, Any]:
    return fixtures.snapshot(server.store)


# -- what can be loaded -----------------------------------------------------------------------------------------------


def test_every_file_of_the_project_loads() -> None:
    """Each file in fixtures/ loads by itself, into a server that answers."""
    files = [path for path in sorted(FOLDER.iterdir()) if path.name != "schema.json"]
    assert len(files) >= 1
    for path in files:
        with KmsMock([path]) as kms:
            assert kms.snapshot()["accounts"], path


def test_the_demo_holds_what_it_says() -> None:
    """The demo's secrets are there with their values, stages and tags."""
    with KmsMock([FOLDER / "demo.yaml"]) as kms:
        client = kms.client()
        assert value(client, "app/database-url") == "postgres://app:hunter2@db.internal/app"
        assert value(client, "app/signing-token") == "second-token"
        assert value(client, "app/signing-token", version_stage="ACSPrevious") == "first-token"
        assert json.loads(value(client, "rds/orders"))["AccountName"] == "orders"
        assert sdk(client, "DescribeSecret", secret_name="rds/orders")["AutomaticRotation"] == "Enabled"


def test_the_schema_is_fresh() -> None:
    """fixtures/schema.json is what the types say; renew it with the command in the message."""
    assert json.loads((FOLDER / "schema.json").read_text()) == fixtures.schema(), f"renew it: {RENEW}"


def test_every_field_is_described() -> None:
    """An editor says of each field what it means, and of each optional one its default; a key's spec has its choices."""
    definitions = fixtures.schema()["$defs"]
    assert len(definitions) >= 25
    for name, definition in definitions.items():
        assert definition["description"], name
        for field, described in definition["properties"].items():
            assert re.fullmatch("[A-Z].*[.]", described["description"]), f"{name}.{field}"
            assert ("default" in described) != (field in definition.get("required", ())), f"{name}.{field}"
    key = definitions["KeyDocument"]["properties"]
    assert key["spec"]["enum"] == list(KEY_SPECS)
    assert key["state"]["anyOf"][0]["enum"] == sorted(get_args(KeyState))


def test_the_files_fit_the_schema() -> None:
    """Each file in fixtures/ is valid by the JSON Schema that editors use."""
    schema = json.loads((FOLDER / "schema.json").read_text())
    for path in sorted(FOLDER.iterdir()):
        if path.name != "schema.json":
            jsonschema.validate(yaml_files.parse(path, path.read_text()), schema)


def test_json_and_yaml_say_the_same(tmp_path: Path) -> None:
    """A .json file is JSON, every other file YAML; both load to the same store."""
    document = {"secrets": [{**SECRET, "created": "2026-01-31", "tags": {"a": "b"}}]}
    (tmp_path / "one.json").write_text(json.dumps(document))
    (tmp_path / "two.yml").write_text(
        "secrets:\n- name: db\n  value: one\n  created: 2026-01-31  # stays a text\n  tags: {a: b}\n"
    )
    found = [snapshot(loaded(path)) for path in (tmp_path / "one.json", str(tmp_path / "two.yml"), document)]
    assert found[0] == found[1] == found[2]


def test_an_empty_file_is_an_empty_store(tmp_path: Path) -> None:
    """A file with nothing in it is fine."""
    (tmp_path / "empty.yaml").write_text("# nothing yet\n")
    assert snapshot(loaded(tmp_path / "empty.yaml")) == snapshot(loaded())


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("now", START),
        ("-90s", START - 90),
        ("+5m", START + 300),
        ("-2h", START - 7200),
        ("+3d", START + 3 * 86400),
        ("2027-01-15T08:00:00Z", START),
        ("2027-01-15T16:00:00+08:00", START),
        ("2027-01-15 08:00:00", START),
        ("2027-01-15", START - 8 * 3600),
    ],
)
def test_times_are_absolute_or_relative_to_loading(text: str, seconds: float) -> None:
    """A time is ISO 8601, without a zone UTC, or relative to the moment of loading."""
    server = loaded({"secrets": [{**SECRET, "created": text}]})
    secret = server.store.partition(DEFAULT_ACCOUNT, DEFAULT_REGION)[secrets].find("db")
    assert secret.created == seconds
    assert secret.versions["v1"].created == seconds


def test_files_add_up() -> None:
    """Several fixtures are one store: a later one may use what an earlier one has."""
    server = loaded({"keys": [{"id": KEY_ID}]}, {"secrets": [{**SECRET, "encryption_key": KEY_ID}]}, {"secrets": []})
    assert server.call("GetSecretValue", SecretName="db")[1]["SecretData"] == "one"


def test_resources_belong_to_accounts_and_regions() -> None:
    """What stands at the top is the default account's in the default region; the rest is where it says."""
    regions = [{"id": "cn-beijing", "secrets": [{"name": "db", "value": "beijing"}]}]
    keys = [{"id": "LTAI42"}]
    server = loaded({"secrets": [SECRET], "accounts": [{"id": "42", "access_keys": keys, "regions": regions}]})
    assert server.call("GetSecretValue", SecretName="db")[1]["SecretData"] == "one"
    theirs = server.call("GetSecretValue", SecretName="db", AccessKeyId="LTAI42", RegionId="cn-beijing")
    assert theirs[1]["SecretData"] == "beijing"
    assert server.call("GetSecretValue", SecretName="db", RegionId="cn-beijing")[0] == "Forbidden.ResourceNotFound"


def test_a_key_that_was_deleted_leaves_sealed_values() -> None:
    """A snapshot keeps the ciphertext of a value that cannot be opened any more, and loads again."""
    key = {"id": KEY_ID, "state": "PendingDeletion", "deletion_date": "+1d"}
    server = loaded({"keys": [key], "secrets": [{**SECRET, "encryption_key": KEY_ID}]})
    server.now += 2 * 86400
    server.call("ListSecrets")
    document = snapshot(server)
    version = document["accounts"][0]["regions"][0]["secrets"][0]["versions"][0]
    assert "data" not in version
    assert set(version["sealed"]) == {"nonce", "body", "key_version"}
    again = loaded(document)
    assert snapshot(again) == document
    assert again.call("GetSecretValue", SecretName="db")[0] == "Forbidden.KeyNotFound"


# -- what is refused --------------------------------------------------------------------------------------------------

NONCE = base64.b64encode(bytes(12)).decode()
SEALED = {"nonce": NONCE, "body": base64.b64encode(bytes(32)).decode()}


def versions(*given: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"secrets": [{"name": "db", "versions": list(given), **more}]}


def secret(**more: Any) -> dict[str, Any]:
    return {"secrets": [{**SECRET, **more}]}


V1 = {"id": "v1", "data": "x", "stages": ["ACSCurrent"]}

# (document, path inside it, words that the message has: what was expected, what was found)
UUID = "11111111-2222-4333-8444-555555555555"
POLICY = {"name": "p", "permissions": ["RbacPermission/Template/CryptoServiceKeyUser"], "resources": ["key/*"]}
WRONG: list[tuple[Any, str, tuple[str, ...]]] = [
    ([], "$", ("mapping", "list")),
    ({"secret": []}, "$", ("unknown field", "secret", "did you mean 'secrets'?", "instances, ")),
    ({"format": 2}, "$.format", ("1",)),
    ({"secrets": {}}, "$.secrets", ("list", "mapping")),
    ({"secrets": [{"value": "x"}]}, "$.secrets[0]", ("missing", "name")),
    ({"secrets": [{"name": 5}]}, "$.secrets[0].name", ("string", "integer", "quotes")),
    ({"secrets": [{"name": ""}]}, "$.secrets[0].name", ("at least 1 characters", "got 0")),
    ({"secrets": [{"name": "x" * 193, "value": "x"}]}, "$.secrets[0].name", ("192", "got 193")),
    ({"secrets": [{"name": "a b", "value": "x"}]}, "$.secrets[0].name", ("letters", "'a b'")),
    ({"secrets": [{"name": "db"}]}, "$.secrets[0]", ("either", "neither")),
    ({"secrets": [{**SECRET, "versions": [V1]}]}, "$.secrets[0]", ("either", "both")),
    ({"secrets": [SECRET, SECRET]}, "$.secrets[1].name", ("db", "already")),
    ({"keys": [{"id": "k", "material": "\u00e9"}]}, "$.keys[0].material", ("Base64",)),
    (secret(colour="red"), "$.secrets[0]", ("unknown field", "colour")),
    (secret(type="Mysql"), "$.secrets[0].type", ("Rds", "Mysql")),
    (secret(value="x" * 30721), "$.secrets[0].value", ("30720",)),
    (secret(tags={"acs:a": "b"}), "$.secrets[0].tags", ("acs:",)),
    (secret(tags={"port": 80}), "$.secrets[0].tags.port", ("string", "integer", "quotes")),
    (secret(tags={f"k{number}": "" for number in range(21)}), "$.secrets[0].tags", ("20", "21")),
    (secret(created="yesterday"), "$.secrets[0].created", ("ISO 8601", "-3d", "yesterday")),
    (secret(created="2026-13-01"), "$.secrets[0].created", ("ISO 8601", "2026-13-01")),
    (secret(created="+999999999999d"), "$.secrets[0].created", ("ISO 8601", "+999999999999d")),
    (secret(updated="-3w"), "$.secrets[0].updated", ("-3d", "-3w")),
    (secret(planned_delete="2026-02-30"), "$.secrets[0].planned_delete", ("2026-02-30",)),
    (secret(encryption_key=UNKNOWN_KEY_ID), "$.secrets[0].encryption_key", ("no key", UNKNOWN_KEY_ID)),
    (secret(instance="kst-9"), "$.secrets[0].instance", ("no instance", "kst-9")),
    (secret(creator="me"), "$.secrets[0].creator", ("1 to 20 digits", "me")),
    (secret(creator="12\n"), "$.secrets[0].creator", ("1 to 20 digits",)),
    (secret(created="now\n"), "$.secrets[0].created", ("ISO 8601",)),
    (secret(rotation_interval="7d"), "$.secrets[0].rotation_interval", ("Generic",)),
    (secret(extended_config=RDS), "$.secrets[0].extended_config", ("Generic",)),
    (secret(policy={"Version": "2", "Statement": []}), "$.secrets[0].policy.Version", ("1", "2")),
    (secret(policy={"Version": "1", "Statement": []}), "$.secrets[0].policy", ("statement",)),
    ({"secrets": [{**MANAGED, "extended_config": {}}]}, "$.secrets[0].extended_config", ("SecretSubType",)),
    ({"secrets": [{**MANAGED, "extended_config": None}]}, "$.secrets[0].extended_config", ("SecretSubType",)),
    ({"secrets": [{**MANAGED, "value": "hunter2"}]}, "$.secrets[0].value", ("AccountPassword",)),
    ({"secrets": [{**MANAGED, "value": '{"hunter2":"x"}'}]}, "$.secrets[0].value", ("AccountPassword",)),
    ({"secrets": [{**MANAGED, "rotation_interval": "0d"}]}, "$.secrets[0].rotation_interval", ("30d", "0d")),
    ({"secrets": [{**MANAGED, "rotation_interval": "7 d"}]}, "$.secrets[0].rotation_interval", ("30d", "7 d")),
    ({"secrets": [{**MANAGED, "rotation_interval": "99999d"}]}, "$.secrets[0].rotation_interval", ("99999d",)),
    ({"secrets": [{**MANAGED, "next_rotation": "+1d"}]}, "$.secrets[0].next_rotation", ("rotation_interval", "none")),
    (versions({"id": "v1"}), "$.secrets[0].versions[0]", ("either", "neither")),
    (versions({**V1, "sealed": SEALED}), "$.secrets[0].versions[0]", ("either", "both")),
    (versions({**V1, "id": ""}), "$.secrets[0].versions[0].id", ("at least 1 characters",)),
    (versions({**V1, "id": "x" * 65}), "$.secrets[0].versions[0].id", ("64",)),
    (versions(V1, V1), "$.secrets[0].versions[1].id", ("v1", "already")),
    (versions({**V1, "stages": []}), "$.secrets[0].versions", ("ACSCurrent", "none")),
    (versions({**V1, "stages": ["ACSCurrent", "a", "a"]}), "$.secrets[0].versions[0].stages[2]", ("'a'", "already")),
    (versions(V1, {**V1, "id": "v2"}), "$.secrets[0].versions[1].stages[0]", ("ACSCurrent", "already")),
    (versions({**V1, "stages": ["ACSCurrent", *map(str, range(8))]}), "$.secrets[0].versions", ("8", "9")),
    (versions(*({**V1, "id": str(n), "stages": []} for n in range(11))), "$.secrets[0].versions", ("10", "11")),
    (versions({**V1, "data_type": "blob"}), "$.secrets[0].versions[0].data_type", ("text", "binary", "blob")),
    (versions({**V1, "data": "x" * 30721}), "$.secrets[0].versions[0].data", ("30720",)),
    (versions({**V1, "created": "soon"}), "$.secrets[0].versions[0].created", ("ISO 8601", "soon")),
    (versions({"id": "v1", "sealed": SEALED}), "$.secrets[0].versions[0].sealed", ("encryption_key", "none")),
    (
        versions({"id": "v1", "sealed": {**SEALED, "nonce": "?"}}),
        "$.secrets[0].versions[0].sealed.nonce",
        ("Base64",),
    ),
    (
        versions({"id": "v1", "sealed": {**SEALED, "nonce": "AAAA"}}),
        "$.secrets[0].versions[0].sealed.nonce",
        ("12", "3"),
    ),
    (
        {"keys": [{"id": KEY_ID}], **versions({"id": "v1", "sealed": SEALED}, encryption_key=KEY_ID)},
        "$.secrets[0].versions[0].sealed",
        ("does not open",),
    ),
    (
        {"keys": [{"id": KEY_ID, "spec": "EC_P256"}], **secret(encryption_key=KEY_ID)},
        "$.secrets[0].encryption_key",
        ("EC_P256", "symmetric"),
    ),
    ({"keys": [{"id": "k", "spec": "DES"}]}, "$.keys[0].spec", ("Aliyun_AES_256", "DES")),
    ({"keys": [{"id": "k", "usage": "SIGN/VERIFY"}]}, "$.keys[0].usage", ("ENCRYPT/DECRYPT", "SIGN/VERIFY")),
    ({"keys": [{"id": "k", "next_rotation": "+1d"}]}, "$.keys[0].next_rotation", ("rotation_interval", "none")),
    ({"keys": [{"id": "k", "material": "?"}]}, "$.keys[0].material", ("Base64",)),
    ({"keys": [{"id": "k", "versions": [{"id": "V1"}]}]}, "$.keys[0].versions[0].id", ("UUID", "V1")),
    ({"keys": [{"id": "k", "aliases": ["app"]}]}, "$.keys[0].aliases[0]", ("alias/", "app")),
    ({"accounts": [{"id": "me"}]}, "$.accounts[0].id", ("digits", "me")),
    ({"keys": [{"id": "k", "state": "disabled"}]}, "$.keys[0].state", ("Enabled", "did you mean 'Disabled'?")),
    ({"accounts": [{"id": "1", "regions": [{"id": "CN"}]}]}, "$.accounts[0].regions[0].id", ("lower-case", "CN")),
    ({"accounts": [{"id": "1", "regions": [{"id": "cn\n"}]}]}, "$.accounts[0].regions[0].id", ("lower-case",)),
    (
        {"accounts": [{"id": "1", "access_keys": [{"id": "a"}, {"id": "a"}]}]},
        "$.accounts[0].access_keys[1].id",
        ("'a'", "twice"),
    ),
    (
        {"accounts": [{"id": "1", "access_keys": [{"id": "a"}]}, {"id": "2", "access_keys": [{"id": "a"}]}]},
        "$.accounts[1].access_keys[0].id",
        ("'a'", "twice"),
    ),
    (
        {"accounts": [{"id": "1", "regions": [{"id": "cn-beijing", **secret(value=1)}]}]},
        "$.accounts[0].regions[0].secrets[0].value",
        ("string", "integer", "quotes"),
    ),
    ({"authentication": {"signatures": "maybe"}}, "$.authentication.signatures", ("ignore", "verify", "maybe")),
    ({"keys": [{"id": "k", "origin": "EXTERNAL", "state": "Enabled"}]}, "$.keys[0].state", ("material", "Enabled")),
    ({"keys": [{"id": "k", "material": "AAAA", "versions": [{}]}]}, "$.keys[0].material", ("either", "versions")),
    (
        {"keys": [{"id": each, "versions": [{"id": UUID}]} for each in "ab"]},
        "$.keys[1].versions[0].id",
        (UUID, "twice"),
    ),
    ({"network_rules": [{"name": "r", "sources": ["here"]}]}, "$.network_rules[0].sources[0]", ("IP address",)),
    ({"network_rules": [{"name": "r", "sources": "{}"}]}, "$.network_rules[0].sources", ("list", "JSON text")),
    ({"access_policies": [{**POLICY, "resources": ["*"]}]}, "$.access_policies[0].resources[0]", ("key/<id>",)),
]


@pytest.mark.parametrize(("document", "path", "words"), WRONG, ids=[str(n) for n in range(len(WRONG))])
def test_what_is_wrong_says_where_and_what(tmp_path: Path, document: Any, path: str, words: tuple[str, ...]) -> None:
    """An error names the file, line and column, the path, what was expected and what was found, and never a secret value."""
    file = tmp_path / "wrong.json"
    file.write_text(json.dumps(document))
    with pytest.raises(FixtureError) as caught:
        loaded(file)
    error = caught.value
    assert error.source == str(file)
    assert error.path == path
    where = "" if path == "$" else f"{path}: "
    assert str(error) == f"{file}:{error.line}:{error.column}: {where}{error.problem}"
    assert all(word in error.problem for word in words), error.problem
    assert "hunter2" not in str(error)


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    """A missing file, a folder and bytes that are not UTF-8 are refused by name."""
    (tmp_path / "latin.yaml").write_bytes("name: käse".encode("latin-1"))
    for path in (tmp_path / "none.yaml", tmp_path, tmp_path / "latin.yaml"):
        with pytest.raises(FixtureError, match="cannot be read") as caught:
            loaded(path)
        assert caught.value.source == str(path)


@pytest.mark.parametrize(("document", "path", "words"), WRONG[1::4])
def test_nothing_is_loaded_by_halves(document: Any, path: str, words: tuple[str, ...]) -> None:  # noqa: ARG001 (of the table)
    """When anything is wrong the store is as it was, whatever came before the error."""
    before = {"keys": [{"id": "kept"}], "secrets": [{"name": "kept", "value": "x"}]}
    server = loaded(before)
    state, shown = server.store.state(), snapshot(server)
    good: dict[str, Any] = {
        "authentication": {"unknown_access_keys": "refuse"},
        "accounts": [{"id": "7", "access_keys": [{"id": "LTAI7"}], "regions": [{"id": "cn-x", "secrets": [SECRET]}]}],
        "keys": [{"id": "new", "aliases": ["alias/new"]}],
    }
    mixed: dict[str, Any] = {**good, **document}
    for table in ("keys", "accounts"):
        mixed[table] = [*good[table], *document.get(table, [])]
    with pytest.raises(FixtureError):
        fixtures.load(server.store, mixed)
    assert server.store.state() == state
    assert snapshot(server) == shown
    assert account_of_access_key(server.store, "LTAI7") is None


def test_the_constructor_refuses_too(tmp_path: Path) -> None:
    """KmsMock raises before anything listens, and load leaves a running server as it was."""
    file = tmp_path / "wrong.yaml"
    file.write_text("secrets: 5\n")
    with pytest.raises(FixtureError, match=r"wrong.yaml:1:10: \$.secrets: expected a list, got an integer"):
        KmsMock([file])
    with KmsMock([{"secrets": [SECRET]}]) as kms:
        before = kms.snapshot()
        with pytest.raises(FixtureError):
            kms.load({"secrets": [{"name": "new", "value": "x"}, SECRET]})
        assert kms.snapshot() == before


def test_a_reset_goes_back_to_the_fixtures() -> None:
    """After reset the store is as the fixtures made it: the values read, whatever happened meanwhile."""
    with KmsMock([{"secrets": [SECRET]}]) as kms:
        client, before = kms.client(), kms.snapshot()
        sdk(client, "DeleteSecret", secret_name="db", force_delete_without_recovery="true")
        sdk(client, "CreateSecret", secret_name="new", version_id="v1", secret_data="x")
        kms.reset()
        assert kms.snapshot() == before
        assert value(client) == "one"


def test_going_back_and_forth_between_states_keeps_values_readable() -> None:
    """A state taken before anything existed and one taken later can both be restored, in any order."""
    server = InProcess()
    empty = server.store.state()
    server.call("CreateSecret", SecretName="db", VersionId="v1", SecretData="one")
    full = server.store.state()
    server.store.restore(empty)
    server.call("CreateSecret", SecretName="db", VersionId="v1", SecretData="other")
    other = server.store.state()
    for state, expected in ((full, "one"), (other, "other"), (full, "one")):
        server.store.restore(state)
        assert server.call("GetSecretValue", SecretName="db")[1]["SecretData"] == expected
    server.close()


def test_yaml_is_imported_only_when_needed() -> None:
    """A server without YAML fixtures does not pay for importing PyYAML."""
    code = "import sys, kms_mock.mock; kms_mock.mock.KmsMock([{'secrets': []}]); sys.exit('yaml' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_later_file_keeps_what_it_does_not_say_of_an_account() -> None:
    """An account that is named again without a status keeps the one that an earlier file gave it."""
    account = {"id": "1000000000000001", "status": "InDebt", "real_name": False}
    mock = KmsMock([{"accounts": [account]}, {"accounts": [{"id": "1000000000000001", "quotas": {"keys": 5}}]}])
    found = subscription_of(mock.store, "1000000000000001")
    assert (found.status, found.real_name, found.quotas.keys) == ("InDebt", False, 5)
