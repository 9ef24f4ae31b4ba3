"""The command line: `kms-mock serve`, `kms-mock validate`."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from kms_mock import logs
from kms_mock.config import DEFAULT_ACCOUNT, DEFAULT_PORT, DEFAULT_REGION, Config

if TYPE_CHECKING:
    from kms_mock.mock import KmsMock

F = TypeVar("F", bound=Callable[..., Any])


@click.group(context_settings={"auto_envvar_prefix": "KMS_MOCK", "help_option_names": ["-h", "--help"]})
@click.version_option(package_name="kms-mock")
def main() -> None:
    """A local server that stands in for Alibaba Cloud KMS."""


def _option(name: str, default: Any, help_text: str, **more: Any) -> Callable[[F], F]:
    """Declare an option with its environment variable: --port is KMS_MOCK_PORT."""
    variable = "KMS_MOCK_" + name.removeprefix("--").upper().replace("-", "_")
    return click.option(
        name, default=default, envvar=variable, show_default=True, show_envvar=True, help=help_text, **more
    )


@main.command()
@_option("--host", "127.0.0.1", "Address to listen on.")
@_option("--port", DEFAULT_PORT, "Port to listen on; 0 takes a free one.", type=click.IntRange(0, 65535))
@_option(
    "--fixture",
    (),
    "Fixture file (YAML or JSON) to start with; may be given more than once.",
    multiple=True,
    type=click.Path(path_type=Path),
)
@_option("--region", DEFAULT_REGION, "Region of requests that name none.")
@_option("--account", DEFAULT_ACCOUNT, "Account of AccessKeys that no fixture file names.")
@_option("--seed", None, "Make ids, key material and nonces repeat from run to run.", type=int)
@_option("--log-level", "info", "How much to log.", type=click.Choice(["debug", "info", "warning", "error"]))
def serve(
    *,
    host: str,
    port: int,
    fixture: tuple[Path, ...],
    region: str,
    account: str,
    seed: int | None,
    log_level: str,
) -> None:
    """Listen until SIGINT or SIGTERM. Prints one line when the port accepts."""
    from kms_mock.fixtures.errors import FixtureError  # noqa: PLC0415 (--help must not wait for aiohttp)
    from kms_mock.mock import KmsMock  # noqa: PLC0415

    log_handler = logs.configure(log_level)
    config = Config(host=host, port=port, region=region, account=account, seed=seed)
    try:
        mock = KmsMock(fixture, config=config)
    except FixtureError as error:
        raise click.ClickException(str(error)) from error
    try:
        asyncio.run(_serve(mock, log_handler))
    except OSError as error:
        raise click.ClickException(f"cannot listen on {host}:{port}: {error.strerror or error}") from error


async def _serve(mock: KmsMock, log_handler: logs.BufferedHandler) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    log_handler.later = loop.call_later
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows has no signal handlers on its loop
            loop.add_signal_handler(number, stopped.set)
    server = mock.http_server()
    await server.start()
    click.echo(f"kms-mock listening on http://{mock.config.host}:{server.port}")
    sys.stdout.flush()
    await stopped.wait()
    await server.stop()
    log_handler.later = None
    log_handler.flush()


@main.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def validate(files: tuple[Path, ...]) -> None:
    """Check fixture files: that each loads whole, alone."""
    from kms_mock.fixtures.errors import FixtureError  # noqa: PLC0415
    from kms_mock.mock import KmsMock  # noqa: PLC0415

    failed = False
    for file in files:
        try:
            KmsMock([file])
        except FixtureError as error:
            failed = True
            click.echo(f"error: {error}", err=True)
        else:
            click.echo(f"{file}: ok")
    if failed:
        sys.exit(1)
