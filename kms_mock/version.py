"""The version of this package, for the build too."""

from __future__ import annotations

VERSION = "0.1.0"
