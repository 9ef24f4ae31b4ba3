"""Code for a call: what is written runs, and makes the very same call.

Each call is the example of an operation that all tests of the registry start from. What runs: Python V2, async and V1 in
this process, the tests in a pytest run, curl as a command. Node, Go and Java run in `scripts/test-page`.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from alibabacloud_kms20160120 import client as sdk_client
from alibabacloud_kms20160120 import models

from kms_mock import KmsMock
from kms_mock.config import Config
from kms_mock.control.catalogue import form_field
from kms_mock.products import APIS
from kms_mock.rpc.api import Operation
from kms_mock.web.documents import SnippetsRequest
from kms_mock.web.snippets.call import NOT_IN_V2, written_call
from tests.support.calls import call, outside
from tests.support.control import control_request, exchange
from tests.support.examples import EXAMPLES
from tests.support.raw_http import api_version
from tests.support.registry import KMS_REGISTRY, each_with_example
from tests.support.web import form_values, request_path, snippets_of

EVERY_FOURTH = [name for name in EXAMPLES if name in KMS_REGISTRY][::4]
WITH_LISTS = ("TagResources", "UntagResources", "Encrypt", "BatchGetSecretValue", "UpdateSecret")
SOME = sorted({*EVERY_FOURTH, *(name for name in WITH_LISTS if name in EXAMPLES), "PutSecretValue", "AssumeRole"})


@contextlib.contextmanager
def example_of(name: str, *, reveal: bool = False) -> Iterator[tuple[KmsMock, dict[str, str], dict[str, str]]]:
    """Yield a mock with what an example needs, its parameters as they travel, and as the form has them."""
    with KmsMock([EXAMPLES[name].fixture], config=Config(reveal_secrets=reveal)) as kms:
        client = kms.client()
        parameters = EXAMPLES[name].parameters(lambda action, **more: call(client, action, **more))
        kms.calls.clear()
        yield kms, parameters, form_values(name, parameters)


def run_python(code: str) -> None:
    """Run a script in this process; what it prints is not looked at."""
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(code, "snippet.py", "exec"), {"__name__": "__main__"})  # noqa: S102 (what is tested is code)


def meaning(operation: Operation, sent: Mapping[str, str]) -> dict[str, Any]:
    """Return what parameters mean to the operation: clients spell lists, objects and Booleans in several ways."""
    return {name: value for name, value in operation.bind(sent).items() if value is not None}


def check_same(kms: KmsMock, name: str, parameters: Mapping[str, str]) -> None:
    """Check that the last call succeeded, and meant what the parameters mean."""
    last = kms.calls.last
    assert last is not None
    assert (last.action, last.code) == (name, ""), last
    assert last.operation is not None
    assert meaning(last.operation, last.sent) == meaning(last.operation, parameters)


@each_with_example
def test_every_operation_in_every_language(operation: Operation) -> None:
    """Code or a reason for each language; what a client without an SDK takes is always there."""
    with example_of(operation.name) as (kms, _, values):
        answer = snippets_of(kms, operation.name, values)
    in_v2 = operation.name in KMS_REGISTRY and operation.name not in NOT_IN_V2
    for language in ("python", "python-async", "go", "java", "php", "dotnet"):
        assert (answer["code"][language] != "") == in_v2
    for language in ("python-v1", "java-v1", "node", "cli", "curl", "pytest"):
        assert operation.name in answer["code"][language] or language == "pytest"
    assert all(snippet["note"] for snippet in answer["snippets"])


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name in KMS_REGISTRY and name not in NOT_IN_V2])
def test_python_v2_makes_the_same_call(name: str) -> None:
    """Every operation that the SDK has."""
    with example_of(name) as (kms, parameters, values):
        run_python(snippets_of(kms, name, values)["code"]["python"])
        check_same(kms, name, parameters)


def test_custom_data_of_a_managed_secret() -> None:
    """`ExtendedConfig.CustomData` is an object of its own in the SDKs: Python makes the same call, the others name its class."""
    config = json.dumps({"SecretSubType": "SingleUser", "DBInstanceId": "rm-1"})
    value = '{"AccountName":"app","AccountPassword":"secret"}'
    secret = {"name": "db", "type": "Rds", "extended_config": json.loads(config), "value": value}
    values = {"SecretName": "db", "ExtendedConfig.CustomData": '{"team":"a"}'}
    with KmsMock({"secrets": [secret]}) as kms:
        code = snippets_of(kms, "UpdateSecret", values)["code"]
        run_python(code["python"])
        check_same(kms, "UpdateSecret", values)
    for language in ("python", "go", "java", "php", "dotnet"):
        written = code[language].lower().replace("_", "")
        assert all(name in written for name in ("extendedconfig", "customdata", "team")), written


@pytest.mark.parametrize("name", [name for name in SOME if name in KMS_REGISTRY and name not in NOT_IN_V2])
def test_async_python_makes_the_same_call(name: str) -> None:
    """With `await`."""
    with example_of(name) as (kms, parameters, values):
        run_python(snippets_of(kms, name, values)["code"]["python-async"])
        check_same(kms, name, parameters)


@pytest.mark.parametrize("name", list(EXAMPLES))
def test_python_v1_makes_the_same_call(name: str) -> None:
    """Every operation of every product: the older SDK has one request class for all."""
    with example_of(name) as (kms, parameters, values):
        run_python(snippets_of(kms, name, values)["code"]["python-v1"])
        check_same(kms, name, parameters)


@pytest.mark.parametrize("name", SOME)
def test_curl_makes_the_same_call(name: str) -> None:
    """As a shell reads it, quotes and all."""
    outside("curl")
    with example_of(name) as (kms, parameters, values):
        code = snippets_of(kms, name, values)["code"]["curl"]
        done = subprocess.run(["bash", "-c", code], capture_output=True, text=True, check=True)
        assert json.loads(done.stdout)["RequestId"]
        check_same(kms, name, parameters)


NOT_ALONE = {"ImportKeyMaterial"}  # an import token belongs to the server that issued it


def write_test(folder: Path, name: str, kms: KmsMock, parameters: Mapping[str, str]) -> None:
    """Make a call as the page does, and write the test for it: what was there before counts."""
    values = form_values(name, parameters) if name in EXAMPLES else dict(parameters)
    before = snippets_of(kms, name, values)["fixture"]
    query = urlencode({"Action": name, "Version": api_version(name), **parameters})
    answer = request_path(kms, f"/?{query}")
    asked = {"status": answer.status, "document": json.loads(answer.body)}
    code = snippets_of(kms, name, values, answer=asked, fixture=before)["code"]["pytest"]
    (folder / f"test_{name}_{answer.status}.py").write_text(code, "utf-8")


def test_the_pytest_tests_pass(tmp_path: Path) -> None:
    """Written after a call with its answer and what was there before it: each test passes by itself, in a run of its own.

    Refused calls too: the test asserts the code.
    """
    for name in sorted(EXAMPLES.keys() - NOT_ALONE):
        with example_of(name, reveal=True) as (kms, parameters, _):
            write_test(tmp_path, name, kms, parameters)
    with KmsMock() as kms:
        write_test(tmp_path, "GetSecretValue", kms, {"SecretName": "none"})
        write_test(tmp_path, "DescribeCertificate", kms, {"CertificateId": "none"})
    written = len(list(tmp_path.glob("test_*.py")))
    assert written == len(EXAMPLES.keys() - NOT_ALONE) + 2
    options = ("-q", "-p", "no:cacheprovider", "-o", "asyncio_mode=auto", "--rootdir", str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert f"{written} passed" in done.stdout


# -- facts about the SDKs ---------------------------------------------------------------------------------------------


def test_what_the_sdks_lack_is_known() -> None:
    """The operations without a class for their requests, and no other ones."""
    missing = {name for name in KMS_REGISTRY if not hasattr(models, f"{name}Request")}
    assert missing == NOT_IN_V2


@pytest.mark.parametrize("name", sorted(set(KMS_REGISTRY) - NOT_IN_V2))
def test_names_and_types_are_the_sdks(name: str) -> None:
    """Of every parameter, as the SDK for Python declares it: those for Go, Java, PHP and .NET have the same types."""
    declared = inspect.signature(getattr(models, f"{name}Request").__init__).parameters
    samples = {"integer": "1", "boolean": "true", "object": '{"a":"b"}', "json": '["a"]', "list": '["a"]'}
    fields = {field["name"]: field["kind"] for field in map(form_field, KMS_REGISTRY[name].parameters)}
    texts = {field: samples.get(kind, "x") for field, kind in fields.items()}
    if "ExtendedConfig" in texts:
        texts["ExtendedConfig"] = '{"a":"b"}'
    call_to_write = written_call(APIS, SnippetsRequest(name, texts), None, "cn-hangzhou", {})
    kinds = {"str": "text", "int": "integer", "bool": "boolean"}
    for value in call_to_write.values:
        hint = declared[value.snake].annotation
        hint = getattr(hint, "__name__", hint) if isinstance(hint, type) else str(hint)
        kind = kinds.get(hint, "object" if hint.startswith("Dict") else "list" if hint.startswith("List") else "struct")
        assert value.kind == kind or (value.kind, kind) == ("structs", "list"), (value, hint)
    assert hasattr(sdk_client.Client, python_name(name))


def python_name(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


# -- what is awkward --------------------------------------------------------------------------------------------------

AWKWARD = [
    '"',
    "'",
    "\\",
    "${x}",
    "%{x}",
    "$(touch x)",
    "`x`",
    "\n",
    "<img src=x onerror=alert(1)>",
    "密码",
    "\u2028",
    "*/",
]


def test_awkward_values_stay_what_they_are() -> None:
    """Quotes, backslashes, what shells and templates expand, line ends, other alphabets: no language breaks out of its text."""
    value = "".join(AWKWARD)
    with KmsMock([{"secrets": [{"name": "db", "value": "x"}]}]) as kms:
        parameters = {"SecretName": "db", "VersionId": "v2", "SecretData": value}
        code = snippets_of(kms, "PutSecretValue", parameters)["code"]
        for number, language in enumerate(("python", "python-v1", "curl"), 2):
            changed = code[language].replace("v2", f"v{number}")
            if language == "curl":
                subprocess.run(["bash", "-c", changed], capture_output=True, check=True)
            else:
                run_python(changed)
            last = kms.calls.last
            assert last is not None
            assert last.unmasked_parameters["SecretData"] == value, language
        assert "$${x}" in code["terraform"]
        assert "%%{x}" in code["terraform"]
        assert "\\'" in code["php"]


AWKWARD_NAMES = [
    "",
    "a b",
    "x'; touch pwned #",
    "x=__import__('os').system('id'), y",
    "x);}}//",
    "\n",
    "Tag.1.Key",
    "$(id)",
]
TYPED = ("python", "python-async", "pytest", "go", "java", "php", "dotnet", "terraform")


def test_the_names_of_parameters_never_become_code() -> None:
    """Anybody can send any name, and somebody may copy the code of that call: typed clients leave it out, and say so.

    `--x'; touch pwned #` was a command in the code for the command line, and an empty name an answer 500.
    """
    parameters = dict.fromkeys(AWKWARD_NAMES, "value") | {"SecretName": "db", "VersionId": "v1", "SecretData": "x"}
    with KmsMock() as kms:
        answer = snippets_of(kms, "CreateSecret", parameters)
    code, notes = answer["code"], {snippet["language"]: snippet["note"] for snippet in answer["snippets"]}
    for language in TYPED:
        assert "pwned" not in code[language]
        assert "Tag.1" not in code[language]
        assert "x'; touch pwned #" in notes[language]
    assert "left out" not in notes["curl"].lower()
    program = 'aliyun() { printf "%s\\0" "$@"; }\n' + code["cli"]
    shown = subprocess.run(["bash", "-c", program], capture_output=True, check=True).stdout.decode().split("\0")
    assert {f"--{name}" for name in AWKWARD_NAMES} <= set(shown)


def test_the_names_of_fields_never_become_code() -> None:
    """The fields of a list of objects, such as a tag, are names of the SDK's classes, or the list stays a text."""
    tags = json.dumps([{"Key=1, y": "a", "x'; touch pwned #": "b"}])
    with KmsMock() as kms:
        code = snippets_of(kms, "TagResources", {"ResourceType": "key", "ResourceId": '["k"]', "Tag": tags})["code"]
    compile(code["python"], "code", "exec")
    assert "TagResourcesRequestTag" not in "".join(code[language] for language in TYPED)


