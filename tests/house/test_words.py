"""The package speaks in the field's standard terms (design.md 7): what a reader stumbled over does not come back."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "kms_mock").rglob("*.py"))
SCRIPTS = sorted((ROOT / "kms_mock").rglob("*.js"))

# Names of the first edition that no reader understood without asking.
PRECIOUS = frozenset(
    [
        *("farewells", "sweep", "say", "said", "own", "own_rows", "mangle", "one", "one_write", "rehearsal", "dated"),
        *("room_below", "growing", "most_noted", "gone", "foldable"),
    ]
)
# A docstring says what a function returns, raises or does.
FIRST_WORDS = frozenset({"Give", "Gives", "Say", "Says", "Tell", "Tells", "Let", "Hand"})


# Text that people write; what is generated, such as a virtual environment, is elsewhere.
WRITTEN = sorted(
    path
    for folder in ("docs", "fixtures", "kms_mock", "scripts", "tests")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in {".css", ".html", ".js", ".json", ".md", ".py", ".toml", ".yaml", ".yml"}
)


def names_in(tree: ast.AST) -> set[str]:
    """Return the names that a module defines: variables, arguments, functions, classes, in snake case."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
    return {re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).strip("_").lower() for name in found}


def names_in_script(text: str) -> set[str]:
    """Return the names that a script defines: constants, variables, functions, and the parameters of short functions."""
    declared = re.findall(r"\b(?:const|let|function) (\w+)|\((\w+)\) =>", text)
    return {re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower() for pair in declared for name in pair if name}


def first_words(tree: ast.AST) -> set[str]:
    """Return the first word of each docstring of a function."""
    documented = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return {text.split(maxsplit=1)[0] for node in documented if (text := ast.get_docstring(node))}


@pytest.mark.parametrize("path", FILES, ids=[path.relative_to(ROOT).as_posix() for path in FILES])
def test_names_and_docstrings_are_plain(path: Path) -> None:
    """No precious name, no module of such a name, and no docstring that gives, says or lets."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert names_in(tree) & PRECIOUS == set()
    assert path.stem not in PRECIOUS
    assert first_words(tree) & FIRST_WORDS == set()


@pytest.mark.parametrize("path", SCRIPTS, ids=[path.relative_to(ROOT).as_posix() for path in SCRIPTS])
def test_names_in_scripts_are_plain(path: Path) -> None:
    """The page and the hook of Node are read by the same people."""
    assert names_in_script(path.read_text(encoding="utf-8")) & PRECIOUS == set()


def test_the_readers_see_names_and_docstrings() -> None:
    """Variables, arguments, functions, classes and first words are found; private and camel-case names too."""
    tree = ast.parse(
        "class _OneWrite:\n    def say(self, own): \n        '''Give it.'''\n        return [one for one in own]\n"
        "_CHANCE = 1\n"
    )
    assert {"one_write", "say", "own", "one", "chance"} <= names_in(tree)
    assert first_words(tree) == {"Give"}
    script = "const oneWrite = list.map((one) => one);\nlet said;\nfunction gone() {}"
    assert names_in_script(script) == {"one_write", "one", "said", "gone"}


def test_no_file_has_the_markers_of_a_conflict() -> None:
    """A merge of two branches left some in a page, and no other test reads prose."""
    marker = re.compile(r"^(?:<{7} |>{7} )", re.MULTILINE)
    files = [*WRITTEN, *ROOT.glob("*.md"), *ROOT.glob("*.toml")]
    assert [path.name for path in files if marker.search(path.read_text(encoding="utf-8"))] == []
