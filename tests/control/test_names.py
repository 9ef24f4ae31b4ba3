"""Names of operations and parameters: every spelling of the official SDK is understood, and nothing else."""

from __future__ import annotations

import re

import pytest
from alibabacloud_kms20160120 import models

from kms_mock.control.names import operation_pattern, operations_named, parameter_named, pascal_case
from kms_mock.products import APIS
from tests.support.registry import REGISTRY, Operation, each_operation

IN_SDK = [name for name in REGISTRY if hasattr(models, f"{name}Request")]


def sdk_names(operation: Operation) -> dict[str, str]:
    """Return the fields of the SDK's request model and the wire names that they are sent as."""
    request = getattr(models, f"{operation.name}Request", None)
    if request is None:
        return {}
    sent: dict[str, str] = {}
    for field in vars(request()):
        filled = request()
        setattr(filled, field, "marker")
        try:
            names = [name for name, value in filled.to_map().items() if value == "marker"]
        except (AttributeError, TypeError):  # a list or a model, whose name is made in the same way
            continue
        if names:
            sent[field] = names[0]
    return sent


def test_the_sdk_is_compared_at_all() -> None:
    """The official SDK has models for most operations."""
    assert len(IN_SDK) > 80


@each_operation
def test_every_field_of_the_sdk_is_a_parameter(operation: Operation) -> None:
    """`secret_name` is SecretName, `dkmsinstance_id` DKMSInstanceId; what is sent otherwise is none of ours."""
    for field, wire in sdk_names(operation).items():
        if wire in operation.by_name:
            assert parameter_named([operation], field) == wire


@each_operation
def test_every_method_of_the_sdk_is_an_operation(operation: Operation) -> None:
    """`get_secret_value` is GetSecretValue."""
    method = re.sub(r"(?<!^)(?=[A-Z])", "_", operation.name).lower()
    assert operation in operations_named(APIS, method)
    assert operation in operations_named(APIS, operation.name)
    assert operation_pattern(APIS, method) == operation.name


def test_patterns_of_operations_may_be_in_snake_case() -> None:
    """`list_*` is `List*`; a pattern that matches nothing is refused with the nearest name."""
    assert operation_pattern(APIS, "list_*") == "List*"
    assert operation_pattern(APIS, "*_secret") == "*Secret"
    assert operation_pattern(APIS, "*") == "*"
    with pytest.raises(ValueError, match=r"no operation matches 'GetSecretValu'; did you mean 'GetSecretValue'\?"):
        operation_pattern(APIS, "GetSecretValu")


def test_only_snake_case_is_another_spelling() -> None:
    """`Secretname` is a mistake, not a spelling."""
    assert pascal_case("Get_Secret") == "Get_Secret"
    for name in ("Secretname", "SECRET_NAME", "secretName"):
        with pytest.raises(ValueError, match="did you mean 'SecretName'"):
            parameter_named([REGISTRY["GetSecretValue"]], name)


def test_entries_of_lists_are_parameters() -> None:
    """`Tag.1.Key` is an entry of TagResources' Tag, `Nonsense.1` is nothing's, nor is an entry of what is no list."""
    assert parameter_named([REGISTRY["TagResources"]], "Tag.1.Key") == "Tag.1.Key"
    for name in ("Nonsense.1", "ResourceType.1"):
        with pytest.raises(ValueError, match="has no parameter"):
            parameter_named([REGISTRY["TagResources"]], name)
