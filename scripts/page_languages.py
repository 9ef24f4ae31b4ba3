"""Runs the code that the page writes for Node, Go and Java: `page_languages.py FOLDER [language]…`.

Each program makes the call of an operation's example, and the mock says whether it came; `scripts/test-page` starts this.

The mocks of all operations run at once, so that the programs of a language are built together.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from kms_mock import KmsMock
from kms_mock.web.snippets.call import NOT_IN_V2
from tests.support.calls import call
from tests.support.examples import EXAMPLES
from tests.support.registry import KMS_REGISTRY
from tests.support.web import form_values, snippets_of

# Of each kind of parameter some, of each kind of resource some, and what is awkward: lists, structs, objects, numbers.
OPERATIONS = (
    *("BatchGetSecretValue", "CreateAlias", "CreateApplicationAccessPoint", "CreateKey", "CreateNetworkRule"),
    *("CreatePolicy", "CreateSecret", "Decrypt", "DeleteSecret", "DescribeKey", "DescribeSecret", "Encrypt"),
    *("GenerateDataKey", "GetRandomPassword", "GetSecretValue", "ListKeys", "ListSecretVersionIds", "ListSecrets"),
    *("PutSecretValue", "ScheduleKeyDeletion", "TagResources", "UntagResources", "UpdateSecret"),
    *("UpdateSecretVersionStage", "AssumeRole"),
)
GO_SDK = "github.com/alibabacloud-go/kms-20160120/v3@v3.2.3"  # the newest of v3
LACKS = {"go": {"BatchGetSecretValue"}, "java": {"BatchGetSecretValue"}}  # what these releases do not have yet
POM = """<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>kms-mock</groupId><artifactId>page</artifactId><version>1</version><dependencies>
<dependency><groupId>com.aliyun</groupId><artifactId>kms20160120</artifactId><version>1.2.3</version></dependency>
<dependency><groupId>com.aliyun</groupId><artifactId>aliyun-java-sdk-core</artifactId><version>4.7.10</version></dependency>
</dependencies></project>"""


def run(folder: Path, *command: str) -> str:
    """Run a command; return what went wrong, "" if nothing did."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=600)
    return "" if done.returncode == 0 else (done.stdout + done.stderr)[-1500:]


def prepare_node(folder: Path, code: dict[str, str]) -> dict[str, list[str]]:
    """Install the SDK and write the scripts; return the command for each."""
    if problem := run(folder, "npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "@alicloud/pop-core@1"):
        raise SystemExit(problem)
    for name, text in code.items():
        (folder / f"{name}.js").write_text(text, "utf-8")
    return {name: ["node", f"{name}.js"] for name in code}


def prepare_go(folder: Path, code: dict[str, str]) -> dict[str, list[str]]:
    """Build all programs in one module."""
    for name, text in code.items():
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "main.go").write_text(text, "utf-8")
    (folder / "bin").mkdir(exist_ok=True)
    for command in (("mod", "init", "page"), ("get", GO_SDK), ("mod", "tidy"), ("build", "-o", "bin", "./...")):
        if problem := run(folder, "go", *command):
            raise SystemExit(problem)
    return {name: [f"bin/{name}"] for name in code}


def prepare_java(folder: Path, code: dict[str, str]) -> dict[str, list[str]]:
    """Compile all classes together; each has the name of its operation then."""
    (folder / "pom.xml").write_text(POM, "utf-8")
    if problem := run(folder, "mvn", "-q", "--batch-mode", "dependency:build-classpath", "-Dmdep.outputFile=classpath"):
        raise SystemExit(problem)
    classpath = f"classes:{(folder / 'classpath').read_text('utf-8').strip()}"
    for name, text in code.items():
        (folder / f"Call{name}.java").write_text(text.replace("class Call {", f"class Call{name} {{"), "utf-8")
    sources = [f"Call{name}.java" for name in code]
    if problem := run(folder, "javac", "-encoding", "UTF-8", "-d", "classes", "-cp", classpath, *sources):
        raise SystemExit(problem)
    return {name: ["java", "-cp", classpath, f"Call{name}"] for name in code}


LANGUAGES = {
    "node": (prepare_node, ("node", "npm")),
    "go": (prepare_go, ("go",)),
    "java": (prepare_java, ("java", "javac", "mvn")),
    "java-v1": (prepare_java, ("java", "javac", "mvn")),
}


def check(language: str, work: Path) -> list[str]:
    """Run the code of all operations in a language; return the names of those that failed."""
    prepare, commands = LANGUAGES[language]
    if missing := [command for command in commands if shutil.which(command) is None]:
        print(f"SKIPPED {language}: there is no {' '.join(missing)}")
        return []
    folder = work / language
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with ExitStack() as stack:
        mocks = {name: stack.enter_context(KmsMock([EXAMPLES[name].fixture])) for name in OPERATIONS}
        code: dict[str, str] = {}
        for name, kms in mocks.items():
            client = kms.client()
            parameters = EXAMPLES[name].parameters(lambda action, client=client, **more: call(client, action, **more))
            kms.calls.clear()
            text = snippets_of(kms, name, form_values(name, parameters))["code"][language]
            if text and name not in LACKS.get(language, ()):
                code[name] = text
        failed = []
        for name, command in prepare(folder, code).items():
            problem = run(folder, *command)
            last = mocks[name].calls.last
            if problem or last is None or (last.action, last.code) != (name, ""):
                print(f"FAILED  {language} {name}: {last} {problem}")
                failed.append(f"{language} {name}")
    typed = len([name for name in OPERATIONS if name in KMS_REGISTRY and name not in NOT_IN_V2])
    typed -= len(LACKS.get(language, ()))
    if len(code) < typed:
        failed.append(f"{language}: code for {len(code)} of {typed}")
    print(
        f"{'ok     ' if not failed else 'FAILED '} {language}: {len(code) - len(failed)} of {len(code)} programs made their call"
    )
    return failed


def main(work: Path, languages: list[str]) -> None:
    """Check languages, all without a name; end with status 1 if one failed."""
    failed = [problem for language in languages or LANGUAGES for problem in check(language, work)]
    if failed:
        raise SystemExit(json.dumps(failed))


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute(), sys.argv[2:])
