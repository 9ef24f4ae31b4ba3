"""The fixture document of the resources that a call names: what a test needs to make the same call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kms_mock.control.calls import MASK
from kms_mock.rpc.api import Operation

_IDENTITY = ("ram_policies", "users", "groups", "roles", "oidc_providers", "saml_providers")
_ACCOUNT = ("status", "quotas", "real_name", "orders_fail")
_MAX_ENTRIES = 20  # of a kind, where the call names no resource
_PLACEHOLDER = "a-secret-value"
# Fields of an entry that name another one.
_REFERENCES = ("encryption_key", "instance", "policies", "network_rules")


def fixture_of(
    document: Mapping[str, Any], operation: Operation, parameters: Mapping[str, str], account: str, region: str
) -> dict[str, Any]:
    """Return what a snapshot has of the resources that a request names, at the top of a document of its own."""
    accounts = document.get("accounts", ())
    owner: Mapping[str, Any] = next((entry for entry in accounts if entry["id"] == account), {})
    place: Mapping[str, Any] = next((entry for entry in owner.get("regions", ()) if entry["id"] == region), {})
    asked = operation.resources_named(parameters)
    if not asked:  # a list of everything, or a ciphertext whose key nobody names
        return _without_masks({**_of_account(owner), **_first_entries(place)})
    names = {*asked, *map(_last, asked)}
    wanted: dict[str, list[Any]] = {}
    for _ in range(3):  # references go three deep at most: a secret, its key, the instance of that
        wanted = {
            section: [entry for entry in entries if _names_of(entry) & names]
            for section, entries in place.items()
            if section != "id"
        }
        names |= {name for entries in wanted.values() for entry in entries for name in _referred(entry)}
    found: dict[str, Any] = {section: entries for section, entries in wanted.items() if entries}
    if operation.api.product == "Sts":
        found |= {name: owner[name] for name in _IDENTITY if owner.get(name)}
    return _without_masks({**_of_account(owner), **found})


def _of_account(owner: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the account as a whole may and may not do."""
    found = {name: owner[name] for name in _ACCOUNT if owner.get(name)}
    return {"accounts": [{"id": owner["id"], **found}]} if found else {}


def _first_entries(place: Mapping[str, Any]) -> dict[str, Any]:
    return {section: entries[:_MAX_ENTRIES] for section, entries in place.items() if section != "id" and entries}


def _last(name: str) -> str:
    """Return the last part of an ARN, the name itself of anything else."""
    return name.partition("/")[2] if name.startswith("acs:") else name


def _names_of(entry: Mapping[str, Any]) -> set[str]:
    inner = (key["id"] for key in entry.get("client_keys", ()))
    return {str(entry.get("id", "")), str(entry.get("name", "")), *entry.get("aliases", ()), *inner} - {""}


def _referred(entry: Mapping[str, Any]) -> Iterable[str]:
    for field in _REFERENCES:
        value = entry.get(field)
        yield from [value] if isinstance(value, str) else value or ()


def _without_masks(tree: dict[str, Any]) -> dict[str, Any]:
    """Return a document that loads: a masked value of a secret is another one, masked material is left out."""
    return {
        name: _PLACEHOLDER if value == MASK else _value_without_masks(value)
        for name, value in tree.items()
        if value != MASK or name in ("data", "value")
    }


def _value_without_masks(value: Any) -> Any:
    if isinstance(value, dict):
        return _without_masks(value)
    return [_value_without_masks(item) for item in value] if isinstance(value, list) else value
