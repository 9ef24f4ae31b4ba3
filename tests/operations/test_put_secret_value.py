"""PutSecretValue: every statement of its document (api-docs PutSecretValue, zh and en), through the official SDK."""

from __future__ import annotations

import http.client
import json
import urllib.parse

import pytest
from alibabacloud_kms20160120.client import Client

from kms_mock import KmsMock
from kms_mock.defaults import DEFAULT_ACCOUNT
from kms_mock.kms import errors
from tests.support.secrets import (
    ISO,
    KEY_ID,
    OTHER_ACCOUNT,
    RDS,
    RDS_VALUE,
    UUID,
    allow,
    create,
    put,
    ram_user,
    refuse,
    resource_policy,
    sdk,
    stages,
    value,
)


def test_the_documents_own_example(client: Client) -> None:
    """A version v3 with the value importantdata goes into secret001 and becomes its current value."""
    create(client, "secret001", "older")
    answer = put(client, "v3", "importantdata", "secret001")
    assert answer["SecretName"] == "secret001"
    assert answer["VersionId"] == "v3"
    assert answer["VersionStages"] == {"VersionStage": ["ACSCurrent"]}
    assert UUID.fullmatch(answer["RequestId"])
    assert value(client, "secret001") == "importantdata"


def test_the_answer_has_the_documented_fields_and_no_others(client: Client) -> None:
    """The answer is SecretName, VersionId, VersionStages and RequestId."""
    create(client)
    assert set(put(client, "v2", "two")) == {"SecretName", "VersionId", "VersionStages", "RequestId"}


def test_by_default_the_new_version_becomes_current_and_the_former_previous(client: Client) -> None:
    """Without VersionStages the new version is ACSCurrent, and what was ACSCurrent is ACSPrevious."""
    create(client)
    put(client, "v2", "two")
    assert stages(client) == {"v1": ["ACSPrevious"], "v2": ["ACSCurrent"]}
    assert value(client, version_stage="ACSPrevious") == "one"


def test_the_former_previous_version_loses_its_mark(client: Client) -> None:
    """A stage marks one version only: after two puts the first version has no stage, but is still there."""
    create(client)
    put(client, "v2", "two")
    put(client, "v3", "three")
    assert stages(client) == {"v1": [], "v2": ["ACSPrevious"], "v3": ["ACSCurrent"]}
    assert value(client, version_id="v1") == "one"


def test_version_stages_replace_the_default(client: Client) -> None:
    """With VersionStages the version gets those stages only: ACSCurrent stays where it is."""
    create(client)
    answer = put(client, "v2", "two", version_stages='["ACSNext"]')
    assert answer["VersionStages"] == {"VersionStage": ["ACSNext"]}
    assert stages(client) == {"v1": ["ACSCurrent"], "v2": ["ACSNext"]}
    assert value(client) == "one"
    assert value(client, version_stage="ACSNext") == "two"


def test_version_stages_may_hold_acscurrent_besides_custom_ones(client: Client) -> None:
    """The document's example: ["ACSCurrent","ACSNext"] marks the version with both, and the former becomes previous."""
    create(client)
    answer = put(client, "v2", "two", version_stages='["ACSCurrent","ACSNext"]')
    assert sorted(answer["VersionStages"]["VersionStage"]) == ["ACSCurrent", "ACSNext"]
    assert {name: sorted(marks) for name, marks in stages(client).items()} == {
        "v1": ["ACSPrevious"],
        "v2": ["ACSCurrent", "ACSNext"],
    }


def test_a_custom_stage_moves_to_the_new_version(client: Client) -> None:
    """A custom stage that marked another version marks the new one afterwards, and only that."""
    create(client)
    put(client, "v2", "two", version_stages='["blue"]')
    put(client, "v3", "three", version_stages='["blue"]')
    assert stages(client) == {"v1": ["ACSCurrent"], "v2": [], "v3": ["blue"]}


def test_a_request_may_place_acsprevious_itself(client: Client) -> None:
    """A version put with both built-in stages has both: the request decides, not the default rule."""
    create(client)
    put(client, "v2", "two", version_stages='["ACSCurrent","ACSPrevious"]')
    assert {name: sorted(marks) for name, marks in stages(client).items()} == {
        "v1": [],
        "v2": ["ACSCurrent", "ACSPrevious"],
    }


