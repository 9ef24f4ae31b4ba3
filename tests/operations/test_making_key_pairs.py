"""Key pairs and wrapping pairs are made off the event loop, and are the same in every seeded run."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
from alibabacloud_kms20160120.client import Client

from kms_mock import KmsMock
from kms_mock.crypto import material
from kms_mock.crypto.material import KeyMaterial, generate
from kms_mock.crypto.specs import KeySpec
from tests.support.cli import PATIENCE
from tests.support.keys import create_key, key_versions, parameters_for_import
from tests.support.secrets import sdk


def test_a_seeded_run_repeats_key_for_key() -> None:
    """With a seed, key pairs and wrapping pairs made off the loop, and ids, come out the same in every run."""

    def run() -> list[Any]:
        with KmsMock(seed=7) as kms:
            client = kms.client()
            pairs = [create_key(client, key_spec=spec).key_id for spec in ("RSA_2048", "EC_P256", "EC_SM2")]
            public = [
                sdk(client, "GetPublicKey", key_id=one, key_version_id=key_versions(client, one)[0])["PublicKey"]
                for one in pairs
            ]
            key = create_key(client, origin="EXTERNAL").key_id
            given = parameters_for_import(client, key)
            return [pairs, public, key, given.public_key, base64.b64decode(given.import_token)[8:24]]

    assert run() == run()


def test_other_requests_flow_while_a_key_pair_is_made(
    kms: KmsMock, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An RSA key is made off the event loop, and what was created meanwhile is there when it is done."""
    begun, wanted = Event(), Event()

    def held(spec: KeySpec, *stream: Any) -> KeyMaterial:
        if not spec.symmetric:
            begun.set()
            assert wanted.wait(PATIENCE)
        return generate(spec, *stream)

    monkeypatch.setattr(material, "generate", held)
    other = kms.client()
    with ThreadPoolExecutor(1) as pool:
        making = pool.submit(create_key, client, key_spec="RSA_2048")
        assert begun.wait(PATIENCE)
        quick = create_key(other).key_id
        assert [key["KeyId"] for key in sdk(other, "ListKeys")["Keys"]["Key"]] == [quick]
        assert not making.done()
        wanted.set()
        pair = making.result().key_id
    assert [key["KeyId"] for key in sdk(client, "ListKeys")["Keys"]["Key"]] == [quick, pair]
