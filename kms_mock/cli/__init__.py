"""The command line, one module per group of commands. What a command needs is imported when it runs, so that --help is fast."""

from __future__ import annotations

import click

from kms_mock.cli.help import Headings
from kms_mock.version import VERSION

# Heading -> name of a command -> its module here, and its name there.
COMMANDS: dict[str, dict[str, str]] = {
    "Start": {"serve": "serve.serve", "run": "run.run", "env": "env.env"},
    "Inspect a running server": {
        "tail": "calls.tail",
        "requests": "calls.requests",
        "state": "running.state",
        "policy": "policy.policy",
        "health": "running.health",
    },
    "Steer a running server": {"faults": "faults.faults", "clock": "running.clock", "reset": "running.reset"},
    "Files and documents": {
        "init": "init.init",
        "validate": "files.validate",
        "schema": "files.schema",
        "ca": "ca.ca",
        "client-key": "client_key.client_key",
        "operations": "files.operations",
        "docs": "documents.docs",
    },
    "The real service": {"import": "importing.import_account", "parity": "parity.parity"},
}


@click.group(
    cls=Headings,
    package=__name__,
    places=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
    examples=[
        "kms-mock serve --fixture fixtures/demo.yaml",
        "kms-mock run --fixture fixtures/demo.yaml -- java -jar app.jar",
        "kms-mock tail",
        "kms-mock docs",
    ],
)
@click.version_option(VERSION)
def main() -> None:
    """A local server that stands in for Alibaba Cloud KMS.

    Commands that talk to a running server find it by --url or KMS_MOCK_URL, else at the port of KMS_MOCK_PORT.
    """
