"""What keeps web pages from the API, and strangers from the control API; programs never notice."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import closing

import pytest

from kms_mock import KmsMock
from kms_mock.config import Config
from kms_mock.rpc import errors
from kms_mock.rpc.decode import HttpRequest
from kms_mock.server.control_api import ControlApi
from kms_mock.server.guards import ProductGuard, host_name
from tests.support.control import SECRET_FIXTURE, exchange
from tests.support.raw_http import FORM, Answer, Wire, ask, request_parameters
from tests.support.raw_http import http as written

READ = request_parameters("GetSecretValue", SecretName="db")
CREATE = request_parameters("CreateSecret", SecretName="page", VersionId="1", SecretData="from a page")
HERE = "127.0.0.1:4588"
EVIL = "https://evil.example"


@pytest.fixture(scope="module")
def kms() -> Iterator[KmsMock]:
    config = Config(allow_hosts=("KMS.example.com.",), control_hosts=("control.example.com",))
    with KmsMock([SECRET_FIXTURE], config=config) as running:
        yield running


def secret_answer(kms: KmsMock, **headers: str) -> Answer:
    """Read the secret with these headers; `_` stands for `-`."""
    given = {"Host": HERE, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return ask(kms, written("GET", READ, headers=given))


# -- the API: pages of other origins ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": EVIL},
        {"Origin": EVIL, "Sec_Fetch_Site": "cross-site"},
        {"Origin": "null"},  # a sandboxed frame, a file
        {"Origin": ""},
        {"Origin": "http://[::1"},
        {"Origin": "http://127.0.0.1:8080"},  # another port of this machine
        {"Origin": "http://localhost:4588"},  # another name of this machine: another origin
        {"Origin": f"http://{HERE}.evil.example"},
        {"Origin": f"http://{HERE}@evil.example"},
        {"Origin": f"http://{HERE}", "Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "cross-site"},  # an image or a script: GET without Origin
        {"Sec_Fetch_Site": "Cross-Site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_a_page_of_another_origin_is_refused(kms: KmsMock, headers: dict[str, str]) -> None:
    """A foreign Origin or Sec-Fetch-Site is 403 Forbidden.ForeignRequest, in the API's own envelope, without CORS."""
    before = kms.snapshot()
    for request in (written("GET", READ), written("POST", form=CREATE), written("POST", CREATE), written("OPTIONS")):
        head, _, rest = request.partition(b"\r\n")
        more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        hosted = rest.replace(b"Host: 127.0.0.1\r\n", f"Host: {HERE}\r\n{more}".encode())
        answer = ask(kms, head + b"\r\n" + hosted)
        assert answer.refusal[:2] == (403, "Forbidden.ForeignRequest")
        assert "another origin" in answer.refusal[2]
        assert answer.headers["x-kms-mock-reason"] == "it comes from a web page of another origin."
        assert not [name for name in answer.headers if name.startswith("access-control")]
        assert b"hunter2" not in answer.body
    assert kms.snapshot() == before


def test_a_refused_request_can_be_found(kms: KmsMock) -> None:
    """It is among the calls, with its code and reason, for who wonders why a client gets no answer."""
    secret_answer(kms, Host="other.example.com")
    call = list(kms.calls)[-1]
    assert (call.code, call.action) == ("Forbidden.ForeignRequest", "")
    assert "--allow-host other.example.com" in str(call.document())


def test_a_refusal_is_in_the_format_that_was_asked_for(kms: KmsMock) -> None:
    """Format=XML is answered with the same envelope in XML."""
    answer = ask(kms, written("GET", {**READ, "Format": "XML"}, headers={"Origin": EVIL}))
    assert answer.headers["content-type"].startswith("text/xml")
    assert answer.refusal[:2] == (403, "Forbidden.ForeignRequest")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": f"http://{HERE}"},
        {"Origin": f"https://{HERE}", "Sec_Fetch_Site": "same-origin"},
        {"Origin": "http://LOCALHOST:4588", "Host": "localhost:4588"},
        {"Origin": "http://localhost:4588", "Host": "http://localhost:4588"},
        {"Sec_Fetch_Site": "none"},
        {"Sec_Fetch_Mode": "cors", "User_Agent": "node"},  # fetch of Node
        {"Referer": f"{EVIL}/"},
    ],
)
def test_programs_and_pages_of_this_server_are_answered(kms: KmsMock, headers: dict[str, str]) -> None:
    """No Origin, or the server's own, and no Sec-Fetch-Site that says otherwise."""
    assert secret_answer(kms, **headers).status == 200


# -- the API: host names ----------------------------------------------------------------------------------------------

