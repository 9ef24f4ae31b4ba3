"""The command `policy`: the least RAM policies for what a running server was used for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

import click

from kms_mock import logs
from kms_mock.cli.client import MAX_TEXT, ask_json
from kms_mock.cli.options import url_option


@click.command()
@url_option
@click.option("--format", "form", default="json", show_default=True, type=click.Choice(["json", "hcl"]), help="How.")
@click.option("--identity", help="Only for this user or role: an ARN, or its end such as role/app.")
@click.option("--include-refused", is_flag=True, help="Permit what RAM refused, too.")
def policy(url: str, form: str, identity: str | None, include_refused: bool) -> None:
    """Print the least RAM policy of each identity.

    For what it used since the start.

    As JSON it is an object of policies by ARN, with --identity the policy itself; as HCL it is for Terraform.
    """
    options = {"identity": identity, "include_refused": "true" if include_refused else None}
    query = urlencode({name: value for name, value in options.items() if value is not None})
    answer = ask_json(url, "GET", f"policies{query and '?'}{query}", field="policies")
    policies: dict[str, Any] = answer["policies"]
    for arn in answer["access_points"]:
        click.echo(f"{arn} permits its client keys by its own policies, and RAM has no part in it.", err=True)
    if form == "hcl":
        names = _names(policies)
        click.echo("\n".join(_hcl(names[arn], arn, document) for arn, document in policies.items()), nl=False)
    else:
        click.echo(json.dumps(policies if identity is None else next(iter(policies.values())), indent=2))


def _names(arns: Iterable[str]) -> dict[str, str]:
    """Return a name for each identity, different from all others: letters, digits and hyphens."""
    names: dict[str, str] = {}
    for arn in arns:
        account, relative = arn.removeprefix("acs:ram::").split(":", 1)
        name = re.sub("[^A-Za-z0-9]+", "-", f"kms-{account}-{relative}").rstrip("-")
        taken = sum(name == other.partition("--")[0] for other in names.values())
        names[arn] = f"{name}--{taken + 1}" if taken else name
    return names


def _hcl(name: str, arn: str, document: dict[str, Any]) -> str:
    """Return a policy for the provider alicloud: its document as a data source, and the policy that holds it."""
    label = name.replace("-", "_")
    statements = "".join(_statement(statement) for statement in document["Statement"])
    return (
        f"# {logs.printable(arn, MAX_TEXT)}\n"
        f'data "alicloud_ram_policy_document" "{label}" {{\n  version = "1"\n{statements}}}\n\n'
        f'resource "alicloud_ram_policy" "{label}" {{\n'
        f'  policy_name     = "{name}"\n'
        f"  policy_document = data.alicloud_ram_policy_document.{label}.document\n}}\n"
    )


def _statement(statement: dict[str, Any]) -> str:
    return (
        f"\n  statement {{\n    effect = {_text(statement['Effect'])}\n"
        f"    action = {_list(statement['Action'])}\n    resource = {_list(statement['Resource'])}\n  }}\n"
    )


def _list(values: list[str]) -> str:
    return "[\n" + "".join(f"      {_text(value)},\n" for value in values) + "    ]"


def _text(value: str) -> str:
    """Write a text for HCL, whose strings are JSON's with templates in them."""
    return json.dumps(value).replace("${", "$${").replace("%{", "%%{")
