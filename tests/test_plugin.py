"""The pytest plugin, in pytest runs of its own: the plugin comes in through its entry point, as at a user's."""

from __future__ import annotations

import pytest

# A proxy that nobody listens at: whatever goes there fails.
NOWHERE = "http://127.0.0.1:9"
PROXIES = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")

INI = """
    [pytest]
    addopts = --strict-markers --strict-config -p no:cacheprovider
    asyncio_mode = auto
    asyncio_default_fixture_loop_scope = function
    filterwarnings =
        error
        ignore::ResourceWarning
        ignore::pytest.PytestUnraisableExceptionWarning
        ignore::DeprecationWarning:alibabacloud_.*
        ignore::DeprecationWarning:darabonba.*
        ignore::DeprecationWarning:Tea.*
"""

HELPERS = """
    from alibabacloud_kms20160120 import models

    def create(client, name, data):
        client.create_secret(models.CreateSecretRequest(secret_name=name, version_id="v1", secret_data=data))

    def value(client, name):
        return client.get_secret_value(models.GetSecretValueRequest(secret_name=name)).body.secret_data

    def names(client):
        listed = client.list_secrets(models.ListSecretsRequest(page_size=100)).body.secret_list.secret
        return [one.secret_name for one in listed]
"""

ISOLATED = """
    import pytest
    from helpers import create, models, names

    @pytest.mark.parametrize("number", range(100))
    def test_isolated(kms_client, number):
        create(kms_client, f"db-{number}", "x")
        assert names(kms_client) == ["common", f"db-{number}"]

    @pytest.mark.parametrize("number", range(10))
    async def test_async(kms_client, number):
        made = models.CreateSecretRequest(secret_name="db", version_id="v1", secret_data=str(number))
        await kms_client.create_secret_async(made)
        found = await kms_client.get_secret_value_async(models.GetSecretValueRequest(secret_name="db"))
        assert found.body.secret_data == str(number)
        assert names(kms_client) == ["common", "db"]

    def test_calls(kms_mock, kms_client):
        assert not list(kms_mock.calls)
        names(kms_client)
        kms_mock.calls.assert_called("ListSecrets", times=1)

    def test_other_plugins(request):
        for name in ("asyncio", "aiohttp"):
            assert request.config.pluginmanager.has_plugin(name)
"""

MARKED = """
    from pathlib import Path

    import pytest
    from helpers import create, names, value

    pytestmark = pytest.mark.kms_mock(fixture={"secrets": [{"name": "of-module", "value": "m"}]})
    BESIDE = {"secrets": [{"name": "beside", "value": "b"}]}

    def test_document(kms_client):
        assert names(kms_client) == ["common", "of-module"]
        assert value(kms_client, "of-module") == "m"

    @pytest.mark.kms_mock(fixture="data/file.yaml")
    def test_file(kms_client):
        assert names(kms_client) == ["common", "of-module", "in-file"]

    @pytest.mark.kms_mock(fixture=Path("data/file.yaml"))
    def test_path(kms_client):
        assert names(kms_client) == ["common", "of-module", "in-file"]

    @pytest.mark.kms_mock(fixture=str(Path(__file__).with_name("data") / "file.yaml"))
    def test_absolute(kms_client):
        assert names(kms_client) == ["common", "of-module", "in-file"]

    @pytest.mark.kms_mock(fixtures="data/file.yaml")
    def test_one_is_a_list_of_one(kms_client):
        assert names(kms_client) == ["common", "of-module", "in-file"]

    @pytest.mark.kms_mock("data/file.yaml", BESIDE)
    def test_positional(kms_client):
        assert names(kms_client) == ["common", "of-module", "in-file", "beside"]

    @pytest.mark.kms_mock(fixtures=["data/file.yaml", BESIDE])
    @pytest.mark.parametrize("turn", [1, 2])
    def test_several(kms_client, turn):
        assert names(kms_client) == ["common", "of-module", "in-file", "beside"]
        create(kms_client, "new", "n")

    @pytest.mark.kms_mock(region="cn-beijing", account="42")
    class TestOptions:
        def test_class(self, kms_mock):
            assert (kms_mock.config.region, kms_mock.config.account) == ("cn-beijing", "42")

        @pytest.mark.kms_mock(region="cn-shanghai", seed=7)
        def test_nearest(self, kms_mock):
            config = kms_mock.config
            assert (config.region, config.account, config.seed) == ("cn-shanghai", "42", 7)

    @pytest.mark.kms_mock(fixture=BESIDE)
    def test_namespace(kms_namespace, kms_mock_session):
        client = kms_namespace.client()
        assert names(client) == ["common", "of-module", "beside"]
        create(client, "new", "n")
        assert names(kms_mock_session.client()) == []
        assert [call.action for call in kms_namespace.calls] == ["ListSecrets", "CreateSecret"]

    def test_next_namespace(kms_namespace):
        assert names(kms_namespace.client()) == ["common", "of-module"]
"""

OVERRIDDEN = """
    import pytest
    from helpers import names

    @pytest.fixture
    def kms_mock_options(kms_mock_options):
        more = {"secrets": [{"name": "from-override", "value": "o"}]}
        return {**kms_mock_options, "fixtures": [*kms_mock_options["fixtures"], more], "region": "cn-qingdao"}

    def test_override(kms_mock, kms_client):
        assert names(kms_client) == ["common", "from-override"]
        assert kms_mock.config.region == "cn-qingdao"

    @pytest.mark.kms_mock(account="42")
    def test_with_marker(kms_mock):
        assert (kms_mock.config.region, kms_mock.config.account) == ("cn-qingdao", "42")
"""