def test_the_same_version_with_the_same_value_is_ignored_and_succeeds(kms: KmsMock, client: Client) -> None:
    """A repeated request is idempotent: it succeeds and changes nothing, not even by other stages or a later time."""
    create(client)
    put(client, "v2", "two")
    before = kms.snapshot()
    answer = put(client, "v2", "two")
    assert answer["VersionStages"] == {"VersionStage": ["ACSCurrent"]}
    put(client, "v1", "one", version_stages='["blue"]')
    assert kms.snapshot() == before


def test_the_same_version_with_another_value_is_refused_with_the_literal_text(kms: KmsMock, client: Client) -> None:
    """PutSecretValue of an existing version id with another value answers 409, in the service's own spelling."""
    create(client)
    refuse(
        kms,
        client,
        errors.SECRET_VERSION_EXISTS,
        "PutSecretValue",
        message="The request was rejected becasue key already exsit",
        secret_name="db",
        version_id="v1",
        secret_data="two",
    )
    assert value(client) == "one"


def test_a_version_id_is_unique_in_its_secret_only(client: Client) -> None:
    """Two secrets may have the same version id with different values."""
    create(client, "a")
    create(client, "b", "other")
    put(client, "v2", "of a", "a")
    put(client, "v2", "of b", "b")
    assert (value(client, "a"), value(client, "b")) == ("of a", "of b")


def test_an_eleventh_version_rolls_off_the_earliest(client: Client) -> None:
    """A secret keeps ten versions; beyond them the earliest without a stage is deleted."""
    create(client)
    for number in range(2, 11):
        put(client, f"v{number}", str(number))
    assert list(stages(client)) == [f"v{number}" for number in range(1, 11)]
    put(client, "v11", "11")
    assert list(stages(client)) == [f"v{number}" for number in range(2, 12)]


def test_a_version_that_rolled_off_is_gone_for_good(kms: KmsMock, client: Client) -> None:
    """A rolled off version cannot be read any more, and its id may be used again for another value."""
    create(client)
    for number in range(2, 12):
        put(client, f"v{number}", str(number))
    refuse(
        kms,
        client,
        errors.ACCESS_NOT_FOUND,
        "GetSecretValue",
        secret_name="db",
        version_id="v1",
    )
    assert put(client, "v1", "another")["VersionStages"] == {"VersionStage": ["ACSCurrent"]}
    assert value(client) == "another"


def test_a_version_with_a_stage_never_rolls_off(client: Client) -> None:
    """Of more than ten versions the earliest without a stage goes, so that a custom stage stays readable (design.md 6)."""
    create(client)
    put(client, "v2", "two", version_stages='["blue"]')
    for number in range(3, 13):
        put(client, f"v{number}", str(number))
    assert list(stages(client)) == ["v2", *[f"v{number}" for number in range(4, 13)]]
    assert value(client, version_stage="blue") == "two"


def test_the_previous_value_stays_readable_while_candidates_come_and_go(client: Client) -> None:
    """Nine puts with the stage Candidate alone remove candidates, never ACSPrevious or ACSCurrent (design.md 6)."""
    create(client)
    put(client, "v2", "two")
    for number in range(3, 12):
        put(client, f"v{number}", str(number), version_stages='["Candidate"]')
    assert value(client, version_stage="ACSPrevious") == "one"
    assert value(client) == "two"
    assert list(stages(client)) == ["v1", "v2", *[f"v{number}" for number in range(4, 12)]]


def test_the_current_version_never_rolls_off(client: Client) -> None:
    """While ACSCurrent stays on the earliest version, the second earliest goes (design.md 6)."""
    create(client)
    for number in range(2, 13):
        put(client, f"v{number}", str(number), version_stages='["next"]')
    assert list(stages(client)) == ["v1", *[f"v{number}" for number in range(4, 13)]]
    assert value(client) == "one"


