"""Client keys, through the official SDK; the openssl command and `cryptography` judge the PKCS #12 files."""

from __future__ import annotations

import base64
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alibabacloud_kms20160120.client import Client
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import pkcs12
from Tea.exceptions import TeaException

from kms_mock import KmsMock
from kms_mock.crypto.library import validity
from kms_mock.kms import errors
from tests.support.access import CLIENT_KEY, WORLD
from tests.support.calls import outside
from tests.support.secrets import moment, refuse, sdk

PASSWORD = "Passw0rd~!@#$%^&*?_-"
FROM = "2023-08-31T17:14:33Z"
UNTIL = "2028-08-31T17:14:33Z"


@pytest.fixture(autouse=True)
def _world(kms: KmsMock) -> None:
    kms.load(WORLD)


def create_client_key(client: Client, **more: Any) -> dict[str, Any]:
    return sdk(client, "CreateClientKey", **{"aap_name": "free", "password": PASSWORD, **more})


def ids(client: Client, **more: Any) -> list[str]:
    return [one["ClientKeyId"] for one in sdk(client, "ListClientKeys", **more)["ClientKeys"]]


def key_and_certificate(answer: dict[str, Any], password: str = PASSWORD) -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
    key, certificate, others = pkcs12.load_key_and_certificates(
        base64.b64decode(answer["PrivateKeyData"], validate=True), password.encode()
    )
    assert isinstance(key, rsa.RSAPrivateKey)
    assert certificate is not None
    assert others == []
    return key, certificate


def test_a_client_key_is_a_pkcs12_file_that_its_password_opens(client: Client) -> None:
    """PrivateKeyData holds a 2048-bit RSA key and its self-signed certificate, which GetClientKey gives as PEM."""
    answer = create_client_key(client, not_before=FROM, not_after=UNTIL)
    key, certificate = key_and_certificate(answer)
    assert (answer["KeyAlgorithm"], key.key_size) == ("RSA_2048", 2048)
    certificate.verify_directly_issued_by(certificate)
    assert certificate.public_key() == key.public_key()
    assert (answer["NotBefore"], answer["NotAfter"]) == (FROM, UNTIL)
    assert validity(certificate) == (moment(FROM).timestamp(), moment(UNTIL).timestamp())
    described = sdk(client, "GetClientKey", client_key_id=answer["ClientKeyId"])
    assert x509.load_pem_x509_certificate(described["PublicKeyData"].encode()) == certificate


def test_the_certificate_verifies_what_the_private_key_signs(client: Client) -> None:
    """A signature by the key in PrivateKeyData is good under the public key in PublicKeyData."""
    answer = create_client_key(client)
    signature = key_and_certificate(answer)[0].sign(b"a request", padding.PKCS1v15(), SHA256())
    pem = sdk(client, "GetClientKey", client_key_id=answer["ClientKeyId"])["PublicKeyData"]
    public = x509.load_pem_x509_certificate(pem.encode()).public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    public.verify(signature, b"a request", padding.PKCS1v15(), SHA256())


def test_openssl_reads_the_file(client: Client, tmp_path: Path) -> None:
    """The openssl command opens PrivateKeyData with the password, and with no other."""
    path = tmp_path / "client-key.p12"
    path.write_bytes(base64.b64decode(create_client_key(client)["PrivateKeyData"]))
    command = [outside("openssl"), "pkcs12", "-in", str(path), "-nodes", "-passin"]
    read = subprocess.run([*command, f"pass:{PASSWORD}"], check=True, capture_output=True, text=True).stdout
    assert "BEGIN PRIVATE KEY" in read
    assert "BEGIN CERTIFICATE" in read
    assert subprocess.run([*command, "pass:other"], check=False, capture_output=True).returncode != 0


