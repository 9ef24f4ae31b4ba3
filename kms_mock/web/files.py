"""The files of the page, read once and served from memory."""

from __future__ import annotations

from functools import cache
from importlib import resources

from msgspec import Struct

MAX_BYTES = 150_000  # of all files together: the page opens at once, also through a slow tunnel
_TYPES = {
    "css": "text/css",
    "html": "text/html",
    "js": "text/javascript",
    "svg": "image/svg+xml",
}


class PageFile(Struct, frozen=True):
    """One file: its media type and its bytes."""

    content_type: str
    body: bytes


@cache
def page_files() -> dict[str, PageFile]:
    """Return all files by name."""
    folder = resources.files("kms_mock.web") / "static"
    return {
        entry.name: PageFile(_TYPES[entry.name.rpartition(".")[2]], entry.read_bytes()) for entry in folder.iterdir()
    }
