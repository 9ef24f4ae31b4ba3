"""The control API: what the handle can do, over HTTP, for this machine's own programs and for nobody else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from alibabacloud_kms20160120.client import Client

from kms_mock import KmsMock
from kms_mock.config import Config
from kms_mock.defaults import MAX_BODY_BYTES
from tests.support.control import FOREIGN_ORIGIN, SECRET_FIXTURE, control_request, exchange
from tests.support.keys import create_key, schedule
from tests.support.registry import REGISTRY
from tests.support.secrets import create, put, sdk, value


@pytest.fixture
def kms() -> Iterator[KmsMock]:
    """A mock with one secret."""
    with KmsMock([SECRET_FIXTURE]) as running:
        yield running


@pytest.fixture
def open_kms() -> Iterator[KmsMock]:
    """One that may reveal secrets."""
    with KmsMock([SECRET_FIXTURE], config=Config(reveal_secrets=True)) as running:
        yield running


# -- state ------------------------------------------------------------------------------------------------------------


def test_health(kms: KmsMock) -> None:
    """It says that it works, which version it is, and what time it has."""
    kms.clock.freeze()
    kms.clock.set("2030-01-01")
    answer = control_request(kms, "GET", "health")
    assert (answer["status"], answer["now"]) == ("ok", "2030-01-01T00:00:00Z")
    assert answer["version"].count(".") == 2


def test_reset_goes_back_to_the_fixture_files(kms: KmsMock, client: Client) -> None:
    """State, clock, faults and calls, by one POST without a body."""
    put(client, "v2", "two")
    kms.clock.freeze()
    kms.fail(code="InternalFailure")
    assert control_request(kms, "POST", "reset") == {}
    assert (list(kms.calls), list(kms.faults), kms.clock.frozen) == ([], [], False)
    assert value(client) == "hunter2hunter2"


def test_state_goes_out_and_in(open_kms: KmsMock) -> None:
    """What GET gives, PUT takes: another server becomes the same. Here PUT replaces what was there."""
    client = open_kms.client()
    put(client, "v2", "two")
    create_key(client)
    document = control_request(open_kms, "GET", "state")
    assert document == open_kms.snapshot()
    with KmsMock([{"secrets": [{"name": "old", "value": "x"}]}]) as other:
        assert control_request(other, "PUT", "state", document) == {}
        assert other.snapshot() == document


def test_post_state_adds(kms: KmsMock, client: Client) -> None:
    """A fixture document comes on top of what is there."""
    control_request(kms, "POST", "state", {"secrets": [{"name": "more", "value": "new"}]})
    assert (value(client), value(client, "more")) == ("hunter2hunter2", "new")


@pytest.mark.parametrize("method", ["PUT", "POST"])
@pytest.mark.parametrize(
    ("document", "place"),
    [
        ({"secrets": [{"name": "ok", "value": "x"}, {"name": "bad"}]}, "secrets[1]"),
        ({"secrits": []}, "secrits"),
        ([], "object"),
    ],
)
def test_a_wrong_document_changes_nothing(kms: KmsMock, method: str, document: Any, place: str) -> None:
    """400, with the place in the document; the store is as it was."""
    before = kms.snapshot()
    body = json.dumps(document).encode()
    status, _, answer = exchange(kms, method, "state", body, Content_Type="application/json")
    assert (status, place in answer["error"]) == (400, True), answer
    assert kms.snapshot() == before


def test_several_documents_go_in_together(kms: KmsMock) -> None:
    """A list of documents is added, or put in the place of everything, in its order."""
    first = {"secrets": [{"name": "a", "value": "1"}]}
    second = {"secrets": [{"name": "b", "value": "2"}]}
    assert control_request(kms, "PUT", "state", [first, second]) == {}
    assert [value(kms.client(), name) for name in ("a", "b")] == ["1", "2"]
    third = {"secrets": [{"name": "c", "value": "3"}]}
    assert control_request(kms, "POST", "state", [third]) == {}
    assert len(control_request(kms, "GET", "state")["accounts"][0]["regions"][0]["secrets"]) == 3


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_of_several_documents_all_go_in_or_none(kms: KmsMock, method: str) -> None:
    """The second is wrong: the first leaves no trace, and the second is named as the caller named it."""
    before = kms.snapshot()
    good, bad = {"secrets": [{"name": "a", "value": "1"}]}, {"secrets": [{"name": "b", "valu": "2"}]}
    body = json.dumps([good, bad]).encode()
    for query, source in (
        ("", "document 2 of the request body"),
        ("?source.1=good.yaml&source.2=bad%1B.yaml", "bad\\x1b.yaml"),
    ):
        status, _, answer = exchange(kms, method, f"state{query}", body, Content_Type="application/json")
        assert (status, answer["error"]) == (
            400,
            f"{source}: $.secrets[0]: unknown field 'valu'; did you mean 'value'? "
            + answer["error"][answer["error"].index("(known are") :],
        )
        assert kms.snapshot() == before


@pytest.mark.parametrize(
    ("method", "path", "body", "problem"),
    [
        (
            "PUT",
            "state",
            b'{\n  "secrets": [],\n  "secrets": []}',
            "request body:3:3: the key 'secrets' is there twice",
        ),
        (
            "POST",
            "state",
            b'{"secrets": [{"name": "a",\n "valu": 1}]}',
            "request body:2:2: $.secrets[0]: unknown field 'valu'",
        ),
        ("PUT", "clock", b'{"advanc": 1}', "unknown field 'advanc'; did you mean 'advance'"),
        ("POST", "faults", b'{"operation": "ListKeys", "cod": "x"}', "unknown field 'cod'; did you mean 'code'"),
        ("POST", "faults", b'{"times": 1, "times": 2}', "the key 'times' is there twice"),
        ("POST", "faults", b'{"operation": "get_secret_valu", "latency": 1}', "did you mean 'GetSecretValue'"),
        ("POST", "faults", b"[" * 100_000, "nested 64 deep"),
        ("PUT", "clock", b"\xff", "not UTF-8"),
    ],
)
def test_what_is_wrong_with_a_body(kms: KmsMock, method: str, path: str, body: bytes, problem: str) -> None:
    """One reader with limits for all bodies: line and column, the nearest name, no key twice, no depth without end."""
    status, _, answer = exchange(kms, method, path, body, Content_Type="application/json")
    assert (status, problem in answer["error"]) == (400, True), answer


def test_a_large_document_goes_in(kms: KmsMock) -> None:
    """12,000 secrets are more than the 1 MB that a request to the API may have, and fewer than a fixture file may hold."""
    document = {"secrets": [{"name": f"s{number}", "value": "x" * 100} for number in range(12_000)]}
    assert len(json.dumps(document)) > MAX_BODY_BYTES
    assert control_request(kms, "PUT", "state", document) == {}
    assert sdk(kms.client(), "ListSecrets")["TotalCount"] == 12_000


def test_a_body_of_a_stranger_is_not_read_far(kms: KmsMock) -> None:
    """Who is refused anyway may send no more than any client: the answer says how much, in JSON."""
    body = b'{"secrets": []}' + b" " * 2 * MAX_BODY_BYTES
    headers: dict[str, str | None] = {"Content_Type": "application/json", "Origin": FOREIGN_ORIGIN}
    status, _, answer = exchange(kms, "PUT", "state", body, **headers)
    assert (status, answer["error"]) == (400, f"The body has more than {MAX_BODY_BYTES} bytes.")


# -- clock ------------------------------------------------------------------------------------------------------------


def test_the_clock_over_http(kms: KmsMock, client: Client) -> None:
    """Freeze, set and advance, in one request or several; the events come back in order of time."""
    answer = control_request(kms, "PUT", "clock", {"freeze": True, "set": "2030-01-01T00:00:00Z"})
    assert answer == {"now": "2030-01-01T00:00:00Z", "frozen": True, "tick_rate": 0.0, "events": []}
    key = create_key(client)
    schedule(client, key.key_id, 7)
    answer = control_request(kms, "PUT", "clock", {"advance": "8d"})
    assert answer["now"] == "2030-01-09T00:00:00Z"
    assert answer["events"] == [
        {"at": "2030-01-08T00:00:00Z", "kind": "key deleted", "resource": key.arn, "detail": "", "count": 1}
    ]
    assert control_request(kms, "PUT", "clock", {"tick_rate": 60})["tick_rate"] == 60
    assert control_request(kms, "PUT", "clock", {"freeze": False})["tick_rate"] == 1
    control_request(kms, "PUT", "clock", {"set": "9890-01-01"})
    assert (
        control_request(kms, "PUT", "clock", {"reset": True, "advance": "4000d"})["events"] == []
    )  # counted from the real time
    control_request(kms, "PUT", "clock", {"reset": True})
    assert abs(kms.clock.now() - KmsMock().clock.now()) < 5
    assert control_request(kms, "GET", "clock")["frozen"] is False


@pytest.mark.parametrize(
    "document",
    [
        {"advance": "soon"},
        {"advance": -1},
        {"advance": 1e300},
        {"set": "later"},
        {"tick_rate": -1},
        {"speed": 2},
        [],
        {"set": "2030-01-01", "advance": "soon"},
        {"set": "2030-01-01", "advance": -1},
        {"set": "9998-01-01", "advance": "3650d"},
        {"freeze": True, "set": "later"},
        {"set": "2030-01-01", "tick_rate": -1},
    ],
)
def test_a_wrong_time_is_refused(kms: KmsMock, document: Any) -> None:
    """400 with a reason, and the clock goes on as it was: all that a request asks for happens, or nothing."""
    body = json.dumps(document).encode()
    status, _, answer = exchange(kms, "PUT", "clock", body, Content_Type="application/json")
    assert (status, bool(answer["error"])) == (400, True)
    assert abs(kms.clock.now() - KmsMock().clock.now()) < 5
    assert not kms.clock.frozen


# -- calls ------------------------------------------------------------------------------------------------------------


def test_requests_are_listed_and_forgotten(kms: KmsMock, client: Client) -> None:
    """All, by action, by code, by caller, or newer than a number; with what was evicted and how many are kept."""
    create(client, "web", "top secret")
    value(kms.client(access_key_id="bob"))
    with pytest.raises(Exception, match="ResourceNotFound"):
        value(client, "none")
    listed = control_request(kms, "GET", "requests")
    assert [one["action"] for one in listed["requests"]] == ["CreateSecret", "GetSecretValue", "GetSecretValue"]
    assert (listed["evicted"], listed["size"], listed["max_bytes"]) == (0, 1000, 32 * 2**20)
    assert 1000 < listed["bytes"] < 10_000
    first = listed["requests"][0]
    assert first["parameters"]["SecretData"] == "***"
    assert first["changes"] == ["created secret web"]
    numbers = {
        query: [one["number"] for one in control_request(kms, "GET", f"requests?{query}")["requests"]]
        for query in (
            "action=GetSecretValue",
            "code=",
            "code=Forbidden.ResourceNotFound",
            "access_key_id=bob",
            "since=2",
        )
    }
    assert numbers == {
        "action=GetSecretValue": [2, 3],
        "code=": [1, 2],
        "code=Forbidden.ResourceNotFound": [3],
        "access_key_id=bob": [2],
        "since=2": [3],
    }
    assert control_request(kms, "DELETE", "requests") == {}
    assert control_request(kms, "GET", "requests")["requests"] == []


def test_requests_of_an_operation_that_does_not_exist(kms: KmsMock) -> None:
    """A misspelled operation is refused instead of listing nothing; the SDK's spelling is understood."""
    value(kms.client())
    assert len(control_request(kms, "GET", "requests?action=get_secret_value")["requests"]) == 1
    status, _, answer = exchange(kms, "GET", "requests?action=GetSecretValu")
    assert (status, answer["error"]) == (
        400,
        "there is no operation 'GetSecretValu'; did you mean 'GetSecretValue'?",
    )


