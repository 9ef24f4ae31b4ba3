"""The plugin's part of it, in pytest runs of its own: fixtures, the ini option, marks and reports."""

from __future__ import annotations

import json

import pytest

from tests.support.https import holding

INI = """
    [pytest]
    addopts = --strict-markers --strict-config -p no:cacheprovider
    asyncio_mode = auto
    asyncio_default_fixture_loop_scope = function
    filterwarnings =
        error
        ignore::ResourceWarning
        ignore::pytest.PytestUnraisableExceptionWarning
        ignore:ssl.[a-zA-Z_]+.* is deprecated:DeprecationWarning
"""

HELPERS = '''
    import json
    import os
    from aliyunsdkcore.client import AcsClient
    from aliyunsdkkms.request.v20160120.GetSecretValueRequest import GetSecretValueRequest

    def ask(name="db"):
        """Ask as unchanged code does: with the AccessKey of the environment, at the real endpoint."""
        variables = ("ACCESS_KEY_ID", "ACCESS_KEY_SECRET", "REGION_ID")
        client = AcsClient(*[os.environ[f"ALIBABA_CLOUD_{variable}"] for variable in variables])
        request = GetSecretValueRequest()
        request.set_SecretName(name)
        return json.loads(client.do_action_with_exception(request))["SecretData"]
'''


def run(pytester: pytest.Pytester, tests: str, ini: str = "", *args: str) -> pytest.RunResult:
    pytester.makeini(INI + ini)
    pytester.makepyfile(helpers=HELPERS, test_user=tests)
    return pytester.runpytest_subprocess("-q", *args)


def test_fixtures(pytester: pytest.Pytester) -> None:
    """The fixture intercepts for the mock that the test uses: its own, the run's, or its namespace on that."""
    tests = """
        import pytest
        from helpers import ask

        @pytest.mark.kms_mock(fixture={"secrets": [{"name": "db", "value": "own"}]})
        def test_own(kms_mock_intercept, kms_mock):
            assert kms_mock_intercept is kms_mock
            assert ask() == "own"

        def test_session(kms_mock_intercept, kms_mock_session):
            assert kms_mock_intercept is kms_mock_session
            kms_mock_session.load({"secrets": [{"name": "db", "value": "of the run"}]})
            assert ask() == "of the run"

        @pytest.mark.kms_mock(fixture={"secrets": [{"name": "db", "value": "of the test"}]})
        def test_namespace(kms_mock_intercept, kms_namespace, kms_mock_session):
            assert kms_mock_intercept is kms_mock_session
            assert ask() == "of the test"

        @pytest.mark.kms_mock(fixture={"secrets": [{"name": "db", "value": "both"}]})
        def test_own_beside_the_run(kms_mock_intercept, kms_mock_session, kms_client):
            assert kms_mock_intercept is not kms_mock_session
            assert ask() == "both"
    """
    run(pytester, tests).assert_outcomes(passed=4)


def test_the_option(pytester: pytest.Pytester) -> None:
    """Every test is intercepted, those of unittest too; the run's mock is from its start on, for wider fixtures."""
    tests = """
        import unittest
        import pytest
        from helpers import ask

        def test_plain():
            assert ask() == "from ini"

        @pytest.mark.kms_mock(fixture={"secrets": [{"name": "more", "value": "from mark"}]})
        def test_marked():
            assert (ask(), ask("more")) == ("from ini", "from mark")

        class TestCase(unittest.TestCase):
            def test_case(self):
                assert ask() == "from ini"

        @pytest.fixture(scope="module")
        def application(kms_mock_session):
            return ask()

        def test_wide(application, kms_mock_shared):
            assert application == ask() == "from ini"
    """
    (pytester.path / "ini.json").write_text(json.dumps(holding("from ini")))
    run(pytester, tests, "    kms_mock_intercept = true\n    kms_mock_fixtures = ini.json\n").assert_outcomes(passed=4)


SHARED = """
    import pytest
    from helpers import ask

    pytestmark = pytest.mark.kms_mock(fixture={"secrets": [{"name": "db", "value": "of the module"}]}, seed=7)

    @pytest.mark.parametrize("number", [1, 2])
    def test_change(kms_mock_intercept, kms_mock_shared, number):
        assert [call.action for call in kms_mock_shared.calls] == []
        assert kms_mock_shared.minimal_policies() == {}
        assert ask() == "of the module"
        kms_mock_shared.load({"secrets": [{"name": "new", "value": "n"}]})
        kms_mock_shared.clock.freeze()
        assert ask("new") == "n"

    @pytest.mark.kms_mock(fixture="own.json")
    def test_own(kms_mock_intercept, kms_mock_shared):
        assert (ask(), ask("own")) == ("of the module", "o")

    def test_restored(kms_mock_session, kms_mock_shared):
        assert kms_mock_session is kms_mock_shared
        assert not kms_mock_session.clock.frozen
        assert not list(kms_mock_session.faults)
        assert kms_mock_session.config.seed == 7
        found = kms_mock_session.snapshot()["accounts"][0]["regions"][0]["secrets"]
        assert [secret["name"] for secret in found] == ["of-ini", "db"]

    @pytest.mark.filterwarnings("ignore:faults that did not strike")
    def test_fault(kms_mock_shared):
        kms_mock_shared.fail("Encrypt", code="InternalFailure", times=1)
"""


