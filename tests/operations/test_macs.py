"""GenerateMac and VerifyMac, through the official SDK and with fixtures/keys.yaml."""

from __future__ import annotations

import base64
import hmac
from functools import partial

import pytest
from alibabacloud_kms20160120.client import Client
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC

from kms_mock import KmsMock
from kms_mock.kms import errors
from tests.support.calls import refused
from tests.support.known_keys import (
    flipped,
    known_material,
    text64,
)
from tests.support.secrets import sdk

MACS = {
    "key-hmac-sm3": "HMAC_SM3",
    "key-hmac-224": "HMAC_SHA_224",
    "key-hmac-256": "HMAC_SHA_256",
    "key-hmac-384": "HMAC_SHA_384",
    "key-hmac-512": "HMAC_SHA_512",
}


@pytest.fixture
def kms(with_known_keys: KmsMock) -> KmsMock:
    return with_known_keys


@pytest.mark.parametrize(("key_id", "algorithm"), MACS.items())
def test_a_mac_is_plain_hmac_and_verifies(client: Client, key_id: str, algorithm: str) -> None:
    """Mac is Base64 of HMAC under the key's bytes; VerifyMac says true for it, false for any other."""
    message = b"a message"
    named = {"key_id": key_id, "algorithm": algorithm, "message": text64(message)}
    answer = sdk(client, "GenerateMac", **named)
    assert (answer["KeyId"], answer["Algorithm"]) == (key_id, algorithm)
    if algorithm == "HMAC_SM3":
        sm3 = HMAC(known_material(key_id), hashes.SM3())
        sm3.update(message)
        expected = sm3.finalize()
    else:
        expected = hmac.digest(known_material(key_id), message, algorithm.removeprefix("HMAC_").replace("_", ""))
    assert base64.b64decode(answer["Mac"]) == expected
    verdict = sdk(client, "VerifyMac", mac=answer["Mac"], **named)
    assert (verdict["KeyId"], verdict["Algorithm"], verdict["Value"]) == (key_id, algorithm, True)
    for wrong in (flipped(answer["Mac"]), text64(expected[:-1]), "AAAA"):
        assert sdk(client, "VerifyMac", mac=wrong, **named)["Value"] is False
    other = {**named, "message": text64(b"another message")}
    assert sdk(client, "VerifyMac", mac=answer["Mac"], **other)["Value"] is False


@pytest.mark.parametrize("operation", ["GenerateMac", "VerifyMac"])
@pytest.mark.parametrize(
    ("changes", "spec"),
    [
        ({"key_id": "nope"}, errors.KEY_NOT_FOUND),
        ({"key_id": "alias/nope"}, errors.ALIAS_NOT_FOUND),
        ({"key_id": "key-aes256"}, errors.UNSUPPORTED_OPERATION),
        ({"key_id": "key-rsa2048-sign"}, errors.UNSUPPORTED_OPERATION),
        ({"key_id": "key-disabled"}, errors.UNSUPPORTED_OPERATION),
    ],
)
def test_only_hmac_keys_make_codes(
    kms: KmsMock, client: Client, operation: str, changes: dict[str, str], spec: errors.ErrorSpec
) -> None:
    """Another kind of key answers UnsupportedOperation, an unknown one 404."""
    more = {"mac": "AAAA"} if operation == "VerifyMac" else {}
    fields = {"key_id": "key-hmac-256", "algorithm": "HMAC_SHA_256", "message": "AAAA", **more, **changes}
    refused(kms, spec, partial(sdk, client, operation, **fields))


@pytest.mark.parametrize(
    ("name", "value"),
    [("Algorithm", "HMAC_SHA_512"), ("Algorithm", "HMAC_MD5"), ("Message", "no Base64!"), ("Mac", "no Base64!")],
)
def test_the_parameters_of_a_mac_are_checked(kms: KmsMock, client: Client, name: str, value: str) -> None:
    """A key makes codes with its own algorithm only; message and code are Base64."""
    fields = {"key_id": "key-hmac-256", "algorithm": "HMAC_SHA_256", "message": "AAAA", "mac": "AAAA"}
    text = f"The specified parameter {name} is not valid."
    fields[name.lower()] = value
    refused(kms, errors.INVALID_PARAMETER, partial(sdk, client, "VerifyMac", **fields), message=text)
