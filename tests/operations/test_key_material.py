"""Import of key material, through the official SDK; the openssl command as a second implementation of the wrapping."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path
from typing import Any

import pytest
from alibabacloud_kms20160120.client import Client

from kms_mock import KmsMock
from kms_mock.crypto.wrapping import wrap
from kms_mock.kms import errors
from tests.support.calls import outside, refused
from tests.support.keys import (
    INSTANCES,
    MATERIAL,
    advance,
    create_key,
    decrypt,
    describe,
    disable,
    encrypt,
    import_material,
    import_request,
    key_versions,
    parameters_for_import,
    schedule,
    seconds,
)
from tests.support.secrets import refuse, sdk

RSA_ALGORITHMS = ["RSAES_PKCS1_V1_5", "RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"]
INVALID = errors.KMS_INVALID_PARAMETER


@pytest.fixture
def key(client: Client) -> str:
    """A key that waits for its material."""
    return str(create_key(client, origin="EXTERNAL").key_id)


def now(kms: KmsMock) -> int:
    return int(kms.clock.now())


# -- what works -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", RSA_ALGORITHMS)
def test_material_is_imported(client: Client, key: str, algorithm: str) -> None:
    """Wrapped with each RSA algorithm the material arrives, and the key becomes Enabled and usable."""
    given = parameters_for_import(client, key, algorithm)
    assert given.key_id == key
    client.import_key_material(import_request(given, algorithm=algorithm))
    found = describe(client, key)
    assert (found.key_state, found.material_expire_time) == ("Enabled", "")
    assert decrypt(client, encrypt(client, key, "secret")) == "secret"


def test_material_wrapped_under_sm2(client: Client) -> None:
    """For a key in an HSM the wrapping key can be EC_SM2 with SM2PKE."""
    key = create_key(client, origin="EXTERNAL", protection_level="HSM", key_spec="Aliyun_SM4").key_id
    given = parameters_for_import(client, key, "SM2PKE", "EC_SM2")
    client.import_key_material(import_request(given, bytes(16), algorithm="SM2PKE"))
    assert describe(client, key).key_state == "Enabled"


@pytest.mark.parametrize(
    ("algorithm", "options"),
    [
        ("RSAES_PKCS1_V1_5", ["rsa_padding_mode:pkcs1"]),
        ("RSAES_OAEP_SHA_1", ["rsa_padding_mode:oaep", "rsa_oaep_md:sha1", "rsa_mgf1_md:sha1"]),
        ("RSAES_OAEP_SHA_256", ["rsa_padding_mode:oaep", "rsa_oaep_md:sha256", "rsa_mgf1_md:sha256"]),
    ],
)
def test_openssl_wraps_material(client: Client, key: str, tmp_path: Path, algorithm: str, options: list[str]) -> None:
    """The public key is Base64 of DER, and what the openssl command wraps under it is taken (as the documents show)."""
    given = parameters_for_import(client, key, algorithm)
    public = tmp_path / "public.der"
    public.write_bytes(base64.b64decode(given.public_key, validate=True))
    command = [outside("openssl"), "pkeyutl", "-encrypt", "-pubin", "-keyform", "DER", "-inkey", str(public)]
    command += [part for option in options for part in ("-pkeyopt", option)]
    wrapped = subprocess.run(command, input=MATERIAL, capture_output=True, check=True).stdout
    request = import_request(given, algorithm=algorithm)
    request.encrypted_key_material = base64.b64encode(wrapped).decode()
    client.import_key_material(request)
    assert describe(client, key).key_state == "Enabled"


@pytest.mark.parametrize(
    ("spec", "length"),
    [("Aliyun_AES_128", 16), ("Aliyun_AES_192", 24), ("Aliyun_AES_256", 32), ("Aliyun_SM4", 16), ("HMAC_SHA_384", 48)],
)
def test_the_length_of_material(kms: KmsMock, client: Client, spec: str, length: int) -> None:
    """Material has exactly the length of the key's spec."""
    key = create_key(client, origin="EXTERNAL", key_spec=spec).key_id
    given = parameters_for_import(client, key)
    for wrong in (length - 1, length + 1, 1):
        request = import_request(given, bytes(wrong))
        refused(kms, errors.INVALID_KEY_MATERIAL, client.import_key_material, request)
    client.import_key_material(import_request(given, bytes(length)))
    assert describe(client, key).key_state == "Enabled"


