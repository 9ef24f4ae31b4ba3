"""`kms-mock run`: unchanged programs in processes of their own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from kms_mock.server.hosts import ALIBABA_CLOUD, MIRRORS
from tests.support.calls import outside
from tests.support.cli import CLEAN, COMMAND, PATIENCE, run_command, run_program
from tests.support.programs import ASYNC_PROGRAMS, FIXTURE, FOLDER, PROGRAMS

HOST = "kms.cn-hangzhou.aliyuncs.com"
QUERY = "?Action=ListSecrets&Version=2016-01-20"
WORDS = "kms-mock does not mock ecs.cn-hangzhou.aliyuncs.com; nothing was sent to Alibaba Cloud"


@pytest.fixture(scope="module")
def fixture(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The file of the fixture that the programs need."""
    file = tmp_path_factory.mktemp("fixture") / "fixture.json"
    file.write_text(json.dumps(FIXTURE))
    return str(file)


def run_python(
    code: str, *options: str, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return run_program(*options, "--", sys.executable, "-c", code, environment=environment)


@pytest.mark.parametrize(("program", "output"), {**PROGRAMS, **ASYNC_PROGRAMS}.items())
def test_an_unchanged_program(program: str, output: str, fixture: str) -> None:
    """Each program prints what it prints with the real service; every signature is verified."""
    done = run_program("--fixture", fixture, "--", sys.executable, str(FOLDER / f"{program}.py"))
    assert (done.returncode, done.stdout) == (0, f"{output}\n"), done.stderr


def test_a_program_without_interception(fixture: str) -> None:
    """Where Python reads no PYTHONPATH (-I), the proxies and the trust bundle lead to the mock."""
    code = f"import urllib.request; print(urllib.request.urlopen('https://{HOST}/?Action=x').status)"
    done = run_program("--fixture", fixture, "--report", "--", sys.executable, "-I", "-c", code)
    assert "HTTPError" in done.stderr, done.stderr
    assert "x: " in done.stderr


def test_curl() -> None:
    """Curl reaches KMS over https; for another product it shows the refusal, and the report does."""
    curl = outside("curl")
    done = run_program("--", curl, "-sS", f"https://{HOST}/{QUERY}")
    assert json.loads(done.stdout)["TotalCount"] == 0, done.stderr
    done = run_program("--report", "--", curl, "-sS", "https://ecs.cn-hangzhou.aliyuncs.com/")
    assert json.loads(done.stdout)["Message"] == WORDS
    assert done.stderr == f"kms-mock: 0 operations, 0 calls\n  refused 1x: {WORDS}\n"


NODE = f"""
const https = require("https"), net = require("net"), assert = require("assert");
const get = (url) => new Promise((resolve, reject) => https.get(url, resolve).on("error", reject));
const failed = (socket) => new Promise((resolve) => socket.on("error", resolve));
(async () => {{
  assert.equal((await get("https://{HOST}/{QUERY}")).statusCode, 200);
  assert.equal((await fetch("https://{HOST.upper()}/{QUERY}")).status, 200);
  const refused = await get("https://ecs.cn-hangzhou.aliyuncs.com/").catch((error) => error);
  assert.equal(refused.message, "{WORDS}");
  assert.equal((await fetch("https://ecs.cn-hangzhou.aliyuncs.com/").catch((error) => error.cause)).message, "{WORDS}");
  assert.equal((await failed(net.connect(6379, "ecs.cn-hangzhou.aliyuncs.com"))).message, "{WORDS}");
  const server = net.createServer((socket) => socket.end("other")).listen(0, "127.0.0.1", () => {{
    net.connect(server.address().port, "127.0.0.1").on("data", (data) => {{
      assert.equal(String(data), "other");
      console.log("done");
      process.exit(0);
    }});
  }});
}})();
"""


def test_node() -> None:
    """The modules of Node reach KMS, and are told of other products; other hosts are left alone."""
    done = run_program("--", outside("node"), "-e", NODE)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


# -- the program is as it would be ------------------------------------------------------------------------------------


def test_the_exit_status_and_the_output_are_the_program_s_own() -> None:
    """Nothing is added to stdout or stderr; options of the command need no `--` after its name."""
    code = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(int(sys.argv[1]))"
    done = run_program(sys.executable, "-c", code, "7")
    assert (done.returncode, done.stdout, done.stderr) == (7, "out\n", "err\n")


def test_a_program_that_a_signal_ends() -> None:
    """The status is 128 and the number of the signal, as in shells."""
    done = run_python("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert done.returncode == 128 + signal.SIGKILL


WAITS = r"""
import os, signal, time
def end(number, frame):
    os.write(1, signal.Signals(number).name.encode() + b"\n")
    os._exit(9)
for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1"):
    signal.signal(signal.Signals[name], end)
os.write(1, b"ready\n")
while True:
    time.sleep(0.1)
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1"])
def test_a_signal_reaches_the_program(name: str) -> None:
    """The program decides what a signal means, and its status is the end of it."""
    process = subprocess.Popen(
        [COMMAND, "run", "--", sys.executable, "-c", WAITS],
        env=CLEAN,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.Signals[name])
    assert process.communicate(timeout=PATIENCE)[0] == f"{name}\n"
    assert process.returncode == 9


COUNTS = r"""
import os, signal, time
count = 0
def end(number, frame):
    global count
    count += 1
signal.signal(signal.SIGINT, end)
os.write(1, b"ready\n")
while not count:
    time.sleep(0.01)
time.sleep(0.5)
os.write(1, b"interrupted %d times\n" % count)
"""


EARLY = """
import os, signal, subprocess, sys
from kms_mock.reach.running import run_program
class Interrupted(subprocess.Popen):
    def __init__(self, *arguments, **options):
        os.kill(os.getpid(), signal.SIGTERM)
        super().__init__(*arguments, **options)
subprocess.Popen = Interrupted
sys.exit(run_program(["sleep", "60"], os.environ))
"""


def test_a_signal_before_the_program_runs_reaches_it() -> None:
    """It is kept until there is a process to send it to: the command would go on for ever."""
    done = subprocess.run([sys.executable, "-c", EARLY], env=CLEAN, check=False, timeout=PATIENCE)
    assert done.returncode == 128 + signal.SIGTERM


def test_a_terminal_interrupts_once() -> None:
    """Ctrl+C reaches the command from the terminal, and is not sent once more."""
    command = [COMMAND, "run", "--", sys.executable, "-c", COUNTS]
    process = subprocess.Popen(
        [sys.executable, "-c", "import pty, sys; pty.spawn(sys.argv[1:])", *command],
        env=CLEAN,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.stdin.write("\x03")
    process.stdin.flush()
    output, _ = process.communicate(timeout=PATIENCE)
    assert "interrupted 1 times" in output


def test_what_cannot_be_run(tmp_path: Path) -> None:
    """127 for a command that does not exist, 126 for what cannot be executed, with a sentence."""
    done = run_program("--", "no-such-command")
    assert (done.returncode, done.stderr) == (127, "kms-mock: there is no command no-such-command\n")
    file = tmp_path / "file"
    file.write_text("text")
    done = run_program("--", str(file))
    assert (done.returncode, done.stderr) == (126, f"kms-mock: {file} cannot be executed\n")
    file.chmod(0o755)
    file.write_bytes(b"\x7fELF")
    done = run_program("--", str(file))
    assert done.returncode == 126
    assert done.stderr.startswith(f"kms-mock: {file} cannot be executed: ")


def test_options_that_are_wrong(tmp_path: Path) -> None:
    """They are errors of the command line, and nothing is run."""
    assert "Missing argument" in run_command("run", code=2)[1]
    assert "is not a region" in run_command("run", "--region", "A B", "true", code=2)[1]
    assert "no-such.yaml" in run_command("run", "--fixture", str(tmp_path / "no-such.yaml"), "true", code=1)[1]


def test_a_port_that_is_taken() -> None:
    """It is said, and nothing is run."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        error = run_command("run", "--port", str(port), "true", code=1)[1]
    assert f"cannot listen on port {port}: " in error


def test_nothing_is_left(tmp_path: Path) -> None:
    """The temporary files are there while the program runs, and gone at its end, whatever that is."""
    code = "import os; print(os.path.exists(os.environ['SSL_CERT_FILE']), flush=True); os.kill(os.getpid(), 15)"
    done = run_python(code, environment={"TMPDIR": str(tmp_path)})
    assert (done.returncode, done.stdout) == (128 + signal.SIGTERM, "True\n")
    assert list(tmp_path.iterdir()) == []


def test_the_report(fixture: str) -> None:
    """Operations with their results, on stderr."""
    done = run_program("--report", "--fixture", fixture, "--", sys.executable, str(FOLDER / "v2.py"))
    assert done.stderr.splitlines() == [
        "kms-mock: 3 operations, 3 calls",
        "  Decrypt: ok 1x",
        "  Encrypt: ok 1x",
        "  GetSecretValue: ok 1x",
    ]


SUITE = f"""
import sys
sys.path.insert(0, {str(FOLDER)!r})
import asyncio, v1, v2, v2_async
import pytest
from kms_mock import mock_kms
found = v2.main()  # while pytest collects

@pytest.mark.parametrize("program", [v1, v2])
def test_program(program):
    assert program.main() == found == "hunter2 4111 1111"

def test_asynchronous():
    assert asyncio.run(v2_async.main()) == found

def test_a_mock_of_its_own():
    with mock_kms({FIXTURE | {"secrets": [{"name": "db/password", "value": "inner"}]}!r}):
        assert v2.main() == "inner 4111 1111"
    assert v2.main() == found
"""


def test_a_suite_of_tests(tmp_path: Path, fixture: str) -> None:
    """`kms-mock run -- pytest`: also while it collects, in the workers of xdist, and with mocks of its own inside."""
    (tmp_path / "test_suite.py").write_text(SUITE)
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider"]
    done = run_program("--fixture", fixture, "--", *command, folder=tmp_path)
    assert "4 passed" in done.stdout, done.stdout


def test_a_hidden_sitecustomize_runs(tmp_path: Path) -> None:
    """The user's own is found in PYTHONPATH, and the program's path is the user's."""
    (tmp_path / "sitecustomize.py").write_text("import builtins; builtins.customized = __name__")
    code = "import sys, sitecustomize; print(customized, sitecustomize.__file__); print(*sys.path, sep='\\n')"
    done = run_python(code, environment={"PYTHONPATH": str(tmp_path)})
    first, *path = done.stdout.splitlines()
    assert first == f"sitecustomize {tmp_path / 'sitecustomize.py'}", done.stderr
    assert str(tmp_path) in path
    assert not any("kms-mock-run-" in entry for entry in path)


@pytest.mark.parametrize("change", ["-u KMS_MOCK_URL", "KMS_MOCK_URL=http://[::1]:4588", "-u KMS_MOCK_CA_FILE"])
def test_a_program_that_python_cannot_lead_to_the_mock(change: str) -> None:
    """Without the mock's address, or with one that interception cannot reach, its sockets are the usual ones; it runs."""
    code = (
        "import socket; print(socket.socket.connect.__module__ if hasattr(socket.socket.connect, '__module__') else '')"
    )
    done = run_program("--", "env", *change.split(), sys.executable, "-c", code)
    assert (done.returncode, done.stdout, done.stderr) == (0, "\n", "")


def test_a_program_without_sockets_does_not_wait() -> None:
    """Interception is imported with `socket`, not before."""
    loaded = "print('kms_mock.reach.intercept' in sys.modules)"
    code = f"import sys; {loaded}; import socket; {loaded}"
    # Measured by coverage, it would have sockets from the beginning.
    command = ["env", "-u", "COVERAGE_PROCESS_CONFIG", "-u", "COVERAGE_PROCESS_START", sys.executable, "-c", code]
    assert run_program("--", *command).stdout == "False\nTrue\n"


@pytest.mark.parametrize("module", ["ssl", "http.client", "asyncio", "urllib.request", "socketserver", "_ssl, ssl"])
def test_a_program_that_comes_to_sockets_by_another_module(module: str) -> None:
    """Interception begins when they are there, whatever imported them: `ssl` does so halfway through itself."""
    code = f"import sys, {module}; print('kms_mock.reach.intercept' in sys.modules)"
    done = run_python(code)
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_a_program_that_has_sockets_from_the_beginning() -> None:
    """A .pth file may import `socket` before sitecustomize runs, as coverage's does: interception begins at once."""
    code = "import socket, site, sys; site.main(); print('kms_mock.reach.intercept' in sys.modules)"
    assert run_program("--", sys.executable, "-S", "-c", code).stdout == "True\n"


def test_a_python_without_kms_mock(tmp_path: Path) -> None:
    """Nothing fails where kms-mock is not installed: the proxies and the trust bundle lead to the mock."""
    (tmp_path / "kms_mock.py").write_text("raise ImportError")
    code = (
        f"import sys, urllib.request as u; print(u.urlopen('https://{HOST}/{QUERY}').status, 'kms_mock' in sys.modules)"
    )
    script = f'PYTHONPATH="$PYTHONPATH{os.pathsep}{tmp_path}" exec "$0" -c "$1"'
    done = run_program("--", "sh", "-c", script, sys.executable, code)
    assert (done.stdout, done.stderr) == ("200 False\n", "")


REFUSED = """
import asyncio, urllib.error, urllib.request
import aiohttp
try:
    urllib.request.urlopen("https://ecs.cn-hangzhou.aliyuncs.com/")
except urllib.error.HTTPError as error:
    print(error.read().decode())

async def main():
    async with aiohttp.ClientSession() as session:
        try:
            await session.get("https://ecs.cn-hangzhou.aliyuncs.com/")
        except aiohttp.ClientError as error:
            print(error)

asyncio.run(main())
"""


def test_other_products_in_python() -> None:
    """Clients that use the proxy are answered with the refusal; the other ones get it as an error."""
    through_proxy, direct = run_python(REFUSED).stdout.splitlines()
    assert json.loads(through_proxy)["Message"] == WORDS
    assert "your code asked for ecs.cn-hangzhou.aliyuncs.com, which is not mocked; nothing was sent" in direct


def test_node_knows_the_domains() -> None:
    """The settings of its script are the server's own."""
    with tempfile.TemporaryDirectory() as folder:
        done = run_python(
            "import os, shlex; path = shlex.split(os.environ['NODE_OPTIONS'])[-1];"
            "print(open(path.replace('.js', '.json')).read())",
            environment={"TMPDIR": folder},
        )
    settings = json.loads(done.stdout)
    assert settings["alibabaCloud"] == list(ALIBABA_CLOUD)
    assert set(settings["mirrors"]) == MIRRORS
