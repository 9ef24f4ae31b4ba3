"""What a server is started with."""

from __future__ import annotations

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
    a kept connection may stay silent.
    """

    host: str = "127.0.0.1"
    port: int = 0
    region: str = DEFAULT_REGION
    account: str = DEFAULT_ACCOUNT
    seed: int | None = None
    header_timeout: float = 20.0
    idle_timeout: float = 75.0
