"""Options of several commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from kms_mock.config import DEFAULT_PORT

F = TypeVar("F", bound=Callable[..., Any])

MAX_PORT = 65535


def option(name: str, default: Any, help_text: str, **more: Any) -> Callable[[F], F]:
    """Declare an option with its environment variable: --port is KMS_MOCK_PORT."""
    variable = "KMS_MOCK_" + name.removeprefix("--").upper().replace("-", "_")
    return click.option(
        name, default=default, envvar=variable, show_default=True, show_envvar=True, help=help_text, **more
    )


url_option = option("--url", f"http://127.0.0.1:{DEFAULT_PORT}", "The running server.")
