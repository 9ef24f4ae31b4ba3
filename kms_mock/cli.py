"""The command line: `serve` and `validate`, and commands that talk to a running server's control API."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import os
import signal
import sys
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib import error as url_error
from urllib import request as url_request
from urllib.parse import quote, urlsplit

import click

from kms_mock import logs
from kms_mock.config import DEFAULT_ACCOUNT, DEFAULT_PORT, DEFAULT_REGION, Config

if TYPE_CHECKING:
    from kms_mock.mock import KmsMock

F = TypeVar("F", bound=Callable[..., Any])


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="kms-mock")
def main() -> None:
    """A local server that stands in for Alibaba Cloud KMS."""


def _option(name: str, default: Any, help_text: str, **more: Any) -> Callable[[F], F]:
    """Declare an option with its environment variable: --port is KMS_MOCK_PORT."""
    variable = "KMS_MOCK_" + name.removeprefix("--").upper().replace("-", "_")
    return click.option(
        name, default=default, envvar=variable, show_default=True, show_envvar=True, help=help_text, **more
    )


# -- serve, validate --------------------------------------------------------------------------------------------------


@main.command()
@_option("--host", "127.0.0.1", "Address to listen on.")
@_option("--port", DEFAULT_PORT, "Port to listen on; 0 takes a free one.", type=click.IntRange(0, 65535))
@_option(
    "--fixture",
    (),
    "Fixture file (YAML or JSON) to start with; may be given more than once. "
    f"In the environment variable several are joined by {os.pathsep!r}.",
    multiple=True,
    type=click.Path(path_type=Path),
)
@_option("--region", DEFAULT_REGION, "Region of requests that name none.")
@_option("--account", DEFAULT_ACCOUNT, "Account of AccessKeys that no fixture file names.")
@_option("--seed", None, "Make ids, key material and nonces repeat from run to run.", type=int)
@_option("--journal", 1000, "How many calls to remember for the control API.", type=click.IntRange(0))
@_option("--control-remote", False, "Let other machines use the control API.", is_flag=True)
@_option("--reveal-secrets", False, "Let the control API show secret values and key material.", is_flag=True)
@_option("--log-level", "info", "How much to log.", type=click.Choice(["debug", "info", "warning", "error"]))
def serve(*, fixture: tuple[Path, ...], log_level: str, **options: Any) -> None:
    """Listen until SIGINT or SIGTERM. Prints one line when the port accepts."""
    try:
        config = Config(**options)
    except ValueError as error:
        raise click.UsageError(str(error)) from error

    from kms_mock.fixtures.errors import FixtureError  # noqa: PLC0415 (--help must not wait for aiohttp)
    from kms_mock.mock import KmsMock  # noqa: PLC0415
    from kms_mock.sources import Sources  # noqa: PLC0415

    log_handler = logs.configure(log_level, Sources.system().now)
    try:
        mock = KmsMock(fixture, config=config)
    except FixtureError as error:
        raise click.ClickException(str(error)) from error
    try:
        asyncio.run(_serve(mock, log_handler))
    except OSError as error:
        # asyncio wraps the system's words in its own; those of a failed look-up of a name have negative numbers.
        number = error.errno or 0
        problem = os.strerror(number) if number > 0 else error.strerror or error
        raise click.ClickException(f"cannot listen on {config.endpoint(config.port)}: {problem}") from error


async def _serve(mock: KmsMock, log_handler: logs.BufferedHandler) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    log_handler.later = loop.call_later
    if logging.getLogger("kms_mock").isEnabledFor(logging.INFO):
        mock.gateway.say = log_handler.say
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows has no signal handlers on its loop
            loop.add_signal_handler(number, stopped.set)
    server = mock.http_server()
    await server.start()
    # What is there now stays: the modules, and maybe 100,000 secrets. The collector need not walk through it again.
    gc.freeze()
    click.echo(f"kms-mock listening on http://{mock.config.endpoint(server.port)}")
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


@main.command()
def operations() -> None:
    """List the operations with their parameters and errors, as Markdown."""
    from kms_mock import gateway  # noqa: F401, PLC0415 (fills the registry)
    from kms_mock.control.coverage import markdown  # noqa: PLC0415

    click.echo(markdown())


# -- talking to a running server --------------------------------------------------------------------------------------

_PATIENCE_SECONDS = 30.0
_url = _option("--url", f"http://127.0.0.1:{DEFAULT_PORT}", "The running server.")


def _ask(url: str, method: str, path: str, document: Any = None) -> None:
    """Call the control API and print its answer."""
    body = None if document is None else json.dumps(document).encode()
    headers = {} if body is None else {"Content-Type": "application/json"}
    call = url_request.Request(f"{_base(url)}/_kms_mock/{path}", body, headers, method=method)  # noqa: S310 (see _base)
    # Without the environment's proxies: a mock is on this machine.
    opener = url_request.build_opener(url_request.ProxyHandler({}))
    try:
        with opener.open(call, timeout=_PATIENCE_SECONDS) as answer:
            told = json.load(answer)
    except url_error.HTTPError as error:
        raise click.ClickException(_problem(error) or f"no kms-mock at {url}: it answers {error.code}") from error
    except (OSError, HTTPException) as error:
        reason = error.reason if isinstance(error, url_error.URLError) else error
        raise click.ClickException(f"no kms-mock at {url}: {reason}") from error
    except ValueError as error:
        raise click.ClickException(f"no kms-mock at {url}: it does not answer in JSON") from error
    click.echo(json.dumps(told, indent=2, ensure_ascii=False))


def _base(url: str) -> str:
    """Check that a URL says where a server is, and nothing else."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good or parts.path.strip("/") or parts.query or parts.fragment:
        raise click.BadParameter("write it like http://127.0.0.1:4588", param_hint="--url")
    return url.rstrip("/")


