"""Who sent a request: its AccessKey id, its signature, and that it was not sent before.

The caller is always the signer, because `decode` and the verification find the AccessKey id with the same function
(`signed_request.signer_in`). Where signatures are ignored, that id is believed as it stands.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from msgspec import Struct

from kms_mock.identity.accounts import (
    AccessKey,
    AuthenticationSettings,
    Caller,
    account_of_access_key,
    accounts,
    authentication_settings,
)
from kms_mock.identity.callers import known_caller, session_caller
from kms_mock.identity.sessions import PREFIX, Session, has_token_form, sessions
from kms_mock.rpc import errors, signature
from kms_mock.rpc.canonical import RsaVerifier
from kms_mock.rpc.decode import ApiRequest, signed_request
from kms_mock.rpc.signed_request import SignedRequest, deciding, nonce_of, quoted, signer_in, timestamp_of
from kms_mock.sources import Sources
from kms_mock.store.store import Store
from kms_mock.store.times import iso
from kms_mock.suggestions import did_you_mean

NONCE_LIMIT = 100_000  # nonces remembered at most: about 17 MB
MOST_CALLERS = 1000  # remembered at once: clients choose the ids, so there must be an end
_LONGEST_ID = 128  # characters of an id that is remembered

_REFUSALS: dict[signature.Kind, errors.ErrorSpec] = {
    "missing-access-key": errors.MISSING_PARAMETER,
    "incomplete": errors.INCOMPLETE_SIGNATURE,
    "missing-timestamp": errors.ILLEGAL_TIMESTAMP,
    "expired": errors.TIMESTAMP_EXPIRED,
    "unknown-access-key": errors.INVALID_ACCESS_KEY_ID,
    "missing-security-token": errors.MISSING_SECURITY_TOKEN,
    "mismatch": errors.SIGNATURE_DOES_NOT_MATCH,
}


class ClientKeys(Struct, frozen=True):
    """The key pairs that a product issues for signing requests to its API of one version, and to no other.

    Their ids start with `prefix`. `caller` returns who signs with one at a time, in Unix seconds, and raises ApiError for
    an unknown or invalid one; `public_key` returns what `verify` takes (RSASSA-PKCS1-v1_5 with SHA-256), None for none.
    """

    version: str
    prefix: str
    caller: Callable[[Store, str, float], Caller]
    public_key: Callable[[Store, str], bytes | None]
    verify: RsaVerifier


class NonceMemory:
    """Remembers nonces until the signature that used them expires, the latest `limit` of them.

    At the limit the oldest one is forgotten, so that a client is never refused for what others sent; its request could
    then be replayed until it expires. Of a nonce only a hash of 64 bits is kept, whatever its length.
    """

    def __init__(self, limit: int = NONCE_LIMIT) -> None:
        self._limit = limit
        self._expiry: dict[int, float] = {}
        self._order: deque[int] = deque()  # a dict finds its first key in linear time after many deletions

    def __len__(self) -> int:
        return len(self._order)

    def add(self, access_key_id: str, nonce: str, expiry: float, now: float) -> bool:
        """Remember a nonce until `expiry`; return False if it is remembered already. Times are in epoch seconds."""
        key, known, order = hash((access_key_id, nonce)), self._expiry, self._order
        if known.get(key, now - 1) >= now:
            return False
        while order and (len(order) >= self._limit or known[order[0]] < now):
            del known[order.popleft()]
        if key not in known:
            order.append(key)
        known[key] = expiry
        return True

    def clear(self) -> None:
        """Forget everything."""
        self._expiry.clear()
        self._order.clear()


class Authenticator:
    """Finds the caller of each request of one server. Its only state is the memory of nonces.

    Who calls with the AccessKey pair of an account follows from records alone, so that is remembered until one changes.
    """

    def __init__(self, store: Store, sources: Sources, client_keys: ClientKeys | None = None) -> None:
        self._store = store
        self._sources = sources
        self._client_keys = client_keys
        self._issued_prefixes = (PREFIX, client_keys.prefix) if client_keys else (PREFIX,)
        self._nonces = NonceMemory()
        self._callers: dict[str, Caller] = store.account_cache()
        self._settings: dict[str, AuthenticationSettings] = store.account_cache()
        self._keys = signature.Keys(
            secret=self._secret,
            public_key=self._public_key,
            verify_rsa=client_keys.verify if client_keys else None,
        )

    def authenticate(self, request: ApiRequest) -> Caller:
        """Return the caller. Raises ApiError: a malformed, unknown or inactive AccessKey id, a bad signature, a replay."""
        access_key_id = request.access_key_id
        caller = self._callers.get(access_key_id)
        if caller is None and access_key_id != access_key_id.strip():
            raise errors.INVALID_ACCESS_KEY_ID_PARAMETER(
                "There are blanks around the AccessKey id.", name="AccessKeyId"
            )
        settings = self._settings.get("") or self._settings.setdefault("", authentication_settings(self._store))
        if settings.verify_signatures:
            access_key_id = self._verify(signed_request(request.http, request))
            caller = self._callers.get(access_key_id)
        return caller or self._caller(request, access_key_id, known_only=settings.refuse_unknown_access_keys)

    def reset(self) -> None:
        """Forget the nonces: what was sent before may be sent again."""
        self._nonces.clear()

    def _verify(self, request: SignedRequest) -> str:
        """Check the signature of a request, and that it was not sent before; return the AccessKey id of the signer."""
        now, access_key_id = self._sources.real_now(), request.access_key_id
        problem = signature.check(request, self._keys, now)
        if problem is not None:
            # The string to sign holds parameter values: it goes to the client, never into a log.
            refusal, reason = _REFUSALS[problem.kind], problem.reason
            if problem.kind == "unknown-access-key" and request.scheme != "SHA256withRSA":
                reason = self._no_secret(access_key_id)
            raise refusal(reason, name="AccessKeyId", detail=problem.string_to_sign)
        nonce = nonce_of(request)
        if nonce is None:
            return access_key_id
        expiry = (timestamp_of(request) or now) + signature.TOLERANCE
        if not self._nonces.add(access_key_id, nonce, expiry, now):
            raise errors.SIGNATURE_NONCE_USED(
                "A request with this nonce was answered, and its signature is still good."
            )
        return access_key_id

    def _caller(self, request: ApiRequest, access_key_id: str, *, known_only: bool) -> Caller:
        account = account_of_access_key(self._store, access_key_id)
        if account is not None:
            access_key = account.access_keys[access_key_id]
            if not access_key.active:
                raise errors.ACCESS_KEY_INACTIVE(f"AccessKey {access_key_id} is not active in the fixture file.")
            return self._remember(known_caller(self._store, account.id, access_key))
        is_issued = access_key_id.startswith(self._issued_prefixes)
        if is_issued:
            issued_to = self._caller_of_issued(request, access_key_id)
            if issued_to is not None:
                return issued_to
        if known_only:
            raise errors.INVALID_ACCESS_KEY_ID(self._unknown(access_key_id, "unknown_access_keys: refuse"))
        caller = Caller(self._store.default_account, AccessKey(access_key_id))
        return caller if is_issued else self._remember(caller)  # it may be issued yet, to somebody else

    def _remember(self, caller: Caller) -> Caller:
        access_key_id = caller.access_key.id
        if len(access_key_id) <= _LONGEST_ID:
            if len(self._callers) >= MOST_CALLERS:
                self._callers.clear()
            self._callers[access_key_id] = caller
        return caller

    def _caller_of_issued(self, request: ApiRequest, access_key_id: str) -> Caller | None:
        """Return who a session or a client key was issued to, None for an id that was not. Raises ApiError."""
        session = self._session(access_key_id)
        if session is not None:
            self._check_session(session, request)
            return session_caller(self._store, session)
        client_keys = self._client_keys
        if client_keys is None or not access_key_id.startswith(client_keys.prefix):
            return None
        if request.version != client_keys.version:
            raise errors.INVALID_ACCESS_KEY_ID("A client key signs requests to the product that issued it only.")
        return client_keys.caller(self._store, access_key_id, self._sources.now())

    def _check_session(self, session: Session, request: ApiRequest) -> None:
        """Check that a session's token came along, and that it has not expired by the mock's clock."""
        headers, parameters = request.http.headers, request.parameters
        scheme, _ = signer_in(headers, parameters)
        token = deciding(scheme, headers.get("x-acs-security-token"), parameters.get("SecurityToken"))
        if not token:
            raise errors.MISSING_SECURITY_TOKEN(f"AccessKey id {session.id} is temporary: it needs its security token.")
        if token != session.token:
            if has_token_form(token):
                raise errors.SECURITY_TOKEN_MISMATCH(f"The security token belongs to another one than {session.id}.")
            raise errors.SECURITY_TOKEN_MALFORMED("The security token is not one that this server issues.")
        now = self._sources.now()
        if session.expires <= now:
            raise errors.SECURITY_TOKEN_EXPIRED(f"The credentials expired at {iso(session.expires)}; it is {iso(now)}.")

    def _session(self, access_key_id: str) -> Session | None:
        return self._store.server[sessions].get(access_key_id)

    def _no_secret(self, access_key_id: str) -> str:
        """Return why there is no secret to verify a signature with."""
        if self._access_key(access_key_id) is not None:
            return f"AccessKey {access_key_id} has no secret in the fixture file to verify with."
        settings = authentication_settings(self._store)
        refuse = "unknown_access_keys: refuse and " if settings.refuse_unknown_access_keys else ""
        return self._unknown(access_key_id, f"{refuse}signatures: verify")

    def _unknown(self, access_key_id: str, setting: str) -> str:
        """Return why an id that no fixture file names is refused: by which setting, and the nearest known id."""
        known = (name for account in self._store.server[accounts].values() for name in account.access_keys)
        suggestion = did_you_mean(access_key_id, known) or "."
        return f"No AccessKey id {quoted(access_key_id)} is in a fixture file, which has {setting}{suggestion}"

    def _access_key(self, access_key_id: str) -> AccessKey | None:
        account = account_of_access_key(self._store, access_key_id)
        return None if account is None else account.access_keys[access_key_id]

    def _secret(self, access_key_id: str) -> str | None:
        access_key = self._access_key(access_key_id) or self._session(access_key_id)
        return None if access_key is None else access_key.secret

    def _public_key(self, client_key_id: str) -> bytes | None:
        return self._client_keys.public_key(self._store, client_key_id) if self._client_keys else None