def test_two_client_keys_differ_in_everything(client: Client) -> None:
    """Each CreateClientKey makes an id, a key pair and a serial number of its own."""
    first, second = create_client_key(client), create_client_key(client)
    (key, certificate), (other, another) = key_and_certificate(first), key_and_certificate(second)
    assert first["ClientKeyId"] != second["ClientKeyId"]
    assert key.public_key() != other.public_key()
    assert certificate.serial_number != another.serial_number


def test_a_client_key_lives_five_years_from_now_by_default(client: Client) -> None:
    """Without NotBefore and NotAfter it is good from its creation, for five years of the calendar."""
    before = datetime.now(UTC).replace(microsecond=0)  # noqa: TID251 (the test's own clock, to compare with)
    answer = create_client_key(client)
    start, end = moment(answer["NotBefore"]), moment(answer["NotAfter"])
    assert 0 <= (start - before).total_seconds() < 60
    assert (end.year, end.month) == (start.year + 5, start.month)
    assert (end.hour, end.minute, end.second) == (start.hour, start.minute, start.second)


def test_a_client_key_of_29_february_ends_on_the_28th(kms: KmsMock, client: Client) -> None:
    """Five years later there is no such day."""
    kms.clock.set("2028-02-29T12:00:00Z")
    kms.clock.freeze()
    assert create_client_key(client)["NotAfter"] == "2033-02-28T12:00:00Z"


def test_a_client_key_is_described_and_listed(client: Client) -> None:
    """GetClientKey and an entry of ListClientKeys say the same, without anything private."""
    answer = create_client_key(client)
    described = sdk(client, "GetClientKey", client_key_id=answer["ClientKeyId"])
    described.pop("RequestId")
    assert answer["ClientKeyId"].startswith("KAAP.")
    assert set(described) == {
        *("ClientKeyId", "AapName", "KeyAlgorithm", "KeyOrigin"),
        *("PublicKeyData", "CreateTime", "NotBefore", "NotAfter"),
    }
    assert (described["AapName"], described["KeyAlgorithm"], described["KeyOrigin"]) == (
        *("free", "RSA_2048", "KMS_PROVIDED"),
    )
    assert sdk(client, "ListClientKeys", aap_name="free")["ClientKeys"] == [described]


def test_client_keys_are_listed_by_access_point_or_all(client: Client) -> None:
    """ListClientKeys gives those of one access point, without AapName those of all."""
    made = create_client_key(client)["ClientKeyId"]
    assert ids(client, aap_name="app") == [CLIENT_KEY["id"]]
    assert ids(client, aap_name="free") == [made]
    assert ids(client) == [CLIENT_KEY["id"], made]


def test_an_access_point_has_at_most_three_client_keys(kms: KmsMock, client: Client) -> None:
    """The fourth CreateClientKey answers Rejected.LimitExceeded until one is deleted."""
    made = [create_client_key(client)["ClientKeyId"] for _ in range(3)]
    refuse(kms, client, errors.LIMIT_EXCEEDED, "CreateClientKey", aap_name="free", password=PASSWORD)
    sdk(client, "DeleteClientKey", client_key_id=made[0])
    last = create_client_key(client)["ClientKeyId"]
    assert ids(client, aap_name="free") == [*made[1:], last]


def test_the_limit_holds_for_requests_at_the_same_time(client: Client) -> None:
    """Of five CreateClientKey at once exactly three succeed: the room is looked at again once the key is made."""

    def attempt(_: int) -> str:
        try:
            return str(create_client_key(client)["ClientKeyId"])
        except TeaException as error:
            return str(error.code)

    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(attempt, range(5)))
    made = [answer for answer in answers if answer != errors.LIMIT_EXCEEDED.code]
    assert len(made) == 3
    assert sorted(made) == sorted(ids(client, aap_name="free"))


