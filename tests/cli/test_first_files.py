"""Commands for a new project: `init`, `schema`, `docs`; the help, and what `serve` says when it starts."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from kms_mock import fixtures
from kms_mock.cli import COMMANDS
from tests.support.cli import CLEAN, COMMAND, PATIENCE, run_command, secret_names, serving

ROOT = Path(__file__).parents[2]
TEST = """
from alibabacloud_kms20160120 import models


def test_the_secret_is_there(kms_client):
    request = models.GetSecretValueRequest(secret_name="app/database-url")
    assert kms_client.get_secret_value(request).body.secret_data.startswith("postgres://")
"""


def test_init(tmp_path: Path) -> None:
    """What it writes works: a test that uses the mock passes, and each file is what its reader takes."""
    told = run_command("init", "--fixture", "--conftest", "--compose", "--editor", folder=tmp_path)[0]
    names = ["kms-mock.yaml", "conftest.py", "compose.yaml", ".vscode/kms-mock.schema.json", ".vscode/settings.json"]
    assert told.splitlines()[:5] == [f"wrote {name}" for name in names]
    assert all(line.startswith("now ") for line in told.splitlines()[5:])
    (tmp_path / "test_first.py").write_text(TEST)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=CLEAN, check=False)
    assert "1 passed" in done.stdout
    schema = json.loads((tmp_path / ".vscode/kms-mock.schema.json").read_text())
    jsonschema.validate(yaml.safe_load((tmp_path / "kms-mock.yaml").read_text()), schema)


@pytest.mark.parametrize("option", ["--conftest", "--compose"])
def test_init_writes_the_fixture_file_that_its_files_name(option: str, tmp_path: Path) -> None:
    """`init --compose` named a file that was not there: Docker mounts an empty folder in its place."""
    told = run_command("init", option, folder=tmp_path)[0]
    assert told.startswith("wrote kms-mock.yaml\n")
    (tmp_path / "kms-mock.yaml").write_text("mine")
    assert "kms-mock.yaml is there already" in run_command("init", option, folder=tmp_path)[0]
    assert (tmp_path / "kms-mock.yaml").read_text() == "mine"


def test_the_compose_file_of_init_works(tmp_path: Path) -> None:
    """What it mounts is there, and its application, which waits until the server is healthy, reads the secret."""
    run_command("init", "--compose", folder=tmp_path)
    services = yaml.safe_load((tmp_path / "compose.yaml").read_text())["services"]
    source, target, _ = services["kms"]["volumes"][0].split(":")
    assert services["kms"]["environment"]["KMS_MOCK_FIXTURE"] == target
    assert (tmp_path / source).is_file()
    app = services["app"]
    assert app["depends_on"] == {"kms": {"condition": "service_healthy"}}
    with serving(tmp_path, "--port", "0", "--fixture", source) as server:
        host, _, port = app["environment"]["KMS_ENDPOINT"].partition(":")
        assert (host in services, port) == (True, "4588")
        environment = {**CLEAN, **app["environment"], "KMS_ENDPOINT": f"localhost:{server.port}", "NO_PROXY": "*"}
        command = [sys.executable, *app["command"][1:]]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=PATIENCE, check=False)
    assert json.loads(done.stdout)["SecretData"].startswith("postgres://"), done.stderr


@pytest.mark.parametrize(
    ("option", "next_step"),
    [
        ("--fixture", "kms-mock run --fixture tests/kms-mock.yaml -- COMMAND"),
        ("--conftest", "now write a test that asks for `kms_mock`: "),
        ("--compose", "docker compose -f tests/compose.yaml up --exit-code-from app"),
        ("--editor", "now open tests/kms-mock.yaml in VS Code"),
        ("--no-editor", "nothing was chosen"),
    ],
)
def test_init_ends_with_the_next_step(option: str, next_step: str, tmp_path: Path) -> None:
    """For each choice, with the paths as they are from here."""
    assert next_step in run_command("init", option, "tests", folder=tmp_path)[0].splitlines()[-1]


def test_init_asks_and_ends_with_the_next_step(tmp_path: Path) -> None:
    """On a terminal: each question is answered, and the last line is that of the last choice."""
    command = [sys.executable, "-c", "import pty, sys; pty.spawn(sys.argv[1:])", COMMAND, "init"]
    done = subprocess.run(
        command,
        input="y\ny\nn\nn\n",
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=CLEAN,
        timeout=PATIENCE,
        check=False,
    )
    assert done.stdout.count("[Y/n]") + done.stdout.count("[y/N]") == 4
    assert done.stdout.splitlines()[-1].startswith("now write a test that asks for `kms_mock`: ")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["conftest.py", "kms-mock.yaml"]


def test_init_overwrites_nothing(tmp_path: Path) -> None:
    """A file that is there stays as it is, and the line says so; without a terminal it asks nothing."""
    (tmp_path / "conftest.py").write_text("mine")
    told = run_command("init", str(tmp_path))[0]
    assert told.splitlines()[:2] == [
        f"wrote {tmp_path}/kms-mock.yaml",
        f"{tmp_path}/conftest.py is there already: it stays as it is",
    ]
    assert told.splitlines()[-1].startswith("now write a test that asks for `kms_mock`: ")
    assert (tmp_path / "conftest.py").read_text() == "mine"
    (tmp_path / ".vscode").mkdir()
    (tmp_path / ".vscode/settings.json").write_text("{}")
    assert "`kms-mock schema --vscode` adds" in run_command("init", "--editor", str(tmp_path))[0]
    assert (tmp_path / ".vscode/settings.json").read_text() == "{}"
    assert "cannot write" in run_command("init", str(tmp_path / "conftest.py/below"), code=1)[1]


def test_schema() -> None:
    """`schema` prints the file of that name in fixtures/."""
    assert run_command("schema")[0] == (ROOT / "fixtures/schema.json").read_text()


def test_schema_for_vscode(tmp_path: Path) -> None:
    """`--vscode` writes the schema and adds it to the settings, once; other settings stay."""
    settings = tmp_path / ".vscode/settings.json"
    settings.parent.mkdir()
    settings.write_text('{"editor.rulers": [120], "yaml.schemas": {"other.json": ["*.yml"]}}')
    assert len(run_command("schema", "--vscode", folder=tmp_path)[0].splitlines()) == 2
    assert run_command("schema", "--vscode", folder=tmp_path)[0] == "wrote .vscode/kms-mock.schema.json\n"
    found = json.loads(settings.read_text())
    assert found["editor.rulers"] == [120]
    assert set(found["yaml.schemas"]) == {"other.json", "./.vscode/kms-mock.schema.json"}
    assert json.loads((tmp_path / ".vscode/kms-mock.schema.json").read_text()) == fixtures.schema()


@pytest.mark.parametrize(
    "text",
    ["{\n  // mine\n}", "[]", '{"yaml.schemas": null}', '{"json.schemas": {}}', '{"json.schemas": ["mine.json"]}'],
)
def test_settings_that_cannot_be_changed_stay(tmp_path: Path, text: str) -> None:
    """Comments, or schemas in another form: the message says what to add by hand; null was a traceback."""
    settings = tmp_path / ".vscode/settings.json"
    settings.parent.mkdir()
    settings.write_text(text)
    assert '"yaml.schemas"' in run_command("schema", "--vscode", folder=tmp_path, code=1)[1]
    assert settings.read_text() == text
    assert [path.name for path in settings.parent.iterdir()] == ["settings.json"]


def test_a_folder_of_vscode_that_cannot_be_made(tmp_path: Path) -> None:
    """The message names what is in the way."""
    (tmp_path / ".vscode").write_text("mine")
    told = run_command("schema", "--vscode", folder=tmp_path, code=1)[1]
    assert told == "Error: cannot write .vscode/settings.json: Not a directory\n"


def test_docs() -> None:
    """`docs` lists every page with its title, and prints one as it is written; a wrong name has the nearest one."""
    table, hint = run_command("docs")[0].split("\n\n")
    listed = dict(line.strip().split(maxsplit=1) for line in table.splitlines()[1:])
    assert set(listed) == {
        page.relative_to(ROOT / "docs").with_suffix("").as_posix() for page in (ROOT / "docs").rglob("*.md")
    }
    assert listed["run"] == (ROOT / "docs/run.md").read_text().partition("\n")[0].removeprefix("# ")
    assert run_command("docs", "run")[0] == (ROOT / "docs/run.md").read_text()
    assert "did you mean 'testing-tools'?" in run_command("docs", "testing-tool", code=1)[1]
    assert hint.startswith("kms-mock docs TOPIC shows a page")


def test_no_two_pages_have_the_same_title() -> None:
    """In the list of `docs`, "The dedicated gateway" and "kms-mock" were there twice."""
    titles = [page.read_text("utf-8").partition("\n")[0] for page in (ROOT / "docs").rglob("*.md")]
    assert sorted(set(titles)) == sorted(titles)


@pytest.mark.parametrize(
    ("word", "pages"),
    [("compose", {"ci", "image"}), ("Java", {"languages", "point-your-code"}), ("go", {"languages"})],
)
def test_docs_of_a_word_names_the_pages_about_it(word: str, pages: set[str]) -> None:
    """Those with the word in a heading, whatever its case; a comment in their code is no heading."""
    told = run_command("docs", word, code=1)[1]
    assert f"there is no page '{word}'; it is in headings of: " in told
    found = set(told.strip().partition("headings of: ")[2].split(", "))
    assert pages <= found
    assert "contributing" not in found
    assert "kms-mock docs lists them" in run_command("docs", "no such word", code=1)[1]


def test_help_is_grouped() -> None:
    """`--help` lists the commands under headings, each with a first sentence that fits, and ends with examples."""
    told = run_command("--help", environment={"COLUMNS": "80"})[0]
    sections = re.split(r"^(\S.*):$", told, flags=re.MULTILINE)
    for heading, commands in COMMANDS.items():
        section = sections[sections.index(heading) + 1]
        assert re.findall(r"^  (\S+) ", section, re.MULTILINE) == list(commands)
        assert "..." not in section
    assert "  kms-mock tail" in sections[sections.index("Examples") + 1]
    assert max(map(len, told.splitlines())) <= 80


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str, files: Path) -> None:
    """Each shell gets a script that completes."""
    assert "_kms_mock_completion" in run_command(environment={"_KMS_MOCK_COMPLETE": f"{shell}_source"})[0]
    words = {"COMP_WORDS": "kms-mock faults add --eff", "COMP_CWORD": "3"}
    if shell == "bash":
        told = run_command(environment={"_KMS_MOCK_COMPLETE": "bash_complete", **words}, folder=files)[0]
        assert told == "plain,--effect\n"


def test_start_lines(files: Path) -> None:
    """After the ready line: version, fixture files with counts, the control API, how to lead a program here."""
    with serving(files, "--port", "0", "--fixture", "one.yaml", "--fixture", "two.yaml") as server:
        assert server.process.stdout is not None
        version, control_api, lead = (server.process.stdout.readline() for _ in range(3))
        assert re.fullmatch(r"kms-mock \d+\.\d+\.\d+ with one\.yaml, two\.yaml: 2 secrets\n", version)
        assert control_api == f"page and control API: {server.url}/_kms_mock/ (kms-mock tail --url {server.url})\n"
        assert f'eval "$(kms-mock env --url {server.url})"' in lead


def test_a_folder_of_fixture_files(files: Path, tmp_path: Path) -> None:
    """`--fixture FOLDER` loads the files in it, by name; an empty folder and a schema are nothing."""
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text((files / f"{name}.yaml").read_text())
    (tmp_path / "notes.txt").write_text("none")
    (tmp_path / "schema.json").write_text("[]")
    (tmp_path / "empty").mkdir()
    with serving(files, "--port", "0", "--fixture", str(tmp_path), "--fixture", str(tmp_path / "empty")) as server:
        assert secret_names(server.url) == ["db", "more"]


@pytest.mark.parametrize("command", [["serve", "--port", "0"], ["run"]])
def test_a_folder_in_the_place_of_a_fixture_file_is_refused(command: list[str], tmp_path: Path) -> None:
    """Docker makes a folder where a file to be mounted is missing: the server started, healthy, with nothing in it."""
    for name in ("kms-mock.yaml", "b.yml", "c.json"):
        (tmp_path / name).mkdir()
        tail = ["--", "true"] if command == ["run"] else []
        refused = run_command(*command, "--fixture", name, *tail, folder=tmp_path, code=2)[1]
        assert f"{name} is a folder, though it is named like a fixture file" in refused
    environment = {"KMS_MOCK_FIXTURE": str(tmp_path)}
    tail = ["--", "true"] if command == ["run"] else []
    assert "is a folder, though" in run_command(*command, *tail, environment=environment, code=2)[1]
