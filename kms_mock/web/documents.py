"""What is asked for code, and what is answered, as types."""

from __future__ import annotations

from typing import Any, TypedDict

from msgspec import Struct

from kms_mock.defaults import DUMMY


class Answer(Struct, frozen=True):
    """What a call was answered: the HTTP status and the document."""

    status: int
    document: dict[str, Any]


class SnippetsRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """The call to write code for.

    Parameters are named as on the wire; lists and objects are JSON. `endpoint` is `host:port`. With an `answer`, the test
    asserts it; `fixture` is what the store had before that call, as an answer without one returned it.
    """

    operation: str
    parameters: dict[str, str] = {}
    endpoint: str = "127.0.0.1:4588"
    region: str | None = None
    access_key_id: str = DUMMY
    access_key_secret: str = DUMMY
    answer: Answer | None = None
    fixture: dict[str, Any] | None = None


class Snippet(TypedDict):
    """Code in one language. `code` is "" where there is none; `note` says why, or what it needs."""

    language: str
    title: str
    code: str
    note: str


class SnippetsDocument(TypedDict):
    """The code, and a fixture document of the resources that the call names, as they are now, secrets masked."""

    snippets: list[Snippet]
    fixture: dict[str, Any]
