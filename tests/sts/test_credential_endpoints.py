"""ECS metadata and the credentials URI, over HTTP and through the vendor's credentials library (docs/sts.md)."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from alibabacloud_credentials.http import HttpOptions
from alibabacloud_credentials.provider.ecs_ram_role import EcsRamRoleCredentialsProvider
from alibabacloud_credentials.provider.uri import URLCredentialsProvider

from kms_mock import KmsMock
from kms_mock.rpc.decode import HttpRequest
from kms_mock.server.credential_endpoints import CredentialEndpoints
from kms_mock.server.hosts import METADATA_HOST
from kms_mock.server.routes import ControlResponse
from kms_mock.server.special import is_special
from tests.support.calls import call
from tests.support.identities import ACCOUNT, trust
from tests.support.raw_http import ask
from tests.support.raw_http import http as raw_request

PATH = "/latest/meta-data/ram/security-credentials/"
ECS_TRUST = trust(Service=["ecs.aliyuncs.com"])
FIXTURE: dict[str, Any] = {
    "roles": [{"name": "other", "trust": trust(RAM=["*"])}, {"name": "app", "trust": ECS_TRUST}],
    "secrets": [{"name": "db", "value": "x"}],
    "authentication": {"signatures": "verify", "unknown_access_keys": "refuse"},
}
TTL, TOKEN = "X-aliyun-ecs-metadata-token-ttl-seconds", "X-aliyun-ecs-metadata-token"


def fetch_metadata(
    kms: KmsMock, path: str, *, method: str = "GET", host: str = METADATA_HOST, **headers: str
) -> tuple[int, str]:
    """Send a request to the mock's port with a Host header; give status and body."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(f"{kms.url}{path}", method=method, headers={"Host": host, **sent})  # noqa: S310 (this server)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def secret_value(kms: KmsMock, found: dict[str, str]) -> str:
    client = kms.client(
        access_key_id=found["AccessKeyId"],
        access_key_secret=found["AccessKeySecret"],
        security_token=found["SecurityToken"],
        type="sts",
    )
    value: str = call(client, "GetSecretValue", SecretName="db")["SecretData"]
    return value


def test_an_instance_has_the_role_that_trusts_ecs(kms: KmsMock) -> None:
    """Normal mode: the name of the role as text, its credentials as JSON, and they sign requests that verify."""
    kms.load(FIXTURE)
    assert fetch_metadata(kms, PATH) == (200, "app")
    status, body = fetch_metadata(kms, f"{PATH}app")
    found = json.loads(body)
    assert (status, found["Code"]) == (200, "Success")
    assert set(found) == {"AccessKeyId", "AccessKeySecret", "Code", "Expiration", "LastUpdated", "SecurityToken"}
    assert secret_value(kms, found) == "x"


def test_the_hardened_mode_has_a_token(kms: KmsMock) -> None:
    """PUT /latest/api/token with a time to live; the token counts until then by the mock's clock."""
    kms.clock.freeze()
    kms.load(FIXTURE)
    status, token = fetch_metadata(kms, "/latest/api/token", method="PUT", **{TTL: "60"})
    assert status == 200
    assert fetch_metadata(kms, PATH, **{TOKEN: token}) == (200, "app")
    for wrong in ("x", "ä", token[:-4] + "AAAA", ""):
        assert fetch_metadata(kms, PATH, **{TOKEN: wrong.encode().decode("latin-1")})[0] == 403, wrong
    kms.clock.advance("60s")
    assert fetch_metadata(kms, PATH, **{TOKEN: token})[0] == 403


@pytest.mark.parametrize("ttl", ["", "0", "21601", "-1", "1e3", "999999"])
def test_the_time_to_live_has_limits(kms: KmsMock, ttl: str) -> None:
    """1 to 21600 seconds; anything else is refused."""
    assert fetch_metadata(kms, "/latest/api/token", method="PUT", **{TTL: ttl})[0] == 400
    assert fetch_metadata(kms, "/latest/api/token")[0] == 405


