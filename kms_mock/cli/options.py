"""Options of several commands."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

import click

from kms_mock.defaults import DEFAULT_PORT

F = TypeVar("F", bound=Callable[..., Any])

MAX_PORT = 65535
PORT_VARIABLE = "KMS_MOCK_PORT"  # of `serve --port`


def option(name: str, default: Any, help_text: str, **more: Any) -> Callable[[F], F]:
    """Declare an option with its environment variable: --port is KMS_MOCK_PORT. `more` are arguments of `click.option`."""
    variable = "KMS_MOCK_" + name.removeprefix("--").upper().replace("-", "_")
    arguments = {"show_default": True, "show_envvar": True, **more}
    return click.option(name, default=default, envvar=variable, help=help_text, **arguments)


def default_url() -> str:
    """Return where a server listens that has the same environment variables. Raises BadParameter for what is no port."""
    text = os.environ.get(PORT_VARIABLE) or str(DEFAULT_PORT)
    try:
        port = click.IntRange(0, MAX_PORT)(text)
    except click.BadParameter as error:
        raise click.BadParameter(
            f"{error.message} Unset it, or name the server by KMS_MOCK_URL.", param_hint=PORT_VARIABLE
        ) from error
    return f"http://127.0.0.1:{port or DEFAULT_PORT}"  # nobody knows which free port a server took for 0


url_option = option(
    "--url",
    default_url,
    "The running server.",
    show_default=f"http://127.0.0.1:{DEFAULT_PORT}, or with the port of {PORT_VARIABLE}",
)
