"""The registry against what is known of the APIs: the official SDKs' models and the compact copies of the reference."""

from __future__ import annotations

import inspect
import re
import typing
from typing import Annotated, Any, Literal

import pytest
from alibabacloud_kms20160120 import models

from kms_mock.kms.errors import ErrorSpec
from kms_mock.rpc.binding import Flattenable, Json, Repeated
from tests.support import other_products, reference
from tests.support.registry import KMS_REGISTRY, REGISTRY, Operation, each_kms_operation, each_operation
from tests.support.sdk_models import sdk_fields, sdk_kind, sdk_shape
from tests.support.shapes import declared_shape, differences

OTHERS: dict[str, Any] = other_products.other_facts()
KMS_OPERATIONS: dict[str, dict[str, Any]] = reference.read("operations.json")
OPERATIONS: dict[str, dict[str, Any]] = KMS_OPERATIONS | OTHERS["operations"]
ERRORS: dict[str, list[tuple[int, str, str]]] = reference.read("errors.json") | OTHERS["errors"]

# Operations of the reference that are not declared yet. It only ever gets shorter.
PENDING: frozenset[str] = frozenset()

# (operation, parameter): why required-ness or presence differs from the reference.
PARAMETER_EXCEPTIONS = {
    ("UpdateSecret", "ExtendedConfig"): "the SDK's model sends its one field as ExtendedConfig.CustomData",
    ("ImportKeyMaterial", "KeyMaterialExpireUnix"): "marked as required, yet absent means never (behaviour.md 10)",
    ("DescribeEndpoint", "Password"): "no page says what it is for, and no known client sends it",
    **{
        (name, "ClientToken"): "every request takes it, and none is repeated for it"
        for name in ("CreateInstance", "ModifyInstance", "RefundInstance")
    },
    **{
        (name, "OwnerId"): "no known client orders for another account"
        for name in ("CreateInstance", "ModifyInstance", "QueryAvailableInstances", "SetRenewal")
    },
    ("CreateInstance", "Logistics"): "nothing that is for sale here is delivered",
    ("CreateInstance", "PricingCycle"): "an instance of KMS is paid for by the month",
    **{
        ("QueryAvailableInstances", name): "Terraform filters by id and product only"
        for name in ("CreateTimeStart", "CreateTimeEnd", "EndTimeStart", "EndTimeEnd")
    },
}

# (operation, path of the field): why the registry does not have it, or has it otherwise.
_ENCLAVE = "an answer to an attested Recipient, which is refused: no enclave can be attested here"
RESPONSE_EXCEPTIONS = {
    ("AsymmetricDecrypt", "CiphertextForRecipient"): _ENCLAVE,
    ("Decrypt", "CiphertextForRecipient"): _ENCLAVE,
    ("GenerateDataKey", "CiphertextForRecipient"): _ENCLAVE,
    ("GetSecretValue", "CiphertextForRecipient"): _ENCLAVE,
    **{(name, "Data.HostId"): "instances of KMS have no host" for name in ("ModifyInstance", "RefundInstance")},
    **{
        (
            "QueryAvailableInstances",
            f"Data.InstanceList[].{name}",
        ): "left out: there are no sellers and planned ends here"
        for name in ("ExpectedReleaseTime", "ReleaseTime", "StopTime", "Seller", "SellerId")
    },
}

# (operation, code, message): why a documented row is not declared to the letter.
_LATER = "the text of later documents is declared (sts.md 2)"
_PLACEHOLDER = "the document leaves the name out; on the wire it stands between two double blanks (behaviour.md 21)"
ERROR_EXCEPTIONS = {
    **{
        (name, "MissingParameter", "The parameter needed but no provided."): _PLACEHOLDER
        for name in ("GetKeyPolicy", "GetSecretPolicy", "SetKeyPolicy", "SetSecretPolicy")
    },
    ("AssumeRole", "InvalidParameter.PolicySize", "The size of Policy must be smaller than 1024 bytes."): _LATER,
    ("AssumeRole", "EntityNotExist.Role", "The specified Role not exists."): _LATER,
    ("AssumeRole", "InternalError", "STS Server Internal Error happened."): _LATER,
    ("AssumeRoleWithSAML", "InvalidParameter.PolicySize", "The max size of policy string is 1024."): _LATER,
    ("GetSecretValue", "Forbidden.ResourceNotFound", "Resource not found"): (
        "the table has the code twice; the first text, with the full stop, counts (design.md 6)"
    ),
}