def test_a_repeat_at_ten_versions_rolls_nothing_off(client: Client) -> None:
    """An idempotent repeat is no new version: all ten stay."""
    create(client)
    for number in range(2, 11):
        put(client, f"v{number}", str(number))
    put(client, "v10", "10")
    assert len(stages(client)) == 10


def test_the_type_of_a_value_is_text_unless_the_request_says_binary(client: Client) -> None:
    """SecretDataType is text by default, and what was given comes back with the value."""
    create(client)
    put(client, "v2", "two")
    assert sdk(client, "GetSecretValue", secret_name="db")["SecretDataType"] == "text"
    put(client, "v3", "AAEC/w==", secret_data_type="binary")
    got = sdk(client, "GetSecretValue", secret_name="db")
    assert (got["SecretDataType"], got["SecretData"]) == ("binary", "AAEC/w==")


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        '{"user": "app", "password": "p&w=%+ö"}',
        "  blanks around  ",
        "日本語 \N{KEY} \t\r\n",
        "a\0b",
        "x" * 30720,
        "€" * 10240,
    ],
    ids=["plain", "json", "blanks", "unicode", "nul", "30720 bytes", "30720 bytes of three each"],
)
def test_a_value_comes_back_letter_by_letter(client: Client, text: str) -> None:
    """Any text of up to 30,720 bytes is stored and read unchanged."""
    create(client)
    put(client, "v2", text)
    assert value(client) == text


@pytest.mark.parametrize("text", ["x" * 30721, "€" * 10241], ids=["ascii", "utf-8"])
def test_a_value_above_30720_bytes_is_refused(kms: KmsMock, client: Client, text: str) -> None:
    """The limit of 30,720 counts bytes of UTF-8, not characters."""
    create(client)
    refuse(
        kms,
        client,
        errors.SECRET_INVALID_PARAMETER,
        "PutSecretValue",
        secret_name="db",
        version_id="v2",
        secret_data=text,
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"version_id": "x" * 65},
        {"version_id": "a\nb"},
        {"secret_data_type": "json"},
        {"version_stages": "ACSCurrent"},
        {"version_stages": '{"a": 1}'},
        {"version_stages": "[1]"},
        {"version_stages": "[]"},
        {"version_stages": '[""]'},
        {"version_stages": json.dumps(["x" * 65])},
        {"version_stages": '["a\\u0000"]'},
        {"version_stages": "[" * 5000},
    ],
    ids=repr,
)
def test_an_invalid_parameter_is_refused_with_the_literal_text(
    kms: KmsMock, client: Client, fields: dict[str, str]
) -> None:
    """Whatever parameter is invalid, the text is the document's, odd quotes included."""
    create(client)
    refuse(
        kms,
        client,
        errors.SECRET_INVALID_PARAMETER,
        "PutSecretValue",
        message='some of the specified parameters "\\" is not valid',
        **{"secret_name": "db", "version_id": "v2", "secret_data": "two", **fields},
    )


@pytest.mark.parametrize("name", ["VersionId", "SecretName", "SecretData"])
def test_a_required_parameter_must_be_there(kms: KmsMock, client: Client, name: str) -> None:
    """VersionId, SecretName and SecretData are required."""
    create(client)
    fields = {"secret_name": "db", "version_id": "v2", "secret_data": "two"}
    missing = {"VersionId": "version_id", "SecretName": "secret_name", "SecretData": "secret_data"}[name]
    del fields[missing]
    refuse(
        kms,
        client,
        errors.MISSING_PARAMETER,
        "PutSecretValue",
        message=f"The parameter  {name}  needed but no provided.",
        **fields,
    )


def test_only_generic_secrets_take_a_value(kms: KmsMock, client: Client) -> None:
    """The operation is for generic secrets; a managed one is refused."""
    kms.load({"secrets": [{"name": "rds", "type": "Rds", "extended_config": RDS, "value": RDS_VALUE}]})
    refuse(
        kms,
        client,
        errors.SECRET_INVALID_PARAMETER,
        "PutSecretValue",
        secret_name="rds",
        version_id="v2",
        secret_data=RDS_VALUE,
    )


