"""The command `import`: a fixture file from a real account."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kms_mock import logs
from kms_mock.cli.client import MAX_TEXT
from kms_mock.cli.help import Command
from kms_mock.cli.output import check_folder, counted
from kms_mock.cli.vendor import sdk_config

if TYPE_CHECKING:
    from kms_mock.importing.fixture import Imported


@click.command(
    "import",
    cls=Command,
    examples=[
        "kms-mock import --region cn-hangzhou -o fixture.yaml",
        "kms-mock import --region cn-hangzhou --endpoint http://127.0.0.1:4588 -o fixture.yaml",
    ],
)
@click.option("--region", required=True, help="Region to read.")
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path, dir_okay=False), help="Fixture file to write."
)
@click.option("--secrets", help="Only secrets whose name matches, such as 'app/*', and the keys that protect them.")
@click.option("--keys", help="Only keys whose id or alias matches.")
@click.option("--profile", help="Profile of the vendor's configuration files; without one, its default chain decides.")
@click.option("--endpoint", help="Endpoint to ask, as HOST or URL; without one, it is the region's.")
@click.option("--with-values", is_flag=True, help="Read secret values to make up others of the same shape.")
@click.option("--yes", is_flag=True, help="Do not ask before values are read.")
@click.option("--pseudonymise", is_flag=True, help="Write other account ids than the real ones.")
@click.option("--seed", default=0, show_default=True, help="Decides the made-up values and key material.")
@click.option("--threads", default=4, show_default=True, type=click.IntRange(1, 64), help="Calls at the same time.")
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
def import_account(
    *,
    region: str,
    output: Path,
    secrets: str | None,
    keys: str | None,
    profile: str | None,
    endpoint: str | None,
    with_values: bool,
    yes: bool,
    pseudonymise: bool,
    seed: int,
    threads: int,
    force: bool,
) -> None:
    """Write a fixture file with what a real account has in a region.

    Names, ids, stages, versions, tags, policies, rotation and states are the real ones; secret values and key material
    are made up. It calls only List*, Describe* and Get*Policy, and GetSecretValue with --with-values.
    """
    from kms_mock.fixtures import FixtureError  # noqa: PLC0415 (--help must not wait for it)
    from kms_mock.fixtures.writing import write_document  # noqa: PLC0415
    from kms_mock.importing.fixture import Import, ImportFailedError, Selection  # noqa: PLC0415
    from kms_mock.service_client import RefusedError, ServiceClient, UnreachableError  # noqa: PLC0415

    if output.exists() and not force:
        raise click.UsageError(f"{output} exists; --force replaces it")
    check_folder(output)
    if with_values and not yes:
        click.confirm(
            f"Read the secret values of {secrets or 'all secrets'} in {region}? Only their shapes are kept.", abort=True
        )
    account = ServiceClient(sdk_config(region, endpoint, profile), patient=True)
    run = Import(
        account,
        region,
        selection=Selection(secrets, keys),
        seed=seed,
        with_values=with_values,
        pseudonymise=pseudonymise,
        threads=threads,
    )
    try:
        with _progress() as progress:
            found = run.run(progress)
        heading = f"Imported from {region}; values and key material are made up."
        if found.account and not pseudonymise:
            heading += f"\nServe it with: --region {region} --account {found.account}"
        write_document(output, found.document, heading)
    except (ImportFailedError, RefusedError, UnreachableError, FixtureError) as error:
        raise click.ClickException(logs.printable(str(error), MAX_TEXT)) from error
    except OSError as error:
        raise click.ClickException(f"cannot write {output}: {error.strerror}") from error
    _report(output, found, account.waits)


def _report(output: Path, found: Imported, call_waits: int) -> None:
    """Print the warnings on stderr, and what the file has."""
    for warning in found.warnings:
        click.echo(f"warning: {logs.printable(warning, MAX_TEXT)}", err=True)
    counts = [counted(len(found.document.get(f"{noun}s", ())), noun) for noun in ("secret", "key", "instance")]
    waits = [f"{counted(call_waits, 'call')} had to wait"] if call_waits else []
    click.echo(f"{output}: {', '.join([*counts, *waits])}")


@contextmanager
def _progress() -> Iterator[Callable[[int], Callable[[], object]]]:
    """Show on stderr how far the run is, on a terminal; `progress(total)` starts the bar."""
    with ExitStack() as bars:

        def progress(total: int) -> Callable[[], object]:
            stream = sys.stderr
            bar = bars.enter_context(
                click.progressbar(length=total, label="Reading", file=stream, hidden=not stream.isatty())
            )
            return lambda: bar.update(1)

        yield progress
