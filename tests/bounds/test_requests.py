"""Requests: none holds the server's loop for long, whatever is in it. Sizes are bounded, slow work is off the loop.

The times themselves are measured by `scripts/bench --worst`.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from kms_mock import KmsMock
from kms_mock.crypto import material
from kms_mock.crypto.material import KeyMaterial
from kms_mock.fixtures.key_pairs import missing_key_pairs
from kms_mock.kms.model.key import keys
from kms_mock.rpc.binding import MAX_JSON
from kms_mock.rpc.decode import MAX_ESCAPES, MAX_PARAMETERS, HttpRequest, decode, parse_parameters
from kms_mock.rpc.errors import ApiError
from kms_mock.sources import Sources
from tests.support.control import control_request
from tests.support.in_process import InProcess


@pytest.mark.parametrize(
    ("text", "most", "what"),
    [
        (lambda count: "&".join(f"{number}=" for number in range(count)), MAX_PARAMETERS, "parameters"),
        (lambda count: "&" * (count - 1), MAX_PARAMETERS, "parameters"),
        (lambda count: "a" + "&a" * (count - 1), MAX_PARAMETERS, "parameters"),
        (lambda count: "a=" + "%41" * count, MAX_ESCAPES, "escapes"),
        (lambda count: "a=" + "%" * count, MAX_ESCAPES, "escapes"),
        (lambda count: "%41" * count + "=b", MAX_ESCAPES, "escapes"),
    ],
)
def test_parameters_and_escapes_are_counted_before_they_are_read(
    text: Callable[[int], str], most: int, what: str
) -> None:
    """160,000 names held the loop for 270 ms, 350,000 escapes for 105 ms; the limits are far above any real request."""
    parse_parameters(text(most))
    with pytest.raises(ApiError) as refusal:
        parse_parameters(text(most + 1))
    assert refusal.value.reason.startswith(f"There are more than {most} {what}")


@pytest.mark.parametrize("place", ["query", "form"])
def test_too_many_parameters_are_the_apis_own_refusal(place: str) -> None:
    """In the query or in the form, the answer is a 400 in the envelope of the API."""
    many = "&".join(f"{number}=" for number in range(MAX_PARAMETERS + 1))
    target, body = (f"/?{many}", b"") if place == "query" else ("/", many.encode())
    with pytest.raises(ApiError) as refusal:
        decode(HttpRequest("POST", target, {"x-acs-action": "ListKeys", "x-acs-version": "2016-01-20"}, body))
    assert refusal.value.spec.status == 400


def test_the_largest_values_still_fit() -> None:
    """A secret of 30,720 bytes with a description of 8,192 characters, every byte of them escaped, is stored and read."""
    server = InProcess()
    value, description = "密" * 10240, "述" * 8192
    stored = server.call("CreateSecret", SecretName="s", VersionId="v", SecretData=value, Description=description)
    assert stored[0] == ""
    assert server.call("GetSecretValue", SecretName="s")[1]["SecretData"] == value
    server.close()


@pytest.mark.parametrize(
    ("operation", "parameters", "name"),
    [
        ("ListSecrets", {}, "Filters"),
        ("TagResource", {"KeyId": "k"}, "Tags"),
        ("UntagResource", {"KeyId": "k"}, "TagKeys"),
        ("TagResources", {"ResourceType": "key", "RegionId": "cn-hangzhou", "Tag.1.Key": "a"}, "ResourceId"),
        ("BatchGetSecretValue", {}, "SecretsList"),
        ("UpdateSecret", {"SecretName": "s"}, "ExtendedConfig.CustomData"),
        ("Encrypt", {"KeyId": "k", "Plaintext": "x"}, "EncryptionContext"),
    ],
)
def test_json_in_a_parameter_has_a_length(operation: str, parameters: dict[str, str], name: str) -> None:
    """1 MB of empty lists in one parameter held the loop for 150 ms before it was refused."""
    server = InProcess({"keys": [{"id": "k"}], "secrets": [{"name": "s", "value": "x"}]})
    reasons: list[str] = []
    server.gateway._log_request = lambda *told: reasons.append(told[-1])  # noqa: SLF001 (the reason is nowhere in the body)
    code, _ = server.call(operation, **parameters, **{name: "1" * (MAX_JSON + 1)})
    assert code in ("InvalidParameter", "InvalidParam", "Rejected.ParamsNotValid")
    assert "are allowed" in reasons[-1]
    server.close()


# -- key pairs of documents -------------------------------------------------------------------------------------------

RSA, EC = "RSA_2048", "EC_P256"
DOCUMENT = {
    "keys": [
        {"id": "a", "spec": EC},
        {"id": "b", "spec": EC, "versions": [{}, {"created": "-1d"}]},
        {"id": "c", "spec": EC, "origin": "EXTERNAL"},
        {"id": "d"},
    ],
    "certificates": [{"id": "x", "spec": EC, "subject": "CN=a.example,OU=unit,O=company,C=CN"}],
    "accounts": [{"id": "1000000000000001", "regions": [{"id": "cn-beijing", "keys": [{"id": "e", "spec": EC}]}]}],
}


def test_key_pairs_of_a_document_are_made_off_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """A document sent to the control API made its RSA keys on the loop: 20 of them stopped the server for seconds."""
    threads: list[tuple[str, str]] = []
    generate = material.generate

    def noted(spec: Any, random_bytes: Any) -> KeyMaterial:
        made = generate(spec, random_bytes)
        threads.append((made.spec.name, threading.current_thread().name))
        return made

    monkeypatch.setattr(material, "generate", noted)
    with KmsMock() as kms:
        for method in ("POST", "PUT"):
            threads.clear()
            control_request(kms, method, "state", DOCUMENT)
            assert len([name for spec, name in threads if spec == EC]) == 5
            assert not [name for spec, name in threads if spec == EC and name == "kms-mock"]
            partition = kms.store.partition("1234567890123456", "cn-hangzhou")
            assert partition[keys].find("a").has_material
            assert not partition[keys].find("c").has_material


def test_a_seed_decides_the_key_pairs_of_documents() -> None:
    """Streams are drawn before any work starts, so whatever threads do, a run repeats."""
    made = []
    for _ in range(2):
        document = json.loads(json.dumps(DOCUMENT))
        missing = missing_key_pairs(document, Sources.seeded(7))
        for each in reversed(missing):
            each.fill_in(each.make())
        made.append(document)
    assert made[0] == made[1]
    assert made[0]["keys"][0]["material"] != made[0]["keys"][1]["versions"][0]["material"]


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {"keys": 1},
        {"keys": [1, {"spec": 2}, {"spec": []}, {"spec": EC, "versions": 3}, {"spec": "none"}]},
        {"accounts": [{"regions": [None, {"keys": {}}]}]},
        {"keys": [{"id": "a", "spec": EC, "material": "x"}, {"id": "b"}]},
    ],
)
def test_a_document_of_another_form_is_left_to_the_loader(document: Any) -> None:
    """Nothing is made, and nothing fails, for what is no fixture document: loading it says what is wrong."""
    assert missing_key_pairs(document, Sources.system()) == []
