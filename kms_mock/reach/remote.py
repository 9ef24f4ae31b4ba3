"""Interception towards a mock in another process, as the environment describes it (`kms-mock run`, `kms-mock env`)."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, cast

from kms_mock.reach.replacing import LateImports

if TYPE_CHECKING:
    from kms_mock.mock import KmsMock


def intercept_later() -> None:
    """Turn interception on as soon as this process imports `socket`: what never does, does not wait for it.

    Where `ssl` is what imports `socket`, it waits for the end of that: interception uses `ssl` itself.
    """
    if "KMS_MOCK_URL" not in os.environ or "KMS_MOCK_CA_FILE" not in os.environ:
        return

    def imported(_: str) -> None:  # pragma: no cover (what measures has imported socket before)
        if "ssl" not in late.executing:
            start(late)

    late = LateImports(["socket", "ssl"], imported)
    if "socket" in sys.modules:  # by a .pth file, say: those run before sitecustomize
        start(late)
    else:  # pragma: no cover (as above)
        late.install()


def start(late: LateImports) -> None:
    """Turn it on, unless sockets are not the standard library's: then the proxies must do."""
    late.remove()
    from pathlib import Path  # noqa: PLC0415 (see `intercept_later`: also the other ones)
    from urllib.parse import urlsplit  # noqa: PLC0415

    from kms_mock.config import Config  # noqa: PLC0415
    from kms_mock.reach.environment import EnvironmentChange  # noqa: PLC0415
    from kms_mock.reach.intercept import Interception  # noqa: PLC0415

    url = urlsplit(os.environ["KMS_MOCK_URL"])
    certificate = Path(os.environ["KMS_MOCK_CA_FILE"])

    class RemoteMock:
        """What interception needs to know of a mock."""

        config = Config(host=url.hostname or "127.0.0.1")
        port = url.port
        is_running = True

        @property
        def ca_pem(self) -> str:
            """The certificate of its authority."""
            return certificate.read_text("utf-8")

        def close_kept_connections(self) -> None:
            """Leave them: they are of the clients that this process started with."""

    try:
        interception = Interception(cast("KmsMock", RemoteMock()))
        # The environment is that of `kms-mock run` already. Its proxies stay, for programs that this one starts.
        interception.environment = EnvironmentChange({})
        interception.start()
    except (RuntimeError, ValueError):  # gevent, say, or a mock at an IPv6 address
        return