def _problem(error: url_error.HTTPError) -> str | None:
    """Give what the control API has against a call; None when it was not the control API that answered."""
    try:
        return str(json.load(error)["error"])
    except (OSError, HTTPException, ValueError, LookupError, TypeError):
        return None


def _document(file: Path) -> Any:
    """Read a fixture file, JSON or YAML, for sending it."""
    import msgspec  # noqa: PLC0415

    from kms_mock import fixtures  # noqa: PLC0415

    try:
        _, document = fixtures.read(file)
    except fixtures.FixtureError as error:
        raise click.ClickException(str(error)) from error
    return msgspec.to_builtins(document)


@main.command()
@_url
def health(url: str) -> None:
    """Say whether the server works."""
    _ask(url, "GET", "health")


@main.command()
@_url
def reset(url: str) -> None:
    """Go back to the fixture files."""
    _ask(url, "POST", "reset")


@main.command()
@_url
@click.option("--replace", type=click.Path(path_type=Path), help="Replace everything by this fixture file.")
@click.option("--add", type=click.Path(path_type=Path), help="Add this fixture file.")
def state(url: str, replace: Path | None, add: Path | None) -> None:
    """Show the store as a fixture document, or change it."""
    if replace is not None:
        _ask(url, "PUT", "state", _document(replace))
    if add is not None:
        _ask(url, "POST", "state", _document(add))
    if replace is None and add is None:
        _ask(url, "GET", "state")


@main.command()
@_url
@click.option("--set", "moment", help="Go to this moment (ISO 8601).")
@click.option("--advance", help="Move on by this step, such as 7d or 12h.")
@click.option("--freeze/--unfreeze", default=None, help="Let time stand still, or run on.")
@click.option("--tick-rate", type=float, help="Let this many seconds pass in one.")
def clock(url: str, moment: str | None, advance: str | None, freeze: bool | None, tick_rate: float | None) -> None:
    """Show or move the clock; prints what became due."""
    wanted = {"set": moment, "advance": advance, "freeze": freeze, "tick_rate": tick_rate}
    given = {name: value for name, value in wanted.items() if value is not None}
    _ask(url, "PUT" if given else "GET", "clock", given or None)


@main.command("requests")
@_url
@click.option("--action", help="Only calls of this operation.")
@click.option("--clear", is_flag=True, help="Forget all calls instead.")
def requests_(url: str, action: str | None, clear: bool) -> None:
    """Show the remembered calls, secrets masked."""
    query = f"?action={quote(action)}" if action else ""
    _ask(url, "DELETE" if clear else "GET", "requests" if clear else f"requests{query}")


@main.command()
@_url
@click.argument("fault", required=False)
@click.option("--clear", is_flag=True, help="Take all faults back.")
def faults(url: str, fault: str | None, clear: bool) -> None:
    """Show the faults, or ask for one: '{"operation": "GetSecretValue", "code": "Rejected.Throttling", "times": 2}'."""
    if clear:
        _ask(url, "DELETE", "faults")
    elif fault is None:
        _ask(url, "GET", "faults")
    else:
        try:
            document = json.loads(fault)
        except ValueError as error:
            raise click.BadParameter(f"not JSON: {error}", param_hint="FAULT") from error
        _ask(url, "POST", "faults", document)
