"""A fixture, and small clients of the standard library that ask the real endpoint for its secret."""

from __future__ import annotations

import json
import socket
import ssl
import urllib.request
from typing import Any
from urllib.parse import urlencode

from tests.support.raw_http import VERSION

HOST = "kms.cn-hangzhou.aliyuncs.com"
OTHER_HOST = "oss-cn-hangzhou.aliyuncs.com"
ASK = "/?" + urlencode({"Action": "GetSecretValue", "Version": VERSION, "SecretName": "db"})


def holding(value: str) -> dict[str, Any]:
    """Return a fixture with one secret, `db`."""
    return {"secrets": [{"name": "db", "value": value}]}


def read_secret(host: str = HOST, scheme: str = "https") -> str:
    """Return the value of the secret `db`, as the URL says."""
    with urllib.request.urlopen(f"{scheme}://{host}{ASK}", timeout=10) as answer:  # noqa: S310 (http and https only)
        value: str = json.load(answer)["SecretData"]
        return value


def patched_names() -> dict[str, Any]:
    """Return everything that interception replaces in modules and classes, inherited or not."""
    owners: list[Any] = [socket, socket.socket, ssl, ssl.SSLContext]
    return {
        f"{owner.__name__}.{name}": value
        for owner in owners
        for name, value in vars(owner).items()
        if name != "__warningregistry__"  # Python's own notes on warnings that were shown
    }
