"""The control API: what the handle can do, over HTTP, for this machine's own programs and for nobody else."""

from __future__ import annotations

import base64
import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alibabacloud_kms20160120.client import Client

from kms_mock import KmsMock
from kms_mock.config import MAX_BODY_BYTES, Config
from kms_mock.fixtures import snapshot, yaml_files
from kms_mock.rpc.decode import HttpRequest
from kms_mock.server.control_api import ControlApi
from tests.support.calls import call
from tests.support.control import SECRET_FIXTURE, control_request, exchange
from tests.support.keys import create_key, schedule
from tests.support.registry import REGISTRY
from tests.support.secrets import create, put, sdk, value

FIXTURES = Path(__file__).parents[2] / "fixtures"


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
            "request body:3:3: $: the key 'secrets' is there twice",
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
    headers: dict[str, str | None] = {"Content_Type": "application/json", "Origin": EVIL}
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
    assert 3000 < listed["bytes"] < 10_000
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


# -- security ---------------------------------------------------------------------------------------------------------

EVIL = "https://evil.example"
BROWSER = {
    "User_Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Referer": f"{EVIL}/",
}
FORM = b"a=1"
JSON = b'{"secrets": []}'
CROSS = {"Origin": EVIL, "Sec_Fetch_Site": "cross-site"}


@pytest.mark.parametrize(
    ("what", "method", "body", "headers"),
    [
        ("form post", "POST", FORM, {**CROSS, "Content_Type": "application/x-www-form-urlencoded"}),
        ("form post, empty", "POST", b"", {**CROSS, "Content_Type": "application/x-www-form-urlencoded"}),
        ("form post, multipart", "POST", FORM, {**CROSS, "Content_Type": "multipart/form-data; boundary=x"}),
        ("form post, text", "POST", JSON, {**CROSS, "Content_Type": "text/plain"}),
        ("form post of an old browser", "POST", FORM, {"Content_Type": "application/x-www-form-urlencoded"}),
        ("form post of an old browser, empty", "POST", b"", {"Content_Type": "application/x-www-form-urlencoded"}),
        ("form post of a sandboxed frame", "POST", FORM, {"Origin": "null", "Content_Type": "text/plain"}),
        ("fetch, no-cors, no body", "POST", b"", {**CROSS, "Sec_Fetch_Mode": "no-cors"}),
        ("fetch, no-cors, text", "POST", JSON, {**CROSS, "Content_Type": "text/plain;charset=UTF-8"}),
        ("fetch, JSON, as if the preflight had passed", "POST", JSON, {**CROSS, "Content_Type": "application/json"}),
        ("fetch, PUT", "PUT", JSON, {**CROSS, "Content_Type": "application/json"}),
        ("fetch, DELETE", "DELETE", b"", CROSS),
        ("fetch from another port of this machine", "POST", b"", {"Origin": "http://127.0.0.1:8080"}),
        ("fetch from a neighbour", "POST", b"", {"Origin": EVIL, "Sec_Fetch_Site": "same-site"}),
        ("no Origin but Sec-Fetch-Site", "POST", b"", {"Sec_Fetch_Site": "cross-site"}),
        ("DNS rebinding", "POST", b"", {"Host": "evil.example:4588", "Origin": "http://evil.example:4588"}),
        ("DNS rebinding, same origin", "POST", b"", {"Host": "evil.example", "Sec_Fetch_Site": "same-origin"}),
        ("DNS rebinding, JSON", "PUT", JSON, {"Host": "evil.example", "Content_Type": "application/json"}),
        ("a name that looks like this machine", "POST", b"", {"Host": "127.0.0.1.evil.example"}),
        ("a name with user data", "POST", b"", {"Host": "localhost@evil.example"}),
        ("a broken host", "POST", b"", {"Host": "[::1"}),
    ],
)
def test_a_page_of_another_origin_cannot_change_anything(
    kms: KmsMock, what: str, method: str, body: bytes, headers: dict[str, str | None]
) -> None:
    """Whatever a browser sends for such a page is refused, without a word that lets the page read or go on."""
    kms.clock.freeze()
    value(kms.client())
    before = (kms.snapshot(), kms.clock.now(), list(kms.faults), len(kms.calls))
    for path in ("reset", "state", "clock", "faults", "checkpoints", "requests"):
        status, told, answer = exchange(kms, method, path, body, **{**BROWSER, **headers})
        assert status in (400, 403, 415), (what, path)
        assert list(answer) == ["error"]
        assert not [name for name in told if name.startswith("access-control")]
    assert (kms.snapshot(), kms.clock.now(), list(kms.faults), len(kms.calls)) == before


