"""Uses every operation of a KMS instance's gateway, over HTTP and HTTPS: alibabacloud-dkms-gcs."""

from __future__ import annotations

import hashlib
from typing import Any

from dedicated import GATEWAYS, config, refusal, throttle
from openapi_util.models import RuntimeOptions
from sdk import models
from sdk.client import Client

AES, SIGN, OPEN = "key-hzz65f0c1a2aes0000000", "key-hzz65f0c1a2sign000000", "key-hzz65f0c1a2open000000"
EC, SM2 = "key-hzz65f0c1a2ecc0000000", "key-hzz65f0c1a2sm2sign000"
VERSION = "x-kms-migrationkeyversionid"
TEXT, AAD = b"4111 1111 \x00\xff", b"context"


def asked(client: Client, operation: str, **fields: Any) -> Any:
    """Send one request: `encrypt` with the fields of EncryptRequest."""
    name = "".join(word.capitalize() for word in operation.split("_"))
    options = RuntimeOptions(response_headers=[VERSION])
    request = getattr(models, f"{name}Request")(**fields)
    return getattr(client, f"{operation}_with_options")(request, options)


def use_ciphers(client: Client) -> None:
    made = asked(client, "encrypt", key_id=AES, plaintext=TEXT, aad=AAD)
    assert (made.algorithm, len(made.iv), len(made.ciphertext_blob)) == ("AES_GCM", 12, len(TEXT) + 16)
    assert made.response_headers[VERSION] == "00000001-1111-4000-8000-000000000001"  # the initial version
    fields = {"ciphertext_blob": made.ciphertext_blob, "iv": made.iv, "aad": AAD}
    assert asked(client, "decrypt", key_id="alias/orders", **fields).plaintext == TEXT
    headers = {VERSION: made.response_headers[VERSION]}
    assert asked(client, "decrypt", request_headers=headers, **fields).plaintext == TEXT
    assert asked(client, "advance_decrypt", key_id=AES, **fields).plaintext == TEXT
    assert refusal(lambda: asked(client, "decrypt", key_id=AES, **{**fields, "aad": b"x"})) == "InvalidParameter"
    made = asked(client, "encrypt", key_id=AES, plaintext=TEXT, algorithm="AES_CBC")
    fields = {"ciphertext_blob": made.ciphertext_blob, "iv": made.iv, "algorithm": "AES_CBC"}
    assert (made.padding_mode, asked(client, "decrypt", key_id=AES, **fields).plaintext) == ("PKCS7_PADDING", TEXT)
    made = asked(client, "advance_encrypt", key_id=AES, plaintext=TEXT, aad=AAD)
    assert made.key_version_id == "00000001-1111-4000-8000-000000000002"  # the primary version
    assert made.ciphertext_blob[:3] == b"$\x00\x02"
    assert asked(client, "advance_decrypt", ciphertext_blob=made.ciphertext_blob, aad=AAD).plaintext == TEXT
    made = asked(client, "encrypt", key_id=OPEN, plaintext=TEXT, algorithm="RSAES_OAEP_SHA_1")
    fields = {"ciphertext_blob": made.ciphertext_blob, "algorithm": "RSAES_OAEP_SHA_1"}
    assert asked(client, "decrypt", key_id=OPEN, **fields).plaintext == TEXT


def use_data_keys(client: Client) -> None:
    made = asked(client, "generate_data_key", key_id=AES, number_of_bytes=16, aad=AAD)
    fields = {"ciphertext_blob": made.ciphertext_blob, "iv": made.iv, "aad": AAD}
    assert asked(client, "decrypt", key_id=AES, **fields).plaintext == made.plaintext
    assert len(made.plaintext) == 16
    made = asked(client, "advance_generate_data_key", key_id=AES, number_of_bytes=32)
    assert asked(client, "advance_decrypt", ciphertext_blob=made.ciphertext_blob).plaintext == made.plaintext
    pair = {"key_id": AES, "key_pair_spec": "EC_P256", "key_format": "PEM"}
    made = asked(client, "generate_data_key_pair", **pair)
    fields = {"ciphertext_blob": made.private_key_ciphertext_blob, "iv": made.iv}
    assert asked(client, "decrypt", key_id=AES, **fields).plaintext == made.private_key_plaintext
    assert made.public_key.startswith(b"-----BEGIN PUBLIC KEY-----")
    made = asked(client, "generate_data_key_pair_without_plaintext", **pair)
    fields = {"ciphertext_blob": made.private_key_ciphertext_blob, "iv": made.iv}
    assert asked(client, "decrypt", key_id=AES, **fields).plaintext.startswith(b"-----BEGIN PRIVATE KEY-----")
    made = asked(client, "advance_generate_data_key_pair", **pair)
    opened = asked(client, "advance_decrypt", ciphertext_blob=made.private_key_ciphertext_blob)
    assert opened.plaintext == made.private_key_plaintext
    made = asked(client, "advance_generate_data_key_pair_without_plaintext", **{**pair, "key_format": "DER"})
    opened = asked(client, "advance_decrypt", ciphertext_blob=made.private_key_ciphertext_blob)
    assert (opened.plaintext[:1], made.public_key[:1]) == (b"0", b"0")
    assert len(asked(client, "generate_random", length=24).random) == 24


def use_signatures(client: Client) -> None:
    for key_id, algorithm in ((SIGN, "RSA_PKCS1_SHA_256"), (EC, "ECDSA_SHA_256"), (SM2, "SM2DSA")):
        if key_id == SM2 and "cryptoservice" in client._endpoint:  # noqa: SLF001 (it is in the other instance)
            continue
        fields = {"key_id": key_id, "algorithm": algorithm, "message": TEXT, "message_type": "RAW"}
        signature = asked(client, "sign", **fields).signature
        assert asked(client, "verify", signature=signature, **fields).value is True
        assert asked(client, "verify", signature=signature, **{**fields, "message": b"x"}).value is False
        if algorithm != "SM2DSA":
            fields |= {"message": hashlib.sha256(TEXT).digest(), "message_type": "DIGEST"}
            assert asked(client, "verify", signature=signature, **fields).value is True
        assert "PUBLIC KEY" in asked(client, "get_public_key", key_id=key_id).public_key


def use_gateways() -> None:
    for protocol, endpoint in GATEWAYS:
        client = Client(config(protocol, endpoint))
        use_ciphers(client)
        use_data_keys(client)
        use_signatures(client)
        for client_key, code in (
            ("expired", "Forbidden.AccessKey"),
            ("wrong", "SignatureNotMatch"),
            ("unknown", "Unauthorized"),
        ):
            refused = Client(config(protocol, endpoint, client_key))
            assert refusal(lambda: asked(refused, "generate_random", length=8)) == code  # noqa: B023 (called at once)
    throttle("GenerateRandom")
    assert len(asked(client, "generate_random", length=8).random) == 8
    throttle("GenerateRandom", times=4)  # the first attempt and three more
    assert refusal(lambda: asked(client, "generate_random", length=8)) == "Rejected.Throttling"
    answer = asked(client, "get_secret_value", secret_name="db/password", fetch_extended_config=True)
    assert (answer.version_stages, answer.secret_data_type) == (["ACSCurrent"], "text")
    print(answer.secret_data)


use_gateways()
