"""A short campaign in every run; `scripts/fuzz` runs long ones. And that a campaign notices what it looks for."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kms_mock.control.calls import Call
from kms_mock.identity.accounts import AuthenticationSettings, settings
from kms_mock.persistence.database import Writer
from kms_mock.rpc.gateway import Gateway
from kms_mock.server import control_api
from kms_mock.server.control_api import ROUTES
from kms_mock.server.state_document import state_document
from kms_mock.store.store import Store
from tests.fuzz.campaign import ROUND_TRIPS, Campaign, Steps, run_steps
from tests.fuzz.checks import Finding
from tests.fuzz.control import ControlRequests
from tests.fuzz.machine import OPERATIONS
from tests.fuzz.steps import ApiStep, ControlStep
from tests.fuzz.values import PLANTED
from tests.support.profile import rounds

STEPS = rounds(quick=3000, deep=50_000)

_NOTHING = logging.Filter("no logger has this name")


@pytest.fixture(autouse=True)
def _keep_records_out(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Let pytest keep no record of the thousands of requests."""
    with caplog.filtering(_NOTHING):
        yield


@pytest.fixture
def campaign() -> Iterator[Campaign]:
    campaign = Campaign(seed=1, wires=0.02)
    yield campaign
    campaign.close()


def found(campaign: Campaign, steps: int) -> str:
    """Return the kinds of what so many steps find."""
    return " | ".join(campaign.run(lambda done, _: done <= steps).findings)


def test_a_short_campaign_finds_nothing(campaign: Campaign) -> None:
    """Requests of all kinds: no 5xx, no trace of what was refused, no secret in a log; every answer can be read."""
    report = campaign.run(lambda done, _: done <= STEPS)
    assert not report.findings, report.text()
    asked = {operation for operation, _ in report.pairs}
    assert asked >= {name for name, operation in OPERATIONS.items() if operation.prepare is None}
    kinds = {"ApiStep", "ControlStep", "DedicatedStep", "EndpointStep", "FixtureStep", "WireStep"}
    assert report.steps.keys() == kinds


def test_a_short_campaign_with_a_state_file_finds_nothing(tmp_path: Path) -> None:
    """Every request is saved in a file, which is opened anew from time to time: what it holds is what there was."""
    campaign = Campaign(seed=2, wires=0, state_file=tmp_path / "state.db")
    report = campaign.run(lambda done, _: done <= 400 * ROUND_TRIPS)
    campaign.machine.restart()
    campaign.close()
    assert not report.findings, report.text()


def test_campaigns_send_requests_to_every_route_of_the_control_api(campaign: Campaign) -> None:
    """A route that is added is part of the campaign; one with a name in its path gets names."""
    requests = ControlRequests(campaign.chance, dict, list(OPERATIONS.values()), [("Accept", "*/*")])
    sent = {
        (step.method, *step.path.partition("?")[0].partition("/")[:2])
        for step in (requests.step() for _ in range(3000))
    }
    assert {(route.method, route.name, "/" if route.rest else "") for route in ROUTES} <= sent


def test_a_campaign_notices_what_a_refusal_leaves_behind(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gateway that writes to the store when it refuses."""
    refuse = Gateway._error_response  # noqa: SLF001

    def leaves_something(gateway: Gateway, *arguments: Any) -> Any:
        gateway.store.server[settings].put(AuthenticationSettings(verify_signatures=True))
        return refuse(gateway, *arguments)

    monkeypatch.setattr(Gateway, "_error_response", leaves_something)
    assert "a refusal changed the store" in found(campaign, 30)


def test_a_campaign_notices_bugs(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception in the gateway, which is an answer 500; its script leads there in one step, without parameters."""

    def broken(*_: object) -> None:
        raise KeyError("a bug")

    with monkeypatch.context() as patch:
        patch.setattr(Gateway, "_find", broken)
        report = campaign.run(lambda done, _: done <= 30)
        shrunk = next(found for found in report.findings.values() if "status 500: KeyError" in found.kind)
        machine, ((_, step),) = campaign.machine, shrunk.steps
        assert isinstance(step, ApiStep)
        assert step.parameters == ()
        again = machine.runner.run(run_steps(machine, shrunk.world, shrunk.steps))
    assert again is not None
    assert again.kind == shrunk.kind
    exec(shrunk.script())  # noqa: S102 (without the bug it ends well)


def test_a_campaign_notices_what_a_state_file_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file into which nothing is written after it was made."""
    campaign = Campaign(seed=2, wires=0, state_file=tmp_path / "state.db")
    monkeypatch.setattr(Writer, "write", lambda *_: None)
    campaign.run(lambda done, _: done <= 200)
    with pytest.raises(Finding, match="a state file holds another store"):
        campaign.machine.restart()
    monkeypatch.undo()
    campaign.close()


def test_a_campaign_notices_secrets_that_the_control_api_shows(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The document of the state in which nothing is masked."""

    async def unmasked(store: Store, *, as_json: bool, **_: bool) -> dict[str, Any]:
        return await state_document(store, reveal_secrets=True, as_json=as_json)

    create = ApiStep("CreateSecret", "2016-01-20", (("SecretName", "x"), ("VersionId", "1"), ("SecretData", PLANTED)))
    steps: Steps = [(0, create), (1, ControlStep("GET", "state"))]
    assert campaign.machine.runner.run(run_steps(campaign.machine, "open", steps)) is None
    monkeypatch.setattr(control_api, "state_document", unmasked)
    finding = campaign.machine.runner.run(run_steps(campaign.machine, "open", steps))
    assert finding is not None
    assert finding.kind == "shown by state: a secret value"


def test_a_campaign_notices_what_no_step_changed(campaign: Campaign) -> None:
    """Something that writes between two steps: the whole state is compared after each world."""
    machine = campaign.machine
    machine.enter(machine.worlds["strict"])
    machine.check_state()
    machine.kms.store.server[settings].put(AuthenticationSettings(verify_signatures=False))
    with pytest.raises(Finding, match="a change that no step saw"):
        machine.check_state()


def test_a_campaign_notices_secrets_in_the_journal(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls that show the values of secret parameters."""
    monkeypatch.setattr(Call, "parameters", property(lambda call: call.unmasked_parameters))
    assert "a secret value in the journal" in found(campaign, 1000)
