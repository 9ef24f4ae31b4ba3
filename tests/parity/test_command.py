"""`kms-mock parity` as a command: what it would make, what it asks before, and what it reports."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kms_mock import KmsMock
from kms_mock.cli import main
from kms_mock.parity.cases import all_cases
from tests.support.parity import left_behind

SIGNING = [case for case in all_cases() if "sign-" in case.id]


def parity(*options: str, answer: str | None = None) -> Result:
    """Run the command."""
    return CliRunner().invoke(main, ["parity", *options], input=answer)


@pytest.mark.parametrize("options", [[], ["--dry-run", "--against", "real"]])
def test_without_a_service_the_plan_is_shown(options: list[str]) -> None:
    """How many keys and secrets a run makes; keys cost money. Nothing is asked, so no credentials are needed."""
    done = parity("--max-keys", "3", *options)
    assert done.exit_code == 0, done.output
    cases, keys, secrets = done.output.splitlines()
    assert cases.startswith(f"{len(all_cases())} cases, ")
    assert keys.endswith("more, 3 allowed; each is planned for deletion")
    assert secrets.startswith("secrets: at most ")


def test_a_case_that_there_is_not() -> None:
    """It is told by name, before anything is asked."""
    done = parity("--only", "no-such-case", "--against", "real")
    assert (done.exit_code, done.output.splitlines()[-1]) == (2, "Error: no case matches no-such-case")


def test_against_a_second_mock(tmp_path: Path) -> None:
    """It is the same program twice: no difference. The result is JSON whatever the name of the file ends with."""
    done = parity("--against", "mock", "--only", "sign-", "-o", str(tmp_path / "found.txt"))
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[-1] == f"{len(SIGNING)} same, 0 different, 0 not asked"
    document = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    assert (document["against"], len(document["rows"])) == ("mock", len(SIGNING))


@pytest.mark.usefixtures("sdk_credentials")
class TestAgainstAService:
    """A mock stands for the real service."""

    def test_nothing_is_made_without_an_answer(self, kms: KmsMock) -> None:
        """The plan comes first, then a question; "no" ends it before the first call."""
        done = parity("--against", "real", "--endpoint", kms.url, answer="n\n")
        assert done.exit_code == 1
        assert "Make these in cn-hangzhou? [y/N]: n" in done.output
        assert not list(kms.calls)

    def test_what_an_earlier_run_left_is_removed(self, kms: KmsMock) -> None:
        """Secrets, aliases and keys by the prefix and the tag; others stay, and a key that is leaving already is not named."""
        tags = {"kms-mock-parity": "delete-me"}
        ours = [
            {"id": f"k{number}", "tags": tags} for number in range(120)
        ]  # more than ListTagResources returns at once
        ours[0]["aliases"] = ["alias/kms-mock-parity-1", "alias/mine"]
        leaving = {"id": "leaving", "tags": tags, "state": "PendingDeletion", "deletion_date": "+7d"}
        kms.load(
            {
                "keys": [*ours, leaving, {"id": "mine"}],
                "secrets": [{"name": "kms-mock-parity-1", "value": "x"}, {"name": "mine", "value": "x"}],
            }
        )
        done = parity("--against", "real", "--yes", "--endpoint", kms.url, "--only", "sign-")
        assert done.exit_code == 0, done.output
        removed = [line for line in done.output.splitlines() if line.startswith("removed from an earlier run: ")]
        assert len(removed) == 122
        assert removed[:2] == [
            "removed from an earlier run: secret kms-mock-parity-1",
            "removed from an earlier run: alias/kms-mock-parity-1",
        ]
        assert left_behind(kms) == {"secrets": ["mine"], "keys": ["mine"], "aliases": ["alias/mine"]}

    def test_a_difference_is_told_with_its_rule(self, kms: KmsMock) -> None:
        """And the first step that differs; the status of the command is 1."""
        kms.fail("AsymmetricSign", code="InternalFailure")
        done = parity("--against", "real", "--yes", "--endpoint", kms.url, "--only", SIGNING[0].id)
        assert done.exit_code == 1
        *_, heading, step, count = done.output.splitlines()
        assert heading.endswith(f"different   {SIGNING[0].id} [{SIGNING[0].certainty}]: {SIGNING[0].rule}")
        assert step.lstrip().startswith("step ")
        assert "InternalFailure" in step
        assert count == "0 same, 1 different, 0 not asked"

    def test_a_service_that_cannot_be_asked(self) -> None:
        """Where nothing listens, it ends with a sentence."""
        with socket.socket() as reserved:  # bound but not listening: nobody else gets this port
            reserved.bind(("127.0.0.1", 0))
            endpoint = f"http://127.0.0.1:{reserved.getsockname()[1]}"
            done = parity("--against", "real", "--yes", "--endpoint", endpoint)
        assert done.exit_code == 1
        assert done.output.startswith("Error: ListSecrets got no answer: ")

    def test_a_caller_without_permission(self, kms: KmsMock) -> None:
        """A refusal of what lists the leavings is told with its code."""
        kms.fail("ListSecrets", code="Forbidden.NoPermission")
        done = parity("--against", "real", "--yes", "--endpoint", kms.url)
        assert done.exit_code == 1
        assert done.output.startswith("Error: ListSecrets was refused with Forbidden.NoPermission (request ")

    def test_a_result_that_cannot_be_written(self, kms: KmsMock, tmp_path: Path) -> None:
        """A missing folder is told before anything is made; what fails at the end has a sentence, too."""
        options = ("--against", "real", "--yes", "--endpoint", kms.url, "--only", SIGNING[0].id, "-o")
        done = parity(*options, str(tmp_path / "missing" / "found.json"))
        assert (done.exit_code, done.output.splitlines()[-1]) == (
            2,
            f"Error: there is no folder {tmp_path / 'missing'}",
        )
        assert not list(kms.calls)
        (tmp_path / "found.json").mkdir()
        done = parity(*options, str(tmp_path / "found"))
        assert done.exit_code == 1
        assert f"Error: cannot write {tmp_path / 'found.json'}: " in done.output
        assert left_behind(kms) == {"secrets": [], "keys": [], "aliases": []}
        assert [path.name for path in tmp_path.iterdir()] == ["found.json"]
