"""Policies: their documents, checked and compiled when they are read. What they decide is in `decisions`.

Sources, all of the Alibaba Cloud documentation: RAM, "Policy structure and syntax" and "Permission policy elements"
(Action and NotAction exclude each other, so do Resource and NotResource; actions are read without regard to case, a
Principal belongs to resource policies only), "Validate policies" (the form of actions, ARNs and principals); KMS, "Key
policy overview" and "SetKeyPolicy" (what a key's policy may hold). That resources and principals are read with regard to
case is inferred.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import Any, Literal

import msgspec
from msgspec import Struct

from kms_mock.identity.conditions import Condition, PrincipalKind, Request, compile_condition
from kms_mock.identity.patterns import Match, compile_patterns, match_everything
from kms_mock.regex import regex

MAX_POLICY_BYTES = 32768
_SID = regex(r"[A-Za-z0-9 _/+=.@-]{0,128}")
_ANY_REGION_ACCOUNT_AND_NAME = ("\ue000:\ue000:\ue000", "\ue000\ue000:\ue000\ue000:\ue000\ue000")  # in no pattern
MOST_ACTIONS = 512  # more than all products here have

Effect = Literal["Allow", "Deny"]


class Principal(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Whom a statement of a resource policy is about: ARNs of accounts, users and roles, services, identity providers."""

    RAM: str | list[str] | None = None
    """ARNs of accounts, users and roles, with `*` for any."""
    Service: str | list[str] | None = None
    """Cloud services, such as `ecs.aliyuncs.com`."""
    Federated: str | list[str] | None = None
    """ARNs of identity providers."""


class Statement(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, dict=True):
    """One statement of a policy. Raises ValueError where it breaks the language's rules."""

    Effect: Effect
    """Whether it allows or denies; a Deny wins over every Allow."""
    Action: str | list[str] | None = None
    """Actions that it is about, such as `kms:GetSecretValue` or `kms:*`."""
    Resource: str | list[str] | None = None
    """ARNs that it is about, with `*` and `?`."""
    Sid: str = ""
    """Name of the statement."""
    Principal: Principal | None = None
    """Whom it is about; in policies of resources and of trust only."""
    Condition: dict[str, dict[str, Any]] | None = None
    """Conditions under which it applies: operator, then key, then values."""
    NotAction: str | list[str] | None = None
    """Actions that it is not about, instead of Action."""
    NotResource: str | list[str] | None = None
    """ARNs that it is not about, instead of Resource."""

    def __post_init__(self) -> None:
        _ = self.compiled  # a statement that cannot be evaluated is refused when it is read

    @cached_property
    def compiled(self) -> Compiled:
        """Return the statement as it is evaluated."""
        return _compile(self)


class Policy(Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """A policy document."""

    Version: Literal["1"]
    """Version of the policy language."""
    Statement: list[Statement]
    """Its statements."""

    @cached_property
    def _about(self) -> dict[str, tuple[Numbered, ...]]:
        return {}

    def about(self, action: str) -> tuple[Numbered, ...]:
        """Return the statements about an action, with their numbers and Sids; found once for each action."""
        found = self._about.get(action)
        if found is None:
            folded = action.lower()
            found = tuple(
                (number, statement.Sid, statement.compiled)
                for number, statement in enumerate(self.Statement, 1)
                if statement.compiled.covers_action(folded)
            )
            if len(self._about) < MOST_ACTIONS:
                self._about[action] = found
        return found

    @cached_property
    def _anywhere(self) -> dict[str, tuple[Numbered | None, Numbered | None]]:
        return {}

    def anywhere(self, action: str) -> tuple[Numbered | None, Numbered | None]:
        """Return the first statement that denies an action on every resource, and the first that allows it on any."""
        found = self._anywhere.get(action)
        if found is None:
            service, about = action.partition(":")[0].lower(), self.about(action)
            found = (
                next((numbered for numbered in about if numbered[2].denies_everywhere(service)), None),
                next((numbered for numbered in about if not numbered[2].denies), None),
            )
            if len(self._anywhere) < MOST_ACTIONS:
                self._anywhere[action] = found
        return found


class Compiled(Struct, frozen=True):
    """A statement as it is evaluated. `principals` is None in a policy of an identity."""

    denies: bool
    action_listed: bool  # False: NotAction
    actions: Match
    resource_listed: bool  # False: NotResource
    resources: Match
    principals: dict[PrincipalKind, Match] | None
    conditions: tuple[Condition, ...]

    def covers_action(self, action: str) -> bool:
        """Return whether the statement is about this action, which is given in lower case."""
        return self.actions(action) is self.action_listed

    def covers_resource(self, resource: str) -> bool:
        """Return whether the statement is about this resource."""
        return self.resources(resource) is self.resource_listed

    def covers_principal(self, request: Request) -> bool:
        """Return whether the statement is about the request's principal."""
        if self.principals is None:
            return True
        match = self.principals.get(request.principal_kind)
        return match is not None and request.principal is not None and match(request.principal)

    def applies(self, request: Request) -> bool:
        """Return whether the statement, which is about the request's action, decides about the request."""
        if self.resources(request.resource) is not self.resource_listed:
            return False
        if self.principals is not None and not self.covers_principal(request):
            return False
        for condition in self.conditions:  # noqa: SIM110 (a generator costs twice as much)
            if not condition.met(request):
                return False
        return True

    def denies_everywhere(self, service: str) -> bool:
        """Return whether the statement refuses its actions on every resource of a service, whoever asks and however."""
        if not self.denies or self.conditions or self.principals is not None or not self.resource_listed:
            return False
        return self.resources is match_everything or all(
            self.resources(f"acs:{service}:{rest}") for rest in _ANY_REGION_ACCOUNT_AND_NAME
        )


Numbered = tuple[int, str, Compiled]
NamedPolicy = tuple[str, Policy]  # the name is what decisions call it


@lru_cache(maxsize=256)
def parse_resource_policy(text: str) -> Policy:
    """Read and check the policy of a key or secret (behaviour.md 13). Raises ValueError with a plain reason."""
    if len(text.encode()) > MAX_POLICY_BYTES:
        raise ValueError(f"a policy has at most {MAX_POLICY_BYTES} bytes")
    try:
        policy = msgspec.json.decode(text, type=Policy)
    except RecursionError as error:
        raise ValueError("the JSON is nested too deeply") from error
    if not policy.Statement:
        raise ValueError("a policy has at least one statement")
    for index, statement in enumerate(policy.Statement):
        try:
            _check_resource_statement(statement)
        except ValueError as error:
            raise ValueError(f"{error} - at `$.Statement[{index}]`") from None
    return policy


def default_policy(account: str, sid: str) -> str:
    """Return the policy that a key or secret has from birth: its account may do everything (behaviour.md 13)."""
    statement = {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"RAM": [f"acs:ram::{account}:*"]},
        "Action": ["kms:*"],
        "Resource": ["*"],
    }
    return msgspec.json.encode({"Version": "1", "Statement": [statement]}).decode()


