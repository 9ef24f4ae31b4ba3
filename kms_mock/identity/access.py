"""What RAM and the policies of resources together decide about a caller's request."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from kms_mock.identity import decisions
from kms_mock.identity.accounts import Caller
from kms_mock.identity.conditions import Request
from kms_mock.identity.decisions import Decision
from kms_mock.identity.policies import MOST_ACTIONS, NamedPolicy, parse_resource_policy


def decide_access(caller: Caller, request: Request, owner: str, resource_policy: str | None) -> Decision:
    """Return what RAM and a resource's own policy together decide; `owner` is the account that has the resource.

    Within the owner's account one of them must allow it, across accounts both (KMS, "Key policy overview"); a Deny of
    either refuses it, but for the account itself reading and setting policies: nobody is locked out.
    """
    named = identity_policies(caller)
    identity = Decision("Allow", request) if named is None else decisions.decide(named, request)
    if caller.session_policies is not None:
        identity = decisions.both(identity, decisions.decide(caller.session_policies, request))
    home = caller.account == owner
    if home and (resource_policy is None or (caller.is_root and request.action.endswith("Policy"))):
        return identity
    attached: tuple[NamedPolicy, ...] = ()
    if resource_policy is not None:
        attached = (("the resource's own policy", parse_resource_policy(resource_policy)),)
    resource = decisions.decide(attached, request)
    if not home:
        return decisions.both(identity, resource)
    decision = decisions.either(identity, resource)
    return decision if resource.effect is None else replace(decision, needs_ram=False)


def refusal_everywhere(caller: Caller, action: str, *, resources_have_policies: Callable[[], bool]) -> Decision | None:
    """Return the decision that refuses an action whatever the resource; None where some resource may be allowed.

    Where resources of the account have policies of their own, one of them may allow a principal of RAM what RAM does not.
    """
    named = identity_policies(caller)
    if named is None:
        return None
    if decisions.allow_somewhere(named, action) and (
        caller.session_policies is None or decisions.allow_somewhere(caller.session_policies, action)
    ):
        if len(caller.possible_actions) < MOST_ACTIONS:
            caller.possible_actions.add(action)  # the next request need not ask
        return None
    request = Request(action, "*", caller.principal)
    decision = decisions.decide_anywhere(named, request)
    if caller.session_policies is not None:
        decision = decisions.both(decision, decisions.decide_anywhere(caller.session_policies, request))
    if decision.effect is None and caller.application is None and resources_have_policies():
        return None
    return decision


def identity_policies(caller: Caller) -> tuple[NamedPolicy, ...] | None:
    """Return the RAM policies of a caller by name; None for one who may do everything.

    Those of the session of a role come on top (`Caller.session_policies`): both must allow a request.
    """
    policy = caller.access_key.policy
    if policy is None:
        return caller.policies
    return ((f"the RAM policy of {caller.arn}", policy), *(caller.policies or ()))