async def test_a_request_without_a_host_is_refused() -> None:
    """HTTP/1.0 needs none; the control API does."""
    kms = KmsMock([SECRET_FIXTURE])
    answer = await ControlApi(kms.controls, kms.config, kms.certificates).answer(
        HttpRequest("POST", "/_kms_mock/reset", {}, peer="127.0.0.1")
    )
    assert answer.status == 403


@pytest.mark.parametrize("asks_for", ["POST", "PUT", "DELETE"])
def test_a_preflight_is_refused(kms: KmsMock, asks_for: str) -> None:
    """OPTIONS gets no permission, so the browser never sends the request that it stands for."""
    status, told, _ = exchange(
        kms,
        "OPTIONS",
        "reset",
        None,
        **BROWSER,
        **CROSS,
        Access_Control_Request_Method=asks_for,
        Access_Control_Request_Headers="content-type",
    )
    assert status == 403
    assert not [name for name in told if name.startswith("access-control")]


@pytest.mark.parametrize("path", ["state", "requests"])
@pytest.mark.parametrize("headers", [CROSS, {"Host": "evil.example"}])
def test_a_page_of_another_origin_can_read_nothing(kms: KmsMock, path: str, headers: dict[str, str | None]) -> None:
    """Reading is refused as well as writing."""
    status, _, answer = exchange(kms, "GET", path, None, **{**BROWSER, **headers})
    assert (status, list(answer)) == (403, ["error"])


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_this_machine_is_welcome_by_all_its_names(kms: KmsMock, host: str) -> None:
    """Programs, and a page that came from this very origin, may use it."""
    name = f"{host}:{kms.port}"
    assert exchange(kms, "POST", "reset", Host=name)[0] == 200
    assert exchange(kms, "POST", "reset", Host=name, Origin=f"http://{name}", Sec_Fetch_Site="same-origin")[0] == 200
    assert exchange(kms, "GET", "health", Host=name, Sec_Fetch_Site="none")[0] == 200


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded", "application/jsonp"])
def test_only_json_is_taken(kms: KmsMock, kind: str | None) -> None:
    """A body of another type, or of none, is refused with 415, even if it is JSON."""
    before = kms.snapshot()
    status, _, answer = exchange(kms, "PUT", "state", JSON, Content_Type=kind)
    assert (status, "application/json" in answer["error"]) == (415, True)
    assert kms.snapshot() == before


def test_json_with_a_charset_is_json(kms: KmsMock) -> None:
    """Parameters of the type and its case do not matter."""
    assert exchange(kms, "PUT", "state", JSON, Content_Type="Application/JSON; charset=utf-8")[0] == 200


def test_a_broken_body_is_refused(kms: KmsMock) -> None:
    """400 for JSON that is none."""
    assert exchange(kms, "PUT", "state", b'{"secrets": ', Content_Type="application/json")[0] == 400


@pytest.mark.parametrize(
    ("peer", "remote", "host", "status"),
    [
        ("127.0.0.1", False, "127.0.0.1:4588", 200),
        ("::1", False, "[::1]:4588", 200),
        ("127.8.9.10", False, "localhost", 200),
        ("192.168.1.7", False, "127.0.0.1", 403),
        ("192.168.1.7", False, "192.168.1.2", 403),
        (None, False, "127.0.0.1", 403),
        ("192.168.1.7", True, "192.168.1.2:4588", 200),
        ("192.168.1.7", True, "[2001:db8::1]:4588", 200),
        ("192.168.1.7", True, "any.name.example", 200),
        ("192.168.1.7", True, "kms.internal", 200),
    ],
)
async def test_other_machines_need_leave(peer: str | None, remote: bool, host: str, status: int) -> None:
    """Without --control-remote only loopback may ask; with it anybody, by whatever address or name."""
    kms = KmsMock([SECRET_FIXTURE])
    api = ControlApi(kms.controls, Config(host="kms.internal", control_remote=remote), kms.certificates)
    answer = await api.answer(HttpRequest("GET", "/_kms_mock/state", {"Host": host}, peer=peer))
    assert answer.status == status


