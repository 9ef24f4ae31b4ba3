"""Steps of identities against a mock without HTTP, and the policies that they need: for the tests of learning."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from multidict import CIMultiDict

from kms_mock import KmsMock
from kms_mock.rpc.decode import HttpRequest
from tests.support.identities import ACCOUNT, policy_document
from tests.support.raw_http import api_version

KEY_IDS = ("11111111-2222-4333-8444-555555555551", "11111111-2222-4333-8444-555555555552")
LEARNING_WORLD: dict[str, Any] = {
    "keys": [{"id": KEY_IDS[0], "aliases": ["alias/app"]}, {"id": KEY_IDS[1]}],
    "secrets": [
        {"name": "db", "value": "x"},
        {"name": "app/db", "value": "y"},
        {"name": "sealed", "value": "z", "encryption_key": KEY_IDS[1]},
    ],
}
USERS = ("robot", "admin")
NO_PERMISSION = ("Forbidden.NoPermission", "NoPermission")

Document = dict[str, Any]
Step = tuple[str, Callable[["Run"], dict[str, str]]]


class Run:
    """A mock on which steps are taken; `key` and `ciphertext` are the last ones that it made."""

    def __init__(self, policies: dict[str, Document] | None = None, world: Document = LEARNING_WORLD) -> None:
        self.kms = KmsMock(world)
        self.kms.load({"accounts": [{"id": ACCOUNT, **identities(policies)}]})
        self.session: dict[str, str] = {}
        self.key, self.ciphertext = KEY_IDS[0], ""
        self.take("root", taking("Encrypt", KeyId=KEY_IDS[0], Plaintext="eA=="))
        self.kms.calls.clear()

    def take(self, who: str, each: Step) -> str:
        """Take a step; return the code of its answer, also where one entry of a batch has it."""
        action, parameters = each
        sent = {**parameters(self), "Action": action, "Version": api_version(action)}
        sent |= self.session if who == "session" else {"AccessKeyId": who}
        headers = CIMultiDict({"Content-Type": "application/x-www-form-urlencoded"})
        answer = asyncio.run(self.kms.gateway.answer(HttpRequest("POST", "/", headers, urlencode(sent).encode())))
        assert answer.status < 500, answer.reason
        body = json.loads(answer.body)
        if action == "AssumeRole" and not answer.code:
            made = body["Credentials"]
            self.session = {"AccessKeyId": made["AccessKeyId"], "SecurityToken": made["SecurityToken"]}
        if action == "CreateKey" and not answer.code:
            self.key = body["KeyMetadata"]["KeyId"]
        self.ciphertext = body.get("CiphertextBlob", self.ciphertext)
        of_entries = [each for each in NO_PERMISSION if each.encode() in answer.body]
        return answer.code or next(iter(of_entries), "")


def identities(policies: dict[str, Document] | None) -> Document:
    """Return users and a role, to whom these policies by ARN allow what they may do; None for no limits."""

    def attached(kind: str, name: str) -> Document:
        if policies is None:
            return {}
        return {"policies": [policies.get(arn(f"{kind}/{name}"), policy_document())]}

    return {
        "access_keys": [{"id": user, "user": user} for user in USERS],
        "users": [{"name": user, **attached("user", user)} for user in USERS],
        "roles": [{"name": "app", **attached("role", "app")}],
    }


def arn(relative: str) -> str:
    return f"acs:ram::{ACCOUNT}:{relative}"


def kms_arn(relative: str) -> str:
    return f"acs:kms:cn-hangzhou:{ACCOUNT}:{relative}"


def taking(action: str, **parameters: str) -> Step:
    return action, lambda _: parameters


def pairs(document: Document) -> set[tuple[str, str]]:
    return {
        (action, resource)
        for statement in document["Statement"]
        for action in statement["Action"]
        for resource in statement["Resource"]
    }
