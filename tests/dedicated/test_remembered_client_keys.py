"""Who signs with a client key, and what its access point allows, is remembered: until something says otherwise."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from kms_mock import KmsMock
from kms_mock.identity.accounts import remove_account
from kms_mock.kms.dedicated import context
from kms_mock.kms.model import client_key_rights
from kms_mock.kms.model.key import keys
from tests.support.dedicated import (
    AES,
    EXPIRED,
    GOOD,
    HARDWARE,
    INSTANCE,
    InstanceClient,
    Refused,
    ask_rpc,
    client_key_contents,
    client_key_document,
)

KEY_USER = "RbacPermission/Template/CryptoServiceKeyUser"
SECRET_USER = "RbacPermission/Template/CryptoServiceSecretUser"
NO_PERMISSION, NOT_FOUND, UNKNOWN = "Forbidden.NoPermission", "Forbidden.KeyNotFound", "Unauthorized"
OTHER = "222"
POINT: dict[str, Any] = {
    "name": "app",
    "policies": ["p"],
    "client_keys": [client_key_document(), client_key_document(EXPIRED)],
}
RESOURCES: dict[str, Any] = {
    "instances": [{"id": INSTANCE}, {"id": HARDWARE, "kind": "hardware"}],
    "keys": [{"id": AES, "instance": INSTANCE}],
    "network_rules": [{"name": "anywhere", "sources": ["0.0.0.0/0"]}],
    "access_policies": [
        {"name": "p", "scope": INSTANCE, "permissions": [KEY_USER], "resources": ["key/*"]},
        {"name": "ruled", "permissions": [KEY_USER], "resources": ["key/*"], "network_rules": ["anywhere"]},
        {"name": "none", "permissions": [SECRET_USER], "resources": ["secret/*"]},
    ],
    "access_points": [POINT],
}


def outcome(client: InstanceClient, key_id: str = AES) -> str:
    """Return the code of Encrypt, "" for a success, which two requests in a row must both get."""
    codes = []
    for _ in range(2):
        try:
            client.ask("Encrypt", KeyId=key_id, Plaintext=b"x")
            codes.append("")
        except Refused as refused:
            codes.append(refused.refusal[1])
    assert codes[0] == codes[1]
    return codes[0]


def rpc(action: str, **parameters: str) -> Callable[[KmsMock], object]:
    """Return the change that one request to the RPC API makes."""

    def change(kms: KmsMock) -> None:
        answer = ask_rpc(kms, action, **parameters)
        assert "Code" not in answer, answer

    return change


def replacing(**document: Any) -> Callable[[KmsMock], object]:
    """Return the change that fixtures in the place of everything make."""
    return lambda kms: kms.controls.replace({**RESOURCES, **document})


def move_key(kms: KmsMock) -> None:
    """Put a key of the same id and ARN into the other instance."""
    table = next(found for found in kms.store.partitions() if AES in found[keys])[keys]
    table.put(replace(table.find(AES), instance_id=HARDWARE))
    kms.store.commit()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (rpc("UpdatePolicy", Name="p", Permissions=json.dumps([SECRET_USER]), Resources='["secret/*"]'), NO_PERMISSION),
        (rpc("UpdatePolicy", Name="p", Resources='["key/other"]'), NO_PERMISSION),
        (rpc("UpdatePolicy", Name="p", AccessControlRules='{"NetworkRules":["there"]}'), NO_PERMISSION),
        (rpc("UpdateApplicationAccessPoint", Name="app", Policies='["none"]'), NO_PERMISSION),
        (rpc("DeleteApplicationAccessPoint", Name="app"), UNKNOWN),
        (rpc("DeleteClientKey", ClientKeyId=GOOD), UNKNOWN),
        (rpc("DisableKey", KeyId=AES), "Rejected.Disabled"),
        (replacing(access_points=[{**POINT, "policies": ["none"]}]), NO_PERMISSION),
        (replacing(access_points=[{"name": "app", "policies": ["p"]}]), UNKNOWN),
        (replacing(access_policies=[{**RESOURCES["access_policies"][2], "name": "p"}]), NO_PERMISSION),
        (move_key, NOT_FOUND),
        (lambda kms: kms.clock.set("2050-01-01"), "Forbidden.AccessKey"),
    ],
)
def test_a_change_takes_effect_at_once(change: Callable[[KmsMock], object], code: str) -> None:
    """What refuses a request that was allowed does so from the next one on, and going back allows it again."""
    kms = KmsMock([RESOURCES, {"network_rules": [{"name": "there", "sources": ["10.2.0.0/16"]}]}])
    client, before, start = InstanceClient(kms), kms.store.state(), kms.clock.state
    assert outcome(client) == ""
    change(kms)
    changed = kms.store.state()
    assert outcome(client) == code
    kms.clock.restore(start)
    for state, expected in ((before, ""), (changed, code), (before, "")):
        kms.store.restore(state)
        assert outcome(client) == ("" if code == "Forbidden.AccessKey" else expected)  # time is in no state
    with kms.checkpoint():
        change(kms)
        assert outcome(client) == code
        kms.clock.restore(start)
    assert outcome(client) == ""
    change(kms)
    kms.reset()
    assert outcome(client) == ""


def test_what_depends_on_circumstances_is_not_remembered() -> None:
    """The address that a network rule asks for, and the rule itself, count anew in each request."""
    kms = KmsMock([{**RESOURCES, "access_points": [{**POINT, "policies": ["ruled"]}]}])
    near, far = InstanceClient(kms, peer="10.0.0.1"), InstanceClient(kms, peer="10.0.0.2")
    assert (outcome(near), outcome(far)) == ("", "")
    rpc("UpdateNetworkRule", Name="anywhere", SourcePrivateIp='["10.0.0.1"]')(kms)
    assert (outcome(near), outcome(far), outcome(near)) == ("", NO_PERMISSION, "")


def test_the_host_name_of_each_request_counts() -> None:
    """What is allowed behind the host name of one instance is not found behind that of another one."""
    kms = KmsMock([RESOURCES])
    for instance, code in ((INSTANCE, ""), (HARDWARE, NOT_FOUND), (INSTANCE, "")):
        assert outcome(InstanceClient(kms, host=f"{instance}.cryptoservice.kms.aliyuncs.com")) == code


def test_a_fixture_adds_what_a_policy_names() -> None:
    """Access points may name policies, and policies rules, that do not exist: they count as soon as they do."""
    ruled = {"name": "late", "permissions": [KEY_USER], "resources": ["key/*"], "network_rules": ["later"]}
    kms = KmsMock([{**RESOURCES, "access_points": [{**POINT, "policies": ["none"]}]}])
    client = InstanceClient(kms)
    assert outcome(client) == NO_PERMISSION
    kms.load({"network_rules": [{"name": "later", "sources": ["127.0.0.1"]}], "access_policies": [ruled]})
    assert outcome(client) == NO_PERMISSION
    rpc("UpdateApplicationAccessPoint", Name="app", Policies='["late"]')(kms)
    assert outcome(client) == ""
    rpc("UpdateNetworkRule", Name="later", SourcePrivateIp="[]")(kms)
    assert outcome(client) == NO_PERMISSION


def test_a_key_that_comes_back_elsewhere() -> None:
    """A key is deleted, and another of the same ARN made, in no instance and in the instance again."""
    kms = KmsMock([RESOURCES])
    client = InstanceClient(kms)
    assert outcome(client) == ""
    for document, code in (({"id": AES}, NOT_FOUND), ({"id": AES, "instance": INSTANCE}, "")):
        table = next(found for found in kms.store.partitions() if AES in found[keys])[keys]
        table.remove(table.find(AES))
        kms.store.commit()
        assert outcome(client) == NOT_FOUND
        kms.load({"keys": [document]})
        assert outcome(client) == code


def test_a_client_key_moves_to_another_account() -> None:
    """With its account it is gone; one of the same id in another account and region finds what is there."""
    place = {**RESOURCES, "id": "cn-beijing"}
    elsewhere = {"accounts": [{"id": OTHER, "regions": [place]}]}
    kms = KmsMock([elsewhere])
    client, before = InstanceClient(kms), kms.store.state()
    assert outcome(client) == ""
    remove_account(kms.store, OTHER)
    assert outcome(client) == UNKNOWN
    kms.load(RESOURCES)
    assert outcome(client) == outcome(client, f"acs:kms:cn-hangzhou:{kms.config.account}:key/{AES}") == ""
    kms.store.restore(before)
    assert outcome(client, f"acs:kms:cn-beijing:{OTHER}:key/{AES}") == ""


def test_a_fixture_that_is_refused_leaves_the_rights() -> None:
    """What is taken back is forgotten as well."""
    kms = KmsMock([RESOURCES])
    client = InstanceClient(kms)
    assert outcome(client) == ""

    def load_and_fail() -> None:
        with kms.store.all_or_nothing():
            rpc("UpdateApplicationAccessPoint", Name="app", Policies='["none"]')(kms)
            assert outcome(client) == NO_PERMISSION
            raise RuntimeError

    with pytest.raises(RuntimeError):
        load_and_fail()
    assert outcome(client) == ""


def test_a_closed_service_refuses_the_next_request() -> None:
    """The account of a client key is asked for again when its record changes."""
    kms = KmsMock([RESOURCES])
    client = InstanceClient(kms)
    assert outcome(client) == ""
    kms.load({"accounts": [{"id": kms.config.account, "status": "InDebt"}]})
    assert outcome(client) != ""
    kms.reset()
    assert outcome(client) == ""


def test_an_expired_key_is_not_let_in_by_one_that_is_good() -> None:
    """Both are of one access point: dates are those of each key."""
    kms = KmsMock([RESOURCES])
    good, expired = InstanceClient(kms), InstanceClient(kms, client_key_contents()["expired"])
    assert (outcome(good), outcome(expired), outcome(good)) == ("", "Forbidden.AccessKey", "")


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither unknown ids, nor host names that clients choose, nor many keys stay."""
    monkeypatch.setattr(context, "MOST_RIGHTS", 10)
    monkeypatch.setattr(client_key_rights, "MOST_KNOWN", 2)
    ids = [f"KAAP.{number}" for number in range(3)]
    client_keys = [{**client_key_document(), "id": client_key_id} for client_key_id in ids]
    kms = KmsMock([{**RESOURCES, "access_points": [{"name": "app", "policies": ["p"], "client_keys": client_keys}]}])
    content = json.loads(client_key_contents()["good"])
    for client_key_id in [*ids, *(f"KAAP.unknown{number}" for number in range(6))]:
        client = InstanceClient(kms, json.dumps({**content, "KeyId": client_key_id}))
        assert outcome(client) == ("" if client_key_id in ids else UNKNOWN)
        assert 0 < len(kms.store.known_signers) <= 2
    known = client_key_rights.known_client_key(kms.store, ids[-1])
    assert known is not None
    for number in range(30):
        client = InstanceClient(kms, json.dumps({**content, "KeyId": ids[-1]}), host=f"host-{number}")
        assert outcome(client) == ""
        assert len(known.caller.plain_rights) <= 10
    rights = set(known.caller.plain_rights)
    assert outcome(InstanceClient(kms, json.dumps({**content, "KeyId": ids[-1]}), host="h" * 300)) == ""
    assert known.caller.plain_rights == rights != set()
