"""How commands talk to a running server: its URL, its control API, and what is wrong in words."""

from __future__ import annotations

import json
from http.client import HTTPException
from ssl import SSLCertVerificationError
from typing import Any
from urllib import error as url_error
from urllib import request as url_request
from urllib.parse import urlsplit

import click

from kms_mock import logs
from kms_mock.defaults import DEFAULT_PORT

MAX_TEXT = 4000  # characters of an error
_PATIENCE_SECONDS = 30.0


def server_url(url: str, schemes: tuple[str, ...] = ("http", "https"), option: str = "--url") -> str:
    """Check that a URL names a server and nothing else; return it without a slash at its end. Raises BadParameter."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in schemes and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good or parts.path.strip("/") or parts.query or parts.fragment:
        raise click.BadParameter(f"write it like http://127.0.0.1:{DEFAULT_PORT}", param_hint=option)
    return url.rstrip("/")


def ask_server(url: str, method: str, path: str, document: Any = None) -> bytes:
    """Call the control API of the server at a URL; return its answer. Raises ClickException in words."""
    body = None if document is None else json.dumps(document).encode()
    headers = {} if body is None else {"Content-Type": "application/json"}
    call = url_request.Request(f"{server_url(url)}/_kms_mock/{path}", body, headers, method=method)  # noqa: S310 (see there)
    # Without the environment's proxies: a mock is on this machine.
    opener = url_request.build_opener(url_request.ProxyHandler({}))
    try:
        with opener.open(call, timeout=_PATIENCE_SECONDS) as answer:
            told: bytes = answer.read()
            return told
    except url_error.HTTPError as error:
        problem = _problem(error)
        text = (
            f"no kms-mock at {url}: it answers {error.code}" if problem is None else logs.printable(problem, MAX_TEXT)
        )
        raise click.ClickException(text) from error
    except (OSError, HTTPException) as error:
        reason = error.reason if isinstance(error, url_error.URLError) else error
        if isinstance(reason, SSLCertVerificationError):
            raise click.ClickException(
                f"the certificate of {url} is not trusted; if it is a kms-mock, set SSL_CERT_FILE=$(kms-mock ca)"
            ) from error
        raise click.ClickException(f"no kms-mock at {url}: {reason}") from error


def ask_json(url: str, method: str, path: str, document: Any = None, *, field: str = "") -> Any:
    """Call the control API of the server at a URL; return its answer.

    Raises ClickException in words, also for an answer without `field`: another server may answer in JSON too.
    """
    try:
        found = json.loads(ask_server(url, method, path, document))
    except ValueError as error:
        raise click.ClickException(f"no kms-mock at {url}: it does not answer in JSON") from error
    if field and not (isinstance(found, dict) and field in found):
        raise click.ClickException(f"no kms-mock at {url}: its answer has no {field}")
    return found


def _problem(error: url_error.HTTPError) -> str | None:
    """Return why the control API refused a call, None when something else answered."""
    try:
        return str(json.load(error)["error"])
    except (OSError, HTTPException, ValueError, LookupError, TypeError):
        return None
