"""The page as a server sees it: who is sent there, how strictly it is served, and that its files are in order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import resources

import pytest

from kms_mock import KmsMock
from kms_mock.config import Config
from kms_mock.control.catalogue import catalogue
from kms_mock.products import APIS
from kms_mock.web.files import MAX_BYTES, page_files
from tests.support.registry import MISSING_EXAMPLES
from tests.support.web import HTML, request_path

FILES = page_files()
SCRIPTS = sorted(name for name in FILES if name.endswith(".js"))


def text_of(name: str) -> str:
    return FILES[name].body.decode()


# -- who is sent there ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/_kms_mock"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_browser_is_sent_to_the_page(kms: KmsMock, path: str, method: str) -> None:
    """Whoever opens the address and asks for HTML; the page itself is there then, and no call was made."""
    answer = request_path(kms, path, method, Accept=HTML)
    assert (answer.status, answer.headers["location"]) == (302, "/_kms_mock/")
    page = request_path(kms, answer.headers["location"], Accept=HTML)
    assert (page.status, page.headers["content-type"]) == (200, "text/html")
    assert list(kms.calls) == []


@pytest.mark.parametrize(
    ("path", "method", "headers"),
    [
        ("/", "GET", {}),
        ("/", "GET", {"Accept": "*/*"}),
        ("/", "GET", {"Accept": "application/json"}),
        ("/", "GET", {"Accept": HTML, "x_acs_action": "ListKeys"}),
        ("/", "GET", {"Accept": HTML, "x_acs_version": "2016-01-20"}),
        ("/", "GET", {"Accept": HTML, "Authorization": "ACS3-HMAC-SHA256 Credential=a"}),
        ("/", "POST", {"Accept": HTML}),
        ("/?Action=ListKeys", "GET", {"Accept": HTML}),
        ("/?", "GET", {"Accept": HTML}),
        ("/index.html", "GET", {"Accept": HTML}),
    ],
)
def test_an_api_client_never_is(kms: KmsMock, path: str, method: str, headers: dict[str, str]) -> None:
    """Parameters, headers of the API, another method or type: the API answers, with its own envelope."""
    answer = request_path(kms, path, method, **headers)
    assert "location" not in answer.headers
    assert "Code" in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example:80"},
        {"Origin": "http://evil.example"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
@pytest.mark.parametrize("path", ["/", "/_kms_mock/", "/_kms_mock/page/main.js", "/_kms_mock/catalogue"])
def test_the_guards_of_the_control_api_hold(kms: KmsMock, path: str, headers: dict[str, str]) -> None:
    """Another page can neither open, script nor read it, and no foreign name leads to it."""
    answer = request_path(kms, path, Accept=HTML, **headers)
    assert answer.status == 403
    assert answer.headers["content-type"].startswith("application/json")


# -- how it is served -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["", *(f"page/{name}" for name in FILES)])
def test_every_file_is_served_strictly(kms: KmsMock, path: str) -> None:
    """For this server only: no inline script or style, no frame, no type guessed, no reference to elsewhere."""
    answer = request_path(kms, f"/_kms_mock/{path}")
    assert (answer.status, answer.body) == (200, FILES[path.removeprefix("page/") or "index.html"].body)
    policy = dict(rule.split(" ", 1) for rule in answer.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


def test_a_file_that_is_not_there(kms: KmsMock) -> None:
    """A sentence, also for a path that leads out of the folder."""
    for name in ("nothing.js", "../files.py", "..%2ffiles.py"):
        answer = request_path(kms, f"/_kms_mock/page/{name}")
        assert (answer.status, "the page has no file" in answer.text) == (404, True)


def test_all_files_together_are_small() -> None:
    """Less than 150 KB: the page opens at once, also through a slow tunnel."""
    assert sum(len(file.body) for file in FILES.values()) < MAX_BYTES


# -- what is in it ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FILES)
def test_nothing_comes_from_elsewhere(name: str) -> None:
    """No address of another host but names of namespaces and placeholders, no markup made from data, no inline code."""
    text = text_of(name)
    hosts = set(re.findall(r"(?:https?:)?//([a-z0-9.-]+\.[a-z]{2,})", text))
    assert hosts <= {"www.w3.org"}
    for sink in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "srcdoc"):
        assert sink not in text
    if name == "index.html":
        assert re.findall(r"<script(?![^>]* src=)", text) == []
        assert re.search(r"<style|\son\w+=|style=", text) is None


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_module_imports_what_is_there(name: str) -> None:
    """Every import names a file of the page and something that it exports; every module is used."""
    for names, source in re.findall(
        r'import (?:\w+, )?(?:\{([^}]*)\}|[\w*]+(?: as \w+)?) from "\./([\w.]+)"', text_of(name)
    ):
        assert source in FILES
        for imported in filter(None, (part.strip() for part in names.split(","))):
            pattern = rf"export (?:async )?(?:function|const|let|class) {imported}\b"
            assert re.search(pattern, text_of(source)), f"{source} does not export {imported}"
    users = [other for other in SCRIPTS if f'"./{name}"' in text_of(other)]
    assert users or name == "main.js"


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_module_exports_what_others_use(name: str) -> None:
    """Nothing is exported for nobody, and nothing has two homes: `MASK` was defined in two modules."""
    others = "".join(text_of(other) for other in SCRIPTS if other != name)
    exported = re.findall(r"^export (?:async )?(?:function|const|let|class) (\w+)", text_of(name), re.MULTILINE)
    assert [found for found in exported if not re.search(rf"\b{found}\b", others)] == []
    assert [found for found in exported if re.search(rf"^(?:const|function) {found}\b", others, re.MULTILINE)] == []


def texts(language: str) -> dict[str, str]:
    return dict(re.findall(r'^ {2}(\w+): "(.*)",$', text_of(f"texts_{language}.js"), re.MULTILINE))


def keys_in_use() -> Iterator[str]:
    for name in SCRIPTS:
        text = text_of(name)
        yield from re.findall(r'\bt\("(\w+)"', text)
        for pair in re.findall(r'\bt\(\w+ \? "(\w+)" : "(\w+)"', text):
            yield from pair


def test_both_languages_have_every_text() -> None:
    """The same keys in English and Chinese with the same placeholders; every text that is used is there."""
    english, chinese = texts("en"), texts("zh")
    assert english.keys() == chinese.keys()
    assert len(english) > 150
    for key, text in english.items():
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", chinese[key])), key
    assert set(keys_in_use()) <= english.keys()
    prefixes = re.findall(r"\bt\(`(\w+_)\$\{", "".join(map(text_of, SCRIPTS)))
    views = set(re.findall(r"(\w+): show\w+", text_of("main.js")))
    used = set(keys_in_use()) | views | {key for key in english if key.startswith(tuple(prefixes))}
    assert english.keys() <= used


def test_every_group_of_operations_has_a_chinese_title() -> None:
    """The groups come from the registry; the list has these and no other ones."""
    listed = set(re.findall(r'^ {2}"([\w ]+)": "', text_of("texts_zh.js"), re.MULTILINE))
    assert listed == {entry["section"] for entry in catalogue(APIS)["operations"]}


def test_the_package_carries_the_files() -> None:
    """They are found as resources of the package, wherever it is installed; nothing else lies among them."""
    folder = resources.files("kms_mock.web") / "static"
    assert {entry.name for entry in folder.iterdir()} == set(FILES)


def test_the_page_of_a_server_for_others(kms: KmsMock) -> None:
    """A server that answers to another name shows the page there, too."""
    assert kms.config.control_hosts == ()
    with KmsMock(config=Config(control_hosts=("kms",))) as other:
        host = f"kms:{other.port}"
        assert request_path(other, "/_kms_mock/", Host=host, Sec_Fetch_Site="none").status == 200
    assert request_path(kms, "/_kms_mock/", Host="kms:80").status == 403


def test_no_operation_is_missing() -> None:
    """The list of what has no example is empty: the page's tests stand on the examples of all operations."""
    assert not MISSING_EXAMPLES
