"""What a handler of the dedicated gateway receives: the context of KMS, in which only what is in an instance is found."""

from __future__ import annotations

from kms_mock.identity.accounts import Caller
from kms_mock.identity.decisions import allow_plainly
from kms_mock.kms import context, errors
from kms_mock.kms.model.client_key_rights import InstancePolicy
from kms_mock.kms.model.key import Key
from kms_mock.kms.model.secret import Secret
from kms_mock.regex import regex

_HOST = regex(r"([a-z0-9-]+)\.cryptoservice\.kms\.aliyuncs\.com(?::[0-9]+)?")
MOST_RIGHTS = 1000  # remembered of a caller
_LONGEST_HOST = 255  # characters of a name that is remembered: clients choose it
_IN_NO_INSTANCE = "is in no KMS instance; the dedicated gateway serves what is in one (`instance` in a fixture file)."


class Context(context.Context):
    """One request's view of the store: of keys and secrets, those in the KMS instances that the request is for.

    These are the one of the host name, else those that the policies of the client key's access point are about, else
    all.
    """

    def authorize_use(self, found: Key | Secret, action: str | None = None) -> None:
        """Check that a key or secret is in the instance, and that the caller may use it.

        Raises KEY_NOT_FOUND, SECRET_NOT_FOUND, NO_PERMISSION.
        """
        caller, arn, instance_id = self.caller, found.arn, found.instance_id or ""
        action, host = action or self.operation.ram_action, self.http.headers.get("host", "")
        right = (action, arn, instance_id, host)  # all that the checks below depend on, but for circumstances
        if found.policy is None and right in caller.plain_rights:
            self.checks.append((caller, action, arn, "allowed"))
            return
        served = _served(host.lower(), caller)
        if not instance_id or (served and instance_id not in served):
            kind, _, name = arn.split(":", 4)[-1].partition("/")
            not_found = errors.KEY_NOT_FOUND if kind == "key" else errors.SECRET_NOT_FOUND
            elsewhere = f"is in instance {instance_id}; this is the gateway of {', '.join(sorted(served))}."
            raise not_found(f"{kind.capitalize()} {name} {elsewhere if instance_id else _IN_NO_INSTANCE}")
        self.authorize(arn, found.policy, action, found.tags)
        if caller.account == self.partition.account_id and allow_plainly(caller.policies or (), action, arn):
            _remember(caller, right)


def _remember(caller: Caller, right: tuple[str, ...]) -> None:
    if len(caller.plain_rights) >= MOST_RIGHTS:
        caller.plain_rights.clear()
    if len(right[-1]) <= _LONGEST_HOST:
        caller.plain_rights.add(right)


def _served(host: str, caller: Caller) -> set[str]:
    """Return the ids of the instances that a request is for; empty for all."""
    named = _HOST.fullmatch(host)
    if named is not None:
        return {named[1]}
    found = set()
    for _, policy in caller.policies or ():
        if type(policy) is InstancePolicy:  # isinstance asks the metaclass of structs, which takes long
            found.add(policy.instance_id)
    return found