def _check_resource_statement(statement: Statement) -> None:
    principal = statement.Principal
    if (
        principal is None
        or not _list(principal.RAM)
        or principal.Service is not None
        or principal.Federated is not None
    ):
        raise ValueError("a statement names its Principal, under RAM")
    if any(not action.startswith("kms:") for action in (*_list(statement.Action), *_list(statement.NotAction))):
        raise ValueError("an Action starts with kms:")
    if _list(statement.Resource) != ["*"]:
        raise ValueError("the Resource is *")


def _compile(statement: Statement) -> Compiled:
    if not _SID.fullmatch(statement.Sid):
        raise ValueError("a Sid has at most 128 letters, digits, blanks and _/+=.@-")
    actions = _one_of(statement.Action, statement.NotAction, "Action")
    if statement.Principal is not None and statement.Resource is None and statement.NotResource is None:
        resources = ["*"]  # the trust policy of a role has no Resource
    else:
        resources = _one_of(statement.Resource, statement.NotResource, "Resource")
    services = frozenset(action.partition(":")[0].lower() for action in actions)
    return Compiled(
        denies=statement.Effect == "Deny",
        action_listed=statement.Action is not None,
        actions=_patterns("Action", actions, _check_action, fold=True),
        resource_listed=statement.NotResource is None,
        resources=_patterns("Resource", resources, _check_resource),
        principals=None if statement.Principal is None else _principals(statement.Principal),
        conditions=compile_condition(
            statement.Condition or {}, services if statement.NotAction is None else frozenset({"*"})
        ),
    )


def _one_of(listed: str | list[str] | None, excluded: str | list[str] | None, name: str) -> list[str]:
    if (listed is None) is (excluded is None):
        raise ValueError(f"a statement has either {name} or Not{name}")
    texts = _list(excluded if listed is None else listed)
    if not texts:
        raise ValueError(f"{name}: expected one value or more")
    return texts


def _patterns(element: str, texts: list[str], check: Callable[[str], None], *, fold: bool = False) -> Match:
    _check_each(element, texts, check)
    try:
        return compile_patterns(text.lower() if fold else text for text in texts)
    except ValueError as error:
        raise ValueError(f"{element}: {error}") from None


def _check_each(element: str, texts: list[str], check: Callable[[str], None]) -> None:
    for index, text in enumerate(texts):
        try:
            check(text)
        except ValueError as error:
            raise ValueError(f"{element}[{index}]: {error}") from None


def _check_action(text: str) -> None:
    service, colon, name = text.partition(":")
    if text != "*" and not (service and colon and name):
        raise ValueError("an action has the form <ram-code>:<action-name>, or is *")


def _check_resource(text: str) -> None:
    if text == "*":
        return
    if not text.startswith("acs:"):
        raise ValueError("the ARN of a resource starts with acs:, or is *")
    if text.count(":") < 4:  # noqa: PLR2004 (acs:<ram-code>:<region>:<account-id>:<relative-id>)
        raise ValueError("an ARN has the form acs:<ram-code>:<region>:<account-id>:<relative-id>")


def _check_principal(text: str) -> None:
    if text != "*" and not text.startswith("acs:ram:"):
        raise ValueError("a principal is an ARN such as acs:ram::1234567890123456:user/name, or *")


def _principals(principal: Principal) -> dict[PrincipalKind, Match]:
    """Compile principals; an account's root stands for everyone in the account."""
    ram = [text.removesuffix("root") + "*" if text.endswith(":root") else text for text in _list(principal.RAM)]
    found: dict[PrincipalKind, Match] = {}
    if ram:
        found["RAM"] = _patterns("Principal.RAM", ram, _check_principal)
    if principal.Service:
        found["Service"] = _patterns("Principal.Service", _list(principal.Service), _check_plain)
    if principal.Federated:
        found["Federated"] = _patterns("Principal.Federated", _list(principal.Federated), _check_plain)
    if not found:
        raise ValueError("Principal: expected one value or more")
    return found


def _check_plain(text: str) -> None:
    if not text or "*" in text or "?" in text:
        raise ValueError("expected a name without wildcards")


def _list(value: str | list[str] | None) -> list[str]:
    return [] if value is None else [value] if isinstance(value, str) else value