def test_unmasked_requests_need_the_flag(kms: KmsMock, open_kms: KmsMock) -> None:
    """`unmasked=true` is refused, unless the server was started to reveal secrets."""
    for one in (kms, open_kms):
        create(one.client(), "web", "top secret")
    assert exchange(kms, "GET", "requests?unmasked=true")[0] == 403
    listed = control_request(open_kms, "GET", "requests?unmasked=true")["requests"]
    assert listed[0]["parameters"]["SecretData"] == "top secret"
    assert "top secret" not in str(control_request(open_kms, "GET", "requests"))


# -- faults -----------------------------------------------------------------------------------------------------------


def test_faults_over_http(kms: KmsMock, client: Client) -> None:
    """POST asks for one, GET shows its counts, DELETE takes back one or all."""
    made = control_request(
        kms, "POST", "faults", {"operation": "GetSecretValue", "code": "Rejected.Throttling", "times": 2}
    )
    control_request(kms, "POST", "faults", {"operation": "Encrypt", "latency": [0.1, 0.2]})
    with pytest.raises(Exception, match="Throttling"):
        value(client)
    shown = control_request(kms, "GET", "faults")["faults"]
    assert shown[0] == {**made, "matched": 1, "struck": 1}
    assert shown[1]["latency"] == [0.1, 0.2]
    control_request(kms, "DELETE", f"faults/{made['id']}")
    assert value(client) == "hunter2hunter2"
    assert exchange(kms, "DELETE", f"faults/{made['id']}")[0] == 404
    assert exchange(kms, "DELETE", "faults/all")[0] == 404
    control_request(kms, "DELETE", "faults")
    assert control_request(kms, "GET", "faults") == {"faults": []}


