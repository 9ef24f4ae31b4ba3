"""The contract cases hold for the mock, and there are enough of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from kms_mock import KmsMock
from kms_mock.kms import API
from kms_mock.parity.cases import all_cases
from kms_mock.parity.runner import PROVIDERS, Runner
from kms_mock.service_client import ServiceClient
from tests.support.parity import config_of, left_behind

# The ten operations that programs use most.
MOST_USED = (
    "PutSecretValue",
    "GetSecretValue",
    "CreateSecret",
    "DescribeSecret",
    "ListSecrets",
    "Encrypt",
    "Decrypt",
    "GenerateDataKey",
    "CreateKey",
    "DescribeKey",
)
# Rules that need more than an account: what they are about cannot be made in any.
NOT_ASKED = {
    "The second account of a managed secret waits as ACSPrevious, under a version id of its own.": "needs a database",
    "No document names the specs and the usage of HMAC keys: there is one spec for each algorithm of GenerateMac, and the "
    "usage is GENERATE/VERIFY_MAC.": "a spec of our own, which the service does not have",
    "HMAC keys do not rotate: an authentication code names no key version, so after a rotation none could be verified.": (
        "a spec of our own, which the service does not have"
    ),
    "The id of a key in a KMS instance names its region by two letters, the last one twice. Those of Hangzhou (`hzz`), "
    "Shanghai, Beijing, Shenzhen and Guangzhou are known; of any other region it is the first two letters after `cn-`, "
    "`ap-` and the like.": "needs a KMS instance",
}


@pytest.fixture(scope="module")
def kms() -> Iterator[KmsMock]:
    """A mock for all cases, as an account that is used by other programs too."""
    with KmsMock([{"secrets": [{"name": "somebody-elses", "value": "a"}], "keys": [{"id": "theirs"}]}]) as mock:
        yield mock


def test_every_case_holds(kms: KmsMock) -> None:
    """The mock answers every case as the case says; a run leaves only keys that are planned for deletion."""
    before = left_behind(kms)
    runner = Runner(ServiceClient(config_of(kms)), "test", max_keys=20)
    problems = [found for number, case in enumerate(all_cases()) if (found := runner.run(case, number)).problem]
    runner.finish()
    assert [f"{found.case.id}: {found.problem}" for found in problems] == []
    assert left_behind(kms) == before


def test_there_are_enough_cases() -> None:
    """At least 150, each about operations that exist, with resources that can be made."""
    cases = all_cases()
    assert len(cases) >= 150
    assert {name for case in cases for name in case.given} <= set(PROVIDERS)
    operations = {step.call for case in cases for step in case.steps}
    assert operations - API.operations.keys() == {"NoSuchAction"}
    assert Counter(operation for case in cases for operation in set(case.operations))["PutSecretValue"] >= 25


def test_inferred_rules_of_the_most_used_operations_are_asked() -> None:
    """Each has a case that would settle it, or a reason why none can."""
    rules = {
        text
        for name in MOST_USED
        for text in (
            *API.operations[name].inferred,
            *(text for parameter in API.operations[name].parameters for text in parameter.inferred),
        )
    }
    asked = {case.inferred for case in all_cases() if case.inferred}
    assert rules - asked == NOT_ASKED.keys()
    every = {text for operation in API.operations.values() for text in operation.inferred}
    every |= {
        text
        for operation in API.operations.values()
        for parameter in operation.parameters
        for text in parameter.inferred
    }
    assert asked <= every | set(API.inferred)
