"""The sources of time and randomness: system sources never repeat themselves, seeded ones always do."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kms_mock.sources import Sources

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@given(counts=st.lists(st.integers(0, 40_000), max_size=20))
def test_as_many_bytes_as_asked_for(counts: list[int]) -> None:
    """Whatever was drawn before, and however much at once."""
    sources = Sources.system()
    assert [len(sources.random_bytes(count)) for count in counts] == counts


def test_no_byte_is_returned_twice_also_to_several_threads() -> None:
    """Bytes are drawn ahead: still two draws never share any, whoever draws."""
    sources = Sources.system()
    with ThreadPoolExecutor(4) as pool:
        drawn = list(pool.map(lambda _: sources.random_bytes(12), range(20_000)))
    assert len(set(drawn)) == len(drawn)
    assert not set(drawn) & {Sources.system().random_bytes(12) for _ in range(2_000)}


def test_ids_are_uuids_of_version_4() -> None:
    """Lower case, with the bits of version and variant; no two are equal."""
    sources = Sources.system()
    ids = {sources.new_id() for _ in range(5_000)}
    assert len(ids) == 5_000
    assert all(UUID.fullmatch(new_id) for new_id in ids)


def test_a_seed_repeats() -> None:
    """The same seed returns the same bytes and ids in the same order, another seed others."""
    first, again, other = Sources.seeded(1), Sources.seeded(1), Sources.seeded(2)
    drawn = [(first.random_bytes(7), first.new_id()) for _ in range(5)]
    assert [(again.random_bytes(7), again.new_id()) for _ in range(5)] == drawn
    assert (other.random_bytes(7), other.new_id()) != drawn[0]
    assert Sources.system().stream() is None
    stream, same = first.stream(), again.stream()
    assert stream is not None
    assert same is not None
    assert stream(40) == same(40)


@pytest.fixture
def in_child() -> Callable[[Callable[[], bytes]], bytes]:
    """Return a function that runs another one in a forked child and returns what that returned."""
    if not hasattr(os, "fork"):
        pytest.skip("there is no fork on this system")

    def run(work: Callable[[], bytes]) -> bytes:
        reader, writer = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns where the test run has threads
            child = os.fork()
        if child == 0:
            try:
                os.write(writer, work())
            finally:
                os._exit(0)
        os.close(writer)
        with open(reader, "rb") as pipe:  # noqa: PTH123 (a descriptor)
            data = pipe.read()
        assert os.waitpid(child, 0)[1] == 0
        return data

    return run


Run = Callable[[Callable[[], bytes]], bytes]


def test_a_child_does_not_share_what_was_drawn_ahead(in_child: Run) -> None:
    """After a fork parent and children draw different bytes: equal ones would be equal ids, keys and GCM nonces."""
    sources = Sources.system()
    sources.random_bytes(1)  # from here on thousands of bytes are there already
    drawn = [in_child(lambda: sources.random_bytes(32)) for _ in range(3)]
    drawn += [sources.random_bytes(32), in_child(lambda: Sources.system().random_bytes(32))]
    assert [len(data) for data in drawn] == [32] * 5
    assert len(set(drawn)) == 5


def test_a_seeded_child_goes_its_own_way_and_repeats(in_child: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each child of a seeded run has another stream, the same one in every run; the parent's is as without forks."""

    def run(*, forks: int) -> tuple[list[bytes], bytes]:
        monkeypatch.setattr("kms_mock.sources._forks", 0)
        sources = Sources.seeded(5)
        stream = sources.stream()
        assert stream is not None
        children = [in_child(lambda: sources.random_bytes(16) + stream(16)) for _ in range(forks)]
        return children, sources.random_bytes(16) + stream(16)

    children, parent = run(forks=3)
    assert run(forks=3) == (children, parent)
    assert run(forks=0) == ([], parent)
    halves = [data[at : at + 16] for data in (*children, parent) for at in (0, 16)]
    assert len(set(halves)) == 8


def test_a_child_of_a_child_shares_nothing_either(in_child: Run) -> None:
    """The first child of a child is not the first child of its parent."""
    sources = Sources.seeded(5)

    def nested() -> bytes:
        inner = in_child(lambda: sources.random_bytes(16))
        return inner + sources.random_bytes(16)

    first, second = in_child(nested), in_child(nested)
    drawn = {first[:16], first[16:], second[:16], second[16:], sources.random_bytes(16)}
    assert len(drawn) == 5