def test_the_same_material_in_two_keys_makes_two_keys(kms: KmsMock, client: Client) -> None:
    """What one key encrypted is of that key alone: its blob names it, and dies with its material (api-docs)."""
    first, second = (create_key(client, origin="EXTERNAL").key_id for _ in range(2))
    for key in (first, second):
        import_material(client, key)
    blob = encrypt(client, first)
    sdk(client, "DeleteKeyMaterial", key_id=first)
    refuse(kms, client, errors.KEY_PENDING_IMPORT, "Decrypt", ciphertext_blob=blob)


def test_parameters_differ_with_each_call(client: Client, key: str) -> None:
    """Public key and token are new for every call, and a pair of them can be used again and again for 24 hours."""
    first, second = parameters_for_import(client, key), parameters_for_import(client, key)
    assert first.public_key != second.public_key
    assert first.import_token != second.import_token
    for given in (first, second, first):
        client.import_key_material(import_request(given))


def test_the_expiry_of_a_token_is_given(kms: KmsMock, client: Client, key: str) -> None:
    """TokenExpireTime is 24 hours away."""
    given = parameters_for_import(client, key)
    assert seconds(given.token_expire_time) == pytest.approx(now(kms) + 86400, abs=5)
    base64.b64decode(given.import_token, validate=True)


def test_import_without_an_expiry(client: Client, key: str) -> None:
    """KeyMaterialExpireUnix may be left out, as in the vendor's own samples: the material never expires."""
    client.import_key_material(import_request(parameters_for_import(client, key), expires=None))
    assert describe(client, key).material_expire_time == ""


def test_import_keeps_the_key_version(client: Client, key: str) -> None:
    """An imported key has one version, the same before and after: its ciphertexts survive deletion and re-import."""
    before = key_versions(client, key)
    import_material(client, key)
    blob = encrypt(client, key, "kept")
    sdk(client, "DeleteKeyMaterial", key_id=key)
    import_material(client, key)
    assert key_versions(client, key) == before
    assert decrypt(client, blob) == "kept"


# -- the same material only -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lost", ["kept", "deleted", "expired"])
def test_only_the_same_material_comes_again(kms: KmsMock, client: Client, key: str, lost: str) -> None:
    """Whether it is there, deleted or expired: a key takes only the material that it had first."""
    import_material(client, key, expires=now(kms) + 3600 if lost == "expired" else 0)
    if lost == "deleted":
        sdk(client, "DeleteKeyMaterial", key_id=key)
    elif lost == "expired":
        advance(kms, "2h")
    given = parameters_for_import(client, key)
    refused(kms, errors.INVALID_KEY_MATERIAL, client.import_key_material, import_request(given, bytes(32)))
    client.import_key_material(import_request(given, MATERIAL))
    assert describe(client, key).key_state == "Enabled"


def test_a_snapshot_remembers_which_material_it_was(kms: KmsMock, client: Client, key: str) -> None:
    """A key that lost its material takes only that material in a mock loaded from a snapshot, too."""
    import_material(client, key)
    sdk(client, "DeleteKeyMaterial", key_id=key)
    with KmsMock([kms.snapshot()]) as copy:
        other = copy.client()
        given = parameters_for_import(other, key)
        refused(copy, errors.INVALID_KEY_MATERIAL, other.import_key_material, import_request(given, bytes(32)))
        other.import_key_material(import_request(given))