def test_a_ninth_stage_is_refused(kms: KmsMock, client: Client) -> None:
    """A secret has at most eight stages over all its versions; the ninth answers the documented limit error."""
    create(client)
    put(client, "v2", "two", version_stages=json.dumps([f"s{number}" for number in range(7)]))
    refuse(
        kms,
        client,
        errors.SECRET_LIMIT_EXCEEDED,
        "PutSecretValue",
        message="exceed secret limits error",
        secret_name="db",
        version_id="v3",
        secret_data="three",
        version_stages='["s7"]',
    )
    put(client, "v3", "three", version_stages='["s6"]')  # one that exists already is no ninth


def test_nine_stages_in_one_request_are_the_same_limit(kms: KmsMock, client: Client) -> None:
    """Nine different stages at once answer the limit error too, not an invalid parameter."""
    create(client)
    refuse(
        kms,
        client,
        errors.SECRET_LIMIT_EXCEEDED,
        "PutSecretValue",
        secret_name="db",
        version_id="v2",
        secret_data="two",
        version_stages=json.dumps([f"s{number}" for number in range(9)]),
    )


def test_a_secret_that_does_not_exist_is_not_found(kms: KmsMock, client: Client) -> None:
    """An unknown name answers 404 with the text that real clients see."""
    refuse(
        kms,
        client,
        errors.SECRET_NOT_FOUND,
        "PutSecretValue",
        message="Resource not found",
        secret_name="none",
        version_id="v1",
        secret_data="one",
    )


def test_a_secret_in_its_recovery_window_takes_no_value(kms: KmsMock, client: Client) -> None:
    """A secret that is planned for deletion is refused with 409 until it is restored (design.md 6)."""
    create(client)
    sdk(client, "DeleteSecret", secret_name="db")
    refuse(
        kms,
        client,
        errors.SECRET_IN_DELETE_WINDOW,
        "PutSecretValue",
        message="secret in delete peroid",
        secret_name="db",
        version_id="v2",
        secret_data="two",
    )
    sdk(client, "RestoreSecret", secret_name="db")
    put(client, "v2", "two")


def test_a_ram_user_needs_the_permission(kms: KmsMock, client: Client) -> None:
    """RAM grants kms:PutSecretValue by secret: without it the answer is 403 and nothing is stored."""
    granted = f"acs:kms:cn-hangzhou:{DEFAULT_ACCOUNT}:secret/mine/*"
    kms.load(ram_user(allow("kms:PutSecretValue", resource=granted)))
    create(client, "mine/db")
    create(client, "db")
    limited = kms.client(access_key_id="limited")
    put(limited, "v2", "two", "mine/db")
    refuse(
        kms,
        limited,
        errors.SECRET_NO_PERMISSION,
        "PutSecretValue",
        message="This operation is forbidden by permission system",
        secret_name="db",
        version_id="v2",
        secret_data="two",
    )


def test_the_secret_may_be_named_by_its_arn(client: Client) -> None:
    """SecretName takes the secret's ARN; the answer names the secret itself."""
    arn = create(client)["Arn"]
    assert put(client, "v2", "two", arn)["SecretName"] == "db"
    assert value(client) == "two"


def shared_secret(*actions: str) -> dict[str, object]:
    """Return a fixture in which another account's secret lets this account do something."""
    policy = resource_policy(*actions, principal=f"acs:ram::{DEFAULT_ACCOUNT}:*")
    secrets = [{"name": "db", "value": "theirs", "policy": policy}]
    return {"accounts": [{"id": OTHER_ACCOUNT, "regions": [{"id": "cn-hangzhou", "secrets": secrets}]}]}


def test_a_secret_of_another_account_is_reached_by_its_arn_only(kms: KmsMock, client: Client) -> None:
    """The plain name is always this account's secret; the ARN reaches the other account's one of the same name."""
    kms.load(shared_secret("kms:PutSecretValue", "kms:GetSecretValue"))
    arn = f"acs:kms:cn-hangzhou:{OTHER_ACCOUNT}:secret/db"
    create(client)
    put(client, "v2", "from outside", arn)
    assert value(client, arn) == "from outside"
    assert value(client) == "one"


