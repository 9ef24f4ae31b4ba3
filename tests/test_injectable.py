"""Documented errors that no plain request can provoke: a fault answers each of them, or it is told why none can."""

from __future__ import annotations

import logging

import pytest

import kms_mock.gateway  # noqa: F401 (fills the registry)
from kms_mock import KmsMock, errors
from kms_mock.operation import REGISTRY
from tests.examples_of import EXAMPLES
from tests.excused import BY_CODE, BY_PAIR, IMPOSSIBLE, excuse
from tests.provoked import INJECTED, PROVOKED, Collector, declared, documented
from tests.support import call, refused

EXCUSED = sorted(pair for pair in declared() if excuse(*pair) is not None)


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


def test_every_documented_code_is_declared_or_impossible() -> None:
    """Of the 327 documented pairs all are declared but three, whose status and text nobody published."""
    assert len(documented()) == 327
    assert documented() - declared() == set(IMPOSSIBLE)


@pytest.mark.parametrize(("operation", "code"), IMPOSSIBLE)
def test_an_impossible_error_cannot_even_be_injected(kms: KmsMock, operation: str, code: str) -> None:
    """A code without a published text is in no row of the catalogue, so that a fault with it is refused."""
    assert code not in {row.code for row in vars(errors).values() if isinstance(row, errors.ErrorSpec)}
    with pytest.raises(ValueError, match="there is no error code"):
        kms.fail(operation, code=code)


def test_every_excuse_is_for_a_declared_error() -> None:
    """No excuse outlives the rows that it is for."""
    assert set(BY_PAIR) <= declared()
    assert set(BY_CODE) <= {code for _, code in declared()}


def test_an_injected_error_does_not_count_as_provoked(kms: KmsMock) -> None:
    """The record of provoked errors tells what a fault answered from what the rules refused."""
    collector = Collector()
    logging.getLogger("kms_mock").addHandler(collector)
    try:
        kms.fail("GetRandomPassword", code="InternalFailure")
        client = kms.client()
        refused(kms, errors.INTERNAL_FAILURE_PLAIN, lambda: call(client, "GetRandomPassword"))
        refused(kms, errors.RESOURCE_NOT_FOUND, lambda: call(client, "DescribeSecret", SecretName="none"))
    finally:
        logging.getLogger("kms_mock").removeHandler(collector)
    assert collector.pairs == {
        PROVOKED: {("DescribeSecret", "Forbidden.ResourceNotFound")},
        INJECTED: {("GetRandomPassword", "InternalFailure")},
    }
