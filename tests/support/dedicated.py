"""The instances of `fixtures/instance.yaml`, and a client of their gateway made of other people's parts."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import sys
from collections.abc import Mapping
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import pkcs12
from multidict import CIMultiDict

from kms_mock import KmsMock, fixtures
from kms_mock.defaults import CLIENT_KEY_PASSWORD
from kms_mock.fixtures.client_keys import file_of
from kms_mock.kms.model.access import find_client_key
from kms_mock.rpc.decode import HttpRequest
from kms_mock.rpc.encode import HttpResponse

INSTANCE_FIXTURE = Path(__file__).parents[2] / "fixtures" / "instance.yaml"
INSTANCE, HARDWARE = "kst-hzz65f0c1a2demo000000", "kst-hzz65f0c1a2demohsm000"
GOOD, EXPIRED = "KAAP.00000000-1111-4000-8000-000000000001", "KAAP.00000000-1111-4000-8000-000000000002"
AES, SIGN, OPEN = "key-hzz65f0c1a2aes0000000", "key-hzz65f0c1a2sign000000", "key-hzz65f0c1a2open000000"
EC, HMAC, SM4 = "key-hzz65f0c1a2ecc0000000", "key-hzz65f0c1a2hmac000000", "key-hzz65f0c1a2sm40000000"
SM2_SIGN, SM2_OPEN = "key-hzz65f0c1a2sm2sign000", "key-hzz65f0c1a2sm2open000"
INITIAL, PRIMARY = "00000001-1111-4000-8000-000000000001", "00000001-1111-4000-8000-000000000002"
VERSION_HEADER = "x-kms-migrationkeyversionid"


def client_key_contents() -> dict[str, str]:
    """Return the texts of client key files: a good and an expired one, another's private key, an unknown id."""
    kms = KmsMock([INSTANCE_FIXTURE])
    partition = next(found for found in kms.store.partitions() if found.region == kms.config.default_region)
    good, expired = (
        file_of(find_client_key(partition, key)[1], CLIENT_KEY_PASSWORD).content for key in (GOOD, EXPIRED)
    )
    unknown = json.dumps({**json.loads(good), "KeyId": "KAAP.unknown"})
    wrong = json.dumps({**json.loads(expired), "KeyId": GOOD})
    return {"good": good, "expired": expired, "wrong": wrong, "unknown": unknown}


def fixture_document() -> dict[str, Any]:
    """Return the fixture file as a document, for tests that change it."""
    document: dict[str, Any] = msgspec.to_builtins(fixtures.read(INSTANCE_FIXTURE)[1])
    return document


def client_key_document(client_key_id: str = GOOD) -> dict[str, Any]:
    """Return a client key of the fixture file, for other fixture documents."""
    keys = fixture_document()["access_points"][0]["client_keys"]
    found: dict[str, Any] = next(key for key in keys if key["id"] == client_key_id)
    return found


def ask_rpc(kms: KmsMock, action: str, **parameters: str) -> dict[str, Any]:
    """Send one request to the RPC API of a mock, without HTTP; return the answer's tree."""
    query = urlencode({"Action": action, "Version": "2016-01-20", **parameters}, quote_via=quote)
    answer = asyncio.run(kms.gateway.answer(HttpRequest("POST", f"/?{query}", CIMultiDict())))
    tree: dict[str, Any] = json.loads(answer.body)
    return tree


