"""No part of a value is quoted in a reason, the journal or the log, unless its parameter names a resource or a version."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from urllib.parse import quote, urlencode

import pytest

from kms_mock import KmsMock
from kms_mock.control.exchanges import exchange
from tests.support import raw_http
from tests.support.examples import EXAMPLES
from tests.support.raw_http import FORM, VERSION, Wire
from tests.support.registry import Operation, each_with_example

CANARY = "S3CRET"
# A value with a quote was cut at the wrong one and came back in part; each form is one that some reader might take.
VALUES = [
    f"it's-{CANARY}",
    f"{CANARY} '{CANARY}' \"{CANARY}\" `{CANARY}`",
    f"1{CANARY}",
    f"7d{CANARY}",
    f"2020-01-01T00:00:00Z{CANARY}",
    f"{CANARY}\n{CANARY}\x9b{CANARY}",
    json.dumps([CANARY]),
    json.dumps({CANARY: CANARY}),
    json.dumps({CANARY: 1}),
    json.dumps([{CANARY: 1}, {"Key": CANARY, "Values": [CANARY, 1]}]),
    json.dumps([{"TagKey": [CANARY], "TagValue": CANARY}]),
    json.dumps({"Version": "1", "Statement": [{"Effect": CANARY}]}),
    json.dumps({"SecretSubType": CANARY, "DBInstanceId": [CANARY]}),
    json.dumps({"SecretSubType": "SingleUser", "DBInstanceId": "rm-1", "CustomData": CANARY}),
    f"CN={CANARY},{CANARY}=1,C=CN",
    f"[{CANARY}",
]
# Identifiers that are no secret: that one does not exist can only be told with its name.
HARMLESS = frozenset(
    {
        "DKMSInstanceId",
        "DataKeyVersionId",
        "EncryptionKeyId",
        "KeyVersionId",
        "MoveToVersion",
        "RemoveFromVersion",
        "VersionId",
        "VersionStage",
    }
)


@pytest.fixture(scope="module")
def wire() -> Iterator[tuple[KmsMock, Wire]]:
    """A mock and one connection to it, for requests that all are refused or harmless."""
    with KmsMock() as kms, Wire(kms) as connection:
        yield kms, connection


def reason_of(connection: Wire, action: str, parameters: dict[str, str]) -> str:
    """Send a request; return the reason of its refusal, "" for a success."""
    query = urlencode({"Action": action, "Version": VERSION, **parameters}, quote_via=quote)
    answer = connection.send(raw_http.http("POST", query=query)).receive()
    return answer.headers.get("x-kms-mock-reason", "")


@each_with_example
def test_no_refused_value_is_quoted(
    wire: tuple[KmsMock, Wire], operation: Operation, caplog: pytest.LogCaptureFixture
) -> None:
    """Each parameter of each operation in turn holds what does not belong there, in many forms."""
    kms, connection = wire
    kms.reset()
    found = EXAMPLES[operation.name]
    kms.load(found.fixture)
    plain = _static(found)
    with caplog.at_level(logging.INFO, "kms_mock"):
        for parameter in operation.parameters:
            if parameter.names_resource or parameter.name in HARMLESS:
                continue
            for value in VALUES:
                reason = reason_of(connection, operation.name, {**plain, parameter.name: value})
                assert CANARY not in reason, (parameter.name, value)
                last = kms.calls.last
                assert last is not None
                if last.code.startswith("InvalidParameter"):
                    assert CANARY not in str(last.document()), (parameter.name, value)
    assert CANARY not in caplog.text


def _static(found: object) -> dict[str, str]:
    """Return the parameters of an example that are known before any request."""
    values = getattr(found, "values")  # noqa: B009
    if callable(values):
        return {}
    return {name.replace("__", "."): value for name, value in values.items() if isinstance(value, str)}


# Bodies that are no form, sent as one: what `curl -d` does. Everything before a `=` is the name of a parameter then.
NO_FORMS = [
    json.dumps({"SecretName": "db", "SecretData": CANARY}),
    CANARY,
    f"{CANARY}==",
    f"SecretData.{CANARY}=1",
    f"SecretData:{CANARY}=1",
    f"<SecretData>{CANARY}</SecretData>=1",
]


@pytest.mark.parametrize("body", NO_FORMS)
@pytest.mark.parametrize("action", ["PutSecretValue", "ListKeys", "NoSuchOperation"])
def test_the_names_of_what_is_no_parameter_are_masked(
    wire: tuple[KmsMock, Wire], action: str, body: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The log warned of a parameter '{"SecretData":"…"}', and the journal, the control API and the page showed it."""
    kms, connection = wire
    kms.reset()
    query = urlencode({"Action": action, "Version": VERSION})
    with caplog.at_level(logging.INFO, "kms_mock"):
        answer = connection.send(
            raw_http.http("POST", query=query, body=body.encode(), headers={"Content-Type": FORM})
        ).receive()
    last = kms.calls.last
    assert last is not None
    shown = [str(answer.headers), str(answer.body), str(last), json.dumps(last.document()), json.dumps(exchange(last))]
    assert CANARY not in "".join(shown) + caplog.text
    assert CANARY in json.dumps(last.unmasked_parameters)


def test_a_misspelt_parameter_is_shown(wire: tuple[KmsMock, Wire], caplog: pytest.LogCaptureFixture) -> None:
    """A name that looks like one is what somebody wants to see; its value stays masked."""
    kms, connection = wire
    kms.reset()
    query = urlencode({"Action": "ListKeys", "Version": VERSION, "PageSise": "7", "Tag.1.Kye": "x"})
    with caplog.at_level(logging.INFO, "kms_mock"):
        connection.send(raw_http.http("POST", query=query)).receive()
    last = kms.calls.last
    assert last is not None
    assert last.parameters == {"PageSise": "***", "Tag.1.Kye": "***"}
    assert "ListKeys has no parameter 'PageSise': it is ignored" in caplog.text