FREE_HOSTS = [
    "127.0.0.1",
    "127.0.0.1:4588",
    "127.1:4588",
    "0x7f.0.0.1",
    "192.168.1.7",
    "[::1]:4588",
    "[fe80::1]",
    "localhost",
    "LOCALHOST:4588",
    "localhost.:4588",
    "app.localhost:4588",
    "mac.local",
    "host.docker.internal:4588",
    "kms",  # a service in a compose file
    "kms_mock-1:4588",
    "kms.testing.svc",
    "kms.testing.svc.cluster.local:4588",
    "kms.cn-hangzhou.aliyuncs.com",
    "kms-vpc.ap-southeast-1.aliyuncs.com:443",
    "http://127.0.0.1:4588",
    "HTTPS://kms.cn-beijing.aliyuncs.com",
    "kms.example.com",
    "Kms.Example.com.:4588",
    "control.example.com",
    "",
    "a b",
]
FOREIGN_HOSTS = [
    "evil.example",
    "evil.example:4588",
    "EVIL.example.",
    "http://evil.example:4588",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "local.evil",
    "a.svc.evil.example",
    "kms.cn-hangzhou.aliyuncs.com.evil.example",
    "kms.cn-hangzhou.aliyuncs.com@evil.example",
    "evil.kms.cn-hangzhou.aliyuncs.com",
    "ecs.cn-hangzhou.aliyuncs.com",
    "sub.kms.example.com",
    "[::1",
    "x." * 2000,
]


@pytest.mark.parametrize("host", FREE_HOSTS)
def test_names_that_no_stranger_can_have_are_free(kms: KmsMock, host: str) -> None:
    """Addresses, names without a dot, private domains, hosts of the product, names of --allow-host; any spelling."""
    for _ in range(2):  # the second time it is remembered
        assert secret_answer(kms, Host=host).status in (200, 404)  # 404: in the region of a public host


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_public_names_are_refused_on_loopback(kms: KmsMock, host: str) -> None:
    """DNS rebinding: a page's own name may resolve to this machine, and then the page could read secrets."""
    for _ in range(2):
        assert secret_answer(kms, Host=host).refusal[:2] == (403, "Forbidden.ForeignRequest")


def test_the_refusal_names_the_option(kms: KmsMock) -> None:
    """What an SDK shows says what to do, in the text of the error and in the header."""
    answer = secret_answer(kms, Host="kms.corp.example:4588")
    assert answer.refusal[2] == errors.FOREIGN_REQUEST.text({"detail": answer.headers["x-kms-mock-reason"]})
    assert answer.refusal[2].endswith("start the server with --allow-host kms.corp.example.")


def test_http_1_0_needs_no_host(kms: KmsMock) -> None:
    """A request without Host is answered: no browser sends one."""
    with Wire(kms) as wire:
        line = written("GET", READ).split(b"\r\n")[0].replace(b"HTTP/1.1", b"HTTP/1.0")
        assert wire.send(line + b"\r\n\r\n").receive().status == 200


@pytest.mark.parametrize(
    ("listens_on", "guarded"),
    [
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("localhost", True),
        ("build.example.com", True),  # may stand for loopback; its own name is free
        ("0.0.0.0", False),  # noqa: S104
        ("::", False),
        ("", False),
        ("192.168.1.7", False),
    ],
)
def test_names_are_free_where_other_machines_may_ask(listens_on: str, guarded: bool) -> None:
    """A server on an address of the network answers to any name: containers and machines have names of all kinds."""
    guard = ProductGuard(Config(host=listens_on), [])
    assert bool(guard(HttpRequest("GET", "/", {"Host": "kms.corp.example"}))) == guarded
    assert guard(HttpRequest("GET", "/", {"Host": "build.example.com"})) == "" or listens_on != "build.example.com"
    assert guard(HttpRequest("GET", "/", {"Host": "kms.corp.example", "Origin": EVIL}))


def test_remembered_names_are_bounded() -> None:
    """A client that sends ever new Host headers makes nothing grow, and is still answered."""
    guard = ProductGuard(Config(), [])
    for number in range(1000):
        assert guard(HttpRequest("GET", "/", {"Host": f"name-{number}"})) == ""
    assert guard(HttpRequest("GET", "/", {"Host": "x" * 100_000})) == ""
    remembered = guard._welcome  # noqa: SLF001 (nothing else shows it)
    assert len(remembered) <= 64
    assert max(map(len, remembered)) <= 255


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("http://127.0.0.1:4588", "127.0.0.1"),
        ("[::1]:80", "::1"),
        ("A.b.:1", "a.b"),
        ("user@host", None),
        ("evil.example\\@127.0.0.1", None),
        ("", ""),
        ("[", None),
    ],
)
def test_host_names(header: str, name: str | None) -> None:
    """2.7 of clients.md: some SDKs write scheme and port into Host; what cannot be read is None.

    So is what has a user's name: readers differ about which host that is.
    """
    assert host_name(header) == name


# -- the control API --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "headers", [{"Host": "evil.example"}, {"Host": "[::1"}, {}, {"Origin": EVIL}, {"Content-Type": "text/plain"}]
)
@pytest.mark.parametrize("peer", ["192.168.1.7", "127.0.0.1", None])
async def test_health_is_never_refused(peer: str | None, headers: dict[str, str], method: str) -> None:
    """Whoever waits for the server may ask for its health, from any machine, by any name; it holds nothing of the store."""
    kms = KmsMock([SECRET_FIXTURE])
    api = ControlApi(kms.controls, kms.config, kms.certificates)
    answer = await api.answer(HttpRequest(method, "/_kms_mock/health", headers, peer=peer))
    assert answer.status == 200
    assert set(json.loads(answer.body)) == {"status", "version", "now"}


