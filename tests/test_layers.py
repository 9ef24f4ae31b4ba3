"""Who may import whom (design.md 2): read from the syntax trees, so that nothing is imported to find out."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = "kms_mock"

# What every room may import: names of options and their defaults, the door to time and chance, the log, near names, the
# collector, the descriptions of fields, the files that come along, the version.
LEAVES = {
    "config",
    "defaults",
    "regex",
    "sources",
    "logs",
    "suggestions",
    "collector",
    "field_docs",
    "shipped",
    "version",
}

# What is a product: the rooms that are in the list of products.
PRODUCTS = set(re.findall(r"\b(\w+)\.(?:API|make_api)\b", (ROOT / PACKAGE / "products.py").read_text(encoding="utf-8")))

# Room (a package or module of kms_mock) -> the rooms that it may import besides the leaves. `""` is the package itself.
ALLOWED: dict[str, set[str]] = {
    "config": set(),
    "defaults": set(),
    "regex": set(),
    "sources": set(),
    "logs": set(),
    "suggestions": set(),
    "field_docs": set(),
    "shipped": set(),
    "version": set(),
    "collector": set(),
    # What knows no product.
    "crypto": set(),
    "store": set(),
    "identity": {"store"},
    "rpc": {"store", "identity"},
    # No product imports another one.
    **{product: {"rpc", "store", "identity", "crypto"} for product in PRODUCTS},
    "products": {"rpc"} | PRODUCTS,
    # What stands beside.
    "fixtures": {"kms", "bss", "rpc", "store", "identity", "crypto"},
    "control": {"rpc", "store", "identity"},
    "web": {"rpc", "control"},
    "persistence": {"control", "rpc", "store", "identity", "crypto"},
    "server": {"rpc", "store", "identity", "crypto", "control", "fixtures", "web"},
    "sdk_sessions": set(),
    "lifecycle": set(),
    "mock": {
        "products",
        "sts",
        "server",
        "rpc",
        "crypto",
        "control",
        "fixtures",
        "store",
        "sdk_sessions",
        "lifecycle",
        "reach",
        "persistence",
        "parity",  # what its results settle
    },
    "reach": {
        "lifecycle",
        "mock",
        "products",
        "identity",
        "store",
        "sts",
        "fixtures",
        "pytest_plugin",
        "server",
    },  # server: hosts; sts: tokens for roles
    "": {"mock", "fixtures", "reach", "store"},
    "service_client": set(),
    "importing": {"service_client", "fixtures", "store", "kms"},
    "parity": {"service_client", "fixtures", "kms"},  # fixtures: the reader of YAML
    "recording": {"control", "fixtures", "importing", "kms", "identity", "store", "crypto"},
    "cli": {
        "service_client",
        "recording",
        "importing",
        "parity",
        "store",
        "mock",
        "control",
        "fixtures",
        "products",
        "server",
        "reach",
    },
    "pytest_plugin": {"mock", "control", "products", "fixtures", "reach"},
    "__main__": {"cli"},
}
# Other people's packages -> the only rooms that import them.
THIRD_PARTY: dict[str, set[str]] = {
    "aiohttp": {"server"},
    "multidict": {"server"},  # aiohttp's own types for headers and URLs
    "yarl": {"server"},
    "cryptography": {"crypto", "server"},  # server: certificates for TLS
    "platformdirs": {"server"},
    # Everything with records of its own, but what `kms-mock --help` loads.
    "msgspec": {
        "config",
        "sources",
        "crypto",
        "store",
        "identity",
        "rpc",
        "fixtures",
        "control",
        "persistence",
        "server",
        "web",
        "mock",
        "cli",
        "importing",
        "parity",
        "recording",
        "service_client",
    }
    | PRODUCTS,
    "yaml": {"fixtures"},
    "xmltodict": {"rpc"},
    "click": {"cli"},
    "rich": {"cli"},
    "pytest": {"pytest_plugin", "control", "reach"},  # control: the report in pytest's summary; reach: its fixtures
    "aliyunsdkcore": {"reach"},  # where it keeps its endpoints; imported late
    "alibabacloud_kms20160120": {
        "mock",
        "pytest_plugin",
        "importing",
        "cli",
        "parity",
        "service_client",
    },  # the client that a handle returns; an extra, imported late
    "alibabacloud_tea_openapi": {"mock", "service_client", "cli"},
    "alibabacloud_tea_util": {"service_client"},
    "alibabacloud_credentials": {"cli"},
}

# The doors to time and chance -> the only modules that may use them.
OUTSIDE: dict[str, set[str]] = {
    "random": {
        "kms_mock.sources",
        "kms_mock.control.faults",  # Random(seed) alone, for faults that strike with a probability: it repeats
    },
    "uuid": set(),
    "secrets": set(),
    "time": {
        "kms_mock.sources",
        "kms_mock.rpc.gateway",  # perf_counter, for the milliseconds of a log line: they are in no answer
        "kms_mock.cli.calls",  # sleep, between two looks at a running server
        "kms_mock.service_client",  # sleep, between the attempts of a throttled call of the real service
        "kms_mock.crypto.primes",  # sleep(0), which lets other threads run
        "kms_mock.server.loop",  # monotonic, bound at import: no test can freeze the server's timers
        "kms_mock.server.thread",  # sleep(0), while a thread begins that was interrupted
    },
    "os.urandom": {"kms_mock.sources"},
    "os.getrandom": set(),
}


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_name(path): path for path in sorted((ROOT / PACKAGE).rglob("*.py"))}


@cache
def parsed(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


def imports(tree: ast.Module) -> Iterator[str]:
    """Return the full name of everything imported, at any depth, but what is only there for type checkers."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            waiting += node.orelse
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        waiting += ast.iter_child_nodes(node)


