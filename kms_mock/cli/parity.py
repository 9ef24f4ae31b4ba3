"""The command `parity`: the contract cases against the mock and the real service."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kms_mock import logs
from kms_mock.cli.client import MAX_TEXT
from kms_mock.cli.help import Command
from kms_mock.cli.output import check_folder
from kms_mock.cli.vendor import sdk_config
from kms_mock.version import VERSION

if TYPE_CHECKING:
    from alibabacloud_tea_openapi.models import Config

    from kms_mock.parity.cases import Case
    from kms_mock.parity.results import Against, Row

_DEFAULT_KEYS = 10


@click.command(
    cls=Command,
    examples=[
        "kms-mock parity",
        "kms-mock parity --against mock",
        "kms-mock parity --against real --only PutSecretValue",
    ],
)
@click.option("--against", type=click.Choice(["real", "mock"]), help="Ask the real service, or a second mock.")
@click.option("--region", default="cn-hangzhou", show_default=True, help="Region to ask.")
@click.option("--endpoint", help="Endpoint to ask, as HOST or URL; without one, it is the region's.")
@click.option("--profile", help="Profile of the vendor's configuration files; without one, its default chain decides.")
@click.option("--ca", type=click.Path(exists=True, dir_okay=False), help="Certificate to trust besides the usual ones.")
@click.option("--only", multiple=True, help="Only cases whose id contains this, or of this operation.")
@click.option("--max-keys", default=_DEFAULT_KEYS, show_default=True, help="How many keys the run may make there.")
@click.option("--dry-run", is_flag=True, help="List what would be made and asked; ask nothing.")
@click.option("--yes", is_flag=True, help="Do not ask before anything is made.")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write the result as JSON.")
def parity(
    *,
    against: str | None,
    region: str,
    endpoint: str | None,
    profile: str | None,
    ca: str | None,
    only: tuple[str, ...],
    max_keys: int,
    dry_run: bool,
    yes: bool,
    output: Path | None,
) -> None:
    """Show where the mock differs from the real service.

    Runs the contract cases against both. Without --against it lists what would be made and asks nothing.

    In the account that is asked, secrets, aliases and keys are made whose names begin with kms-mock-parity; nothing else is
    touched. Secrets and aliases are removed again, keys planned for deletion in 7 days.
    """
    from kms_mock.mock import KmsMock  # noqa: PLC0415 (--help must not wait for it)
    from kms_mock.parity.cases import all_cases  # noqa: PLC0415

    cases = [case for case in all_cases() if _wanted(case, only)]
    if not cases:
        raise click.UsageError(f"no case matches {', '.join(only)}")
    if output is not None:
        output = output.with_suffix(".json")
        check_folder(output)
    if dry_run or against is None:
        _plan(cases, max_keys)
        return
    if against == "real" and not yes:
        _plan(cases, max_keys)
        click.confirm(f"Make these in {region}?", abort=True)
    if against == "real":
        rows = _run(cases, region, sdk_config(region, endpoint, profile, ca), max_keys)
    else:
        with KmsMock(region=region) as second:
            rows = _run(cases, region, _config_of(second, region), max_keys)
    _show(rows)
    if output is not None:
        _write(output, rows, region, "real" if against == "real" else "mock")
    if any(not row.same for row in rows):
        raise SystemExit(1)


def _wanted(case: Case, only: Sequence[str]) -> bool:
    return not only or any(text.lower() in case.id or text in case.operations for text in only)


def _plan(cases: Sequence[Case], max_keys: int) -> None:
    """Print what a run makes: keys cost money in most accounts."""
    given = Counter(name for case in cases for name in case.given)
    steps = Counter(step.call for case in cases for step in case.steps)
    keys = {name for name in given if name not in ("secret", "alias")} | ({"key"} if given["alias"] else set())
    made = steps["CreateKey"]
    click.echo(f"{len(cases)} cases, {steps.total()} calls besides those that make and remove what they need")
    click.echo(f"keys: {len(keys)} shared, at most {made} more, {max_keys} allowed; each is planned for deletion")
    click.echo(
        f"secrets: at most {given['secret'] + steps['CreateSecret']}, one or two at a time, each removed at once"
    )


def _run(cases: Sequence[Case], region: str, config: Config, max_keys: int) -> list[Row]:
    """Compare a mock of our own with the service of a configuration. Raises ClickException."""
    from kms_mock.mock import KmsMock  # noqa: PLC0415
    from kms_mock.parity.comparison import compare  # noqa: PLC0415
    from kms_mock.parity.runner import Runner  # noqa: PLC0415
    from kms_mock.service_client import RefusedError, ServiceClient, UnreachableError  # noqa: PLC0415
    from kms_mock.sources import Sources  # noqa: PLC0415

    run_id = Sources.system().new_id()[:8]
    with KmsMock(region=region) as ours:
        mock = Runner(ServiceClient(_config_of(ours, region)), run_id, max_keys=len(cases))
        other = Runner(ServiceClient(config), run_id, max_keys)
        try:
            for left in other.clean():
                click.echo(f"removed from an earlier run: {logs.printable(left, MAX_TEXT)}", err=True)
        except (UnreachableError, RefusedError) as error:
            raise click.ClickException(logs.printable(str(error), MAX_TEXT)) from error
        return compare(cases, mock, other, lambda row: click.echo("." if row.same else "F", nl=False, err=True))


def _config_of(mock: Any, region: str) -> Config:
    from alibabacloud_tea_openapi.models import Config  # noqa: PLC0415

    endpoint = mock.url.partition("://")[2]
    keys = {"access_key_id": "parity", "access_key_secret": "parity"}
    return Config(endpoint=endpoint, protocol="http", region_id=region, **keys)


def _show(rows: Sequence[Row]) -> None:
    from kms_mock.parity.comparison import first_difference  # noqa: PLC0415

    click.echo(err=True)
    for row in rows:
        if row.problem:
            click.echo(f"not asked   {row.id}: {logs.printable(row.problem, MAX_TEXT)}")
        elif not row.same:
            click.echo(f"different   {row.id} [{row.certainty}]: {row.rule}")
            click.echo(f"            {logs.printable(first_difference(row), MAX_TEXT)}")
    counts = Counter("same" if row.same else "not asked" if row.problem else "different" for row in rows)
    click.echo(", ".join(f"{counts[name]} {name}" for name in ("same", "different", "not asked")))


def _write(output: Path, rows: Sequence[Row], region: str, against: Against) -> None:
    """Write the result; no name, id, account or value is in it."""
    import msgspec  # noqa: PLC0415

    from kms_mock.fixtures.writing import write_document  # noqa: PLC0415
    from kms_mock.parity.results import Comparison  # noqa: PLC0415
    from kms_mock.sources import Sources  # noqa: PLC0415
    from kms_mock.store.times import iso  # noqa: PLC0415

    date = iso(Sources.system().now())[:10]
    document = msgspec.to_builtins(Comparison(date, VERSION, region, against, list(rows)))
    try:
        write_document(output, document)
    except OSError as error:
        raise click.ClickException(f"cannot write {output}: {error.strerror}") from error
