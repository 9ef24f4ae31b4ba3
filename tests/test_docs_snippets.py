"""The Python blocks of docs/*.md run as printed.

A block with tests runs as a test file of its own, any other as a script; all of a page in one folder. A comment right
before a block changes that: `<!-- file: NAME -->` puts a block of any language into the folder first, for the others to
use; `<!-- not run: REASON -->` excuses a Python block.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
# Pages whose blocks another test runs, for they need more than a folder.
ELSEWHERE = {"contributing.md": "tests/house/test_contributing.py"}
PYTHON = frozenset({"py", "python", "python3"})
_FENCE = re.compile(
    r"(?:^<!-- (?P<kind>file|not run): *(?P<text>.*?) *-->\n+)?^(?P<fence>`{3,})(?P<language>[\w+-]*)[^\n]*\n(?P<code>.*?)^(?P=fence)$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """One fenced block. `file` is the name that it is written under, `excuse` why it is not run; None for neither."""

    page: str
    line: int
    language: str
    code: str
    file: str | None = None
    excuse: str | None = None

    @property
    def runs(self) -> bool:
        """Whether it is run by itself."""
        return self.language in PYTHON and self.file is None and self.excuse is None

    @property
    def has_tests(self) -> bool:
        """Whether pytest runs it."""
        return re.search(r"^ *(?:async )?def test_|^class Test", self.code, re.MULTILINE) is not None


def blocks_of(page: str, text: str) -> Iterator[Block]:
    for found in _FENCE.finditer(text):
        kind, note = found["kind"], found["text"]
        yield Block(
            page,
            text.count("\n", 0, found.start("fence")) + 1,
            found["language"],
            found["code"],
            file=note if kind == "file" else None,
            excuse=note if kind == "not run" else None,
        )


PAGES = [page for page in sorted(DOCS.glob("*.md")) if page.name not in ELSEWHERE]
BLOCKS = [block for page in PAGES for block in blocks_of(page.name, page.read_text("utf-8"))]
PAGES_WITH_TESTS = sorted({block.page for block in BLOCKS if block.runs and block.has_tests})
SCRIPTS = [block for block in BLOCKS if block.runs and not block.has_tests]


def write_files(folder: Path, page: str) -> None:
    for block in BLOCKS:
        if block.page == page and block.file is not None:
            (folder / block.file).write_text(block.code, "utf-8")


def environment() -> dict[str, str]:
    return {name: text for name, text in os.environ.items() if "proxy" not in name.lower()}


@pytest.mark.parametrize("page", PAGES_WITH_TESTS)
def test_the_tests_of_a_page_pass(page: str, tmp_path: Path) -> None:
    """Each block with tests is a file of its own; a failure names the line of the page."""
    write_files(tmp_path, page)
    tests = [block for block in BLOCKS if block.page == page and block.runs and block.has_tests]
    for block in tests:
        (tmp_path / f"test_line_{block.line}.py").write_text(block.code, "utf-8")
    options = ("-q", "-p", "no:cacheprovider", "-o", "asyncio_mode=auto", "--rootdir", str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) >= len(tests)


@pytest.mark.parametrize("block", SCRIPTS, ids=[f"{block.page}:{block.line}" for block in SCRIPTS])
def test_the_scripts_of_a_page_run(block: Block, tmp_path: Path) -> None:
    """Each other block ends without an error."""
    write_files(tmp_path, block.page)
    done = subprocess.run(
        [sys.executable, "-c", block.code], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_who_is_excused_says_why() -> None:
    """And only a Python block can be: others are not run anyway."""
    for block in BLOCKS:
        if block.excuse is not None:
            assert block.excuse, f"{block.page}:{block.line}"
            assert block.language in PYTHON, f"{block.page}:{block.line}"


def test_every_python_block_is_found() -> None:
    """As many fences as blocks: none hides in another one or stays open."""
    for page in PAGES:
        opened = len(re.findall(rf"^```(?:{'|'.join(PYTHON)})\b", page.read_text("utf-8"), re.MULTILINE))
        assert opened == sum(block.page == page.name and block.language in PYTHON for block in BLOCKS), page.name
    assert "testing-tools.md" in PAGES_WITH_TESTS


def test_what_runs_elsewhere_does() -> None:
    """The other test names the page that it runs."""
    for page, test in ELSEWHERE.items():
        assert (DOCS / page).exists()
        assert page in (ROOT / test).read_text("utf-8")


PAGE = """\
<!-- file: data.yaml -->
```yaml
secrets: []
```

```python
def test_x():
    pass
```

<!-- not run: it needs a network -->
```python
connect()
```
```py
print("```")
```
"""


def test_the_runner_reads_a_page() -> None:
    """Files, tests, excused blocks and scripts, with their lines."""
    data, tests, excused, script = blocks_of("page", PAGE)
    assert (data.file, data.runs, data.code) == ("data.yaml", False, "secrets: []\n")
    assert (tests.runs, tests.has_tests, tests.line) == (True, True, 6)
    assert (excused.runs, excused.excuse) == (False, "it needs a network")
    assert (script.runs, script.has_tests, script.code) == (True, False, 'print("```")\n')