def known_to_sdk(operation: Operation) -> bool:
    return hasattr(models, f"{operation.name}Response")


# -- which operations there are ---------------------------------------------------------------------------------------


def test_the_registry_has_all_operations_but_the_pending_ones() -> None:
    """The reference knows so many operations; all are declared, but for those that PENDING names."""
    assert len(KMS_OPERATIONS) == reference.OPERATION_COUNT
    assert set(REGISTRY) <= set(OPERATIONS)
    assert set(OPERATIONS) - set(REGISTRY) == PENDING


def described(operation: Operation) -> Any:
    """Return what the reference has of an operation."""
    assert operation.name in OPERATIONS, (
        f"tests/data/operations.json: add what the vendor's metadata have of {operation.name}"
    )
    return OPERATIONS[operation.name]


def test_the_registry_has_every_operation_of_the_sdk() -> None:
    """Each response class of the official SDK belongs to a declared operation."""
    in_sdk = {name.removesuffix("ResponseBody") for name in dir(models) if name.endswith("ResponseBody")}
    assert len(in_sdk) > 80
    assert in_sdk - PENDING <= set(KMS_REGISTRY)


@pytest.mark.parametrize("name", list(reference.SOURCES))
def test_the_compact_copies_say_what_the_reference_says(name: str) -> None:
    """tests/data is made from the reference by `python -m tests.support.reference`, and is up to date."""
    if not reference.REFERENCE.exists():
        pytest.skip(f"the reference is not at {reference.REFERENCE}")
    assert reference.read(name) == reference.made_anew(name)


# -- parameters -------------------------------------------------------------------------------------------------------


@each_operation
def test_parameters_are_those_of_the_reference(operation: Operation) -> None:
    """Every parameter of the reference is declared under its name, as required as it says, and no other."""
    wanted = described(operation)["parameters"]
    declared = {parameter.name: parameter.required for parameter in operation.parameters}
    for name in wanted.keys() | declared.keys():
        if (operation.name, name) in PARAMETER_EXCEPTIONS:
            continue
        assert name in declared, f"{name} is not declared"
        assert name in wanted, f"{name} is in no document"
        if wanted[name] is not None:
            assert declared[name] == wanted[name], f"{name}: required is {wanted[name]} in the reference"


@each_kms_operation
def test_parameters_are_those_of_the_sdk(operation: Operation) -> None:
    """The request class of the SDK has no parameter that is not declared, and the same kinds of values."""
    request = getattr(models, f"{operation.name}Request", None)
    if request is None:
        if known_to_sdk(operation):
            assert not operation.parameters
        return
    declared = {parameter.name: parameter.type for parameter in operation.parameters}
    for name, hint in sdk_fields(request).items():
        if (operation.name, name) not in PARAMETER_EXCEPTIONS:
            assert name in declared
            kind = kind_on_the_wire(declared[name])
            if sdk_kind(hint) == "list" and getattr(models, f"{operation.name}ShrinkRequest", None):
                assert kind in ("list", "string"), name  # the SDK shrinks the list to JSON before it sends it
            elif sdk_kind(hint) in ("integer", "boolean", "list"):
                assert kind == sdk_kind(hint), name
            else:  # many a number or flag is a string in the SDK; a JSON object may be declared as its text
                assert kind != "list", name


def test_parameter_exceptions_are_all_needed() -> None:
    """No exception outlives its reason."""
    for operation, name in PARAMETER_EXCEPTIONS:
        declared = {parameter.name: parameter.required for parameter in REGISTRY[operation].parameters}
        assert declared.get(name, "absent") != OPERATIONS[operation]["parameters"][name]


def kind_on_the_wire(hint: Any) -> str:
    """Tell what a client's library takes for a declared parameter."""
    marks: tuple[Any, ...] = ()
    while typing.get_origin(hint) is Annotated:
        marks += hint.__metadata__
        hint = typing.get_args(hint)[0]
    if any(isinstance(mark, Repeated) for mark in marks):
        return "list"
    if any(isinstance(mark, Flattenable) for mark in marks):
        return "object"
    if any(isinstance(mark, Json) for mark in marks):
        return "string"
    if typing.get_origin(hint) is Literal:
        return "string"
    return {int: "integer", bool: "boolean"}.get(hint, "string")


# -- responses --------------------------------------------------------------------------------------------------------


def unexcused(operation: Operation, theirs: Any) -> list[tuple[str, str]]:
    ours = {**declared_shape(operation.response), "RequestId": "string"}
    found = differences(ours, theirs)
    return [(path, problem) for path, problem in found if (operation.name, path) not in RESPONSE_EXCEPTIONS]


