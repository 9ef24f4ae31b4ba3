"""Facts about both gateways over one store, sought by Hypothesis: each opens what the other made, and no changed bit."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kms_mock import KmsMock
from tests.support.dedicated import INSTANCE, VERSION_HEADER, InstanceClient, Refused, ask_rpc, client_key_document

SPECS = ["Aliyun_AES_256", "Aliyun_AES_192", "Aliyun_AES_128", "Aliyun_SM4"]
# What the vendor's clients hash has `&` and `=` unescaped: contexts with these are none of both gateways (behaviour.md 3).
TEXTS = st.text(st.characters(exclude_characters="&=", exclude_categories=["Cs"]), max_size=6)
CONTEXTS = st.dictionaries(TEXTS, TEXTS, max_size=3)
PLAINTEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)
POLICY = {
    "name": "p",
    "scope": INSTANCE,
    "permissions": ["RbacPermission/Template/CryptoServiceKeyUser"],
    "resources": ["key/*"],
}
each_spec = pytest.mark.parametrize("spec", SPECS)
few = settings(max_examples=max(settings.default.max_examples // 4, 25) if settings.default else 25)


@pytest.fixture(scope="module")
def instance() -> InstanceClient:
    """A client of an instance with a key of each symmetric spec, of two versions each."""
    keys = [{"id": spec, "spec": spec, "instance": INSTANCE, "versions": [{}, {}]} for spec in SPECS]
    points = [{"name": "a", "policies": ["p"], "client_keys": [client_key_document()]}]
    document = {
        "instances": [{"id": INSTANCE}],
        "keys": keys,
        "access_policies": [POLICY],
        "access_points": points,
    }
    return InstanceClient(KmsMock([document]))


def aad_of(context: Mapping[str, str]) -> bytes:
    """Return the associated data as the vendor's transfer clients compute it (dedicated.md 4)."""
    text = "&".join(f"{key}={context[key]}" for key in sorted(context))
    return hashlib.sha256(text.encode()).digest() if context else b""


def shared_encrypt(instance: InstanceClient, spec: str, plaintext: str, context: Mapping[str, str]) -> bytes:
    """Encrypt through the shared gateway; return the bytes of the ciphertext."""
    more = {"EncryptionContext": json.dumps(context)} if context else {}
    answer = ask_rpc(instance.kms, "Encrypt", KeyId=spec, Plaintext=plaintext, **more)
    return base64.b64decode(answer["CiphertextBlob"])


def shared_decrypt(instance: InstanceClient, blob: bytes, context: Mapping[str, str]) -> dict[str, Any]:
    """Decrypt through the shared gateway; return the answer."""
    more = {"EncryptionContext": json.dumps(context)} if context else {}
    return ask_rpc(instance.kms, "Decrypt", CiphertextBlob=base64.b64encode(blob).decode(), **more)


def head_of(spec: str) -> bytes:
    """Return the first three bytes of an Advance ciphertext."""
    return b"$\x00\x06" if spec == "Aliyun_SM4" else b"$\x00\x02"


def taken_apart(blob: bytes) -> tuple[str, dict[str, bytes]]:
    """Return the version id of a ciphertext of the shared gateway, and the fields of the rest."""
    return blob[:36].decode(), {"Iv": blob[36:48], "CiphertextBlob": blob[48:]}


@each_spec
@few
@given(plaintext=PLAINTEXTS, context=CONTEXTS)
def test_the_dedicated_gateway_opens_what_the_shared_one_made(
    instance: InstanceClient, spec: str, plaintext: str, context: dict[str, str]
) -> None:
    """With the version in the header, as transfer clients ask; of AES keys also behind three bytes, by AdvanceDecrypt."""
    blob = shared_encrypt(instance, spec, plaintext, context)
    version_id, fields = taken_apart(blob)
    opened, answer = instance.answer("Decrypt", version_id, **fields, Aad=aad_of(context))
    assert (opened.Plaintext.decode(), opened.KeyId) == (plaintext, spec)
    assert dict(answer.headers) == {VERSION_HEADER: version_id}
    assert instance.ask("AdvanceDecrypt", CiphertextBlob=head_of(spec) + blob, Aad=aad_of(context)).KeyId == spec
    with pytest.raises(Refused, match="400 InvalidParameter"):
        instance.ask("Decrypt", version_id, **fields, Aad=aad_of({**context, "more": ""}))


