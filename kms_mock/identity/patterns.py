"""Wildcard patterns of policies: `*` is any text, also none; `?` is one character; nothing else is special.

Source: RAM documentation, "Conditional operators" (StringLike) and "Permission policy elements". A match never
backtracks: its cost is bounded by the length of the text plus the length of the pattern, whatever the pattern is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec import Struct

from kms_mock.regex import regex

MAX_PATTERN = 2048  # characters; the longest ARN is far shorter
_RUN = regex(r"[*?]+")

Match = Callable[[str], bool]


class Segment(Struct, frozen=True):
    """The text between two `*`.

    It holds no table of the positions of each character: 300 policies full of rare characters took 770 MB with them.
    """

    text: str
    wild: int  # the positions of `?`, as bits; 0 without one
    literal: str  # the longest piece between two `?`: most texts that do not match lack it

    def at(self, text: str, start: int) -> bool:
        """Return whether the segment is in the text at exactly this position."""
        if not self.wild:
            return text.startswith(self.text, start)
        if len(text) - start < len(self.text) or self.literal not in text:
            return False
        return all(letter in ("?", other) for letter, other in zip(self.text, text[start:], strict=False))

    def end_of_first(self, text: str, start: int) -> int:
        """Return where the first occurrence from `start` on ends, or -1."""
        if not self.wild or self.literal not in text:
            found = text.find(self.literal, start)
            return -1 if found < 0 else found + len(self.literal)
        # Shift-And: bit i of the state says that the last i + 1 characters match the first i + 1 of the segment.
        state, last = 0, 1 << (len(self.text) - 1)
        masks: dict[str, int] = {}
        for index in range(start, len(text)):
            character = text[index]
            mask = masks.get(character)
            if mask is None:
                mask = masks[character] = self._positions(character)
            state = ((state << 1) | 1) & mask
            if state & last:
                return index + 1
        return -1

    def _positions(self, character: str) -> int:
        """Return the positions that a character may take, as bits."""
        found, position = self.wild, self.text.find(character)
        while position >= 0:
            found |= 1 << position
            position = self.text.find(character, position + 1)
        return found


def compile_patterns(patterns: Iterable[str]) -> Match:
    """Return the function that tells whether a whole text matches any pattern. Raises ValueError where one is too long.

    Texts without wildcards and patterns with a `*` at their end only, which most are, cost one step for all of them.
    """
    plain: list[str] = []
    prefixes: list[str] = []
    globs: list[Match] = []
    for pattern in patterns:
        if len(pattern) > MAX_PATTERN:
            raise ValueError(f"a pattern has at most {MAX_PATTERN} characters, this one has {len(pattern)}")
        if "?" not in pattern and "*" not in pattern:
            plain.append(pattern)
        elif "?" not in pattern and "*" not in (prefix := pattern.rstrip("*")):
            prefixes.append(prefix)
        else:
            globs.append(compile_glob(pattern))
    if "" in prefixes:
        return match_everything
    if not prefixes and not globs:
        return frozenset(plain).__contains__
    if len(globs) == 1 and not plain and not prefixes:
        return globs[0]
    return _match_any(frozenset(plain), tuple(prefixes), tuple(globs))


def match_everything(_text: str) -> bool:
    """Match as `*` does."""
    return True


def compile_glob(pattern: str) -> Match:
    """Compile one pattern. In a run of wildcards their order does not matter: `*?*` is `?*`."""
    texts = _RUN.sub(lambda run: "?" * run[0].count("?") + "*" * ("*" in run[0]), pattern).split("*")
    if len(texts) == 1:
        segment = _segment(pattern)
        return lambda text: len(text) == len(pattern) and segment.at(text, 0)
    head, *middle, tail = texts
    return _match_segments(head, middle, tail) if "?" in pattern else _match_texts(head, middle, tail)


def _match_any(plain: frozenset[str], prefixes: tuple[str, ...], globs: tuple[Match, ...]) -> Match:
    def match(text: str) -> bool:
        if text in plain or text.startswith(prefixes):
            return True
        for glob in globs:  # noqa: SIM110 (a generator costs twice as much)
            if glob(text):
                return True
        return False

    return match


def _match_texts(head: str, middle: list[str], tail: str) -> Match:
    """Match texts with `*` between them: each at its first occurrence after the one before."""
    least = len(head) + len(tail)
    longest = max((*middle, tail), key=len)

    def match(text: str) -> bool:
        if longest not in text or len(text) < least:  # most texts that do not match lack it
            return False
        if not text.startswith(head) or not text.endswith(tail):
            return False
        position = len(head)
        for each in middle:
            position = text.find(each, position)
            if position < 0:
                return False
            position += len(each)
        return position <= len(text) - len(tail)

    return match


def _match_segments(head: str, middle: list[str], tail: str) -> Match:
    """Match as `_match_texts` does, where some of the texts hold a `?`."""
    first, last = _segment(head), _segment(tail)
    between = [_segment(text) for text in middle]
    least = len(head) + len(tail)
    longest = max((segment.literal for segment in (*between, last)), key=len)

    def match(text: str) -> bool:
        if longest not in text:
            return False
        end = len(text) - len(tail)
        if len(text) < least or not first.at(text, 0) or not last.at(text, end):
            return False
        position = len(head)
        for segment in between:
            position = segment.end_of_first(text, position)
            if position < 0:
                return False
        return position <= end

    return match


def _segment(text: str) -> Segment:
    wild = sum(1 << index for index, character in enumerate(text) if character == "?")
    return Segment(text, wild, max(text.split("?"), key=len))
