"""The pytest plugin: a mock KMS for every test that asks for one.

Only pytest is imported here. The server is imported when the first test asks for a fixture, so that a run which needs
none pays nothing. PYTEST_DONT_REWRITE: there are no assertions to rewrite in this module.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, Unpack

import pytest

if TYPE_CHECKING:
    from alibabacloud_kms20160120.client import Client

    from kms_mock.config import Config
    from kms_mock.control.faults import Fault
    from kms_mock.control.namespaces import Namespace
    from kms_mock.fixtures import Fixture
    from kms_mock.logs import LogRequest
    from kms_mock.mock import KmsMock

_MOCKS = pytest.StashKey[list[Any]]()
_FAILED = pytest.StashKey[bool]()
_REPORT = "kms_mock_report"


T = TypeVar("T")


class MockOptions(TypedDict, total=False):
    """What a test's mock starts with: the arguments of the marker `kms_mock` and of `kms_mock_marker`.

    `fixture` and `fixtures` are documents, or files relative to the test file; `config` comes without the others.
    """

    fixture: Fixture
    fixtures: Fixture | Iterable[Fixture]
    host: str
    port: int
    region: str
    account: str
    seed: int | None
    state: str | Path | None
    config: Config | None
    log_request: LogRequest


def kms_mock_marker(*documents: Fixture, **options: Unpack[MockOptions]) -> pytest.MarkDecorator:
    """Return `pytest.mark.kms_mock(...)` with arguments that an editor completes and a type checker checks."""
    marker: pytest.MarkDecorator = pytest.mark.kms_mock(*documents, **options)
    return marker


class UnusedFaultsWarning(UserWarning):
    """A test asked for faults that did not strike as often as they should: it did not do what it was written for."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the ini options and the command-line option."""
    parser.addini(
        "kms_mock_fixtures",
        "fixture files that every mock KMS starts with, relative to the ini file",
        type="paths",
        default=[],
    )
    parser.addini(
        "kms_mock_leaks",
        "fail a test in whose captured logs or output a secret value of its mock KMS shows up",
        type="bool",
        default=False,
    )
    parser.addini(
        "kms_mock_strict_faults",
        "fail a test whose faults did not strike as often as asked for, instead of only reporting it",
        type="bool",
        default=False,
    )
    parser.addini(
        "kms_mock_intercept",
        "let every test use the fixture kms_mock_intercept, and let nothing in this run reach Alibaba Cloud",
        type="bool",
        default=False,
    )
    group = parser.getgroup("kms-mock")
    group.addoption(
        "--kms-mock-report",
        action="store_true",
        help="summarise which operations, error codes, key states and stages the tests exercised, and which not",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker, and start the report if it was asked for."""
    config.addinivalue_line(
        "markers",
        "kms_mock(fixture=..., fixtures=[...], seed=..., region=..., account=...): what this test's mock KMS starts with; "
        "a fixture is a document, or a file relative to the test file",
    )
    if config.getoption("--kms-mock-report"):
        from kms_mock.control.report import Reporter  # noqa: PLC0415 (only when asked for)
        from kms_mock.products import APIS  # noqa: PLC0415

        config.pluginmanager.register(Reporter(config, APIS), _REPORT)
    if config.getini("kms_mock_intercept"):
        from kms_mock.reach.for_pytest import InterceptEverything  # noqa: PLC0415 (only when asked for)

        config.pluginmanager.register(InterceptEverything(), "kms_mock_intercept_everything")


@pytest.fixture
def kms_mock_options(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The keyword arguments that `kms_mock` makes its KmsMock with. Override it to change them for many tests."""
    options: dict[str, Any] = {"fixtures": list(request.config.getini("kms_mock_fixtures"))}
    # From the module's marker to the test's own: the nearest has the last word, fixtures add up.
    for mark in reversed(list(request.node.iter_markers("kms_mock"))):
        given, added = read_mark(mark, request.path.parent)
        options["fixtures"] += added
        options.update(given)
    return options


@pytest.fixture
def kms_mock(kms_mock_options: dict[str, Any], request: pytest.FixtureRequest) -> Iterator[KmsMock]:
    """A mock KMS of this test's own, listening at `kms_mock.url`, with nothing in it but its fixture files."""
    from kms_mock.mock import KmsMock  # noqa: PLC0415 (the point of this module)

    _without_proxies(lambda: request.getfixturevalue("monkeypatch"))
    with _or_fail(lambda: KmsMock(**kms_mock_options)) as mock:
        _watch(request.config, mock)
        request.node.stash.setdefault(_MOCKS, []).append(mock)
        yield mock
        _report_faults(request, mock.faults.unused)


@pytest.fixture
def kms_client(kms_mock: KmsMock) -> Client:
    """A client of the official SDK (alibabacloud-kms20160120) that talks to `kms_mock`; its async methods work too."""
    return kms_mock.client()


@pytest.fixture(scope="session")
def kms_mock_session(request: pytest.FixtureRequest) -> Iterator[KmsMock]:
    """One mock KMS for the whole run, for code whose clients cannot be pointed elsewhere; see `kms_namespace`.

    It starts with the ini option `kms_mock_fixtures` and what the marks of the modules ask for whose tests share it.
    """
    from kms_mock.mock import KmsMock  # noqa: PLC0415
    from kms_mock.reach.for_pytest import intercepted_by_option, session_options  # noqa: PLC0415

    with pytest.MonkeyPatch.context() as monkeypatch:
        _without_proxies(lambda: monkeypatch)
        with KmsMock(**session_options(request)) as mock, intercepted_by_option(request.config, mock):
            _watch(request.config, mock)
            yield mock


@pytest.fixture
def kms_mock_shared(kms_mock_session: KmsMock, request: pytest.FixtureRequest) -> Iterator[KmsMock]:
    """The mock KMS of the whole run, in the state in which the run made it: what this test changes is undone."""
    from kms_mock.reach.for_pytest import fixtures_of_test, shared  # noqa: PLC0415

    with shared(kms_mock_session, fixtures_of_test(request.node)) as mock:
        request.node.stash.setdefault(_MOCKS, []).append(mock)
        yield mock
        _report_faults(request, mock.faults.unused)


@pytest.fixture
def kms_mock_intercept(request: pytest.FixtureRequest) -> Iterator[KmsMock]:
    """The mock KMS of this test, which unchanged code reaches at the real endpoints; other Alibaba Cloud hosts raise.

    It is `kms_mock`, unless the test uses `kms_mock_session`, `kms_mock_shared` or `kms_namespace`: then that one.
    """
    from kms_mock.reach.for_pytest import intercepted  # noqa: PLC0415

    with intercepted(request) as mock:
        yield mock


@pytest.fixture
def kms_mock_v1_endpoint(kms_mock: KmsMock) -> Iterator[KmsMock]:
    """`kms_mock`, which all clients of the V1 SDK (aliyun-python-sdk-core) in this process use for its region."""
    from kms_mock.reach.v1_endpoint import v1_endpoint  # noqa: PLC0415

    with v1_endpoint(kms_mock):
        yield kms_mock


@pytest.fixture
def kms_namespace(
    kms_mock_session: KmsMock, kms_mock_options: dict[str, Any], request: pytest.FixtureRequest
) -> Iterator[Namespace]:
    """An account of this test's own on the server of the whole run, reached through an AccessKey of its own."""
    with _or_fail(lambda: kms_mock_session.namespace(kms_mock_options["fixtures"])) as namespace:
        request.node.stash.setdefault(_MOCKS, []).append(namespace)
        yield namespace
        _report_faults(request, namespace.unused_faults)


def _or_fail(make: Callable[[], T]) -> T:
    """Make something out of a test's options; for a wrong one, fail with what is wrong and no traceback of this package."""
    try:
        return make()
    except ValueError as error:  # a FixtureError is one
        raise pytest.fail.Exception(str(error), pytrace=False) from None


def read_mark(mark: pytest.Mark, folder: Path) -> tuple[dict[str, Any], list[Fixture]]:
    """Return the options and the fixtures of a marker, whose files are relative to the folder; fail for a wrong one."""
    from kms_mock.fixtures import fixture_list  # noqa: PLC0415 (the point of this module)

    options = dict(mark.kwargs)
    _check_options(options)
    added = [*fixture_list(options.pop("fixtures", ())), *fixture_list(options.pop("fixture", ())), *mark.args]
    return options, [fixture if isinstance(fixture, Mapping) else folder / fixture for fixture in added]


def _check_options(given: Mapping[str, Any]) -> None:
    from kms_mock.suggestions import did_you_mean  # noqa: PLC0415

    for name in given:
        if name not in MockOptions.__annotations__:
            pytest.fail(
                f"the marker kms_mock has no argument {name!r}{did_you_mean(name, MockOptions.__annotations__)}",
                pytrace=False,
            )


def _without_proxies(monkeypatch: Callable[[], pytest.MonkeyPatch]) -> None:
    """Unset proxies: the official SDK sends even localhost to one, and ignores NO_PROXY.

    Few environments have any, and the fixture `monkeypatch` costs every test that asks for it.
    """
    from kms_mock.reach.environment import PROXIES  # noqa: PLC0415 (the point of this module)

    for name in PROXIES:
        if name in os.environ:
            monkeypatch().delenv(name)


def _report_faults(request: pytest.FixtureRequest, unused: list[Fault]) -> None:
    """Report the faults that did not strike, unless the test failed anyway."""
    if not unused or request.node.stash.get(_FAILED, False):
        return
    text = "faults that did not strike as often as asked for:\n" + "\n".join(f"  {fault}" for fault in unused)
    if request.config.getini("kms_mock_strict_faults"):
        pytest.fail(text, pytrace=False)
    request.node.warn(UnusedFaultsWarning(text))


def _watch(config: pytest.Config, mock: KmsMock) -> None:
    reporter = config.pluginmanager.get_plugin(_REPORT)
    if reporter is not None:
        reporter.watch(mock)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the last calls of a failed test, and fail one whose output or logs leak a secret (opt-in)."""
    report = yield
    mocks = item.stash.get(_MOCKS, [])
    if report.failed:
        item.stash[_FAILED] = True
        if mocks:
            lines = [str(call) for mock in mocks for call in list(mock.calls)[-10:]]
            report.sections.append(("kms-mock: the last calls", "\n".join(lines) or "none"))
        _show_asked_hosts(report)
    elif call.when == "call" and mocks and item.config.getini("kms_mock_leaks"):
        _fail_leaks(report, mocks)
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Begin a new list of the hosts that the code under test asks for."""
    if intercept := sys.modules.get("kms_mock.reach.intercept"):
        intercept.forget_asked_hosts()


def _show_asked_hosts(report: pytest.TestReport) -> None:
    intercept = sys.modules.get("kms_mock.reach.intercept")
    if intercept is not None and (text := intercept.asked_hosts().report()):
        report.sections.append(("kms-mock: the hosts", text))


def _fail_leaks(report: pytest.TestReport, mocks: list[Any]) -> None:
    captured = "\n".join(text for _, text in report.sections)
    check: Callable[[str], None]
    for check in [mock.assert_no_leaks for mock in mocks]:
        try:
            check(captured)
        except AssertionError as error:
            report.outcome = "failed"
            report.longrepr = f"kms-mock: in the captured output or logs of this test {error}"
