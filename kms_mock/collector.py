"""Python's cyclic garbage collector, where it would only walk through what lives on."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_MANY = 100_000  # objects: a walk through them takes tens of milliseconds
_MOST = 5_000_000  # a dozen such snapshots


class _Uncounted:
    """Objects that have become old by `_make_young_objects_old`, since the last time that all were looked through."""

    count = 0


@contextmanager
def collector_paused(*, result_is_old: bool = False) -> Iterator[None]:
    """Make many objects that live on, without the collector walking through them again and again: half the time.

    With `result_is_old` many of them are old at once: it would begin with a walk through them, while everything else in
    the process waits (0.1 s for a snapshot of 100,000 secrets).

    Of two threads that pause it, the first one that is done lets it go on for both.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        if result_is_old:
            _make_young_objects_old()
        gc.enable()


def _make_young_objects_old() -> None:
    young = gc.get_count()[0]
    if young < _MANY or gc.get_freeze_count():  # what its user froze must stay so
        return
    gc.freeze()
    gc.unfreeze()  # which puts what is frozen among the oldest
    _Uncounted.count += young
    if _Uncounted.count > _MOST:  # the collector does not count them, and might never look through the old ones
        _Uncounted.count = 0
        gc.collect()
