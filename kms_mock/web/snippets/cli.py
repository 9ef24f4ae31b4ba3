"""The vendor's command line, `aliyun`."""

from __future__ import annotations

from shlex import quote

from kms_mock.web.snippets.call import WrittenCall

TITLE = "aliyun CLI"


def write(call: WrittenCall) -> str:
    """Return a command."""
    options = [
        *((name, value) for name, value in call.wire),
        ("mode", "AK"),
        ("access-key-id", call.access_key_id),
        ("access-key-secret", call.access_key_secret),
        ("region", call.region or call.home_region),
        ("endpoint", call.endpoint),
    ]
    lines = [
        f"aliyun {call.api.product.lower()} {call.name}",
        *(f"{quote(f'--{name}')} {quote(value)}" for name, value in options),
    ]
    return " \\\n  ".join([*lines, "--insecure"]) + "\n"
