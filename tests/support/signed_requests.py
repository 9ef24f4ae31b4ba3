"""Requests as the official SDK signs them, recorded by a server that keeps them, and what their verification finds."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from alibabacloud_kms20160120 import models
from alibabacloud_kms20160120.client import Client
from alibabacloud_tea_openapi.utils_models import Config
from msgspec.structs import replace

from kms_mock.rpc.signature import Keys, Kind, Problem, check
from kms_mock.rpc.signed_request import SignedRequest, timestamp_of

SIGNING_SECRET = "the-secret-of-x-0123456789abcd"
ODD = "blank ~!'()*+/=&%;:ü 中文 😀"
MODES = {"ACS3": {}, "ACS4": {"signature_version": "v4"}, "HMAC-SHA1": {"signature_algorithm": "v2"}}
CALLS: dict[str, Callable[[Client], object]] = {
    "ListKeys": lambda kms: kms.list_keys(models.ListKeysRequest()),
    "GetSecretValue": lambda kms: kms.get_secret_value(models.GetSecretValueRequest(secret_name=ODD)),
    "PutSecretValue": lambda kms: kms.put_secret_value(
        models.PutSecretValueRequest(secret_name="s/1", version_id="v 1", secret_data=ODD)
    ),
    "TagResources": lambda kms: kms.tag_resources(
        models.TagResourcesRequest(
            region_id="cn-hangzhou",
            resource_type="key",
            resource_id=["k1", "k 2"],
            tag=[models.TagResourcesRequestTag(key=f"{n}é", value=ODD) for n in range(11)],
        )
    ),
    "Encrypt": lambda kms: kms.encrypt(
        models.EncryptRequest(key_id="alias/é", plaintext="YSs/+w==", encryption_context={"a": "b c"})
    ),
    "GetClientKey": lambda kms: kms.get_client_key(models.GetClientKeyRequest(client_key_id="a*b")),  # sent as GET
}


def received_request(
    method: str, target: str, headers: list[tuple[str, str]] | None = None, body: bytes = b""
) -> SignedRequest:
    path, _, query = target.partition("?")
    fields = headers or []
    is_form = any(name.lower() == "content-type" and "form-urlencoded" in value for name, value in fields)
    form = parse_qsl(body.decode(), keep_blank_values=True) if is_form else []
    return SignedRequest(method, path, query, parse_qsl(query, keep_blank_values=True), form, fields, body)


def rpc_request(method: str, parameters: dict[str, str]) -> SignedRequest:
    return received_request(method, f"/?{urlencode(parameters)}")


def verdict_on(request: SignedRequest, secret: str = SIGNING_SECRET, now: float | None = None) -> Problem | None:
    signed_at = timestamp_of(request)
    return check(request, Keys(lambda _: secret), now if now is not None else signed_at or 0.0)


def refused_signature(request: SignedRequest, kind: Kind, says: str = "") -> Problem:
    problem = verdict_on(request)
    assert problem is not None
    assert (problem.kind, says in problem.reason) == (kind, True), problem.reason
    assert SIGNING_SECRET not in problem.reason
    return problem


@dataclass
class SignedRequests:
    port: int = 0
    requests: list[SignedRequest] = field(default_factory=list)

    def record(self, mode: str, call: str, **credentials: str) -> SignedRequest:
        options = {
            "access_key_id": "x",
            "access_key_secret": SIGNING_SECRET,
            "region_id": "cn-hangzhou",
            "protocol": "http",
        }
        options |= {"endpoint": f"127.0.0.1:{self.port}", **MODES[mode], **credentials}
        CALLS[call](Client(Config(**options)))
        return self.requests[-1]


@contextmanager
def recorded_requests() -> Iterator[SignedRequests]:
    """Run a server that keeps every request as it was signed."""
    found = SignedRequests()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            found.requests.append(received_request(self.command, self.path, list(self.headers.items()), body))
            answer = json.dumps({"RequestId": "r"}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = answer  # noqa: N815 (the names that http.server calls)

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    found.port = server.server_port
    thread.start()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            patch.delenv(name, raising=False)
            patch.delenv(name.lower(), raising=False)
        yield found
    server.shutdown()
    thread.join()
    server.server_close()


FORM_TYPE = [("Content-Type", "application/x-www-form-urlencoded")]


def with_header(request: SignedRequest, name: str, value: str | None) -> SignedRequest:
    kept = [pair for pair in request.headers if pair[0].lower() != name.lower()]
    return replace(request, headers=kept if value is None else [*kept, (name, value)])


def with_query(request: SignedRequest, name: str, value: str | None) -> SignedRequest:
    pairs = [(key, old if key != name or value is None else value) for key, old in request.query]
    pairs = [pair for pair in pairs if pair[0] != name] if value is None else pairs
    return replace(request, query=pairs, raw_query=urlencode(pairs))


def with_authorization(request: SignedRequest, old: str, new: str) -> SignedRequest:
    value = request.header("authorization") or ""
    assert re.search(old, value)
    return with_header(request, "Authorization", re.sub(old, new, value))
