"""`kms-mock run --record`: what a program did not find is in the fixture file that it writes."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from alibabacloud_tea_openapi.exceptions import ClientException
from darabonba.exceptions import UnretryableException

from kms_mock import KmsMock, recording
from kms_mock.fixtures import reader
from kms_mock.recording import Recording
from tests.support.calls import call
from tests.support.cli import run_program

PROGRAM = """
import base64, hashlib
from alibabacloud_kms20160120 import models
from alibabacloud_kms20160120.client import Client
from alibabacloud_tea_openapi.utils_models import Config
client = Client(Config(access_key_id="mock", access_key_secret="mock", endpoint="kms.cn-hangzhou.aliyuncs.com"))
client.put_secret_value(models.PutSecretValueRequest(secret_name="db", version_id="v1", secret_data="new"))
print(client.get_secret_value(models.GetSecretValueRequest(secret_name="db")).body.secret_data)
client.get_secret_value(models.GetSecretValueRequest(secret_name="api"))
client.get_secret_value(models.GetSecretValueRequest(secret_name="api", version_stage="green"))
client.encrypt(models.EncryptRequest(key_id="alias/cards", plaintext="eA=="))
client.describe_key(models.DescribeKeyRequest(key_id="alias/signer"))
client.asymmetric_sign(models.AsymmetricSignRequest(
    key_id="alias/signer", key_version_id="11111111-2222-4333-8444-555555555555", algorithm="ECDSA_SHA_256",
    digest=base64.b64encode(hashlib.sha256(b"text").digest()).decode()))
"""


class Missing:
    """A mock whose calls are recorded."""

    def __init__(self, kms: KmsMock) -> None:
        self.kms = kms
        self.recording = Recording(kms.store)
        kms.calls.watch(self.recording.add)

    def ask(self, action: str, *, access_key_id: str = "mock", **parameters: str) -> None:
        """Make a call that is refused or not; the SDK cannot read XML."""
        with suppress(ClientException, UnretryableException):
            call(self.kms.client(access_key_id=access_key_id), action, **parameters)

    def document(self, before: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what is recorded; it loads."""
        document = self.recording.document(before or {})
        with KmsMock(document):
            return document


@pytest.fixture
def missing(kms: KmsMock) -> Missing:
    """A mock with nothing in it."""
    return Missing(kms)


def versions(secret: dict[str, Any]) -> dict[str, list[str]]:
    """Return the stages of a secret's versions."""
    return {version["id"]: version["stages"] for version in secret["versions"]}


# -- the command ------------------------------------------------------------------------------------------------------


def test_a_program_runs_to_its_end_after_some_runs(tmp_path: Path) -> None:
    """Each run adds what stopped the program, and the last one, to which nothing was missing, writes nothing."""
    arguments = ("--record", "fixture.yaml", "--", sys.executable, "-c", PROGRAM)
    for _ in range(10):
        done = run_program(*arguments, folder=tmp_path)
        if done.returncode == 0:
            break
        assert " added: " in done.stderr.splitlines()[-1], done.stderr
    assert (done.returncode, done.stdout, done.stderr) == (0, "new\n", "")
    file = tmp_path / "fixture.yaml"
    written = file.stat()
    assert run_program(*arguments, folder=tmp_path).returncode == 0
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (written.st_ino, written.st_mtime_ns)
    assert [path.name for path in tmp_path.iterdir()] == ["fixture.yaml"]
    tree = reader.read(file).tree
    assert [secret["name"] for secret in tree["secrets"]] == ["db", "api"]
    assert {alias: key.get("spec") for key in tree["keys"] for alias in key["aliases"]} == {
        "alias/cards": None,
        "alias/signer": "EC_P256",
    }