def test_a_deleted_client_key_is_gone(kms: KmsMock, client: Client) -> None:
    """After DeleteClientKey it is neither found nor listed; its access point stays."""
    sdk(client, "DeleteClientKey", client_key_id=CLIENT_KEY["id"])
    refuse(kms, client, errors.ACCESS_NOT_FOUND, "GetClientKey", client_key_id=CLIENT_KEY["id"])
    refuse(kms, client, errors.ACCESS_NOT_FOUND, "DeleteClientKey", client_key_id=CLIENT_KEY["id"])
    assert ids(client, aap_name="app") == []


@pytest.mark.parametrize("password", ["abcdefg1", "1234567?", "abcdefg_", "A1" * 32, "0-------"])
def test_a_password_has_8_to_64_characters_of_two_kinds(client: Client, password: str) -> None:
    """Digits with letters, digits with marks and letters with marks will do, from 8 to 64 characters."""
    key_and_certificate(create_client_key(client, password=password), password)


@pytest.mark.parametrize(
    "wrong",
    [
        {"password": "abcdef1"},
        {"password": "a1" * 33},
        {"password": "abcdefghABCD"},
        {"password": "1234567890"},
        {"password": "~!@#$%^&*?_-"},
        {"password": "abcdefg1 "},
        {"password": "abcdefg1é"},
        {"not_before": FROM},
        {"not_after": UNTIL},
        {"not_before": UNTIL, "not_after": FROM},
        {"not_before": FROM, "not_after": FROM},
        {"not_before": "2023-08-31", "not_after": UNTIL},
        {"not_before": "2023-08-31T17:14:33+08:00", "not_after": UNTIL},
        {"not_before": "2023-02-30T17:14:33Z", "not_after": UNTIL},
        {"not_before": "1949-12-31T23:59:59Z", "not_after": UNTIL},
    ],
)
def test_a_client_key_of_another_form_is_refused(kms: KmsMock, client: Client, wrong: dict[str, str]) -> None:
    """A weak password, half a validity, one that ends before it begins and another form of time: InvalidParameter."""
    fields = {"aap_name": "free", "password": PASSWORD, **wrong}
    refuse(kms, client, errors.KMS_INVALID_PARAMETER, "CreateClientKey", **fields)


@pytest.mark.parametrize(
    ("operation", "fields"),
    [
        ("CreateClientKey", {"aap_name": "none", "password": PASSWORD}),
        ("ListClientKeys", {"aap_name": "none"}),
        ("GetClientKey", {"client_key_id": "KAAP.none"}),
    ],
)
def test_what_is_not_there_is_refused(kms: KmsMock, client: Client, operation: str, fields: dict[str, str]) -> None:
    """A missing access point and a missing client key answer 404 Forbidden.ResourceNotFound."""
    refuse(kms, client, errors.ACCESS_NOT_FOUND, operation, **fields)


def test_an_id_too_long_is_refused(kms: KmsMock, client: Client) -> None:
    """DeleteClientKey with an id of 256 characters answers InvalidParameter."""
    refuse(kms, client, errors.KMS_INVALID_PARAMETER, "DeleteClientKey", client_key_id="x" * 256)


def test_a_snapshot_holds_the_certificate_and_nothing_private(kms: KmsMock, client: Client) -> None:
    """KMS does not keep the private key: a snapshot has neither it nor the password, and loads to the same."""
    answer = create_client_key(client)
    text = repr(kms.snapshot())
    assert answer["PrivateKeyData"] not in text
    assert PASSWORD not in text
    with KmsMock(fixtures=[kms.snapshot()]) as other:
        assert other.snapshot() == kms.snapshot()
        assert ids(other.client(), aap_name="free") == [answer["ClientKeyId"]]


def test_a_seeded_run_repeats_byte_for_byte() -> None:
    """With the same seed the same requests make the same client key, PKCS #12 file included."""
    made = []
    for _ in range(2):
        with KmsMock(fixtures=[WORLD], seed=7) as kms:
            made.append(create_client_key(kms.client(), not_before=FROM, not_after=UNTIL))
    assert made[0] == made[1]
