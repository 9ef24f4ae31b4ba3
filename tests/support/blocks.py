"""The fenced blocks of README.md and docs/: what each is, and who runs it.

A comment right before a block says what to do with it, where the language alone does not:

- `<!-- file: NAME -->` puts the block into the folder that the page's other blocks run in, before they do.
- `<!-- from: PATH -->` shows a part of a file of this repository, to the letter; the file is what is run.
- `<!-- output -->` is what the block before it prints, `...` standing for anything.

Blocks that nobody runs are in `tests/docs/not_run.yaml`, each with a reason. `python -m tests.support.blocks PAGE FOLDER`
writes the files of a page.
"""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
NOT_RUN = ROOT / "tests/docs/not_run.yaml"
PYTHON = frozenset({"py", "python", "python3"})
LANGUAGES = {"sh": "shell", "bash": "shell", "console": "shell", "yaml": "fixture"}
# Pages whose blocks one test or script runs as a whole, for they need more than a folder.
ELSEWHERE = {
    "docs/contributing.md": "tests/house/test_contributing.py",
    "docs/tutorial.md": "tests/docs/test_tutorial.py",
    "docs/zh/README.md": "tests/docs/test_translation.py",
}
# Files that a block may be `from`, and what runs or checks them.
RUN_FILES = {
    "tests/examples/*": "tests/examples",
    "tests/programs/*": "tests/programs",
    "tests/languages/*": "scripts/test-languages",
    "docs/examples/compose/*": "tests/cli/test_image_files.py",
    "docs/examples/*": "tests/docs/test_examples.py",
    "fixtures/*": "tests/test_fixtures.py",
}
_FENCE = re.compile(
    r"(?:^ *<!-- (?P<note>file|from|output)(?:: *(?P<text>.*?))? *-->\n+)?"
    r"^(?P<indent> *)(?P<fence>`{3,})(?P<language>[\w+-]*)[^\n]*\n(?P<code>.*?)^ *(?P=fence)$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """One fenced block of a page. `note` is the comment before it, with its text."""

    page: str
    line: int
    language: str
    code: str
    note: str = ""
    text: str = ""

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return f"{self.page}:{self.line}"

    @property
    def first_line(self) -> str:
        """Its first line, which names it in the list of blocks that are not run."""
        return next((line.strip() for line in self.code.splitlines() if line.strip()), "")

    @property
    def has_tests(self) -> bool:
        """Whether pytest runs it."""
        pattern = r"^ *(?:async )?def test_|^class Test"
        return self.language in PYTHON and re.search(pattern, self.code, re.MULTILINE) is not None

    @property
    def runner(self) -> str:
        """What runs or checks it: a test or script, "tests", "python", "shell", "fixture", "output"; "" for nothing."""
        if self.page in ELSEWHERE:
            return ELSEWHERE[self.page]
        if self.note == "from":
            return next((runner for pattern, runner in RUN_FILES.items() if fnmatch(self.text, pattern)), "")
        if self.note or not_run_reason(self) is not None:
            return self.note
        return (
            ("tests" if self.has_tests else "python") if self.language in PYTHON else LANGUAGES.get(self.language, "")
        )


@dataclass(frozen=True)
class Excuse:
    """One entry of the list of blocks that are not run: of a page, those of a language or with a first line."""

    page: str
    reason: str
    language: str = ""
    begins: str = ""

    def covers(self, block: Block) -> bool:
        """Whether it is about this block."""
        is_named = block.first_line == self.begins if self.begins else block.language == self.language
        return block.page == self.page and is_named


def blocks_of(page: str, text: str) -> Iterator[Block]:
    """Yield the blocks of a page."""
    for found in _FENCE.finditer(text):
        indent = len(found["indent"])
        code = "".join(line[indent:] or "\n" for line in found["code"].splitlines(keepends=True))
        line = text.count("\n", 0, found.start("fence")) + 1
        yield Block(page, line, found["language"], code, found["note"] or "", found["text"] or "")


@cache
def page_files() -> tuple[Path, ...]:
    """Return README.md and all pages of docs/."""
    return (ROOT / "README.md", *sorted(DOCS.rglob("*.md")))


@cache
def all_blocks() -> tuple[Block, ...]:
    """Return the blocks of all pages."""
    return tuple(
        block
        for path in page_files()
        for block in blocks_of(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
    )


@cache
def excuses() -> tuple[Excuse, ...]:
    """Return the list of blocks that are not run."""
    return tuple(Excuse(**entry) for entry in yaml.safe_load(NOT_RUN.read_text(encoding="utf-8")))


def not_run_reason(block: Block) -> str | None:
    """Return why a block is not run; None if nothing says so."""
    return next((entry.reason for entry in excuses() if entry.covers(block)), None)


def files_beside(page: str) -> dict[str, str]:
    """Return the files that a page, named from the top of the repository, puts beside its blocks."""
    return {block.text: block.code for block in all_blocks() if block.page == page and block.note == "file"}


def write_files(folder: Path, page: str) -> None:
    """Write the files of a page, and link `fixtures`, so that the commands work as in a checkout."""
    for name, code in files_beside(page).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(code, encoding="utf-8")
    if not (folder / "fixtures").exists():
        (folder / "fixtures").symlink_to(ROOT / "fixtures")


def matches(expected: str, printed: str) -> bool:
    """Whether an output is the expected one: `...` or `…` stands for anything, as a line of its own for any lines, or none."""
    expected = expected.replace("…", "...")
    lines = [
        r"(?s:(?:.*\n)?)" if line.strip() == "..." else re.escape(line).replace(r"\.\.\.", "(?s:.*)") + r"\n"
        for line in textwrap.dedent(expected).strip().splitlines()
    ]
    return re.fullmatch("".join(lines), printed.strip() + "\n") is not None


if __name__ == "__main__":
    write_files(Path(sys.argv[2]), sys.argv[1])
