"""What test files share stands in `tests/support`, once, and a name there means the same in every test file."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parent
SUPPORT = TESTS / "support"

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def definitions(path: Path) -> Iterator[tuple[str, ast.stmt]]:
    """Return the public names that a module defines at its top level, with their statements."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, Definition):
            names = [node.name]
        elif isinstance(node, ast.Assign):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names = [node.target.id]
        else:
            continue
        yield from ((name, node) for name in names if not name.startswith(("_", "test_")))


def is_fixture(node: ast.stmt) -> bool:
    """Return whether pytest knows the definition as a fixture: a file may have its own of the same name."""
    return isinstance(node, Definition) and any("fixture" in ast.unparse(mark) for mark in node.decorator_list)


def what_it_does(node: ast.FunctionDef) -> str:
    """Return a helper's code without its name, its docstring and the types."""
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    arguments = [argument.arg for argument in ast.walk(node.args) if isinstance(argument, ast.arg)]
    return "\n".join([*arguments, *map(ast.unparse, body)])


SHARED = {path.stem: dict(definitions(path)) for path in sorted(SUPPORT.glob("*.py"))}
APPLICATIONS = TESTS / "programs" / "applications"  # unchanged users' programs: each stands by itself
TEST_FILES = sorted(path for path in TESTS.rglob("*.py") if path.parent not in {SUPPORT, APPLICATIONS})


def test_helper_modules_stand_in_support() -> None:
    """Beside test files, conftest.py and what example projects hold, no module lies in `tests`."""
    others = {path.name for path in TESTS.glob("*.py") if not path.name.startswith("test_")}
    assert others <= {"__init__.py", "conftest.py"}


def test_no_two_support_modules_define_a_name() -> None:
    """A name imported from `tests.support` is the same thing whichever module it comes from."""
    modules = defaultdict(list)
    for module, names in SHARED.items():
        for name in names:
            modules[name].append(module)
    assert {name: found for name, found in modules.items() if len(found) > 1} == {}


def test_no_test_file_has_a_helper_with_the_name_of_a_shared_one() -> None:
    """A helper of one file is not mistaken for the shared one; fixtures and constants apart."""
    shared = {name: module for module, names in SHARED.items() for name in names}
    taken = [
        f"{path.relative_to(TESTS)}: {name} is also in tests/support/{shared[name]}.py"
        for path in TEST_FILES
        for name, node in definitions(path)
        if isinstance(node, Definition) and not is_fixture(node) and name in shared
    ]
    assert taken == []


def test_no_helper_is_written_twice() -> None:
    """What two files need does the same thing in both, so it stands in `tests/support`."""
    files = defaultdict(list)
    for path in [*TEST_FILES, *SUPPORT.glob("*.py")]:
        for name, node in definitions(path):
            if isinstance(node, ast.FunctionDef) and not is_fixture(node):
                files[what_it_does(node)].append(f"{path.relative_to(TESTS)}: {name}")
    assert [found for found in files.values() if len(found) > 1] == []
