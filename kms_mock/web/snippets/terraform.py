"""Terraform's provider alicloud, for the operations that a resource or a data source stands for."""

from __future__ import annotations

import json
from typing import Any

from kms_mock.web.snippets.call import WrittenCall, snake_case
from kms_mock.web.snippets.literals import terraform

TITLE = "Terraform"
_PROVIDER = """\
provider "alicloud" {{
  access_key = {key}
  secret_key = {secret}
  region     = {region}
  protocol   = "HTTP"
  endpoints {{
    kms = {endpoint}
  }}
}}

{kind} "{resource}" "example" {{
{arguments}}}
"""
_SECRET = "alicloud_kms_secret"  # noqa: S105 (the name of a resource)
# Operation -> block and resource of the provider.
_RESOURCES = {
    "CreateKey": ("resource", "alicloud_kms_key"),
    "CreateAlias": ("resource", "alicloud_kms_alias"),
    "CreateSecret": ("resource", _SECRET),
    "PutSecretValue": ("resource", _SECRET),
    "CreateNetworkRule": ("resource", "alicloud_kms_network_rule"),
    "CreatePolicy": ("resource", "alicloud_kms_policy"),
    "CreateApplicationAccessPoint": ("resource", "alicloud_kms_application_access_point"),
    "CreateClientKey": ("resource", "alicloud_kms_client_key"),
    "Encrypt": ("data", "alicloud_kms_ciphertext"),
    "Decrypt": ("data", "alicloud_kms_plaintext"),
}
# Arguments that are not their parameter in snake case.
_NAMES = {"DKMSInstanceId": "dkms_instance_id", "KmsInstance": "kms_instance_id"}
# What `Name` is called in a resource, where that is not `name`.
_NAME_ARGUMENTS = {
    "CreateNetworkRule": "network_rule_name",
    "CreatePolicy": "policy_name",
    "CreateApplicationAccessPoint": "application_access_point_name",
}
_LISTS = frozenset({"VersionStages", "Permissions", "Resources", "SourcePrivateIp"})


def write(call: WrittenCall) -> str:
    """Return a configuration, "" where no resource fits."""
    if call.name not in _RESOURCES or call.api.product != "Kms":
        return ""
    kind, resource = _RESOURCES[call.name]
    arguments = "".join(
        f"  {_name(call, value.name)} = {terraform(_value(value.name, value.value))}\n" for value in call.values
    )
    return _PROVIDER.format(**call.client(terraform), kind=kind, resource=resource, arguments=arguments)


def _name(call: WrittenCall, name: str) -> str:
    if name == "Name":
        return _NAME_ARGUMENTS.get(call.name, "name")
    return _NAMES.get(name) or snake_case(name)


def _value(name: str, value: Any) -> Any:
    if name in _LISTS and isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