def test_nothing_missing_writes_nothing(tmp_path: Path) -> None:
    """The file is not made for a program that asks for nothing; the status is the program's."""
    done = run_program("--record", "fixture.yaml", "--", sys.executable, "-c", "raise SystemExit(7)", folder=tmp_path)
    assert (done.returncode, done.stderr, list(tmp_path.iterdir())) == (7, "", [])


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--record", "there/is/none.yaml"), "there is no folder"),
        (("--record", "f.yaml", "--state", "state.db"), "--record needs fixtures"),
        (("--record", "wrong.yaml"), "secretz"),
    ],
)
def test_what_cannot_be_recorded_into_is_refused_before_the_program_starts(
    options: tuple[str, ...], problem: str, tmp_path: Path
) -> None:
    """And a file that is no fixture file stays as it is."""
    (tmp_path / "wrong.yaml").write_text("secretz: []\n")
    done = run_program(*options, "--", sys.executable, "-c", "print('ran')", folder=tmp_path)
    assert done.returncode != 0
    assert (done.stdout, problem in done.stderr) == ("", True), done.stderr
    assert (tmp_path / "wrong.yaml").read_text() == "secretz: []\n"


def test_what_no_fixture_can_hold_is_reported(tmp_path: Path) -> None:
    """A secret of another fixture file lacks a stage: this file cannot add it, and says so."""
    (tmp_path / "app.yaml").write_text("secrets: [{name: api, value: x}]\n")
    program = PROGRAM.replace("client.put_", "0 and client.put_").replace("print(client", "0 and print(client")
    done = run_program(
        "--fixture", "app.yaml", "--record", "more.yaml", "--", sys.executable, "-c", program, folder=tmp_path
    )
    assert done.stderr.splitlines()[-1].endswith("more.yaml does not have them, but they exist: secret api")
    assert not (tmp_path / "more.yaml").exists()


USED = "22222222-2222-4333-8444-555555555555"
CLIENT = """
from contextlib import suppress
from alibabacloud_kms20160120 import models
from alibabacloud_kms20160120.client import Client
from alibabacloud_tea_openapi.utils_models import Config
client = Client(Config(access_key_id="mock", access_key_secret="mock", endpoint="kms.cn-hangzhou.aliyuncs.com"))
"""
UNFIT = f"""{CLIENT}
with suppress(Exception):
    client.describe_key(models.DescribeKeyRequest(key_id="k" * 65))
with suppress(Exception):
    client.get_secret_value(models.GetSecretValueRequest(secret_name="db"))
"""


def test_what_is_left_out_is_named(tmp_path: Path) -> None:
    """A key id that no fixture file can hold; what else was missing is recorded."""
    done = run_program("--record", "f.yaml", "--", sys.executable, "-c", UNFIT, folder=tmp_path)
    assert done.returncode == 0
    assert f"kms-mock: not recorded, since no fixture file can hold it: key {'k' * 65}\n" in done.stderr
    assert [secret["name"] for secret in reader.read(tmp_path / "f.yaml").tree["secrets"]] == ["db"]


def test_a_file_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    """The status is 1 where the program's was 0: a run in CI must not pass over it."""
    name = "x" * 250  # the unfinished file beside it has a longer name
    done = run_program("--record", name, "--", sys.executable, "-c", UNFIT, folder=tmp_path)
    assert done.returncode == 1
    assert f"kms-mock: cannot write {name}: File name too long\n" in done.stderr
    assert not list(tmp_path.iterdir())


def test_what_does_not_load_is_not_written(tmp_path: Path) -> None:
    """A version that a key of another fixture file has cannot be one of a missing key: the file stays, and the status is 1."""
    key = f"{{id: k, spec: EC_P256, usage: SIGN/VERIFY, versions: [{{id: {USED}}}]}}"
    (tmp_path / "app.yaml").write_text(f"keys: [{key}]\n")
    request = f'key_id="alias/new", key_version_id="{USED}", algorithm="ECDSA_SHA_256", digest="{"A" * 43}="'
    program = (
        f"{CLIENT}with suppress(Exception):\n    client.asymmetric_sign(models.AsymmetricSignRequest({request}))\n"
    )
    arguments = ("--fixture", "app.yaml", "--record", "more.yaml", "--", sys.executable, "-c", program)
    done = run_program(*arguments, folder=tmp_path)
    assert done.returncode == 1
    assert "kms-mock: nothing was recorded: " in done.stderr
    assert USED in done.stderr
    assert not (tmp_path / "more.yaml").exists()


