"""Which hosts a proxy answers for, which it refuses, and which it connects to."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from enum import Enum
from functools import lru_cache
from urllib.parse import urlsplit

LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
METADATA_HOST = "100.100.100.200"  # where an ECS instance finds the credentials of its RAM role

ALIBABA_CLOUD = (
    "aliyuncs.com",
    "aliyun.com",
    "aliyun-inc.com",
    "alibabacloud.com",
    "alibabacloudcs.com",
    "aliyuncsslb.com",
)
# Mirrors of package indexes: they serve files to anybody, and builds in mainland China depend on them.
MIRRORS = frozenset({"mirrors.aliyun.com", "maven.aliyun.com", "mirrors.aliyuncs.com", "mirrors.cloud.aliyuncs.com"})


class Place(Enum):
    """Where requests for a host are answered."""

    HERE = "here"
    REFUSED = "refused"  # another product of Alibaba Cloud
    ELSEWHERE = "elsewhere"


class Hosts:
    """Tells hosts apart for one server. `is_mocked` knows the public names of the mocked products."""

    def __init__(self, is_mocked: Callable[[str], bool], host: str) -> None:
        self._is_mocked = is_mocked
        self._host = host.lower()
        self.ports: set[int] = set()  # those that the server listens on

    def place(self, host: str, port: int) -> Place:
        """Return where requests for a host and port are answered."""
        if self._is_mocked(host) or host == METADATA_HOST or self.is_self(host, port):
            return Place.HERE
        if is_alibaba_cloud(host) and host not in MIRRORS:
            return Place.REFUSED
        return Place.ELSEWHERE

    def is_self(self, host: str, port: int) -> bool:
        """Return whether a host and port are this server's own, as far as that can be known without a look-up."""
        return port in self.ports and (host in ("localhost", self._host) or is_loopback(host))


def is_alibaba_cloud(host: str) -> bool:
    """Return whether a host, in lower case, belongs to Alibaba Cloud."""
    return host.endswith(ALIBABA_CLOUD) and any(
        host == domain or host.endswith(f".{domain}") for domain in ALIBABA_CLOUD
    )


@lru_cache(64)  # every server asks for its own address, and a control request for its client's
def is_loopback(address: str | None) -> bool:
    """Return whether an address is this machine's own; None is a client that has gone already."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return (mapped or found).is_loopback


def split_authority(authority: str, default_port: int | None = None) -> tuple[str, int]:
    """Return host (lower case, without brackets and the last dot) and port of `host:port`. Raises ValueError."""
    if "@" in authority:  # never quoted: a password may be before it
        raise ValueError("a host comes without a user's name and password")
    parts = urlsplit(f"//{authority}")
    port = parts.port if parts.port is not None else default_port
    if not parts.hostname or not port or parts.path or parts.query or parts.fragment:
        raise ValueError(f"{authority[:80]!r} is not a host and a port")
    return parts.hostname.removesuffix("."), port


def refusal_text(host: str) -> str:
    """Return what clients of other products are told."""
    return f"kms-mock does not mock {host[:253]}; nothing was sent to Alibaba Cloud"
