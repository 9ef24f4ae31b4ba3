"""Every fenced block of README.md and docs/ is run as printed, or is on the list of those that are not, with a reason.

A Python block with tests runs as a test file of its own, any other as a script; shell blocks run in bash, one after the
other; a YAML block is a fixture file, and loads. All blocks of a page share a folder. `tests/support/blocks.py` says
what comments before a block change.
"""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from kms_mock import KmsMock
from tests.support.blocks import (
    ELSEWHERE,
    NOT_RUN,
    PYTHON,
    ROOT,
    RUN_FILES,
    Block,
    all_blocks,
    blocks_of,
    excuses,
    matches,
    not_run_reason,
    page_files,
    write_files,
)
from tests.support.page_scripts import Result, Script, run_scripts
from tests.support.page_shell import PORT, PageShell, clean_environment, free_port

BLOCKS = all_blocks()
OUTPUTS = {
    (block.page, block.line): following.code
    for block, following in pairwise(BLOCKS)
    if following.note == "output" and following.page == block.page
}


def run_by(runner: str) -> list[Block]:
    return [block for block in BLOCKS if block.runner == runner]


# A reader runs pytest in the folder of the test, where other pages' modules of the same names are not.
CONFTEST = """\
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def enter(folder):
    for name, module in list(sys.modules.items()):
        path = Path(getattr(module, "__file__", None) or "/")
        if HERE in path.parents and path.parent not in (HERE, folder) and not name.startswith("test_"):
            del sys.modules[name]
    sys.path.insert(0, str(folder))


def pytest_pycollect_makemodule(module_path):
    enter(module_path.parent)


@pytest.fixture(autouse=True)
def in_the_folder_of_the_page(request, monkeypatch):
    monkeypatch.chdir(request.path.parent)
    enter(request.path.parent)
"""
TESTS = run_by("tests")
SCRIPTS = run_by("python")
SHELL_PAGES = sorted({block.page for block in run_by("shell")})


def check_output(block: Block, printed: str) -> None:
    expected = OUTPUTS.get((block.page, block.line))
    assert expected is None or matches(expected, printed), f"{block.place} printed\n{printed}"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    """How each script ended. A server at 127.0.0.1:4588 is there for it, at its real port."""
    scripts = []
    with ExitStack() as stack:
        for number, block in enumerate(SCRIPTS):
            folder = tmp_path_factory.mktemp("scripts") / str(number)
            folder.mkdir()
            write_files(folder, block.page)
            code = block.code
            if f"127.0.0.1:{PORT}" in code:
                kms = stack.enter_context(KmsMock([ROOT / "fixtures/demo.yaml"]))
                code = code.replace(f"127.0.0.1:{PORT}", kms.endpoint)
            scripts.append(Script(block.place, code, str(folder)))
        return run_scripts(scripts, clean_environment())


def test_the_tests_of_the_pages_pass(tmp_path: Path) -> None:
    """Each block with tests is a file of its own; the name of a failed one has the page and the line."""
    for block in TESTS:
        name = re.sub(r"\W", "_", block.page.removesuffix(".md"))
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        write_files(folder, block.page)
        (folder / f"test_{name}_line_{block.line}.py").write_text(block.code, "utf-8")
    (tmp_path / "conftest.py").write_text(CONFTEST, "utf-8")
    options = ("-q", "-p", "no:cacheprovider", "-o", "asyncio_mode=auto")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "--rootdir", str(tmp_path), str(tmp_path)],
        cwd=tmp_path,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) >= len(TESTS) > 20


@pytest.mark.parametrize("block", SCRIPTS, ids=[block.place for block in SCRIPTS])
def test_the_scripts_of_a_page_run(block: Block, results: dict[str, Result]) -> None:
    """Each other Python block ends without an error, and prints what the page shows."""
    result = results[block.place]
    assert result.status == 0, result.errors
    check_output(block, result.printed)


@pytest.mark.parametrize("page", SHELL_PAGES)
def test_the_commands_of_a_page_work(page: str, tmp_path: Path) -> None:
    """Each shell block, in their order; a page that starts no server finds one with the demo fixture."""
    write_files(tmp_path, page)
    blocks = [block for block in BLOCKS if block.page == page and block.runner == "shell"]
    if any("kms-mock serve" in block.code for block in blocks):
        with PageShell(tmp_path, free_port()) as shell:
            for block in blocks:
                check_output(block, shell.run(block))
        return
    with KmsMock([ROOT / "fixtures/demo.yaml"]) as kms, PageShell(tmp_path, kms.port) as shell:
        for block in blocks:
            check_output(block, shell.run(block))


