"""Modules of operations are imported when an operation is asked for: a product of two of them, made for each test."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from kms_mock.rpc.api import Api
from tests.support.registry import DECLARED

PACKAGE = Path(__file__).parents[2] / "kms_mock"
MODULE = """
from typing import TypedDict
from kms_mock.rpc.api import operation
from kms_mock.rpc.context import Context
from kms_mock.rpc.errors import ErrorSpec

class Result(TypedDict):
    Name: str

@operation("{name}", errors=(ErrorSpec(404, "{name}.NotFound", "There is none."),))
def run(ctx: Context) -> Result:
    return {{"Name": "{name}"}}
"""

MakeApi = Callable[..., Api]


@pytest.fixture
def make_api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> MakeApi:
    """Return what makes the API of modules, each with one operation; `before` is what they run first."""
    monkeypatch.syspath_prepend(tmp_path)

    def make(*names: str, before: str = "") -> Api:
        found = {name: f"toy_{name.lower()}" for name in names}
        for name, module in found.items():
            (tmp_path / f"{module}.py").write_text(before + MODULE.format(name=name))
            request.addfinalizer(partial(sys.modules.pop, module, None))
        return Api("Toy", "2026-01-01", modules=found.values())

    return make


def imported() -> list[str]:
    return [name.removeprefix("toy_") for name in sys.modules if name.startswith("toy_")]


def test_modules_are_looked_through_in_order(make_api: MakeApi) -> None:
    """An operation is found in the first module that has it; those after it stay unread until something needs them."""
    api = make_api("One", "Two", "Three")
    assert imported() == []
    two = api.find("Two")
    assert two is not None
    assert (two.name, two.api, two.ram_action) == ("Two", api, "toy:Two")
    assert imported() == ["one", "two"]
    assert api.find("One") is api.find("One")
    assert imported() == ["one", "two"]
    assert api.find("Four") is None
    assert imported() == ["one", "two", "three"]


@pytest.mark.parametrize(
    "whole",
    [
        lambda api: list(api.operations) == ["One", "Two"],
        lambda api: {"One.NotFound", "Two.NotFound"} <= set(api.errors),
    ],
    ids=["operations", "errors"],
)
def test_what_is_about_all_operations_has_all(make_api: MakeApi, whole: Callable[[Api], bool]) -> None:
    """The operations and the catalogue of errors are those of all modules, whatever was called before."""
    api = make_api("One", "Two")
    api.find("One")
    assert whole(api)


def test_a_name_is_taken_by_a_module_that_was_not_read_yet(make_api: MakeApi) -> None:
    """An operation cannot be added under the name of one that nobody has called."""
    api, other = make_api("One", "Two"), make_api("One")
    taken = other.find("One")
    assert taken is not None
    with pytest.raises(ValueError, match="One is declared twice"):
        api.add(taken)


def test_a_module_that_fails_fails_again(make_api: MakeApi) -> None:
    """What is wrong with a module is told each time, instead of its operations not existing the second time."""
    api = make_api("One", before="import no_such_module\n")
    for _ in range(2):
        with pytest.raises(ModuleNotFoundError, match="no_such_module"):
            api.find("One")


def test_two_threads_ask_at_once(make_api: MakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads that ask while a module is being imported wait for it, and get one and the same operation."""
    gate = SimpleNamespace(begun=threading.Event(), open=threading.Event())
    monkeypatch.setitem(sys.modules, "toy_gate", gate)
    api = make_api("One", before="import toy_gate\ntoy_gate.begun.set()\ntoy_gate.open.wait(60)\n")
    with ThreadPoolExecutor() as pool:
        first = pool.submit(api.find, "One")
        assert gate.begun.wait(60)
        second, third = pool.submit(api.find, "One"), pool.submit(lambda: api.operations["One"])
        gate.open.set()
        assert {first.result(60), second.result(60), third.result(60)} == {api.find("One")}


def test_every_module_of_operations_is_in_the_list_of_its_product() -> None:
    """A module that declares operations is looked through: one that is in no list would be code that nothing reaches."""
    declaring = {
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        for path in PACKAGE.rglob("*.py")
        if "\n@operation(\n" in (text := path.read_text(encoding="utf-8")) or '\n@operation("' in text
    }
    assert len(declaring) > 20
    assert declaring == {operation.handler.__module__ for operation in DECLARED}