def test_material_of_a_fixture_file_counts_as_imported(kms: KmsMock, client: Client) -> None:
    """A key of Origin EXTERNAL that a fixture file gave material takes only the same again."""
    material = base64.b64encode(MATERIAL).decode()
    kms.load({"keys": [{"id": "given", "origin": "EXTERNAL", "material": material}]})
    given = parameters_for_import(client, "given")
    refused(kms, errors.INVALID_KEY_MATERIAL, client.import_key_material, import_request(given, bytes(32)))
    client.import_key_material(import_request(given))


# -- expiry and removal -----------------------------------------------------------------------------------------------


def test_material_expires(kms: KmsMock, client: Client, key: str) -> None:
    """At KeyMaterialExpireUnix the key loses its material: PendingImport and unusable until the next import."""
    expires = now(kms) + 3600
    import_material(client, key, expires=expires)
    assert seconds(describe(client, key).material_expire_time) == expires
    blob = encrypt(client, key, "text")
    events = advance(kms, "61m")
    assert ("key material expired", describe(client, key).arn) in [(event.kind, event.resource) for event in events]
    found = describe(client, key)
    assert (found.key_state, found.material_expire_time) == ("PendingImport", "")
    refuse(kms, client, errors.KEY_PENDING_IMPORT, "Decrypt", ciphertext_blob=blob)
    import_material(client, key)
    assert decrypt(client, blob) == "text"


def test_another_import_moves_the_expiry(kms: KmsMock, client: Client, key: str) -> None:
    """Importing again sets a new expiry, or takes it away."""
    import_material(client, key, expires=now(kms) + 3600)
    import_material(client, key, expires=now(kms) + 7200)
    assert seconds(describe(client, key).material_expire_time) == pytest.approx(now(kms) + 7200, abs=5)
    import_material(client, key, expires=0)
    assert describe(client, key).material_expire_time == ""
    advance(kms, "3h")
    assert describe(client, key).key_state == "Enabled"


@pytest.mark.parametrize("offset", [-1, 0])
def test_an_expiry_in_the_past(kms: KmsMock, client: Client, key: str, offset: int) -> None:
    """KeyMaterialExpireUnix may not be before now."""
    request = import_request(parameters_for_import(client, key), expires=now(kms) + offset)
    refused(kms, INVALID, client.import_key_material, request)


@pytest.mark.parametrize("expires", [-1, 253402300800, 2**63])
def test_an_expiry_that_is_no_date(kms: KmsMock, client: Client, key: str, expires: int) -> None:
    """KeyMaterialExpireUnix is a second between 1970 and the year 9999."""
    request = import_request(parameters_for_import(client, key), expires=expires)
    refused(kms, INVALID, client.import_key_material, request)


def test_deleted_material(kms: KmsMock, client: Client, key: str) -> None:
    """DeleteKeyMaterial leaves the key, PendingImport; doing so again, or before any import, is fine."""
    sdk(client, "DeleteKeyMaterial", key_id=key)
    import_material(client, key, expires=now(kms) + 3600)
    for _ in range(2):
        sdk(client, "DeleteKeyMaterial", key_id=key)
        found = describe(client, key)
        assert (found.key_state, found.material_expire_time) == ("PendingImport", "")
    assert "key material expired" not in [event.kind for event in advance(kms, "2h")]


def test_material_deleted_while_the_key_waits_for_deletion(client: Client, key: str) -> None:
    """A PendingDeletion key keeps state and date without its material; cancelled, it waits for it (api-docs)."""
    import_material(client, key)
    schedule(client, key)
    planned = describe(client, key)
    sdk(client, "DeleteKeyMaterial", key_id=key)
    assert describe(client, key).to_map() == planned.to_map()
    sdk(client, "CancelKeyDeletion", key_id=key)
    assert describe(client, key).key_state == "PendingImport"


def test_material_that_expires_while_the_key_waits_for_deletion(kms: KmsMock, client: Client, key: str) -> None:
    """Expiry does not wait: a key brought back after it has no material."""
    import_material(client, key, expires=now(kms) + 3600)
    schedule(client, key)
    advance(kms, "2h")
    assert describe(client, key).key_state == "PendingDeletion"
    sdk(client, "CancelKeyDeletion", key_id=key)
    assert describe(client, key).key_state == "PendingImport"