def test_the_same_is_below_the_path_of_the_mock(kms: KmsMock) -> None:
    """/_kms_mock/ecs/ is for programs whose metadata address can be set; any Host will do."""
    kms.load(FIXTURE)
    assert fetch_metadata(kms, f"/_kms_mock/ecs{PATH}", host="localhost") == (200, "app")
    assert fetch_metadata(kms, f"/_kms_mock/ecs{PATH}other", host="x")[0] == 404


def test_the_host_decides(kms: KmsMock) -> None:
    """The real paths are the API's for every other host: it knows no path but /."""
    kms.load(FIXTURE)
    status, body = fetch_metadata(kms, PATH, host="kms.cn-hangzhou.aliyuncs.com")
    assert (status, json.loads(body)["Code"]) == (400, "MissingParameter")
    assert fetch_metadata(kms, PATH, host=f"{METADATA_HOST}:80") == (200, "app")


def test_an_instance_without_a_role_has_none(kms: KmsMock) -> None:
    """Without a role that trusts ECS the list is not found, nor is a role that does not trust it."""
    assert fetch_metadata(kms, PATH)[0] == 404
    kms.load({"roles": [FIXTURE["roles"][0]]})
    assert fetch_metadata(kms, f"{PATH}other")[0] == 404
    kms.load({"roles": [{"name": "free"}]})
    assert fetch_metadata(kms, PATH) == (200, "free")


def test_other_metadata(kms: KmsMock) -> None:
    """Region and account are there, the rest is not; metadata is read only."""
    assert fetch_metadata(kms, "/latest/meta-data/region-id") == (200, "cn-hangzhou")
    assert fetch_metadata(kms, "/latest/meta-data/owner-account-id") == (200, ACCOUNT)
    assert fetch_metadata(kms, "/latest/meta-data/image-id")[0] == 404
    assert fetch_metadata(kms, PATH, method="DELETE")[0] == 405


def test_credentials_stay_until_they_are_nearly_over(kms: KmsMock) -> None:
    """They last six hours and are replaced half an hour before their end; asking changes nothing in the journal."""
    kms.clock.freeze()
    kms.clock.set("2030-01-01T00:00:00Z")
    kms.load(FIXTURE)
    first = json.loads(fetch_metadata(kms, f"{PATH}app")[1])
    kms.clock.advance("19800s")
    assert json.loads(fetch_metadata(kms, f"{PATH}app")[1]) == first
    kms.clock.advance("1s")
    second = json.loads(fetch_metadata(kms, f"{PATH}app")[1])
    assert second["AccessKeyId"] != first["AccessKeyId"]
    assert secret_value(kms, second) == "x"
    last = kms.calls.last
    assert last is not None
    assert last.changes == []


@pytest.mark.parametrize("hardened", [False, True])
def test_the_vendors_library_reads_the_metadata_through_a_proxy(kms: KmsMock, hardened: bool) -> None:
    """Its ECS provider asks 100.100.100.200 with this server as the proxy, with or without the hardened mode forced."""
    kms.load(FIXTURE)
    options = HttpOptions(proxy=kms.url)
    provider = EcsRamRoleCredentialsProvider(http_options=options, disable_imds_v1=hardened, async_update_enabled=False)
    found = provider.get_credentials()
    session = {
        "AccessKeyId": found.get_access_key_id(),
        "AccessKeySecret": found.get_access_key_secret(),
        "SecurityToken": found.get_security_token(),
    }
    assert secret_value(kms, session) == "x"