def test_the_fixture_files_of_the_pages_load() -> None:
    """Each YAML block without a comment is a whole fixture file; so is one that is written as such a file."""
    blocks = run_by("fixture")
    assert blocks
    for block in blocks:
        try:
            KmsMock([yaml.safe_load(block.code)])
        except ValueError as error:
            pytest.fail(f"{block.place}: {error}")


def test_what_is_from_a_file_stands_in_it() -> None:
    """A block `from` a file is a part of it, to the letter, but for the indentation of the whole."""
    for block in BLOCKS:
        if block.note == "from":
            lines = (ROOT / block.text).read_text("utf-8").splitlines()
            starts = [number for number, line in enumerate(lines) if line.strip() == block.first_line]
            shown = textwrap.dedent(block.code).strip("\n")
            count = len(shown.splitlines())
            assert shown in [textwrap.dedent("\n".join(lines[start : start + count])) for start in starts], block.place


def test_every_block_is_accounted_for() -> None:
    """It is run, it is checked, or it is on the list."""
    lost = [
        f"{block.place} ({block.language or 'no language'}) begins with {block.first_line!r}"
        for block in BLOCKS
        if not block.runner and not_run_reason(block) is None
    ]
    assert lost == [], f"run these, or say in {NOT_RUN.relative_to(ROOT)} why not:\n" + "\n".join(lost)


def test_every_excuse_is_needed() -> None:
    """Each entry of the list is about a block that is there and not run otherwise, and has a reason."""
    for entry in excuses():
        needed = [block for block in BLOCKS if entry.covers(block) and not block.runner]
        assert needed, f"{NOT_RUN.name}: {entry.page} has no such block: {entry.begins or entry.language}"
        assert len(entry.reason) > 10, entry


def test_every_block_is_found() -> None:
    """As many fences as blocks: none hides in another one or stays open."""
    for page in page_files():
        name = page.relative_to(ROOT).as_posix()
        fences = len(re.findall(r"^ *```", page.read_text("utf-8"), re.MULTILINE))
        assert fences == 2 * sum(block.page == name for block in BLOCKS), name


def test_what_runs_elsewhere_does() -> None:
    """The other test exists and names the page; the runner of shown files exists."""
    for page, test in ELSEWHERE.items():
        assert (ROOT / page).exists()
        assert page in (ROOT / test).read_text("utf-8") or Path(page).name in (ROOT / test).read_text("utf-8")
    for runner in RUN_FILES.values():
        assert (ROOT / runner).exists(), runner


PAGE = """\
<!-- file: data.yaml -->
```yaml
secrets: []
```

```python
def test_x():
    pass
```

=== "Tab"

    ```py
    print(1)

    print("```")
    ```

    <!-- output -->
    ```text
    1
    ```

<!-- from: tests/examples/test_retry.py -->
```python
connect()
```
"""


def test_the_reader_of_pages_reads_a_page() -> None:
    """Files, tests, a script in a tab with its output, and a part of a file, with their lines."""
    data, tests, script, output, part = blocks_of("page", PAGE)
    assert (data.runner, data.text, data.code) == ("file", "data.yaml", "secrets: []\n")
    assert (tests.runner, tests.line, tests.language in PYTHON) == ("tests", 6, True)
    assert (script.runner, script.code) == ("python", 'print(1)\n\nprint("```")\n')
    assert (output.runner, output.code) == ("output", "1\n")
    assert (part.runner, part.first_line) == ("tests/examples", "connect()")


def test_a_command_that_fails_is_seen_wherever_it_stands(tmp_path: Path) -> None:
    """In the middle of a block too, whose other commands succeed; `|| …` is the page's own way to allow it."""
    wrong, right, after = blocks_of("page", "```sh\nfalse\ntrue\n```\n```sh\nfalse || cd /\n```\n```sh\npwd\n```\n")
    with PageShell(tmp_path, free_port()) as shell:
        with pytest.raises(AssertionError, match="page:1: false"):
            shell.run(wrong)
        shell.run(right)
        assert shell.run(after) == "/\n"


def test_outputs_are_compared() -> None:
    """Whole, but for what `...` stands for: anything, or any number of lines."""
    assert matches("a ... c\n...\nd", "a b c\nx\ny\nd\n")
    assert matches("a\n...\nd", "a\nd")
    assert not matches("a", "a b")
    assert not matches("a\n...\nd", "a\nxd")