def test_import_into_a_disabled_key(client: Client, key: str) -> None:
    """Importing into a Disabled key leaves it Disabled (behaviour.md 1)."""
    import_material(client, key)
    disable(client, key)
    import_material(client, key)
    assert describe(client, key).key_state == "Disabled"


# -- what is refused --------------------------------------------------------------------------------------------------


def test_only_external_keys_have_material_to_import(kms: KmsMock, client: Client) -> None:
    """A key whose material KMS made is 400 Unsupported.Origin in all three operations."""
    key = create_key(client).key_id
    refused(kms, errors.UNSUPPORTED_ORIGIN, parameters_for_import, client, key)
    fields: dict[str, Any] = {"encrypted_key_material": "AAAA", "import_token": "AAAA", "key_material_expire_unix": 0}
    refuse(kms, client, errors.UNSUPPORTED_ORIGIN, "ImportKeyMaterial", key_id=key, **fields)
    refuse(kms, client, errors.UNSUPPORTED_ORIGIN, "DeleteKeyMaterial", key_id=key)
    assert decrypt(client, encrypt(client, key)) == "hello"


@pytest.mark.parametrize(
    ("algorithm", "spec"),
    [
        ("SM2PKE", "RSA_2048"),
        ("RSAES_OAEP_SHA_256", "EC_SM2"),
        ("RSAES_OAEP_SHA_512", "RSA_2048"),
        ("RSAES_OAEP_SHA_256", "RSA_4096"),
        ("SM2PKE", "EC_SM2"),  # for keys in an HSM only, and this one is in software
    ],
)
def test_algorithm_and_spec_go_together(kms: KmsMock, client: Client, key: str, algorithm: str, spec: str) -> None:
    """A wrapping algorithm belongs to one wrapping key spec; EC_SM2 is for keys in an HSM (api-docs)."""
    refused(kms, INVALID, parameters_for_import, client, key, algorithm, spec)


def test_instances_do_not_wrap_with_sha_1(kms: KmsMock, client: Client) -> None:
    """RSAES_OAEP_SHA_1 is not for keys in an instance (api-docs), the other two are."""
    kms.load({"instances": INSTANCES})
    key = create_key(client, origin="EXTERNAL", dkmsinstance_id="kst-hard").key_id
    refused(kms, INVALID, parameters_for_import, client, key, "RSAES_OAEP_SHA_1")
    import_material(client, key)
    assert describe(client, key).key_state == "Enabled"


def test_a_token_is_for_one_key_and_one_pair(kms: KmsMock, client: Client, key: str) -> None:
    """A token of another key is invalid; material wrapped under another call's public key is invalid."""
    other = create_key(client, origin="EXTERNAL").key_id
    mine, theirs, again = (parameters_for_import(client, one) for one in (key, other, key))
    request = import_request(mine)
    request.import_token = theirs.import_token
    refused(kms, errors.INVALID_IMPORT_TOKEN, client.import_key_material, request)
    request.import_token = again.import_token
    refused(kms, errors.INVALID_KEY_MATERIAL, client.import_key_material, request)
    assert describe(client, key).key_state == "PendingImport"


@pytest.mark.parametrize("algorithm", ["RSAES_PKCS1_V1_5", "RSAES_OAEP_SHA_1"])
def test_material_wrapped_another_way(kms: KmsMock, client: Client, key: str, algorithm: str) -> None:
    """The algorithm is bound too: material wrapped with another one is 400 InvalidKeyMaterial."""
    given = parameters_for_import(client, key, "RSAES_OAEP_SHA_256")
    request = import_request(given, algorithm=algorithm)
    refused(kms, errors.INVALID_KEY_MATERIAL, client.import_key_material, request)