@pytest.mark.parametrize(
    ("document", "problem"),
    [({"code": "Nonsense"}, "Nonsense"), ({"tmes": 1}, "tmes"), ({}, "code"), ({"times": 0, "code": "x"}, "times")],
)
def test_a_wrong_fault_is_refused(kms: KmsMock, document: Any, problem: str) -> None:
    """400, and there is no such fault."""
    body = json.dumps(document).encode()
    status, _, answer = exchange(kms, "POST", "faults", body, Content_Type="application/json")
    assert (status, problem in answer["error"]) == (400, True)
    assert list(kms.faults) == []


# -- checkpoints, operations ------------------------------------------------------------------------------------------


def test_checkpoints_over_http(kms: KmsMock, client: Client) -> None:
    """Made, described in words, restored as often as needed, forgotten; an id is never given twice."""
    first = control_request(kms, "POST", "checkpoints")["id"]
    put(client, "v2", "two")
    second = control_request(kms, "POST", "checkpoints")["id"]
    assert "secret db got version v2" in control_request(kms, "GET", f"checkpoints/{first}")["changes"]
    assert control_request(kms, "GET", f"checkpoints/{second}")["changes"] == []
    control_request(kms, "DELETE", f"checkpoints/{first}")
    third = control_request(kms, "POST", "checkpoints")["id"]
    assert len({first, second, third}) == 3
    put(client, "v3", "three")
    control_request(kms, "PUT", f"checkpoints/{second}")
    assert value(client) == "two"
    for method in ("GET", "PUT", "DELETE"):
        assert exchange(kms, method, f"checkpoints/{first}")[0] == 404
    assert control_request(kms, "GET", "checkpoints") == {"checkpoints": [second, third]}


