"""What programs find credentials by: the variables that clients of Alibaba Cloud read, and files that these name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, TypedDict, Unpack

from kms_mock.defaults import DUMMY, OIDC_SUBJECT, ROLE_WAYS
from kms_mock.identity.accounts import AccessKey, account_of_access_key, accounts, authentication_settings
from kms_mock.store.store import Store

# What clients read an AccessKey pair from: id, secret, and the token that a session has besides.
_ACCESS_KEYS = (
    # alibabacloud-credentials, the V2 SDKs of all languages, the command line.
    ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN"),
    ("ALIBABACLOUD_ACCESS_KEY_ID", "ALIBABACLOUD_ACCESS_KEY_SECRET", "ALIBABACLOUD_SECURITY_TOKEN"),
    # aliyun-python-sdk-core (V1).
    ("ALIYUN_ACCESS_KEY_ID", "ALIYUN_ACCESS_KEY_SECRET", "ALIYUN_SECURITY_TOKEN"),
    # Terraform, Vault, OpenBao.
    ("ALICLOUD_ACCESS_KEY", "ALICLOUD_SECRET_KEY", "ALICLOUD_SECURITY_TOKEN"),
    ("ALICLOUD_ACCESS_KEY_ID", "ALICLOUD_ACCESS_KEY_SECRET", "ALICLOUD_SECURITY_TOKEN"),  # Alibaba Cloud CLI
    # oss2.
    ("OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET", "OSS_SESSION_TOKEN"),
)
# The secrets manager clients of all languages read these. They cannot be told a token.
_SECRETS_CLIENT_KEY = ("credentials_access_key_id", "credentials_access_secret")

# What leads a client to credentials in other ways.
_OTHER_WAYS = (
    "ALIBABA_CLOUD_CREDENTIALS_URI",
    "ALICLOUD_CREDENTIALS_URI",
    "ALIBABA_CLOUD_CREDENTIALS_FILE",
    "ALIBABA_CLOUD_CLI_PROFILE_DISABLED",
    "ALIBABA_CLOUD_PROFILE",
    "ALIBABACLOUD_PROFILE",
    "ALIBABA_CLOUD_ECS_METADATA",
    "ALIBABA_CLOUD_ECS_METADATA_DISABLED",
    "ALIBABA_CLOUD_ROLE_ARN",
    "ALIBABA_CLOUD_ROLE_SESSION_NAME",
    "ALIBABA_CLOUD_OIDC_PROVIDER_ARN",
    "ALIBABA_CLOUD_OIDC_TOKEN_FILE",
    "ALIBABACLOUD_ROLE_ARN",
    "ALIBABACLOUD_OIDC_PROVIDER_ARN",
    "ALIBABACLOUD_OIDC_TOKEN_FILE",
    "ALICLOUD_ASSUME_ROLE_ARN",
    "ALICLOUD_ECS_ROLE_NAME",
    "ALICLOUD_PROFILE",
    "ALICLOUD_SHARED_CREDENTIALS_FILE",
    "credentials_type",
    "credentials_role_arn",
    "credentials_role_name",
    "credentials_role_session_name",
    "credentials_oidc_provider_arn",
    "credentials_oidc_token_file_path",
)

# Every variable that a client reads credentials from, or a way to them.
CREDENTIALS = (*(name for names in _ACCESS_KEYS for name in names), *_SECRETS_CLIENT_KEY, *_OTHER_WAYS)


class MissingSecretError(ValueError):
    """An AccessKey without a secret where signatures are verified: no request of the program would be answered."""


class CredentialOptions(TypedDict, total=False):
    """Whose credentials a program gets: those of an AccessKey pair, or of a role in one of the `ROLE_WAYS`."""

    access_key_id: str | None
    access_key_secret: str | None
    role: str | None
    via: str
    oidc_subject: str


class NamedFile(NamedTuple):
    """A file that variables name."""

    name: str
    text: str
    variables: tuple[str, ...]

    def write(self, folder: Path) -> dict[str, str]:
        """Write the file, readable by this user alone; return the variables. Raises OSError."""
        path = folder / self.name
        path.touch(mode=0o600)
        path.write_text(self.text, "utf-8")
        return dict.fromkeys(self.variables, str(path))

    def __repr__(self) -> str:
        return f"NamedFile({self.name!r})"


class Credentials(NamedTuple):
    """What programs find credentials by: variables, and files that further variables name."""

    variables: Mapping[str, str]
    files: tuple[NamedFile, ...] = ()

    def __repr__(self) -> str:
        return f"Credentials({list(self.variables)}, {self.files})"


def of_access_key(access_key_id: str, access_key_secret: str, token: str = "") -> Credentials:
    """Return the credentials of an AccessKey pair, or of a session, which has a token."""
    variables: dict[str, str] = {}
    for id_name, secret_name, token_name in _ACCESS_KEYS:
        variables |= {id_name: access_key_id, secret_name: access_key_secret}
        variables |= {token_name: token} if token else {}
    if not token:
        values = ("ak", access_key_id, access_key_secret)
        variables |= dict(zip(("credentials_type", *_SECRETS_CLIENT_KEY), values, strict=True))
    return Credentials(variables)


DUMMY_KEY = of_access_key(DUMMY, DUMMY)


def find_credentials(store: Store, url: str, **options: Unpack[CredentialOptions]) -> Credentials:
    """Return the credentials that a program gets from a mock at `url`. Raises RoleError, MissingSecretError."""
    role, wanted, secret = options.get("role"), options.get("access_key_id"), options.get("access_key_secret")
    if role is None and not options.keys() & {"via", "oidc_subject"}:
        return find_access_key(store, wanted, secret)
    from kms_mock.reach.roles import RoleError, RoleOptions, role_credentials  # noqa: PLC0415 (few programs need it)

    if role is None:
        raise RoleError("via and oidc_subject are about a role: name one")
    via, subject = options.get("via", ROLE_WAYS[0]), options.get("oidc_subject", OIDC_SUBJECT)
    return role_credentials(store, url, RoleOptions(role, via, subject, wanted, secret))


def find_access_key(store: Store, wanted: str | None, secret: str | None = None) -> Credentials:
    """Return the credentials of an AccessKey: the wanted one, else the first active one of the default account, else the dummy.

    The account's own come before its users'. Without `secret` it is the one in the store; that of a pair which the
    store does not know is the dummy's. Raises MissingSecretError.
    """
    if wanted is None:
        account = store.server[accounts].get(store.default_account)
        known = [key for key in account.access_keys.values() if key.active] if account else []
        key = min(known, key=lambda key: key.user is not None, default=None)
    else:
        owner = account_of_access_key(store, wanted)
        key = owner.access_keys[wanted] if owner else None
    if key is None:
        return of_access_key(wanted or DUMMY, secret or DUMMY)
    return of_access_key(key.id, secret or signing_secret(store, key))


def signing_secret(store: Store, key: AccessKey) -> str:
    """Return what programs sign with: the pair's secret, else the dummy's, with which nothing is verified.

    Raises MissingSecretError where signatures are verified.
    """
    if not key.secret and authentication_settings(store).verify_signatures:
        raise MissingSecretError(
            f"AccessKey {key.id} has no secret in the fixture files, and signatures are verified: add one, or choose another AccessKey"
        )
    return key.secret or DUMMY
