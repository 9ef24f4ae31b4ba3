"""What both programs need: the gateways of the mock that `kms-mock run` has started, client keys, faults."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

from openapi.models import Config
from Tea.exceptions import TeaException, UnretryableException

MOCK = os.environ["KMS_MOCK_URL"]
FOLDER = os.environ["CLIENT_KEYS"]  # good.json, expired.json, wrong.json, unknown.json
INSTANCE = "kst-hzz65f0c1a2demo000000"
# Protocol and endpoint: the mock's own port in plain text and with TLS, and the real name through the proxy.
GATEWAYS = (
    ("http", urlsplit(MOCK).netloc),
    ("https", urlsplit(MOCK).netloc),
    ("https", f"{INSTANCE}.cryptoservice.kms.aliyuncs.com"),
)


def config(protocol: str, endpoint: str, client_key: str = "good") -> Config:
    return Config(
        protocol=protocol,
        endpoint=endpoint,
        client_key_file=f"{FOLDER}/{client_key}.json",
        password="kms-mock-1",
        ca_file_path=os.environ["KMS_MOCK_CA_FILE"],
    )


def throttle(operation: str, times: int = 1) -> None:
    """Ask for a fault that the client shall get over by trying again."""
    fault = {"operation": operation, "code": "Rejected.Throttling", "times": times}
    call = Request(f"{MOCK}/_kms_mock/faults", json.dumps(fault).encode(), {"Content-Type": "application/json"})
    build_opener(ProxyHandler({})).open(call).close()


def refusal(call: Callable[[], Any]) -> str:
    """Return the code with which a call is refused."""
    try:
        call()
    except UnretryableException as error:
        return str(error.inner_exception.code)
    except TeaException as error:
        return str(error.code)
    raise AssertionError("not refused")
