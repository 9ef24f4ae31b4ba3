"""Files that come with the package: the pages of the documentation, example fixture files, the schema.

A wheel holds them in the package; in a checkout they are in the folders that they are written in.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def folder(name: str) -> Path:
    """Return one of the folders `docs` and `fixtures`."""
    shipped = _PACKAGE / "data" / name
    return shipped if shipped.is_dir() else _PACKAGE.parent / name
