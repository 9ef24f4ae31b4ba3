"""The leak check: it finds every secret that went over the wire, however it is written, and never prints it."""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from alibabacloud_kms20160120.client import Client

from kms_mock import KmsMock
from kms_mock.control.faults import Effect
from tests.support import raw_http
from tests.support.calls import call
from tests.support.keys import create_key, decrypt, encrypt
from tests.support.secrets import RDS, create, sdk, value

DATA = 'pa$$ "word"\nof\\the/shop'


def leak(kms: KmsMock, subject: Any) -> str:
    """Check a subject that leaks; give the message."""
    with pytest.raises(AssertionError) as caught:
        kms.assert_no_leaks(subject)
    return str(caught.value)


@pytest.mark.parametrize(
    "written",
    [
        str,
        lambda data: json.dumps({"password": data}),
        repr,
        lambda data: "https://x/?password=" + quote(data, safe=""),
        lambda data: base64.b64encode(data.encode()).decode(),
        lambda data: data.encode(),
        lambda data: ["harmless", [data]],
    ],
)
def test_a_secret_value_is_found_however_it_is_written(
    kms: KmsMock, client: Client, written: Callable[[str], Any]
) -> None:
    """In clear, escaped as JSON, Python, URL or Base64, as bytes, and in lists of texts."""
    create(client, value=DATA)
    value(client)
    message = leak(kms, written(DATA))
    assert "SecretData" in message
    assert DATA not in message


def test_what_leaks_and_where_is_said(kms: KmsMock, client: Client) -> None:
    """The message names the parameter, the call and the line, not the value."""
    create(client, value="a secret value")
    assert leak(kms, "one\ntwo a secret value\n") == (
        "secret values leaked:\n  SecretData of CreateSecret (call #1) is in line 2"
    )


def test_a_value_that_was_only_read_is_found(kms: KmsMock, client: Client) -> None:
    """What came in an answer counts like what was sent: here it stood in a fixture file."""
    kms.load({"secrets": [{"name": "db", "value": "from the file"}]})
    kms.assert_no_leaks("from the file")  # nobody asked for it, so nobody can have leaked it
    value(client)
    assert "SecretData of db of GetSecretValue (call #1)" in leak(kms, "it is from the file!")


def test_a_value_that_was_read_as_xml_is_found(kms: KmsMock) -> None:
    """An answer in XML tells the same as one in JSON, blanks at both ends included."""
    kms.load({"secrets": [{"name": "db", "value": "  a <secret> & blanks  "}]})
    assert (
        raw_http.ask(
            kms, raw_http.http(query=raw_http.request_parameters("GetSecretValue", SecretName="db", Format="XML"))
        ).status
        == 200
    )
    assert "SecretData of db of GetSecretValue (call #1)" in leak(kms, "[  a <secret> & blanks  ]")
    kms.assert_no_leaks("a <secret> & blanks")  # the blanks belong to the value


@pytest.mark.parametrize("effect", ["malformed", "truncate", "reset"])
def test_a_value_in_a_spoiled_answer_is_found(kms: KmsMock, effect: Effect) -> None:
    """An answer that no client can read is what ends up in logs as it came: its value counts."""
    kms.load({"secrets": [{"name": "db", "value": "from the file"}]})
    kms.fail("GetSecretValue", effect=effect, phase="after", times=1)
    with raw_http.Wire(kms) as wire, contextlib.suppress(ConnectionResetError):
        wire.send(raw_http.http(query=raw_http.request_parameters("GetSecretValue", SecretName="db"))).socket.recv(
            65536
        )
    assert "SecretData of db" in leak(kms, "cannot parse: from the file")


def test_plaintexts_and_data_keys_are_found(kms: KmsMock, client: Client) -> None:
    """What is encrypted, what Decrypt gives, and a data key in Base64."""
    key_id = create_key(client).key_id
    blob = encrypt(client, key_id, "top secret text")
    assert "Plaintext of Encrypt" in leak(kms, "top secret text")
    kms.calls.clear()
    decrypt(client, blob)
    assert "Plaintext of Decrypt" in leak(kms, "top secret text")
    data_key = sdk(client, "GenerateDataKey", key_id=key_id)
    assert "Plaintext of GenerateDataKey" in leak(kms, f"key={data_key['Plaintext']}")
    kms.assert_no_leaks(f"{key_id} {blob} {data_key['CiphertextBlob']}")


