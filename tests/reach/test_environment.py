"""The environment while a program is intercepted."""

from __future__ import annotations

import importlib
import json
import os
import sys

import pytest

from kms_mock import mock_kms
from kms_mock.reach.credentials import CREDENTIALS, DUMMY_KEY
from kms_mock.reach.environment import PROXIES, EnvironmentChange, in_process


def test_credentials_are_dummies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every name that a client reads holds a dummy; real credentials, ways to them and proxies are not there."""
    for name in (*CREDENTIALS, *PROXIES):
        monkeypatch.setenv(name, "real")
    before = dict(os.environ)
    with mock_kms(region="cn-beijing"):
        assert "real" not in os.environ.values()
        assert os.environ["ALIBABA_CLOUD_ACCESS_KEY_ID"] == "mock"
        assert os.environ["ALIBABA_CLOUD_REGION_ID"] == "cn-beijing"
        assert json.loads(os.environ["cache_client_region_id"]) == [{"regionId": "cn-beijing"}]  # noqa: SIM112 (its name)
        os.environ["ALIBABA_CLOUD_REGION_ID"] = "cn-shanghai"  # the test's own affair
    assert dict(os.environ) == before


def test_changes_are_undone_in_any_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """The former value survives all of them."""
    monkeypatch.setenv("KMS_MOCK_TEST", "mine")
    first, second = EnvironmentChange({"KMS_MOCK_TEST": "1"}), EnvironmentChange({"KMS_MOCK_TEST": "2"})
    first.apply()
    second.apply()
    first.undo(second)
    assert os.environ["KMS_MOCK_TEST"] == "2"
    second.undo()
    assert os.environ["KMS_MOCK_TEST"] == "mine"


def test_the_credentials_library_sees_the_change() -> None:
    """It reads the environment once, when it is imported: before, within or after an interception."""
    from alibabacloud_credentials.client import Client  # noqa: PLC0415 (imported by now, whatever ran before)
    from alibabacloud_credentials.models import Config  # noqa: PLC0415
    from alibabacloud_credentials.utils import auth_util  # noqa: PLC0415

    before = vars(auth_util).copy()
    with mock_kms(access_key_id="inside"):
        assert Client().get_credential().access_key_id == "inside"
        own = Config(type="access_key", access_key_id="own", access_key_secret="s")
        assert Client(own).get_credential().access_key_id == "own"
    assert vars(auth_util) == before


def test_the_credentials_library_imported_within(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it read from the dummies does not outlive them."""
    name = "alibabacloud_credentials.utils.auth_util"
    monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "real")
    monkeypatch.setenv("ALIBABA_CLOUD_ROLE_ARN", "real")
    change = EnvironmentChange(in_process(DUMMY_KEY.variables, "cn-hangzhou"))
    change.apply()
    module = importlib.import_module(name)
    assert (module.environment_access_key_id, module.environment_role_arn) == ("mock", None)
    change.undo()
    assert (module.environment_access_key_id, module.environment_role_arn) == ("real", "real")