def test_operations(kms: KmsMock) -> None:
    """Every operation with its parameters and its own error table."""
    entries = control_request(kms, "GET", "operations")["operations"]
    assert [entry["version"] for entry in entries].count("dkms-gcs-0.2") == 16
    listed = {entry["name"]: entry for entry in entries if entry["version"] != "dkms-gcs-0.2"}
    assert set(listed) == set(REGISTRY)
    parameters = {parameter["name"]: parameter for parameter in listed["GetSecretValue"]["parameters"]}
    assert parameters["SecretName"]["required"]
    assert not parameters["SecretName"]["sensitive"]
    assert parameters["FetchExtendedConfig"]["default"] == "false"
    assert "Forbidden.ResourceNotFound" in [row["code"] for row in listed["GetSecretValue"]["errors"]]


@pytest.mark.parametrize(
    ("method", "path", "status", "problem"),
    [
        ("GET", "nonsense", 404, "catalogue, checkpoints, client-key, clock, due, events, faults, health"),
        ("GET", "reset", 405, "reset takes POST"),
        ("DELETE", "state", 405, "state takes GET, PUT, POST"),
        ("GET", "requests?since=x", 400, "x"),
        ("GET", "requests?acton=GetSecretValue", 400, "did you mean 'action'"),
        ("PUT", "clock", 400, ""),
    ],
)
def test_what_it_cannot_do(kms: KmsMock, method: str, path: str, status: int, problem: str) -> None:
    """Every answer is JSON with an `error` that helps, whatever was asked."""
    answered, headers, answer = exchange(kms, method, path)
    assert (answered, problem in answer["error"]) == (status, True), answer
    assert headers["content-type"].startswith("application/json")
