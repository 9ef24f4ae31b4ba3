"""Imitates the shared gateway on top of a KMS instance's own: alibabacloud-dkms-transfer-python."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from typing import Any

import aliyunsdkkms.request.v20160120 as requests
from alibabacloud_dkms_transfer.kms_transfer_acs_client import KmsTransferAcsClient
from aliyunsdkcore.acs_exception.exceptions import ServerException
from aliyunsdkcore.client import AcsClient
from dedicated import GATEWAYS, config, throttle

AES, SIGN, OPEN = "key-hzz65f0c1a2aes0000000", "key-hzz65f0c1a2sign000000", "key-hzz65f0c1a2open000000"
CONTEXT = json.dumps({"b": "2", "a": "é"})
DIGEST = base64.b64encode(hashlib.sha256(b"message").digest()).decode()


def asked(client: AcsClient, action: str, **fields: Any) -> dict[str, Any]:
    """Send one request of the V1 SDK."""
    module = __import__(f"{requests.__name__}.{action}Request", fromlist=[action])
    request = getattr(module, f"{action}Request")()
    request.set_accept_format("JSON")
    for name, value in fields.items():
        getattr(request, f"set_{name}")(value)
    answer: dict[str, Any] = json.loads(client.do_action_with_exception(request))
    return answer


def refusal(client: AcsClient, action: str, **fields: Any) -> str:
    try:
        asked(client, action, **fields)
    except ServerException as error:
        return str(error.error_code)
    raise AssertionError("not refused")


def use_both(client: AcsClient, shared: AcsClient) -> None:
    """Each gateway opens what the other one made."""
    for maker, opener in ((client, shared), (shared, client), (client, client)):
        blob = asked(maker, "Encrypt", KeyId=AES, Plaintext="4111 ü", EncryptionContext=CONTEXT)["CiphertextBlob"]
        opened = asked(opener, "Decrypt", CiphertextBlob=blob, EncryptionContext=CONTEXT)
        assert (opened["Plaintext"], opened["KeyId"]) == ("4111 ü", AES)
        assert refusal(opener, "Decrypt", CiphertextBlob=blob) == "InvalidParameter"
        made = asked(maker, "GenerateDataKey", KeyId=AES, KeySpec="AES_128")
        assert asked(opener, "Decrypt", CiphertextBlob=made["CiphertextBlob"])["Plaintext"] == made["Plaintext"]
        blob = asked(maker, "GenerateDataKeyWithoutPlaintext", KeyId=AES)["CiphertextBlob"]
        assert len(base64.b64decode(asked(opener, "Decrypt", CiphertextBlob=blob)["Plaintext"])) == 32
        fields = {"KeyId": SIGN, "KeyVersionId": "00000002-1111-4000-8000-000000000001", "Digest": DIGEST}
        fields["Algorithm"] = "RSA_PSS_SHA_256"
        value = asked(maker, "AsymmetricSign", **fields)["Value"]
        assert asked(opener, "AsymmetricVerify", Value=value, **fields)["Value"] is True
        fields = {"KeyId": OPEN, "KeyVersionId": "00000003-1111-4000-8000-000000000001"}
        fields["Algorithm"] = "RSAES_OAEP_SHA_256"
        blob = asked(maker, "AsymmetricEncrypt", Plaintext=DIGEST, **fields)["CiphertextBlob"]
        assert asked(opener, "AsymmetricDecrypt", CiphertextBlob=blob, **fields)["Plaintext"] == DIGEST
        del fields["Algorithm"]
        assert (
            asked(maker, "GetPublicKey", **fields)["PublicKey"] == asked(opener, "GetPublicKey", **fields)["PublicKey"]
        )


def use_gateways() -> None:
    shared = AcsClient(os.environ["ALIBABA_CLOUD_ACCESS_KEY_ID"], os.environ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"])
    for protocol, endpoint in GATEWAYS:
        client = KmsTransferAcsClient(config=config(protocol, endpoint), verify=os.environ["KMS_MOCK_CA_FILE"])
        use_both(client, shared)
        wrong = KmsTransferAcsClient(
            config=config(protocol, endpoint, "unknown"), verify=os.environ["KMS_MOCK_CA_FILE"]
        )
        assert refusal(wrong, "Encrypt", KeyId=AES, Plaintext="x") == "InvalidAccessKeyId.NotFound"
    throttle("GetSecretValue")
    answer = asked(client, "GetSecretValue", SecretName="db/password")
    assert answer["VersionStages"] == {"VersionStage": ["ACSCurrent"]}
    print(answer["SecretData"])


use_gateways()
