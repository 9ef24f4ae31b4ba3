"""The command line, one module per group of commands. What a command needs is imported when it runs, so that --help is fast."""

from __future__ import annotations

import click

from kms_mock.cli import ca, files, importing, parity, policy, run, running, serve


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="kms-mock")
def main() -> None:
    """A local server that stands in for Alibaba Cloud KMS."""


for _command in (
    serve.serve,
    run.make_run(serve.serve),
    run.env,
    ca.ca,
    files.validate,
    files.operations,
    importing.import_account,
    parity.parity,
    running.health,
    running.reset,
    running.state,
    running.clock,
    running.requests,
    policy.policy,
    running.faults,
):
    main.add_command(_command)
