"""Results of comparisons that come with the package: what was inferred is seen, with the date."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from kms_mock import KmsMock
from kms_mock.cli import main
from kms_mock.control.catalogue import catalogue
from kms_mock.control.coverage import operations
from kms_mock.control.operations_page import markdown, markdown_of
from kms_mock.kms.errors import DELETION_PROTECTED
from kms_mock.parity import results
from kms_mock.parity.results import Against, Comparison, Row, settled_rules
from kms_mock.products import APIS
from tests.support.registry import REGISTRY

DATE = "2026-12-01"
SEEN = f"(seen in a comparison with the real service on {DATE})"
# A rule of one operation, one of several, one of all.
OWN = "Rejected.ResourceInDeleteWindow is not in the published table (design.md 6)."
SHARED = next(rule for rule in REGISTRY["GetSecretValue"].inferred)
COMMON = APIS[0].inferred[0]


def row(rule: str, *, same: bool = True, problem: str = "") -> Row:
    """Return a case of an inferred rule."""
    return Row("a", "", "", "inferred", rule, same=same, mock=[], other=[], problem=problem)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands for the one in the package."""
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    return tmp_path


def check_in(folder: Path, *rows: Row, date: str = DATE, against: Against = "real") -> None:
    """Write a result as `kms-mock parity -o` does."""
    comparison = Comparison(date, "0", "cn-hangzhou", against, list(rows))
    (folder / f"{date}-{against}.json").write_bytes(msgspec.json.encode(comparison))


def test_nothing_is_settled_without_results(folder: Path) -> None:
    """Nor where there is no folder."""
    assert settled_rules() == {}
    folder.rmdir()
    assert settled_rules() == {}


def test_only_the_real_service_settles_anything(folder: Path) -> None:
    """A run against a second mock proves nothing."""
    check_in(folder, row("One."), against="mock")
    assert settled_rules() == {}


def test_later_results_count_more(folder: Path) -> None:
    """A rule that a later run refutes is inferred again; one that it could not ask keeps its date."""
    check_in(folder, row("One."), row("Two."), row("Three."), row("Four."), date="2026-12-01")
    later = [row("Two.", same=False), row("Three."), row("Four.", same=False, problem="no key left")]
    check_in(folder, *later, date="2027-01-01")
    assert settled_rules() == {"One.": "2026-12-01", "Three.": "2027-01-01", "Four.": "2026-12-01"}


def test_a_damaged_result_is_named(folder: Path) -> None:
    """It is a file of the package: whoever checks it in has to know."""
    (folder / "x.json").write_text("{}")
    with pytest.raises(ValueError, match=r"x\.json is no result of kms-mock parity"):
        settled_rules()


def test_a_settled_rule_is_seen_wherever_it_is_shown(folder: Path) -> None:
    """On the page, for one operation, in the control API and in the catalogue; it is inferred nowhere."""
    inferred = DELETION_PROTECTED.inferred
    check_in(folder, *(row(rule) for rule in (OWN, SHARED, COMMON, inferred)))
    settled = settled_rules()
    page = markdown(APIS, settled)
    for rule in (OWN, SHARED, COMMON, inferred):
        lines = [line for line in markdown(APIS).splitlines() if rule.split(" (design.md")[0] in line]
        assert lines
        now = [line for line in page.splitlines() if rule.split(" (design.md")[0] in line]
        assert len(now) == len(lines)
        assert all(line.endswith(SEEN) for line in now), now
    assert f"{DELETION_PROTECTED.code} (seen)" in page
    about = markdown_of(APIS, "PutSecretValue", settled) or ""
    assert "\nSeen:\n" in about
    assert "\nInferred:\n" not in about
    entry = next(entry for entry in operations(APIS, settled) if entry["name"] == "PutSecretValue")
    assert entry["seen"] == {OWN: DATE}
    assert OWN not in entry["inferred"]
    error = next(
        entry["error"]
        for entry in catalogue(APIS, settled)["errors"]
        if entry["error"]["code"] == DELETION_PROTECTED.code
    )
    assert (error["sureness"], error["note"]) == ("seen", f"{inferred} {SEEN}")


def test_the_command_and_the_server_read_the_results(folder: Path, kms: KmsMock) -> None:
    """`kms-mock operations`, GET operations and GET catalogue."""
    check_in(folder, row(OWN))
    assert SEEN in CliRunner().invoke(main, ["operations"]).output
    assert SEEN in CliRunner().invoke(main, ["operations", "PutSecretValue"]).output
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for path in ("operations", "catalogue"):
        with opener.open(f"{kms.url}/_kms_mock/{path}") as answer:
            found = [entry.get("operation", entry) for entry in json.load(answer)["operations"]]
        entry = next(entry for entry in found if entry["name"] == "PutSecretValue")
        assert entry["seen"] == {OWN: DATE}