def test_the_caller_and_the_region_are_those_that_were_chosen() -> None:
    """In the client's configuration, or in the parameters; typed clients cannot send a region, and a note says so."""
    fixture = {
        "accounts": [
            {
                "id": "222",
                "access_keys": [{"id": "LTAI-b", "secret": "b"}],
                "regions": [{"id": "cn-beijing", "secrets": [{"name": "db", "value": "x"}]}],
            }
        ]
    }
    with KmsMock([fixture]) as kms:
        more = {"region": "cn-beijing", "access_key_id": "LTAI-b", "access_key_secret": "b"}
        answer = snippets_of(kms, "GetSecretValue", {"SecretName": "db"}, **more)
        assert [entry["name"] for entry in answer["fixture"]["secrets"]] == ["db"]
        subprocess.run(["bash", "-c", answer["code"]["curl"]], capture_output=True, check=True)
        last = kms.calls.last
        assert last is not None
        assert (last.code, last.access_key_id) == ("", "LTAI-b")
        assert '"LTAI-b"' in answer["code"]["python"]
        assert 'region="cn-beijing"' in answer["code"]["pytest"]
        notes = {snippet["language"]: snippet["note"] for snippet in answer["snippets"]}
        assert "endpoint of cn-beijing" in notes["go"]


def test_masked_values_never_reach_a_fixture() -> None:
    """A masked value of a secret becomes another one, masked material is left out: the fixture loads."""
    fixture = {"secrets": [{"name": "db", "value": "hunter2", "encryption_key": "k"}], "keys": [{"id": "k"}]}
    with KmsMock([fixture]) as kms:
        found = snippets_of(kms, "GetSecretValue", {"SecretName": "db"})["fixture"]
    assert (found["secrets"][0]["versions"][0]["data"], len(found["keys"])) == ("a-secret-value", 1)
    assert "***" not in json.dumps(found)
    with KmsMock([found]):
        pass


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"operation": "GetSecretValu"}, "did you mean 'GetSecretValue'"),
        ({"operation": "GetSecretValue", "parameter": {}}, "did you mean 'parameters'"),
        ({}, "operation"),
        ({"operation": "ListKeys", "parameters": {f"p{number}": "" for number in range(1001)}}, "more than 1000"),
    ],
)
def test_what_cannot_be_written_is_refused(kms: KmsMock, body: Any, problem: str) -> None:
    """With the nearest name."""
    status, _, answer = exchange(kms, "POST", "snippets", json.dumps(body).encode(), Content_Type="application/json")
    assert (status, problem in answer["error"]) == (400, True), answer


def test_what_is_no_json_stays_a_text(kms: KmsMock) -> None:
    """Half-written lists and objects do no harm: code is written while somebody types. Deep ones were 500."""
    deep = '{"a":' * 400 + "1" + "}" * 400
    for text in ("[", "{", '["a"', "[1]", "null", '{"a": 1}', "[" * 5000, deep, f'["{"x" * 40_000}"]'):
        code = snippets_of(kms, "TagResources", {"ResourceId": text, "Tag": text})["code"]
        assert snippets_of(kms, "CreateSecret", {"ExtendedConfig": text})["code"]["go"]
        assert all(code[language] for language in ("python", "go", "java", "php", "dotnet", "curl"))
    assert control_request(kms, "GET", "health")["status"] == "ok"
