"""What a handler receives: the caller's partition, the caller, the sources, and the check of permissions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

from kms_mock.identity.access import decide_access
from kms_mock.identity.accounts import Caller
from kms_mock.identity.conditions import NOTHING, Request
from kms_mock.identity.decisions import Decision, allow_plainly
from kms_mock.rpc import errors
from kms_mock.rpc.decode import HttpRequest
from kms_mock.rpc.errors import ApiError
from kms_mock.sources import Sources
from kms_mock.store.partition import Partition
from kms_mock.store.store import Store

if TYPE_CHECKING:
    from kms_mock.rpc.api import Operation


_PLAIN_ARN = re.compile(r"acs:[a-z]+:[a-z0-9-]*:[0-9]*:[^*?]+")  # a client may name a pattern, with * or ?
_LONGEST_NAME = 512  # longer than any id, ARN or alias

# What came of a check: RAM allowed or refused it; the policy of the resource decided, and RAM had no part in it; or the
# call failed before RAM was asked about this resource, so that it had to allow the action on some resource only.
Outcome = Literal["allowed", "refused", "by resource", "unasked"]
# One check of a permission: who asked, for which action, on which ARN, and what came of it.
Check = tuple[Caller, str, str, Outcome]


class Context(Struct):
    """One request's view of the store; a product may extend it with the ways to find its resources.

    `partition` is the caller's own. `now` is the one moment of the request, in seconds since 1970 UTC; `prepared` what
    the operation computed off the event loop. `checks` collects the checks of permissions.
    """

    store: Store
    partition: Partition
    sources: Sources
    caller: Caller
    operation: Operation
    now: float
    request_id: str
    http: HttpRequest
    checks: list[Check]
    prepared: Any = None

    def arn(self, resource: str) -> str:
        """Return the ARN of a resource such as `key/<id>` in this partition."""
        service = self.operation.api.service
        return f"acs:{service}:{self.partition.region}:{self.partition.account_id}:{resource}"

    def authorize(
        self,
        arn: str,
        resource_policy: str | None = None,
        action: str | None = None,
        tags: Mapping[str, str] = NOTHING,
    ) -> None:
        """Check that the caller may do this operation, or `action`, on a resource.

        Raises NO_PERMISSION_ON; NO_PERMISSION to an application, whose text names no resource (behaviour.md 21).
        """
        caller, action = self.caller, action or self.operation.ram_action
        if (
            resource_policy is None
            and caller.access_key.policy is None
            and caller.account == self.partition.account_id
            and (caller.policies is None or _allowed_plainly(caller, action, arn))
        ):
            self.checks.append((caller, action, arn, "allowed"))
            return  # nothing has to be weighed, which is most requests
        decision = self.decide(arn, resource_policy, action, tags)
        if not decision.allowed and caller.application is not None:
            raise errors.NO_PERMISSION(decision.explain(), arn=arn)
        if not decision.allowed:
            raise errors.NO_PERMISSION_ON(decision.explain(), arn=arn)

    def may(self, arn: str, resource_policy: str | None, action: str, tags: Mapping[str, str] = NOTHING) -> bool:
        """Return whether RAM and the resource's own policy let the caller do an action."""
        return self.decide(arn, resource_policy, action, tags).allowed

    def decide(self, arn: str, resource_policy: str | None, action: str, tags: Mapping[str, str]) -> Decision:
        """Return what policies decide about the caller doing an action on a resource of this partition."""
        request = Request(
            action,
            arn,
            self.caller.principal,
            now=self.now,
            source_ip=self.http.peer,
            secure_transport=self.http.secure,
            resource_tags=tags,
        )
        return self.decide_request(request, resource_policy)

    def decide_request(self, request: Request, resource_policy: str | None = None) -> Decision:
        """Return what policies decide about a request for something of this partition."""
        decision = decide_access(self.caller, request, self.partition.account_id, resource_policy)
        outcome: Outcome = "allowed" if decision.allowed else "refused"
        self.checks.append(
            (self.caller, request.action, request.resource, outcome if decision.needs_ram else "by resource")
        )
        return decision

    def authorize_container(self, container: str | None = None) -> None:
        """Check that the caller may do an operation that names no resource. Raises NO_PERMISSION.

        `container` is what its permission is needed on, such as `key`, where the operation has no fixed one.
        """
        container = container or self.operation.container
        if container is not None:
            try:
                self.authorize(self.arn(container))
            except ApiError as error:
                raise errors.NO_PERMISSION(error.reason) from error

    def named_arn(self, parameters: Mapping[str, str]) -> str | None:
        """Return the ARN of the first resource that a request names, whether it exists or not; None for none."""
        for parameter in self.operation.naming:
            name = next(iter(parameter.values(parameters)), "")
            if name.isprintable() and 0 < len(name) <= _LONGEST_NAME:
                return self.arn_of(parameter.resource_kind, name, parameters)
        return None

    def add_checks_not_reached(self, named: str | None, outcome: Outcome) -> None:
        """Add the checks that a refused call did not come to, such as those on a key that does not exist.

        `named` is the ARN that it names. After a check that was refused there are none. `outcome` is "refused" where RAM
        refuses one of them on every resource, "unasked" where the call failed before RAM was asked.
        """
        container, checks = self.operation.container, self.checks
        arn = self.arn(container) if named is None and container is not None else named
        if (
            arn is None
            or (arn == named and not _PLAIN_ARN.fullmatch(arn))
            or not all(found == "allowed" for *_, found in checks)
        ):
            return
        asked = {action for _, action, _, _ in checks}
        missing = [action for action in self.operation.ram_actions if action not in asked]
        checks += [(self.caller, action, arn, outcome) for action in missing]

    def arn_of(self, kind: str, name: str, parameters: Mapping[str, str]) -> str | None:  # noqa: ARG002 (for products)
        """Return the ARN of a resource by the kind that its parameter declares, "" for an unknown one, and its name."""
        if name.startswith("acs:"):
            return name
        return self.arn(f"{kind}/{name}") if kind else None


def _allowed_plainly(caller: Caller, action: str, arn: str) -> bool:
    return caller.session_policies is None and allow_plainly(caller.policies or (), action, arn)
