"""curl: the request without a signature, parameters in a form."""

from __future__ import annotations

from shlex import quote

from kms_mock.web.snippets.call import WrittenCall

TITLE = "curl"


def write(call: WrittenCall) -> str:
    """Return a command."""
    form = [("AccessKeyId", call.access_key_id), *call.system, *call.wire]
    lines = [
        f"curl -sS {quote(f'http://{call.endpoint}/?Action={call.name}&Version={call.api.version}')}",
        *(f"--data-urlencode {quote(f'{name}={value}')}" for name, value in form),
    ]
    return " \\\n  ".join(lines) + "\n"
