"""The worst input found for each operation, and for how long it holds the server's loop: scripts/bench --worst.

While a request is on its way, another connection asks for a secret without pause: what its slowest answer takes longer
than usual is the time for which nobody else was served, whether the loop or Python's global lock was held. Of several
runs the best counts, because a busy machine only ever makes it longer.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import socket
import threading
import time
from collections.abc import Callable
from typing import Any, Self
from urllib.parse import quote, urlencode

from bench_tools import fixture, mock

GOAL = 100.0  # milliseconds
RUNS = 3
_BODY = 1024 * 1024 - 200  # bytes: the largest request that is read
_LINE = 262_000  # bytes: the longest target
_SECRETS = 10_000
_VERSION = "11111111-2222-4333-8444-555555555555"  # of the SM2 key
_BATCH = 20  # secrets of one BatchGetSecretValue: these have the largest values
_TAGGED = 200  # keys and secrets with as many tags as they may have
_WARM = 20  # answers before a probe counts
_PROBE = b"POST /?Action=GetSecretValue&Version=2016-01-20&SecretName=app/secret-5 HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 0\r\n\r\n"

Make = Callable[[], bytes]
_NUMBERS = itertools.count()  # of what is made anew in each run


def post(action: str, body: str = "", *, caller: str = "bench", **parameters: str) -> bytes:
    """Write a request whose parameters are in a form: those given, and what else is in the body."""
    head = urlencode({"Version": "2016-01-20", "Action": action, "AccessKeyId": caller, **parameters}, quote_via=quote)
    return http("POST", "/", f"{head}&{body}", "application/x-www-form-urlencoded")


def http(method: str, target: str, body: str = "", kind: str = "application/json") -> bytes:
    """Write a request."""
    data = body.encode()
    head = (
        f"{method} {target} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: {kind}\r\ncontent-length: {len(data)}\r\n\r\n"
    )
    return head.encode() + data


def control(method: str, path: str, document: Any) -> bytes:
    """Write a request to the control API."""
    return http(method, f"/_kms_mock/{path}", json.dumps(document, separators=(",", ":")))


def filled(item: str, room: int = _BODY - 1000) -> str:
    """Repeat a text as often as there is room."""
    return item * (room // len(item))


def numbered(form: str, room: int = _BODY - 1000) -> str:
    """Repeat a form with `{}` for numbers from 1 on, as often as there is room."""
    parts: list[str] = []
    length = 0
    while length < room:
        parts.append(form.format(len(parts) + 1))
        length += len(parts[-1]) + 1
    return "&".join(parts[:-1])


def policy(pattern: str, count: int) -> dict[str, Any]:
    """Write a policy of many patterns."""
    return {
        "Version": "1",
        "Statement": [
            {"Effect": "Allow", "Action": "kms:*", "Resource": [f"{pattern}{each}" for each in range(count)]}
        ],
    }


def document() -> dict[str, Any]:
    """Write the fixture document of the measured server."""
    tags = {f"tag-{number:02}-{'k' * 100}": "v" * 128 for number in range(20)}
    patterns = "acs:kms:*:*:secret/" + "a?*" * 10
    access_keys = [
        {"id": "many", "user": "many", "policy": policy(patterns, 400)},
        {"id": "long", "user": "long", "policy": policy("acs:kms:*:*:secret/*" + "?a" * 900 + "*", 4)},
    ]
    quotas = {"keys": None, "key_versions": None, "aliases": None}
    return {
        "accounts": [{"id": "1234567890123456", "access_keys": access_keys, "quotas": quotas}],
        "keys": [
            {"id": "sm2", "spec": "EC_SM2", "usage": "ENCRYPT/DECRYPT", "versions": [{"id": _VERSION}]},
            {"id": "mac", "spec": "HMAC_SM3"},
            {"id": "aes"},
            *({"id": f"rotating-{number}", "rotation_interval": "7d"} for number in range(_BATCH)),
            *({"id": f"tagged-{number}", "tags": tags, "aliases": [f"alias/{number}"]} for number in range(_TAGGED)),
        ],
        "certificates": [{"id": "pending", "spec": "EC_P256", "subject": "CN=a.example,OU=unit,O=company,C=CN"}],
        "secrets": [
            {
                "name": f"app/secret-{number}",
                "value": "value" if number >= _BATCH else "v" * 30000,
                "tags": tags if number < _TAGGED else {},
            }
            for number in range(_SECRETS)
        ],
    }


def _flat(name: str, count: int) -> str:
    return "&".join(f"{name}.{number + 1}=tagged-{number}" for number in range(count))


def _filters(room: int) -> str:
    key = {"Key": "SecretName", "Values": ["s" * (room // 120)] * 10}
    return quote(json.dumps([key] * 10))


def _batch(xml: str = "") -> bytes:
    wanted = quote(json.dumps([{"SecretName": f"app/secret-{number}"} for number in range(_BATCH)]))
    return post("BatchGetSecretValue", f"SecretsList={wanted}{xml}")


ROWS: dict[str, Make] = {
    "any: 160,000 parameter names in a form": lambda: post("ListKeys", numbered("{}=")),
    "any: 9,990 names with an escape, which are read": lambda: post(
        "ListKeys", "&".join(f"%61{number}=" for number in range(9_990))
    ),
    "any: 69,900 escapes, which are read": lambda: post("ListKeys", "x=" + "a%41" * 69_900),
    "UpdateSecret: 130 KB of JSON, which is read": lambda: post(
        "UpdateSecret", 'ExtendedConfig.CustomData={"a":[' + filled("[],", 130_000) + "1]}", SecretName="app/secret-1"
    ),
    "any: 500,000 empty parameters": lambda: post("ListKeys", filled("=&")),
    "any: one name 500,000 times": lambda: post("ListKeys", filled("a&")),
    "any: 80,000 escapes in a URL": lambda: http(
        "POST", "/?Action=ListKeys&Version=2016-01-20&x=" + filled("%41", _LINE)
    ),
    "any: 262,000 escapes in a form": lambda: post("ListKeys", "x=" + filled("%41")),
    "any: 80,000 names with an escape": lambda: post("ListKeys", numbered("%61{}=")),
    "any: an action of 1 MB": lambda: post("A" * (_BODY - 1000)),
    "any: a refusal with a form of 1 MB": lambda: http(
        "PUT", "/", filled("Format=&"), "application/x-www-form-urlencoded"
    ),
    "any: 262,000 bytes of path": lambda: http("POST", "/" + "a" * _LINE),
    "verified ACS3: 160,000 parameter names": lambda: http(
        "POST", "/", numbered("{}="), "application/x-www-form-urlencoded"
    ),
    "TagResources: 50 resources, 20 tags": lambda: post(
        "TagResources",
        "&".join(f"Tag.{n}.Key={n}&Tag.{n}.Value=v" for n in range(20)) + "&" + _flat("ResourceId", 50),
        ResourceType="key",
        RegionId="cn-hangzhou",
    ),
    "TagResources: 60,000 flattened names": lambda: post(
        "TagResources", numbered("Tag.{}.Key="), ResourceType="key", RegionId="cn-hangzhou"
    ),
    "TagResources: 30,000 resources as JSON": lambda: post(
        "TagResources",
        "ResourceId=" + json.dumps(["x"] * 200_000, separators=(",", ":")),
        ResourceType="key",
        RegionId="cn-hangzhou",
        **{"Tag.1.Key": "a", "Tag.1.Value": "b"},
    ),
    "UntagResources: 70,000 flattened names": lambda: post(
        "UntagResources", numbered("TagKey.{}=a"), ResourceType="key", RegionId="cn-hangzhou"
    ),
    "TagResource: 30,000 tags as JSON": lambda: post(
        "TagResource",
        "Tags=" + json.dumps([{"TagKey": str(n), "TagValue": ""} for n in range(30_000)], separators=(",", ":")),
        KeyId="aes",
    ),
    "UntagResource: 100,000 keys as JSON": lambda: post(
        "UntagResource", "TagKeys=" + json.dumps([f"{n}" for n in range(100_000)], separators=(",", ":")), KeyId="aes"
    ),
    "CreateSecret: 80,000 names of CustomData": lambda: post(
        "CreateSecret", numbered("ExtendedConfig.CustomData.{}="), SecretName="new", VersionId="v1", SecretData="x"
    ),
    "UpdateSecret: CustomData nested 500,000 deep": lambda: post(
        "UpdateSecret", "ExtendedConfig.CustomData=" + filled("[", 900_000), SecretName="app/secret-1"
    ),
    "UpdateSecret: CustomData of 1 MB": lambda: post(
        "UpdateSecret", 'ExtendedConfig.CustomData={"a":[' + filled("[],", 900_000) + "1]}", SecretName="app/secret-1"
    ),
    "Encrypt: a context of 130,000 pairs": lambda: post(
        "Encrypt", numbered("EncryptionContext.{}="), KeyId="aes", Plaintext="x"
    ),
    "Encrypt: a context of 1 MB": lambda: post(
        "Encrypt", "EncryptionContext=" + filled("[", 900_000), KeyId="aes", Plaintext="x"
    ),
    "ListSecrets: Filters of 1 MB over 10,000 secrets": lambda: post("ListSecrets", "Filters=" + _filters(900_000)),
    "ListSecrets: the largest page, XML": lambda: post(
        "ListSecrets", Filters="[]", FetchTags="true", PageSize="100", Format="XML"
    ),
    "ListTagResources: the largest page, XML": lambda: post(
        "ListTagResources", ResourceType="secret", RegionId="cn-hangzhou", Format="XML"
    ),
    "ListKeys: the largest page, XML": lambda: post("ListKeys", PageSize="100", Format="XML"),
    "ListKeys: Filters on tags": lambda: post("ListKeys", Filters='[{"Key":"TagKey","Values":["nowhere"]}]'),
    "ListAliases: the largest page, XML": lambda: post("ListAliases", PageSize="100", Format="XML"),
    "BatchGetSecretValue: 20 values of 30 KB": _batch,
    "BatchGetSecretValue: 20 values of 30 KB, XML": lambda: _batch("&Format=XML"),
    "SetKeyPolicy: a pattern of 30 KB": lambda: post(
        "SetKeyPolicy",
        "Policy="
        + quote(
            json.dumps(
                {
                    "Version": "1",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"RAM": ["*?" * 15_000]},
                            "Action": ["kms:*"],
                            "Resource": ["*"],
                        }
                    ],
                }
            )
        ),
        KeyId="aes",
        PolicyName="default",
    ),
    "SetKeyPolicy: 1 MB of JSON": lambda: post(
        "SetKeyPolicy", "Policy=" + filled("[", 900_000), KeyId="aes", PolicyName="default"
    ),
    "GetSecretValue: a policy of 400 patterns": lambda: post(
        "GetSecretValue", SecretName="app/secret-5", caller="many"
    ),
    "GetSecretValue: patterns of 2 KB": lambda: post("GetSecretValue", SecretName="a" * 192, caller="long"),
    "AsymmetricDecrypt: 740 KB under SM2": lambda: post(
        "AsymmetricDecrypt",
        "CiphertextBlob=" + filled("QUFB", 980_000),
        KeyId="sm2",
        KeyVersionId=_VERSION,
        Algorithm="SM2PKE",
    ),
    "AsymmetricEncrypt: 740 KB under SM2": lambda: post(
        "AsymmetricEncrypt",
        "Plaintext=" + filled("QUFB", 980_000),
        KeyId="sm2",
        KeyVersionId=_VERSION,
        Algorithm="SM2PKE",
    ),
    "Decrypt: 740 KB": lambda: post("Decrypt", "CiphertextBlob=" + filled("QUFB", 980_000)),
    "GenerateMac: a message of 740 KB": lambda: post(
        "GenerateMac", "Message=" + filled("QUFB", 980_000), KeyId="mac", Algorithm="HMAC_SM3"
    ),
    "GetRandomPassword: the longest": lambda: post(
        "GetRandomPassword", PasswordLength="128", ExcludeCharacters="a" * 128
    ),
    "CreateKey: RSA_3072": lambda: post("CreateKey", KeySpec="RSA_3072"),
    "CreateCertificate: RSA_2048": lambda: post(
        "CreateCertificate",
        KeySpec="RSA_2048",
        Subject="CN=example.com,OU=unit,O=company,C=CN",
    ),
    "UploadCertificate: chain of 64 KB": lambda: post(
        "UploadCertificate",
        "CertificateChain=" + quote(filled("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n", 65_000)),
        CertificateId="pending",
        Certificate="x",
    ),
    "control: a state of 20 RSA_3072 keys to make": lambda: control(
        "POST", "state", {"keys": [{"id": f"made-{next(_NUMBERS)}", "spec": "RSA_3072"} for _ in range(20)]}
    ),
    "control: a clock 500 years on, 20 rotating keys": lambda: control("PUT", "clock", {"advance": "182500d"}),
    "control: the state": lambda: http("GET", "/_kms_mock/state"),
}


class Probe:
    """Asks for one secret without pause, and notes how long each answer took, in seconds."""

    def __init__(self, port: int) -> None:
        self._connection = socket.create_connection(("127.0.0.1", port))
        self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._going = True
        self.times: list[float] = []
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        while len(self.times) < _WARM:
            time.sleep(0.001)
        self.times.clear()
        return self

    def __exit__(self, *_: object) -> None:
        time.sleep(0.01)
        self._going = False
        self._thread.join()
        self._connection.close()

    def _run(self) -> None:
        while self._going:
            began = time.perf_counter()
            self._connection.sendall(_PROBE)
            self._connection.recv(65536)
            self.times.append(time.perf_counter() - began)


def exchange(port: int, payload: bytes) -> str:
    """Send one request, read the whole answer; return its status line."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        with contextlib.suppress(OSError):  # refused before it was all sent
            connection.sendall(payload)
            connection.shutdown(socket.SHUT_WR)
        head = b""
        with contextlib.suppress(OSError):
            while data := connection.recv(1 << 20):
                head = head or data
    return head.split(b"\r\n", 1)[0].decode()


def hold(port: int, make: Make) -> tuple[float, str]:
    """Return for how many milliseconds a request held up another client, and its status line."""
    best, status = float("inf"), ""
    for _ in range(RUNS):
        payload = make()
        with Probe(port) as probe:
            status = exchange(port, payload)
        best = min(best, max(probe.times) * 1000)
    return best, status


def main(names: list[str]) -> None:
    """Print the table; with names, only the rows that hold one of them."""
    with fixture(document()) as path:
        for title, options in (("", ()), (", seeded", ("--seed", "1"))):
            with mock("--fixture", path, *options) as port:
                for row, make in ROWS.items():
                    if (not names or any(name in row for name in names)) and (not title or "RSA" in row):
                        found, status = hold(port, make)
                        mark = "" if found < GOAL else "  <-- too long"
                        print(f"{row + title:<62} {found:7.1f} ms   {status[9:12]}{mark}", flush=True)
