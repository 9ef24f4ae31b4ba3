"""The certificate authorities of the machine, which a command that is only a server has no use for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

_VARIABLE = "SSL_CERT_FILE"  # OpenSSL, SSL_CTX_set_default_verify_paths(3)


@contextmanager
def no_authorities() -> Iterator[None]:
    """Import aiohttp without the file of authorities, which it reads twice for its client: about 50 ms.

    Nothing here uses that client. It is for the process of a command, never for that of a test, whose own code may.
    """
    former = os.environ.get(_VARIABLE)
    os.environ[_VARIABLE] = os.devnull
    try:
        yield
    finally:
        if former is None:
            del os.environ[_VARIABLE]
        else:
            os.environ[_VARIABLE] = former
