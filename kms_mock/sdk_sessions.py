"""The HTTP sessions that the official SDK keeps for each endpoint until its process ends.

The SDK (darabonba-core) has no public way to supply or close one, so this is the only module that touches its private
table. Should a release of the SDK change it, nothing is found here and the SDK works as it would without.
"""

from __future__ import annotations

import contextlib
import sys
from typing import Any


def open_session(endpoint: str) -> None:
    """Spare the SDK the TLS context that it makes for every endpoint: 25 ms a mock, and all is plain HTTP here."""
    core: Any = sys.modules.get("darabonba.core")
    with contextlib.suppress(AttributeError):
        key, size = f"http://{endpoint}:80:pool={core.DEFAULT_POOL_MAXSIZE}", core.DEFAULT_POOL_MAXSIZE
        if key not in _sessions():
            session = core.Session()
            session.mount("http://", core.adapters.HTTPAdapter(pool_maxsize=size))
            _sessions()[key] = session


def close_sessions(endpoint: str) -> None:
    """Close the SDK's sessions for an endpoint.

    A run with a mock for every test would have no file descriptors left after a thousand tests, on macOS after 250.
    """
    sessions = _sessions()
    for key in [key for key in list(sessions) if f"://{endpoint}:" in key]:
        session = sessions.pop(key, None)  # another thread may have closed it
        if session is not None:
            session.close()


def _sessions() -> dict[str, Any]:
    sessions: dict[str, Any] = getattr(getattr(sys.modules.get("darabonba.core"), "DaraCore", None), "_sessions", {})
    return sessions