@each_operation
def test_the_response_is_that_of_the_reference(operation: Operation) -> None:
    """Every field of the result type has the name and type that the reference says, and none is missing."""
    wanted = described(operation)["response"]
    if wanted is None:  # no source describes it; the SDK does not have it either
        assert not known_to_sdk(operation)
        return
    assert unexcused(operation, wanted) == []


@each_kms_operation
def test_the_response_is_that_of_the_sdk(operation: Operation) -> None:
    """Every field of the result type is one that the SDK's response class reads, with its type, and none is missing."""
    body = getattr(models, f"{operation.name}ResponseBody", None)
    if body is None:
        return
    assert unexcused(operation, sdk_shape(body)) == []


def test_response_exceptions_are_all_needed() -> None:
    """No exception outlives its reason."""
    for operation, path in RESPONSE_EXCEPTIONS:
        ours = {**declared_shape(REGISTRY[operation].response), "RequestId": "string"}
        assert path in dict(differences(ours, OPERATIONS[operation]["response"]))


# -- errors -----------------------------------------------------------------------------------------------------------


def says(row: ErrorSpec, message: str) -> bool:
    """Return whether a row of the catalogue gives a documented message, whatever fills its placeholders."""
    pattern = re.sub(r"\\\{\w+\\\}", ".+", re.escape(row.message))
    return re.fullmatch(pattern, message) is not None


def declared_row(operation: Operation, status: int, code: str, message: str) -> bool:
    return any((row.status, row.code) == (status, code) and says(row, message) for row in operation.errors)


@each_operation
def test_every_documented_error_is_declared_to_the_letter(operation: Operation) -> None:
    """Each documented row with a status and a text is a row of the operation: same status, code and text."""
    missing = [
        (status, code, message)
        for status, code, message in ERRORS.get(operation.name, [])
        if (operation.name, code, message) not in ERROR_EXCEPTIONS
        and not declared_row(operation, status, code, message)
    ]
    assert missing == []


def test_error_exceptions_are_all_needed() -> None:
    """No exception outlives its reason."""
    for operation, code, message in ERROR_EXCEPTIONS:
        rows = [row for row in ERRORS[operation] if (row[1], row[2]) == (code, message)]
        assert rows
        assert not declared_row(REGISTRY[operation], *rows[0])


@each_operation
def test_no_operation_declares_a_row_twice(operation: Operation) -> None:
    """An operation's table has each row once."""
    assert len(set(operation.errors)) == len(operation.errors)


@each_operation
def test_a_handler_says_what_it_does(operation: Operation) -> None:
    """Every handler has a docstring, and names its arguments by keyword."""
    assert (operation.handler.__doc__ or "").strip()
    kinds = [parameter.kind for parameter in inspect.signature(operation.handler).parameters.values()][1:]
    assert set(kinds) <= {inspect.Parameter.KEYWORD_ONLY}


# -- the tools of this file -------------------------------------------------------------------------------------------


def test_differences_are_found() -> None:
    """The comparison sees missing, added and changed fields at any depth (or every test above would be worthless)."""
    shape = {"A": "string", "B": {"C": [{"D": "integer"}]}}
    assert list(differences(shape, shape)) == []
    assert list(differences(shape, {"A": "integer", "B": {"C": [{"E": "integer"}]}})) == [
        ("A", "declared as string, documented as integer"),
        ("B.C[].D", "in no document"),
        ("B.C[].E", "not declared"),
    ]
    assert list(differences({"A": ["string"]}, {"A": "string"})) == [
        ("A", "declared as ['string'], documented as string")
    ]


def test_the_sdk_models_are_read_whole() -> None:
    """The introspection of the SDK reads names, types, nested models and lists."""
    assert sdk_shape(models.ListSecretVersionIdsResponseBody) == {
        "PageNumber": "integer",
        "PageSize": "integer",
        "RequestId": "string",
        "SecretName": "string",
        "TotalCount": "integer",
        "VersionIds": {
            "VersionId": [
                {"CreateTime": "string", "VersionId": "string", "VersionStages": {"VersionStage": ["string"]}}
            ]
        },
    }
    assert list(sdk_fields(models.GetSecretValueRequest)) == [
        "DryRun",
        "FetchExtendedConfig",
        "Recipient",
        "SecretName",
        "VersionId",
        "VersionStage",
    ]