@pytest.mark.parametrize("algorithm", RSA_ALGORITHMS)
def test_damaged_material(kms: KmsMock, client: Client, key: str, algorithm: str) -> None:
    """A flipped bit anywhere, a byte less or more: 400 InvalidKeyMaterial, whatever the padding."""
    given = parameters_for_import(client, key, algorithm)
    wrapped = wrap(base64.b64decode(given.public_key), algorithm, MATERIAL)
    flipped = [wrapped[:at] + bytes([wrapped[at] ^ 1]) + wrapped[at + 1 :] for at in (0, 100, 255)]
    for wrong in (*flipped, wrapped[:-1], wrapped + b"\0", b"\0" * 256, b"x"):
        request = import_request(given)
        request.encrypted_key_material = base64.b64encode(wrong).decode()
        refused(kms, errors.INVALID_KEY_MATERIAL, client.import_key_material, request)


def test_material_that_is_not_base64(kms: KmsMock, client: Client, key: str) -> None:
    """EncryptedKeyMaterial is Base64."""
    request = import_request(parameters_for_import(client, key))
    request.encrypted_key_material = "!" + request.encrypted_key_material[1:]
    refused(kms, INVALID, client.import_key_material, request)


@pytest.mark.parametrize(
    "token", ["AAAA", "no token", "é", base64.b64encode(bytes(32)).decode(), base64.b64encode(b"\xff" * 32).decode()]
)
def test_tokens_that_nobody_gave(kms: KmsMock, client: Client, key: str, token: str) -> None:
    """A made-up token is 400 InvalidImportToken."""
    request = import_request(parameters_for_import(client, key))
    request.import_token = token
    refused(kms, errors.INVALID_IMPORT_TOKEN, client.import_key_material, request)


def test_a_token_expires_after_24_hours(kms: KmsMock, client: Client, key: str) -> None:
    """Until then it works, from then on it is 400 ExpiredImportToken; a new one works."""
    request = import_request(parameters_for_import(client, key))
    assert advance(kms, "1439m") == []
    client.import_key_material(request)
    events = advance(kms, "2m")
    assert [(event.kind, event.resource) for event in events] == [("import token expired", describe(client, key).arn)]
    refused(kms, errors.EXPIRED_IMPORT_TOKEN, client.import_key_material, request)
    client.import_key_material(import_request(parameters_for_import(client, key)))


def test_a_refused_import_changes_nothing(kms: KmsMock, client: Client, key: str) -> None:
    """After a refused import the former material still works and its expiry stands."""
    import_material(client, key, expires=now(kms) + 3600)
    before = describe(client, key).to_map()
    blob = encrypt(client, key, "text")
    request = import_request(parameters_for_import(client, key), bytes(32))
    refused(kms, errors.INVALID_KEY_MATERIAL, client.import_key_material, request)
    assert describe(client, key).to_map() == before
    assert decrypt(client, blob) == "text"


def test_a_reset_takes_tokens_along(kms: KmsMock, client: Client) -> None:
    """After reset() a token from before is unknown, as the key is."""
    kms.load({"keys": [{"id": "stays", "origin": "EXTERNAL"}]})
    document = kms.snapshot()
    request = import_request(parameters_for_import(client, "stays"))
    kms.reset()
    kms.load(document)
    refused(kms, errors.INVALID_IMPORT_TOKEN, client.import_key_material, request)


def test_material_never_shows(kms: KmsMock, client: Client, key: str, caplog: pytest.LogCaptureFixture) -> None:
    """Neither a refusal nor the log carries material, wrapped or not, or a token."""
    given = parameters_for_import(client, key)
    client.import_key_material(import_request(given))
    request = import_request(given, bytes(range(1, 33)))
    refusal = refused(kms, errors.INVALID_KEY_MATERIAL, client.import_key_material, request)
    shown = caplog.text + str(refusal) + str(refusal.data)
    for secret in (request.encrypted_key_material, given.import_token, MATERIAL.hex(), bytes(range(1, 33)).hex()):
        assert secret not in shown