def layer_of(module: str) -> str:
    """Return the layer of a module of this package, or of something imported from one."""
    inside = module.removeprefix(PACKAGE).lstrip(".").partition(".")[0]
    known = {name.removeprefix(PACKAGE).lstrip(".").partition(".")[0] for name in MODULES}
    return inside if inside in known else ""


def is_ours(name: str) -> bool:
    return name.partition(".")[0] == PACKAGE


def reaches(name: str, target: str) -> bool:
    """Return whether an import is of this target, or of something within it."""
    return name == target or name.startswith(target + ".")


each_module = pytest.mark.parametrize("module", list(MODULES))


def test_every_layer_has_its_rule() -> None:
    """Each module of the package belongs to a layer that the table knows, and the table knows no other."""
    assert {layer_of(module) for module in MODULES} == set(ALLOWED)


@each_module
def test_a_module_imports_only_the_layers_below(module: str) -> None:
    """design.md 2: who may import whom."""
    layer = layer_of(module)
    used = {layer_of(name) for name in imports(parsed(module)) if is_ours(name)} - {layer} - LEAVES
    assert used <= ALLOWED[layer]


@each_module
def test_other_packages_have_one_importer(module: str) -> None:
    """Only server.py imports aiohttp, only crypto cryptography; nothing is imported that is not declared."""
    for name in imports(parsed(module)):
        top = name.partition(".")[0]
        if not is_ours(name) and top not in sys.stdlib_module_names:
            assert layer_of(module) in THIRD_PARTY[top], f"{module} imports {top}"


@each_module
def test_time_and_chance_come_in_by_one_door(module: str) -> None:
    """No module but sources knows the time or draws a random number: what it needs it is given."""
    tree = parsed(module)
    names = set(imports(tree))
    attributes = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    # What is used of a module counts where that module is imported: a variable may be named `time`.
    used = names | {name for name in attributes if name.partition(".")[0] in names}
    for door, allowed in OUTSIDE.items():
        if module not in allowed:
            assert not any(reaches(name, door) for name in used), f"{module} uses {door}"
    if module == "kms_mock.rpc.gateway":
        clocks = {name for name in used if reaches(name, "time")}
        assert clocks <= {"time", "time.perf_counter"}


@each_module
def test_operations_know_nothing_of_each_other(module: str) -> None:
    """A module of operations imports no other one but results."""
    if reaches(module, "kms_mock.kms.operations"):
        others = {name for name in imports(parsed(module)) if reaches(name, "kms_mock.kms.operations")}
        assert all(reaches(name, "kms_mock.kms.operations.results") for name in others), others


def test_imports_are_found_at_any_depth() -> None:
    """The reader of imports sees those inside functions, and leaves out those for type checkers."""
    tree = ast.parse(
        "import a.b\nfrom c import d, e\nif TYPE_CHECKING:\n    import f\nelse:\n    import g\n"
        "def late():\n    from h.i import j\n"
    )
    assert sorted(imports(tree)) == ["a.b", "c.d", "c.e", "g", "h.i.j"]
    assert layer_of("kms_mock.rpc.decode") == "rpc"
    assert layer_of("kms_mock.KmsMock") == ""
    assert reaches("time.time", "time")
    assert not reaches("timeit", "time")
