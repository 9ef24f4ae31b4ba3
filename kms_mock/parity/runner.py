"""Running cases against one service: what they need is made, what they made is taken away."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from kms_mock.parity import PREFIX
from kms_mock.parity.cases import Case, Step, substituted
from kms_mock.parity.sanitised import TIME, UUID, base64_size
from kms_mock.service_client import Answer, ServiceClient, field

# The tag by which the keys of a run are known: their ids are not ours to choose.
TAG = {"TagKey": PREFIX, "TagValue": "delete-me"}
_TAGS = json.dumps([TAG])
_DELETION_DAYS = "7"
MISSING_KEY = "00000000-1111-4222-8333-444444444444"


_CONSTANTS = {
    "tags": _TAGS,
    "long_id": "k" * 513,
    "longest_value": "a" * 30720,
    "long_value": "a" * 30721,
    "plaintext_6144": "a" * 6144,
    "plaintext_6145": "a" * 6145,
    "digest": b64encode(bytes(32)).decode(),
    "other_digest": b64encode(b"\1" * 32).decode(),
}

# What stands in a case for a value that has a form.
FORMS: Mapping[str, Callable[[Any], bool]] = {
    "<any>": lambda value: value is not None,
    "<absent>": lambda value: value is None,
    "<time>": lambda value: isinstance(value, str) and TIME.fullmatch(value) is not None,
    "<uuid>": lambda value: isinstance(value, str) and UUID.fullmatch(value) is not None,
    "<base64>": lambda value: isinstance(value, str) and base64_size(value) is not None,
}


class BudgetError(Exception):
    """The run would make more keys than it may."""


class Observed(Struct, frozen=True):
    """What one case saw: an answer per step, and its variables, values by names; `problem` is the first that is wrong."""

    case: Case
    answers: list[Answer]
    variables: dict[str, str]
    problem: str = ""


# A key that cases share: the parameters of CreateKey, and what brings it into its state.
_KEYS: Mapping[str, tuple[dict[str, str], tuple[str, dict[str, str]] | None]] = {
    "key": ({}, None),
    "other_key": ({}, None),
    "disabled_key": ({}, ("DisableKey", {})),
    "leaving_key": ({}, ("ScheduleKeyDeletion", {"PendingWindowInDays": _DELETION_DAYS})),
    "waiting_key": ({"Origin": "EXTERNAL"}, None),
    "rsa_sign": ({"KeySpec": "RSA_2048", "KeyUsage": "SIGN/VERIFY"}, None),
    "rsa_encrypt": ({"KeySpec": "RSA_2048", "KeyUsage": "ENCRYPT/DECRYPT"}, None),
    "ec_sign": ({"KeySpec": "EC_P256", "KeyUsage": "SIGN/VERIFY"}, None),
}
_CHANGED_KEY = "other_key"  # the others stay as they were made
PROVIDERS = ("secret", "alias", *_KEYS)


class Runner:
    """Runs cases on one target. Its keys are made once, when a case needs them; `max_keys` bounds them."""

    def __init__(self, service: ServiceClient, run_id: str, max_keys: int = 10) -> None:
        self._service = service
        self._run_id = run_id
        self._max_keys = max_keys
        self._keys: dict[str, dict[str, str]] = {}
        self._made_keys: list[str] = []

    # -- cases --------------------------------------------------------------------------------------------------------

    def run(self, case: Case, number: int) -> Observed:
        """Run one case. Raises BudgetError, RefusedError, UnreachableError; what it made is taken away in any case."""
        name = f"{PREFIX}-{self._run_id}-{number}"
        variables = {
            "secret": f"{name}-a",
            "secret_2": f"{name}-b",
            "alias": f"alias/{name}-a",
            "alias_2": f"alias/{name}-b",
            "missing_key": MISSING_KEY,
            "missing_secret": f"{name}-missing",
            **_CONSTANTS,
        }
        try:
            for resource in case.given:
                variables |= self._provide(resource, variables)
            return self._steps(case, variables)
        finally:
            self._remove_names(variables)

    def _steps(self, case: Case, variables: dict[str, str]) -> Observed:
        answers: list[Answer] = []
        problem = ""
        for place, step in enumerate(case.steps, 1):
            answer = self._service.ask(step.call, substituted(step.parameters, variables))
            answers.append(answer)
            if step.call == "CreateKey" and not answer.code:
                self._made_keys.append(answer.body["KeyMetadata"]["KeyId"])
            found = difference(step, answer, variables)
            problem = problem or (found and f"step {place}, {step.call}: {found}")
            variables |= {name: str(field(answer.body, path)) for name, path in step.keep.items()}
        if problem:  # the key that cases change may not be what the next one expects
            self._keys.pop(_CHANGED_KEY, None)
        return Observed(case, answers, variables, problem)

    # -- resources ----------------------------------------------------------------------------------------------------

    def _provide(self, resource: str, variables: Mapping[str, str]) -> dict[str, str]:
        if resource == "secret":
            self._make("CreateSecret", {"SecretName": variables["secret"], "VersionId": "v1", "SecretData": "one"})
            return {}
        if resource == "alias":
            key = self._key("key")
            self._make("CreateAlias", {"KeyId": key["key"], "AliasName": variables["alias"]})
            return key
        return self._key(resource)

    def _key(self, name: str) -> dict[str, str]:
        """Return the variables of a shared key: its id, its ARN and, of a key pair, its version."""
        if name not in self._keys:
            parameters, change = _KEYS[name]
            metadata = self._make("CreateKey", {**parameters, "Tags": _TAGS, "Description": PREFIX})["KeyMetadata"]
            key_id = metadata["KeyId"]
            self._made_keys.append(key_id)
            found = {name: key_id, f"{name}_arn": metadata["Arn"]}
            if "KeySpec" in parameters:
                versions = self._make("ListKeyVersions", {"KeyId": key_id})["KeyVersions"]["KeyVersion"]
                found[f"{name}_version"] = versions[0]["KeyVersionId"]
            if change is not None:
                self._make(change[0], {"KeyId": key_id, **change[1]})
            self._keys[name] = found
        return self._keys[name]

    def _make(self, action: str, parameters: Mapping[str, str]) -> dict[str, Any]:
        if action == "CreateKey" and len(self._made_keys) >= self._max_keys:
            raise BudgetError(f"the run would make more than {self._max_keys} keys; --max-keys allows more")
        return self._service.call(action, **parameters)

    # -- cleaning up --------------------------------------------------------------------------------------------------

    def _remove_names(self, variables: Mapping[str, str]) -> None:
        """Remove what a case may have made under its own names."""
        for name in ("secret", "secret_2"):
            self._remove_secret(variables[name])
        for name in ("alias", "alias_2"):
            self._service.ask("DeleteAlias", {"AliasName": variables[name]})

    def _remove_secret(self, name: str) -> None:
        force = {"SecretName": name, "ForceDeleteWithoutRecovery": "true"}
        if self._service.ask("DeleteSecret", force).code == "Rejected.ResourceInDeleteWindow":
            self._service.ask("RestoreSecret", {"SecretName": name})
            self._service.ask("DeleteSecret", force)

    def finish(self) -> None:
        """Plan the deletion of the keys of this run."""
        for key_id in self._made_keys:
            self._service.ask("ScheduleKeyDeletion", {"KeyId": key_id, "PendingWindowInDays": _DELETION_DAYS})
        self._made_keys.clear()
        self._keys.clear()

    def clean(self) -> list[str]:
        """Take away what an earlier run that was ended half-way left behind; return what that was."""
        found = []
        for entry in list(self._service.pages("ListSecrets", "SecretList.Secret")):
            if entry["SecretName"].startswith(f"{PREFIX}-"):
                self._remove_secret(entry["SecretName"])
                found.append(f"secret {entry['SecretName']}")
        for entry in list(self._service.pages("ListAliases", "Aliases.Alias")):
            if entry["AliasName"].startswith(f"alias/{PREFIX}-"):
                self._service.ask("DeleteAlias", {"AliasName": entry["AliasName"]})
                found.append(entry["AliasName"])
        for key_id in self._tagged_keys():
            delete = {"KeyId": key_id, "PendingWindowInDays": _DELETION_DAYS}
            if not self._service.ask("ScheduleKeyDeletion", delete).code:
                found.append(f"key {key_id}")
        return found

    def _tagged_keys(self) -> list[str]:
        keys: dict[str, None] = {}
        token = ""
        while True:
            body = self._make(
                "ListTagResources",
                {
                    "ResourceType": "key",
                    "RegionId": self._service.region,
                    "Tag.1.Key": TAG["TagKey"],
                    "NextToken": token,
                },
            )
            rows = field(body, "TagResources.TagResource") or []
            keys |= dict.fromkeys(row["ResourceId"] for row in rows)
            token = body.get("NextToken") or ""
            if not token:
                return list(keys)


def difference(step: Step, answer: Answer, variables: Mapping[str, str]) -> str:
    """Return how an answer differs from what a step expects, in words without values; "" if it does not."""
    refused = step.refused
    if refused is None:
        if answer.code:
            return f"refused with {answer.status} {answer.code}"
        return _mismatch(substituted(step.returns, dict(variables)), answer.body, "")
    if not answer.code:
        return f"answered; expected {refused.status} {refused.code}"
    if (answer.status, answer.code) != (refused.status, refused.code):
        return f"refused with {answer.status} {answer.code}; expected {refused.status} {refused.code}"
    text = None if refused.text is None else substituted(refused.text, dict(variables))
    return f"the text is {answer.text!r}" if text is not None and answer.text != text else ""


def _mismatch(expected: Any, found: Any, path: str) -> str:
    """Return the place of the first field that is not as expected."""
    if isinstance(expected, dict):
        if not isinstance(found, dict):
            return f"{path or 'the answer'} is no object"
        places = (_mismatch(value, found.get(name), f"{path}.{name}".lstrip(".")) for name, value in expected.items())
        return next(filter(None, places), "")
    if isinstance(expected, list):
        if not isinstance(found, list) or len(found) != len(expected):
            return f"{path} has not {len(expected)} entries"
        places = (
            _mismatch(value, item, f"{path}.{n}") for n, (value, item) in enumerate(zip(expected, found, strict=True))
        )
        return next(filter(None, places), "")
    form: Callable[[Any], bool] | None = FORMS.get(expected) if isinstance(expected, str) else None
    good = form(found) if form is not None else str(found) == str(expected)
    return "" if good else f"{path} is another"
