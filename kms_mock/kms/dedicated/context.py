"""What a handler of the dedicated gateway receives: the context of KMS, in which only what is in an instance is found."""

from __future__ import annotations

from collections.abc import Mapping

from kms_mock.identity.conditions import NOTHING
from kms_mock.kms import context, errors
from kms_mock.kms.model.client_key_rights import InstancePolicy
from kms_mock.kms.model.key import Key, keys
from kms_mock.kms.model.secret import Secret, secrets
from kms_mock.regex import regex

_HOST = regex(r"([a-z0-9-]+)\.cryptoservice\.kms\.aliyuncs\.com(?::[0-9]+)?")
_IN_NO_INSTANCE = "is in no KMS instance; the dedicated gateway serves what is in one (`instance` in a fixture file)."


class Context(context.Context):
    """One request's view of the store: of keys and secrets, those in the KMS instances that the request is for.

    These are the one of the host name, else those that the policies of the client key's access point are about, else
    all.
    """

    def authorize(
        self,
        arn: str,
        resource_policy: str | None = None,
        action: str | None = None,
        tags: Mapping[str, str] = NOTHING,
    ) -> None:
        """Check that a key or secret is in the instance, and that the caller may use it.

        Raises KEY_NOT_FOUND, SECRET_NOT_FOUND, NO_PERMISSION.
        """
        kind, _, name = arn.split(":", 4)[-1].partition("/")
        record: Key | Secret
        record = self.partition[keys].find(name) if kind == "key" else self.partition[secrets].find(name)
        served, instance_id = _served(self), record.instance_id
        if instance_id is None or (served and instance_id not in served):
            not_found = errors.KEY_NOT_FOUND if kind == "key" else errors.SECRET_NOT_FOUND
            elsewhere = f"is in instance {instance_id}; this is the gateway of {', '.join(sorted(served))}."
            raise not_found(f"{kind.capitalize()} {name} {_IN_NO_INSTANCE if instance_id is None else elsewhere}")
        super().authorize(arn, resource_policy, action, tags)


def _served(ctx: Context) -> set[str]:
    """Return the ids of the instances that a request is for; empty for all."""
    host = _HOST.fullmatch(ctx.http.headers.get("host", "").lower())
    if host is not None:
        return {host[1]}
    found = set()
    for _, policy in ctx.caller.policies or ():
        if type(policy) is InstancePolicy:  # isinstance asks the metaclass of structs, which takes long
            found.add(policy.instance_id)
    return found
