"""AssumeRole with its variants, and GetCallerIdentity.

Sources: RAM, "AssumeRole", "AssumeRoleWithOIDC", "AssumeRoleWithSAML", "GetCallerIdentity" (STS 2015-04-01); limits and
texts are in docs/sts.md.
"""

import re
from typing import Annotated

import msgspec
from msgspec import Meta

from kms_mock.identity.accounts import account_of_access_key
from kms_mock.identity.conditions import PrincipalKind, Request
from kms_mock.identity.identities import (
    Role,
    derived_id,
    find_role,
    oidc_providers,
    role_arn,
    saml_providers,
    users,
)
from kms_mock.identity.policies import Policy
from kms_mock.identity.sessions import Session, SessionOrder, issue_session
from kms_mock.identity.trust import trust_refusal
from kms_mock.rpc.api import operation
from kms_mock.rpc.binding import Inferred, NamesResource, Sensitive, Wire
from kms_mock.rpc.context import Context
from kms_mock.rpc.errors import INVALID_PARAMETER
from kms_mock.store.times import iso
from kms_mock.sts import errors
from kms_mock.sts.oidc import check_token
from kms_mock.sts.results import (
    AssumedRole,
    AssumedRoleWithOidc,
    AssumedRoleWithSaml,
    Identity,
    OidcTokenInfo,
    SamlAssertionInfo,
)
from kms_mock.sts.saml import Assertion, check_assertion

_MAX_POLICY_BYTES = 2048
_MIN_SESSION_SECONDS = 900
_SESSION_NAME = r"[a-zA-Z0-9.@_-]{2,64}"
_ROLE_ARN = re.compile(r"acs:ram::([0-9]{1,20}):role/([A-Za-z0-9._-]{1,64})")
_PROVIDER_ARN = r"acs:ram::([0-9]{{1,20}}):{kind}/([A-Za-z0-9._-]{{1,128}})"
_OIDC_ARN = re.compile(_PROVIDER_ARN.format(kind="oidc-provider"))
_SAML_ARN = re.compile(_PROVIDER_ARN.format(kind="saml-provider"))

RoleArn = Annotated[
    str, Meta(pattern=rf"^{_ROLE_ARN.pattern}\Z", description="acs:ram::<account>:role/<name>"), NamesResource()
]
SessionName = Annotated[str, Meta(pattern=rf"^{_SESSION_NAME}\Z", description="2 to 64 letters, digits and . @ - _")]
Duration = Annotated[int, Meta(ge=_MIN_SESSION_SECONDS, le=43200)]
ExternalId = Annotated[
    str, Meta(pattern=r"^[\w+=,.@:/-]{2,1224}\Z", description="2 to 1,224 letters, digits and + = , . @ : / - _")
]
SourceIdentity = Annotated[
    str, Meta(pattern=r"^[\w+=,.@-]{2,64}\Z", description="2 to 64 letters, digits and + = , . @ - _")
]
SessionPolicy = Annotated[str, Inferred("A Policy of more than 2048 bytes is refused for its size before its grammar.")]


