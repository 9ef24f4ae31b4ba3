"""Documented errors that no plain request can provoke: a fault answers each of them."""

from __future__ import annotations

import pytest

from kms_mock import KmsMock
from kms_mock.kms import errors
from tests.support.calls import call, refused
from tests.support.examples import EXAMPLES
from tests.support.excused import BY_CODE, BY_PAIR, excuse
from tests.support.provoked import INJECTED, PROVOKED, collecting, declared, documented
from tests.support.registry import MISSING_EXAMPLES, REGISTRY

EXCUSED = sorted(pair for pair in declared() if excuse(*pair) is not None and pair[0] not in MISSING_EXAMPLES)


@pytest.mark.parametrize(("operation", "code"), EXCUSED)
def test_an_excused_error_can_be_injected(kms: KmsMock, operation: str, code: str) -> None:
    """A fault answers a valid request with the status, code and text of the operation's own table; nothing happens."""
    client = kms.client()
    kms.load(EXAMPLES[operation].fixture)
    parameters = EXAMPLES[operation].parameters(lambda action, **more: call(client, action, **more))
    fault = kms.fail(operation, code=code, times=1)
    row = next(row for row in REGISTRY[operation].errors if row.code == code)
    refused(kms, row, lambda: call(client, operation, **parameters))
    assert fault.struck == 1
    call(client, operation, **parameters)  # it was the fault alone that refused


def test_every_documented_code_is_declared() -> None:
    """All of the 347 documented pairs are declared, 20 of them of STS, also those that Terraform's provider alone names."""
    assert len(documented()) == 347
    assert documented() <= declared()


def test_every_excuse_is_for_a_declared_error() -> None:
    """No excuse outlives the rows that it is for."""
    assert set(BY_PAIR) <= declared()
    assert set(BY_CODE) <= {code for _, code in declared()}


def test_an_injected_error_does_not_count_as_provoked(kms: KmsMock) -> None:
    """The record of provoked errors tells what a fault answered from what the rules refused."""
    with collecting() as collector:
        kms.fail("GetRandomPassword", code="InternalFailure")
        client = kms.client()
        refused(kms, errors.SECRET_INTERNAL_FAILURE, lambda: call(client, "GetRandomPassword"))
        refused(kms, errors.SECRET_NOT_FOUND, lambda: call(client, "DescribeSecret", SecretName="none"))
    assert collector.pairs == {
        PROVOKED: {("DescribeSecret", "Forbidden.ResourceNotFound")},
        INJECTED: {("GetRandomPassword", "InternalFailure")},
    }
