"""Explorer, code, state and calls: the way of a person from a question to a test."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from kms_mock import KmsMock
from kms_mock.config import Config
from tests.support.browser import BROWSER_FIXTURE, Open


def test_from_a_search_to_a_test_that_passes(visit: Open, kms: KmsMock, tmp_path: Path) -> None:
    """Find PutSecretValue with the keyboard, send it, see ACSCurrent move and the call appear, copy the test and run it."""
    opened = visit("#/state/secrets/app/database-url".replace("app/", "app%2F"))
    page = opened.page
    stages = page.locator(".timeline .stage")
    stages.first.wait_for()
    assert stages.all_text_contents() == ["ACSCurrent"]
    watcher = visit("#/calls").page

    page.goto(f"{kms.url}/_kms_mock/#/explorer")
    page.keyboard.press("/")
    page.keyboard.type("putsec")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.get_by_label("SecretName").fill("app/database-url")
    page.get_by_label("VersionId").fill("v2")
    page.get_by_label("SecretData", exact=False).first.fill("postgres://new")
    page.get_by_role("button", name="Send", exact=True).click()
    answer = page.locator(".answer")
    answer.get_by_text("version v2 of secret app/database-url is ACSCurrent now").wait_for()
    assert answer.locator(".badge").inner_text() == "200"

    row = watcher.locator("tbody tr").first
    row.get_by_text("PutSecretValue").wait_for()
    assert "ACSCurrent" in row.inner_text()

    page.get_by_label("Code in").select_option("pytest")
    page.get_by_role("button", name="Copy", exact=True).click()
    page.get_by_text("Copied.").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert "def test_put_secret_value" in copied
    (tmp_path / "test_copied.py").write_text(copied, "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 passed" in done.stdout, done.stdout

    page.goto(f"{kms.url}/_kms_mock/#/state/secrets/app%2Fdatabase-url")
    page.locator(".timeline .stage.ACSPrevious").wait_for()
    caption = page.locator(".timeline figcaption").inner_text()
    assert "v2: ACSCurrent; v1: ACSPrevious" in caption


def test_xml_and_a_refusal(visit: Open) -> None:
    """The answer as XML, with status, code and the reason."""
    page = visit("#/explorer/GetSecretValue?SecretName=app/databse-url").page
    page.get_by_label("Answer as").select_option("xml")
    page.get_by_role("button", name="Send", exact=True).click()
    page.locator(".reason").get_by_text("did you mean app/database-url?").wait_for()
    assert page.locator(".answer .badge").inner_text() == "404"
    assert "<Code>" in page.locator(".answer pre").inner_text()


def test_a_form_helps(visit: Open) -> None:
    """Choices from the types, names from the state, a sample for JSON, and what is no JSON is told."""
    page = visit("#/explorer/PutSecretValue").page
    assert page.get_by_label("SecretDataType").locator("option").all_inner_texts() == [
        "default: text",
        "text",
        "binary",
    ]
    page.get_by_label("SecretName").focus()
    names = page.locator("datalist option").evaluate_all("options => options.map((option) => option.value)")
    assert {"app/database-url", "rds/orders"} <= set(names)
    stages = page.get_by_label("VersionStages", exact=True)
    page.get_by_role("button", name="Fill in a sample for VersionStages").click()
    assert stages.input_value().replace("\n", "").replace(" ", "") == '[""]'
    stages.fill("[")
    page.get_by_text("Not JSON").wait_for()


def test_secrets_are_masked_until_they_are_asked_for(visit: Open) -> None:
    """In the answer of a call, in the state, and in the journal; and masked again."""
    opened = visit("#/explorer/GetSecretValue?SecretName=app/database-url")
    page = opened.page
    page.get_by_role("button", name="Send", exact=True).click()
    page.locator(".answer .badge").wait_for()
    for place in ("", "#/state/secrets/app%2Fdatabase-url", "#/calls/1"):
        if place:
            opened.go(place)
        view = page.locator("#view")
        reveal = view.get_by_role("button", name="Show secrets")
        reveal.wait_for()
        assert "hunter2" not in view.inner_text()
        reveal.click()
        view.get_by_text("postgres://hunter2").first.wait_for()
        view.get_by_role("button", name="Mask secrets").click()
        reveal.wait_for()
        assert "hunter2" not in view.inner_text()


def test_a_server_that_reveals_nothing_says_how_to(visit: Open) -> None:
    """The button is there, off, with what to do."""
    with KmsMock([BROWSER_FIXTURE]) as closed:
        page = visit("#/state/secrets/app%2Fdatabase-url", at=closed).page
        button = page.get_by_role("button", name="Show secrets")
        assert button.is_disabled()
        assert "--reveal-secrets" in button.get_attribute("title")


def test_as_whom(visit: Open, kms: KmsMock) -> None:
    """An AccessKey of the fixture and another region: the call is theirs, and the code names them."""
    page = visit("#/explorer/ListSecrets").page
    page.locator(".who summary").click()
    page.get_by_label("AccessKey", exact=True).select_option("LTAI-app")
    page.locator(".who").get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Send", exact=True).click()
    page.locator(".answer .badge").wait_for()
    last = kms.calls.last
    assert last is not None
    assert last.access_key_id == "LTAI-app"
    assert "LTAI-app" in page.locator("pre.code").inner_text()


def test_signatures_are_made_where_they_are_verified(visit: Open) -> None:
    """With the secret of the fixture that the server reveals."""
    strict = {**BROWSER_FIXTURE, "authentication": {"signatures": "verify", "unknown_access_keys": "refuse"}}
    with KmsMock([strict], config=Config(reveal_secrets=True)) as verifying:
        page = visit("#/explorer/GetSecretValue?SecretName=rds/orders", at=verifying).page
        page.get_by_role("button", name="Send", exact=True).click()
        page.locator(".answer .badge.warn").wait_for()
        page.locator(".who summary").click()
        page.get_by_label("AccessKey", exact=True).select_option("LTAI-app")
        page.get_by_role("button", name="Send", exact=True).click()
        page.locator(".answer .badge.good").wait_for()


def test_the_state_is_edited_by_the_api(visit: Open, kms: KmsMock) -> None:
    """Disable a key with its button, then schedule its deletion; the list and the timeline follow."""
    page = visit("#/state/keys/11111111-2222-4333-8444-555555555555").page
    page.get_by_role("button", name="DisableKey").click()
    page.get_by_role("button", name="EnableKey").wait_for()
    assert "Disabled" in page.locator("tbody tr.selected").inner_text()
    page.get_by_role("button", name="ScheduleKeyDeletion").click()
    page.locator(".timeline text.end").wait_for()
    assert [call.action for call in kms.calls] == ["DisableKey", "ScheduleKeyDeletion"]
    page.get_by_role("button", name="Copy as a fixture document").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert '"state": "PendingDeletion"' in copied


def test_every_kind_of_resource_is_listed(visit: Open) -> None:
    """Also those that the page has no columns of its own for, such as identity providers."""
    fixture = {**BROWSER_FIXTURE, "groups": [{"name": "readers"}], "oidc_providers": [{"name": "k8s"}]}
    with KmsMock([fixture], config=Config(reveal_secrets=True)) as kms:
        opened = visit("#/state/oidc_providers", at=kms)
        assert opened.page.locator("a.row").all_inner_texts() == ["k8s"]
        assert "Groups" in opened.page.locator(".kinds").inner_text()
        opened.go("#/state/oidc_providers/k8s")
        opened.page.get_by_role("heading", name="k8s").wait_for()


def test_a_list_with_the_keyboard(visit: Open) -> None:
    """Filter, sort, arrows and Enter."""
    page = visit("#/state/secrets").page
    page.keyboard.press("/")
    page.keyboard.type("order")
    rows = page.locator("a.row")
    page.get_by_text("app/database-url").first.wait_for(state="detached")
    assert rows.all_inner_texts() == ["rds/orders"]
    page.keyboard.press("Control+A")
    page.keyboard.press("Delete")
    page.get_by_role("button", name="Name", exact=True).click()
    page.get_by_role("button", name="Name", exact=True).click()
    assert rows.all_inner_texts() == ["rds/orders", "app/database-url"]
    page.keyboard.press("/")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="app/database-url").wait_for()