def test_shared(pytester: pytest.Pytester) -> None:
    """The run's mock has what the ini option and the marks of modules say; what a test changes is undone after it."""
    (pytester.path / "ini.json").write_text('{"secrets": [{"name": "of-ini", "value": "i"}]}')
    (pytester.path / "own.json").write_text('{"secrets": [{"name": "own", "value": "o"}]}')
    result = run(pytester, SHARED, "    kms_mock_fixtures = ini.json\n", "-p", "no:randomly")
    result.assert_outcomes(passed=5)


def test_a_wrong_mark_of_a_test_that_shares(pytester: pytest.Pytester) -> None:
    """A misspelt argument fails with the nearest name for the run's mock as for a test's own, on a module and a test."""
    tests = """
        import pytest

        pytestmark = pytest.mark.kms_mock(regoin="cn-beijing")

        def test_session(kms_mock_session): ...

        @pytest.mark.kms_mock(fixtur={})
        def test_shared(kms_mock_shared): ...
    """
    ended = run(pytester, tests)
    ended.assert_outcomes(errors=2)
    ended.stdout.fnmatch_lines(["*has no argument 'regoin'; did you mean 'region'[?]"])
    ended = run(pytester, tests.replace("regoin", "region"))
    ended.stdout.fnmatch_lines(["*has no argument 'fixtur'; did you mean 'fixture'[?]"])


def test_marks_that_disagree(pytester: pytest.Pytester) -> None:
    """One mock cannot have two regions, and a single test cannot choose one: errors that name mark and value."""
    tests = """
        import pytest
        pytestmark = pytest.mark.kms_mock(region="cn-beijing")

        def test_region(kms_mock_shared):
            assert kms_mock_shared.config.region == "cn-beijing"
    """
    pytester.makepyfile(test_other=tests.replace("cn-beijing", "cn-shanghai"))
    result = run(pytester, tests)
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(["*mark kms_mock of test_user.py asks for region='cn-beijing', another one for*"])
    single = """
        import pytest

        @pytest.mark.kms_mock(region="cn-beijing")
        def test_region(kms_mock_shared): pass
    """
    (pytester.path / "test_other.py").unlink()
    result = run(pytester, single)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*a test that shares its mock cannot ask for region*"])


def test_v1_endpoint(pytester: pytest.Pytester) -> None:
    """V1's endpoint for all clients of the process is the mock's, and afterwards what it was."""
    tests = """
        import pytest
        from aliyunsdkcore.profile import region_provider
        from aliyunsdkcore.endpoint.default_endpoint_resolver import DefaultEndpointResolver
        from helpers import ask

        def known():
            return dict(DefaultEndpointResolver.predefined_endpoint_resolver.endpoints_data)

        @pytest.fixture(autouse=True)
        def environment(monkeypatch):
            for name in "ACCESS_KEY_ID", "ACCESS_KEY_SECRET":
                monkeypatch.setenv(f"ALIBABA_CLOUD_{name}", "mine")
            monkeypatch.setenv("ALIBABA_CLOUD_REGION_ID", "cn-hangzhou")

        @pytest.mark.kms_mock(fixture={"secrets": [{"name": "db", "value": "one"}]})
        def test_inside(kms_mock_v1_endpoint, kms_mock):
            assert kms_mock_v1_endpoint is kms_mock
            assert ask() == "one"

        def test_outside():
            assert known() == {}
            region_provider.add_endpoint("Kms", "cn-hangzhou", "http://mine")

        def test_another_one(kms_mock_v1_endpoint):
            assert known() != {"kms.cn-hangzhou": "http://mine"}

        def test_the_former_one():
            assert known() == {"kms.cn-hangzhou": "http://mine"}
    """
    run(pytester, tests).assert_outcomes(passed=4)


def test_a_failed_test_shows_the_hosts(pytester: pytest.Pytester) -> None:
    """The report of a failed test says what the code asked for, however the test intercepts; others say nothing."""
    tests = """
        import socket
        from kms_mock import mock_kms

        def test_passes(kms_mock_intercept):
            socket.getaddrinfo("kms.cn-beijing.aliyuncs.com", 443)

        def test_fixture(kms_mock_intercept):
            socket.getaddrinfo("oss-cn-hangzhou.aliyuncs.com", 443)

        def test_block():
            with mock_kms():
                socket.getaddrinfo("kms.cn-hangzhou.aliyuncs.com", 443)
            assert 0

        def test_nothing(kms_mock_intercept):
            assert 0

        def test_without():
            assert 0
    """
    result = run(pytester, tests)
    result.assert_outcomes(passed=1, failed=4)
    text = result.stdout.str()
    shown = [line for line in text.splitlines() if line.startswith("your code asked for")]
    assert shown == [
        "your code asked for oss-cn-hangzhou.aliyuncs.com: it is not mocked, so it was refused",
        "your code asked for kms.cn-hangzhou.aliyuncs.com: the mock answers for it",
        "your code asked for no host while KMS was intercepted",
    ]