@operation(
    "AssumeRole",
    needs_permission=False,  # it asks for its permission itself: its refusal has a code of its own
    errors=(
        errors.DURATION,
        errors.EXTERNAL_ID,
        errors.ROLE_ARN,
        errors.SESSION_NAME,
        errors.SERIAL_NUMBER,
        errors.TOKEN_CODE,
        errors.POLICY_GRAMMAR,
        errors.POLICY_SIZE,
        errors.CONTENT_TYPE,
        errors.INTERNAL_ERROR,
        errors.NO_PERMISSION,
        errors.ROOT_MAY_NOT_ASSUME,
        errors.API_USERNAME,
        errors.API_PASSWORD,
        errors.ROLE_NOT_FOUND,
    ),
    inferred=(
        "A role that does not exist is told before a missing permission.",
        "An AccessKey id that no fixture file describes may assume roles, though it counts as the account's own.",
    ),
)
def assume_role(
    ctx: Context,
    *,
    role_arn: RoleArn,
    role_session_name: SessionName,
    duration_seconds: Duration = 3600,
    policy: SessionPolicy = "",
    external_id: ExternalId = "",
    source_identity: SourceIdentity = "",
) -> AssumedRole:
    """Issue the credentials of a session of a RAM role that trusts the caller."""
    caller, session_policy = ctx.caller, _session_policy(policy)
    if caller.is_root and account_of_access_key(ctx.store, caller.access_key.id) is not None:
        raise errors.ROOT_MAY_NOT_ASSUME(
            f"AccessKey {caller.access_key.id} is the account's own: give it a `user` in the fixture file."
        )
    account, role = _role(ctx, role_arn)
    if role is None:
        raise errors.ROLE_NOT_FOUND(f"There is no role {role_arn} in the fixture files.")
    _check_duration(role, duration_seconds)
    source_identity = caller.source_identity or source_identity  # that of a chain of roles cannot be changed
    values = _session_name_value(role_session_name)
    values |= {"sts:ExternalId": external_id} if external_id else {}
    values |= {"sts:SourceIdentity": source_identity} if source_identity else {}
    request = _request(ctx, role_arn, caller.principal, "RAM", values)
    decision = ctx.decide_request(request)
    if not decision.allowed:
        raise errors.NO_PERMISSION(decision.explain())
    refusal = trust_refusal(account, role, request, same_account=caller.account == account)
    if refusal:
        raise errors.NO_PERMISSION(refusal)
    order = SessionOrder(account, role.name, role_session_name, duration_seconds, session_policy, source_identity)
    return _answer(issue_session(ctx.store, order, ctx.now), role)


@operation(
    "AssumeRoleWithOIDC",
    needs_permission=False,
    anonymous=True,
    errors=(
        errors.MISSING_ROLE_ARN,
        errors.ROLE_ARN,
        errors.SESSION_NAME,
        errors.DURATION,
        errors.POLICY_GRAMMAR,
        errors.POLICY_SIZE,
        errors.NO_TRUST,
        errors.NO_SUCH_OIDC_PROVIDER,
        errors.OIDC_PROVIDER_ARN,
        errors.OIDC_EMPTY,
        errors.OIDC_PARTS,
        errors.OIDC_BASE64,
        errors.OIDC_ALGORITHM,
        errors.OIDC_CONTENT,
        errors.OIDC_SIGNATURE,
        errors.OIDC_EXPIRED,
        errors.OIDC_AUDIENCE,
        errors.OIDC_ISSUER,
        errors.OIDC_URL,
        errors.OIDC_ROLE_NOT_FOUND,
        errors.INTERNAL_ERROR,
    ),
    inferred=(
        "A token is checked in this order: form, algorithm, claims, issuer, signature, expiry, audience.",
        "A condition on oidc:aud sees the audience that the provider knows as a client id.",
    ),
)
def assume_role_with_oidc(
    ctx: Context,
    *,
    oidc_provider_arn: Annotated[str, Wire("OIDCProviderArn")],
    role_arn: RoleArn,
    role_session_name: SessionName,
    oidc_token: Annotated[str, Wire("OIDCToken"), Meta(max_length=20_000), Sensitive()] = "",
    duration_seconds: Duration = 3600,
    policy: SessionPolicy = "",
) -> AssumedRoleWithOidc:
    """Issue the credentials of a session of a RAM role that trusts an OIDC provider, for a token of that provider."""
    session_policy, match = _session_policy(policy), _OIDC_ARN.fullmatch(oidc_provider_arn)
    if match is None:
        raise errors.OIDC_PROVIDER_ARN("OIDCProviderArn has the form acs:ram::<account>:oidc-provider/<name>.")
    provider = ctx.store.account_record(oidc_providers, match[1], match[2])
    if provider is None:
        raise errors.NO_SUCH_OIDC_PROVIDER(f"There is no OIDC provider {oidc_provider_arn} in the fixture files.")
    claims = check_token(provider, oidc_token, ctx.now)
    account, role = _role(ctx, role_arn)
    if role is None:
        raise errors.OIDC_ROLE_NOT_FOUND(f"There is no role {role_arn} in the fixture files.", key=role_arn)
    _check_duration(role, duration_seconds)
    values = {"oidc:iss": claims.issuer, "oidc:aud": claims.audience, "oidc:sub": claims.subject}
    refusal = _federation_refusal(
        ctx, account, role, oidc_provider_arn, {**values, **_session_name_value(role_session_name)}
    )
    if refusal:
        raise errors.NO_TRUST(refusal)
    order = SessionOrder(account, role.name, role_session_name, duration_seconds, session_policy)
    info: OidcTokenInfo = {
        "Subject": claims.subject,
        "Issuer": claims.issuer,
        "ClientIds": ",".join(claims.audiences),
        "ExpirationTime": iso(claims.expires),
        "VerificationInfo": "Success",
    }
    if claims.issued is not None:
        info["IssuanceTime"] = iso(claims.issued)
    return {**_answer(issue_session(ctx.store, order, ctx.now), role), "OIDCTokenInfo": info}


