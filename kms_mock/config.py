"""What a server is started with."""

from __future__ import annotations

import re
from dataclasses import dataclass

DEFAULT_PORT = 4588
DEFAULT_REGION = "cn-hangzhou"
DEFAULT_ACCOUNT = "1234567890123456"
MAX_BODY_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Config:
    """The options of a server.

    `region` and `account` are those of a request that names neither. `header_timeout` is how many seconds a client may
    take from connecting (or from its first byte on a kept connection) to the end of a request; `idle_timeout` how many
    a kept connection may stay silent. `journal` is how many calls are remembered. `control_remote` lets other machines
    use the control API, `reveal_secrets` lets it show secret values and key material.
    """

    host: str = "127.0.0.1"
    port: int = 0
    region: str = DEFAULT_REGION
    account: str = DEFAULT_ACCOUNT
    seed: int | None = None
    header_timeout: float = 20.0
    idle_timeout: float = 75.0
    journal: int = 1000
    control_remote: bool = False
    reveal_secrets: bool = False

    def __post_init__(self) -> None:
        """Raise ValueError for a region or account that no ARN could name."""
        if not re.fullmatch("[a-z0-9-]{1,64}", self.region):
            raise ValueError(f"{self.region!r} is not a region, which is written like {DEFAULT_REGION}")
        if not re.fullmatch("[0-9]{1,20}", self.account):
            raise ValueError(f"{self.account!r} is not an account, which is written like {DEFAULT_ACCOUNT}")

    def endpoint(self, port: int) -> str:
        """`host:port` as URLs have it: an IPv6 address is in brackets."""
        return f"[{self.host}]:{port}" if ":" in self.host else f"{self.host}:{port}"
