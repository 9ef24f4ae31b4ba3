"""Comparing with another service: every difference is found, none is invented, nothing stays behind."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from kms_mock import KmsMock
from kms_mock.kms import API
from kms_mock.parity.cases import Refusal, Step, all_cases
from kms_mock.parity.comparison import compare, first_difference
from kms_mock.parity.results import Comparison, Row
from kms_mock.parity.runner import Runner, difference
from kms_mock.rpc.api import Api
from kms_mock.rpc.errors import ApiError
from kms_mock.service_client import Answer, ServiceClient
from tests.support.parity import config_of, left_behind

Change = Callable[[Callable[..., Any]], Callable[..., Any]]
PARITY = [sys.executable, "-m", "kms_mock", "parity", "--against", "real", "--yes"]


def _answer(change: Callable[[dict[str, Any]], Mapping[str, Any]]) -> Change:
    """Return what changes the answer of a handler."""
    return lambda handler: lambda ctx, **given: change(dict(handler(ctx, **given)))


def _without(name: str) -> Change:
    return _answer(lambda answer: {key: value for key, value in answer.items() if key != name})


def _refusal(**fields: Any) -> Change:
    """Return what changes the refusals of a handler: status, code or text."""

    def changed(handler: Callable[..., Any]) -> Callable[..., Any]:
        def run(ctx: Any, **given: Any) -> Any:
            try:
                return handler(ctx, **given)
            except ApiError as error:
                raise ApiError(replace(error.spec, **fields), error.reason, error.names) from error

        return run

    return changed


def _metadata(change: Callable[[dict[str, Any]], Mapping[str, Any]]) -> Change:
    return _answer(lambda answer: {**answer, "KeyMetadata": change(dict(answer["KeyMetadata"]))})


DIFFERENCES: dict[str, Change] = {
    "PutSecretValue": _without("VersionStages"),
    "GetSecretValue": _answer(lambda answer: {**answer, "SecretDataType": answer["SecretDataType"].upper()}),
    "CreateSecret": _answer(lambda answer: {**answer, "SecretType": "generic"}),
    "DescribeSecret": _without("CreateTime"),
    "DeleteSecret": _without("PlannedDeleteTime"),
    "RestoreSecret": _refusal(code="Rejected.ResourceNotInDeleteWindow"),
    "ListSecrets": _answer(lambda answer: {**answer, "TotalCount": str(answer["TotalCount"])}),
    "UpdateSecretVersionStage": _refusal(code="InvalidStage"),
    "ListSecretVersionIds": _answer(lambda answer: {**answer, "VersionIds": answer["VersionIds"]["VersionId"]}),
    "Encrypt": _without("KeyVersionId"),
    "Decrypt": _refusal(code="InvalidCiphertext"),
    "GenerateDataKey": _answer(lambda answer: {**answer, "Plaintext": answer["Plaintext"][:20]}),
    "CreateKey": _metadata(lambda key: {**key, "KeyState": "ENABLED"}),
    "DescribeKey": _metadata(lambda key: {name: value for name, value in key.items() if name != "DeleteDate"}),
    "CreateAlias": _refusal(code="AliasExists"),
    "ScheduleKeyDeletion": _refusal(code="Rejected.State"),
    "EnableKey": _answer(lambda _: {"KeyState": "Enabled"}),
    "AsymmetricVerify": _answer(lambda answer: {**answer, "Value": str(answer["Value"]).lower()}),
    "GetPublicKey": _refusal(code="InvalidKey"),
    "ListAliasesByKeyId": _without("TotalCount"),
}


def changed_api() -> Api:
    """Return the API of KMS with the differences."""
    operations = list(API.operations.values())
    api = copy.copy(API)
    api._operations = {}  # noqa: SLF001 (nothing else has a use for an API without them)
    for operation in operations:
        change = DIFFERENCES.get(operation.name)
        api.add(operation if change is None else replace(operation, handler=change(operation.handler)))
    return api


def changed_steps(row: Row) -> set[str]:
    """Return the operations of the steps whose answers differ."""
    case = next(case for case in all_cases() if case.id == row.id)
    return {step.call for step, ours, theirs in zip(case.steps, row.mock, row.other, strict=True) if ours != theirs}


def test_twenty_differences_are_found_and_no_other() -> None:
    """Each difference is reported by a case, and every reported case stops at an operation that has one."""
    assert len(DIFFERENCES) == 20
    with KmsMock() as kms, KmsMock(apis=[changed_api()]) as other:
        cases = all_cases()
        ours, theirs = (Runner(ServiceClient(config_of(mock)), "test", max_keys=20) for mock in (kms, other))
        rows = compare(cases, ours, theirs)
        assert left_behind(other) == left_behind(kms) == {"secrets": [], "keys": [], "aliases": []}
    differing = Comparison("2026-01-01", "0", "cn-hangzhou", "real", rows).differing
    assert set().union(*map(changed_steps, differing)) == DIFFERENCES.keys()
    untouched = [row for row in rows if not row.same and row not in differing]
    assert untouched == []
    assert all(first_difference(row).startswith("step ") for row in differing)


def test_services_that_are_both_wrong_are_told() -> None:
    """Where the answers are alike and not what the case expects, its rule does not hold for either."""
    with KmsMock(apis=[changed_api()]) as kms, KmsMock(apis=[changed_api()]) as other:
        cases = [case for case in all_cases() if "CreateAlias" in case.operations]
        ours, theirs = (Runner(ServiceClient(config_of(mock)), "test", max_keys=20) for mock in (kms, other))
        rows = [row for row in compare(cases, ours, theirs) if not row.same]
    assert rows
    assert {first_difference(row) for row in rows} == {"the case does not hold"}


REFUSED = Step("Encrypt", refused=Refusal(404, "Forbidden.KeyNotFound", "no $key"))
RETURNS = Step("Encrypt", returns={"A": {"B": ["$key", "<base64>"]}, "C": "<absent>"})


@pytest.mark.parametrize(
    ("step", "answer", "found"),
    [
        (RETURNS, Answer(200, body={"A": {"B": ["k", "AAAA"]}}), ""),
        (RETURNS, Answer(400, "InvalidParameter"), "refused with 400 InvalidParameter"),
        (RETURNS, Answer(200, body={"A": "k"}), "A is no object"),
        (RETURNS, Answer(200, body={"A": {"B": ["k"]}}), "A.B has not 2 entries"),
        (RETURNS, Answer(200, body={"A": {"B": ["k", "no base64!"]}}), "A.B.1 is another"),
        (RETURNS, Answer(200, body={"A": {"B": ["k", "AAAA"]}, "C": 1}), "C is another"),
        (REFUSED, Answer(200), "answered; expected 404 Forbidden.KeyNotFound"),
        (REFUSED, Answer(400, "X"), "refused with 400 X; expected 404 Forbidden.KeyNotFound"),
        (REFUSED, Answer(404, "Forbidden.KeyNotFound", "no j"), "the text is 'no j'"),
        (REFUSED, Answer(404, "Forbidden.KeyNotFound", "no k"), ""),
    ],
)
def test_how_an_answer_differs_from_what_a_case_expects(step: Step, answer: Answer, found: str) -> None:
    """The first thing that is wrong is named, without a value of the answer."""
    assert difference(step, answer, {"key": "k"}) == found


def test_a_settled_rule_needs_all_its_cases() -> None:
    """An inferred sentence counts as seen only if every case of it was answered alike."""
    rows = [
        Row("a", "", "", "inferred", "One.", same=True, mock=[], other=[]),
        Row("b", "", "", "inferred", "One.", same=False, mock=[], other=[]),
        Row("c", "", "", "inferred", "Two.", same=True, mock=[], other=[]),
        Row("d", "", "", "documented", None, same=True, mock=[], other=[]),
    ]
    assert Comparison("2026-01-01", "0", "cn-hangzhou", "real", rows).settled == {"Two.": "2026-01-01"}


@pytest.fixture
def real() -> Any:
    """What stands for the real service: HTTPS, verified signatures, an AccessKey that must be known."""
    fixture = {
        "authentication": {"unknown_access_keys": "refuse", "signatures": "verify"},
        "accounts": [{"id": "1234567890123456", "access_keys": [{"id": "LTAIparity", "secret": "parity-secret"}]}],
        "secrets": [{"name": "production", "value": "untouched-value"}],
    }
    with KmsMock([fixture]) as kms:
        yield kms


def _environment() -> dict[str, str]:
    known = {name: value for name, value in os.environ.items() if not name.startswith("ALIBABA_CLOUD_")}
    return known | {"ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAIparity", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "parity-secret"}


def test_over_https_with_signatures_and_after_a_kill(real: KmsMock, tmp_path: Path) -> None:
    """A run that is killed half-way leaves things behind; the next one removes them, finds all alike, and shares no ids."""
    output = tmp_path / "parity.json"
    command = [*PARITY, "--endpoint", real.https_url, "--ca", str(real.ca_file), "-o", str(output)]
    command += ["--max-keys", "20"]
    with subprocess.Popen(command, env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as killed:
        assert killed.stderr is not None
        while b"." not in killed.stderr.read(1):
            pass
        while not any(call.action == "CreateKey" for call in real.calls):
            killed.stderr.read(1)
        killed.kill()
    assert left_behind(real)["keys"]
    done = subprocess.run(command, env=_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "removed from an earlier run: key " in done.stderr
    assert f"{len(all_cases())} same, 0 different, 0 not asked" in done.stdout
    assert left_behind(real) == {"secrets": ["production"], "keys": [], "aliases": []}
    text = output.read_text(encoding="utf-8")
    named = [call.parameters.get("KeyId", "") for call in real.calls]
    assert not [
        key_id for key_id in named if len(key_id) == 36 and key_id in text and not key_id.startswith("00000000")
    ]
    assert "1234567890123456" not in text
    assert "production" not in text
    assert json.loads(text)["region"] == "cn-hangzhou"


def test_the_budget_holds(real: KmsMock) -> None:
    """A run makes no more keys than it may; what needs more is not asked, and says so."""
    command = [*PARITY, "--endpoint", real.https_url, "--ca", str(real.ca_file), "--max-keys", "1", "--only", "sign-"]
    done = subprocess.run(command, env=_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "the run would make more than 1 keys; --max-keys allows more" in done.stdout
    assert sum(call.action == "CreateKey" for call in real.calls) == 1