@each_spec
@few
@given(plaintext=PLAINTEXTS, context=CONTEXTS)
def test_the_shared_gateway_opens_what_the_dedicated_one_made(
    instance: InstanceClient, spec: str, plaintext: str, context: dict[str, str]
) -> None:
    """Version of the header, Iv and blob make a ciphertext of the shared gateway; so does an Advance one without its head."""
    fields = {"KeyId": spec, "Plaintext": plaintext.encode(), "Aad": aad_of(context)}
    made, answer = instance.answer("Encrypt", **fields)
    blob = dict(answer.headers)[VERSION_HEADER].encode() + made.Iv + made.CiphertextBlob
    opened = shared_decrypt(instance, blob, context)
    assert (opened["Plaintext"], opened["KeyVersionId"]) == (plaintext, dict(answer.headers)[VERSION_HEADER])
    advanced = instance.ask("AdvanceEncrypt", **fields)
    opened = shared_decrypt(instance, advanced.CiphertextBlob[3:], context)
    assert (opened["Plaintext"], opened["KeyVersionId"]) == (plaintext, advanced.KeyVersionId)
    assert shared_decrypt(instance, blob, {**context, "more": ""})["Code"] == "InvalidParameter"


@each_spec
@given(data=st.data(), plaintext=PLAINTEXTS, context=CONTEXTS)
def test_any_flipped_bit_is_refused(
    instance: InstanceClient, spec: str, data: st.DataObject, plaintext: str, context: dict[str, str]
) -> None:
    """One bit of version, nonce, ciphertext, tag or associated data changed: refused, whichever gateway made it."""
    aad = aad_of(context) or b"\x00"
    made, answer = instance.answer("Encrypt", KeyId=spec, Plaintext=plaintext.encode(), Aad=aad)
    whole = dict(answer.headers)[VERSION_HEADER].encode() + made.Iv + made.CiphertextBlob + aad
    place = data.draw(st.integers(0, len(whole) * 8 - 1))
    changed = bytearray(whole)
    changed[place // 8] ^= 1 << place % 8
    blob, aad = bytes(changed[: -len(aad)]), bytes(changed[-len(aad) :])
    version_id = blob[:36].decode("latin-1")
    with pytest.raises(Refused) as caught:
        instance.ask("Decrypt", version_id, Iv=blob[36:48], CiphertextBlob=blob[48:], Aad=aad)
    assert caught.value.refusal[1] in ("InvalidParameter", "Forbidden.KeyNotFound")
    with pytest.raises(Refused) as caught:
        instance.ask("AdvanceDecrypt", KeyId=spec, Iv=made.Iv, CiphertextBlob=head_of(spec) + blob, Aad=aad)
    assert caught.value.refusal[1] in ("InvalidParameter", "Forbidden.KeyNotFound")


@pytest.mark.parametrize("context", [{"a": "1&b=2"}, {"a=1": "2"}, {"a&b": ""}])
def test_contexts_that_the_vendors_form_confuses(instance: InstanceClient, context: dict[str, str]) -> None:
    """Where a key or value holds `&` or `=`, the shared gateway's data has no collisions (design.md 6): not the vendor's."""
    version_id, fields = taken_apart(shared_encrypt(instance, SPECS[0], "x", context))
    with pytest.raises(Refused, match="InvalidParameter"):
        instance.ask("Decrypt", version_id, **fields, Aad=aad_of(context))