def test_control_hosts(kms: KmsMock) -> None:
    """--control-host lets programs and the server's own pages use the control API by a further name; --allow-host not."""
    name = "control.example.com:4588"
    assert exchange(kms, "GET", "clock", Host=name)[0] == 200
    assert exchange(kms, "POST", "faults", b"{}", Host=name, Content_Type="text/plain")[0] == 415
    assert exchange(kms, "GET", "clock", Host=name, Origin=f"http://{name}")[0] == 200
    assert exchange(kms, "GET", "clock", Host=name, Origin=EVIL)[0] == 403
    status, _, answer = exchange(kms, "GET", "clock", Host="kms.example.com")
    assert (status, "--control-host" in answer["error"]) == (403, True)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "kms:4588"}, 200),
        ({"Host": "kms.team.example"}, 200),
        ({"Host": "192.168.1.2:4588", "Origin": "http://192.168.1.2:4588"}, 200),
        ({"Host": "kms:4588", "Origin": "http://kms:4588"}, 403),
        ({"Host": "kms:4588", "Sec-Fetch-Site": "same-origin"}, 403),
        ({"Host": "page.example", "Origin": "http://page.example"}, 200),
        ({"Host": "[::1"}, 403),
        ({}, 403),
    ],
)
async def test_a_neighbour_can_reset_a_remote_server(headers: dict[str, str], status: int) -> None:
    """With --control-remote any name will do for a program; a page needs an address or a name of --control-host."""
    kms = KmsMock([SECRET_FIXTURE])
    config = Config(host="0.0.0.0", control_remote=True, control_hosts=("page.example",))  # noqa: S104
    api = ControlApi(kms.controls, config, kms.certificates)
    answer = await api.answer(HttpRequest("POST", "/_kms_mock/reset", headers, peer="172.18.0.3"))
    assert answer.status == status


async def test_a_control_host_does_not_let_other_machines_in() -> None:
    """Anybody can write a name into Host: which machines may ask is --control-remote's matter."""
    kms = KmsMock([SECRET_FIXTURE])
    api = ControlApi(kms.controls, Config(host="0.0.0.0", control_hosts=("kms",)), kms.certificates)  # noqa: S104
    peers = ("172.18.0.3", "127.0.0.1", "::ffff:127.0.0.1")  # the last as a socket for both kinds of addresses has it
    requests = [HttpRequest("POST", "/_kms_mock/reset", {"Host": "kms"}, peer=peer) for peer in peers]
    assert [(await api.answer(request)).status for request in requests] == [403, 200, 200]


PATHS = ["health", "reset", "state", "clock", "requests", "faults", "operations", "checkpoints"]


@pytest.mark.parametrize("path", PATHS)
def test_every_405_carries_allow(kms: KmsMock, path: str) -> None:
    """RFC 9110, 15.5.6: the methods that a path has; HEAD is among them where GET is."""
    status, headers, answer = exchange(kms, "PATCH", path)
    assert status == 405
    allowed = headers["allow"].split(", ")
    assert headers["allow"] in answer["error"]
    assert ("GET" in allowed) == ("HEAD" in allowed)
    for method in {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"} - {*allowed, "HEAD"}:
        refused = exchange(kms, method, path)
        assert (refused[0], refused[1]["allow"]) == (405, headers["allow"])


@pytest.mark.parametrize("path", ["health", "state", "clock", "requests", "faults", "operations", "nothing"])
def test_head_is_get_without_the_body(kms: KmsMock, path: str) -> None:
    """HEAD has the status and the headers of GET, Content-Length included, and no body; the connection goes on."""
    kms.clock.freeze()
    with closing(http.client.HTTPConnection(kms.config.host, kms.port, timeout=10)) as connection:
        answers = []
        for method in ("GET", "HEAD", "GET"):
            connection.request(method, f"/_kms_mock/{path}", headers={"Host": kms.endpoint})
            answer = connection.getresponse()
            named = {name: value for name, value in answer.getheaders() if name != "Date"}
            answers.append((answer.status, named, len(answer.read())))
    assert answers[1] == (*answers[0][:2], 0)
    assert answers[0] == answers[2]
    assert answers[0][2] > 0


def test_a_form_of_a_page_changes_nothing() -> None:
    """The simplest attack: a page that posts a form to 127.0.0.1, as a browser sends it."""
    with KmsMock() as kms:
        page = {"Host": kms.endpoint, "Origin": EVIL, "Sec-Fetch-Site": "cross-site", "Content-Type": FORM}
        assert ask(kms, written("POST", form=CREATE, headers=page)).status == 403
        assert ask(kms, written("POST", form=CREATE, headers={"Host": kms.endpoint})).status == 200
