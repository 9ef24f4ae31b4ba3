"""Clients that speak TLS with a mock, and trust nothing but its authority."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
from collections.abc import Iterator

from kms_mock import KmsMock
from tests.support.raw_http import http as http_request
from tests.support.raw_http import request_parameters

TLS_FIXTURE = {"secrets": [{"name": "db", "value": "one"}]}
GET_SECRET = http_request(query=request_parameters("GetSecretValue", SecretName="db"))
TLS_PATIENCE = 10.0


def trusting(kms: KmsMock, **versions: ssl.TLSVersion) -> ssl.SSLContext:
    """A client's context that trusts nothing but the mock's authority."""
    context = ssl.create_default_context(cadata=kms.ca_pem)
    for name, version in versions.items():
        setattr(context, name, version)
    return context


@contextlib.contextmanager
def tls_connection(
    kms: KmsMock, name: str = "127.0.0.1", context: ssl.SSLContext | None = None
) -> Iterator[ssl.SSLSocket]:
    """Connect as a client that believes the mock to have a name, and verifies that."""
    with (
        socket.create_connection(("127.0.0.1", kms.port), TLS_PATIENCE) as plain,
        (context or trusting(kms)).wrap_socket(plain, server_hostname=name) as wrapped,
    ):
        yield wrapped


def secret_over_tls(wrapped: socket.socket) -> str:
    """Return the value of the secret, asked for on a connection."""
    wrapped.sendall(GET_SECRET)
    answer = http.client.HTTPResponse(wrapped)
    answer.begin()
    assert answer.status == 200
    return str(json.load(answer)["SecretData"])
