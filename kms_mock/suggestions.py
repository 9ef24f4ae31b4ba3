"""The nearest known name to one that is not known, for error messages.

The measure is the number of edits (insert, delete, replace, swap two neighbours), as compilers use it. `difflib` was
weighed: its ratio rates `CreateSecret` and `DeleteSecret` as near, `db` and `bd` as far, and takes 10 times as long.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

# A message may be made while a request waits: these bound it to a few milliseconds.
MAX_WORD = 64
MAX_CANDIDATES = 2000
_MAX_EDITS = 3
_LETTERS_PER_EDIT = 4  # more edits than one in four letters make another word
_SEPARATORS = str.maketrans("", "", "_- ")


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate with the fewest edits from a word, or None if none is near.

    Case, blanks, hyphens and underscores do not count, so that `secret_name` is near to `SecretName`. A candidate is
    also compared by what follows its last dot or slash: `Throtling` finds `Rejected.Throttling`.
    """
    folded = _folded(word)
    if not 0 < len(folded) <= MAX_WORD:
        return None
    allowed = min(_MAX_EDITS, max(1, len(folded) // _LETTERS_PER_EDIT))
    if len(folded) == 1:
        allowed = 0
    best: tuple[tuple[int, int], str] | None = None
    for candidate in islice(candidates, MAX_CANDIDATES):
        for rank, text in enumerate(_readings(candidate)):
            edits = distance(folded, text, allowed)
            if edits is not None and (best is None or (edits, rank) < best[0]):
                best = (edits, rank), candidate
                allowed = edits
    return best[1] if best else None


def did_you_mean(word: str, candidates: Iterable[str]) -> str:
    """Return `; did you mean 'name'?` for the end of a message, or nothing if no candidate is near."""
    found = nearest(word, candidates)
    return "" if found is None else f"; did you mean {found!r}?"


def distance(text: str, other: str, limit: int) -> int | None:
    """Return the number of edits between two texts, or None if there are more than `limit` (optimal alignment)."""
    if abs(len(text) - len(other)) > limit:
        return None
    text, other = _where_they_differ(text, other)
    if not text or not other:
        edits = len(text) + len(other)
        return edits if edits <= limit else None
    if limit == 0:
        return None
    before: list[int] = []
    row = list(range(len(other) + 1))
    for number, letter in enumerate(text, 1):
        # Cells further than `limit` from the diagonal cannot be on a way with so few edits.
        first, end = max(1, number - limit), min(len(other), number + limit)
        before, last, row = row, before, [number if first == 1 else limit + 1] * (len(other) + 1)
        row[end:] = [limit + 1] * (len(row) - end)
        for column in range(first, end + 1):
            their = other[column - 1]
            edits = min(before[column] + 1, row[column - 1] + 1, before[column - 1] + (letter != their))
            if number > 1 and column > 1 and letter == other[column - 2] and text[number - 2] == their:
                edits = min(edits, last[column - 2] + 1)
            row[column] = edits
        if min(row) > limit:
            return None
    return row[-1] if row[-1] <= limit else None


def _where_they_differ(text: str, other: str) -> tuple[str, str]:
    """Return two texts without the beginning and the end that they have in common."""
    start = _common_length(text, other)
    text, other = text[start:], other[start:]
    end = _common_length(text[::-1], other[::-1])
    return text[: len(text) - end], other[: len(other) - end]


def _common_length(text: str, other: str) -> int:
    length = min(len(text), len(other))
    if text[:length] == other[:length]:
        return length
    return next(position for position in range(length) if text[position] != other[position])


def _folded(text: str) -> str:
    return text.casefold().translate(_SEPARATORS)


def _readings(candidate: str) -> list[str]:
    """Return a candidate as it is compared: whole, and its last part."""
    last = max(candidate.rfind("."), candidate.rfind("/")) + 1
    return [_folded(candidate)] if last == 0 else [_folded(candidate), _folded(candidate[last:])]
