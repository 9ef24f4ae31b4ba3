"""Client keys that the mock hands out: from fixture files, the same in every run, or new ones."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import pkcs12

from kms_mock import KmsMock
from kms_mock.fixtures import FixtureError
from tests.support.cli import run_command
from tests.support.dedicated import (
    AES,
    GOOD,
    HARDWARE,
    INSTANCE,
    INSTANCE_FIXTURE,
    InstanceClient,
    ask_rpc,
    client_key_contents,
    client_key_document,
)
from tests.support.raw_http import ask
from tests.support.raw_http import http as request_bytes

PLAIN = {"instances": [{"id": "kst-a"}], "keys": [{"id": "key-a", "instance": "kst-a"}]}


@pytest.fixture
def kms() -> Iterator[KmsMock]:
    """A mock with two instances that listens."""
    with KmsMock([INSTANCE_FIXTURE]) as running:
        yield running


def test_a_fixed_client_key_is_the_same_in_every_run(kms: KmsMock) -> None:
    """A client key whose private key a fixture file has gives the same file, byte for byte; the default instance's."""
    found = kms.client_key(INSTANCE)
    assert (found.id, found.content) == (GOOD, client_key_contents()["good"])
    assert kms.client_key(HARDWARE) == kms.client_key() == found
    assert "kms-mock" not in repr(found)
    other = kms.client_key(password="other-passw0rd")
    archive = base64.b64decode(json.loads(other.content)["PrivateKeyData"])
    key, certificate, _ = pkcs12.load_key_and_certificates(archive, b"other-passw0rd")
    assert key is not None
    assert certificate is not None
    assert certificate.public_key() == key.public_key()
    assert certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value == GOOD


def test_a_new_client_key_where_there_is_none() -> None:
    """Without one, a new client key with all permissions on the instance; once made it stays, and a reset forgets it."""
    with KmsMock([PLAIN]) as kms:
        made = kms.client_key()
        assert made == kms.client_key("kst-a")
        assert InstanceClient(kms, made.content).ask("Encrypt", KeyId="key-a", Plaintext=b"x")
        (listed,) = ask_rpc(kms, "ListClientKeys")["ClientKeys"]
        assert (listed["ClientKeyId"], listed["AapName"]) == (made.id, f"kms-mock-{made.id[5:13]}")
        kms.clock.advance("3000d")
        later = kms.client_key()
        assert later.id != made.id
        kms.reset()
        assert ask_rpc(kms, "ListClientKeys")["ClientKeys"] == []
    seeded = []
    for _ in range(2):
        with KmsMock([PLAIN], seed=3) as kms:
            kms.clock.freeze()
            kms.clock.set("2026-01-31")
            seeded.append(kms.client_key())
    assert seeded[0] == seeded[1]


def test_a_snapshot_keeps_the_private_key() -> None:
    """A mock that loads the snapshot of another hands out the same client key; the API never shows the private half."""
    with KmsMock([PLAIN]) as kms:
        made = kms.client_key()
        with KmsMock([kms.snapshot()]) as other:
            assert other.client_key() == made
        (region,) = kms.snapshot()["accounts"][0]["regions"]
        private = region["access_points"][0]["client_keys"][0]["private_key"]
        shown = json.dumps(ask_rpc(kms, "GetClientKey", ClientKeyId=made.id))
        assert private[:64] not in shown.replace("\\n", "")
        assert private not in ask(kms, request_bytes("GET", path="/_kms_mock/state")).body.decode()


@pytest.mark.parametrize(
    ("fixture", "instance", "password", "problem"),
    [
        ({}, None, "kms-mock-1", "there is no KMS instance"),
        ({}, "kst-x", "kms-mock-1", "there is no KMS instance 'kst-x'"),
        ({"instances": [{"id": "a"}, {"id": "b"}]}, None, "kms-mock-1", "there are 2 KMS instances: name one"),
        (PLAIN, None, "short", "a password has 8 to 64 characters"),
    ],
)
def test_what_cannot_be_handed_out(fixture: dict[str, Any], instance: str | None, password: str, problem: str) -> None:
    """An instance that is not there or not clear, and a password that CreateClientKey would refuse, change nothing."""
    with KmsMock([fixture]) as kms:
        before = kms.snapshot()
        with pytest.raises(ValueError, match=problem):
            kms.client_key(instance, password=password)
        assert kms.snapshot() == before


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ({}, "expected a certificate, or a private_key to make it from"),
        ({"private_key": "AAAA"}, "private key"),
        ({"private_key": client_key_document()["private_key"], "id": "é" * 60}, "certificate"),
    ],
)
def test_fixture_files_with_wrong_client_keys(entry: dict[str, Any], problem: str) -> None:
    """A client key needs a certificate, or an RSA key of 2048 bits and an id that one can be made of."""
    document = {"access_points": [{"name": "a", "policies": [], "client_keys": [{"id": "KAAP.x", **entry}]}]}
    with pytest.raises(FixtureError, match=problem):
        KmsMock([document])


def test_a_client_key_belongs_to_one_access_point() -> None:
    """The id of another access point's client key is refused, with its place."""
    points = [{"name": name, "policies": [], "client_keys": [client_key_document()]} for name in "ab"]
    with pytest.raises(
        FixtureError, match=r"\$\.access_points\[1\]\.client_keys\[0\]\.id: client key .* is there twice"
    ):
        KmsMock({"access_points": points})


def test_a_client_key_for_another_instance_is_not_handed_out() -> None:
    """An access point leads to the instances that its policies are for; a new client key is made for the other one."""
    policies = [{"name": name, "scope": f"kst-{name}", "permissions": [], "resources": []} for name in "ab"]
    point = {"name": "point", "policies": ["a"], "client_keys": [client_key_document()]}
    instances = [{"id": "kst-a"}, {"id": "kst-b"}]
    with KmsMock({"instances": instances, "access_policies": policies, "access_points": [point]}) as kms:
        assert kms.client_key("kst-a").id == client_key_document()["id"]
        assert kms.client_key("kst-b").id != client_key_document()["id"]


def test_the_command_writes_both_files(kms: KmsMock, tmp_path: Path) -> None:
    """`kms-mock client-key` writes the file and its password, prints their paths, and what is wrong in words."""
    folder = tmp_path / "new"
    told, _ = run_command("client-key", "--url", kms.url, "--instance", INSTANCE, "--dir", str(folder))
    paths = [folder / f"clientKey_{GOOD}.json", folder / f"clientKey_{GOOD}_Password.txt"]
    assert told.splitlines() == list(map(str, paths))
    assert [path.read_text("utf-8") for path in paths] == [kms.client_key().content, "kms-mock-1"]
    assert InstanceClient(kms, paths[0].read_text("utf-8")).ask("Encrypt", KeyId=AES, Plaintext=b"x")
    problem = run_command("client-key", "--url", kms.url, "--instance", "kst-x", code=1)[1]
    assert problem == "Error: there is no KMS instance 'kst-x'\n"
    assert "a password has 8 to 64" in run_command("client-key", "--url", kms.url, "--password", "x", code=1)[1]
    (tmp_path / "file").write_text("")
    below = str(tmp_path / "file" / "below")
    assert "cannot write to" in run_command("client-key", "--url", kms.url, "--dir", below, code=1)[1]


def test_the_command_gets_a_new_one_too(tmp_path: Path) -> None:
    """Of an instance without a client key the server makes one."""
    with KmsMock([PLAIN]) as kms:
        told, _ = run_command("client-key", "--url", kms.url, "--dir", str(tmp_path))
        assert kms.client_key().id in told
