"""Who may use the control API, and what it shows: foreign pages, wrong types, secrets."""

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
from kms_mock.config import Config
from kms_mock.fixtures import snapshot, yaml_files
from kms_mock.rpc.decode import HttpRequest
from kms_mock.server.control_api import ControlApi
from tests.support.calls import call
from tests.support.control import FOREIGN_ORIGIN, SECRET_FIXTURE, control_request, exchange
from tests.support.keys import create_key
from tests.support.secrets import create, sdk, value

FIXTURES = Path(__file__).parents[2] / "fixtures"


@pytest.fixture
def kms() -> Iterator[KmsMock]:
    """A mock with one secret."""
    with KmsMock([SECRET_FIXTURE]) as running:
        yield running


# -- security ---------------------------------------------------------------------------------------------------------

BROWSER = {
    "User_Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Referer": f"{FOREIGN_ORIGIN}/",
}
FORM = b"a=1"
JSON = b'{"secrets": []}'
CROSS = {"Origin": FOREIGN_ORIGIN, "Sec_Fetch_Site": "cross-site"}


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
        ("fetch from a neighbour", "POST", b"", {"Origin": FOREIGN_ORIGIN, "Sec_Fetch_Site": "same-site"}),
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
