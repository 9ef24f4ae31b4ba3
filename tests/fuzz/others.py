"""What does not travel as parameters: messages for the gateway of KMS instances, and the paths of credential endpoints."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable

from kms_mock.kms.dedicated.messages import layout_of
from kms_mock.rpc.api import Operation
from kms_mock.rpc.binding import Parameter
from kms_mock.server.special import PREFIX
from tests.fuzz.damage import damaged_bytes, hostile_text
from tests.fuzz.steps import DedicatedStep, EndpointStep
from tests.fuzz.values import Pairs
from tests.support.dedicated import INITIAL, PRIMARY, VERSION_HEADER

_CLIENT_KEYS = ("good", "good", "good", "good", "good", "good", "expired", "wrong", "unknown", "")
_CHANGES: tuple[tuple[str, str], ...] = (
    (VERSION_HEADER, INITIAL),
    (VERSION_HEADER, PRIMARY),
    (VERSION_HEADER, "none"),
    ("x-kms-apiversion", "dkms-gcs-0.1"),
    ("x-kms-apiversion", ""),
    ("x-kms-apiname", "GetSecretValue"),
    ("x-kms-apiname", "\ud800"),
    ("x-kms-signaturemethod", "HMAC"),
    ("x-kms-acccesskeyid", ""),
    ("content-type", "application/json"),
    ("content-type", "application/x-protobuf; charset=\x00"),
    ("content-sha256", ""),
    ("content-sha256", "0" * 64),
    ("date", "x"),
    ("date", "Mon, 01 Jan 9999 00:00:00 GMT"),
    ("date", "Mon, 01 Jan 99999999999 00:00:00 GMT"),
    ("authorization", "Bearer AAAA"),
    ("authorization", "TOKEN"),
    ("host", "kst-x.cryptoservice.kms.aliyuncs.com"),
    ("host", "evil.example.com"),
    ("origin", "https://evil.example.com"),
)


def dedicated_step(
    operation: Operation, chance: random.Random, pairs: Callable[[Operation, Parameter], Pairs]
) -> DedicatedStep:
    """Return a request to the gateway of KMS instances; `pairs` makes the values of a parameter as the RPC API has them."""
    message = layout_of(operation).request
    values = {}
    for parameter in operation.parameters:
        field = message.fields.get(parameter.name)
        if field is not None and chance.random() < 0.85:
            sent = pairs(operation, parameter)
            values[parameter.name] = _field_value(field.type, sent[0][1] if sent else "")
    body = message.encode(values)
    if chance.random() < 0.25:
        body = damaged_bytes(body, chance)
    changes = [chance.choice(_CHANGES)] if chance.random() < 0.2 else []
    late = [chance.choice(_CHANGES)] if chance.random() < 0.08 else []
    method = "POST" if chance.random() < 0.98 else chance.choice(("GET", "PUT", "HEAD"))
    name = operation.name if chance.random() < 0.97 else hostile_text(chance, operation.name)
    return DedicatedStep(name, body, chance.choice(_CLIENT_KEYS), tuple(changes), tuple(late), method)


def _field_value(kind: str, text: str) -> object:
    if kind == "bytes":
        try:
            return base64.b64decode(text, validate=True)
        except ValueError:
            return text.encode("utf-8", "surrogatepass")
    if kind in ("int32", "bool"):
        digits = text.removeprefix("-")
        return int(text) if digits.isascii() and digits.isdigit() and len(digits) < 20 else text.lower() == "true"
    readable = text.encode("utf-8", "replace").decode()  # damaged bytes come from damaging the whole message
    return [readable] if kind == "repeated string" else readable


_TARGETS = (
    "/latest/meta-data/ram/security-credentials/",
    "/latest/meta-data/ram/security-credentials/app",
    "/latest/meta-data/ram/security-credentials/role",
    "/latest/meta-data/ram/security-credentials/none/x",
    "/latest/meta-data/instance-id",
    "/latest/meta-data/region-id",
    "/latest/meta-data/../../x",
    "/latest/api/token",
    f"{PREFIX}ecs/latest/api/token",
    f"{PREFIX}ecs/latest/meta-data/ram/security-credentials/",
    f"{PREFIX}ecs/",
    f"{PREFIX}credentials",
    f"{PREFIX}credentials?role=app",
    f"{PREFIX}credentials?role=role&account=5555",
    f"{PREFIX}credentials?role=&account=",
    f"{PREFIX}credentials?role=%ff%00&role=app",
    f"{PREFIX}credentials?" + "&" * 3000,
    "http://100.100.100.200/latest/meta-data/ram/security-credentials/app",
    "http://100.100.100.200:80/latest/api/token",
)
_ENDPOINT_HEADERS: tuple[tuple[str, str], ...] = (
    ("X-aliyun-ecs-metadata-token-ttl-seconds", "60"),
    ("X-aliyun-ecs-metadata-token-ttl-seconds", "0"),
    ("X-aliyun-ecs-metadata-token-ttl-seconds", "9" * 30),
    ("X-aliyun-ecs-metadata-token-ttl-seconds", "\u0661"),
    ("X-aliyun-ecs-metadata-token", "AAAA"),
    ("X-aliyun-ecs-metadata-token", "\ud800"),
    ("X-aliyun-ecs-metadata-token", ""),
    ("Origin", "https://evil.example.com"),
    ("Sec-Fetch-Site", "cross-site"),
    ("Host", "evil.example.com"),
)


def endpoint_step(chance: random.Random) -> EndpointStep:
    """Return a request for the credentials of a role."""
    target = chance.choice(_TARGETS)
    if target.startswith(PREFIX) and chance.random() < 0.15:
        target = PREFIX + "ecs/" + hostile_text(chance, target.removeprefix(PREFIX))
    method = chance.choice(("GET", "GET", "GET", "PUT", "PUT", "POST", "HEAD", ""))
    headers = [("Host", "100.100.100.200"), *chance.sample(_ENDPOINT_HEADERS, chance.choice((0, 0, 1, 2)))]
    return EndpointStep(method, target, tuple(dict(headers).items()))