def test_another_address_of_this_machine_is_told_apart() -> None:
    """A server on all addresses refuses what comes in by the one that other machines use."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        probe.connect(("192.0.2.1", 9))  # sends nothing; tells which address the machine would use
        address = probe.getsockname()[0]
    if address.startswith("127."):
        pytest.skip("this machine has no address but loopback")
    with (
        KmsMock([SECRET_FIXTURE], host="0.0.0.0") as kms,  # noqa: S104 (that is the point)
        closing(http.client.HTTPConnection(address, kms.port)) as outside,
    ):
        outside.request("POST", "/_kms_mock/reset")
        assert outside.getresponse().status == 403


# -- secrets ----------------------------------------------------------------------------------------------------------


def secrets_in(tree: Any) -> Iterator[str]:
    """Return every text of a fixture document that is secret: values, material, private keys, secrets of pairs."""
    if isinstance(tree, dict):
        for name, child in tree.items():
            if name in ("data", "value", "material", "private_key", "secret") and isinstance(child, str):
                yield child
            else:
                yield from secrets_in(child)
    elif isinstance(tree, list):
        for child in tree:
            yield from secrets_in(child)


@pytest.mark.parametrize("file", sorted(FIXTURES.glob("*.yaml")), ids=lambda file: str(file.name))
def test_state_reveals_no_secret_without_the_flag(file: Path) -> None:
    """Of every kind of resource: neither as it stands in the file nor as a snapshot has it."""
    with KmsMock([file]) as kms:
        call(kms.client(), "CreateKey", KeySpec="EC_P256")
        shown = json.dumps(control_request(kms, "GET", "state"))
        hidden = [*secrets_in(kms.snapshot()), *secrets_in(yaml_files.parse(file, file.read_text()))]
        assert len(hidden) >= 2
        for one in hidden:
            assert json.dumps(one)[1:-1] not in shown
            assert "PRIVATE KEY" not in shown


def test_tags_are_shown_whatever_their_names(kms: KmsMock) -> None:
    """A tag may be called `secret`: its value is none."""
    kms.load({"secrets": [{"name": "t", "value": "x" * 8, "tags": {"secret": "no", "value": "3"}}]})
    state = control_request(kms, "GET", "state")
    (secret,) = [one for one in state["accounts"][0]["regions"][0]["secrets"] if one["name"] == "t"]
    assert secret["tags"] == {"secret": "no", "value": "3"}


def test_nothing_but_state_and_requests_speaks_of_secrets(kms: KmsMock, client: Client) -> None:
    """Checkpoints, faults, events and refusals name resources, never what is in them."""
    point = control_request(kms, "POST", "checkpoints")["id"]
    create(client, "web", "top secret text")
    key = create_key(client)
    material = base64.b64encode(b"top secret text").decode()
    told = [
        control_request(kms, "GET", f"checkpoints/{point}"),
        control_request(kms, "GET", "requests"),
        control_request(kms, "PUT", "clock", {"advance": "400d"}),
        exchange(kms, "PUT", "state", b'{"secrets": [{"name": "a", "value": ["top secret text"]}]}', Content_Type="application/json")[2],
    ]  # fmt: skip
    assert key.key_id in str(told)
    assert "top secret" not in str(told)
    assert material not in str(told)


def test_the_control_api_keeps_no_journal_of_itself(kms: KmsMock) -> None:
    """Its requests are not calls of the code under test."""
    control_request(kms, "GET", "state")
    exchange(kms, "POST", "reset", Host="evil.example")
    assert list(kms.calls) == []


def test_a_request_to_the_api_is_not_one_to_the_control_api(kms: KmsMock, client: Client) -> None:
    """Only paths below /_kms_mock/ are."""
    before = snapshot(kms.store)
    with closing(http.client.HTTPConnection(kms.config.host, kms.port)) as connection:
        for path in ("/_kms_mock", "/x/_kms_mock/reset"):
            connection.request("POST", path)
            answer = connection.getresponse()
            assert "Code" in json.loads(answer.read())
    assert sdk(client, "ListSecrets")["TotalCount"] == 1
    assert kms.snapshot() == before
