"""The door to time and chance: system sources never repeat themselves, seeded ones always do."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from kms_mock.sources import Sources

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@given(counts=st.lists(st.integers(0, 40_000), max_size=20))
def test_as_many_bytes_as_asked_for(counts: list[int]) -> None:
    """Whatever was drawn before, and however much at once."""
    sources = Sources.system()
    assert [len(sources.random_bytes(count)) for count in counts] == counts


def test_no_byte_is_given_twice_also_to_several_threads() -> None:
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
    assert all(UUID.fullmatch(one) for one in ids)


def test_a_seed_repeats() -> None:
    """The same seed gives the same bytes and ids in the same order, another seed others."""
    first, again, other = Sources.seeded(1), Sources.seeded(1), Sources.seeded(2)
    drawn = [(first.random_bytes(7), first.new_id()) for _ in range(5)]
    assert [(again.random_bytes(7), again.new_id()) for _ in range(5)] == drawn
    assert (other.random_bytes(7), other.new_id()) != drawn[0]
    assert Sources.system().stream() is None
    stream, same = first.stream(), again.stream()
    assert stream is not None
    assert same is not None
    assert stream(40) == same(40)
