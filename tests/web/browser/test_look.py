"""How it looks, to whom: themes, languages, narrow screens, people who cannot see it; and that nothing breaks out."""

from __future__ import annotations

import http.server
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from alibabacloud_kms20160120 import models

from kms_mock import KmsMock
from kms_mock.config import Config
from tests.support.browser import BROWSER_FIXTURE, Open
from tests.support.web import request_path

AXE = os.environ.get("KMS_MOCK_AXE", "")
KEY = "11111111-2222-4333-8444-555555555555"
VIEWS = (
    "#/explorer",
    "#/explorer/PutSecretValue",
    "#/explorer/TagResources",
    "#/state/secrets",
    "#/state/secrets/app%2Fdatabase-url",
    f"#/state/keys/{KEY}",
    "#/calls",
    "#/calls/1",
    "#/time",
    "#/errors",
    "#/errors/Kms/Forbidden.KeyNotFound",
)
WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 400, "height": 800}


def fill(kms: KmsMock) -> None:
    """Make calls and faults, so that every view has something to show."""
    client = kms.client()
    client.get_secret_value(models.GetSecretValueRequest(secret_name="app/database-url"))
    request_path(kms, "/?Action=GetSecretValue&Version=2016-01-20&SecretName=none")
    client.schedule_key_deletion(models.ScheduleKeyDeletionRequest(key_id=KEY, pending_window_in_days=7))
    kms.fail("ListKeys", code="Throttling", times=2)


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_it(visit: Open, kms: KmsMock, scheme: str, viewport: dict[str, int], locale: str) -> None:
    """Axe finds nothing in any view, and no view is wider than the screen."""
    fill(kms)
    opened = visit(color_scheme=scheme, viewport=viewport, locale=locale)
    for place in VIEWS:
        opened.go(place)
        opened.page.wait_for_timeout(200)
        assert opened.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), place
        if AXE:
            if opened.page.evaluate("typeof axe") == "undefined":
                opened.page.evaluate(Path(AXE).read_text("utf-8"))
            found = opened.page.evaluate("axe.run().then((result) => result.violations)")
            told = [
                (entry["id"], entry["help"], [node["html"][:200] for node in entry["nodes"][:3]]) for entry in found
            ]
            assert told == [], place


def test_axe_is_there() -> None:
    """Where it could not be had, this test says so."""
    if not AXE:
        pytest.skip("no axe-core: npm could not install it")
    assert Path(AXE).exists()


def test_dark_and_light(visit: Open) -> None:
    """By the system's choice."""
    colours = {
        scheme: visit(color_scheme=scheme).page.evaluate("getComputedStyle(document.body).backgroundColor")
        for scheme in ("light", "dark")
    }
    assert colours == {"light": "rgb(246, 247, 249)", "dark": "rgb(18, 22, 28)"}


def test_chinese_and_english(visit: Open) -> None:
    """Chosen by the browser, switched by hand, and kept."""
    page = visit("#/time", locale="zh-CN").page
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    page.get_by_role("heading", name="时钟").wait_for()
    page.get_by_label("语言").select_option("en")
    page.get_by_role("heading", name="Clock").wait_for()
    page.reload()
    page.get_by_role("heading", name="Clock").wait_for()


def test_a_narrow_screen_shows_one_thing_at_a_time(visit: Open) -> None:
    """The list, then what was chosen, and back."""
    page = visit("#/explorer", viewport=NARROW).page
    page.get_by_role("link", name="PutSecretValue").click()
    page.get_by_role("button", name="Send", exact=True).wait_for()
    assert not page.locator(".list").is_visible()
    page.get_by_role("link", name="← Operations").click()
    page.locator(".list").wait_for()


# -- nothing breaks out -----------------------------------------------------------------------------------------------

MARKUP = "<img src=x onerror=window.struck=1><script>window.struck=1</script>"
HOSTILE = {
    "accounts": [
        {
            "id": "1234567890123456",
            "access_keys": [{"id": "LTAI<img/src=x/onerror=struck=1>", "secret": MARKUP, "user": "u"}],
            "users": [{"name": "u"}],
        }
    ],
    "secrets": [
        {
            "name": "db",
            "description": MARKUP,
            "versions": [
                {
                    "id": "<img src=x onerror=struck=1>",
                    "data": MARKUP,
                    "stages": ["ACSCurrent", "<svg onload=struck=1>"],
                }
            ],
        }
    ],
    "keys": [{"id": "k<img src=x onerror=struck=1>", "description": MARKUP}],
}


