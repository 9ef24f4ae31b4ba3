"""The command line: `serve` and `validate`, and commands that talk to a running server's control API."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlencode

import click

from kms_mock import logs
from kms_mock.cli_ca import ca
from kms_mock.cli_client import MAX_TEXT, ask_server
from kms_mock.cli_run import env, make_run
from kms_mock.config import DEFAULT_ACCOUNT, DEFAULT_PORT, DEFAULT_REGION, JOURNAL_BYTES, Config

if TYPE_CHECKING:
    from kms_mock.mock import KmsMock

F = TypeVar("F", bound=Callable[..., Any])
_MAX_PORT = 65535


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
@_option("--port", DEFAULT_PORT, "Port to listen on; 0 takes a free one.", type=click.IntRange(0, _MAX_PORT))
@_option(
    "--fixture",
    (),
    "Fixture file (YAML or JSON) to start with; may be given more than once. "
    f"In the environment variable several are joined by {os.pathsep!r}.",
    multiple=True,
    type=click.Path(path_type=Path),
)
@_option(
    "--region",
    None,
    f"Be the endpoint of this region, whatever region a request names. Without it requests choose theirs; those that "
    f"name none are in {DEFAULT_REGION}.",
)
@_option(
    "--region-port",
    (),
    "Listen on a further port as the endpoint of a region, for clients that name none; 0 takes a free one. May be "
    "given more than once. In the environment variable several are separated by blanks.",
    multiple=True,
    metavar="REGION=PORT",
    callback=lambda _context, _parameter, values: tuple(map(_region_port, values)),
)
@_option("--account", DEFAULT_ACCOUNT, "Account of AccessKeys that no fixture file names.")
@_option("--seed", None, "Make ids, key material and nonces repeat from run to run.", type=int)
@_option("--journal", 1000, "How many calls to remember for the control API.", type=click.IntRange(0))
@_option("--journal-bytes", JOURNAL_BYTES, "How many bytes of memory they may take together.", type=click.IntRange(0))
@_option("--control-remote", False, "Let other machines use the control API.", is_flag=True)
@_option(
    "--control-host",
    (),
    "Let the control API answer to this host name, too. May be given more than once. In the environment variable "
    "several are separated by blanks.",
    multiple=True,
    metavar="NAME",
)
@_option(
    "--allow-host",
    (),
    "Let the API answer to this host name, although it might be a web page's. May be given more than once. In the "
    "environment variable several are separated by blanks.",
    multiple=True,
    metavar="NAME",
)
@_option(
    "--tls-cert",
    None,
    "Certificate (PEM) for https, with what it takes to verify it; without one the mock issues its own.",
    type=click.Path(path_type=Path, dir_okay=False),
)
@_option("--tls-key", None, "Key (PEM) of --tls-cert.", type=click.Path(path_type=Path, dir_okay=False))
@_option(
    "--ca-dir",
    None,
    "Folder of the authority that issues the mock's certificates; without one, it is in the user's state folder.",
    type=click.Path(path_type=Path, file_okay=False),
)
@_option("--proxy-remote", False, "Let other machines use the proxy.", is_flag=True)
@_option("--reveal-secrets", False, "Let the control API show secret values and key material.", is_flag=True)
@_option("--log-level", "info", "How much to log.", type=click.Choice(["debug", "info", "warning", "error"]))
def serve(
    *,
    fixture: tuple[Path, ...],
    log_level: str,
    region_port: tuple[tuple[str, int], ...],
    allow_host: tuple[str, ...],
    control_host: tuple[str, ...],
    **options: Any,
) -> None:
    """Listen until SIGINT or SIGTERM. Prints a line for each port when all of them accept."""
    try:
        config = Config(
            region_ports=region_port, allow_hosts=allow_host, control_hosts=control_host, keep_ca=True, **options
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from error

    from kms_mock.fixtures.errors import FixtureError  # noqa: PLC0415 (--help must not wait for aiohttp)
    from kms_mock.mock import KmsMock  # noqa: PLC0415
    from kms_mock.server.authority_files import AuthorityError  # noqa: PLC0415
    from kms_mock.server.thread import ServerLoop  # noqa: PLC0415
    from kms_mock.sources import Sources  # noqa: PLC0415

    log_handler = logs.configure(log_level, Sources.system().now)
    fast = logging.getLogger("kms_mock").isEnabledFor(logging.INFO)
    try:
        mock = KmsMock(fixture, config=config, log_request=log_handler.log_request if fast else logs.log_request)
    except (FixtureError, AuthorityError) as error:
        raise click.ClickException(str(error)) from error
    try:
        with asyncio.Runner(loop_factory=ServerLoop) as runner:
            runner.run(_serve(mock, log_handler))
    except OSError as error:
        # asyncio wraps the system's message in its own; a failed name look-up has a negative number.
        number = error.errno or 0
        problem = os.strerror(number) if number > 0 else error.strerror or error
        raise click.ClickException(f"cannot listen on {error.filename}: {problem}") from error


def _region_port(text: str) -> tuple[str, int]:
    """Read `cn-shanghai=4589`. Raises BadParameter."""
    region, _, port = text.partition("=")
    if not (re.fullmatch("[0-9]{1,5}", port) and int(port) <= _MAX_PORT):
        raise click.BadParameter(f"{text!r}: write it like cn-shanghai=4589")
    return region, int(port)


async def _serve(mock: KmsMock, log_handler: logs.BufferedHandler) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows has no signal handlers on its loop
            loop.add_signal_handler(number, stopped.set)
    with log_handler.buffering(loop.call_later):
        server = mock.http_server()
        await server.start()
        # Everything allocated so far lives until the end, maybe 100,000 secrets: keep the collector from scanning it.
        gc.freeze()
        click.echo(f"kms-mock listening on http://{mock.config.endpoint(server.port)}")
        for region, _ in mock.config.region_ports:
            click.echo(f"kms-mock listening on http://{mock.config.endpoint(server.ports[region])} for {region}")
        sys.stdout.flush()
        await stopped.wait()
        await server.stop()


@main.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def validate(files: tuple[Path, ...]) -> None:
    """Check that each fixture file loads by itself."""
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
@click.argument("name", required=False)
def operations(name: str | None) -> None:
    """List the operations with their parameters and errors, or show the one called NAME, as Markdown."""
    from kms_mock.control.operations_page import markdown, markdown_of  # noqa: PLC0415
    from kms_mock.products import APIS  # noqa: PLC0415
    from kms_mock.suggestions import did_you_mean  # noqa: PLC0415

    if name is None:
        click.echo(markdown(APIS), nl=False)
        return
    page = markdown_of(APIS, name)
    if page is None:
        known = [known for api in APIS for known in api.operations]
        raise click.ClickException(f"there is no operation {name[:60]!r}{did_you_mean(name, known) or '.'}")
    click.echo(page, nl=False)


main.add_command(ca)
main.add_command(env)
main.add_command(make_run(serve), "run")


# -- talking to a running server --------------------------------------------------------------------------------------

_url = _option("--url", f"http://127.0.0.1:{DEFAULT_PORT}", "The running server.")


def _ask(url: str, method: str, path: str, document: Any = None) -> None:
    """Call the control API and print its answer."""
    try:
        told = json.loads(ask_server(url, method, path, document))
    except ValueError as error:
        raise click.ClickException(f"no kms-mock at {url}: it does not answer in JSON") from error
    click.echo(_terminal_json(told))


def _terminal_json(document: Any) -> str:
    """Write JSON for a terminal: what is not printable, such as control characters and marks of direction, is escaped."""
    text = json.dumps(document, indent=2, ensure_ascii=False)
    if text.replace("\n", "").isprintable():
        return text
    return "".join(
        character if character.isprintable() or character == "\n" else json.dumps(character)[1:-1] for character in text
    )


def _document(file: Path) -> Any:
    """Read a fixture file, JSON or YAML, for sending it."""
    import msgspec  # noqa: PLC0415

    from kms_mock import fixtures  # noqa: PLC0415

    try:
        _, document = fixtures.read(file)
    except fixtures.FixtureError as error:
        raise click.ClickException(logs.printable(str(error), MAX_TEXT)) from error
    return msgspec.to_builtins(document)


@main.command()
@_url
def health(url: str) -> None:
    """Check whether the server works."""
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
    """Show the store as a fixture document, or change it. With both options everything happens, or nothing."""
    files = [file for file in (replace, add) if file is not None]
    if not files:
        _ask(url, "GET", "state")
        return
    documents = [_document(file) for file in files]
    sources = urlencode({f"source.{number}": str(file) for number, file in enumerate(files, 1)})
    _ask(url, "POST" if replace is None else "PUT", f"state?{sources}", documents)


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
