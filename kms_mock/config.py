"""What a server is started with."""

from __future__ import annotations

import re
from pathlib import Path

from msgspec import Struct

from kms_mock.defaults import DEFAULT_ACCOUNT, DEFAULT_REGION, JOURNAL_BYTES, REGION
from kms_mock.regex import regex

_ACCOUNT = regex("[0-9]{1,20}")


class Config(Struct, frozen=True):
    """The options of a server.

    With a `region` the server is that region's endpoint; without one (None) requests choose, and those that name none
    are in the default region. `region_ports` are further ports, each the endpoint of a region; 0 takes a free one.
    `account` is that of AccessKeys that no fixture file names. `header_timeout` is how many seconds a client may take
    from connecting (or from its first byte on a kept connection) to the end of a request; `idle_timeout` how many a
    kept connection may stay idle. `journal` is how many calls are remembered, `journal_bytes` how many bytes of
    memory they may take. `control_remote` lets other machines use the control API, `reveal_secrets` lets it show secret
    values and key material. `allow_hosts` are further host names that the API answers to, `control_hosts` those that
    the control API answers to as well. Without a `lane` every request is answered in a task of aiohttp's, as those are that
    are not plain (`server/lane.py`): tests compare the two.

    `tls_cert` and `tls_key` are PEM files of a certificate to use instead of those that the mock makes. `ca_dir` is the
    folder of its certificate authority; without one, `keep_ca` keeps it in the user's state folder, else it lives as
    long as the process. `proxy_remote` lets other machines use the proxy; `tunnel_timeout` is how many seconds a tunnel
    may stay silent.

    `state` is the file that keeps the store and the clock from one start to the next; with a `state_passphrase_file` its
    records are encrypted under the passphrase in that file.
    """

    host: str = "127.0.0.1"
    port: int = 0
    region: str | None = None
    account: str = DEFAULT_ACCOUNT
    seed: int | None = None
    header_timeout: float = 20.0
    idle_timeout: float = 75.0
    journal: int = 1000
    journal_bytes: int = JOURNAL_BYTES
    control_remote: bool = False
    reveal_secrets: bool = False
    tls_cert: Path | None = None
    tls_key: Path | None = None
    ca_dir: Path | None = None
    keep_ca: bool = False
    proxy_remote: bool = False
    tunnel_timeout: float = 600.0
    region_ports: tuple[tuple[str, int], ...] = ()
    allow_hosts: tuple[str, ...] = ()
    control_hosts: tuple[str, ...] = ()
    lane: bool = True
    state: Path | None = None
    state_passphrase_file: Path | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for a region or account that no ARN could name, and for options that contradict each other."""
        listeners = self.listeners
        for region, _ in listeners:
            if region is not None:
                check_region(region)
        if len(listeners) > 1:
            for given, what in ((0, "region"), (1, "port")):
                values = [listener[given] for listener in listeners if listener[given]]
                if len(values) != len(set(values)):
                    raise ValueError(f"two listeners have the same {what}")
        if not _ACCOUNT.fullmatch(self.account):
            raise ValueError(f"{self.account!r} is not an account, which is written like {DEFAULT_ACCOUNT}")
        if self.tls_key is not None and self.tls_cert is None:
            raise ValueError("a TLS key comes with its certificate")
        self._check_state()
        for name in (*self.allow_hosts, *self.control_hosts):
            if not re.fullmatch("[A-Za-z0-9_.-]+", name):
                raise ValueError(f"{name!r} is not a host name: write it without scheme and port")

    def _check_state(self) -> None:
        if self.state_passphrase_file is not None and self.state is None:
            raise ValueError("a passphrase file is for a state file: name that too")
        if self.seed is not None and self.state is not None:
            raise ValueError("a seed repeats the ids of the last run, which a state file holds: use one of them")

    @property
    def default_region(self) -> str:
        """The region of fixtures and requests that name none."""
        return self.region or DEFAULT_REGION

    @property
    def listeners(self) -> tuple[tuple[str | None, int], ...]:
        """The region and port of each listener, the main one first; region None: requests choose theirs."""
        return ((self.region, self.port), *self.region_ports)

    def endpoint(self, port: int) -> str:
        """`host:port` as URLs have it: an IPv6 address is in brackets."""
        return f"[{self.host}]:{port}" if ":" in self.host else f"{self.host}:{port}"


def check_region(region: str) -> None:
    """Raise ValueError for what cannot be the name of a region."""
    if not re.fullmatch(REGION, region):
        raise ValueError(f"{region!r} is not a region, which is written like {DEFAULT_REGION}")
