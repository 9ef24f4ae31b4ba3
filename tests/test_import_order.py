"""Importing a module changes nothing but itself: any module can be the first, in any order (design.md 2)."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in (ROOT / "kms_mock").rglob("*.py")
    if path.stem != "__main__"  # starts the command
)

# Each line of the input is a list of modules: a process of its own imports them, in which nothing of this package was
# imported before (only other people's packages, which takes most of the time).
SCRIPT = """
import hashlib, importlib, os, sys
import aiohttp.web, click, cryptography.x509, msgspec, pytest, yaml
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        for name in line.split():
            importlib.import_module(name)
        from kms_mock.products import APIS
        found = [
            (api.product, sorted(api.operations), [resource.name for resource in api.resources], sorted(api.errors),
             sorted((name, operation.handler.__module__) for name, operation in api.operations.items()))
            for api in APIS
        ]
        print(hashlib.sha256(repr(found).encode()).hexdigest(), flush=True)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        print("failed:", line[:80], flush=True)
"""


def products_after(*orders: list[str]) -> list[str]:
    """Return a digest of the products after each of these orders of imports, each in a fresh process."""
    lines = "".join(" ".join(order) + "\n" for order in orders)
    # The children end without saving what was measured of them, and measuring takes as long as the imports. They share
    # the compiled files, which a developer may have turned off.
    left_out = ("COVERAGE_", "PYTHONDONTWRITEBYTECODE")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(command, input=lines, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-800:]
    assert done.stdout.count("\n") == len(orders), done.stderr[-800:]
    return done.stdout.splitlines()


@pytest.mark.parametrize("quarter", range(4))  # so that several workers share the longest of all tests
def test_every_module_can_be_imported_first(quarter: int) -> None:
    """Each module imports alone, and what the products are is the same afterwards."""
    modules = MODULES[quarter::4]
    usual, *found = products_after([], *([name] for name in modules))
    assert {name: digest for name, digest in zip(modules, found, strict=True) if digest != usual} == {}


def test_the_order_of_imports_does_not_matter() -> None:
    """All modules in any order give the same products."""
    orders = [random.Random(seed).sample(MODULES, len(MODULES)) for seed in range(5)]  # noqa: S311 (repeatable)
    assert len(set(products_after([], *orders))) == 1
