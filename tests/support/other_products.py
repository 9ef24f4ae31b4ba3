"""The facts of STS, Location and BssOpenApi that the tests need: a compact copy in `tests/data/other_products.json`.

`python -m tests.support.other_products` makes its operations anew, where alibabacloud-sts20150401,
alibabacloud-location20150612 and alibabacloud-bssopenapi20171214 are installed: parameters ({name: required}, null where
the comment does not say so) and answers, as their models have them. Its errors are the tables of the pages AssumeRole and AssumeRoleWithSAML in the
vendor's public repository of the documentation of RAM (2020), written down by hand.
"""

from __future__ import annotations

import importlib
import json
from typing import Any

from tests.support import reference
from tests.support.registry import REGISTRY
from tests.support.sdk_models import sdk_fields, sdk_required, sdk_shape

NAME = "other_products.json"
PACKAGES = {
    "Sts": "alibabacloud_sts20150401",
    "Location": "alibabacloud_location20150612",
    "BssOpenApi": "alibabacloud_bssopenapi20171214",
}


def other_facts() -> dict[str, Any]:
    """Return `operations` ({name: parameters and response}) and `errors` ({name: [[status, code, text]]})."""
    facts: dict[str, Any] = reference.read(NAME)
    return facts


def operations_anew() -> dict[str, Any]:
    """Return the operations from the installed models."""
    found = {}
    for name, operation in REGISTRY.items():
        if operation.api.product in PACKAGES:
            models = importlib.import_module(f"{PACKAGES[operation.api.product]}.models")
            request = getattr(models, f"{name}Request", None)
            required = set() if request is None else sdk_required(request)
            found[name] = {
                "parameters": {}
                if request is None
                else {field: field in required or None for field in sdk_fields(request)},
                "response": sdk_shape(getattr(models, f"{name}ResponseBody")),
            }
    return found


def write_other_facts() -> None:
    """Write the operations anew and leave the errors as they are, one operation per line."""
    facts = {"operations": operations_anew(), "errors": other_facts()["errors"]}
    parts = [
        f"{json.dumps(part)}: {{\n"
        + ",\n".join(f"{json.dumps(name)}: {json.dumps(entry)}" for name, entry in entries.items())
        + "\n}"
        for part, entries in facts.items()
    ]
    (reference.DATA / NAME).write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    write_other_facts()