# -- what is recorded -------------------------------------------------------------------------------------------------


def test_versions_and_stages_of_a_secret(missing: Missing) -> None:
    """A version that was asked for by its id alone is current; what PutSecretValue would make is not recorded."""
    missing.ask("PutSecretValue", SecretName="put", VersionId="v1", SecretData="x")
    missing.ask("GetSecretValue", SecretName="put")
    missing.ask("GetSecretValue", SecretName="one", VersionId="v7")
    missing.ask("GetSecretValue", SecretName="two", VersionId="v8", VersionStage="blue")
    missing.ask(
        "UpdateSecretVersionStage", SecretName="three", VersionStage="red", RemoveFromVersion="a", MoveToVersion="b"
    )
    found = {secret["name"]: versions(secret) for secret in missing.document()["secrets"]}
    assert found == {
        "put": {"recorded-1": ["ACSCurrent"]},
        "one": {"v7": ["ACSCurrent"]},
        "two": {"v8": ["blue"], "recorded-1": ["ACSCurrent"]},
        "three": {"a": ["red"], "b": ["ACSCurrent"]},
    }


def test_a_secret_of_the_file_gets_what_it_lacks(missing: Missing) -> None:
    """Versions, a stage of a version that is there, and a stage that marks a version of an earlier recording."""
    before: dict[str, Any] = {
        "secrets": [
            {"name": "short", "value": "mine", "created": "2026-01-01T00:00:00Z"},
            {"name": "made", "versions": [{"id": "recorded-1", "data": "x", "stages": ["ACSCurrent"]}]},
        ]
    }
    missing.kms.load(before)
    missing.ask("GetSecretValue", SecretName="short", VersionId="v1", VersionStage="blue")
    missing.ask("GetSecretValue", SecretName="short", VersionId="v2")
    missing.ask("GetSecretValue", SecretName="made", VersionId="v1", VersionStage="ACSCurrent")
    short, made = missing.document(before)["secrets"]
    assert versions(short) == {"v1": ["ACSCurrent", "blue"], "v2": []}
    assert short["versions"][0] == {
        "id": "v1", "data": "mine", "stages": ["ACSCurrent", "blue"], "created": "2026-01-01T00:00:00Z"
    }  # fmt: skip
    assert versions(made) == {"recorded-1": [], "v1": ["ACSCurrent"]}
    assert missing.recording.added == ["secret short", "secret made"]
    assert before["secrets"][0]["value"] == "mine"


def test_what_a_program_makes_or_deletes_itself_is_not_missing(missing: Missing) -> None:
    """It asks first, then creates; or deletes and asks whether it is gone."""
    missing.ask("DescribeSecret", SecretName="made")
    missing.ask("CreateSecret", SecretName="made", VersionId="v1", SecretData="x")
    missing.ask("GetSecretValue", SecretName="made", VersionId="v2")
    missing.ask("PutSecretValue", SecretName="made", VersionId="v2", SecretData="y")
    missing.ask("DeleteSecret", SecretName="made", ForceDeleteWithoutRecovery="true")
    missing.ask("DescribeSecret", SecretName="made")
    assert missing.document() == {}


def test_a_version_that_the_program_puts_itself_is_not_missing(missing: Missing) -> None:
    """Get or put: with the version in the file the put would be refused."""
    before = {"secrets": [{"name": "db", "value": "x"}]}
    missing.kms.load(before)
    missing.ask("GetSecretValue", SecretName="db", VersionId="v2")
    missing.ask("PutSecretValue", SecretName="db", VersionId="v2", SecretData="y")
    assert missing.document(before) == before


