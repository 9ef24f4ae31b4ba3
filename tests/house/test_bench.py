"""`scripts/bench`: what it prints and keeps. What it measures is never tested, for that would depend on the machine."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.support.programs import load_file

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "scripts"
# Rows that say how fast the server is where it is felt, with what was aimed at.
GOALS = {
    "GetSecretValue, 8 connections, req/s": ">= 0.75",
    "BatchGetSecretValue of 10, req/s": ">= 0.40",
    "ListSecrets, page of 10, req/s": ">= 0.62",
    "GetSecretValue, ACS3 verified, req/s": ">= 0.33",
    "GetSecretValue, HMAC-SHA1 verified, req/s": ">= 0.18",
    "Encrypt of 1 KiB, req/s": ">= 0.62",
    "GenerateDataKey of 1 KiB, req/s": ">= 0.62",
    "Decrypt of 1 KiB, req/s": ">= 0.50",
}
MEASURING = sorted(
    file.stem for file in SCRIPTS.glob("bench_*.py") if "\ndef main(" in file.read_text(encoding="utf-8")
)
SPREAD = r" +[0-9.]+ +[0-9.]+ to [0-9.]+ +goal "

# Another checkout's package: its server notes the requests in the folder that it runs in.
OTHER = """
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        with open("requests", "a") as file:
            print(self.requestline, file=file)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
"""


@pytest.fixture(scope="module")
def rows() -> ModuleType:
    return load_file(SCRIPTS / "bench_rows.py")


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it."""
    command = [sys.executable, str(SCRIPTS / "bench.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_run_prints_each_row_with_its_spread_and_goal_and_keeps_it(tmp_path: Path) -> None:
    """One short round each of the quick sections: every row has its median, smallest, largest, and its goal."""
    kept, table = tmp_path / "run.json", tmp_path / "run.md"
    done = bench(
        "reads", "signatures", "crypto", "--rounds=1", "--seconds=0.01", f"--save={kept}", f"--markdown={table}"
    )
    assert done.returncode == 0, done.stderr
    missing = [
        what
        for what, goal in GOALS.items()
        if not re.search(rf"^{re.escape(what)}{SPREAD}{re.escape(goal)} ", done.stdout, re.MULTILINE)
    ]
    assert not missing, done.stdout
    assert "not run: connections, life, start, scale" in done.stdout
    assert GOALS.keys() <= json.loads(kept.read_text()).keys()
    assert all(f"| {what} | " in table.read_text() for what in GOALS)


@pytest.mark.parametrize("module", MEASURING)
def test_each_module_that_measures_is_run_by_a_section(module: str) -> None:
    """A file with a `main` is named by the list of sections or by an option."""
    assert re.search(rf"\b{module}\.main\b", (SCRIPTS / "bench.py").read_text(encoding="utf-8"))


def test_a_change_against_an_earlier_run_and_a_missed_goal_stand_in_the_row(
    rows: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The earlier run is the file of `--save`; what misses is marked and counted."""
    file = tmp_path / "run.json"
    former = rows.Rows()
    former.report("GetSecretValue", rows.Ratio.of([0.4, 0.5, 0.9]), ">= 0.75", "")
    former.save(file)
    capsys.readouterr()
    run = rows.Rows()
    run.compare_with(file)
    run.report("GetSecretValue", rows.Ratio.of([0.7, 0.6, 0.2]), ">= 0.75", "detail")
    run.report("ListKeys", rows.Ratio.of([0.9]), "<= 1.5", "")
    run.finish()
    first, second, _, last = capsys.readouterr().out.splitlines()
    assert re.search(r"0\.60   0\.20 to 0\.70 +goal >= 0\.75 +detail   1\.20 of 0\.50   <-- misses its goal$", first)
    assert "misses" not in second
    assert " of " not in second
    assert last == "1 of 2 rows miss their goal"


@pytest.mark.parametrize(
    ("goal", "value", "misses"),
    [
        (">= 0.75", 0.75, False),
        (">= 0.75", 0.7499, True),
        ("<= 1.22", 1.22, False),
        ("<= 1.22", 1.23, True),
        ("none set", 9.0, False),
        ("1: noise", 9.0, False),
    ],
)
def test_a_row_misses_its_goal(rows: ModuleType, goal: str, value: float, misses: bool) -> None:
    """A goal is `>= NUMBER` or `<= NUMBER`, met by the number itself; other words are no goal."""
    assert rows.Row("what", value, goal, "").misses is misses


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["lightning"], "no section of that name: lightning"),
        (["--against", "missing.json"], "--against missing.json: there is no such file"),
        (["--rounds", "0"], "--rounds: at least 1"),
    ],
)
def test_wrong_arguments(arguments: list[str], message: str) -> None:
    """Nothing is measured; the message says what is wrong."""
    done = bench(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="the CPU time of other processes can only be read on Linux")
def test_another_checkout_is_measured_with_its_own_package(tmp_path: Path) -> None:
    """Both servers of `--beside` are measured in turns; a folder without a package is refused."""
    package = tmp_path / "other" / "kms_mock"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(OTHER)
    short = ("--rounds=1", "--seconds=0.01", "DescribeKey")
    done = bench("--beside", str(package.parent), *short)
    assert done.returncode == 0, done.stderr
    found = re.findall(rf"^(.+?){SPREAD}", done.stdout, re.MULTILINE)
    assert found == ["DescribeKey, req/s, ours / theirs", "DescribeKey, CPU, ours / theirs"]
    assert "POST /?KeyId=key-5" in (package.parent / "requests").read_text()
    refused = bench("--beside", str(tmp_path), *short)
    assert "there is no kms_mock in this folder" in refused.stderr
