"""`kms-mock policy`: JSON that RAM takes and HCL that Terraform takes, of a running server."""

from __future__ import annotations

import json
import re

import pytest

from kms_mock import KmsMock
from tests.support.access import CERTIFICATE
from tests.support.calls import call
from tests.support.cli import run_command
from tests.support.identities import ACCOUNT

ROBOT = f"acs:ram::{ACCOUNT}:user/robot"
WORLD = {
    "accounts": [{"id": ACCOUNT, "access_keys": [{"id": "AK", "user": "robot"}]}],
    "secrets": [{"name": "db", "value": "x"}, {"name": "app", "value": "y"}],
    "access_policies": [
        {"name": "reader", "permissions": ["RbacPermission/Template/SecretUser"], "resources": ["secret/*"]}
    ],
    "access_points": [
        {
            "name": "point",
            "policies": ["reader"],
            "client_keys": [{"id": "KAAP.one", "certificate": CERTIFICATE, "not_before": "-1d", "not_after": "+365d"}],
        }
    ],
}
HCL = f"""\
# {ROBOT}
data "alicloud_ram_policy_document" "kms_{ACCOUNT}_user_robot" {{
  version = "1"

  statement {{
    effect = "Allow"
    action = [
      "kms:GetSecretValue",
    ]
    resource = [
      "acs:kms:cn-hangzhou:{ACCOUNT}:secret/app",
      "acs:kms:cn-hangzhou:{ACCOUNT}:secret/db",
    ]
  }}
}}

resource "alicloud_ram_policy" "kms_{ACCOUNT}_user_robot" {{
  policy_name     = "kms-{ACCOUNT}-user-robot"
  policy_document = data.alicloud_ram_policy_document.kms_{ACCOUNT}_user_robot.document
}}
"""


@pytest.fixture
def kms(kms: KmsMock) -> KmsMock:
    """A server that a user asked for two secrets."""
    kms.load(WORLD)
    for name in ("db", "app"):
        call(kms.client(access_key_id="AK"), "GetSecretValue", SecretName=name)
    return kms


def test_it_prints_json(kms: KmsMock) -> None:
    """Policies by ARN; with --identity the policy itself, which is what RAM takes."""
    assert json.loads(run_command("policy", "--url", kms.url)[0]) == kms.minimal_policies()
    told = run_command("policy", "--url", kms.url, "--identity", "user/robot")[0]
    assert json.loads(told) == kms.minimal_policy(ROBOT)


def test_it_prints_hcl(kms: KmsMock) -> None:
    """As terraform-provider-alicloud has it: data source alicloud_ram_policy_document, resource alicloud_ram_policy."""
    assert run_command("policy", "--url", kms.url, "--format", "hcl")[0] == HCL


def test_names_for_terraform_differ(kms: KmsMock) -> None:
    """Users whose names differ in signs only, and a name that would end the comment."""
    users = ["a.b", "a-b", "a_b", "x\nresource"]
    pairs = [{"id": f"AK{number}", "user": user} for number, user in enumerate(users)]
    kms.load({"accounts": [{"id": ACCOUNT, "access_keys": pairs}]})
    for pair in pairs:
        call(kms.client(access_key_id=pair["id"]), "ListKeys")
    told = run_command("policy", "--url", kms.url, "--format", "hcl")[0]
    names = re.findall(r'policy_name     = "([A-Za-z0-9-]+)"', told)
    assert len(set(names)) == len(names) == 5
    assert len(set(re.findall(r'^resource "alicloud_ram_policy" "(\w+)"', told, re.MULTILINE))) == 5
    assert "\nresource\n" not in told


def test_it_tells_of_what_is_no_matter_of_ram(kms: KmsMock) -> None:
    """Client keys are held to their access points: that is told on stderr, beside the policies."""
    call(kms.client(access_key_id="KAAP.one"), "GetSecretValue", SecretName="db")
    told, complained = run_command("policy", "--url", kms.url)
    assert list(json.loads(told)) == [ROBOT]
    assert f"acs:kms:cn-hangzhou:{ACCOUNT}:applicationaccesspoint/point permits its client keys" in complained


def test_what_was_refused_is_printed_on_demand(kms: KmsMock) -> None:
    """--include-refused: what a policy lacks, ready to be added."""
    nothing = {"Version": "1", "Statement": []}
    kms.load({"accounts": [{"id": ACCOUNT, "access_keys": [{"id": "NO", "user": "weak", "policy": nothing}]}]})
    with pytest.raises(Exception, match=r"Forbidden\.NoPermission"):
        call(kms.client(access_key_id="NO"), "GetSecretValue", SecretName="db")
    weak = f"acs:ram::{ACCOUNT}:user/weak"
    assert weak not in json.loads(run_command("policy", "--url", kms.url)[0])
    assert weak in json.loads(run_command("policy", "--url", kms.url, "--include-refused")[0])


def test_an_identity_that_used_nothing_is_an_error(kms: KmsMock) -> None:
    """It says who did."""
    assert f"only {ROBOT}" in run_command("policy", "--url", kms.url, "--identity", "role/x", code=1)[1]
