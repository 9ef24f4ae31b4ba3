"""What keeps web pages, and for the control API other machines, from a server.

A browser sends a page's requests to any address, so a server on this machine is not out of a page's reach. It shows
where they come from in `Origin` and `Sec-Fetch-Site`, or, when the page's own name was made to resolve to this machine
(DNS rebinding), in `Host`. Programs send neither of the first two.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from kms_mock.config import Config
from kms_mock.rpc.decode import HttpRequest
from kms_mock.server.hosts import LOCAL_NAMES, is_loopback

# Domains in which nobody can register a name: RFC 6761, RFC 6762, ICANN's for private use, Kubernetes' short form.
_PRIVATE_DOMAINS = (".localhost", ".local", ".internal", ".svc")
_SCHEME = re.compile(r"https?://", re.IGNORECASE)
_NUMBER = re.compile("[0-9]+|0x[0-9a-f]*")
_MAX_NAME = 255
_MAX_REMEMBERED = 64
_OTHER_ORIGIN = "it comes from a web page of another origin."


class ProductGuard:
    """Decides whether a server answers an API request: `guard(http)` returns why not, "" if it does.

    `hosts` are the patterns of the public host names of the mocked products.
    """

    def __init__(self, config: Config, hosts: Iterable[re.Pattern[str]]) -> None:
        self._hosts = tuple(hosts)
        self._names = {config.host.lower(), *map(_plain, (*config.allow_hosts, *config.control_hosts))}
        self._any_name = not _is_guarded(config.host)
        self._welcome: set[str] = set()  # Host headers that were accepted: clients send few different ones

    def __call__(self, http: HttpRequest) -> str:
        """Return why a request is refused."""
        headers = http.headers
        if ("Sec-Fetch-Site" in headers or "Origin" in headers) and is_foreign_page(headers):
            return _OTHER_ORIGIN
        host = headers.get("Host", "")
        if self._any_name or host in self._welcome:
            return ""
        name = host_name(host)
        if name is None:
            return "its Host header cannot be read."
        if not self._accepts(name):
            return (
                f"the host name {name[:80]!r} may be a web page's (DNS rebinding); if it is yours, start the server "
                f"with --allow-host {name[:80]}."
            )
        if len(host) <= _MAX_NAME and len(self._welcome) < _MAX_REMEMBERED:
            self._welcome.add(host)
        return ""

    def _accepts(self, name: str) -> bool:
        return (
            "." not in name
            or name in self._names
            or name.endswith(_PRIVATE_DOMAINS)
            or is_address(name)
            or _NUMBER.fullmatch(name.rpartition(".")[2]) is not None  # 127.1: an address to browsers, too
            or any(pattern.fullmatch(name) for pattern in self._hosts)
        )


class ControlGuard:
    """Decides whether the control API answers a request: `guard(http)` returns why not, "" if it does."""

    def __init__(self, config: Config) -> None:
        self._remote = config.control_remote
        self._names = {*LOCAL_NAMES, config.host.lower(), *map(_plain, config.control_hosts)}

    def __call__(self, http: HttpRequest) -> str:
        """Return why a request is refused."""
        if not self._remote and not is_loopback(http.peer):
            return "the control API answers only to this machine; see --control-remote"
        name = host_name(http.headers.get("Host", ""))
        if not name or not self._accepts(name, http.headers):
            return (
                f"the control API does not answer to the host name {(name or '')[:80]!r}; "
                "see --control-host and --control-remote"
            )
        if is_foreign_page(http.headers):
            return "the control API does not answer to web pages of other origins"
        return ""

    def _accepts(self, name: str, headers: Mapping[str, str]) -> bool:
        if name in self._names:
            return True
        return self._remote and (is_address(name) or not ("Origin" in headers or "Sec-Fetch-Site" in headers))


def is_foreign_page(headers: Mapping[str, str]) -> bool:
    """Return whether a browser sent a request for a page that did not come from this very server."""
    if headers.get("Sec-Fetch-Site", "none").lower() not in ("none", "same-origin"):
        return True
    origin = headers.get("Origin")
    if origin is None:
        return False
    try:
        source = urlsplit(origin).netloc.lower()
    except ValueError:
        return True
    return not source or source != _SCHEME.sub("", headers.get("Host", ""), count=1).lower()


def host_name(host: str) -> str | None:
    """Return the name or address in a Host header, in lower case, "" if there is none; None if it cannot be read.

    Some SDKs write their whole endpoint there, scheme included (clients.md 2.7).
    """
    if "@" in host or "\\" in host:  # no client writes a user's name there, and what is before it may be another host
        return None
    try:
        return _plain(urlsplit("//" + _SCHEME.sub("", host, count=1)).hostname or "")
    except ValueError:
        return None


def is_address(name: str) -> bool:
    """Return whether a host is a plain IP address: no foreign name can be bound to one by DNS."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_guarded(host: str) -> bool:
    """Return whether names in Host are checked: not if the server listens on an address that other machines reach.

    A name to listen on may stand for loopback, so it counts as that.
    """
    return host != "" and (is_loopback(host) or not is_address(host))


def _plain(name: str) -> str:
    return name.lower().removesuffix(".")