def test_other_accounts_and_regions(kms: KmsMock) -> None:
    """An ARN, an AccessKey of another account and a RegionId say where something is missing."""
    kms.load({"accounts": [{"id": "42", "access_keys": [{"id": "other"}]}]})
    missing = Missing(kms)
    missing.ask("DescribeSecret", access_key_id="other", SecretName="theirs")
    missing.ask("DescribeSecret", SecretName="acs:kms:cn-beijing:42:secret/far")
    missing.ask("DescribeKey", KeyId=f"acs:kms:cn-hangzhou:{kms.config.account}:alias/mine")
    document = missing.document()
    (account,) = document["accounts"]
    assert account["id"] == "42"
    assert {region["id"]: [secret["name"] for secret in region["secrets"]] for region in account["regions"]} == {
        "cn-hangzhou": ["theirs"],
        "cn-beijing": ["far"],
    }
    assert document["keys"][0]["aliases"] == ["alias/mine"]
    missing.ask("DescribeSecret", SecretName="acs:kms:cn-beijing:42:secret/far")
    assert missing.document(document) == document  # found where it was put
    assert kms.calls.last is not None
    assert kms.calls.last.document()["region"] == "cn-hangzhou"


def test_what_a_fixture_fixes_stays(missing: Missing) -> None:
    """No version is added to a key with material, nor to a secret whose versions the service makes."""
    before = {
        "keys": [{"id": "k", "material": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}],
        "secrets": [
            {
                "name": "rds",
                "type": "Rds",
                "extended_config": {"SecretSubType": "SingleUser", "DBInstanceId": "rm-1"},
                "value": '{"AccountName":"app","AccountPassword":"secret"}',
            }
        ],
    }
    missing.ask("DescribeKeyVersion", KeyId="k", KeyVersionId=USED)
    missing.ask("GetSecretValue", SecretName="rds", VersionStage="blue")
    assert (missing.document(before), missing.recording.added) == (before, [])


@pytest.mark.parametrize("form", ["JSON", "XML"])
def test_a_batch_is_as_many_calls(missing: Missing, form: str) -> None:
    """Each of its entries is recorded with the version that it asks for, in either format of the answer."""
    for number in (1, 2):
        wanted = [{"SecretName": f"s{index}", "VersionStage": "blue"} for index in range(number)]
        missing.ask("BatchGetSecretValue", SecretsList=json.dumps(wanted), Format=form)
    found = {secret["name"]: versions(secret) for secret in missing.document()["secrets"]}
    assert found == {f"s{index}": {"recorded-1": ["blue"], "recorded-2": ["ACSCurrent"]} for index in (0, 1)}


@pytest.mark.parametrize(
    ("action", "algorithm", "spec", "usage"),
    [
        ("AsymmetricSign", "RSA_PSS_SHA_256", "RSA_2048", "SIGN/VERIFY"),
        ("AsymmetricSign", "SM2DSA", "EC_SM2", "SIGN/VERIFY"),
        ("AsymmetricDecrypt", "RSAES_OAEP_SHA_1", "RSA_2048", "ENCRYPT/DECRYPT"),
        ("AsymmetricEncrypt", "SM2PKE", "EC_SM2", "ENCRYPT/DECRYPT"),
        ("GenerateMac", "HMAC_SHA_384", "HMAC_SHA_384", "GENERATE/VERIFY_MAC"),
    ],
)
def test_a_key_fits_the_algorithm(missing: Missing, action: str, algorithm: str, spec: str, usage: str) -> None:
    """Also when another call asked for the key before, which did not say what it is for."""
    parameters = {"KeyId": "key-1", "KeyVersionId": "11111111-2222-4333-8444-555555555555", "Algorithm": algorithm}
    data = {"AsymmetricSign": "Digest", "AsymmetricDecrypt": "CiphertextBlob", "AsymmetricEncrypt": "Plaintext"}
    missing.ask("DescribeKey", KeyId="key-1")
    missing.ask(action, **parameters, **{data.get(action, "Message"): "eA=="})
    (key,) = missing.document()["keys"]
    assert (key["id"], key["spec"], key["usage"]) == ("key-1", spec, usage)


def test_the_keys_that_other_calls_name(missing: Missing) -> None:
    """CreateSecret, ReEncrypt, UpdateAlias."""
    missing.ask("CreateSecret", SecretName="s", VersionId="v", SecretData="x", EncryptionKeyId="alias/of-secret")
    missing.ask("CreateAlias", AliasName="alias/new", KeyId="k1")
    missing.ask("DeleteAlias", AliasName="alias/old")
    document = missing.document()
    assert [key.get("aliases", key["id"]) for key in document["keys"]] == [["alias/of-secret"], "k1", ["alias/old"]]
    assert "secrets" not in document


