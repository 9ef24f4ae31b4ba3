"""The test author's tools in the pytest plugin: unused faults, leaks, the report, namespaces; as a user meets them."""

from __future__ import annotations

import inspect

import pytest

from kms_mock import KmsMock
from kms_mock.pytest_plugin import MockOptions

WARN = "always::kms_mock.pytest_plugin.UnusedFaultsWarning"  # the outer run makes errors of warnings
INI = """
[pytest]
asyncio_default_fixture_loop_scope = function
{}
"""

# Without the SDK, which takes a second to import in every process.
HEAD = """
import json, logging, pytest
from urllib.parse import urlencode
from urllib.request import urlopen

DB = {"secrets": [{"name": "db", "value": "hunter2hunter2"}]}

def ask(kms, action, **parameters):
    query = urlencode({"Action": action, "Version": "2016-01-20", **parameters})
    with urlopen(f"{kms.url}/?{query}") as answer:
        return json.load(answer)

def read(kms, **parameters):
    return ask(kms, "GetSecretValue", SecretName="db", **parameters)["SecretData"]
"""


def run(
    pytester: pytest.Pytester, source: str, *options: str, ini: str = "", subprocess: bool = False
) -> pytest.RunResult:
    """Run a test file of a user's."""
    pytester.makeini(INI.format(ini))
    pytester.makepyfile(test_of_a_user=HEAD + source)
    arguments = ("-p", "no:cacheprovider", "-W", WARN, *options)
    return pytester.runpytest_subprocess(*arguments) if subprocess else pytester.runpytest_inprocess(*arguments)


# -- faults -----------------------------------------------------------------------------------------------------------

UNUSED = """
def test_unused(kms_mock):
    kms_mock.fail("GetSecretValue", code="Rejected.Throttling", times=2)

@pytest.mark.kms_mock(fixture=DB)
def test_used(kms_mock):
    kms_mock.fail("GetSecretValue", code="Rejected.Throttling", times=1)
    with pytest.raises(Exception, match="429"):
        read(kms_mock)
"""


def test_unused_faults_are_reported(pytester: pytest.Pytester) -> None:
    """The test passes, and the summary of warnings says which fault never struck; used ones are not mentioned."""
    result = run(pytester, UNUSED)
    result.assert_outcomes(passed=2, warnings=1)
    result.stdout.fnmatch_lines(
        [
            "*UnusedFaultsWarning: faults that did not strike as often as asked for:",
            "*Rejected.Throttling before operation=GetSecretValue, struck 0 of 2",
        ]
    )


def test_unused_faults_fail_on_request(pytester: pytest.Pytester) -> None:
    """With kms_mock_strict_faults the test is an error at its end; one that used its faults is not."""
    result = run(pytester, UNUSED, ini="kms_mock_strict_faults = true")
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(
        [
            "*ERROR at teardown of test_unused*",
            "faults that did not strike as often as asked for:",
            "  Rejected.Throttling before operation=GetSecretValue, struck 0 of 2",
        ]
    )


def test_a_failed_test_is_not_blamed_twice(pytester: pytest.Pytester) -> None:
    """A test that failed before it could use its faults fails once."""
    source = """
def test_fails_early(kms_mock):
    kms_mock.fail("GetSecretValue", code="Rejected.Throttling")
    assert False
"""
    run(pytester, source, ini="kms_mock_strict_faults = true").assert_outcomes(failed=1)


# -- leaks ------------------------------------------------------------------------------------------------------------

LEAKS = """
pytestmark = pytest.mark.kms_mock(fixture=DB)

def test_logged(kms_mock):
    logging.getLogger("app").warning("password is %s", read(kms_mock))

def test_printed(kms_mock):
    print(read(kms_mock))

def test_discreet(kms_mock):
    logging.getLogger("app").warning("password has %s characters", len(read(kms_mock)))

def test_in_a_namespace(kms_mock_session, kms_namespace):
    print(read(kms_mock_session, AccessKeyId=kms_namespace.access_key_id))

def test_without_a_mock():
    print("hunter2hunter2")
"""


def test_leaks_are_let_be_by_default(pytester: pytest.Pytester) -> None:
    """The leak check is opt-in."""
    run(pytester, LEAKS).assert_outcomes(passed=5)


def test_leaks_fail_on_request(pytester: pytest.Pytester) -> None:
    """With kms_mock_leaks a test fails whose captured logs or output hold a secret value; the message does not."""
    result = run(pytester, LEAKS, "--show-capture=no", ini="kms_mock_leaks = true")
    result.assert_outcomes(failed=3, passed=2)
    result.stdout.fnmatch_lines(["*in the captured output or logs of this test secret values leaked:"] * 3)
    result.stdout.fnmatch_lines(["*SecretData of db of GetSecretValue (call #1) is in line *"])
    result.stdout.no_fnmatch_line("*hunter2hunter2*")


def test_a_failed_test_shows_its_last_calls(pytester: pytest.Pytester) -> None:
    """A failed test shows its last calls, secrets masked."""
    source = """
def test_fails(kms_mock):
    ask(kms_mock, "CreateSecret", SecretName="web", VersionId="v1", SecretData="top" * 3)
    assert kms_mock.calls.last.status == 404
"""
    result = run(pytester, source)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*kms-mock: the last calls*", "#1 CreateSecret(*SecretData='[*][*][*]'*) -> 200 ok"])
    result.stdout.no_fnmatch_line("*toptoptop*")