FAILING = """
    import pytest
    from helpers import create, value
    from values import SECRET

    def test_fails(kms_client):
        create(kms_client, "db", SECRET)
        value(kms_client, "db")
        assert value(kms_client, "missing") == 1

    @pytest.fixture
    def prepared(kms_client):
        create(kms_client, "prepared", SECRET)
        value(kms_client, "not-prepared")

    def test_fails_before(prepared):
        pass

    def test_passes(kms_client):
        create(kms_client, "unseen", SECRET)

    def test_without_mock():
        assert False

    @pytest.mark.kms_mock(fixture={"secrets": [{"name": "db", "valu": "x"}]})
    def test_wrong_fixture(kms_client):
        pass

    def test_leaks(kms_client):
        create(kms_client, "db", SECRET)
        print("the value is", SECRET)

    def test_fault(kms_mock):
        kms_mock.fail("GetSecretValue", code="Rejected.Throttling", times=2)
"""


@pytest.fixture
def _proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment with a proxy, as behind a company's firewall."""
    for name in PROXIES:
        monkeypatch.setenv(name, NOWHERE)


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project that configures the plugin; its tests are in another folder than its ini file."""
    pytester.makeini(INI + "    kms_mock_fixtures = fixtures/common.yaml\n")
    pytester.makepyfile(helpers=HELPERS)
    pytester.syspathinsert()
    (pytester.mkdir("fixtures") / "common.yaml").write_text("secrets: [{name: common, value: c}]")
    tests = pytester.mkdir("tests")
    (tests / "data").mkdir()
    (tests / "data" / "file.yaml").write_text("secrets: [{name: in-file, value: f}]")
    return pytester


def move(pytester: pytest.Pytester, **files: str) -> None:
    """Write test files into the project's folder `tests`."""
    for path in [pytester.makepyfile(**{name: text}) for name, text in files.items()]:
        path.rename(pytester.path / "tests" / path.name)


@pytest.mark.usefixtures("_proxies")
def test_scratch(pytester: pytest.Pytester) -> None:
    """A project that says nothing but `kms_client` gets a client that works, proxy or not, and its proxy back after."""
    pytester.makepyfile("""
        import os

        from alibabacloud_kms20160120 import models

        def test_x(kms_client):
            made = models.CreateSecretRequest(secret_name="db", version_id="v1", secret_data="hello")
            assert kms_client.create_secret(made).status_code == 200

        def test_fresh(kms_client):
            assert kms_client.list_secrets(models.ListSecretsRequest()).body.total_count == 0

        def test_proxy_is_back():
            assert os.environ["HTTP_PROXY"] == os.environ["all_proxy"] == "http://127.0.0.1:9"
    """)
    pytester.runpytest_subprocess().assert_outcomes(passed=3)


@pytest.mark.usefixtures("_proxies")
@pytest.mark.parametrize("workers", ["0", "2"])
def test_project(project: pytest.Pytester, workers: str) -> None:
    """Each test has a mock of its own with the fixtures of ini file, markers and overrides; also in two xdist workers."""
    move(project, test_isolated=ISOLATED, test_marked=MARKED, test_overridden=OVERRIDDEN)
    project.runpytest_subprocess("-n", workers).assert_outcomes(passed=100 + 10 + 2 + 11 + 2 + 1)


def test_failing(project: pytest.Pytester) -> None:
    """A failed test shows the last calls of its mock, in which no secret value is; what the ini options forbid fails."""
    project.makeini(INI + "    kms_mock_leaks = true\n    kms_mock_strict_faults = true\n")
    secret = "hunter" + "2-s3cret"
    project.makepyfile(values=f"SECRET = {secret!r}")
    move(project, test_failing=FAILING)
    result = project.runpytest_subprocess("--tb=short")
    result.assert_outcomes(passed=2, failed=3, errors=3)
    result.stdout.fnmatch_lines_random(
        [
            "#1 CreateSecret(SecretName='db', VersionId='v1', SecretData='[*][*][*]') -> 200 ok",
            "#3 GetSecretValue(SecretName='missing') -> 404 Forbidden.ResourceNotFound: There is no secret missing in *",
            "#2 GetSecretValue(SecretName='not-prepared') -> 404 Forbidden.ResourceNotFound: There is no secret not-prepared in *",
            "fixture document of *test_failing.py::test_wrong_fixture: $.secrets[[]0[]]: unknown field 'valu'; did you mean*",
            "  SecretData of CreateSecret (call #1) is in line 1",
            "  Rejected.Throttling before operation=GetSecretValue, struck 0 of 2",
        ]
    )
    for name in ("test_fails", "test_leaks", "test_without_mock"):
        result.stdout.fnmatch_lines(f"FAILED *test_failing.py::{name} *")
    text = result.stdout.str()
    assert "pytest_plugin.py" not in text, "a wrong fixture is told without a traceback of this package"
    assert "During handling of the above" not in text
    assert text.count("kms-mock: the last calls") == 3
    assert text.count(secret) == 1, "only the test that prints the value shows it"
