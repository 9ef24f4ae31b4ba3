"""What can be wrong with the file that keeps a store."""

from __future__ import annotations


class StateError(Exception):
    """A state file that cannot be used, or a change that could not be saved and was taken back; in words for its owner."""
