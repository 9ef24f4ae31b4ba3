"""The declared operations, for tests that hold for each of them: the only module here that knows where they come from."""

from __future__ import annotations

import pytest

from kms_mock import kms
from kms_mock.products import APIS
from kms_mock.rpc.api import Operation
from tests.support.examples import EXAMPLES

__all__ = [
    "DECLARED",
    "KMS_REGISTRY",
    "MISSING_EXAMPLES",
    "REGISTRY",
    "WITH_EXAMPLE",
    "Operation",
    "each_kms_operation",
    "each_operation",
    "each_with_example",
]

# Those that are called in the RPC style; the ones of the dedicated gateway have tests of their own.
REGISTRY: dict[str, Operation] = {
    name: operation for api in APIS if api.wire_form is None for name, operation in api.operations.items()
}

# All of them, also those.
DECLARED: list[Operation] = [operation for api in APIS for operation in api.operations.values()]

# The operations of KMS alone: what is compared with its reference and its SDK.
KMS_REGISTRY: dict[str, Operation] = dict(kms.API.operations)

# An operation without an example is the failure of one test (`test_every_operation_has_an_example`): the tests that
# start from an example leave it out.
MISSING_EXAMPLES = sorted(set(REGISTRY) - set(EXAMPLES))
WITH_EXAMPLE = [operation for name, operation in REGISTRY.items() if name in EXAMPLES]

each_operation = pytest.mark.parametrize("operation", REGISTRY.values(), ids=list(REGISTRY))
each_kms_operation = pytest.mark.parametrize("operation", KMS_REGISTRY.values(), ids=list(KMS_REGISTRY))
each_with_example = pytest.mark.parametrize("operation", WITH_EXAMPLE, ids=[entry.name for entry in WITH_EXAMPLE])
