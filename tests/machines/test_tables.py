"""A table's records are found by their tags and by their position, whatever happened to them before."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from msgspec import Struct

from kms_mock.kms.operations.results import page
from kms_mock.sources import Sources
from kms_mock.store import resource as resource_module
from kms_mock.store.resource import Resource
from kms_mock.store.store import Store, StoreState

TAGS = st.dictionaries(st.sampled_from("xyz"), st.sampled_from(["", "1", "2"]))
IDS = st.integers(0, 12).map(str)
WANTED: list[dict[str, str | None]] = [
    {},
    {"x": None},
    {"x": "1"},
    {"y": ""},
    {"z": "none"},
    {"x": "1", "y": None},
    {"x": None, "y": None},
    {"x": "2", "y": "2", "z": "1"},
]


class Item(Struct, frozen=True):
    """A record with tags."""

    id: str
    tags: dict[str, str] = {}


items = Resource(Item, "item")


@pytest.fixture(autouse=True, scope="module")
def _short_ways() -> Any:
    """Let tables of a few records be as deep as those of thousands."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resource_module, "_NEAR", 1)
        yield


class Tables(RuleBasedStateMachine):
    """A table, and all that can happen to one."""

    def __init__(self) -> None:
        super().__init__()
        self.store = Store(Sources.seeded(1), "1", "cn-hangzhou")
        self.checkpoints: list[StoreState] = []

    @property
    def table(self) -> Any:
        return self.store.partition("1", "cn-hangzhou")[items]

    @rule(name=IDS, tags=TAGS)
    def put(self, name: str, tags: dict[str, str]) -> None:
        self.table.put(Item(name, tags))
        self.store.commit()

    @rule(name=IDS)
    def remove(self, name: str) -> None:
        if name in self.table:
            self.table.remove(self.table.find(name))
        self.store.commit()

    @rule(names=st.lists(IDS, max_size=4), tags=TAGS)
    def undo(self, names: list[str], tags: dict[str, str]) -> None:
        for name in names:
            if name in self.table and not tags:
                self.table.remove(self.table.find(name))
            else:
                self.table.put(Item(name, tags))
        self.store.roll_back()

    @rule()
    def take_checkpoint(self) -> None:
        self.checkpoints.append(self.store.state())

    @precondition(lambda self: self.checkpoints)
    @rule(number=st.integers(0, 9))
    def restore_checkpoint(self, number: int) -> None:
        self.store.restore(self.checkpoints[number % len(self.checkpoints)])

    @invariant()
    def tags_lead_to_the_records_that_carry_them(self) -> None:
        for wanted in WANTED:
            assert list(self.table.tagged(wanted)) == [
                item
                for item in self.table.values()
                if all(key in item.tags and value in {None, item.tags[key]} for key, value in wanted.items())
            ]

    @invariant()
    def pages_are_the_list(self) -> None:
        listed = self.table.values()
        for size in (1, 2, 5):
            found = [page(listed, number, size)[0] for number in range(1, len(listed) // size + 3)]
            assert [item for items_of_page in found for item in items_of_page] == list(listed)
            assert all(len(items_of_page) == size for items_of_page in found[: len(listed) // size])


TestTables = Tables.TestCase
