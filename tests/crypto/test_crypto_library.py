"""What an old `cryptography` lacks is told, and nothing fails for it."""

from __future__ import annotations

import logging

import pytest
from alibabacloud_kms20160120 import models

from kms_mock import FixtureError, KmsMock
from kms_mock.crypto import library
from kms_mock.kms import errors
from tests.support.calls import refused

SM4 = {"keys": [{"id": "sm4", "spec": "Aliyun_SM4"}]}
KEY = {"keys": [{"id": "ec", "spec": "EC_P256", "usage": "SIGN/VERIFY"}]}
DIGEST = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="


@pytest.mark.parametrize(
    ("signatures", "certificates", "told"),
    [
        (False, False, "ECDSA signatures and certificates of instances differ from run to run in spite of the seed"),
        (True, False, "certificates of instances differ from run to run in spite of the seed"),
        (True, True, ""),
    ],
)
def test_a_seed_that_cannot_hold(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, signatures: bool, certificates: bool, told: str
) -> None:
    """With a seed the log names what does not repeat; signing works all the same."""
    monkeypatch.setattr(library, "REPEATS_ECDSA", signatures)
    monkeypatch.setattr(library, "REPEATS_CERTIFICATES", certificates)
    with caplog.at_level(logging.WARNING, "kms_mock"), KmsMock(KEY, seed=1) as kms:
        client = kms.client()
        (version,) = client.list_key_versions(models.ListKeyVersionsRequest(key_id="ec")).body.key_versions.key_version
        wanted = models.AsymmetricSignRequest(
            key_id="ec", key_version_id=version.key_version_id, algorithm="ECDSA_SHA_256", digest=DIGEST
        )
        assert client.asymmetric_sign(wanted).body.value
    messages = [record.getMessage() for record in caplog.records if record.name == "kms_mock.mock"]
    assert [message.partition(":")[0] for message in messages] == ([told] if told else [])


def test_sm4_in_a_library_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """CreateKey and fixture files refuse the spec, with the version that it needs."""
    monkeypatch.setattr(library, "HAS_SM4_GCM", False)
    with pytest.raises(FixtureError, match=r"\$\.keys\[0\]\.spec: Aliyun_SM4 needs cryptography 42, here is "):
        KmsMock(SM4)
    with KmsMock() as kms:
        refused(
            kms, errors.UNSUPPORTED_OPERATION, kms.client().create_key, models.CreateKeyRequest(key_spec="Aliyun_SM4")
        )
        assert "Aliyun_SM4 needs cryptography 42" in kms.calls.filter("CreateKey")[0].reason
