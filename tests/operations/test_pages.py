"""Pages of a list, of which each costs what it holds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kms_mock.kms.operations.results import page


@given(total=st.integers(0, 60), size=st.integers(1, 25))
def test_every_item_is_on_one_page_in_order(total: int, size: int) -> None:
    """Whatever the size, the pages together are the list: of a list as of the values of a dict; past the end there is none."""
    items = dict.fromkeys(range(total))
    for listed in ({item: item for item in items}.values(), list(items)):
        pages = [page(listed, number, size)[0] for number in range(1, total // size + 3)]
        assert [item for found in pages for item in found] == list(items)
        assert all(len(found) == size for found in pages[: total // size])
        assert pages[-1] == []
