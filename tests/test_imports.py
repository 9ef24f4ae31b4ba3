"""What is imported when: a run that does not need a thing does not wait for it (design.md 10.16)."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

HEAVY = ("aiohttp", "msgspec", "cryptography", "yaml", "click", "rich", "xmltodict", "alibabacloud_kms20160120", "Tea")
SHOW = "import json, sys; print(json.dumps(sorted(sys.modules)), file=open('modules.json', 'w'))"


def modules(folder: Path, script: str) -> set[str]:
    """Run a script in a process of its own; give what was imported by its end."""
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    subprocess.run([sys.executable, "-c", f"{script}\n{SHOW}"], cwd=folder, env=environment, check=True, timeout=30)
    return set(json.loads((folder / "modules.json").read_text()))


def compiles_a_pattern(module: str) -> bool:
    """Return whether a module compiles a pattern in one of its constants."""
    source = importlib.util.find_spec(module)
    assert source is not None
    assert source.origin is not None
    constants = (ast.Assign, ast.AnnAssign)
    values = [node.value for node in ast.parse(Path(source.origin).read_text()).body if isinstance(node, constants)]
    return any(ast.unparse(value).startswith("re.compile(") for value in values if value is not None)


def test_plugin(tmp_path: Path) -> None:
    """A pytest run with the plugin, in which no test uses it, imports nothing of the project but the plugin itself."""
    (tmp_path / "test_nothing.py").write_text("def test_nothing(): pass")
    run = "import pytest; assert pytest.main(['-q', '-p', 'kms_mock.pytest_plugin', '-p', 'no:cacheprovider']) == 0"
    loaded = modules(tmp_path, run)
    assert {name for name in loaded if name.startswith("kms_mock")} == {"kms_mock", "kms_mock.pytest_plugin"}
    assert loaded.isdisjoint({*HEAVY, "asyncio"})


def test_help(tmp_path: Path) -> None:
    """`kms-mock --help` does not wait for the server, the SDK or a parser."""
    script = """
import sys
from kms_mock.cli import main
sys.argv = ["kms-mock", "--help"]
try:
    main()
except SystemExit as end:
    assert end.code == 0
"""
    assert modules(tmp_path, script).isdisjoint({*HEAVY} - {"click"})


def test_server(tmp_path: Path) -> None:
    """A server without fixture files, and one with a JSON file, imports no YAML, no XML and nothing asymmetric.

    Nor does it import modules of operations that nobody called, the control API, what aiohttp has for applications, or
    what explains signatures and helps tests. No module compiles a pattern while it is imported, but what most requests
    use, for which an attribute of `regex` would be looked up each time.
    """
    (tmp_path / "db.json").write_text('{"secrets": [{"name": "db", "value": "one"}]}')
    script = """
from urllib.request import ProxyHandler, build_opener
from kms_mock import KmsMock
for fixtures in [], ["db.json"]:
    with KmsMock(fixtures) as kms:
        build_opener(ProxyHandler({})).open(kms.url + "/?Action=ListSecrets&Version=2016-01-20").close()
"""
    loaded = modules(tmp_path, script)
    assert "kms_mock.server.connection" in loaded
    assert loaded.isdisjoint({"yaml", "xmltodict", "click", "pytest", "alibabacloud_kms20160120", "Tea"})
    asymmetric = ("cryptography.x509", "cryptography.hazmat.primitives.asymmetric", "cryptography.hazmat.backends")
    assert [name for name in loaded if name.startswith(asymmetric)] == []
    operations = {name for name in loaded if ".operations." in name and name.startswith("kms_mock.")}
    used = ("results", "secret_values", "secrets")
    assert operations == {f"kms_mock.kms.operations.{name}" for name in used}
    unused = {"control_api", "credential_endpoints", "openapi", "page", "authority"}
    assert loaded.isdisjoint({*(f"kms_mock.server.{name}" for name in unused), "aiohttp.web", "aiohttp.web_app"})
    tools = {"checkpoints", "leaks", "minimal_policy", "namespaces"}
    assert loaded.isdisjoint({*(f"kms_mock.control.{name}" for name in tools), "kms_mock.rpc.signature_explained"})
    assert loaded.isdisjoint({"pyexpat", "xml.parsers.expat"})
    compiling = {name for name in loaded if name.startswith("kms_mock.") and compiles_a_pattern(name)}
    of_requests = {f"rpc.{name}" for name in ("canonical", "context", "decode", "gateway", "signed_request")}
    assert compiling == {f"kms_mock.{name}" for name in of_requests | {"kms.context", "server.guards"}}


def test_serve(tmp_path: Path) -> None:
    """`kms-mock serve` imports no other command, and starts without reading the metadata of packages."""
    script = """
import io, os, signal, sys

class Output(io.StringIO):
    def write(self, text):
        if "listening" in text:
            os.kill(os.getpid(), signal.SIGTERM)
        return super().write(text)

from kms_mock.cli import main
sys.argv = ["kms-mock", "serve", "--port", "0"]
sys.stdout = Output()
try:
    main()
except SystemExit as end:
    assert end.code == 0
assert "kms-mock listening on" in sys.stdout.getvalue()
"""
    loaded = modules(tmp_path, script)
    commands = {name for name in loaded if name.startswith("kms_mock.cli.")}
    assert commands == {f"kms_mock.cli.{name}" for name in ("authorities", "help", "options", "serve")}
    assert loaded.isdisjoint({"yaml", "xmltodict", "rich", "importlib.metadata", "kms_mock.server.control_api"})