@pytest.mark.parametrize("actions", [("kms:GetSecretValue",), ()], ids=["policy for reading", "no policy"])
def test_a_secret_of_another_account_must_permit_it(kms: KmsMock, client: Client, actions: tuple[str, ...]) -> None:
    """Without a policy that allows kms:PutSecretValue another account's secret is forbidden."""
    fixture = shared_secret(*actions)
    if not actions:
        secret = {"name": "db", "value": "theirs"}
        fixture = {"accounts": [{"id": OTHER_ACCOUNT, "regions": [{"id": "cn-hangzhou", "secrets": [secret]}]}]}
    kms.load(fixture)
    refuse(
        kms,
        client,
        errors.SECRET_NO_PERMISSION,
        "PutSecretValue",
        secret_name=f"acs:kms:cn-hangzhou:{OTHER_ACCOUNT}:secret/db",
        version_id="v2",
        secret_data="two",
    )


@pytest.mark.parametrize(
    "arn",
    [
        "acs:kms:cn-hangzhou:8888888888888888:secret/db",
        f"acs:kms:cn-beijing:{DEFAULT_ACCOUNT}:secret/db",
        f"acs:kms:cn-hangzhou:{DEFAULT_ACCOUNT}:key/db",
        "acs:kms:db",
    ],
    ids=["unknown account", "another region", "a key's ARN", "no ARN"],
)
def test_an_arn_that_names_no_secret_here_is_not_found(kms: KmsMock, client: Client, arn: str) -> None:
    """An ARN must be that of a secret in this region."""
    create(client)
    refuse(
        kms,
        client,
        errors.SECRET_NOT_FOUND,
        "PutSecretValue",
        secret_name=arn,
        version_id="v2",
        secret_data="two",
    )


def test_values_are_encrypted_under_the_secrets_key(kms: KmsMock, client: Client) -> None:
    """The value is stored encrypted: what was put under a key cannot be read, nor put, once the key is disabled."""
    keys = [{"id": KEY_ID}]
    kms.load({"keys": keys, "secrets": [{"name": "db", "value": "one", "encryption_key": KEY_ID}]})
    put(client, "v2", "two")
    document = kms.snapshot()
    document["accounts"][0]["regions"][0]["keys"][0]["state"] = "Disabled"
    with KmsMock([document]) as later:
        asker = later.client()
        fields = {"secret_name": "db", "version_id": "v3", "secret_data": "three"}
        refuse(later, asker, errors.KEY_DISABLED, "PutSecretValue", **fields)
        refuse(later, asker, errors.KEY_DISABLED, "GetSecretValue", secret_name="db")


def test_a_put_shows_in_the_secrets_update_time_and_versions(kms: KmsMock, client: Client) -> None:
    """A put sets the secret's UpdateTime and adds a version with its own CreateTime; CreateTime of the secret stays."""
    kms.load({"secrets": [{"name": "db", "value": "one", "created": "-10d"}]})
    before = sdk(client, "DescribeSecret", secret_name="db")
    put(client, "v2", "two")
    after = sdk(client, "DescribeSecret", secret_name="db")
    assert after["CreateTime"] == before["CreateTime"]
    assert after["UpdateTime"] > before["UpdateTime"] == before["CreateTime"]
    versions = sdk(client, "ListSecretVersionIds", secret_name="db")["VersionIds"]["VersionId"]
    assert [one["VersionId"] for one in versions] == ["v1", "v2"]
    assert versions[0]["CreateTime"] < versions[1]["CreateTime"]
    assert all(ISO.fullmatch(one["CreateTime"]) for one in versions)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_get_and_post_both_work(kms: KmsMock, client: Client, method: str) -> None:
    """The operation may be called by GET and by POST."""
    create(client)
    query = urllib.parse.urlencode(
        {
            "Action": "PutSecretValue",
            "Version": "2016-01-20",
            "AccessKeyId": "any",
            "SecretName": "db",
            "VersionId": "v2",
            "SecretData": "two",
        }
    )
    connection = http.client.HTTPConnection("127.0.0.1", kms.port)
    connection.request(method, f"/?{query}")
    assert json.load(connection.getresponse())["VersionId"] == "v2"
    connection.close()
    assert value(client) == "two"
