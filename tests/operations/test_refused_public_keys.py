"""Public keys that OpenSSL refuses only when they are used, through the gateway, in a server with and without a seed."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from kms_mock.crypto import der
from kms_mock.sources import Sources
from tests.support.in_process import InProcess

_ALGORITHM = bytes.fromhex("300d06092a864886f70d0101010500")
_KEY = {"id": "key-aes", "spec": "Aliyun_AES_256"}
_WRAPPING = {"WrappingKeySpec": "RSA_2048", "WrappingAlgorithm": "RSAES_OAEP_SHA_256"}


def _public_key(modulus: int, exponent: int) -> str:
    numbers = der.encode(der.SEQUENCE, der.encode_integer(modulus), der.encode_integer(exponent))
    return base64.b64encode(der.encode(der.SEQUENCE, _ALGORITHM, der.encode(der.BIT_STRING, b"\0", numbers))).decode()


@pytest.fixture(params=[True, False], ids=["seeded", "unseeded"])
def server(request: pytest.FixtureRequest) -> Iterator[InProcess]:
    server = InProcess({"keys": [_KEY]})
    if not request.param:
        server.gateway.sources = replace(Sources.system(), now=lambda: server.now)
    yield server
    server.close()


@pytest.mark.parametrize(
    ("modulus", "exponent"),
    [(1 << 2047, 65537), ((1 << 2047) + 1, 1), ((1 << 2047) + 1, 65536), ((1 << 2046) + 1, 65537)],
    ids=["even modulus", "exponent 1", "even exponent", "2047 bits"],
)
def test_a_public_key_that_openssl_refuses_late_is_a_wrong_parameter(
    server: InProcess, modulus: int, exponent: int
) -> None:
    """InvalidParameter, which is 400, from both operations that wrap a data key; not a 500 where OpenSSL computes."""
    wrapping = {"PublicKeyBlob": _public_key(modulus, exponent), **_WRAPPING}
    code, made = server.call("GenerateDataKey", KeyId="key-aes")
    assert not code
    for operation, named in (
        ("GenerateAndExportDataKey", {"KeyId": "key-aes"}),
        ("ExportDataKey", {"CiphertextBlob": made["CiphertextBlob"]}),
    ):
        code, body = server.call(operation, **named, **wrapping)
        assert (code, body["HttpStatus"]) == ("InvalidParameter", 400)