@operation(
    "AssumeRoleWithSAML",
    needs_permission=False,
    anonymous=True,
    errors=(
        errors.MISSING_SAML_ASSERTION,
        errors.MISSING_SAML_PROVIDER,
        errors.MISSING_ROLE_ARN,
        errors.ROLE_ARN,
        errors.SAML_POLICY_GRAMMAR,
        errors.SAML_POLICY_SIZE,
        errors.SAML_SESSION_NAME,
        errors.SAML_DURATION,
        errors.NO_SUCH_SAML_PROVIDER,
        errors.SAML_ROLE_NOT_FOUND,
        errors.SAML_METADATA,
        errors.SAML_EXPIRED,
        errors.SAML_INVALID,
        errors.SAML_NO_TRUST,
        errors.INTERNAL_ERROR,
    ),
    inferred=("DurationSeconds may not be longer than the attribute SessionDuration of the assertion.",),
)
def assume_role_with_saml(
    ctx: Context,
    *,
    saml_provider_arn: Annotated[str, Wire("SAMLProviderArn")],
    role_arn: RoleArn,
    saml_assertion: Annotated[str, Wire("SAMLAssertion"), Meta(max_length=100_000), Sensitive()],
    duration_seconds: Duration | None = None,
    policy: SessionPolicy = "",
) -> AssumedRoleWithSaml:
    """Issue the credentials of a session of a RAM role that trusts a SAML provider, for an assertion of that provider."""
    session_policy, match = _session_policy(policy), _SAML_ARN.fullmatch(saml_provider_arn)
    if match is None:
        raise INVALID_PARAMETER("It has the form acs:ram::<account>:saml-provider/<name>.", name="SAMLProviderArn")
    provider = ctx.store.account_record(saml_providers, match[1], match[2])
    if provider is None:
        raise errors.NO_SUCH_SAML_PROVIDER(f"There is no SAML provider {saml_provider_arn} in the fixture files.")
    assertion = check_assertion(provider, saml_assertion, ctx.now)
    account, role = _role(ctx, role_arn)
    if role is None:
        raise errors.SAML_ROLE_NOT_FOUND(f"There is no role {role_arn} in the fixture files.")
    if (role_arn, saml_provider_arn) not in assertion.roles:
        raise errors.SAML_INVALID("The attribute Role of the assertion does not have this role with this provider.")
    if re.fullmatch(_SESSION_NAME, assertion.session_name) is None:
        raise errors.SAML_SESSION_NAME("The attribute RoleSessionName of the assertion is missing or malformed.")
    duration = _saml_duration(role, assertion, duration_seconds)
    values = {"saml:recipient": assertion.recipient, **_session_name_value(assertion.session_name)}
    refusal = _federation_refusal(ctx, account, role, saml_provider_arn, values)
    if refusal:
        raise errors.SAML_NO_TRUST(refusal)
    order = SessionOrder(account, role.name, assertion.session_name, duration, session_policy)
    info: SamlAssertionInfo = {
        "SubjectType": assertion.subject_type,
        "Subject": assertion.subject,
        "Recipient": assertion.recipient,
        "Issuer": assertion.issuer,
    }
    return {**_answer(issue_session(ctx.store, order, ctx.now), role), "SAMLAssertionInfo": info}