def write_client_keys(folder: Path) -> None:
    """Write these files, for programs in other languages."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in client_key_contents().items():
        (folder / f"{name}.json").write_text(content, "utf-8")


class Refused(Exception):  # noqa: N818 (an answer, not a failure)
    """The message Error that a request was answered with."""

    def __init__(self, answer: HttpResponse) -> None:
        from tests.support.protobuf_messages import message  # noqa: PLC0415 (as in InstanceClient)

        error = message("Error").FromString(answer.body)
        assert (error.StatusCode, error.ErrorCode, error.RequestId) == (answer.status, answer.code, answer.request_id)
        super().__init__(f"{answer.status} {answer.code}: {answer.reason}")
        self.refusal = (answer.status, answer.code, error.ErrorMessage)
        self.reason = answer.reason


class InstanceClient:
    """Signs requests with a client key and sends them to the gateway of a mock, without HTTP between them."""

    def __init__(self, kms: KmsMock, content: str = "", *, host: str = "127.0.0.1", peer: str = "127.0.0.1") -> None:
        # Late, so that the scripts which write client keys need no protobuf.
        from tests.support.protobuf_messages import message  # noqa: PLC0415

        self.kms = kms
        self.host, self.peer = host, peer
        self._message = message
        document = json.loads(content or client_key_contents()["good"])
        self.client_key_id: str = document["KeyId"]
        archive = base64.b64decode(document["PrivateKeyData"])
        key, _, _ = pkcs12.load_key_and_certificates(archive, CLIENT_KEY_PASSWORD.encode())
        assert isinstance(key, rsa.RSAPrivateKey)
        self._key = key

    def body(self, operation: str, **fields: Any) -> bytes:
        """Return the message of a request."""
        data: bytes = self._message(f"{operation}Request")(**fields).SerializeToString()
        return data

    def headers(self, operation: str, body: bytes, **changes: str | None) -> CIMultiDict[str]:
        """Return the headers of a request, signed; changes come before the signature, None leaves one out."""
        headers: dict[str, str | None] = {
            "host": self.host,
            "accept": "application/x-protobuf",
            "content-type": "application/x-protobuf",
            "date": formatdate(self.kms.sources.real_now(), usegmt=True),
            "content-sha256": hashlib.sha256(body).hexdigest().upper(),
            "x-kms-apiversion": "dkms-gcs-0.2",
            "x-kms-apiname": operation,
            "x-kms-signaturemethod": "RSA_PKCS1_SHA_256",
            "x-kms-acccesskeyid": self.client_key_id,
            **changes,
        }
        given = {name: value for name, value in headers.items() if value is not None}
        if "authorization" not in changes:
            given["authorization"] = f"Bearer {self._signature(given)}"
        return CIMultiDict(given)

    def _signature(self, headers: Mapping[str, str]) -> str:
        signed = [f"{name}:{headers[name].strip()}" for name in sorted(headers) if name.startswith("x-kms-")]
        first = [headers.get(name, "") for name in ("content-sha256", "content-type", "date")]
        text = "\n".join(["POST", *first, *signed, "/"])
        return base64.b64encode(
            self._key.sign(text.encode("utf-8", "surrogateescape"), padding.PKCS1v15(), SHA256())
        ).decode()

    def send(self, operation: str, body: bytes, headers: CIMultiDict[str] | None = None) -> HttpResponse:
        """Send one request."""
        headers = self.headers(operation, body) if headers is None else headers
        return asyncio.run(self.kms.gateway.answer(HttpRequest("POST", "/", headers, body, peer=self.peer)))

    def answer(self, operation: str, version_id: str | None = None, /, **fields: Any) -> tuple[Any, HttpResponse]:
        """Send one request; return the response message and the whole answer. Raises Refused."""
        body = self.body(operation, **fields)
        response = self.send(operation, body, self.headers(operation, body, **{VERSION_HEADER: version_id}))
        assert response.content_type == "application/x-protobuf"
        if response.code:
            raise Refused(response)
        message = self._message(f"{operation}Response").FromString(response.body)
        assert (response.status, message.RequestId) == (200, response.request_id)
        assert message.SerializeToString() == response.body  # nothing in it that is not documented
        return message, response

    def ask(self, operation: str, version_id: str | None = None, /, **fields: Any) -> Any:
        """Send one request; return the response message. Raises Refused."""
        return self.answer(operation, version_id, **fields)[0]


if __name__ == "__main__":
    write_client_keys(Path(sys.argv[1]))
