"""What a request of the dedicated gateway costs: scripts/bench dedicated."""

from __future__ import annotations

import base64
import hashlib
import sys
from email.utils import formatdate
from pathlib import Path

from bench_tools import BARE, compare_rates, load, mock, server
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_private_key

from kms_mock import KmsMock
from kms_mock.kms.dedicated import API
from kms_mock.kms.dedicated.messages import layout_of
from kms_mock.kms.model.access import access_points

FIXTURE = str(Path(__file__).parents[1] / "fixtures" / "instance.yaml")
_ANSWER = 1160  # bytes of the message, about


def main() -> None:
    """Compare Encrypt of 1 KiB, signature verified, with a bare server that reads and answers as many bytes."""
    payload = encrypt_request()
    handler = "async def answer(request):\n"
    bare = BARE.replace(handler, f"{handler}    await request.read()\n")
    with mock("--fixture", FIXTURE) as port, server(sys.executable, "-c", bare, str(_ANSWER)) as other:
        compare_rates(
            "Encrypt of 1 KiB, dedicated gateway, req/s",
            ">= 0.45",
            lambda: load(port, payload),
            lambda: load(other, payload),
        )


def encrypt_request() -> bytes:
    """Write one request as the vendor's clients do; it is good for 15 minutes."""
    kms = KmsMock([FIXTURE])
    points = [point for partition in kms.store.partitions() for point in partition[access_points].values()]
    client_key = next(iter(points[0].client_keys.values()))
    assert client_key.material is not None  # noqa: S101 (the fixture file has it)
    key = load_der_private_key(client_key.material.to_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)  # noqa: S101 (client keys are RSA keys)
    values = {"KeyId": "key-hzz65f0c1a2aes0000000", "Plaintext": b"x" * 1024, "Aad": b"context"}
    body = layout_of(API.operations["Encrypt"]).request.encode(values)
    digest, date = hashlib.sha256(body).hexdigest().upper(), formatdate(kms.sources.real_now(), usegmt=True)
    signed = (
        f"x-kms-acccesskeyid:{client_key.id}\nx-kms-apiname:Encrypt\nx-kms-apiversion:dkms-gcs-0.2\n"
        "x-kms-signaturemethod:RSA_PKCS1_SHA_256\n"
    )
    text = f"POST\n{digest}\napplication/x-protobuf\n{date}\n{signed}/"
    signature = base64.b64encode(key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()
    head = (
        "POST / HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: application/x-protobuf\r\nuser-agent: bench\r\n"
        f"content-type: application/x-protobuf\r\ndate: {date}\r\ncontent-sha256: {digest}\r\n"
        f"authorization: Bearer {signature}\r\ncontent-length: {len(body)}\r\n"
    )
    return head.encode() + signed.replace(":", ": ", 4).replace("\n", "\r\n").encode() + b"\r\n" + body