WRONG = """
@pytest.mark.kms_mock(fixtur=DB)
def test_misspelt(kms_mock):
    pass

@pytest.mark.kms_mock(region="Beijing!")
def test_no_region(kms_mock):
    pass

@pytest.mark.kms_mock(fixture={"secrets": [{"name": "db", "value": 12345}]})
def test_number(kms_mock):
    pass

@pytest.mark.kms_mock(fixture="missing.yaml")
def test_no_file(kms_namespace):
    pass
"""


def test_wrong_options_are_told_in_a_line(pytester: pytest.Pytester) -> None:
    """The test, the place and the nearest name; no traceback of this package, and none of what caused it."""
    result = run(pytester, WRONG)
    result.assert_outcomes(errors=4)
    result.stdout.fnmatch_lines_random(
        [
            "the marker kms_mock has no argument 'fixtur'; did you mean 'fixture'?",
            "'Beijing!' is not a region*",
            "fixture document of test_of_a_user.py::test_number: $.secrets[[]0].value: expected a string*quotes*",
            "*missing.yaml: cannot be read*",
        ]
    )
    text = result.stdout.str()
    assert "Traceback" not in text
    assert "During handling" not in text
    assert "kms_mock/" not in text.replace("\\", "/")


MARKER = """
from kms_mock.pytest_plugin import kms_mock_marker

@kms_mock_marker(DB, region="cn-beijing")
def test_marked(kms_mock):
    assert read(kms_mock) == "hunter2hunter2"
    assert kms_mock.config.region == "cn-beijing"

@kms_mock_marker(fixtures=[DB], seed=7)
def test_named(kms_mock):
    assert (kms_mock.config.seed, read(kms_mock)) == (7, "hunter2hunter2")

@kms_mock_marker(DB, state="state.db")
def test_saved(kms_mock):
    assert read(kms_mock) == "hunter2hunter2"

@kms_mock_marker(state="state.db")
def test_kept(kms_mock):
    assert read(kms_mock) == "hunter2hunter2"
"""


def test_the_marker_that_editors_complete(pytester: pytest.Pytester) -> None:
    """`kms_mock_marker` is `pytest.mark.kms_mock` with typed arguments: those of KmsMock but the products, and `fixture`."""
    run(pytester, MARKER, "--strict-markers").assert_outcomes(passed=4)
    arguments = {name for name in inspect.signature(KmsMock).parameters if name not in ("self", "apis")}
    assert set(MockOptions.__annotations__) == {*arguments, "fixture"}


# -- namespaces -------------------------------------------------------------------------------------------------------

NAMESPACES = """
@pytest.mark.parametrize("number", range(4))
def test_alone(kms_namespace, kms_mock_session, number):
    me = {"AccessKeyId": kms_namespace.access_key_id}
    ask(kms_mock_session, "CreateSecret", SecretName="db", VersionId="v1", SecretData=f"value {number}", **me)
    assert read(kms_mock_session, **me) == f"value {number}"
    kms_namespace.calls.assert_called("CreateSecret", times=1)
    assert len(kms_mock_session.snapshot()["accounts"]) == 1

@pytest.mark.kms_mock(fixture=DB)
def test_with_a_fixture(kms_mock_session, kms_namespace):
    assert read(kms_mock_session, AccessKeyId=kms_namespace.access_key_id) == "hunter2hunter2"

def test_unused(kms_namespace):
    kms_namespace.fail("GetSecretValue", code="Rejected.Throttling")

def test_the_fault_is_gone(kms_namespace, kms_mock_session):
    assert list(kms_mock_session.faults) == []
"""


def test_namespaces(pytester: pytest.Pytester) -> None:
    """On one server each test starts with nothing but its fixture; its faults end and are reported with it."""
    result = run(pytester, NAMESPACES)
    result.assert_outcomes(passed=7, warnings=1)
    result = run(pytester, NAMESPACES, ini="kms_mock_strict_faults = true")
    result.assert_outcomes(passed=7, errors=1)


# -- the report -------------------------------------------------------------------------------------------------------

REPORT = """
@pytest.mark.kms_mock(fixture=DB)
@pytest.mark.parametrize("number", range(3))
def test_read(kms_mock, number):
    read(kms_mock)

def test_in_a_namespace(kms_mock_session, kms_namespace):
    with pytest.raises(Exception, match="404"):
        read(kms_mock_session, AccessKeyId=kms_namespace.access_key_id)

def test_a_key(kms_mock):
    ask(kms_mock, "CreateKey")
    kms_mock.reset()
"""


@pytest.mark.parametrize("workers", [(), ("-n", "2", "-p", "no:hypothesispytest")], ids=["one process", "xdist"])
def test_the_report(pytester: pytest.Pytester, workers: tuple[str, ...]) -> None:
    """--kms-mock-report sums up operations, codes, states and what was never met, over all workers too."""
    result = run(pytester, REPORT, "--kms-mock-report", *workers, subprocess=bool(workers))
    result.assert_outcomes(passed=5)
    result.stdout.fnmatch_lines(
        [
            "*kms-mock report*",
            "2 of * operations, 5 calls",
            "  CreateKey: ok 1x",
            "    never met: *",
            "  GetSecretValue: ok 3x, Forbidden.ResourceNotFound 1x",
            "    never met: *Forbidden.KeyNotFound*",
            "  exercised: key state Enabled",
        ]
    )


def test_no_report_unless_asked_for(pytester: pytest.Pytester) -> None:
    """Without the option nothing is printed."""
    result = run(pytester, REPORT)
    result.assert_outcomes(passed=5)
    result.stdout.no_fnmatch_line("*kms-mock report*")
