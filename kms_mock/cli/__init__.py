"""The command line, one module per group of commands. What a command needs is imported when it runs, so that --help is fast."""

from __future__ import annotations

import click

from kms_mock.cli import (
    ca,
    calls,
    client_key,
    documents,
    env,
    faults,
    files,
    importing,
    init,
    parity,
    policy,
    run,
    running,
    serve,
)
from kms_mock.cli.help import Headings

COMMANDS: dict[str, list[click.Command]] = {
    "Start": [serve.serve, run.make_run(serve.serve), env.env],
    "Inspect a running server": [calls.tail, calls.requests, running.state, policy.policy, running.health],
    "Steer a running server": [faults.faults, running.clock, running.reset],
    "Files and documents": [
        init.init,
        files.validate,
        files.schema,
        ca.ca,
        client_key.client_key,
        files.operations,
        documents.docs,
    ],
    "The real service": [importing.import_account, parity.parity],
}


@click.group(
    cls=Headings,
    commands=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
    examples=[
        "kms-mock serve --fixture fixtures/demo.yaml",
        "kms-mock run --fixture fixtures/demo.yaml -- java -jar app.jar",
        "kms-mock tail",
        "kms-mock docs",
    ],
)
@click.version_option(package_name="kms-mock")
def main() -> None:
    """A local server that stands in for Alibaba Cloud KMS.

    Commands that talk to a running server find it by --url or KMS_MOCK_URL.
    """