def test_random_passwords_are_found(kms: KmsMock, client: Client) -> None:
    """A password that the service made up is a secret too."""
    password = sdk(client, "GetRandomPassword")["RandomPassword"]
    assert "RandomPassword of GetRandomPassword" in leak(kms, password)


def test_the_password_inside_a_json_value_is_found(kms: KmsMock, client: Client) -> None:
    """A managed secret's value is JSON; the password alone leaks as much, at any depth; the user's name does not."""
    data = json.dumps({"Accounts": [{"AccountName": "shop_user", "AccountPassword": "Rosebud-1941"}]})
    create(client, value=data, secret_type="Rds", extended_config=RDS)
    assert "AccountPassword in SecretData" in leak(kms, "login shop_user with Rosebud-1941")
    kms.assert_no_leaks("login shop_user")


def test_batches_are_searched(kms: KmsMock, client: Client) -> None:
    """Values inside the list of BatchGetSecretValue count, each with the name of its secret."""
    kms.load({"secrets": [{"name": name, "value": f"value of {name}"} for name in ("one", "two")]})
    call(client, "BatchGetSecretValue", SecretsList='[{"SecretName":"one"},{"SecretName":"two"}]')
    message = leak(kms, "value of two, value of one")
    assert "SecretData of one" in message
    assert "SecretData of two" in message


def test_short_values_are_left_out(kms: KmsMock, client: Client) -> None:
    """Five characters or fewer would be found in any text by chance."""
    create(client, "a", "admin")
    create(client, "b", "admins")
    kms.assert_no_leaks("the admin logs in")
    create(client, "c", "YWRtaW4=")  # Base64 of "admin"
    kms.assert_no_leaks("the admin logs in")
    assert "call #2" in leak(kms, "the admins log in")


def test_a_text_without_secrets_passes(kms: KmsMock, client: Client) -> None:
    """Names, versions and request ids are no secrets."""
    answer = create(client, "db/password", DATA)
    kms.assert_no_leaks(f"db/password v1 ACSCurrent {answer['RequestId']} {answer['Arn']}")


def records(log: Callable[[logging.Logger], None]) -> list[logging.LogRecord]:
    """Return the records that some code logs."""
    found: list[logging.LogRecord] = []

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(record)

    logger = logging.getLogger("test_leaks")
    logger.setLevel(logging.INFO)
    keeper = Keeper()
    logger.addHandler(keeper)
    log(logger)
    logger.removeHandler(keeper)
    return found


def _raise(logger: logging.Logger) -> None:
    try:
        int("a secret value")
    except ValueError:
        logger.exception("failed")


@pytest.mark.parametrize(
    "log",
    [
        lambda logger: logger.info("it is a secret value"),
        lambda logger: logger.info("it is %s", "a secret value"),
        lambda logger: logger.info("look", extra={"context": {"password": "a secret value"}}),
        _raise,
    ],
)
def test_log_records_are_searched_whole(kms: KmsMock, client: Client, log: Callable[[logging.Logger], None]) -> None:
    """Message, arguments, structured extras and the text of an exception, of one record or a list of them."""
    create(client, value="a secret value")
    found = records(log)
    leak(kms, found)
    leak(kms, found[0])


def test_a_record_that_says_nothing_passes(kms: KmsMock, client: Client) -> None:
    """Its file names and times are no leak."""
    create(client, value="a secret value")
    kms.assert_no_leaks(records(lambda logger: logger.info("read %s", "db")))


def test_captured_output_can_be_given_as_it_is(
    kms: KmsMock, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    """capsys.readouterr() is a pair of texts: both are searched."""
    create(client, value="a secret value")
    sys.stderr.write("oops: a secret value")
    leak(kms, capsys.readouterr())