def test_no_value_ever_becomes_markup(visit: Open) -> None:
    """In names of versions, stages, keys, callers and actions, descriptions, tags, values and texts of errors."""
    with KmsMock([HOSTILE], config=Config(reveal_secrets=True)) as kms:
        kms.fail("ListKeys", code="Own", status=418, message=MARKUP)
        opened = visit(at=kms)
        page = opened.page
        page.evaluate("window.struck = 0")
        for query in (
            "Action=GetSecretValue&Version=2016-01-20&SecretName=db",
            "Action=ListKeys&Version=2016-01-20&AccessKeyId=%3Cimg%20src=x%20onerror=struck=1%3E",
            "Action=%3Cimg%20src=x%20onerror=struck=1%3E&Version=2016-01-20",
            "Action=GetSecretValue&Version=2016-01-20&SecretName=%3Cimg%20src=x%20onerror=struck=1%3E",
        ):
            request_path(kms, f"/?{query}")
        places = [
            *VIEWS[:4],
            "#/state/secrets/db",
            "#/state/keys/k%3Cimg%20src%3Dx%20onerror%3Dstruck%3D1%3E",
            *(f"#/calls/{number}" for number in range(1, 5)),
            *VIEWS[8:],
            "#/explorer/%3Cimg%20src%3Dx%20onerror%3Dstruck%3D1%3E",
        ]
        for place in places:
            opened.go(place)
            page.wait_for_timeout(150)
            for reveal in page.get_by_role("button", name="Show secrets").all():
                reveal.click()
            assert page.evaluate("[window.struck, document.images.length, document.scripts.length]") == [0, 0, 1], place
        opened.go("#/explorer/ListKeys")
        page.get_by_role("button", name="Send", exact=True).click()
        page.locator(".answer").get_by_text("onerror").first.wait_for()
        assert page.evaluate("[window.struck, document.images.length]") == [0, 0]


def test_the_browser_runs_no_script_but_the_page_s_own(visit: Open) -> None:
    """Inline scripts, handlers, text as code and markup from text are refused by the policy, whoever brings them in."""
    opened = visit()
    page = opened.page
    refused = page.evaluate(
        """() => new Promise((resolve) => {
            const found = [];
            document.addEventListener("securitypolicyviolation", (event) => found.push(event.effectiveDirective));
            const script = document.createElement("script");
            try { script.text = "window.struck = 1"; document.head.append(script); } catch { found.push("trusted-types"); }
            try { document.body.insertAdjacentHTML("beforeend", "<b onclick='1'>x</b>"); } catch { found.push("trusted-types"); }
            const image = document.createElement("img");
            image.src = "https://example.invalid/x.png";
            fetch("https://example.invalid/").catch(() => 0);
            setTimeout(() => resolve([window.struck ?? 0, [...new Set(found)].sort()]), 500);
        })"""
    )
    assert refused[0] == 0
    assert {"trusted-types", "img-src", "connect-src"} <= set(refused[1])
    opened.problems.clear()  # the browser tells each in the console


@contextmanager
def foreign_page(html: str) -> Iterator[str]:
    """Serve a page of another origin."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(html.encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()


def test_a_foreign_page_can_neither_frame_nor_read_it(browser: Any, kms: KmsMock) -> None:
    """Not in a frame, not by fetch, not as a script; the server refuses what comes from it."""
    target = f"{kms.url}/_kms_mock/"
    html = f"""<iframe id=f src="{target}"></iframe><script type=module>
        const reached = [];
        await fetch("{target}state").then((answer) => answer.text()).then(() => reached.push("fetch"), () => 0);
        await import("{target}page/texts.js").then(() => reached.push("import"), () => 0);
        await new Promise((done) => setTimeout(done, 500));
        let inside = null;
        try {{ inside = document.getElementById("f").contentDocument; }} catch {{ inside = null; }}
        window.result = [reached, inside === null];
    </script>"""
    with foreign_page(html) as url:
        context = browser.new_context()
        page = context.new_page()
        page.goto(url)
        page.wait_for_function("window.result !== undefined")
        assert page.evaluate("window.result") == [[], True]
        assert [frame.locator("#top").count() for frame in page.frames[1:]] == [0]
        context.close()


def test_the_fixture_of_these_tests_loads() -> None:
    """The views are shown with it."""
    with KmsMock([BROWSER_FIXTURE]):
        pass