def test_the_credentials_uri(kms: KmsMock) -> None:
    """The vendor's library reads it, and its credentials sign requests that verify."""
    kms.load(FIXTURE)
    provider = URLCredentialsProvider(uri=f"{kms.url}/_kms_mock/credentials?role=app")
    found = provider.get_credentials()
    assert found.get_access_key_id().startswith("STS.")
    named = ("AccessKeyId", "AccessKeySecret", "SecurityToken")
    values = (found.get_access_key_id(), found.get_access_key_secret(), found.get_security_token())
    assert secret_value(kms, dict(zip(named, values, strict=True))) == "x"


def test_the_credentials_uri_names_a_role(kms: KmsMock) -> None:
    """With one role in the account it needs no name; another account's is asked for with its id."""
    path = "/_kms_mock/credentials"
    assert fetch_metadata(kms, path)[0] == 404
    kms.load({"roles": [{"name": "app"}], "accounts": [{"id": "77", "roles": [{"name": "far"}]}]})
    assert json.loads(fetch_metadata(kms, path)[1])["Code"] == "Success"
    assert json.loads(fetch_metadata(kms, f"{path}?account=77")[1])["Code"] == "Success"
    kms.load({"roles": [{"name": "second"}]})
    status, body = fetch_metadata(kms, path)
    assert status == 404
    assert "app, second" in body
    assert fetch_metadata(kms, f"{path}?role=app", method="POST")[0] == 405


def test_web_pages_get_no_credentials(kms: KmsMock) -> None:
    """What the API refuses to answer, pages of other origins and names that may be rebound, is refused here too."""
    kms.load(FIXTURE)
    assert fetch_metadata(kms, f"/_kms_mock/ecs{PATH}", host="evil.example.com")[0] == 403
    assert fetch_metadata(kms, "/_kms_mock/credentials?role=app", Origin="http://evil.example.com")[0] == 403
    assert fetch_metadata(kms, f"{PATH}app", Origin="http://evil.example.com")[0] == 403


def test_what_is_sent_is_thrown_away(kms: KmsMock) -> None:
    """A body changes nothing; one that is too large, or ends too early, has an answer in text."""
    kms.load(FIXTURE)
    path = f"/_kms_mock/ecs{PATH}"
    assert (
        ask(
            kms, raw_request("PUT", path="/_kms_mock/ecs/latest/api/token", headers={TTL: "60"}, body=b"x" * 100)
        ).status
        == 200
    )
    assert ask(kms, raw_request("POST", path=f"{path}app", body=b"x" * 100)).status == 405
    answer = ask(kms, raw_request("POST", path=f"{path}app", body=b"x" * 2_000_000))
    assert (answer.status, answer.headers["content-type"].partition(";")[0]) == (400, "text/plain")


def test_a_session_that_cannot_be_saved_is_refused(tmp_path: Path) -> None:
    """With a state file that was taken away a session would be lost at the next start; one that lasts is still told."""
    path = tmp_path / "state.db"
    with KmsMock(FIXTURE, state=path) as kms:
        assert fetch_metadata(kms, "/_kms_mock/credentials?role=app")[0] == 200
        path.rename(tmp_path / "away.db")
        status, text = fetch_metadata(kms, "/_kms_mock/credentials?role=other")
        assert (status, f"{path} (or state.db-wal beside it) was removed" in text) == (500, True)
        assert fetch_metadata(kms, "/_kms_mock/credentials?role=app")[0] == 200


def test_what_goes_through_a_proxy_names_the_address(kms: KmsMock) -> None:
    """A request with the whole URL in its first line is one to the metadata address, whatever its Host says."""
    kms.load(FIXTURE)

    endpoints = CredentialEndpoints(kms.store, lambda _: "", lambda function: function())
    request = HttpRequest("GET", f"http://{METADATA_HOST}{PATH}", {})
    assert is_special(request)
    assert endpoints.answers(request)
    assert asyncio.run(endpoints.answer(request)) == ControlResponse(200, b"app", content_type="text/plain")
    for target in ("/", "/?Action=x", "http://kms.cn-hangzhou.aliyuncs.com/latest/", PATH):
        assert not is_special(HttpRequest("GET", target, {}))
