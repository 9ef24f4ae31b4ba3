"""What is used where nobody chose otherwise, and limits that several rooms share. Imports nothing: `--help` needs it."""

from __future__ import annotations

DEFAULT_PORT = 4588
DEFAULT_REGION = "cn-hangzhou"
DEFAULT_ACCOUNT = "1234567890123456"
MAX_BODY_BYTES = 1024 * 1024
CLIENT_KEY_PASSWORD = "kms-mock-1"  # noqa: S105 (of the files that this server hands out, which protect nothing)
MAX_DOCUMENT_BYTES = 128 * 2**20  # of a fixture file, and of the body of a control request
JOURNAL_BYTES = 32 * 2**20
ROLE_WAYS = ("ecs", "oidc", "uri", "sts", "profile", "keys")  # how a program gets a role; usually the first
OIDC_SUBJECT = "system:serviceaccount:default:app"  # whom a token of an OIDC provider is for by default
DUMMY = "mock"  # the AccessKey id and secret where no other is known
REGION = "[a-z0-9-]{1,64}"  # the form of a region's name
