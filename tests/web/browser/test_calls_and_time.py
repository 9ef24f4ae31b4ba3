"""Calls as they come, faults, the clock, errors."""

from __future__ import annotations

import pytest
from alibabacloud_kms20160120 import models

from kms_mock import KmsMock
from tests.support.browser import BROWSER_FIXTURE, Open


def read_value(kms: KmsMock, name: str = "app/database-url") -> str:
    request = models.GetSecretValueRequest(secret_name=name)
    data: str = kms.client().get_secret_value(request).body.secret_data
    return data


def test_a_fault_is_made_and_strikes(visit: Open, kms: KmsMock) -> None:
    """By the form; the list counts, the call is marked, and the fault is removed again."""
    page = visit("#/time").page
    faults = page.locator(".faults")
    faults.get_by_label("Operation").fill("GetSecretValue")
    faults.get_by_label("Error code").fill("Rejected.Throttling")
    faults.get_by_label("Times").fill("2")
    faults.get_by_role("button", name="Make a fault").click()
    faults.get_by_text("0 of 2").wait_for()
    with pytest.raises(Exception, match="Throttling"):
        read_value(kms)
    faults.get_by_text("1 of 2").wait_for()
    faults.get_by_role("button", name="Remove fault 1").click()
    faults.get_by_text("No faults.").wait_for()
    assert read_value(kms) == "postgres://hunter2"
    faults.get_by_label("Error code").fill("Rejected.Throtling")
    faults.get_by_role("button", name="Make a fault").click()
    page.locator(".notice.bad").get_by_text("did you mean").wait_for()


def test_the_clock_goes_to_what_is_due(visit: Open, kms: KmsMock) -> None:
    """A rotation and a deletion: seen ahead, and seen to have happened."""
    kms.client().delete_secret(models.DeleteSecretRequest(secret_name="app/database-url", recovery_window_in_days="30"))
    page = visit("#/time").page
    page.get_by_role("button", name="Freeze").click()
    page.get_by_text("frozen").wait_for()
    due = page.locator(".due tr")
    due.filter(has_text="app/database-url").wait_for()
    due.filter(has_text="app/database-url").get_by_role("button").click()
    happened = page.locator(".happened")
    happened.get_by_text("secret purged").wait_for()
    assert "secret rotated" in happened.inner_text()
    due.filter(has_text="app/database-url").wait_for(state="detached")
    page.get_by_role("button", name="+30d").click()
    page.get_by_role("button", name="Reset to the fixture files").click()
    page.get_by_text("The server is as it started.").wait_for()
    assert read_value(kms) == "postgres://hunter2"


def test_calls_are_filtered_and_opened(visit: Open, kms: KmsMock) -> None:
    """By text and code; one as a whole, with why it was refused; a fault and a test are made from it."""
    opened = visit("#/calls")
    page = opened.page
    for name in ("app/database-url", "rds/orders"):
        read_value(kms, name)
    with pytest.raises(Exception, match="ResourceNotFound"):
        read_value(kms, "app/databse-url")
    page.locator("tbody tr").nth(2).wait_for()
    page.get_by_label("Code or ok").first.fill("NotFound")
    assert page.locator("tbody tr").count() == 1
    page.locator("tbody tr a").click()
    page.locator(".detail .reason").get_by_text("did you mean app/database-url?").wait_for()
    page.get_by_role("button", name="Make a test").click()
    code = page.locator("pre.code")
    code.get_by_text('caught.value.code == "Forbidden.ResourceNotFound"').wait_for()
    page.get_by_role("link", name="Make a fault").click()
    faults = page.locator(".faults")
    assert faults.get_by_label("Operation").input_value() == "GetSecretValue"
    assert faults.get_by_label("Resource").input_value() == "app/databse-url"


def test_near_misses(visit: Open, kms: KmsMock) -> None:
    """An assertion that does not hold shows what differs."""
    read_value(kms)
    page = visit("#/calls").page
    page.get_by_text("Check an assertion").click()
    near = page.locator(".near")
    near.get_by_label("Operation").fill("GetSecretValue")
    near.get_by_label("Parameters (JSON)").fill('{"SecretName": "other"}')
    near.get_by_role("button", name="Check").click()
    near.get_by_text('SecretName: wanted "other", found app/database-url').wait_for()


def test_a_thousand_rows_and_no_more(visit: Open, kms: KmsMock) -> None:
    """The newest on top; the oldest go; forgotten calls go at once."""
    page = visit("#/calls").page
    page.locator(".live:not(.off)").wait_for()
    client = kms.client()
    for _ in range(1200):
        client.get_secret_value(models.GetSecretValueRequest(secret_name="rds/orders"))
    page.locator('tbody tr[data-number="1200"]').wait_for()
    assert page.locator("tbody tr").first.get_attribute("data-number") == "1200"
    assert 500 < page.locator("tbody tr").count() <= 1000
    page.get_by_role("button", name="Forget all").click()
    page.locator("tbody tr").first.wait_for(state="detached")


def test_the_page_comes_back_to_a_new_server(visit: Open) -> None:
    """It reconnects by itself, and shows the calls of the new one only."""
    first = KmsMock([BROWSER_FIXTURE]).start()
    port = first.port
    page = visit("#/calls", at=first).page
    for _ in range(3):
        read_value(first)
    page.locator('tbody tr[data-number="3"]').wait_for()
    first.stop()
    page.locator(".live.off").wait_for()
    with KmsMock([BROWSER_FIXTURE], port=port) as second:
        read_value(second, "rds/orders")
        page.locator(".live:not(.off)").wait_for()
        page.locator("tbody tr").nth(2).wait_for(state="detached")
        assert "rds/orders" in page.locator("tbody tr").first.inner_text()


def test_an_error_is_found_and_had(visit: Open) -> None:
    """With the operations that have it; its request gets it."""
    page = visit("#/errors").page
    page.keyboard.press("/")
    page.keyboard.type("Forbidden.KeyNotFound")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Forbidden.KeyNotFound").wait_for()
    page.get_by_role("link", name="DescribeKey", exact=True).first.wait_for()
