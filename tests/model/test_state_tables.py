"""The tables of certificates and instances: total, and obeyed by the records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import pytest
from msgspec.structs import replace

from kms_mock.kms import errors
from kms_mock.kms.errors import ApiError, ErrorSpec
from kms_mock.kms.model import certificate_states, instance_states
from kms_mock.kms.model.certificate import Certificate, certificates
from kms_mock.kms.model.certificate_states import (
    EVENT_OF_STATUS,
    CertificateEvent,
    CertificateStatus,
    CertificateUse,
    NewCertificateStatus,
)
from kms_mock.kms.model.instance import Instance
from kms_mock.kms.model.instance_states import InstanceEvent, InstanceStatus
from tests.support.record_samples import OWNER, REGION, filled_store

LATER = 2_000_000_000.0
USES: tuple[CertificateUse, ...] = get_args(CertificateUse)


def certificate(status: CertificateStatus) -> Certificate:
    """Return the certificate of the samples in a status; one that waits for its import has no PEM yet."""
    found = filled_store().partition(OWNER, REGION)[certificates].find("certificate")
    issued = {} if status != "PENDING" else {"certificate": "", "chain": ""}
    return replace(found, status=status, **issued)


def test_the_tables_are_total() -> None:
    """Every event in every status has an outcome: a status, or a refusal."""
    events, statuses = get_args(CertificateEvent), get_args(CertificateStatus)
    assert statuses == certificate_states.STATUSES
    assert set(certificate_states.TRANSITIONS) == {(event, status) for event in events for status in statuses}
    assert {*certificate_states.TRANSITIONS.values()} == {"ACTIVE", "INACTIVE", "REVOKED", None}
    assert tuple(EVENT_OF_STATUS) == ("ACTIVE", "INACTIVE", "REVOKED")
    events, statuses = get_args(InstanceEvent), get_args(InstanceStatus)
    assert statuses == instance_states.STATUSES
    assert set(instance_states.TRANSITIONS) == {(event, status) for event in events for status in statuses}
    for outcome in instance_states.TRANSITIONS.values():
        assert outcome in statuses or (isinstance(outcome, ErrorSpec) and outcome.status in (403, 409))


@pytest.mark.parametrize("status", certificate_states.STATUSES)
@pytest.mark.parametrize("wanted", get_args(NewCertificateStatus))
def test_a_status_is_set_as_the_table_says(status: CertificateStatus, wanted: NewCertificateStatus) -> None:
    """A new status changes the status and the time of the change, nothing else; the present one changes nothing."""
    before = certificate(status)
    outcome = certificate_states.TRANSITIONS[EVENT_OF_STATUS[wanted], status]
    if outcome is None:
        with pytest.raises(ApiError, match=f"is {status}: not allowed to") as caught:
            before.with_status(wanted, LATER)
        assert (caught.value.spec, caught.value.names["name"]) == (errors.INVALID_PARAMETER, "Status")
    else:
        assert outcome == wanted
        changed = replace(before, status=outcome, updated=before.updated if outcome == status else LATER)
        assert before.with_status(wanted, LATER) == changed


@pytest.mark.parametrize("status", certificate_states.STATUSES)
@pytest.mark.parametrize("use", USES)
def test_a_certificate_is_used_as_the_table_says(status: CertificateStatus, use: CertificateUse) -> None:
    """Only an ACTIVE certificate works, but that a REVOKED one verifies; no use changes the status."""
    outcome = certificate_states.TRANSITIONS[use, status]
    assert outcome in (None, status)
    if outcome is None:
        with pytest.raises(ApiError, match=f"is {status}: not allowed to {use}"):
            certificate(status).check_use(use)
    else:
        certificate(status).check_use(use)


def test_nothing_replaces_a_revoked_certificate() -> None:
    """An import leads to ACTIVE from any status but REVOKED, where it is refused for its CertificateId."""
    with pytest.raises(ApiError) as caught:
        certificate("REVOKED").with_issued("", "", LATER)
    assert (caught.value.spec, caught.value.names["name"]) == (errors.INVALID_PARAMETER, "CertificateId")
    assert {certificate_states.TRANSITIONS["import", status] for status in ("PENDING", "ACTIVE", "INACTIVE")} == {
        "ACTIVE"
    }


@pytest.mark.parametrize("status", instance_states.STATUSES)
@pytest.mark.parametrize("event", get_args(InstanceEvent))
def test_an_instance_does_what_the_table_says(event: InstanceEvent, status: InstanceStatus) -> None:
    """`Instance.after` returns the instance in its next status, with nothing else changed, or raises the refusal."""
    before = Instance("kst-1", "arn", OWNER, 0.0, status=status)
    outcome = instance_states.TRANSITIONS[event, status]
    if isinstance(outcome, ErrorSpec):
        with pytest.raises(ApiError, match=f"kst-1 is {status}: not allowed to {event}") as caught:
            before.after(event)
        assert caught.value.spec is outcome
    else:
        assert before.after(event) == replace(before, status=outcome)


def table(
    subject: str, statuses: Sequence[str], outcomes: Mapping[Any, str | ErrorSpec | None], events: Sequence[str]
) -> str:
    """Return a table of states as docs/behaviour.md has it: the next status, the code of a refusal, `-` for none."""
    rows = [[subject, *statuses], ["---"] * (len(statuses) + 1)]
    for event in events:
        cells = [outcomes[event, status] for status in statuses]
        rows.append([event, *(f"`{cell.code}`" if isinstance(cell, ErrorSpec) else cell or "-" for cell in cells)])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def test_the_page_of_behaviour_has_the_tables() -> None:
    """docs/behaviour.md shows both tables as they are in the code."""
    page = (Path(__file__).parents[2] / "docs" / "behaviour.md").read_text(encoding="utf-8")
    found = table(
        "certificate", certificate_states.STATUSES, certificate_states.TRANSITIONS, get_args(CertificateEvent)
    )
    assert found in page, f"section 22:\n{found}"
    found = table("instance", instance_states.STATUSES, instance_states.TRANSITIONS, get_args(InstanceEvent))
    assert found in page, f"section 12:\n{found}"
