"""The ways in which a program gets the credentials of a role: as in production, each from the environment.

| way | what the environment names |
|---|---|
| `ecs` | the role of the ECS instance; the program asks the metadata address |
| `oidc` | the role, an OIDC provider and a file with a token of it, as in Kubernetes; the program asks STS |
| `uri` | an address that answers with credentials |
| `profile` | a credentials file with an AccessKey pair that may assume the role; the program asks STS |
| `sts` | such a pair and the role: a program that assumes roles itself asks STS |
| `keys` | the credentials of one session, which lasts as long as the role allows |

Sources: the default chain of alibabacloud-credentials 1.0 (Python), credentials-go 1.4 and credentials-java 1.0; the
secrets manager clients' variables (`credentials_type`, …).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import urlencode

from kms_mock.defaults import DUMMY, OIDC_SUBJECT
from kms_mock.identity.access import decide_access
from kms_mock.identity.accounts import AccessKey, Account, accounts, authentication_settings
from kms_mock.identity.callers import known_caller
from kms_mock.identity.conditions import Request
from kms_mock.identity.identities import OidcProvider, Role, oidc_providers, role_arn, roles
from kms_mock.identity.sessions import SessionOrder, issue_session
from kms_mock.identity.trust import ecs_refusal, trust_refusal
from kms_mock.reach.credentials import Credentials, NamedFile, of_access_key, signing_secret
from kms_mock.store.store import Store
from kms_mock.sts.oidc import make_token
from kms_mock.suggestions import did_you_mean

SESSION_NAME = "kms-mock"
# The kubelet replaces a token before its end. The file here stays as it is, however far a test moves the clock.
_TOKEN_SECONDS = 10 * 365 * 86400

# What the default chains look at before ECS metadata and the credentials URI: files in the user's home.
_NO_PROFILES = {"ALIBABA_CLOUD_CLI_PROFILE_DISABLED": "true", "ALIBABA_CLOUD_CREDENTIALS_FILE": os.devnull}


class RoleError(ValueError):
    """A role that a program cannot get in the way asked for; the text says why."""


class RoleOptions(NamedTuple):
    """Which role a program gets, and how: whom a token is for, or which AccessKey pair assumes the role."""

    role: str
    via: str
    oidc_subject: str
    access_key_id: str | None = None
    access_key_secret: str | None = None

    def __repr__(self) -> str:
        return f"RoleOptions({self.role!r}, {self.via!r})"


class _Grant(NamedTuple):
    store: Store
    url: str  # of the mock, http://host:port
    account: str
    role: Role
    options: RoleOptions

    @property
    def arn(self) -> str:
        return role_arn(self.account, self.role.name)

    def request(self, principal: str | None = None, values: Mapping[str, str] | None = None) -> Request:
        """Return what policies are asked about a principal that assumes the role."""
        values = {"sts:RoleSessionName": SESSION_NAME, **(values or {})}
        return Request("sts:AssumeRole", self.arn, principal, now=self.store.sources.now(), values=values)

    def error(self, problem: str) -> RoleError:
        return RoleError(f"role {self.role.name} cannot be obtained via {self.options.via}: {problem}")


def role_credentials(store: Store, url: str, options: RoleOptions) -> Credentials:
    """Return what gives programs a role of the default account, whose mock is at `url`. Raises RoleError, MissingSecretError."""
    way = WAYS.get(options.via)
    if way is None:
        raise RoleError(
            f"a role is obtained via {', '.join(WAYS)}, not {options.via!r}{did_you_mean(options.via, WAYS)}"
        )
    account = store.default_account
    home = store.existing(account, "")
    known = {} if home is None else {role.name: role for role in home[roles].values()}
    if options.role not in known:
        there = ", ".join(known) or "none"
        raise RoleError(
            f"there is no role {options.role!r} of account {account} in the fixture files{did_you_mean(options.role, known)}"
            f" (there is {there})"
        )
    if options.access_key_id is not None and way not in {_sts, _profile}:
        raise RoleError(f"an AccessKey assumes the role only via sts and profile, not via {options.via}")
    if options.oidc_subject != OIDC_SUBJECT and way is not _oidc:
        raise RoleError(f"a token has a subject only via oidc, not via {options.via}")
    return way(_Grant(store, url, account, known[options.role], options))


def _ecs(grant: _Grant) -> Credentials:
    refusal = ecs_refusal(grant.account, grant.role)
    if refusal:
        raise grant.error(refusal)
    name = grant.role.name
    return Credentials(
        {
            **_NO_PROFILES,
            "ALIBABA_CLOUD_ECS_METADATA": name,
            "ALICLOUD_ECS_ROLE_NAME": name,  # Terraform
            "credentials_type": "ecs_ram_role",
            "credentials_role_name": name,
        }
    )


def _oidc(grant: _Grant) -> Credentials:
    provider = _trusted_provider(grant)
    subject, now = grant.options.oidc_subject, grant.store.sources.now()
    token = make_token(provider, subject, now, lifetime=_TOKEN_SECONDS)
    named = ("ALIBABA_CLOUD_OIDC_TOKEN_FILE", "credentials_oidc_token_file_path")
    arn = _provider_arn(grant, provider)
    return Credentials(
        {
            **_NO_PROFILES,
            "ALIBABA_CLOUD_ROLE_ARN": grant.arn,
            "ALIBABA_CLOUD_OIDC_PROVIDER_ARN": arn,
            "ALIBABA_CLOUD_ROLE_SESSION_NAME": SESSION_NAME,
            "credentials_type": "oidc_role_arn",
            "credentials_role_arn": grant.arn,
            "credentials_oidc_provider_arn": arn,
            "credentials_role_session_name": SESSION_NAME,
        },
        (NamedFile("oidc-token", token, named),),
    )


def _trusted_provider(grant: _Grant) -> OidcProvider:
    """Return the first provider whose token for the subject the role trusts. Raises RoleError."""
    found = grant.store.partition(grant.account, "")[oidc_providers].values()
    providers = [provider for provider in found if any(key.private for key in provider.keys)]
    refusal = "no OIDC provider of the fixture files can make tokens; `oidc_providers: [{name: k8s}]` is one that can"
    for provider in providers:
        client_id = provider.client_ids[0] if provider.client_ids else ""
        values = {"oidc:iss": provider.issuer, "oidc:aud": client_id, "oidc:sub": grant.options.oidc_subject}
        request = grant.request(_provider_arn(grant, provider), values)
        request.principal_kind = "Federated"
        refusal = trust_refusal(grant.account, grant.role, request, same_account=True)
        if not refusal:
            return provider
    raise grant.error(f"for the subject {grant.options.oidc_subject}: {refusal}" if providers else refusal)


def _provider_arn(grant: _Grant, provider: OidcProvider) -> str:
    return f"acs:ram::{grant.account}:oidc-provider/{provider.name}"


def _uri(grant: _Grant) -> Credentials:
    query = urlencode({"role": grant.role.name, "account": grant.account})
    # The default chains ask ECS metadata first, which would answer with this role by another way, or with another role.
    return Credentials(
        {
            **_NO_PROFILES,
            "ALIBABA_CLOUD_CREDENTIALS_URI": f"{grant.url}/_kms_mock/credentials?{query}",
            "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true",
        }
    )


def _sts(grant: _Grant) -> Credentials:
    key = _assuming_key(grant)
    return Credentials(
        {
            **of_access_key(key.id, _secret(grant, key)).variables,
            "ALIBABA_CLOUD_ROLE_ARN": grant.arn,
            "ALIBABA_CLOUD_ROLE_SESSION_NAME": SESSION_NAME,
            "credentials_type": "ram_role",
            "credentials_role_arn": grant.arn,
            "credentials_role_session_name": SESSION_NAME,
        }
    )


def _profile(grant: _Grant) -> Credentials:
    key = _assuming_key(grant)
    lines = (
        "[default]",
        "enable = true",  # the Java library passes over sections without it
        "type = ram_role_arn",
        f"access_key_id = {key.id}",
        f"access_key_secret = {_secret(grant, key)}",
        f"role_arn = {grant.arn}",
        f"role_session_name = {SESSION_NAME}",
        "",
    )
    file = NamedFile("credentials.ini", "\n".join(lines), ("ALIBABA_CLOUD_CREDENTIALS_FILE",))
    return Credentials({"ALIBABA_CLOUD_CLI_PROFILE_DISABLED": "true"}, (file,))


def _assuming_key(grant: _Grant) -> AccessKey:
    """Return the first AccessKey pair of the account that may assume the role, or the wanted one. Raises RoleError."""
    account = grant.store.server[accounts].get(grant.account) or Account(grant.account)
    wanted = grant.options.access_key_id
    known = [key for key in account.access_keys.values() if wanted in {None, key.id}]
    if not known and not authentication_settings(grant.store).refuse_unknown_access_keys:
        return AccessKey(wanted or DUMMY, DUMMY)
    refusals = []
    for key in known:
        refusal = _refusal(grant, key)
        if not refusal:
            return key
        refusals.append(f"{key.id}: {refusal}")
    told = "; ".join(refusals) or "the account has none in the fixture files"
    raise grant.error(f"no AccessKey pair of account {grant.account} may assume it ({told})")


def _secret(grant: _Grant, key: AccessKey) -> str:
    return grant.options.access_key_secret or signing_secret(grant.store, key)


def _refusal(grant: _Grant, key: AccessKey) -> str:
    """Return why an AccessKey pair may not assume the role, "" if it may."""
    if not key.active:
        return "it is inactive"
    if key.user is None:
        return "it is the account's own, give it a `user` in the fixture file"
    caller = known_caller(grant.store, grant.account, key)
    request = grant.request(caller.principal)
    decision = decide_access(caller, request, grant.account, None)
    if not decision.allowed:
        return decision.explain()
    return trust_refusal(grant.account, grant.role, request, same_account=True)


def _keys(grant: _Grant) -> Credentials:
    order = SessionOrder(grant.account, grant.role.name, SESSION_NAME, grant.role.max_session)
    session = issue_session(grant.store, order, grant.store.sources.now())
    grant.store.commit()  # no request of the API caused them
    return of_access_key(session.id, session.secret, session.token)


WAYS: Mapping[str, Callable[[_Grant], Credentials]] = {
    "ecs": _ecs,
    "oidc": _oidc,
    "uri": _uri,
    "sts": _sts,
    "profile": _profile,
    "keys": _keys,
}
