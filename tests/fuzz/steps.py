"""What a campaign does to a mock, as data: every step can be printed, and done again."""

from __future__ import annotations

import hashlib
from functools import cache
from urllib.parse import quote, urlencode

from msgspec import Struct
from msgspec.structs import replace
from multidict import CIMultiDict, CIMultiDictProxy

from kms_mock import KmsMock
from kms_mock.rpc.decode import HttpRequest, signed_request
from kms_mock.rpc.errors import ApiError
from kms_mock.rpc.signature import expected_signature
from kms_mock.rpc.signed_request import PARAMETER_SCHEMES
from tests.support.dedicated import InstanceClient, client_key_contents
from tests.support.raw_http import FORM
from tests.support.signing import stamp

Pairs = tuple[tuple[str, str], ...]


class ApiStep(Struct, frozen=True, omit_defaults=True):
    """One API request. `parameters` are its own, `system` what travels with them, Action and Version left out.

    `scheme` is how it is signed ("" not at all), with the secret `secret`; a `break_signature` changes the signature.
    """

    operation: str
    version: str
    parameters: Pairs
    system: Pairs = ()
    headers: Pairs = ()
    method: str = "POST"
    path: str = "/"
    in_form: bool = False
    action_in_header: bool = False
    scheme: str = ""
    access_key_id: str = ""
    secret: str = ""
    break_signature: bool = False

    def http(self) -> HttpRequest:
        """Return the request as it comes out of a connection."""
        named = (("Action", self.operation), ("Version", self.version))
        headers = {"Host": "127.0.0.1", **dict(self.headers)}
        if self.action_in_header:
            headers |= {"x-acs-action": self.operation, "x-acs-version": self.version}
        own = (*(() if self.action_in_header else named), *self.system)
        if self.scheme in PARAMETER_SCHEMES:
            return self._signed_rpc(own, headers)
        if self.scheme:
            return self._signed_acs(own, headers)
        if self.access_key_id:
            own = (*own, ("AccessKeyId", self.access_key_id))
        return self._unsigned(own, headers)

    def _unsigned(self, own: Pairs, headers: dict[str, str]) -> HttpRequest:
        query, body = _encoded((*own, *self.parameters)), b""
        if self.in_form:
            query, body = _encoded(own), _encoded(self.parameters).encode()
            headers = {"Content-Type": FORM, **headers}
        found = CIMultiDictProxy(CIMultiDict(headers))
        return HttpRequest(self.method, f"{self.path}?{query}", found, body, peer="127.0.0.1")

    def _signed_rpc(self, own: Pairs, headers: dict[str, str]) -> HttpRequest:
        own = (
            *own,
            ("AccessKeyId", self.access_key_id),
            ("SignatureMethod", self.scheme),
            ("SignatureVersion", "1.0"),
            ("Timestamp", stamp()),
        )
        http = self._unsigned(own, headers)
        return replace(http, target=f"{http.target}&{_encoded((('Signature', self._signature(http)),))}")

    def _signed_acs(self, own: Pairs, headers: dict[str, str]) -> HttpRequest:
        now = stamp()
        scope = f"/{now[:10].replace('-', '')}/cn-hangzhou/Kms/aliyun_v4_request" if self.scheme == "ACS4" else ""
        body = _encoded(self.parameters).encode() if self.in_form else b""
        covered = {"x-acs-date": now, "x-acs-content-sha256": "", **headers}
        covered["x-acs-content-sha256"] = hashlib.sha256(body).hexdigest()
        if self.in_form:
            covered.setdefault("Content-Type", FORM)
        names = ";".join(sorted({name.lower() for name in covered}))
        start = f"{self.scheme}-HMAC-SHA256 Credential={self.access_key_id}{scope},SignedHeaders={names},Signature="
        http = self._unsigned(own, {**covered, "Authorization": start})
        signed = CIMultiDict(http.headers)
        signed["Authorization"] += self._signature(http)
        return replace(http, headers=CIMultiDictProxy(signed))

    def _signature(self, http: HttpRequest) -> str:
        try:
            signature = expected_signature(signed_request(http), self.secret).expected
        except ApiError:  # its own form is damaged
            signature = "none"
        return signature[::-1] if self.break_signature else signature


class DedicatedStep(Struct, frozen=True, omit_defaults=True):
    """One request to the gateway of KMS instances; `changes` are headers set before it is signed, or after.

    `client_key` names one of the files of client keys (`tests.support.dedicated`), "" for a request without a signature.
    """

    operation: str
    body: bytes
    client_key: str = "good"
    changes: Pairs = ()
    late_changes: Pairs = ()
    method: str = "POST"

    @property
    def name(self) -> str:
        """The operation that the headers name in the end."""
        changed = [value for name, value in (*self.changes, *self.late_changes) if name == "x-kms-apiname"]
        return changed[-1] if changed else self.operation

    def http(self) -> HttpRequest:
        """Return the request as it comes out of a connection."""
        changes = {name: _as_received(value) for name, value in self.changes}
        if not self.client_key:
            changes["authorization"] = ""
        operation = _as_received(self.operation)
        headers = instance_client(self.client_key or "good").headers(operation, self.body, **changes)
        for name, value in self.late_changes:
            headers[name] = _as_received(value)
        return HttpRequest(self.method, "/", CIMultiDictProxy(headers), self.body, peer="127.0.0.1")


@cache
def instance_client(client_key: str) -> InstanceClient:
    """Return what signs with a client key; it sends nothing."""
    return InstanceClient(KmsMock(), client_key_contents()[client_key])


class EndpointStep(Struct, frozen=True, omit_defaults=True):
    """One request to the endpoints of roles' credentials."""

    method: str
    target: str
    headers: Pairs = (("Host", "100.100.100.200"),)

    def http(self) -> HttpRequest:
        """Return the request as it comes out of a connection."""
        return HttpRequest(self.method, self.target, CIMultiDictProxy(CIMultiDict(self.headers)), b"", peer="127.0.0.1")


class ControlStep(Struct, frozen=True, omit_defaults=True):
    """One request to the control API; `path` is what follows its prefix."""

    method: str
    path: str
    body: bytes = b""
    headers: Pairs = (("Host", "127.0.0.1"), ("Content-Type", "application/json"))


class FixtureStep(Struct, frozen=True, omit_defaults=True):
    """One fixture document that is added to the store; `text` is its JSON."""

    text: str


class WireStep(Struct, frozen=True, omit_defaults=True):
    """Bytes on a connection of their own, in this many writes; then the client closes its side."""

    writes: tuple[bytes, ...]


Step = ApiStep | DedicatedStep | EndpointStep | ControlStep | FixtureStep | WireStep


def _as_received(text: str) -> str:
    """Return the value of a header as a server reads its bytes."""
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape")


def _encoded(pairs: Pairs) -> str:
    return urlencode(pairs, quote_via=quote, errors="surrogatepass")