@operation("GetCallerIdentity", needs_permission=False, errors=(errors.INTERNAL_ERROR,))
def get_caller_identity(ctx: Context) -> Identity:
    """Return who signed the request."""
    caller = ctx.caller
    account = caller.account
    if caller.role is not None:
        role = find_role(ctx.store, account, caller.role)
        role_id = derived_id(account, "role", caller.role) if role is None else role.id
        return {
            "IdentityType": "AssumedRoleUser",
            "AccountId": account,
            "PrincipalId": f"{role_id}:{caller.session_name}",
            "Arn": caller.arn,
            "RoleId": role_id,
        }
    user, user_id = caller.access_key.user, account
    if user is not None:
        found = ctx.store.account_record(users, account, user)
        user_id = derived_id(account, "user", user) if found is None else found.id
    return {
        "IdentityType": "Account" if user is None else "RAMUser",
        "AccountId": account,
        "PrincipalId": user_id,
        "UserId": user_id,
        "Arn": caller.arn,
    }


# -- what they share --------------------------------------------------------------------------------------------------


def _session_policy(text: str) -> Policy | None:
    """Read the policy of a session. Raises POLICY_SIZE, POLICY_GRAMMAR."""
    if not text:
        return None
    if len(text.encode(errors="surrogatepass")) > _MAX_POLICY_BYTES:
        raise errors.POLICY_SIZE(f"Policy has more than {_MAX_POLICY_BYTES} bytes.")
    try:
        policy = msgspec.json.decode(text, type=Policy)
    except (ValueError, RecursionError) as error:
        raise errors.POLICY_GRAMMAR(f"Policy: {error}") from None
    if any(statement.Principal is not None for statement in policy.Statement):
        raise errors.POLICY_GRAMMAR("Policy: the policy of a session has no Principal.")
    return policy


def _role(ctx: Context, arn: str) -> tuple[str, Role | None]:
    """Return the account that an ARN names, and the role if there is one."""
    account, _, name = arn.removeprefix("acs:ram::").partition(":role/")
    return account, find_role(ctx.store, account, name)


def _check_duration(role: Role, seconds: int) -> None:
    if seconds > role.max_session:
        raise errors.DURATION(f"Sessions of role {role.name} last {role.max_session} seconds at most.")


def _saml_duration(role: Role, assertion: Assertion, seconds: int | None) -> int:
    """Return how long a session after an assertion lasts, 3600 seconds by default."""
    asserted = assertion.duration
    if asserted is not None and not re.fullmatch(r"[0-9]{1,9}", asserted):
        raise errors.SAML_INVALID("The attribute SessionDuration of the assertion is not a number.")
    longest = role.max_session if asserted is None else min(int(asserted), role.max_session)
    chosen = min(3600, longest) if seconds is None else seconds
    if not _MIN_SESSION_SECONDS <= chosen <= longest:
        raise errors.SAML_DURATION(f"This session may last {_MIN_SESSION_SECONDS} to {longest} seconds.")
    return chosen


def _session_name_value(session_name: str) -> dict[str, str]:
    return {"sts:RoleSessionName": session_name}


def _federation_refusal(ctx: Context, account: str, role: Role, provider: str, values: dict[str, str]) -> str:
    """Return why a role does not trust an identity provider, "" if it does."""
    request = _request(ctx, role_arn(account, role.name), provider, "Federated", values)
    return trust_refusal(account, role, request, same_account=provider.split(":")[3] == account)


def _request(ctx: Context, role: str, principal: str | None, kind: PrincipalKind, values: dict[str, str]) -> Request:
    """Return what policies are asked about a principal assuming a role."""
    return Request(
        "sts:AssumeRole",
        role,
        principal,
        kind,
        now=ctx.now,
        source_ip=ctx.http.peer,
        secure_transport=ctx.http.secure,
        values=values,
    )


def _answer(session: Session, role: Role) -> AssumedRole:
    answer: AssumedRole = {
        "Credentials": {
            "AccessKeyId": session.id,
            "AccessKeySecret": session.secret,
            "SecurityToken": session.token,
            "Expiration": iso(session.expires),
        },
        "AssumedRoleUser": {
            "AssumedRoleId": f"{role.id}:{session.name}",
            "Arn": f"{role_arn(session.account, role.name)}/{session.name}",
        },
    }
    if session.source_identity:
        answer["SourceIdentity"] = session.source_identity
    return answer
