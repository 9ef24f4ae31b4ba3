"""docs/contributing.md is true: each of its sections is followed in a copy of the project, and what it adds works.

A section's blocks are applied in order: `New file PATH:` and `At the end of PATH:` before a Python block, `In PATH:`
before blocks of differences. A Python block without a path is run; the text block after it is what it prints, `...`
standing for anything.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "contributing.md"
_BLOCK = re.compile(r"^```(python|diff|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PLACE = re.compile(r"(New file|At the end of|In) `([\w/.]+)`:\s*\Z")


@dataclass(frozen=True)
class PageBlock:
    """One block of code: what to do with it ("New file", "At the end of", "In", "" for an example), where, its text."""

    action: str
    path: str
    language: str
    text: str


@dataclass
class Copy:
    """A copy of the project, and the files that a section of the page added to it or changed in it."""

    root: Path
    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)

    def apply(self, block: PageBlock) -> None:
        """Do what a block says."""
        path = self.root / block.path
        if block.action == "New file":
            assert not path.exists(), path
            path.parent.mkdir(exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
            self.added.append(block.path)
            return
        former = path.read_text(encoding="utf-8")
        if block.action == "At the end of":
            path.write_text(f"{former}\n\n{block.text}", encoding="utf-8")
        else:
            old = "".join(line[1:] for line in block.text.splitlines(keepends=True) if line[0] in " -")
            new = "".join(line[1:] for line in block.text.splitlines(keepends=True) if line[0] in " +")
            assert former.count(old) == 1, f"{block.path} has this {former.count(old)} times:\n{old}"
            path.write_text(former.replace(old, new), encoding="utf-8")
        if block.path not in self.changed:
            self.changed.append(block.path)

    def run(self, *command: str) -> str:
        """Run Python in the copy; return what it prints. AssertionError when it fails."""
        done = subprocess.run(
            [sys.executable, *command],
            cwd=self.root,
            env={"PYTHONPATH": str(self.root)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
        return done.stdout

    def test(self, *arguments: str) -> None:
        """Run tests in the copy, all of which must pass."""
        self.run("-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *arguments)

    def files_of_package(self, files: list[str]) -> list[str]:
        return [path for path in files if path.startswith("kms_mock/")]


def blocks(name: str) -> list[PageBlock]:
    """Return the blocks after the mark `<!-- code: NAME -->`, up to the next heading."""
    section = PAGE.read_text(encoding="utf-8").split(f"<!-- code: {name} -->", 1)[1].split("\n## ", 1)[0]
    found: list[PageBlock] = []
    end = 0
    for match in _BLOCK.finditer(section):
        before, language, text = section[end : match.start()], match[1], match[2]
        place = _PLACE.search(before)
        end = match.end()
        if place is not None:
            found.append(PageBlock(place[1], place[2], language, text))
        elif language == "diff":  # one more change of the same file
            assert before.strip() == "", before
            found.append(PageBlock("In", found[-1].path, language, text))
        else:
            found.append(PageBlock("", "", language, text))
    return found


def follow(copy: Copy, name: str) -> list[str]:
    """Apply a section to a copy; return what its example prints, after the check that the page shows the same."""
    steps = blocks(name)
    for block in steps:
        if block.action:
            copy.apply(block)
    example, shown = steps[-2:]
    assert (example.action, example.language, shown.language) == ("", "python", "text")
    printed = copy.run("-c", example.text)
    pattern = re.escape(shown.text).replace(re.escape("..."), "[0-9a-f-]+")
    assert re.fullmatch(pattern, printed), printed
    return printed.splitlines()


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Copy]:
    """A copy of what a change may touch, compiled files included; nothing of the original is imported in it."""
    for folder in ("kms_mock", "tests", "fixtures", "docs"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("house"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    found = Copy(tmp_path)
    assert Path(found.run("-c", "import kms_mock; print(kms_mock.__file__)").strip()).is_relative_to(tmp_path)
    yield found
    shutil.rmtree(tmp_path, ignore_errors=True)


def test_add_an_operation(copy: Copy) -> None:
    """A read-only operation is one file of the package, its tests and the generated page."""
    follow(copy, "operation")
    assert copy.files_of_package(copy.added + copy.changed) == ["kms_mock/kms/operations/aliases.py"]
    assert "#### CountAliases\n" in copy.run("-m", "kms_mock", "operations")
    copy.test(
        "tests/test_registry.py", "tests/identity/test_policies_at_the_api.py", "-k", "CountAliases or has_an_example"
    )


def test_add_a_resource(copy: Copy) -> None:
    """A kind of resource with five operations is three files of the package and its names in two lists."""
    follow(copy, "resource")
    assert copy.files_of_package(copy.added) == [
        "kms_mock/kms/model/note.py",
        "kms_mock/kms/operations/notes.py",
        "kms_mock/fixtures/notes.py",
    ]
    assert copy.files_of_package(copy.changed) == ["kms_mock/kms/__init__.py", "kms_mock/fixtures/documents.py"]
    page = copy.run("-m", "kms_mock", "operations")
    assert all(f"#### {name}Note" in page for name in ("Create", "Delete"))
    every = ("tests/test_fixture_records.py", "tests/test_layers.py")
    some = ("tests/test_registry.py", "tests/identity/test_policies_at_the_api.py")
    copy.test(*every, *some, "-k", "test_fixture_records or test_layers or Note or has_an_example")


def test_a_forgotten_field_of_the_new_resource_is_noticed(copy: Copy) -> None:
    """Without its sample, or with a save function that forgets a field, the test of records fails."""
    follow(copy, "resource")
    path = copy.root / "kms_mock/fixtures/notes.py"
    path.write_text(path.read_text(encoding="utf-8").replace(" text=note.text,", ""), encoding="utf-8")
    with pytest.raises(AssertionError, match=r"text of .*note"):
        copy.test("tests/test_fixture_records.py", "-k", "records_are_equal")


def test_add_a_product(copy: Copy) -> None:
    """A product of one operation is one folder and its name in one list."""
    follow(copy, "product")
    assert {Path(path).parent.as_posix() for path in copy.added} == {"kms_mock/echo"}
    assert copy.changed == ["kms_mock/products.py"]
    assert "#### Repeat (Echo)\n" in copy.run("-m", "kms_mock", "operations")
    copy.test("tests/test_layers.py", "tests/test_import_order.py", "-k", "not test_every_module_can_be_imported_first")


def test_every_section_has_its_code() -> None:
    """The three sections have a mark, and each block has a known place."""
    names = re.findall(r"<!-- code: (\w+) -->", PAGE.read_text(encoding="utf-8"))
    assert names == ["operation", "resource", "product"]
    assert all(block.path or not block.action for name in names for block in blocks(name))