def test_faults_are_not_missing(missing: Missing) -> None:
    """What a fault says does not exist may exist."""
    missing.kms.fail("DescribeSecret", code="Forbidden.ResourceNotFound")
    missing.ask("DescribeSecret", SecretName="db")
    assert missing.document() == {}


def test_the_document_loads_again(missing: Missing) -> None:
    """With a mock that started with what was recorded, the same calls record nothing."""
    asked = [("GetSecretValue", {"SecretName": "db"}), ("DescribeKey", {"KeyId": "alias/a"})]
    for action, parameters in asked:
        missing.ask(action, **parameters)
    document = missing.document()
    with KmsMock(document) as second:
        again = Missing(second)
        for action, parameters in asked:
            again.ask(action, **parameters)
        assert again.recording.document(document) == document
        assert again.recording.added == []


# -- what no file can hold --------------------------------------------------------------------------------------------


def test_what_no_file_can_hold_does_not_stop_the_rest(missing: Missing) -> None:
    """A key id of 65 characters, or a region without a name, made a document that did not load: nothing was recorded."""
    missing.ask("DescribeKey", KeyId="k" * 65)
    missing.ask("DescribeKey", KeyId=f"acs:kms:{'r' * 65}:77:key/far")
    missing.ask("GetSecretValue", SecretName="db")
    document = missing.document()
    assert [secret["name"] for secret in document["secrets"]] == ["db"]
    assert ("keys" in document, "accounts" in document) == (False, False)
    assert missing.recording.unfit == [f"key {'k' * 65}", "key far"]


def test_a_version_that_two_keys_are_asked_for_belongs_to_one(missing: Missing) -> None:
    """A program that calls a key by its id and by an alias asks for one version twice: nothing was recorded."""
    version = "11111111-2222-4333-8444-555555555555"
    for key in ("key-1", "alias/same"):
        missing.ask("DescribeKeyVersion", KeyId=key, KeyVersionId=version)
    first, second = missing.document()["keys"]
    assert (first["id"], first["versions"]) == ("key-1", [{"id": version}])
    assert (second["aliases"], second.get("versions")) == (["alias/same"], None)
    again = missing.document({"keys": [first, second]})
    assert (again, missing.recording.added) == ({"keys": [first, second]}, [])


def test_a_secret_gets_no_more_versions_and_stages_than_it_can_have(missing: Missing) -> None:
    """A program that asks for 30 versions, and for 20 stages, of a secret that is not there, gets as many as fit besides the current one."""
    for number in range(30):
        missing.ask("GetSecretValue", SecretName="versions", VersionId=f"v{number}")
        missing.ask("GetSecretValue", SecretName="stages", VersionStage=f"s{number}")
        missing.ask("GetSecretValue", SecretName="both", VersionId=f"v{number}", VersionStage=f"s{number}")
    found = {secret["name"]: versions(secret) for secret in missing.document()["secrets"]}
    assert {name: len(kept) for name, kept in found.items()} == {"versions": 9, "stages": 8, "both": 8}
    assert all(sum(map(len, kept.values())) <= 8 for kept in found.values())
    assert missing.recording.unfit == []


def test_what_is_recorded_is_bounded(kms: KmsMock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that asks for ever, or that makes and deletes for ever, takes no more memory."""
    monkeypatch.setattr(recording, "MAX_TARGETS", 3)
    missing = Missing(kms)
    for number in range(5):
        missing.ask("GetSecretValue", SecretName=f"none{number}")
        missing.ask("CreateSecret", SecretName=f"made{number}", VersionId="v", SecretData="x")
    assert [secret["name"] for secret in missing.document()["secrets"]] == ["none0", "none1", "none2"]
    assert len(missing.recording._made) == 3  # noqa: SLF001 (what grows is nowhere else to be seen)
