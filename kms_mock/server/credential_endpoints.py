"""The endpoints that answer unsigned requests with credentials of a role: ECS metadata, and a credentials URI.

| asked for | answers |
|---|---|
| `http://100.100.100.200/latest/...` (the Host header decides) | the metadata of an ECS instance, as far as credentials need it |
| `/_kms_mock/ecs/latest/...` | the same |
| `/_kms_mock/credentials?role=NAME[&account=ID]` | what `ALIBABA_CLOUD_CREDENTIALS_URI` leads to |

They are as open as the API, and closed to the web pages that it is closed to. Sources: ECS,
"Instance metadata" and "Access mode of instance metadata" (paths, headers, limits of a token); the providers `ecs_ram_role`
and `uri` of the vendor's credentials library for Python (the JSON that they read). Statuses of refusals are inferred.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

import msgspec

from kms_mock.defaults import MAX_BODY_BYTES
from kms_mock.identity.identities import Role, roles
from kms_mock.identity.sessions import Session, SessionOrder, issue_session, lasting_session
from kms_mock.identity.trust import ecs_refusal
from kms_mock.rpc.decode import HttpRequest
from kms_mock.rpc.encode import HttpResponse
from kms_mock.server.routes import ControlProblem, ControlResponse
from kms_mock.server.special import PREFIX, is_metadata
from kms_mock.store.errors import StateError
from kms_mock.store.store import Store
from kms_mock.store.times import iso

_ECS: Final = f"{PREFIX}ecs"
_URI: Final = f"{PREFIX}credentials"
_CREDENTIALS: Final = "/latest/meta-data/ram/security-credentials/"
_TOKEN: Final = "/latest/api/token"  # noqa: S105 (a path)
_TOKEN_HEADER: Final = "X-aliyun-ecs-metadata-token"  # noqa: S105 (the name of a header)
_TTL_HEADER: Final = f"{_TOKEN_HEADER}-ttl-seconds"
_MAX_TTL: Final = 21600
_MAC_BYTES: Final = 24
_SESSION_SECONDS: Final = 21600  # of a session that the metadata has
_FRESH_SECONDS: Final = 1800  # a session that lasts less than this is replaced
_URI_SECONDS: Final = 3600
INSTANCE_ID: Final = "i-kmsmock00000000"


class CredentialEndpoints:
    """Answers for one server."""

    def __init__(
        self,
        store: Store,
        guard: Callable[[HttpRequest], str],
        commit: Callable[[Callable[[], Any]], Any],
    ) -> None:
        """Answer from a store.

        `guard` is the one of the API: it returns why a request is refused unread, "" if it is not. `commit` is that of
        `Controls`.
        """
        self._store = store
        self._sources = store.sources
        self._guard = guard
        self._commit = commit
        self._token_key = b""

    def answers(self, http: HttpRequest) -> bool:
        """Return whether a request is for these endpoints, by its head."""
        path = unquote(http.origin[0])
        return is_metadata(http) or path == _URI or path.startswith(f"{_ECS}/")

    def body_limit(self, _http: HttpRequest) -> int:
        """Return how many bytes of body to read after the head of a request."""
        return MAX_BODY_BYTES

    def unreadable(self, problem: str) -> HttpResponse:
        """Return the last answer on a connection, to a request whose body could not be read."""
        return HttpResponse(400, "text/plain", "", problem.encode())

    async def answer(self, http: HttpRequest) -> ControlResponse:
        """Answer one request for which `answers` holds; never raises for what a client sent."""
        path, metadata = unquote(http.origin[0]), is_metadata(http)
        try:
            self._check_origin(http)
            if path == _URI:
                return self._credentials_uri(http)
            return self._metadata(http, path if metadata else path.removeprefix(_ECS))
        except ControlProblem as refusal:
            return ControlResponse(refusal.status, str(refusal).encode(), content_type="text/plain")

    def _check_origin(self, http: HttpRequest) -> None:
        if problem := self._guard(http):
            raise ControlProblem(403, f"This request is refused: {problem}")

    # -- ECS metadata -------------------------------------------------------------------------------------------------

    def _metadata(self, http: HttpRequest, path: str) -> ControlResponse:
        if path == _TOKEN:
            return self._new_token(http)
        if http.method != "GET":
            raise ControlProblem(405, "Instance metadata is read with GET.")
        self._check_token(http.headers.get(_TOKEN_HEADER))
        account = self._store.default_account
        if path.startswith(_CREDENTIALS):
            name = path.removeprefix(_CREDENTIALS).strip("/")
            trusting = self._roles_of_instances(account)
            if not name and trusting:
                return _text(next(iter(trusting)))
            if name not in trusting:
                known = ", ".join(trusting) or "none"
                raise ControlProblem(404, f"No such role for ECS instances in the fixture files; there is {known}.")
            order = SessionOrder(account, name, INSTANCE_ID, _SESSION_SECONDS)
            session = self._session(order, _FRESH_SECONDS)
            return _json({**_credentials(session), "LastUpdated": iso(session.issued)})
        values = {
            "/latest/meta-data/instance-id": INSTANCE_ID,
            "/latest/meta-data/owner-account-id": account,
            "/latest/meta-data/region-id": self._store.default_region,
        }
        if path not in values:
            raise ControlProblem(404, "kms-mock has no such instance metadata.")
        return _text(values[path])

    def _roles_of_instances(self, account: str) -> dict[str, Role]:
        """Return the roles that ECS instances may have: those that trust ECS, or have no trust policy."""
        home = self._store.existing(account, "")
        found = {} if home is None else {role.name: role for role in home[roles].values()}
        return {name: role for name, role in found.items() if not ecs_refusal(account, role)}

    def _new_token(self, http: HttpRequest) -> ControlResponse:
        if http.method != "PUT":
            raise ControlProblem(405, "A token is asked for with PUT.")
        seconds = http.headers.get(_TTL_HEADER, "")
        if not (seconds.isascii() and seconds.isdigit() and len(seconds) <= len(str(_MAX_TTL))):
            raise ControlProblem(400, f"{_TTL_HEADER} is a number of seconds.")
        if not 1 <= int(seconds) <= _MAX_TTL:
            raise ControlProblem(400, f"{_TTL_HEADER} is 1 to {_MAX_TTL}.")
        expiry = int(self._sources.now() + int(seconds)).to_bytes(8, "big")
        return _text(base64.urlsafe_b64encode(expiry + self._mac(expiry)).decode())

    def _check_token(self, token: str | None) -> None:
        """Check the token of the hardened mode; without one a request is in normal mode."""
        if token is None:
            return
        try:
            sent = base64.b64decode(token, altchars=b"-_", validate=True)
        except ValueError:
            sent = b""
        expiry = sent[:8]
        if not hmac.compare_digest(sent[8:], self._mac(expiry)) or int.from_bytes(expiry, "big") <= self._sources.now():
            raise ControlProblem(403, "The metadata token is not one of this server, or it has expired.")

    def _mac(self, expiry: bytes) -> bytes:
        self._token_key = self._token_key or self._sources.random_bytes(32)
        return hmac.digest(self._token_key, expiry, "sha256")[:_MAC_BYTES]

    # -- credentials URI ----------------------------------------------------------------------------------------------

    def _credentials_uri(self, http: HttpRequest) -> ControlResponse:
        if http.method != "GET":
            raise ControlProblem(405, "Credentials are read with GET.")
        query = dict(parse_qsl(http.origin[1]))
        account = query.get("account", self._store.default_account)
        home = self._store.existing(account, "")
        known = [] if home is None else list(home[roles])
        name = query.get("role") or (known[0] if len(known) == 1 else "")
        if name not in known:
            raise ControlProblem(
                404, f"Name a role of the fixture files with ?role=; there is {', '.join(known) or 'none'}."
            )
        order = SessionOrder(account, name, "credentials-uri", _URI_SECONDS)
        return _json(_credentials(self._session(order, _FRESH_SECONDS)))

    def _session(self, order: SessionOrder, margin: float) -> Session:
        """Return the session that a role has, or a new one when it does not last `margin` seconds more."""
        now = self._sources.now()
        session = lasting_session(self._store, order, now + margin)
        if session is None:
            try:
                session = self._commit(lambda: issue_session(self._store, order, now))
            except StateError as error:
                raise ControlProblem(500, str(error)) from error
            self._store.commit()  # no request of the API caused them
        return session


def _credentials(session: Session) -> dict[str, str]:
    return {
        "Code": "Success",
        "AccessKeyId": session.id,
        "AccessKeySecret": session.secret,
        "SecurityToken": session.token,
        "Expiration": iso(session.expires),
    }


def _text(text: str) -> ControlResponse:
    return ControlResponse(200, text.encode(), content_type="text/plain")


def _json(document: Mapping[str, str]) -> ControlResponse:
    return ControlResponse(200, msgspec.json.encode(document))
